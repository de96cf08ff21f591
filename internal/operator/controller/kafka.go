package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/apply"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/operator/status"
)

const (
	// stepPause is the time after a step of a roll in which its effect is told by the watches, as a rule.
	stepPause = time.Second
	// settlePause is the time that a broker gets to take over settings that it was told.
	settlePause = 10 * time.Second
)

// KafkaOptions is what SetupKafka is told.
type KafkaOptions struct {
	Pods     cache.Cache      // made by NodePods
	Clusters *Clusters        // the way to Kafka
	Defaults cluster.Defaults // that every Kafka is modelled with
	Version  string           // the operator's, for the status

	Interval time.Duration // between two passes over a Kafka that nothing happens to
	Timeout  time.Duration // after which a pod that is not ready, or an address that is not there, counts as failed
	Batch    int           // how many brokers may be restarted at once; below two: one by one

	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
	Random  io.Reader        // for keys, crypto/rand's if nil
	// Agent asks the agent of a node whose pod is not ready; nil: kafkaadmin.AskNode. Admin is the way to Kafka if it is not Clusters.
	Agent func(ctx context.Context, access kafkaadmin.Access, host string) (kafkaadmin.NodeState, error)
	Admin func(ctx context.Context, cluster client.ObjectKey, do func(context.Context, Brokers) error) error
}

// kafkas reconciles Kafkas, each with its KafkaNodePools.
type kafkas struct {
	KafkaOptions
	client client.Client
	live   client.Reader // past the cache
	events events.EventRecorder
	notes  notes
	memory memories

	// Services come first, since the settings of nodes have what Kubernetes chose for them.
	services, objects *apply.Applier
}

// Reconcile makes one pass over a Kafka.
func (r *kafkas) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	key, began := req.NamespacedName, r.Now()
	kafka := &v1.Kafka{}
	if err := r.client.Get(ctx, key, kafka); err != nil {
		if apierrors.IsNotFound(err) {
			r.gone(key)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("read: %w", err)
	}
	if kafka.DeletionTimestamp != nil {
		return reconcile.Result{}, nil // its objects are the garbage collector's
	}
	paused := kafka.Annotations[names.AnnotationPause] == "true"
	r.Metrics.present(names.KindKafka, key, paused)
	r.Metrics.begin(names.KindKafka, key, r.notes.due(key, began))
	s := &scene{kafka: kafka}
	var out kafkaOutcome
	if paused {
		out.err = r.readPools(ctx, s)
	} else {
		out = r.pass(ctx, s)
	}
	if !stale(out.err) {
		out.err = errors.Join(out.err, r.report(ctx, s, out, paused))
	}
	behind := stale(out.err)
	r.Metrics.end(names.KindKafka, key, r.Now().Sub(began), out.err != nil && !behind)
	if behind {
		return reconcile.Result{RequeueAfter: conflictInterval}, nil // a newer state is on its way to the cache
	}
	return r.next(key, out)
}

// kafkaOutcome is what a pass found out and did.
type kafkaOutcome struct {
	warnings     []model.Warning
	want         cluster.Cluster
	certificates cluster.Certificates
	modelled     bool   // want counts
	waiting      string // what is waited for, empty: nothing
	overdue      bool
	again        time.Time // when to look again at the latest, zero: when it is usual
	metadata     string    // the metadata version in force, empty: not known
	forgotten    []int32   // nodes that left and that the cluster has forgotten now
	err          error
}

// errStale says that what was read is behind what was written.
var errStale = errors.New("an older state was read")

// stale tells of an error whether the cache, or another operator, is the cause.
func stale(err error) bool { return apierrors.IsConflict(err) || errors.Is(err, errStale) }

// pass reads what a Kafka depends on, computes what it wants, has it written, and takes one step towards it.
func (r *kafkas) pass(ctx context.Context, s *scene) (out kafkaOutcome) {
	if out.err = r.gather(ctx, s); out.err != nil {
		return out
	}
	if out.err = r.identify(ctx, s); out.err != nil {
		return out
	}
	if out.err = r.model(ctx, s, &out); out.err != nil {
		return out
	}
	if out.err = r.place(ctx, s, &out); out.err != nil {
		return out
	}
	if len(out.want.Pending) > 0 {
		out.waiting = out.want.Pending[0]
		return out
	}
	if out.certificates, out.err = r.certify(ctx, s, &out); out.err != nil {
		return out
	}
	if out.err = r.tryPods(ctx, s, &out); out.err != nil {
		return out
	}
	if out.err = r.write(ctx, s, &out); out.err != nil {
		return out
	}
	r.roll(ctx, s, &out)
	return out
}

// model computes what is wanted: once with what was read, again with what Kubernetes chose for new Services, and again with what
// Kafka says about brokers that are to leave.
func (r *kafkas) model(ctx context.Context, s *scene, out *kafkaOutcome) error {
	judge := func() (err error) {
		out.want, out.warnings, err = cluster.For(s.resources)
		return err
	}
	if err := judge(); err != nil {
		return err
	}
	if out.want.AskOccupied {
		if s.resources.Observed.Occupied = r.occupied(ctx, s); s.resources.Observed.Occupied != nil {
			if err := judge(); err != nil {
				return err
			}
		}
	}
	out.modelled = true
	if err := r.keepIDs(ctx, s, *out); err != nil {
		return err
	}
	changed, err := r.applyServices(ctx, s, render.Kafka(out.want, cluster.Certificates{}))
	if err != nil || !changed && len(out.want.Pending) == 0 {
		return err
	}
	if err := r.readServices(ctx, s); err != nil {
		return err
	}
	return judge()
}

// next says when to look again. What the user has to mend is looked at as if nothing had happened; what is missing may appear
// any time; anything else is tried again soon, and then less and less often. Secrets are not watched.
func (r *kafkas) next(key client.ObjectKey, out kafkaOutcome) (reconcile.Result, error) {
	var (
		invalid model.Invalid
		missing *status.Missing
	)
	after := min(r.Interval, secretInterval)
	switch {
	case out.err == nil, errors.As(out.err, &invalid):
	case errors.As(out.err, &missing):
		after = min(after, missingInterval)
	default:
		return reconcile.Result{}, out.err
	}
	if len(out.want.Pending) > 0 {
		after = min(after, missingInterval)
	}
	if !out.again.IsZero() {
		after = min(after, max(out.again.Sub(r.Now()), conflictInterval))
	}
	r.notes.schedule(key, r.Now().Add(after))
	return reconcile.Result{RequeueAfter: after}, nil
}

// gone forgets a Kafka that was deleted.
func (r *kafkas) gone(key client.ObjectKey) {
	r.Metrics.gone(names.KindKafka, key)
	r.notes.drop(key)
	r.memory.drop(key)
	r.services.Forget(key)
	r.objects.Forget(key)
	if r.Clusters != nil {
		r.Clusters.Forget(key)
	}
}

// event puts an Event on a Kafka; related is the pod that it is about, or nil.
func (r *kafkas) event(kafka *v1.Kafka, related *corev1.ObjectReference, kind, reason, action, format string, args ...any) {
	if related == nil {
		r.events.Eventf(kafka, nil, kind, reason, action, format, args...)
		return
	}
	r.events.Eventf(kafka, related, kind, reason, action, format, args...)
}
