//go:build envtest

package envtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// parts is what a controller under test is made of.
type parts struct {
	mgr     manager.Manager
	pods    cache.Cache
	metrics *controller.Metrics
	log     *slog.Logger
}

// running starts controllers in a namespace with these rights and no others.
func running(t *testing.T, admin client.Client, namespace string, rules []rbacv1.PolicyRule, setUp func(parts) error) *controlled {
	t.Helper()
	return runningAt(t, server, admin, namespace, rules, setUp)
}

// runningAt is controllers that reach the API server by another configuration.
func runningAt(t *testing.T, at *rest.Config, admin client.Client, namespace string, rules []rbacv1.PolicyRule, setUp func(parts) error) *controlled {
	t.Helper()
	run := &controlled{Client: admin, t: t, namespace: namespace, asked: &requests{}, registry: prometheus.NewRegistry(), log: &lines{}}
	metrics, err := controller.NewMetrics(run.registry)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(run.log, nil))
	informers, err := controller.Cache([]string{namespace})
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := manager.New(run.asked.counted(limited(t, at, admin, []string{namespace}, rules)), manager.Options{
		Scheme: admin.Scheme(), Cache: informers, Metrics: metricsserver.Options{BindAddress: "0"},
		Client:     client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Logger:     logr.FromSlogHandler(log.Handler()),
	})
	if err != nil {
		t.Fatal(err)
	}
	pods, err := controller.NodePods(mgr, []string{namespace})
	if err != nil {
		t.Fatal(err)
	}
	if err := setUp(parts{mgr, pods, metrics, log}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	run.stop = func() {
		run.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the controllers ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the controllers logged:\n%s", run.log)
		}
	}
	t.Cleanup(func() { run.stop() })
	return run
}

func rule(group, resources string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: strings.Fields(resources), Verbs: verbs}
}

// podSetRights are those of the controller of StrimziPodSets.
func podSetRights() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		rule(podsetv1.Group, "strimzipodsets", "get", "list", "watch"),
		rule(podsetv1.Group, "strimzipodsets/status", "update"),
		rule("", "pods", "get", "list", "watch", "create", "patch", "delete"),
		rule("", "pods/resize", "update"),
	}
}

// kubelet plays scheduler and kubelets for the pods of a namespace until the test ends: each pod gets a Kubernetes node, runs and
// is ready; one that is deleted goes. hold says which pods stay unready.
type kubelet struct {
	t         *testing.T
	admin     client.Client
	namespace string
	node      string
}

// kubelets starts one, with a Kubernetes node of its own.
func kubelets(t *testing.T, admin client.Client, namespace string, hold func(*corev1.Pod) bool) *kubelet {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-" + namespace, Labels: map[string]string{
		corev1.LabelHostname: "node-" + namespace, corev1.LabelTopologyZone: "zone-a",
	}}}
	if err := admin.Create(deadline(t), node); err != nil {
		t.Fatal(err)
	}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi")}
	node.Status.Capacity = node.Status.Allocatable
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.7"}, {Type: corev1.NodeHostName, Address: node.Name}}
	if err := admin.Status().Update(deadline(t), node); err != nil {
		t.Fatal(err)
	}
	k := &kubelet{t: t, admin: admin, namespace: namespace, node: node.Name}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				k.look(ctx, hold)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = admin.Delete(context.WithoutCancel(t.Context()), node)
	})
	return k
}

// look goes over all pods once. What fails is done at the next look.
func (k *kubelet) look(ctx context.Context, hold func(*corev1.Pod) bool) {
	list := &corev1.PodList{}
	if err := k.admin.List(ctx, list, client.InNamespace(k.namespace)); err != nil {
		return
	}
	for i := range list.Items {
		pod := &list.Items[i]
		switch {
		case pod.DeletionTimestamp != nil:
			_ = k.admin.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID})
		case pod.Spec.NodeName == "":
			binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: k.node}}
			_ = k.admin.SubResource("binding").Create(ctx, pod, binding)
		case pod.Status.Phase == corev1.PodPending && (hold == nil || !hold(pod)):
			k.run(ctx, pod)
		}
	}
}

// run makes a pod run, and be ready.
func (k *kubelet) run(ctx context.Context, pod *corev1.Pod) {
	now := metav1.Now()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
	pod.Status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Resources: c.Resources.DeepCopy(),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	_ = k.admin.Status().Update(ctx, pod)
}

// podsAre waits until the pods of the namespace that aren't going are these, all of them ready, and returns them by name.
func (c *controlled) podsAre(want ...string) map[string]*corev1.Pod {
	c.t.Helper()
	pods := make(map[string]*corev1.Pod)
	until(c.t, "the pods "+strings.Join(want, " "), func() (bool, string) {
		clear(pods)
		list := &corev1.PodList{}
		if err := c.List(deadline(c.t), list, client.InNamespace(c.namespace), client.MatchingLabels{names.LabelKind: names.KindKafka}); err != nil {
			return false, err.Error()
		}
		ready := true
		var seen []string
		for i := range list.Items {
			pod := &list.Items[i]
			if pod.DeletionTimestamp == nil {
				pods[pod.Name] = pod
			}
			ready = ready && pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning
			seen = append(seen, fmt.Sprint(pod.Name, " ", pod.Status.Phase))
		}
		for _, name := range want {
			ready = ready && pods[name] != nil
		}
		return ready && len(pods) == len(want), strings.Join(seen, ", ")
	})
	return pods
}
