//go:build envtest

package envtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const plainListener = `listeners: [{name: plain, port: 9092, type: internal, tls: false}]`

func kafka(text string) string {
	return fmt.Sprintf("spec: {kafka: {%s, %s}}", plainListener, text)
}

func beside(text string) string {
	return fmt.Sprintf("spec: {kafka: {%s}, %s}", plainListener, text)
}

func listeners(text string) string {
	return fmt.Sprintf("spec: {kafka: {listeners: [%s]}}", text)
}

func TestKafkaRefusals(t *testing.T) {
	refuse(t, "Kafka", []refusal{
		{"no spec", `{}`, []string{"spec: Required value"}},
		{"no kafka", `spec: {}`, []string{"spec.kafka: Required value"}},
		{"no listeners", `spec: {kafka: {replicas: 3}}`, []string{"spec.kafka.listeners: Required value"}},
		{"empty listeners", listeners(""), []string{"spec.kafka.listeners", "at least 1 items"}},
		{"no replicas", kafka("replicas: 0"), []string{"spec.kafka.replicas", "greater than or equal to 1"}},
		{"listener without tls", listeners(`{name: a, port: 9092, type: internal}`), []string{"spec.kafka.listeners[0].tls: Required value"}},
		{"listener name in capitals", listeners(`{name: Plain, port: 9092, type: internal, tls: false}`), []string{"spec.kafka.listeners[0].name", "^[a-z0-9]{1,11}$"}},
		{"listener name too long", listeners(`{name: abcdefghijkl, port: 9092, type: internal, tls: false}`), []string{"spec.kafka.listeners[0].name"}},
		{
			"listener name twice", listeners(`{name: a, port: 9092, type: internal, tls: false}, {name: a, port: 9093, type: internal, tls: false}`),
			[]string{`spec.kafka.listeners[1]: Duplicate value: {"name":"a"}`},
		},
		{"low listener port", listeners(`{name: a, port: 9091, type: internal, tls: false}`), []string{"spec.kafka.listeners[0].port", "greater than or equal to 9092"}},
		{"port of the metrics", listeners(`{name: a, port: 9404, type: internal, tls: false}`), []string{"spec.kafka.listeners[0]", "9404 or 9999"}},
		{"unknown listener type", listeners(`{name: a, port: 9092, type: external, tls: false}`), []string{"spec.kafka.listeners[0].type", `"nodeport"`}},
		{
			"certificates without TLS", listeners(`{name: a, port: 9092, type: internal, tls: false, authentication: {type: tls}}`),
			[]string{"spec.kafka.listeners[0]", "needs tls: true on the listener"},
		},
		{"ingress without TLS", listeners(`{name: a, port: 9092, type: ingress, tls: false}`), []string{"spec.kafka.listeners[0]", "route, tlsroute or ingress needs tls: true"}},
		{
			"unknown listener authentication", listeners(`{name: a, port: 9092, type: internal, tls: false, authentication: {type: plain}}`),
			[]string{"spec.kafka.listeners[0].authentication.type", `"scram-sha-512"`},
		},
		{
			"certificate without key", listeners(`{name: a, port: 9092, type: internal, tls: true, configuration: {brokerCertChainAndKey: {secretName: s, certificate: c}}}`),
			[]string{"spec.kafka.listeners[0].configuration.brokerCertChainAndKey.key: Required value"},
		},
		{"storage without type", kafka(`storage: {size: 1Gi}`), []string{"spec.kafka.storage.type: Required value"}},
		{"claim without size", kafka(`storage: {type: persistent-claim}`), []string{"spec.kafka.storage", "needs size, such as 10Gi"}},
		{"size that is none", kafka(`storage: {type: persistent-claim, size: 10GB}`), []string{"spec.kafka.storage.size"}},
		{"jbod without volumes", kafka(`storage: {type: jbod}`), []string{"spec.kafka.storage", "type jbod needs volumes"}},
		{"volume without id", kafka(`storage: {type: jbod, volumes: [{type: ephemeral}]}`), []string{"spec.kafka.storage.volumes[0].id: Required value"}},
		{"volume without size", kafka(`storage: {type: jbod, volumes: [{id: 0, type: persistent-claim}]}`), []string{"spec.kafka.storage.volumes[0]", "needs size"}},
		{
			"volume twice", kafka(`storage: {type: jbod, volumes: [{id: 0, type: ephemeral}, {id: 0, type: ephemeral}]}`),
			[]string{`spec.kafka.storage.volumes[1]: Duplicate value: {"id":0}`},
		},
		{"volumes in volumes", kafka(`storage: {type: jbod, volumes: [{id: 0, type: jbod}]}`), []string{"spec.kafka.storage.volumes[0].type", `"ephemeral", "persistent-claim"`}},
		{"authorization without type", kafka(`authorization: {superUsers: [a]}`), []string{"spec.kafka.authorization.type: Required value"}},
		{"custom authorization without class", kafka(`authorization: {type: custom}`), []string{"spec.kafka.authorization", "needs authorizerClass"}},
		{"rack without label", kafka(`rack: {}`), []string{"spec.kafka.rack", "needs topologyKey"}},
		{"quotas without type", kafka(`quotas: {producerByteRate: 1}`), []string{"spec.kafka.quotas.type: Required value"}},
		{"share above one", kafka(`quotas: {type: strimzi, minAvailableRatioPerVolume: 1.5}`), []string{"minAvailableRatioPerVolume", "less than or equal to 1"}},
		{
			"two sources of a templated volume", kafka(`template: {pod: {templatedVolumes: [{name: a, secret: {secretName: s}, configMap: {name: c}}]}}`),
			[]string{"spec.kafka.template.pod.templatedVolumes[0]", "exactly one of secret, configMap and persistentVolumeClaim"},
		},
		{"renewal after the end", beside(`clusterCa: {validityDays: 20}`), []string{"spec.clusterCa", "validityDays (365 if absent) must be greater than renewalDays"}},
		{
			"zookeeper without storage", beside(`zookeeper: {replicas: 3}`),
			[]string{"spec.zookeeper.storage: Required value"},
		},
		{"misspelt field", kafka(`replica: 3`), []string{`unknown field "spec.kafka.replica"`}},
	})
}

func TestKafkaNodePoolRefusals(t *testing.T) {
	refuse(t, "KafkaNodePool", []refusal{
		{"no replicas", `spec: {roles: [broker], storage: {type: ephemeral}}`, []string{"spec.replicas: Required value"}},
		{"no storage", `spec: {replicas: 1, roles: [broker]}`, []string{"spec.storage: Required value"}},
		{"no roles", `spec: {replicas: 1, storage: {type: ephemeral}}`, []string{"spec.roles: Required value"}},
		{"empty roles", `spec: {replicas: 1, roles: [], storage: {type: ephemeral}}`, []string{"spec.roles", "at least 1 items"}},
		{"unknown role", `spec: {replicas: 1, roles: [zookeeper], storage: {type: ephemeral}}`, []string{"spec.roles[0]", `"controller", "broker"`}},
		{"role twice", `spec: {replicas: 1, roles: [broker, broker], storage: {type: ephemeral}}`, []string{`spec.roles[1]: Duplicate value: "broker"`}},
		{"negative replicas", `spec: {replicas: -1, roles: [broker], storage: {type: ephemeral}}`, []string{"spec.replicas", "greater than or equal to 0"}},
	})
}

func TestKafkaTopicRefusals(t *testing.T) {
	refuse(t, "KafkaTopic", []refusal{
		{"no partitions", `spec: {partitions: 0}`, []string{"spec.partitions", "greater than or equal to 1"}},
		{"no replicas", `spec: {replicas: 0}`, []string{"spec.replicas", "greater than or equal to 1"}},
		{"too many replicas", `spec: {replicas: 32768}`, []string{"spec.replicas", "less than or equal to 32767"}},
		{"name with a blank", `spec: {topicName: "my topic"}`, []string{"spec.topicName", "^[a-zA-Z0-9._-]+$"}},
		{"name too long", `spec: {topicName: "` + strings.Repeat("a", 250) + `"}`, []string{"spec.topicName", "249"}},
	})
}

func acl(text string) string {
	return fmt.Sprintf("spec: {authorization: {type: simple, acls: [%s]}}", text)
}

func TestKafkaUserRefusals(t *testing.T) {
	refuse(t, "KafkaUser", []refusal{
		{"unknown authentication", `spec: {authentication: {type: plain}}`, []string{"spec.authentication.type", `"tls-external"`}},
		{"validity of a password", `spec: {authentication: {type: scram-sha-512, validityDays: 10, renewalDays: 1}}`, []string{"spec.authentication", "for authentication of type tls only"}},
		{"validity without renewal", `spec: {authentication: {type: tls, validityDays: 10}}`, []string{"spec.authentication", "set both validityDays and renewalDays"}},
		{"renewal after the end", `spec: {authentication: {type: tls, validityDays: 10, renewalDays: 10}}`, []string{"spec.authentication", "renewalDays must be smaller"}},
		{"authorization without rules", `spec: {authorization: {type: simple}}`, []string{"spec.authorization.acls: Required value"}},
		{"rule without operation", acl(`{resource: {type: topic, name: a}}`), []string{"spec.authorization.acls[0]", "a rule needs operations"}},
		{"rule without resource", acl(`{operations: [Read]}`), []string{"spec.authorization.acls[0].resource: Required value"}},
		{"unknown operation", acl(`{resource: {type: topic, name: a}, operations: [Peek]}`), []string{"spec.authorization.acls[0].operations[0]", `"Describe"`}},
		{"topic without name", acl(`{resource: {type: topic}, operations: [Read]}`), []string{"spec.authorization.acls[0].resource", "needs name"}},
		{"unknown pattern", acl(`{resource: {type: topic, name: a, patternType: regex}, operations: [Read]}`), []string{"patternType", `"literal", "prefix"`}},
		{"negative quota", `spec: {quotas: {producerByteRate: -1}}`, []string{"spec.quotas.producerByteRate"}},
		{"password from nowhere", `spec: {authentication: {type: scram-sha-512, password: {}}}`, []string{"spec.authentication.password.valueFrom: Required value"}},
	})
}

func TestStrimziPodSetRefusals(t *testing.T) {
	refuse(t, "StrimziPodSet", []refusal{
		{"no selector", `spec: {pods: []}`, []string{"spec.selector: Required value"}},
		{"no pods", `spec: {selector: {}}`, []string{"spec.pods: Required value"}},
	})
}

// TestStrimziPodSetPods: pods are kept whole, whatever is in them.
func TestStrimziPodSetPods(t *testing.T) {
	c, namespace := cluster(t)
	o := object(t, `
apiVersion: core.strimzi.io/v1beta2
kind: StrimziPodSet
metadata: {name: pods}
spec:
  selector: {matchLabels: {a: b}}
  pods:
  - {apiVersion: v1, kind: Pod, metadata: {name: p, creationTimestamp: null}, spec: {containers: [{name: c, image: i, future: [1, {x: y}]}]}}`)
	o.SetNamespace(namespace)
	wrote := content(o)
	if err := c.Create(deadline(t), o, client.FieldValidation("Strict")); err != nil {
		t.Fatal(err)
	}
	read := in("v1", o)
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(o), read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wrote, content(read)); diff != "" {
		t.Errorf("the pods (-wrote +read):\n%s", diff)
	}
}

// columns is what kubectl get prints of an object with the given specification and status.
type columns struct {
	kind, plural, object string
	names                []string
	cells                []any
	wide                 int // how many columns, from the last one, are shown with -o wide only
}

// TestColumns: the columns are those of the reference operator, in every version, so that kubectl get and scripts show what
// they are used to.
func TestColumns(t *testing.T) {
	serveOlder(t, clientFor(t, server))
	for _, tc := range []columns{
		{
			"Kafka", "kafkas", `{spec: {kafka: {replicas: 3, ` + plainListener + `}, zookeeper: {replicas: 5, storage: {type: ephemeral}}},
				status: {conditions: [{type: Ready, status: "True"}, {type: Warning, status: "True"}], kafkaVersion: 4.3.1, kafkaMetadataVersion: 4.3-IV0}}`,
			[]string{"Name", "Desired Kafka replicas", "Desired ZK replicas", "Ready", "Warnings", "Kafka version", "Metadata version"},
			[]any{"columns", 3.0, 5.0, "True", "True", "4.3.1", "4.3-IV0"},
			2,
		},
		{
			"KafkaNodePool", "kafkanodepools", `{spec: {replicas: 2, roles: [broker], storage: {type: ephemeral}}, status: {roles: [broker], nodeIds: [3, 4]}}`,
			[]string{"Name", "Desired replicas", "Roles", "NodeIds"},
			[]any{"columns", 2.0, `["broker"]`, "[3,4]"},
			0,
		},
		{
			"KafkaTopic", "kafkatopics", `{metadata: {labels: {strimzi.io/cluster: c}}, spec: {partitions: 50, replicas: 3}, status: {conditions: [{type: Ready, status: "True"}]}}`,
			[]string{"Name", "Cluster", "Partitions", "Replication factor", "Ready"},
			[]any{"columns", "c", 50.0, 3.0, "True"},
			0,
		},
		{
			"KafkaUser", "kafkausers", `{metadata: {labels: {strimzi.io/cluster: c}}, spec: {authentication: {type: tls}, authorization: {type: simple, acls: []}}, status: {conditions: [{type: Ready, status: "True"}]}}`,
			[]string{"Name", "Cluster", "Authentication", "Authorization", "Ready"},
			[]any{"columns", "c", "tls", "simple", "True"},
			0,
		},
		{
			"StrimziPodSet", "strimzipodsets", `{spec: {selector: {}, pods: []}, status: {pods: 3, readyPods: 2, currentPods: 1}}`,
			[]string{"Name", "Pods", "Ready Pods", "Current Pods", "Age"},
			[]any{"columns", 3.0, 2.0, 1.0, "0s"},
			0,
		},
	} {
		t.Run(tc.kind, func(t *testing.T) { checkColumns(t, tc) })
	}
}

func checkColumns(t *testing.T, tc columns) {
	c, namespace := cluster(t)
	o := object(t, tc.object)
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: groupOf(tc.kind), Version: "v1beta2", Kind: tc.kind})
	o.SetNamespace(namespace)
	o.SetName("columns")
	status := o.Object["status"]
	if err := c.Create(deadline(t), o); err != nil {
		t.Fatal(err)
	}
	o.Object["status"] = status
	if err := c.Status().Update(deadline(t), o); err != nil {
		t.Fatal(err)
	}
	for _, version := range servedVersions(t, c)[tc.kind] {
		shown, cells := table(t, schema.GroupVersion{Group: groupOf(tc.kind), Version: version}, tc.plural, namespace)
		var names []string
		wide := 0
		for _, column := range shown {
			names = append(names, column.Name)
			if column.Priority > 0 {
				wide++
			}
		}
		if last := len(names) - 1; names[last] == "Age" {
			cells[last] = "0s" // however long it took
		}
		if diff := cmp.Diff(tc.names, names); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", version, diff)
		}
		if diff := cmp.Diff(tc.cells, cells); diff != "" {
			t.Errorf("cells of %s (-want +got):\n%s", version, diff)
		}
		if wide != tc.wide {
			t.Errorf("%s shows %d columns with -o wide only, not %d", version, wide, tc.wide)
		}
	}
}

// TestNames: short names and the category, as kubectl resolves them; every schema is structural.
func TestNames(t *testing.T) {
	c, _ := cluster(t)
	got := map[string]string{}
	for _, crd := range definitions(t, c) {
		names := crd.Status.AcceptedNames
		got[crd.Name] = fmt.Sprint(names.ShortNames, names.Categories)
		for _, condition := range crd.Status.Conditions {
			if condition.Type == apiextensionsv1.NonStructuralSchema && condition.Status == apiextensionsv1.ConditionTrue {
				t.Errorf("the schema of %s is not structural: %s", crd.Name, condition.Message)
			}
		}
	}
	want := map[string]string{
		"kafkas.kafka.strimzi.io": "[k] [strimzi]", "kafkabridges.kafka.strimzi.io": "[kb] [strimzi]", "kafkanodepools.kafka.strimzi.io": "[knp] [strimzi]",
		"kafkatopics.kafka.strimzi.io": "[kt] [strimzi]", "kafkausers.kafka.strimzi.io": "[ku] [strimzi]", "strimzipodsets.core.strimzi.io": "[sps] [strimzi]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestKafkaListenerPeers: an empty list of peers lets nobody in, none lets everybody in; the two stay apart.
func TestKafkaListenerPeers(t *testing.T) {
	c, namespace := cluster(t)
	o := object(t, `{apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: {name: peers}, spec: {kafka: {listeners: [
		{name: nobody, port: 9092, type: internal, tls: false, networkPolicyPeers: []}, {name: everybody, port: 9093, type: internal, tls: false}]}}}`)
	o.SetNamespace(namespace)
	if err := c.Create(deadline(t), o); err != nil {
		t.Fatal(err)
	}
	read := in("v1", o)
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(o), read); err != nil {
		t.Fatal(err)
	}
	list, _, err := unstructured.NestedSlice(read.Object, "spec", "kafka", "listeners")
	if err != nil {
		t.Fatal(err)
	}
	for _, listener := range list {
		listener := listener.(map[string]any)
		if _, given := listener["networkPolicyPeers"]; given != (listener["name"] == "nobody") {
			t.Errorf("listener %s: peers given: %v", listener["name"], given)
		}
	}
}
