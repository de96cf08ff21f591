package controller

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/apply"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// gatherPause gathers events that come together, as those of a cluster's pods, into one pass.
const gatherPause = 100 * time.Millisecond

// claimKind is that of claims, which are applied and never pruned.
func claimKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: "v1", Kind: "PersistentVolumeClaim"}
}

// SetupKafka has the manager's leader look after Kafkas and their KafkaNodePools. The manager's cache must be made with Cache, and
// its scheme must know the kinds of both groups and those of Kubernetes that this package names. The pods are made by what
// SetupPodSet sets up.
func SetupKafka(mgr manager.Manager, o KafkaOptions) error {
	r := newKafkas(mgr.GetClient(), mgr.GetAPIReader(), o)
	r.events = mgr.GetEventRecorder(names.FieldOwner)
	ours := []predicate.Predicate{predicate.NewPredicateFuncs(func(o client.Object) bool { return kafkaOf(o) != "" })}
	b := builder.ControllerManagedBy(mgr).Named("kafka").
		For(&v1.Kafka{}, builder.WithPredicates(specChanged())).
		Watches(&v1.KafkaNodePool{}, poolEvents(), builder.WithPredicates(specChanged())).
		Watches(&podsetv1.StrimziPodSet{}, kafkaEvents(0), builder.WithPredicates(append(ours, specChanged())...)).
		WatchesRawSource(source.Kind(o.Pods, client.Object(&corev1.Pod{}), kafkaEvents(gatherPause), ours...)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		})
	for _, gvk := range append(clusterKinds(), claimKind()) {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(gvk)
		of := ours
		if gvk.Kind == "PodDisruptionBudget" || gvk.Kind == names.KindStrimziPodSet {
			of = append([]predicate.Predicate{specChanged()}, ours...) // their status changes with every pod
		}
		b = b.Watches(object, kafkaEvents(gatherPause), builder.OnlyMetadata, builder.WithPredicates(of...))
	}
	if err := b.Complete(r); err != nil {
		return fmt.Errorf("controller of Kafkas: %w", err)
	}
	return nil
}

// newKafkas fills in what the options leave out.
func newKafkas(c client.Client, live client.Reader, o KafkaOptions) *kafkas {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Agent == nil {
		o.Agent = kafkaadmin.AskNode
	}
	if o.Admin == nil {
		clusters := o.Clusters
		o.Admin = func(ctx context.Context, cluster client.ObjectKey, do func(context.Context, Brokers) error) error {
			return clusters.Use(ctx, cluster, func(ctx context.Context, a *kafkaadmin.Admin) error { return do(ctx, a) })
		}
	}
	r := &kafkas{KafkaOptions: o, client: c, live: live}
	first := apply.Options{Client: c, Live: live, FieldOwner: names.FieldOwner, Identity: clusterIdentity}
	rest := first
	rest.Kept = []schema.GroupVersionKind{claimKind()}
	for _, gvk := range clusterKinds() {
		if isService(gvk) {
			first.Kinds = append(first.Kinds, gvk)
		} else {
			rest.Kinds = append(rest.Kinds, gvk)
		}
	}
	r.services, r.objects = apply.New(first), apply.New(rest)
	return r
}

// isService tells what has to be there before addresses are known.
func isService(gvk schema.GroupVersionKind) bool {
	return gvk.Kind == "Service" || gvk.Kind == "Ingress"
}

// clusterIdentity returns the labels that objects made for a Kafka, or for one of its KafkaNodePools, carry and no others do.
func clusterIdentity(owner client.Object) labels.Set {
	if pool, ok := owner.(*v1.KafkaNodePool); ok {
		identity := clusterLabels(pool.Labels[names.LabelCluster])
		identity[names.LabelPoolName] = pool.Name
		return identity
	}
	return clusterLabels(owner.GetName())
}

// kafkaOf returns the name of the Kafka that an object was made for, empty for any other object.
func kafkaOf(o client.Object) string {
	if o.GetLabels()[names.LabelKind] != names.KindKafka {
		return ""
	}
	return o.GetLabels()[names.LabelCluster]
}

// kafkaEvents has the Kafka of an object looked at.
func kafkaEvents(pause time.Duration) handler.EventHandler {
	return clusterEvents(pause, kafkaOf)
}

// poolEvents has the Kafka of a KafkaNodePool looked at; of one that moves to another Kafka, both.
func poolEvents() handler.EventHandler {
	return clusterEvents(gatherPause, func(o client.Object) string { return o.GetLabels()[names.LabelCluster] })
}

func clusterEvents(pause time.Duration, kafka func(client.Object) string) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	enqueue := func(o client.Object, q queue) {
		if name := kafka(o); name != "" {
			q.AddAfter(reconcile.Request{NamespacedName: client.ObjectKey{Namespace: o.GetNamespace(), Name: name}}, pause)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(e.Object, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if kafka(e.ObjectOld) != kafka(e.ObjectNew) {
				enqueue(e.ObjectOld, q)
			}
			enqueue(e.ObjectNew, q)
		},
	}
}
