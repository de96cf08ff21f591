package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/apply"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/operator/status"
)

const (
	// passTimeout bounds one pass.
	passTimeout = 2 * time.Minute
	// readTimeout bounds one request that reads, or that writes one small thing.
	readTimeout = 10 * time.Second
	// secretInterval is the time after which a KafkaBridge that names Secrets is looked at again: they are not watched.
	secretInterval = time.Minute
	// missingInterval is the time after which something that was not there is looked for again.
	missingInterval = 10 * time.Second
	// conflictInterval is the time in which the cache learns of a write.
	conflictInterval = 500 * time.Millisecond
)

// Options is what SetupBridge is told.
type Options struct {
	Deploy  bool // make the objects of KafkaBridges and write their status
	Rollout bool // look after pods whose sidecar has the settings of an older state

	// Defaults are the resources that every KafkaBridge is modelled with; what is read for one is filled in.
	Defaults model.BridgeResources

	Interval time.Duration // between two passes over a KafkaBridge that nothing happens to
	Timeout  time.Duration // after which a Deployment that is not available counts as failed

	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
}

// bridges reconciles KafkaBridges.
type bridges struct {
	Options
	client  client.Client
	live    client.Reader // past the cache
	applier *apply.Applier
	events  events.EventRecorder
	notes   notes
}

// outcome is what a pass found out and did.
type outcome struct {
	warnings   []model.Warning
	want       model.Bridge
	deployment status.Deployment
	err        error
}

// Reconcile makes one pass over a KafkaBridge.
func (r *bridges) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	key, began := req.NamespacedName, r.Now()
	bridge := &v1.KafkaBridge{}
	if err := r.client.Get(ctx, key, bridge); err != nil {
		if apierrors.IsNotFound(err) {
			return reconcile.Result{}, r.gone(ctx, key)
		}
		return reconcile.Result{}, fmt.Errorf("read: %w", err)
	}
	if bridge.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	paused := bridge.Annotations[names.AnnotationPause] == "true"
	r.Metrics.present(names.KindKafkaBridge, key, paused)
	r.Metrics.begin(names.KindKafkaBridge, key, r.notes.due(key, began))
	var out outcome
	if !paused {
		out = r.pass(ctx, bridge)
	}
	if r.Deploy {
		if err := r.report(ctx, bridge, out, paused); apierrors.IsConflict(err) {
			return reconcile.Result{RequeueAfter: conflictInterval}, nil // a newer state is on its way to the cache
		} else if err != nil {
			out.err = errors.Join(out.err, err)
		}
	}
	r.Metrics.end(names.KindKafkaBridge, key, r.Now().Sub(began), out.err != nil)
	return r.next(bridge, out)
}

// pass reads what a KafkaBridge depends on, computes what it wants, and has it written.
func (r *bridges) pass(ctx context.Context, bridge *v1.KafkaBridge) (out outcome) {
	resources, err := r.gather(ctx, bridge)
	if err != nil {
		out.err = err
		return out
	}
	out.want, out.warnings, out.err = model.ForBridge(resources)
	if out.err != nil {
		return out
	}
	if r.Deploy {
		out.deployment, out.err = r.deploy(ctx, bridge, out.want)
	}
	if r.Rollout {
		out.err = errors.Join(out.err, r.rollout(ctx, bridge, out.want))
	}
	return out
}

// deploy writes the objects of a KafkaBridge, and reads back how its Deployment fares.
func (r *bridges) deploy(ctx context.Context, bridge *v1.KafkaBridge, want model.Bridge) (status.Deployment, error) {
	done, err := r.applier.All(ctx, bridge, render.Bridge(want))
	for _, change := range done.Changed {
		r.Log.Info("applied", "namespace", bridge.Namespace, "bridge", bridge.Name, "change", change)
	}
	for i, conflict := range done.Overridden {
		if i == maxConflicts {
			r.warn(bridge, "FieldsOverridden", "%d more fields were set back", len(done.Overridden)-i)
			break
		}
		r.warn(bridge, "FieldsOverridden", "%s was set back: change the KafkaBridge instead", conflict)
	}
	if err != nil {
		return status.Deployment{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: bridge.Namespace, Name: names.BridgeDeployment(bridge.Name)}
	if err := r.live.Get(ctx, key, deployment); err != nil {
		return status.Deployment{}, fmt.Errorf("read Deployment %s: %w", key.Name, err)
	}
	return status.Observe(deployment), nil
}

// maxConflicts bounds the Events of one pass.
const maxConflicts = 5

// report writes the status, if it says something new, and an Event for each failure and warning that is new in it.
func (r *bridges) report(ctx context.Context, bridge *v1.KafkaBridge, out outcome, paused bool) error {
	previous := bridge.Status
	next := status.Bridge(status.BridgeOutcome{
		Generation: bridge.Generation,
		Previous:   previous,
		Warnings:   out.warnings,
		Err:        out.err,
		Paused:     paused,
		Deployment: out.deployment,
		URL:        out.want.URL(),
		Selector:   labels.SelectorFromSet(out.want.Selector()).String(),
		Timeout:    r.Timeout,
		Now:        r.Now(),
	})
	if status.Same(previous, next) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := bridge.DeepCopy()
	changed.Status = next
	err := client.IgnoreNotFound(r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner)))
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	for _, c := range status.News(previous, next) {
		if c.Type == v1.ConditionWarning || c.Type == v1.ConditionNotReady && c.Reason != status.ReasonCreating {
			r.warn(bridge, c.Reason, "%s", c.Message)
		}
		r.Log.Info("status", "namespace", bridge.Namespace, "bridge", bridge.Name, "condition", c.Type, "reason", c.Reason, "message", c.Message)
	}
	return nil
}

// next says when to look again. What the user has to mend is looked at as if nothing had happened; what is missing may
// appear any time; anything else is tried again soon, and then less and less often.
func (r *bridges) next(bridge *v1.KafkaBridge, out outcome) (reconcile.Result, error) {
	var (
		invalid model.Invalid
		missing *status.Missing
	)
	after := r.Interval
	if r.Deploy && len(model.BridgeSecrets(bridge)) > 0 {
		after = min(after, secretInterval)
	}
	switch {
	case out.err == nil, errors.As(out.err, &invalid):
	case errors.As(out.err, &missing):
		after = min(after, missingInterval)
	default:
		return reconcile.Result{}, out.err
	}
	r.notes.schedule(client.ObjectKeyFromObject(bridge), r.Now().Add(after))
	return reconcile.Result{RequeueAfter: after}, nil
}

// gone cleans up after a KafkaBridge that was deleted. Its objects are the garbage collector's; the pods that have their
// sidecar from it go on, but none can be made anew.
func (r *bridges) gone(ctx context.Context, key client.ObjectKey) error {
	r.Metrics.gone(names.KindKafkaBridge, key)
	r.notes.drop(key)
	if r.Deploy {
		r.applier.Forget(key)
	}
	if !r.Rollout {
		return nil
	}
	pods, err := r.podsOf(ctx, key)
	if err != nil {
		return err
	}
	for i := range pods[:min(len(pods), maxOrphans)] {
		r.events.Eventf(reference(&pods[i], "v1", "Pod"), nil, corev1.EventTypeWarning, "KafkaBridgeMissing", "Reconcile",
			"there is no KafkaBridge %s any more: the sidecar goes on, but a new pod is refused until there is", key.Name)
	}
	return nil
}

// maxOrphans bounds the Events about one deleted KafkaBridge.
const maxOrphans = 10

// warn puts an Event on a KafkaBridge.
func (r *bridges) warn(bridge *v1.KafkaBridge, reason, format string, args ...any) {
	r.events.Eventf(bridge, nil, corev1.EventTypeWarning, reason, "Reconcile", format, args...)
}
