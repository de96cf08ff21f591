package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// podSetInterval is the time after which a StrimziPodSet is looked at though nothing happened: the reference operator's.
const podSetInterval = 5 * time.Minute

// PodSetOptions is what SetupPodSet is told.
type PodSetOptions struct {
	Pods    cache.Cache // made by NodePods
	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
}

// podSets reconciles StrimziPodSets: it makes pods that are missing and takes away those that are not wanted or have ended.
// It never changes a pod's specification but for its resources. To roll a pod, somebody deletes it.
type podSets struct {
	PodSetOptions
	client client.Client
	live   client.Reader // past the cache
	notes  notes
}

// SetupPodSet has the manager's leader look after StrimziPodSets. The manager's cache must be made with Cache.
func SetupPodSet(mgr manager.Manager, o PodSetOptions) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &podSets{PodSetOptions: o, client: mgr.GetClient(), live: mgr.GetAPIReader()}
	owner := handler.TypedEnqueueRequestForOwner[*corev1.Pod](mgr.GetScheme(), mgr.GetRESTMapper(), &podsetv1.StrimziPodSet{}, handler.OnlyControllerOwner())
	err := builder.ControllerManagedBy(mgr).Named("strimzipodset").
		For(&podsetv1.StrimziPodSet{}, builder.WithPredicates(specChanged())).
		WatchesRawSource(source.Kind(o.Pods, &corev1.Pod{}, owner)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("controller of StrimziPodSets: %w", err)
	}
	return nil
}

// Reconcile makes one pass over a StrimziPodSet.
func (r *podSets) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	key, began := req.NamespacedName, r.Now()
	set := &podsetv1.StrimziPodSet{}
	if err := r.client.Get(ctx, key, set); err != nil {
		if apierrors.IsNotFound(err) {
			r.Metrics.gone(names.KindStrimziPodSet, key)
			r.notes.drop(key)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("read: %w", err)
	}
	if set.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	paused := set.Annotations[names.AnnotationPause] == "true"
	r.Metrics.present(names.KindStrimziPodSet, key, paused)
	r.Metrics.begin(names.KindStrimziPodSet, key, r.notes.due(key, began))
	plan := podPlan{wanted: set.Status.Pods, ready: set.Status.ReadyPods, current: set.Status.CurrentPods}
	var passErr error
	if !paused {
		plan, passErr = r.pass(ctx, set)
	}
	err := r.report(ctx, set, plan, passErr, paused)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: conflictInterval}, nil // a newer state is on its way to the cache
	}
	err = errors.Join(passErr, err)
	r.Metrics.end(names.KindStrimziPodSet, key, r.Now().Sub(began), err != nil)
	if invalid := (model.Invalid{}); err != nil && !errors.As(err, &invalid) {
		return reconcile.Result{}, err
	}
	after := podSetInterval
	if plan.resizing {
		after = missingInterval // a kubelet that put it off tells nobody when it might do it
	}
	r.notes.schedule(key, r.Now().Add(after))
	return reconcile.Result{RequeueAfter: after}, nil
}

// pass brings the pods of a StrimziPodSet to what it says. What the cache has is enough to find that nothing is to be done;
// before anything is done the StrimziPodSet and its pods are read anew, lest a pod be made as it was wanted a moment ago, or
// one be deleted that is wanted since.
func (r *podSets) pass(ctx context.Context, set *podsetv1.StrimziPodSet) (podPlan, error) {
	plan, err := r.plan(ctx, r.Pods, set)
	if err != nil || !plan.acts() {
		return plan, err
	}
	fresh := &podsetv1.StrimziPodSet{}
	ok, err := readLive(ctx, r.live, client.ObjectKeyFromObject(set), fresh)
	if err != nil || !ok || fresh.UID != set.UID || fresh.DeletionTimestamp != nil {
		return plan, err
	}
	if plan, err = r.plan(ctx, r.live, fresh); err != nil {
		return plan, err
	}
	return plan, r.carryOut(ctx, fresh, plan)
}

// plan reads the pods of a StrimziPodSet, and compares them with what it says.
func (r *podSets) plan(ctx context.Context, pods client.Reader, set *podsetv1.StrimziPodSet) (podPlan, error) {
	wanted, err := wantedPods(set)
	if err != nil {
		return podPlan{}, err
	}
	selector, err := metav1.LabelSelectorAsSelector(&set.Spec.Selector)
	if err != nil {
		return podPlan{}, model.Invalid{Field: "spec.selector", Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found := &corev1.PodList{}
	err = pods.List(ctx, found, client.InNamespace(set.Namespace), client.MatchingLabelsSelector{Selector: selector}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return podPlan{}, fmt.Errorf("list pods: %w", err)
	}
	return planPods(set, wanted, found.Items), nil
}

// carryOut does what is planned. It goes on after an error: one pod's is that one's.
func (r *podSets) carryOut(ctx context.Context, set *podsetv1.StrimziPodSet, plan podPlan) error {
	var errs []error
	for _, pod := range plan.remove {
		errs = append(errs, r.remove(ctx, set, pod))
	}
	for _, pod := range plan.adopt {
		errs = append(errs, r.adopt(ctx, set, pod))
	}
	for _, pod := range plan.create {
		errs = append(errs, r.create(ctx, set, pod))
	}
	for _, change := range plan.resize {
		errs = append(errs, r.resize(ctx, set, change))
	}
	return errors.Join(errs...)
}

// create makes a pod. One that the cache does not know yet is no error; one of somebody else's is.
func (r *podSets) create(ctx context.Context, set *podsetv1.StrimziPodSet, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := r.client.Create(ctx, pod, client.FieldOwner(names.FieldOwner))
	if apierrors.IsAlreadyExists(err) {
		there := &corev1.Pod{}
		if err := r.live.Get(ctx, client.ObjectKeyFromObject(pod), there); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("read pod %s: %w", pod.Name, err)
		}
		if there.UID != "" && !metav1.IsControlledBy(there, set) {
			return fmt.Errorf("pod %s exists and was not made for this StrimziPodSet: delete it", pod.Name)
		}
		return nil // it is ours, or just went: an event tells
	}
	if err != nil {
		return fmt.Errorf("create pod %s: %w", pod.Name, err)
	}
	r.Log.Info("pod created", "namespace", set.Namespace, "podset", set.Name, "pod", pod.Name)
	return nil
}

// remove deletes exactly the pod that was seen.
func (r *podSets) remove(ctx context.Context, set *podsetv1.StrimziPodSet, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := deletePod(ctx, r.client, pod.Namespace, pod.Name, pod.UID)
	if err != nil {
		return err
	}
	r.Log.Info("pod deleted", "namespace", set.Namespace, "podset", set.Name, "pod", pod.Name, "phase", pod.Status.Phase)
	return nil
}

// adopt makes a wanted pod that lost its owner, as after a deletion that left dependents, the StrimziPodSet's again.
func (r *podSets) adopt(ctx context.Context, set *podsetv1.StrimziPodSet, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := pod.DeepCopy()
	changed.OwnerReferences = append(changed.OwnerReferences, controllerReference(set))
	err := r.client.Patch(ctx, changed, client.MergeFromWithOptions(pod, client.MergeFromWithOptimisticLock{}), client.FieldOwner(names.FieldOwner))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // an event tells
	}
	if err != nil {
		return fmt.Errorf("adopt pod %s: %w", pod.Name, err)
	}
	return nil
}

// report writes the status if it says something new.
func (r *podSets) report(ctx context.Context, set *podsetv1.StrimziPodSet, plan podPlan, err error, paused bool) error {
	next := status.PodSet(status.PodSetOutcome{
		Generation: set.Generation, Previous: set.Status, Err: err, Paused: paused, Pods: plan.wanted, Ready: plan.ready, Current: plan.current, Now: r.Now(),
	})
	if status.SamePodSet(set.Status, next) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := set.DeepCopy()
	changed.Status = next
	if err := client.IgnoreNotFound(r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner))); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}
