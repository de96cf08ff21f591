package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// AskingPods has the manager keep the pods in memory that ask for a Kafka, as far as SetupDirect and SetupWatchdog look at them.
// It is empty unless this replica leads.
func AskingPods(mgr manager.Manager, namespaces []string) (cache.Cache, error) {
	which, err := asksForKafka()
	if err != nil {
		return nil, err
	}
	return ownCache(mgr, namespaces, &corev1.Pod{}, which, stripPod)
}

// asksForKafka selects the pods that ask for a sidecar without a KafkaBridge. One that has both labels, which is always refused,
// is left to Cache.
func asksForKafka() (labels.Selector, error) {
	which, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: names.LabelUsesCluster, Operator: metav1.LabelSelectorOpExists},
		{Key: names.LabelBridge, Operator: metav1.LabelSelectorOpDoesNotExist},
	}})
	if err != nil {
		return nil, fmt.Errorf("labels of pods: %w", err)
	}
	return which, nil
}

// SetupDirect has the manager's leader look after the pods that ask for a Kafka without a KafkaBridge. The manager's cache must
// be made with Cache; Kafkas and KafkaUsers are watched. What comes within podsPause is one pass, and where nothing changes
// there is none.
func SetupDirect(mgr manager.Manager, o DirectOptions) error {
	d := &directs{
		DirectOptions: o,
		client:        mgr.GetClient(),
		events:        mgr.GetEventRecorder(names.FieldOwner),
		memory:        make(map[client.ObjectKey]map[asker]recall),
	}
	err := builder.ControllerManagedBy(mgr).Named("direct").
		Watches(&v1.Kafka{}, clusterEvents(podsPause, client.Object.GetName), builder.WithPredicates(specChanged())).
		Watches(&v1.KafkaUser{}, clusterEvents(podsPause, clusterOf), builder.WithPredicates(predicate.Or(specChanged(), secretMoved()))).
		WatchesRawSource(source.Kind(o.Pods, client.Object(&corev1.Pod{}), directEvents())).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: 1, // d has no lock
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		}).
		Complete(d)
	if err != nil {
		return fmt.Errorf("controller of pods that ask for a Kafka: %w", err)
	}
	return nil
}

// clusterOf is the Kafka that the label of a resource names.
func clusterOf(o client.Object) string { return o.GetLabels()[names.LabelCluster] }

// secretMoved lets through a KafkaUser whose credentials are in a Secret of another name than before.
func secretMoved() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return true },
		DeleteFunc: func(event.DeleteEvent) bool { return true },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1.KafkaUser)
			after, also := e.ObjectNew.(*v1.KafkaUser)
			return ok && also && before.Status.Secret != after.Status.Secret
		},
	}
}

// directEvents has the Kafka that a pod asks for looked at a little after the pod came, ended or went.
func directEvents() handler.EventHandler {
	return comings(func(o client.Object) (client.ObjectKey, bool) {
		wish, ok := wishFor(o)
		return kafkaFor(o.GetNamespace(), wish), ok
	})
}

// comings has what a pod asks for looked at a little after the pod came, ended or went.
func comings(asked func(client.Object) (client.ObjectKey, bool)) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	enqueue := func(object client.Object, q queue) {
		if key, ok := asked(object); ok {
			q.AddAfter(reconcile.Request{NamespacedName: key}, podsPause)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(e.Object, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, ok := e.ObjectOld.(*corev1.Pod)
			after, also := e.ObjectNew.(*corev1.Pod)
			if ok && also && over(before) != over(after) {
				enqueue(after, q)
			}
		},
	}
}
