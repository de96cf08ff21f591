//go:build envtest

package envtest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// asking is a pod that asks for a sidecar of my-bridge, as its owner makes it.
func asking(name string, owner client.Object, kind string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "a", names.LabelBridge: "my-bridge"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1"}}},
	}
	if owner != nil {
		p.OwnerReferences = []metav1.OwnerReference{ownedBy(owner, kind)}
	}
	return p
}

func ownedBy(owner client.Object, kind string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "apps/v1", Kind: kind, Name: owner.GetName(), UID: owner.GetUID(), Controller: new(true)}
}

// injected is the pod as the webhook leaves it.
func (c *controlled) injected(p *corev1.Pod, b *v1.KafkaBridge) *corev1.Pod {
	c.t.Helper()
	return c.injectedFor(p, b, "")
}

// injectedFor is injected by a KafkaBridge that had other brokers.
func (c *controlled) injectedFor(p *corev1.Pod, b *v1.KafkaBridge, brokers string) *corev1.Pod {
	c.t.Helper()
	b = b.DeepCopy()
	if brokers != "" {
		b.Spec.BootstrapServers = brokers
	}
	checked, _, err := model.ForBridge(model.BridgeResources{Bridge: b, DefaultImage: "steg-bridge:test"})
	if err != nil {
		c.t.Fatal(err)
	}
	out, _, err := inject.Pod(p, inject.Request{Namespace: c.namespace, Bridge: checked, Native: true})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// workloads makes one of each kind of workload, and an old pod of each.
func (c *controlled) workloads(b *v1.KafkaBridge) {
	c.t.Helper()
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}
	pod := asking("", nil, "")
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec}
	deployment := &appsv1.Deployment{ObjectMeta: meta("deployment"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}}
	stateful := &appsv1.StatefulSet{ObjectMeta: meta("stateful"), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}}
	daemon := &appsv1.DaemonSet{ObjectMeta: meta("daemon"), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}
	for _, w := range []client.Object{deployment, stateful, daemon} {
		c.make(w)
	}
	set := &appsv1.ReplicaSet{ObjectMeta: meta("set"), Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template}}
	set.OwnerReferences = []metav1.OwnerReference{ownedBy(deployment, "Deployment")}
	c.make(set)
	c.make(c.injectedFor(asking("of-deployment", set, "ReplicaSet"), b, "old:9092"))
	c.make(c.injectedFor(asking("of-stateful", stateful, "StatefulSet"), b, "old:9092"))
	c.make(c.injectedFor(asking("of-daemon", daemon, "DaemonSet"), b, "old:9092"))
}

// templateHashes returns the hash of the settings in each workload's pod template.
func (c *controlled) templateHashes() map[string]string {
	c.t.Helper()
	deployment, stateful, daemon := &appsv1.Deployment{}, &appsv1.StatefulSet{}, &appsv1.DaemonSet{}
	for name, w := range map[string]client.Object{"deployment": deployment, "stateful": stateful, "daemon": daemon} {
		if err := c.read(name, w); err != nil {
			c.t.Fatal(err)
		}
	}
	return map[string]string{
		"deployment": deployment.Spec.Template.Annotations[names.AnnotationConfigHash],
		"stateful":   stateful.Spec.Template.Annotations[names.AnnotationConfigHash],
		"daemon":     daemon.Spec.Template.Annotations[names.AnnotationConfigHash],
	}
}

// TestStaleSidecars: pods with older settings are counted and spoken of; they are restarted only if the KafkaBridge says so,
// and then once.
func TestStaleSidecars(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) {
		o.Deploy, o.Interval = false, 500*time.Millisecond
	})
	b := c.newBridge("my-bridge", nil)
	c.workloads(b)
	single := c.injectedFor(asking("single", nil, ""), b, "old:9092")
	c.make(single)
	c.make(c.injected(asking("fresh", nil, ""), b))
	done := c.injectedFor(asking("done", nil, ""), b, "old:9092")
	c.make(done)
	done.Status.Phase = corev1.PodSucceeded
	if err := c.Status().Update(deadline(t), done); err != nil {
		t.Fatal(err)
	}
	c.make(asking("without", nil, ""))
	other := asking("of-another-bridge", nil, "")
	other.Labels[names.LabelBridge] = "other"
	c.make(other)

	c.measures("steg_pods_stale", 4)
	c.says("KafkaBridge", "my-bridge", "StaleSidecars: 4 of 6 pods run a sidecar with older settings")
	c.settledPasses(3)
	equal(t, map[string]string{"deployment": "", "stateful": "", "daemon": ""}, c.templateHashes())

	t.Log("the strategy Workload")
	c.patch(b, `{"metadata":{"annotations":{"steg.dev/rollout-strategy":"Workload"}}}`)
	hash := c.injected(asking("x", nil, ""), b).Annotations[names.AnnotationConfigHash]
	want := map[string]string{"deployment": hash, "stateful": hash, "daemon": hash}
	until(t, "the workloads to be restarted", func() (bool, string) {
		got := c.templateHashes()
		return fmt.Sprint(got) == fmt.Sprint(want), fmt.Sprint(got)
	})
	c.says("KafkaBridge", "my-bridge", "WorkloadRestarted: StatefulSet stateful makes its pods anew")
	c.asked.take()
	c.settledPasses(3)
	equal(t, want, c.templateHashes())
	for _, a := range c.asked.take() {
		if strings.HasPrefix(a, "PATCH /apis/apps/") {
			t.Errorf("written again: %s", a)
		}
	}

	t.Log("the new pods come")
	for _, name := range []string{"of-deployment", "of-stateful", "of-daemon", "single"} {
		if err := c.Delete(deadline(t), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
	c.measures("steg_pods_stale", 0)

	t.Log("a deleted KafkaBridge is spoken of on the pods that have their sidecar from it")
	if err := c.Delete(deadline(t), b); err != nil {
		t.Fatal(err)
	}
	c.says("Pod", "fresh", "KafkaBridgeMissing: there is no KafkaBridge my-bridge any more")
	c.stop()
	for _, a := range c.asked.take() {
		if strings.Contains(a, "/secrets") || strings.Contains(a, "/status") || strings.Contains(a, "/services") {
			t.Errorf("who only injects asked %s", a)
		}
	}
}

// TestWatchdog: of all labelled pods, those that should have a sidecar and have none are found, and only those.
func TestWatchdog(t *testing.T) {
	admin, namespace := cluster(t)
	ahead, looks := &clock{}, &atomic.Int64{}
	c := controllers(t, admin, namespace, func(o *controller.Options, w *controller.WatchdogOptions) {
		*o = controller.Options{}
		w.Interval, w.Grace = 100*time.Millisecond, time.Hour
		w.Now = func() time.Time {
			looks.Add(1)
			return ahead.now()
		}
	})
	b := c.newBridge("my-bridge", nil)
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "set"}, Spec: appsv1.ReplicaSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}}, Spec: asking("", nil, "").Spec},
	}}
	c.make(set)
	c.make(asking("without", set, "ReplicaSet"))
	c.make(asking("single", nil, ""))
	c.make(c.injected(asking("with", nil, ""), b))
	operator := asking("operator", nil, "")
	operator.Labels[names.LabelName] = names.Operator
	c.make(operator)
	done := asking("done", nil, "")
	c.make(done)
	done.Status.Phase = corev1.PodFailed
	if err := c.Status().Update(deadline(t), done); err != nil {
		t.Fatal(err)
	}
	from := looks.Load()
	until(t, "some looks", func() (bool, string) { return looks.Load() >= from+3, "few" })
	equal(t, 0.0, c.metric("steg_pods_without_sidecar")) // all are young
	ahead.set(2 * time.Hour)
	c.measures("steg_pods_without_sidecar", 2)
	c.says("Pod", "without", `SidecarMissing: pod without asks for a sidecar by its label, for KafkaBridge "my-bridge", and runs without it`)
	c.says("ReplicaSet", "set", "SidecarMissing: pod without")
	c.says("Pod", "single", "SidecarMissing: ")
	for _, name := range []string{"with", "operator", "done"} {
		if said := c.said("Pod", name); len(said) > 0 {
			t.Errorf("%s: %q", name, said)
		}
	}
	from = looks.Load()
	until(t, "some more looks", func() (bool, string) { return looks.Load() >= from+3, "few" })
	for _, name := range []string{"single", "without"} {
		if err := c.Delete(deadline(t), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}, client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
	c.measures("steg_pods_without_sidecar", 0)
	if n := strings.Count(c.log.String(), "pod=without "); n != 1 {
		t.Errorf("reported %d times", n)
	}
}

// TestWatchdogEvicts: a pod that its owner makes anew is evicted, one at a time for each owner; not one that nobody makes
// anew, nor one that a budget protects, nor one that would be refused.
func TestWatchdogEvicts(t *testing.T) {
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
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "set"}, Spec: appsv1.ReplicaSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}}, Spec: asking("", nil, "").Spec},
	}}
	c.make(set)
	protected := asking("protected", set, "ReplicaSet")
	protected.Labels["protected"] = "yes"
	protected.OwnerReferences[0].UID = "11111111-2222"
	c.make(&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "budget"}, Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"protected": "yes"}}, MaxUnavailable: new(intstr.FromInt32(0)),
	}})
	for _, p := range []*corev1.Pod{asking("one", set, "ReplicaSet"), asking("two", set, "ReplicaSet"), asking("single", nil, ""), protected} {
		c.make(p)
		// Only a pod that runs is protected by a budget.
		p.Status.Phase, p.Status.Conditions = corev1.PodRunning, []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		if err := c.Status().Update(deadline(t), p); err != nil {
			t.Fatal(err)
		}
	}
	c.measures("steg_pods_without_sidecar", 4)
	equal(t, 0.0, c.metric("steg_pods_evicted_total")) // there is no KafkaBridge
	c.newBridge("my-bridge", nil)
	c.measures("steg_pods_evicted_total", 1)
	until(t, "the protected pod to be tried", func() (bool, string) {
		return slices.ContainsFunc(c.asked.seen(), func(a string) bool { return strings.HasSuffix(a, "/protected/eviction") }), "not yet"
	})
	from := looks.Load()
	until(t, "some more looks", func() (bool, string) { return looks.Load() >= from+3, "few" })
	equal(t, 1.0, c.metric("steg_pods_evicted_total"))
	list := &corev1.PodList{}
	if err := c.List(deadline(t), list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	going := 0
	for _, p := range list.Items {
		if p.DeletionTimestamp != nil {
			going++
			if p.Name != "one" && p.Name != "two" {
				t.Errorf("%s was evicted", p.Name)
			}
		}
	}
	if left := len(list.Items) - going; left != 3 {
		t.Errorf("%d pods are left", left)
	}
}
