//go:build envtest

package envtest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// askingKafka is asking, for my-cluster as my-app.
func askingKafka(name string, owner client.Object) *corev1.Pod {
	p := asking(name, owner, "ReplicaSet")
	p.Labels = map[string]string{"app": "a", names.LabelUsesCluster: "my-cluster"}
	p.Annotations = map[string]string{names.AnnotationUser: "my-app"}
	return p
}

// TestWatchdogDirect: pods that ask for a Kafka are looked at like those that ask for a KafkaBridge. One that asks for both, which
// can't be, is counted once and left alone; the others are evicted when what they ask for is there.
func TestWatchdogDirect(t *testing.T) {
	admin, namespace := cluster(t)
	looks := &atomic.Int64{}
	c := controllers(t, admin, namespace, func(o *controller.Options, w *controller.WatchdogOptions) {
		*o = controller.Options{}
		w.Interval, w.Evict = 100*time.Millisecond, true
		w.Now = func() time.Time {
			looks.Add(1)
			return time.Now().Add(time.Minute) // creation times are of whole seconds, and may lie ahead
		}
	})
	someLooks := func() {
		from := looks.Load()
		until(t, "some looks", func() (bool, string) { return looks.Load() >= from+3, "few" })
	}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "set"}, Spec: appsv1.ReplicaSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}}, Spec: asking("", nil, "").Spec},
	}}
	other := set.DeepCopy()
	other.Name = "other"
	c.make(set)
	c.make(other)
	confused := askingKafka("confused", other)
	confused.Labels[names.LabelBridge] = "my-bridge"
	with := askingKafka("with", set)
	with.Annotations[names.AnnotationInjected] = namespace + "/my-cluster"
	with.Spec.InitContainers = []corev1.Container{{Name: "steg-bridge", Image: "i", Env: []corev1.EnvVar{{Name: names.EnvProperties, Value: "a=b"}}}}
	plain := askingKafka("plain", set)
	plain.Labels = map[string]string{"app": "a"}
	for _, p := range []*corev1.Pod{askingKafka("without", set), confused, with, plain} {
		c.make(p)
	}
	c.measures("steg_pods_without_sidecar", 2)
	c.says("Pod", "without", `SidecarMissing: pod without asks for a sidecar by its label, for Kafka "my-cluster" as KafkaUser "my-app", and runs without it`)
	c.says("Pod", "confused", "SidecarMissing: pod confused asks for a sidecar by its label, for what can't be had, and runs without it")
	c.says("ReplicaSet", "set", "SidecarMissing: pod without")
	for _, name := range []string{"with", "plain"} {
		if said := c.said("Pod", name); len(said) > 0 {
			t.Errorf("%s: %q", name, said)
		}
	}

	t.Log("there is no Kafka, and then no KafkaUser")
	someLooks()
	ownCluster(t, c, namespace)
	someLooks()
	equal(t, 0.0, c.metric("steg_pods_evicted_total"))
	ownUser(t, c, namespace, "my-app", "")
	c.measures("steg_pods_evicted_total", 1)
	c.measures("steg_pods_without_sidecar", 1)
	someLooks()
	equal(t, 1.0, c.metric("steg_pods_evicted_total"))
	if err := c.read("confused", &corev1.Pod{}); err != nil {
		t.Errorf("the one that can't be is gone: %v", err)
	}
	if log := c.log.String(); strings.Contains(log, "look for pods without a sidecar") {
		t.Errorf("a look failed:\n%s", log)
	}
}
