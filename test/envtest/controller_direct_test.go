//go:build envtest

package envtest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
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

// directWorld is what looks after pods that ask for the Kafka my-cluster, which is in the first of two namespaces, with the
// rights of an operator that looks after KafkaUsers too.
type directWorld struct {
	*controlled
	other string
	kafka *v1.Kafka
	user  *v1.KafkaUser
}

func newDirectWorld(t *testing.T) *directWorld {
	t.Helper()
	admin, namespace := cluster(t)
	_, other := cluster(t)
	both := []string{namespace, other}
	rights := limited(t, server, admin, both, []rbacv1.PolicyRule{
		rule(v1.Group, "kafkas kafkausers", "get", "list", "watch"),
		rule("", "pods", "list", "watch"),
		rule("events.k8s.io", "events", "create", "patch"),
	})
	w := &directWorld{other: other}
	w.controlled = managed(t, admin, both, rights, func(mgr manager.Manager, metrics *controller.Metrics, log *slog.Logger) error {
		pods, err := controller.AskingPods(mgr, both)
		if err != nil {
			return err
		}
		return controller.SetupDirect(mgr, controller.DirectOptions{
			Pods: pods, Namespaces: both, Defaults: sidecarDefaults(), Metrics: metrics, Log: log,
		})
	})
	ownCluster(t, admin, namespace)
	ownUser(t, admin, namespace, "my-app", other)
	w.kafka, w.user = &v1.Kafka{}, &v1.KafkaUser{}
	for name, o := range map[string]client.Object{"my-cluster": w.kafka, "my-app": w.user} {
		if err := w.read(name, o); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// pod makes a pod as the webhook leaves it; user is as in the annotation.
func (w *directWorld) pod(namespace, name, user string, owner client.Object) {
	w.t.Helper()
	as := w.user
	if user == "" {
		as = nil
	}
	bridge, err := model.Direct(model.DirectResources{Namespace: namespace, Kafka: w.kafka, User: as})
	if err != nil {
		w.t.Fatal(err)
	}
	resources := sidecarDefaults()
	resources.Bridge = bridge
	checked, _, err := model.ForBridge(resources)
	if err != nil {
		w.t.Fatal(err)
	}
	p := asksFor(namespace, name, user)
	if owner != nil {
		p.OwnerReferences = []metav1.OwnerReference{ownedBy(owner, "ReplicaSet")}
	}
	made, _, err := inject.Pod(p, inject.Request{Namespace: namespace, Bridge: checked, Native: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.make(made)
}

// stale waits until the metric says this of the pods in a namespace.
func (w *directWorld) stale(namespace string, want float64) {
	w.t.Helper()
	series := fmt.Sprintf(`namespace=%q cluster=%q`, namespace, w.namespace+"/my-cluster")
	until(w.t, series, func() (bool, string) {
		got, ok := w.series("steg_pods_stale", map[string]string{"namespace": namespace, "cluster": w.namespace + "/my-cluster"})
		return ok && got == want, fmt.Sprint(got, ok)
	})
}

// TestStaleDirect: pods that ask for a Kafka and run a sidecar that a new pod would not get are counted, and spoken of to who runs
// the Kafka and to who runs the pods, when the Kafka or the KafkaUser changes. Where nothing changes nothing is asked.
func TestStaleDirect(t *testing.T) {
	w := newDirectWorld(t)
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "set", Namespace: w.other}, Spec: appsv1.ReplicaSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}}, Spec: asking("", nil, "").Spec},
	}}
	w.make(set)
	w.pod(w.other, "one", w.namespace+"/my-app", set)
	w.pod(w.other, "two", w.namespace+"/my-app", set)
	w.pod(w.namespace, "near", "my-app", nil)
	w.pod(w.namespace, "nobody", "", nil)
	w.stale(w.other, 0)
	w.stale(w.namespace, 0)
	w.asked.take()

	t.Log("a change that means nothing to them")
	w.patch(w.kafka, `{"spec":{"kafka":{"config":{"num.io.threads":4}}}}`)
	w.patch(w.user, `{"metadata":{"annotations":{"team":"a"}}}`)

	t.Log("another port")
	w.patch(w.kafka, `{"spec":{"kafka":{"listeners":[{"name":"plain","port":9092,"type":"internal","tls":false},
		{"name":"tls","port":9193,"type":"internal","tls":true,"authentication":{"type":"tls"}}]}}}`)
	w.stale(w.other, 2)
	w.stale(w.namespace, 1)
	far := fmt.Sprintf(`StaleSidecars: 2 of 2 pods of namespace %s that ask for Kafka "my-cluster" as KafkaUser "%s/my-app" run a sidecar with older settings: restart them`, w.other, w.namespace)
	near := fmt.Sprintf(`StaleSidecars: 1 of 1 pods of namespace %s that ask for Kafka "my-cluster" as KafkaUser "my-app" run a sidecar with older settings: restart them`, w.namespace)
	w.says("Kafka", "my-cluster", far)
	w.says("Kafka", "my-cluster", near)
	w.says("Pod", "near", near)
	w.saysIn(w.other, "ReplicaSet", "set", far)

	t.Log("they are made anew")
	w.kafka.Spec.Kafka.Listeners[1].Port = 9193
	for _, key := range []client.ObjectKey{{Namespace: w.other, Name: "one"}, {Namespace: w.other, Name: "two"}, w.key("near")} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		if err := w.Delete(deadline(t), p, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
	w.pod(w.other, "three", w.namespace+"/my-app", set)
	w.stale(w.other, 0)
	w.stale(w.namespace, 0)

	t.Log("the user may not be used there any more, moves, and goes")
	w.patch(w.user, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":null}}}`)
	w.saysIn(w.other, "ReplicaSet", "set", "OrphanedSidecars: 1 of 1 pods of namespace "+w.other)
	w.stale(w.other, 1)
	w.pod(w.namespace, "near", "my-app", nil)
	w.stale(w.namespace, 0)
	w.user.Status.Secret = "moved"
	if err := w.Status().Update(deadline(t), w.user); err != nil {
		t.Fatal(err)
	}
	w.says("Pod", "near", "StaleSidecars: 1 of 1 pods of namespace "+w.namespace)
	w.stale(w.namespace, 1)
	if err := w.Delete(deadline(t), w.user); err != nil {
		t.Fatal(err)
	}
	w.says("Pod", "near", "OrphanedSidecars: 1 of 1 pods of namespace "+w.namespace)
	for _, a := range w.asked.take() {
		if !strings.Contains(a, "/events") {
			t.Errorf("asked %s", a)
		}
	}
	if said := w.said("Pod", "nobody"); len(said) > 0 {
		t.Errorf("nobody: %q", said)
	}
}
