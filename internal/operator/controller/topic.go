package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/status"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

const (
	// topicAgain is the time in which the cache learns of what was written here.
	topicAgain = 50 * time.Millisecond
	// movesBegin and movesInterval are the times to the next look at a topic whose replicas are about to move, and do.
	movesBegin    = 200 * time.Millisecond
	movesInterval = 2 * time.Second
)

// topicSubject is one KafkaTopic in a pass.
type topicSubject struct {
	cr      *v1.KafkaTopic // the cache's: not to be changed
	action  topic.Action
	owner   topic.Claim
	want    topic.Topic
	changes topic.Changes

	// What comes of the pass.
	outcome topic.Outcome
	silent  bool          // nothing is said about this pass: it begins anew in a moment
	failed  bool          // it comes again after a while
	again   time.Duration // it comes again after this time, 0: not by itself

	// In the bidirectional mode: what KafkaTopic and topic agree on, nil if nothing is to be written of that, and whether the
	// KafkaTopic goes since its topic did.
	agreed   *topic.Agreed
	deserted bool
}

func (s *topicSubject) key() client.ObjectKey { return client.ObjectKeyFromObject(s.cr) }

// fail notes why a subject did not get through, if it is to be tried again without anybody changing anything.
func (s *topicSubject) fail(err error) {
	if s.outcome.Err == nil {
		s.outcome.Err, s.failed = err, true
	}
}

// later has a subject come again, without a word about this pass.
func (s *topicSubject) later(after time.Duration) { s.silent, s.again = true, after }

// inKafka reports whether a subject needs Kafka, as far as is known.
func (s *topicSubject) inKafka() bool {
	return s.outcome.Err == nil && !s.silent && (s.action == topic.Reconcile || s.action == topic.Remove)
}

// topicScene is one pass over topics of a cluster: what is looked at, and what it depends on.
type topicScene struct {
	cluster  client.ObjectKey
	kafka    *v1.Kafka // nil if there is none
	pass     pass
	began    time.Time
	subjects []*topicSubject
	memory   *topicMemory
	// closed is why nothing of the cluster can be looked after, whatever it answers; gone says that it never will be.
	closed error
	gone   bool
}

// topicMemory is what is remembered of a cluster between passes. One pass at a time uses it. Losing it costs looks, no more.
type topicMemory struct {
	away    bool                           // the last pass did not reach Kafka
	rates   bool                           // limits of ours may stand on brokers
	stale   map[client.ObjectKey]int       // passes in a row whose changes came too late
	deleted map[string]time.Time           // ids of topics, and when they were deleted here
	missing map[client.ObjectKey]time.Time // whose topics are not there, and since when
}

// tidy drops what is about KafkaTopics that are no more, and ids that no broker shows any longer.
func (m *topicMemory) tidy(s *topicScene) {
	there := make(map[client.ObjectKey]bool, len(s.subjects))
	for _, sub := range s.subjects {
		there[sub.key()] = true
	}
	maps.DeleteFunc(m.stale, func(key client.ObjectKey, _ int) bool { return !there[key] })
	maps.DeleteFunc(m.missing, func(key client.ObjectKey, _ time.Time) bool { return !there[key] })
	maps.DeleteFunc(m.deleted, func(_ string, at time.Time) bool { return s.began.Sub(at) > deletedKept })
}

func (r *topics) remembered(cluster client.ObjectKey) *topicMemory {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.memory[cluster]
	if m == nil {
		m = &topicMemory{
			rates: true, stale: make(map[client.ObjectKey]int), deleted: make(map[string]time.Time),
			missing: make(map[client.ObjectKey]time.Time),
		}
		r.memory[cluster] = m
	}
	return m
}

func (r *topics) forget(cluster client.ObjectKey) {
	r.mu.Lock()
	delete(r.memory, cluster)
	r.mu.Unlock()
	r.Clusters.Forget(cluster)
}

// work makes one pass over topics of a cluster.
func (r *topics) work(ctx context.Context, cluster client.ObjectKey, p pass) (verdict, error) {
	s := &topicScene{cluster: cluster, pass: p, began: r.Now(), memory: r.remembered(cluster)}
	if err := r.gather(ctx, s); err != nil {
		return verdict{}, err
	}
	for _, sub := range s.subjects {
		r.Metrics.begin(names.KindKafkaTopic, sub.key(), p.Timed)
	}
	err := r.inKafka(ctx, s)
	if err != nil && ctx.Err() != nil {
		return verdict{}, err // the operator ends, or Kafka takes its time: the topics are not to blame
	}
	if s.memory.away != (err != nil) {
		s.memory.away = err != nil
		r.Log.Log(ctx, awayLevel(err), "topics", "namespace", cluster.Namespace, "cluster", cluster.Name, "away", err != nil, "error", err)
	}
	if err != nil {
		r.away(s, err)
	}
	if err != nil || p.All {
		return r.end(ctx, s), err
	}
	// While the API server is written to, Kafka can have the next pass.
	return verdict{Rest: func(ctx context.Context) verdict { return r.end(ctx, s) }}, nil
}

// end writes what a pass came to, and counts it.
func (r *topics) end(ctx context.Context, s *topicScene) verdict {
	r.report(ctx, s)
	for _, sub := range s.subjects {
		r.Metrics.end(names.KindKafkaTopic, sub.key(), r.Now().Sub(s.began), sub.outcome.Err != nil)
	}
	return r.verdict(s)
}

// gather reads, all from the cache, what a pass is about, and decides what becomes of each KafkaTopic.
func (r *topics) gather(ctx context.Context, s *topicScene) error {
	kafka := &v1.Kafka{}
	switch err := r.client.Get(ctx, s.cluster, kafka); {
	case err == nil:
		s.kafka = kafka
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("read: %w", err)
	}
	s.closed, s.gone = closed(s.cluster, s.kafka)
	found, err := r.resources(ctx, s)
	if err != nil {
		return err
	}
	claims := make([]topic.Claim, 0, len(found))
	for _, cr := range found {
		if claim, ok := topic.ClaimOf(cr); ok {
			claims = append(claims, claim)
		}
	}
	owners := topic.Owners(claims)
	for _, cr := range found {
		s.subjects = append(s.subjects, r.subject(s, cr, owners))
	}
	return nil
}

// closed says why the topics of a Kafka are not looked after, nil if they are. gone says that what is in Kafka, if anything, is
// left to itself, so that no KafkaTopic has to wait for it.
func closed(cluster client.ObjectKey, kafka *v1.Kafka) (why error, gone bool) {
	switch {
	case kafka == nil:
		return topic.Problem{Reason: topic.ReasonKafka, Message: fmt.Sprintf(
			"label %s: there is no Kafka %s in namespace %s: make one, or give the KafkaTopic the label of another one",
			names.LabelCluster, cluster.Name, cluster.Namespace)}, true
	case kafka.DeletionTimestamp != nil:
		return topic.Problem{Reason: topic.ReasonKafka, Message: fmt.Sprintf("the Kafka %s is being deleted", cluster.Name)}, true
	case kafka.Spec.EntityOperator == nil || kafka.Spec.EntityOperator.TopicOperator == nil:
		return topic.Problem{Reason: topic.ReasonNotSupported, Message: fmt.Sprintf(
			"the Kafka %s wants nobody to look after its topics: set its spec.entityOperator.topicOperator to {}", cluster.Name)}, true
	}
	return nil, false
}

// resources returns the KafkaTopics that a pass is about: all of the cluster, or those that were asked for and their rivals. They
// are the cache's, and must not be changed.
func (r *topics) resources(ctx context.Context, s *topicScene) (found []*v1.KafkaTopic, err error) {
	mine := make(map[client.ObjectKey]bool)
	take := func(cr *v1.KafkaTopic) {
		key := client.ObjectKeyFromObject(cr)
		if mine[key] || cr.Labels[names.LabelCluster] != s.cluster.Name {
			return
		}
		if home, homeErr := r.home(ctx, cr); homeErr != nil || home != s.cluster {
			err = errors.Join(err, homeErr)
			return
		}
		mine[key] = true
		found = append(found, cr)
	}
	if s.pass.All {
		list := &v1.KafkaTopicList{}
		if err := r.client.List(ctx, list, client.MatchingLabels{names.LabelCluster: s.cluster.Name}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list KafkaTopics: %w", err)
		}
		for i := range list.Items {
			take(&list.Items[i])
		}
		return found, err
	}
	for _, key := range s.pass.Keys {
		cr := &v1.KafkaTopic{}
		if err := r.client.Get(ctx, key, cr, client.UnsafeDisableDeepCopy); apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read KafkaTopic %s: %w", key.Name, err)
		}
		take(cr)
		for _, rival := range r.rivals(ctx, cr) {
			take(rival)
		}
	}
	return found, err
}

// subject decides what becomes of a KafkaTopic in this pass, as far as that needs no look at Kafka.
func (r *topics) subject(s *topicScene, cr *v1.KafkaTopic, owners map[string]topic.Claim) *topicSubject {
	claim, _ := topic.ClaimOf(cr)
	sub := &topicSubject{cr: cr, owner: owners[claim.Topic]}
	sub.action = topic.Decide(cr, topic.Facts{Gone: s.gone, Owner: sub.owner})
	sub.outcome = topic.Outcome{Generation: cr.Generation, Previous: cr.Status, Action: sub.action, Topic: topic.Name(cr), Now: s.began}
	switch sub.action {
	case topic.Yield:
		sub.outcome.Err = topic.Conflict(sub.owner)
	case topic.Reconcile:
		if sub.outcome.Err = s.closed; s.closed == nil {
			sub.want, sub.outcome.Warnings, sub.outcome.Err = topic.Desired(cr)
		}
	}
	return sub
}

// away is for topics whose cluster could not be reached. What was as wanted when it was looked at last goes on being so, as far as
// anybody knows: that a cluster is away for a moment must not have all its KafkaTopics written. The message is always the same,
// for the same reason; why is logged, and the Kafka's own status says it.
func (r *topics) away(s *topicScene, err error) {
	message := fmt.Sprintf("the Kafka cluster %s can't be reached: see the status of the Kafka, it is tried again and again", s.cluster.Name)
	if missing := (*status.Missing)(nil); errors.As(err, &missing) {
		message = fmt.Sprintf("the Kafka cluster %s can't be reached yet: %s", s.cluster.Name, missing.Message)
	}
	for _, sub := range s.subjects {
		if !sub.inKafka() {
			continue
		}
		sub.outcome.Err = topic.Problem{Reason: topic.ReasonKafka, Message: message}
		sub.silent = sub.action == topic.Reconcile && wasReady(sub.cr)
	}
}

// wasReady reports whether a KafkaTopic was as wanted, as it is now, at the last look.
func wasReady(cr *v1.KafkaTopic) bool {
	return cr.Status.ObservedGeneration == cr.Generation &&
		slices.ContainsFunc(cr.Status.Conditions, func(c v1.Condition) bool { return c.Type == v1.ConditionReady && c.Status == "True" })
}

// verdict says which KafkaTopics come again, and when all do.
func (r *topics) verdict(s *topicScene) verdict {
	v := verdict{Later: make(map[client.ObjectKey]time.Duration)}
	for _, sub := range s.subjects {
		switch {
		case sub.again > 0:
			v.Later[sub.key()] = sub.again
		case sub.failed:
			v.Failed = append(v.Failed, sub.key())
		}
	}
	if !s.pass.All {
		return v
	}
	s.memory.tidy(s)
	if len(s.subjects) > 0 || s.closed == nil && r.imports() {
		v.All = r.interval(s.kafka)
	} else if s.gone {
		r.forget(s.cluster)
	}
	return v
}

// kafkaProblem is an error of Kafka's as a condition says it.
func kafkaProblem(err error) error {
	return topic.Problem{Reason: topic.ReasonKafka, Message: strings.TrimSpace(err.Error())}
}
