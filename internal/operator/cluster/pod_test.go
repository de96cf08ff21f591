package cluster_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// TestTemplates: a pool's template goes before the Kafka's, one kind of object after the other.
func TestTemplates(t *testing.T) {
	c, _ := mustFor(t, file(t, "pools"))
	size := func(p cluster.Pool) string { return p.Template.Pod.Metadata.Labels["size"] }
	if size(c.Pools[0]) != "large" || size(c.Pools[2]) != "small" {
		t.Errorf("%s %s", size(c.Pools[0]), size(c.Pools[2]))
	}
	if c.Pools[0].Labels["team"] != "a" || c.Pools[0].UID == "" || len(c.Pools[2].Labels) > 0 {
		t.Errorf("%v %v", c.Pools[0], c.Pools[2].Labels)
	}
}

// TestContainers: volumes of a template can be mounted below /mnt, and variables of the operator's are left alone.
func TestContainers(t *testing.T) {
	r := resources(t, small)
	pod := &v1.KafkaPodTemplate{TemplatedVolumes: []v1.TemplatedVolume{{Name: "each"}}}
	pod.Volumes = []v1.AdditionalVolume{{Name: "all"}}
	r.Kafka.Spec.Kafka.Template = &v1.KafkaClusterTemplate{Pod: pod, KafkaContainer: &v1.ContainerTemplate{
		Env:          []v1.ContainerEnvVar{{Name: "A", Value: "b"}, {Name: "STEG_NODE_ID", Value: "7"}},
		VolumeMounts: []corev1.VolumeMount{{Name: "each", MountPath: "/mnt/each"}, {Name: "all", MountPath: "/mnt/all"}},
	}}
	c, warnings := mustFor(t, r)
	if got := c.Pools[0].Template.KafkaContainer; len(got.Env) != 1 || got.Env[0].Name != "A" || len(got.VolumeMounts) != 2 {
		t.Errorf("%+v", got)
	}
	if !warned(warnings, model.ReasonForbiddenFields, "STEG_NODE_ID is left out") {
		t.Errorf("%v", warnings)
	}
	if len(r.Kafka.Spec.Kafka.Template.KafkaContainer.Env) != 2 {
		t.Error("the resource was changed")
	}
	pod.Volumes[0].Name = "steg-own"
	_, _, err := cluster.For(r)
	refused(t, err, "spec.kafka.template.pod.volumes", "names that begin with steg- are the operator's")
	refused(t, err, "spec.kafka.template.kafkaContainer.volumeMounts", "all is not one of spec.kafka.template.pod.volumes")
}

// TestSmallHeap: where the heap is small the log cleaner gets an eighth of it, and else what Kafka gives it.
func TestSmallHeap(t *testing.T) {
	const key = "log.cleaner.dedupe.buffer.size"
	limit := func(text string) *corev1.ResourceRequirements {
		return &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(text)}}
	}
	for _, c := range []struct {
		name      string
		resources *corev1.ResourceRequirements
		heap      string
		want      string
	}{
		{"nothing said", nil, "", ""},
		{"large limit", limit("4Gi"), "", ""},
		{"small limit", limit("512Mi"), "", "33554432"},
		{"large heap", limit("512Mi"), "1g", ""},
		{"small heap", nil, "256m", "33554432"},
		{"heap in bytes", nil, "134217728", "16777216"},
		{"tiny heap", nil, "4M", "1048576"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := resources(t, small)
			r.Kafka.Spec.Kafka.Resources = c.resources
			if c.heap != "" {
				r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{Xmx: c.heap}
			}
			got, _ := mustFor(t, r)
			if value := got.Pools[0].Nodes[0].Config[key]; value != c.want {
				t.Errorf("%q", value)
			}
			got, _ = mustFor(t, set(r, map[string]string{key: "5000000"}))
			if got.Pools[0].Nodes[0].Config[key] != "" || got.Shared[key] != "5000000" {
				t.Error("the user's own value does not count")
			}
		})
	}
}

// TestJava: a pool's Java settings go before the Kafka's; a listener's go beside the user's.
func TestJava(t *testing.T) {
	r := file(t, "pools")
	r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{Xmx: "3g"}
	c, _ := mustFor(t, r)
	if c.Pools[0].JVM.Xmx != "4g" || c.Pools[1].JVM.Xmx != "3g" {
		t.Errorf("%v %v", c.Pools[0].JVM, c.Pools[1].JVM)
	}
	r = file(t, "logins")
	const property = "org.apache.kafka.sasl.oauthbearer.allowed.urls"
	c, _ = mustFor(t, r)
	if got := c.Pools[0].JVM.JavaSystemProperties; len(got) != 1 || got[0].Name != property || !strings.HasSuffix(got[0].Value, "/certs") {
		t.Errorf("%v", got)
	}
	r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{JavaSystemProperties: []v1.SystemProperty{{Name: property, Value: "mine"}, {Name: "a", Value: "b"}}}
	c, _ = mustFor(t, r)
	if got := c.Pools[0].JVM.JavaSystemProperties; len(got) != 2 || got[0].Value != "mine" {
		t.Errorf("%v", got)
	}
}

// TestRack: brokers learn their rack in the pod, controllers have none.
func TestRack(t *testing.T) {
	c, _ := mustFor(t, file(t, "pools"))
	for _, p := range c.Pools {
		if got := p.Nodes[0].Config["broker.rack"]; got != map[bool]string{true: cluster.NodeRack}[p.Broker] {
			t.Errorf("%s: %q", p.Name, got)
		}
	}
	if c.RackKey != "topology.kubernetes.io/zone" {
		t.Error(c.RackKey)
	}
}
