package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// WatchdogOptions is how SetupWatchdog looks for pods without their sidecar.
type WatchdogOptions struct {
	Interval time.Duration // between two looks
	Grace    time.Duration // pods younger than this are not looked at
	Evict    bool          // evict what is found, if something will make it anew
	Pods     cache.Cache   // that ask for a Kafka, made by AskingPods
	Metrics  *Metrics
	Log      *slog.Logger
	Now      func() time.Time // time.Now if nil
}

const (
	// evictPause is the time between two attempts for one owner; it doubles with each eviction, up to evictPauseMax: where pods are
	// made without a sidecar again and again, evicting them does not help.
	evictPause    = time.Minute
	evictPauseMax = time.Hour
	// evictTimeout bounds one eviction. The client itself waits and tries again while a disruption budget forbids it.
	evictTimeout = 3 * time.Second
	// evictForget is how long after its last eviction an owner counts as new.
	evictForget = 2 * time.Hour
	// remindAfter is the time after which a pod that is still without its sidecar is reported again. Events live an hour.
	remindAfter = 55 * time.Minute
)

// watchdog looks at all labelled pods, time after time. Its memory is what it said and did, so as not to repeat it at each
// look; one goroutine uses it.
type watchdog struct {
	WatchdogOptions
	client   client.Client
	pods     []client.Reader // who have the labelled pods, each pod once
	live     client.Reader   // past the cache
	events   events.EventRecorder
	reported map[types.UID]time.Time // pods, and when each was reported last
	evicted  map[types.UID]eviction  // owners
}

// eviction is the last one for an owner.
type eviction struct {
	at    time.Time
	pause time.Duration
}

// SetupWatchdog has the manager's leader look for labelled pods that run without a sidecar: the webhook was away when they
// were made, with a failure policy that lets pods through. The manager's cache must be made with Cache; the pods that ask for a
// Kafka have one of their own, which is empty unless this replica leads.
func SetupWatchdog(mgr manager.Manager, o WatchdogOptions) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &watchdog{
		WatchdogOptions: o,
		client:          mgr.GetClient(),
		pods:            []client.Reader{mgr.GetClient(), o.Pods},
		live:            mgr.GetAPIReader(),
		events:          mgr.GetEventRecorder(names.FieldOwner),
		reported:        make(map[types.UID]time.Time),
		evicted:         make(map[types.UID]eviction),
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		for _, watched := range []client.Object{&corev1.Pod{}, &v1.KafkaBridge{}} {
			if _, err := mgr.GetCache().GetInformer(ctx, watched); err != nil {
				return fmt.Errorf("watch %T: %w", watched, err)
			}
		}
		if _, err := o.Pods.GetInformer(ctx, &corev1.Pod{}); err != nil {
			return fmt.Errorf("watch pods that ask for a Kafka: %w", err)
		}
		return w.run(ctx)
	}))
}

// run looks until the context ends. What goes wrong at one look is logged: the next may do better.
func (w *watchdog) run(ctx context.Context) error {
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.Log.Warn("look for pods without a sidecar", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look goes over all pods once.
func (w *watchdog) look(ctx context.Context) error {
	pods, err := w.labelled(ctx)
	if err != nil {
		return err
	}
	now := w.Now()
	counts := make(map[string]int)
	still := make(map[types.UID]time.Time)
	var errs []error
	for i := range pods {
		pod := &pods[i]
		wish, missing := w.missing(pod, now)
		if !missing {
			continue
		}
		counts[pod.Namespace]++
		still[pod.UID] = w.report(pod, wish, now)
		if w.Evict {
			errs = append(errs, w.evict(ctx, pod, wish, now))
		}
	}
	w.reported = still
	w.Metrics.withoutSidecar(counts)
	for owner, last := range w.evicted {
		if now.Sub(last.at) > evictForget {
			delete(w.evicted, owner)
		}
	}
	return errors.Join(errs...)
}

// labelled returns all pods that ask for a sidecar. They are the caches' own.
func (w *watchdog) labelled(ctx context.Context) (pods []corev1.Pod, err error) {
	for _, from := range w.pods {
		list := &corev1.PodList{}
		if err := from.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list pods: %w", err)
		}
		pods = append(pods, list.Items...)
	}
	return pods, nil
}

// missing tells whether the pod should have a sidecar, has none, and has had the time for it. What the webhook leaves alone
// is left alone here too: kube-system, and the operator's own pods. The wish is empty if the pod asks for what can't be.
func (w *watchdog) missing(pod *corev1.Pod, now time.Time) (wish inject.Wish, missing bool) {
	if pod.Namespace == metav1.NamespaceSystem || pod.Labels[names.LabelName] == names.Operator || over(pod) {
		return wish, false
	}
	if inject.Injected(pod) || now.Sub(pod.CreationTimestamp.Time) < w.Grace {
		return wish, false
	}
	wish, wants, err := inject.Wants(pod.Labels, pod.Annotations)
	return wish, wants || err != nil
}

// report says it on the pod and on its owner, if that has not been done for a while; it returns when it was done last.
func (w *watchdog) report(pod *corev1.Pod, wish inject.Wish, now time.Time) time.Time {
	if last, ok := w.reported[pod.UID]; ok && now.Sub(last) < remindAfter {
		return last
	}
	const note = "pod %s asks for a sidecar by its label, for %s, and runs without it: " +
		"the webhook was not reached when the pod was made; delete the pod to have it made anew"
	w.Log.Warn("pod without sidecar", "namespace", pod.Namespace, "pod", pod.Name, "for", wish.String())
	w.events.Eventf(reference(pod, "v1", "Pod"), nil, corev1.EventTypeWarning, "SidecarMissing", "Watch", note, pod.Name, wish)
	if owner := metav1.GetControllerOf(pod); owner != nil {
		w.events.Eventf(ownerReference(pod.Namespace, owner), nil, corev1.EventTypeWarning, "SidecarMissing", "Watch", note, pod.Name, wish)
	}
	return now
}

// evict evicts a pod that its owner will make anew, through the API that heeds disruption budgets. It leaves pods alone
// that ask for what is missing or can't be, since the new pod would be refused, and owners that had their turn not long ago.
func (w *watchdog) evict(ctx context.Context, pod *corev1.Pod, wish inject.Wish, now time.Time) error {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return nil
	}
	last := w.evicted[owner.UID]
	if !last.at.IsZero() && now.Sub(last.at) < last.pause {
		return nil
	}
	if found, err := w.found(ctx, pod.Namespace, wish); !found {
		return err
	}
	done, err := w.evictNow(ctx, pod)
	pause := max(last.pause, evictPause)
	if done {
		pause = min(max(2*last.pause, evictPause), evictPauseMax)
	}
	w.evicted[owner.UID] = eviction{at: now, pause: pause}
	return err
}

// found tells whether what a pod asks for is there. Kafkas and KafkaUsers are read past the cache, which may not keep them.
func (w *watchdog) found(ctx context.Context, namespace string, wish inject.Wish) (bool, error) {
	home := cmp.Or(wish.UserNamespace, namespace)
	var err error
	switch {
	case wish == inject.Wish{}:
		return false, nil
	case wish.Bridge != "":
		err = w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: wish.Bridge}, &v1.KafkaBridge{})
	default:
		err = w.live.Get(ctx, client.ObjectKey{Namespace: home, Name: wish.Cluster}, &v1.Kafka{})
	}
	if err == nil && wish.User != "" {
		err = w.live.Get(ctx, client.ObjectKey{Namespace: home, Name: wish.User}, &v1.KafkaUser{})
	}
	return err == nil, client.IgnoreNotFound(err)
}

// evictNow asks for the eviction; a disruption budget may forbid it for now, and the pod may be gone already.
func (w *watchdog) evictNow(ctx context.Context, pod *corev1.Pod) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, evictTimeout)
	defer cancel()
	body := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}},
	}
	err = w.client.SubResource("eviction").Create(ctx, pod.DeepCopy(), body)
	switch {
	case apierrors.IsTooManyRequests(err), apierrors.IsNotFound(err), apierrors.IsConflict(err), errors.Is(err, context.DeadlineExceeded):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("evict pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	w.Metrics.evicted.Inc()
	w.Log.Info("pod without sidecar evicted", "namespace", pod.Namespace, "pod", pod.Name)
	return true, nil
}

// reference is what an Event is about, for an object whose kind the cache has dropped.
func reference(object client.Object, apiVersion, kind string) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: apiVersion, Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName(), UID: object.GetUID(),
	}
}
