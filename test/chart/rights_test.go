//go:build helm

package chart

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// setup is what decides which rights are needed.
type setup struct {
	kafka, topic, user, bridge, inject                 bool
	checkSecrets, evict, elect, issues, imports, merge bool
}

// values are those of the chart.
func (s setup) values() string {
	var controllers []string
	for _, c := range []struct {
		name string
		runs bool
	}{{"kafka", s.kafka}, {"topic", s.topic}, {"user", s.user}, {"bridge", s.bridge}, {"inject", s.inject}} {
		if c.runs {
			controllers = append(controllers, c.name)
		}
	}
	return fmt.Sprintf("controllers: [%s]\nwebhook: {checkSecrets: %t, certManager: {enabled: %t}}\nwatchdog: {evict: %t}\nleaderElection: {enable: %t}\ntopics: {import: %t, bidirectional: %t}\n",
		strings.Join(controllers, ", "), s.checkSecrets, !s.issues, s.evict, s.elect, s.imports, s.merge)
}

// rights are verbs on resources, as "scope group/resource[name] verb". The scope is own for the operator's namespace, each
// for each that is looked after, all for the cluster.
type rights map[string]bool

func (r rights) add(scope, group, resource, name string, verbs ...string) {
	for _, verb := range verbs {
		r[fmt.Sprintf("%s %s/%s[%s] %s", scope, group, resource, name, verb)] = true
	}
}

// owned are the verbs on objects that are applied, watched, and pruned: to apply what is not there yet takes create and patch.
var owned = []string{"get", "list", "watch", "create", "patch", "delete"}

// needed are the rights that the operator's code uses. Those on the objects of deployed bridges follow from what is
// rendered; the others are listed with who uses them.
func (s setup) needed(t *testing.T) rights {
	t.Helper()
	r := rights{}
	const strimzi = v1.Group
	if s.bridge || s.inject {
		r.add("each", strimzi, "kafkabridges", "", "get", "list", "watch") // the cache, and the webhook past it
	}
	r.add("each", "", "configmaps", "", "get") // logging that a resource refers to
	r.add("each", "events.k8s.io", "events", "", "create", "patch")
	s.clusters(r)
	if s.bridge {
		for gk := range renderedKinds(t) {
			plural, _ := meta.UnsafeGuessKindToResource(gk.WithVersion("v1"))
			r.add("each", gk.Group, plural.Resource, "", owned...)
		}
		r.add("each", "", "secrets", "", "get") // what a deployed bridge mounts, for its hash
		r.add("each", strimzi, "kafkabridges/status", "", "update")
		r.add("each", strimzi, "kafkabridges/finalizers", "", "update") // blockOwnerDeletion, where OwnerReferencesPermissionEnforcement is on
	}
	if s.inject {
		r.add("each", strimzi, "kafkas", "", "get") // that a pod names
		r.add("each", strimzi, "kafkausers", "", "get")
		r.add("each", "", "pods", "", "list", "watch") // the watchdog and the rollout
		r.add("each", "apps", "replicasets", "", "get")
		for _, workload := range []string{"deployments", "statefulsets", "daemonsets"} {
			r.add("each", "apps", workload, "", "get", "patch") // steg.dev/rollout-strategy: Workload
		}
		if s.evict {
			r.add("each", "", "pods/eviction", "", "create")
		}
		if s.checkSecrets {
			r.add("each", "", "secrets", "", "get")
		}
	} else if s.checkSecrets {
		r.add("each", "", "secrets", "", "get")
	}
	if s.elect {
		r.add("own", "coordination.k8s.io", "leases", "steg-operator", "get", "update")
		r.add("own", "coordination.k8s.io", "leases", "", "create")
		r.add("own", "", "events", "", "create", "patch")
	}
	if s.issues {
		r.add("own", "", "secrets", "steg-operator-webhook-cert", "get", "update")
		r.add("own", "", "secrets", "", "create")
		if s.inject {
			r.add("all", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "steg-operator", "get", "patch")
		}
		if s.bridge {
			r.add("all", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "steg-operator", "get", "patch")
		}
	}
	return r
}

// clusters adds the rights that Kafka clusters, topics and users take.
func (s setup) clusters(r rights) {
	const strimzi, podsets = v1.Group, "core.strimzi.io"
	if s.kafka || s.topic || s.user {
		r.add("each", strimzi, "kafkas", "", "get", "list", "watch")
		r.add("each", "", "secrets", "", "get") // the operator's own certificate
	}
	if s.kafka {
		r.add("each", strimzi, "kafkanodepools", "", "get", "list", "watch")
		for _, resource := range []string{"kafkas", "kafkanodepools"} {
			r.add("each", strimzi, resource+"/status", "", "update")
			r.add("each", strimzi, resource+"/finalizers", "", "update")
		}
		r.add("each", podsets, "strimzipodsets", "", owned...)
		r.add("each", podsets, "strimzipodsets/status", "", "update")
		r.add("each", podsets, "strimzipodsets/finalizers", "", "update")
		for _, resource := range []string{"serviceaccounts", "services", "configmaps", "persistentvolumeclaims", "pods"} {
			r.add("each", "", resource, "", owned...)
		}
		r.add("each", "", "pods/resize", "", "update")
		r.add("each", "networking.k8s.io", "networkpolicies", "", owned...)
		r.add("each", "networking.k8s.io", "ingresses", "", owned...)
		r.add("each", "policy", "poddisruptionbudgets", "", owned...)
		r.add("cluster", "", "nodes", "", "get")                        // addresses for node ports, and racks
		r.add("cluster", "storage.k8s.io", "storageclasses", "", "get") // whether claims may grow
	}
	if s.kafka || s.user {
		r.add("each", "", "secrets", "", "get", "create", "update", "patch", "delete")
		r.add("each", "", "configmaps", "", owned...)
	}
	if s.topic {
		r.add("each", strimzi, "kafkatopics", "", "get", "list", "watch", "patch")
		r.add("each", strimzi, "kafkatopics/status", "", "update")
		if s.imports || s.merge {
			r.add("each", strimzi, "kafkatopics", "", "create")
		}
		if s.merge {
			r.add("each", strimzi, "kafkatopics", "", "delete")
		}
	}
	if s.user {
		r.add("each", strimzi, "kafkausers", "", "get", "list", "watch")
		r.add("each", strimzi, "kafkausers/status", "", "update")
		r.add("each", strimzi, "kafkausers/finalizers", "", "update")
	}
}

// renderedKinds are those of the objects that are made for the examples, whose tests show that all is in them.
func renderedKinds(t *testing.T) map[schema.GroupKind]bool {
	t.Helper()
	paths, err := filepath.Glob("../../examples/bridge/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.GroupKind]bool{}
	for _, path := range paths {
		for _, doc := range strings.Split(content(t, path), "\n---\n") {
			bridge := &v1.KafkaBridge{}
			if err := yaml.Unmarshal([]byte(doc), bridge); err != nil {
				t.Fatal(path, err)
			}
			if bridge.Kind != "KafkaBridge" {
				continue
			}
			b, _, err := model.ForBridge(model.BridgeResources{Bridge: bridge, DefaultImage: "x"})
			if err != nil {
				continue // it refers to a ConfigMap
			}
			for _, o := range render.Bridge(b) {
				text, err := json.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				var typed struct{ APIVersion, Kind string }
				if err := json.Unmarshal(text, &typed); err != nil {
					t.Fatal(err)
				}
				kinds[schema.FromAPIVersionAndKind(typed.APIVersion, typed.Kind).GroupKind()] = true
			}
		}
	}
	if len(kinds) < 6 {
		t.Fatalf("only %v", kinds)
	}
	return kinds
}

// granted are the rights that the chart's roles give to the operator.
func granted(t *testing.T, objects []object) rights {
	t.Helper()
	scopes := map[string]string{"Role/steg-operator": "own", "ClusterRole/steg-operator-namespaced": "each", "ClusterRole/steg-operator-global": "all", "ClusterRole/steg-operator-cluster": "cluster"}
	r := rights{}
	for _, o := range objects {
		kind := o.text("kind")
		if kind != "Role" && kind != "ClusterRole" || strings.HasSuffix(o.name(), "/steg-operator-uninstall") {
			continue // the latter is bound to an account that only the hook before an uninstall has
		}
		scope := scopes[o.name()]
		if scope == "" {
			t.Fatalf("%s: whose is it?", o.name())
		}
		if !slices.ContainsFunc(objects, func(b object) bool { return boundTo(b, o) }) {
			t.Errorf("%s is bound to nobody", o.name())
		}
		for _, rule := range list(o["rules"]) {
			if len(rule["resourceNames"]) == 0 {
				rule["resourceNames"] = []string{""}
			}
			for _, group := range rule["apiGroups"] {
				for _, resource := range rule["resources"] {
					for _, name := range rule["resourceNames"] {
						r.add(scope, group, resource, name, rule["verbs"]...)
					}
				}
			}
		}
	}
	return r
}

// boundTo reports whether b binds the role to the operator.
func boundTo(b, role object) bool {
	subjects, _ := b["subjects"].([]any)
	if len(subjects) != 1 || b.text("roleRef", "kind") != role.text("kind") || b.text("roleRef", "name") != role.text("metadata", "name") {
		return false
	}
	who, _ := subjects[0].(map[string]any)
	return who["name"] == "steg-operator" && who["namespace"] == space
}

// list reads the rules of a role.
func list(rules any) []map[string][]string {
	var out []map[string][]string
	text, err := json.Marshal(rules)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err) // what was rendered is no role
	}
	return out
}

// The chart gives the operator what it needs, and nothing more, whatever it is set up for.
func TestRights(t *testing.T) {
	whatever := []bool{false, true}
	for _, controllers := range []setup{
		{bridge: true},
		{inject: true},
		{bridge: true, inject: true},
		{kafka: true},
		{topic: true},
		{user: true},
		{topic: true, imports: true},
		{user: true, inject: true},
		{kafka: true, topic: true, user: true, bridge: true, inject: true},
		{kafka: true, topic: true, merge: true, inject: true},
	} {
		for _, check := range whatever {
			for _, other := range whatever {
				s := controllers
				s.checkSecrets, s.evict, s.elect, s.issues = check, other, other, other
				want, got := s.needed(t), granted(t, rendered(t, s.values()))
				for _, right := range slices.Sorted(maps.Keys(want)) {
					if !got[right] {
						t.Errorf("%+v: missing: %s", s, right)
					}
				}
				for _, right := range slices.Sorted(maps.Keys(got)) {
					if !want[right] {
						t.Errorf("%+v: too many: %s", s, right)
					}
				}
			}
		}
	}
}

// Nobody lists Secrets, and nobody gives rights away.
func TestRightsThatAreNeverGiven(t *testing.T) {
	for name, path := range valuesFiles(t) {
		for right := range granted(t, rendered(t, content(t, path))) {
			if strings.Contains(right, "*") || strings.Contains(right, "rbac.authorization.k8s.io") || strings.Contains(right, "escalate") ||
				strings.Contains(right, "/secrets[] list") || strings.Contains(right, "/secrets[] watch") || strings.Contains(right, "pods/exec") {
				t.Errorf("%s: %s", name, right)
			}
		}
	}
}

// With namespaces to look after, the rights are bound in each of them and in no other.
func TestRightsByNamespace(t *testing.T) {
	var in []string
	for _, o := range rendered(t, content(t, filepath.Join(chartDir, "testdata", "namespaces.values.yaml"))) {
		if o.text("roleRef", "name") == "steg-operator-namespaced" {
			in = append(in, o.text("kind")+" "+o.text("metadata", "namespace"))
		}
	}
	slices.Sort(in)
	if want := []string{"RoleBinding kafka", "RoleBinding team-a", "RoleBinding team-b"}; !slices.Equal(in, want) {
		t.Errorf("bound: %v", in)
	}
}
