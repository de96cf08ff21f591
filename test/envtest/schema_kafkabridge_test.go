//go:build envtest

package envtest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
)

func TestKafkaBridgeRefusals(t *testing.T) {
	refuse(t, "KafkaBridge", []refusal{
		{"no spec", `{}`, []string{"spec: Required value"}},
		{"no bootstrap servers", `spec: {replicas: 1}`, []string{"spec.bootstrapServers: Required value"}},
		{"empty bootstrap servers", `spec: {bootstrapServers: ""}`, []string{"spec.bootstrapServers", "at least 1 chars"}},
		{"negative replicas", `spec: {replicas: -1, bootstrapServers: "k:9092"}`, []string{"spec.replicas", "greater than or equal to 0"}},
		{"replicas as text", `spec: {replicas: "1", bootstrapServers: "k:9092"}`, []string{"spec.replicas", "must be of type integer"}},
		{"low port", `spec: {bootstrapServers: "k:9092", http: {port: 80}}`, []string{"spec.http.port", "greater than or equal to 1023"}},
		{"high port", `spec: {bootstrapServers: "k:9092", http: {port: 65536}}`, []string{"spec.http.port", "less than or equal to 65535"}},
		{"misspelt field", `spec: {bootstrapServer: "k:9092", bootstrapServers: "k:9092"}`, []string{`unknown field "spec.bootstrapServer"`}},
		{
			"certificate and pattern", `spec: {bootstrapServers: "k:9092", tls: {trustedCertificates: [{secretName: ca, certificate: ca.crt, pattern: "*.crt"}]}}`,
			[]string{"spec.tls.trustedCertificates[0]", "set either certificate", "or pattern"},
		},
		{
			"neither certificate nor pattern", `spec: {bootstrapServers: "k:9092", tls: {trustedCertificates: [{secretName: ca}]}}`,
			[]string{"spec.tls.trustedCertificates[0]", "not both and not neither"},
		},
		{
			"trusted certificate without Secret", `spec: {bootstrapServers: "k:9092", tls: {trustedCertificates: [{certificate: ca.crt}]}}`,
			[]string{"spec.tls.trustedCertificates[0].secretName: Required value"},
		},
		{"authentication without type", `spec: {bootstrapServers: "k:9092", authentication: {username: u}}`, []string{"spec.authentication.type: Required value"}},
		{
			"unknown authentication", `spec: {bootstrapServers: "k:9092", authentication: {type: kerberos}}`,
			[]string{"spec.authentication.type", `Unsupported value: "kerberos"`, `"scram-sha-512"`},
		},
		{"tls without certificate", `spec: {bootstrapServers: "k:9092", authentication: {type: tls}}`, []string{"spec.authentication", "type tls needs certificateAndKey"}},
		{
			"tls without key", `spec: {bootstrapServers: "k:9092", authentication: {type: tls, certificateAndKey: {secretName: u, certificate: user.crt}}}`,
			[]string{"spec.authentication.certificateAndKey.key: Required value"},
		},
		{
			"scram without password", `spec: {bootstrapServers: "k:9092", authentication: {type: scram-sha-512, username: u}}`,
			[]string{"spec.authentication", "needs username and passwordSecret"},
		},
		{
			"plain without user name", `spec: {bootstrapServers: "k:9092", authentication: {type: plain, passwordSecret: {secretName: u, password: p}}}`,
			[]string{"spec.authentication", "needs username and passwordSecret"},
		},
		{"oauth without anything", `spec: {bootstrapServers: "k:9092", authentication: {type: oauth}}`, []string{"spec.authentication", "accessToken, accessTokenLocation or tokenEndpointUri"}},
		{"custom without settings", `spec: {bootstrapServers: "k:9092", authentication: {type: custom, sasl: true}}`, []string{"spec.authentication", "sasl.mechanism and sasl.jaas.config"}},
		{"cors without methods", `spec: {bootstrapServers: "k:9092", http: {cors: {allowedOrigins: ["*"]}}}`, []string{"spec.http.cors.allowedMethods: Required value"}},
		{"https without certificate", `spec: {bootstrapServers: "k:9092", http: {tls: {}}}`, []string{"spec.http.tls.certificateAndKey: Required value"}},
		{"external logging without a place", `spec: {bootstrapServers: "k:9092", logging: {type: external}}`, []string{"spec.logging", "needs valueFrom.configMapKeyRef"}},
		{"unknown logging", `spec: {bootstrapServers: "k:9092", logging: {type: file}}`, []string{"spec.logging.type", `"inline", "external"`}},
		{"metrics without rules", `spec: {bootstrapServers: "k:9092", metricsConfig: {type: jmxPrometheusExporter}}`, []string{"spec.metricsConfig", "need valueFrom.configMapKeyRef"}},
		{"rack without label", `spec: {bootstrapServers: "k:9092", rack: {}}`, []string{"spec.rack", "topology-label needs topologyKey"}},
		{"rack without variable", `spec: {bootstrapServers: "k:9092", rack: {type: environment-variable}}`, []string{"spec.rack", "needs envVarName"}},
		{"unknown tracing", `spec: {bootstrapServers: "k:9092", tracing: {type: zipkin}}`, []string{"spec.tracing.type", `"opentelemetry"`}},
		{"probe that never comes", `spec: {bootstrapServers: "k:9092", readinessProbe: {periodSeconds: 0}}`, []string{"spec.readinessProbe.periodSeconds", "greater than or equal to 1"}},
		{"heap in kilobytes", `spec: {bootstrapServers: "k:9092", jvmOptions: {"-Xmx": 1k}}`, []string{"spec.jvmOptions.-Xmx"}},
		{
			"two sources of a volume", `spec: {bootstrapServers: "k:9092", template: {pod: {volumes: [{name: a, secret: {secretName: s}, emptyDir: {}}]}}}`,
			[]string{"spec.template.pod.volumes[0]", "exactly one of secret, configMap, emptyDir, persistentVolumeClaim, csi and image"},
		},
		{"a volume of the host", `spec: {bootstrapServers: "k:9092", template: {pod: {volumes: [{name: a, hostPath: {path: /}}]}}}`, []string{`unknown field "spec.template.pod.volumes[0].hostPath"`}},
		{
			"a variable twice", `spec: {bootstrapServers: "k:9092", template: {bridgeContainer: {env: [{name: a, value: b, valueFrom: {secretKeyRef: {name: s, key: k}}}]}}}`,
			[]string{"spec.template.bridgeContainer.env[0]", "either value or valueFrom"},
		},
		{
			"a variable from nowhere", `spec: {bootstrapServers: "k:9092", template: {bridgeContainer: {env: [{name: a, valueFrom: {}}]}}}`,
			[]string{"spec.template.bridgeContainer.env[0].valueFrom", "either secretKeyRef or configMapKeyRef"},
		},
		{"size that is none", `spec: {bootstrapServers: "k:9092", template: {pod: {tmpDirSizeLimit: big}}}`, []string{"spec.template.pod.tmpDirSizeLimit"}},
		{"unknown strategy", `spec: {bootstrapServers: "k:9092", template: {deployment: {deploymentStrategy: BlueGreen}}}`, []string{"spec.template.deployment.deploymentStrategy", `"RollingUpdate", "Recreate"`}},
		{"unknown IP family", `spec: {bootstrapServers: "k:9092", template: {apiService: {ipFamilies: [IPv5]}}}`, []string{"spec.template.apiService.ipFamilies[0]", `"IPv4", "IPv6"`}},
		{"label that is no text", `spec: {bootstrapServers: "k:9092", template: {pod: {metadata: {labels: {a: 1}}}}}`, []string{"spec.template.pod.metadata.labels.a", "must be of type string"}},
	})
}

// TestKafkaBridgeFreeMaps: settings are kept as they were written, whatever their types, in both versions.
func TestKafkaBridgeFreeMaps(t *testing.T) {
	c, namespace := cluster(t)
	for _, version := range []string{"v1", "v1beta2"} {
		o := object(t, `{"spec":{"bootstrapServers":"k:9092","replicas":0,
			"config":{"a":1,"b":"2","c":true,"d":[1,"x"],"e":{"f":{"g":null,"h":[]}},"i":1.5,"j":""},
			"consumer":{"config":{"max.poll.records":9007199254740993}},
			"jvmOptions":{"-XX":{"UseG1GC":true,"MaxGCPauseMillis":20,"X":"y"}},
			"logging":{"type":"inline","loggers":{"appender.max":5,"rootLogger.level":"INFO"}},
			"tls":{"trustedCertificates":[]},
			"resources":{"limits":{"cpu":"1000m","memory":"1024Mi"},"requests":{"cpu":1}}}}`)
		o.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: version, Kind: "KafkaBridge"})
		o.SetNamespace(namespace)
		o.SetName("free-" + version)
		wrote := content(o)
		if err := c.Create(deadline(t), o, client.FieldValidation("Strict")); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"v1", "v1beta2"} {
			read := in(other, o)
			if err := c.Get(deadline(t), client.ObjectKeyFromObject(o), read); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wrote, content(read)); diff != "" {
				t.Errorf("written in %s, read in %s (-wrote +read):\n%s", version, other, diff)
			}
		}
	}
}

// TestKafkaBridgeTyped: our own types carry what is written in one version to the other.
func TestKafkaBridgeTyped(t *testing.T) {
	c, namespace := cluster(t)
	enabled := true
	older := &v1beta2.KafkaBridge{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "typed"},
		Spec:       v1.KafkaBridgeSpec{BootstrapServers: "k:9092", EnableMetrics: &enabled, Tracing: &v1.Tracing{Type: v1.TracingJaeger}},
	}
	if err := c.Create(deadline(t), older); err != nil {
		t.Fatal(err)
	}
	var newer v1.KafkaBridge
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(older), &newer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(older.Spec, newer.Spec); diff != "" {
		t.Errorf("v1 is not what v1beta2 was (-v1beta2 +v1):\n%s", diff)
	}
	if newer.Spec.Replicas == nil || *newer.Spec.Replicas != 1 {
		t.Errorf("replicas left out became %v instead of 1", newer.Spec.Replicas)
	}
}

// TestKafkaBridgeUnknownFields: they are pruned, with a warning that kubectl shows.
func TestKafkaBridgeUnknownFields(t *testing.T) {
	c, heard := listening(t)
	_, namespace := cluster(t)
	o := object(t, `
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaBridge
metadata: {name: unknown}
spec: {bootstrapServers: "k:9092", replica: 2, http: {prot: 1}}`)
	o.SetNamespace(namespace)
	if err := c.Create(deadline(t), o); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"bootstrapServers": "k:9092", "replicas": int64(1), "http": map[string]any{}}
	if diff := cmp.Diff(want, o.Object["spec"]); diff != "" {
		t.Errorf("the specification (-want +got):\n%s", diff)
	}
	all := strings.Join(heard.text, "\n")
	for _, field := range []string{`unknown field "spec.replica"`, `unknown field "spec.http.prot"`} {
		if !strings.Contains(all, field) {
			t.Errorf("no warning says %s:\n%s", field, all)
		}
	}
}

// TestKafkaBridgeColumns: kubectl get prints the same columns in both versions, those of the reference operator.
func TestKafkaBridgeColumns(t *testing.T) {
	c, namespace := cluster(t)
	replicas := int32(3)
	bridge := &v1.KafkaBridge{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "columns"},
		Spec:       v1.KafkaBridgeSpec{Replicas: &replicas, BootstrapServers: "k:9092"},
	}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	bridge.Status.Conditions = []v1.Condition{{Type: "Warning", Status: "True"}, {Type: v1.ConditionReady, Status: "True"}}
	if err := c.Status().Update(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1", "v1beta2"} {
		columns, cells := table(t, schema.GroupVersion{Group: group, Version: version}, "kafkabridges", namespace)
		var names []string
		for _, column := range columns {
			names = append(names, column.Name)
		}
		if diff := cmp.Diff([]string{"Name", "Desired replicas", "Bootstrap Servers", "Ready"}, names); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", version, diff)
		}
		if diff := cmp.Diff([]any{"columns", 3.0, "k:9092", "True"}, cells); diff != "" {
			t.Errorf("cells of %s (-want +got):\n%s", version, diff)
		}
		if columns[2].Priority == 0 {
			t.Error("the bootstrap servers are shown without -o wide")
		}
	}
}

// TestKafkaBridgeScale: kubectl scale and autoscalers reach spec.replicas; status.replicas and the selector are what they read.
func TestKafkaBridgeScale(t *testing.T) {
	c, namespace := cluster(t)
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "scale"}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "k:9092"}}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	bridge.Status.Replicas, bridge.Status.LabelSelector = 1, "strimzi.io/name=scale-bridge"
	if err := c.Status().Update(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	scale := &autoscalingv1.Scale{}
	if err := c.SubResource("scale").Get(deadline(t), bridge, scale); err != nil {
		t.Fatal(err)
	}
	if scale.Spec.Replicas != 1 || scale.Status.Replicas != 1 || scale.Status.Selector != "strimzi.io/name=scale-bridge" {
		t.Errorf("the scale is %+v %+v", scale.Spec, scale.Status)
	}
	scale.Spec.Replicas = 0
	if err := c.SubResource("scale").Update(deadline(t), bridge, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(bridge), bridge); err != nil {
		t.Fatal(err)
	}
	if got := bridge.Spec.Replicas; got == nil || *got != 0 {
		t.Errorf("replicas are %v instead of 0", got)
	}
}

// TestKafkaBridgeStatus: a status is written apart from the specification, and a change of it is no new generation.
func TestKafkaBridgeStatus(t *testing.T) {
	c, namespace := cluster(t)
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "status"}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "k:9092"}}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	bridge.Spec.BootstrapServers = "other:9092"
	bridge.Status = v1.KafkaBridgeStatus{
		Status: v1.Status{
			Conditions:         []v1.Condition{{Type: v1.ConditionReady, Status: "True", LastTransitionTime: "2026-01-01T00:00:00Z", Reason: "r", Message: "m"}},
			ObservedGeneration: 1,
		},
		URL: "http://status-bridge-service.ns.svc:8080", Replicas: 1, LabelSelector: "a=b",
	}
	want := bridge.Status.DeepCopy()
	if err := c.Status().Update(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	var older v1beta2.KafkaBridge
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(bridge), &older); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, older.Status); diff != "" {
		t.Errorf("the status in v1beta2 (-wrote +read):\n%s", diff)
	}
	if older.Generation != 1 || older.Spec.BootstrapServers != "k:9092" {
		t.Errorf("writing the status changed the specification: %s in generation %d", older.Spec.BootstrapServers, older.Generation)
	}
}

// TestKafkaBridgeServerSideApply: a field that its only owner leaves out goes, and defaults come back.
func TestKafkaBridgeServerSideApply(t *testing.T) {
	c, namespace := cluster(t)
	apply := func(spec string) *unstructured.Unstructured {
		o := object(t, spec)
		o.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: "v1beta2", Kind: "KafkaBridge"})
		o.SetNamespace(namespace)
		o.SetName("applied")
		if err := c.Apply(deadline(t), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("test"), client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
		return o
	}
	apply(`spec: {bootstrapServers: "k:9092", replicas: 2, http: {port: 8080}, consumer: {config: {a: 1}}}`)
	o := apply(`spec: {bootstrapServers: "k:9092", consumer: {config: {b: 1}}}`)
	want := map[string]any{"bootstrapServers": "k:9092", "replicas": int64(1), "consumer": map[string]any{"config": map[string]any{"b": int64(1)}}}
	if diff := cmp.Diff(want, o.Object["spec"]); diff != "" {
		t.Errorf("after the second apply (-want +got):\n%s", diff)
	}
}
