package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/podsecurity"
)

func read(t testing.TB, text []byte) model.BridgeResources {
	t.Helper()
	bridge := &v1.KafkaBridge{}
	if err := yaml.UnmarshalStrict(text, bridge); err != nil {
		t.Fatal(err)
	}
	bridge.Namespace, bridge.UID = "kafka", "5a8c1f0e-0000-4000-8000-000000000001"
	return model.BridgeResources{
		Bridge: bridge, DefaultImage: "registry.example.com/steg-bridge:1", SecretHashes: map[string]string{"my-bridge/password": "1234"},
		ConfigMaps: map[string]map[string]string{"my-logging": {"log4j2.properties": "rootLogger.level = WARN\n"}},
	}
}

func rendered(t testing.TB, r model.BridgeResources) []runtime.ApplyConfiguration {
	t.Helper()
	b, _, err := model.ForBridge(r)
	if err != nil {
		t.Fatal(err)
	}
	return render.Bridge(b)
}

// documents is the objects as YAML.
func documents(t testing.TB, objects []runtime.ApplyConfiguration) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes()
}

// TestGoldens renders every example, and every variant of testdata.
func TestGoldens(t *testing.T) {
	for name, dir := range map[string]string{"examples": "../../../examples/bridge", "variants": "testdata/variants"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s has no files: %v", dir, err)
		}
		for _, path := range paths {
			base := strings.TrimSuffix(filepath.Base(path), ".yaml")
			t.Run(name+"/"+base, func(t *testing.T) {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				objects := rendered(t, read(t, text))
				golden.Equal(t, name+"/"+base+".golden", documents(t, objects))
				wellFormed(t, objects)
			})
		}
	}
}

// typed reads an object as the API server would, refusing fields that its type does not have.
func typed(t testing.TB, object runtime.ApplyConfiguration) metav1.Object {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var kind metav1.TypeMeta
	if err := json.Unmarshal(text, &kind); err != nil {
		t.Fatal(err)
	}
	into, ok := map[string]metav1.Object{
		"v1 ServiceAccount": &corev1.ServiceAccount{}, "v1 ConfigMap": &corev1.ConfigMap{}, "v1 Service": &corev1.Service{},
		"networking.k8s.io/v1 NetworkPolicy": &networkingv1.NetworkPolicy{}, "policy/v1 PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		"apps/v1 Deployment": &appsv1.Deployment{}, "v1 Secret": &corev1.Secret{}, "v1 PersistentVolumeClaim": &corev1.PersistentVolumeClaim{},
		"networking.k8s.io/v1 Ingress": &networkingv1.Ingress{}, "core.strimzi.io/v1 StrimziPodSet": &setv1.StrimziPodSet{},
	}[kind.APIVersion+" "+kind.Kind]
	if !ok {
		t.Fatalf("%+v is not known to this test", kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
	return into
}

// wellFormed checks what holds for all objects: owner, labels, and that no field is claimed that nobody decided about.
func wellFormed(t *testing.T, objects []runtime.ApplyConfiguration) {
	t.Helper()
	for _, object := range objects {
		o := typed(t, object)
		owner := o.GetOwnerReferences()
		if len(owner) != 1 || owner[0].Kind != "KafkaBridge" || owner[0].APIVersion != "kafka.strimzi.io/v1" || owner[0].UID == "" ||
			*owner[0].Controller || !*owner[0].BlockOwnerDeletion {
			t.Errorf("%s: owner %+v", o.GetName(), owner)
		}
		for _, label := range []string{names.LabelKind, names.LabelCluster, names.LabelComponent, names.LabelComponentType, names.LabelManagedBy} {
			if o.GetLabels()[label] == "" {
				t.Errorf("%s has no label %s", o.GetName(), label)
			}
		}
		if o.GetNamespace() != "kafka" {
			t.Errorf("%s is in namespace %q", o.GetName(), o.GetNamespace())
		}
		text, _ := json.Marshal(object)
		for _, empty := range []string{`"status"`, `"creationTimestamp"`, `:null`, `{}`} {
			// An emptyDir says what it is by being there.
			if strings.Contains(strings.ReplaceAll(string(text), `"emptyDir":{}`, ""), empty) {
				t.Errorf("%s claims %s: %s", o.GetName(), empty, text)
			}
		}
	}
	deployment := find[*appsv1.Deployment](t, objects)
	labels := deployment.Spec.Template.Labels
	for key, value := range deployment.Spec.Selector.MatchLabels {
		if labels[key] != value || find[*corev1.Service](t, objects).Spec.Selector[key] != value {
			t.Errorf("the pods' %s=%s is not what is selected", key, labels[key])
		}
	}
}

// find returns the object of a type.
func find[T metav1.Object](t testing.TB, objects []runtime.ApplyConfiguration) T {
	t.Helper()
	for _, object := range objects {
		if o, ok := typed(t, object).(T); ok {
			return o
		}
	}
	t.Fatalf("no %T", *new(T))
	return *new(T)
}

const plain = "metadata: {name: my-bridge}\nspec:\n  bootstrapServers: k:9092\n"

// TestRestricted: unless the user says otherwise, the pods may run in a namespace that enforces the standard.
func TestRestricted(t *testing.T) {
	for _, text := range []string{
		plain, plain + "  tls: {trustedCertificates: [{secretName: a, pattern: '*'}]}\n  http: {tls: {certificateAndKey: {secretName: s, certificate: c, key: k}}}",
	} {
		deployment := find[*appsv1.Deployment](t, rendered(t, read(t, []byte(text))))
		if problems := podsecurity.Restricted(deployment.Spec.Template.Spec); problems != nil {
			t.Error(problems)
		}
	}
}

// TestNoReplicas: with 0 replicas all objects stay; only that number differs.
func TestNoReplicas(t *testing.T) {
	one, none := documents(t, rendered(t, read(t, []byte(plain)))), documents(t, rendered(t, read(t, []byte(plain+"  replicas: 0"))))
	if diff := cmp.Diff(strings.ReplaceAll(string(one), "replicas: 1", "replicas: 0"), string(none)); diff != "" {
		t.Error(diff)
	}
}

// TestWhatRolls: a password and a setting change the pod template, the content of certificates does not, nor does what
// concerns other objects only.
func TestWhatRolls(t *testing.T) {
	const secured = plain + "  authentication: {type: plain, username: u, passwordSecret: {secretName: my-bridge, password: password}}\n" +
		"  tls: {trustedCertificates: [{secretName: ca, certificate: ca.crt}]}\n"
	template := func(text string, change func(*model.BridgeResources)) string {
		r := read(t, []byte(text))
		if change != nil {
			change(&r)
		}
		out, err := yaml.Marshal(find[*appsv1.Deployment](t, rendered(t, r)).Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	hashes := func(key, hash string) func(*model.BridgeResources) {
		return func(r *model.BridgeResources) {
			r.SecretHashes = map[string]string{"my-bridge/password": "1234", key: hash}
		}
	}
	before := template(secured, nil)
	for name, after := range map[string]string{
		"password": template(secured, hashes("my-bridge/password", "other")),
		"setting":  template(secured+"  producer: {config: {acks: 1}}", nil),
		"image":    template(secured, func(r *model.BridgeResources) { r.DefaultImage = "newer" }),
		"CORS":     template(secured+"  http: {cors: {allowedOrigins: [a], allowedMethods: [GET]}}", nil),
		"HTTPS":    template(secured+"  http: {tls: {certificateAndKey: {secretName: s, certificate: c, key: k}}}", nil),
	} {
		if after == before {
			t.Errorf("%s: the pods would go on as they are", name)
		}
	}
	const https = secured + "  http: {tls: {certificateAndKey: {secretName: s, certificate: c, key: k}, config: {ssl.enabled.protocols: "
	if template(https+"TLSv1.3}}}", nil) == template(https+"TLSv1.2}}}", nil) {
		t.Error("protocols of the API: the pods would go on as they are")
	}
	for name, after := range map[string]string{
		"certificate": template(secured, hashes("ca/ca.crt", "other")),
		"replicas":    template(secured+"  replicas: 5", nil),
		"Service":     template(secured+"  template: {apiService: {metadata: {labels: {a: b}}}}", nil),
	} {
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: the pods would be rolled:\n%s", name, diff)
		}
	}
}

// TestLeftOut: the two objects that an installation may not want.
func TestLeftOut(t *testing.T) {
	r := read(t, []byte(plain))
	r.WithoutNetworkPolicy, r.WithoutPodDisruptionBudget = true, true
	var kinds []string
	for _, object := range rendered(t, r) {
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", typed(t, object)), "*v1."))
	}
	if want := []string{"ServiceAccount", "ConfigMap", "Service", "Deployment"}; !slices.Equal(kinds, want) {
		t.Errorf("got %v", kinds)
	}
}

// TestValueIsNotChanged: rendering twice gives the same, and leaves the value alone.
func TestValueIsNotChanged(t *testing.T) {
	text, err := os.ReadFile("../../../examples/bridge/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := model.ForBridge(read(t, text))
	if err != nil {
		t.Fatal(err)
	}
	hash := b.ConfigHash()
	one, other := documents(t, render.Bridge(b)), documents(t, render.Bridge(b))
	if diff := cmp.Diff(string(one), string(other)); diff != "" || b.ConfigHash() != hash {
		t.Error(diff)
	}
}
