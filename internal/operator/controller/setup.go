package controller

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/apply"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	// workers is how many KafkaBridges are passed over at once. A pass waits for the API server most of its time.
	workers = 4
	// retryFirst and retryMost are the pauses after a pass that failed: doubled each time.
	retryFirst = 200 * time.Millisecond
	retryMost  = time.Minute
	// podsPause gathers the events of many pods, as at a rollout, into one pass.
	podsPause = 2 * time.Second
)

// SetupBridge has the manager's leader look after KafkaBridges. The manager's cache must be made with Cache, and its scheme
// must know KafkaBridge and the kinds of Kubernetes that this package names.
func SetupBridge(mgr manager.Manager, o Options) error {
	if !o.Deploy && !o.Rollout {
		return errors.New("neither bridges nor sidecars are to be looked after")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &bridges{
		Options: o,
		client:  mgr.GetClient(),
		live:    mgr.GetAPIReader(),
		events:  mgr.GetEventRecorder(names.FieldOwner),
	}
	r.applier = apply.New(apply.Options{
		Client: r.client, Live: r.live, FieldOwner: names.FieldOwner, Kinds: ownedKinds(), Identity: identity,
	})
	b := builder.ControllerManagedBy(mgr).Named("kafkabridge").
		For(&v1.KafkaBridge{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{}))).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		})
	if o.Deploy {
		for _, gvk := range ownedKinds() {
			object := &metav1.PartialObjectMetadata{}
			object.SetGroupVersionKind(gvk)
			b = b.Owns(object, builder.OnlyMetadata, builder.MatchEveryOwner)
		}
	}
	if o.Rollout {
		b = b.Watches(&corev1.Pod{}, podEvents())
	}
	if err := b.Complete(r); err != nil {
		return fmt.Errorf("controller of KafkaBridges: %w", err)
	}
	return nil
}

// podEvents has the KafkaBridge of a pod looked at a little after the pod came, ended or went.
func podEvents() handler.EventHandler {
	return comings(func(o client.Object) (client.ObjectKey, bool) {
		wish, ok, err := inject.Wants(o.GetLabels(), o.GetAnnotations())
		return client.ObjectKey{Namespace: o.GetNamespace(), Name: wish.Bridge}, err == nil && ok && wish.Bridge != ""
	})
}
