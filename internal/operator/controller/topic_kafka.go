package controller

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// staleMost is how often in a row a topic may have changed between two requests about it until that is reported.
const staleMost = 3

// inKafka reads the topics that a pass is about and changes what has to be changed. What goes wrong with one topic is noted
// there; the error is about the cluster.
func (r *topics) inKafka(ctx context.Context, s *topicScene) error {
	needed := s.pass.All && r.imports() || slices.ContainsFunc(s.subjects, (*topicSubject).inKafka)
	if s.closed != nil || !needed {
		return nil
	}
	return r.Clusters.Use(ctx, s.cluster, func(ctx context.Context, admin *kafkaadmin.Admin) error {
		var holding sync.WaitGroup
		holding.Go(func() { r.hold(ctx, s) })
		read, err := readTopics(ctx, admin, s)
		holding.Wait()
		if err != nil {
			return err
		}
		for _, sub := range s.subjects {
			if sub.inKafka() {
				r.compare(s, sub, read)
			}
		}
		if err := r.change(ctx, admin, s); err != nil {
			return err
		}
		r.unthrottle(ctx, admin, s, read.Brokers)
		if s.pass.All && r.imports() {
			r.imported(ctx, s, read)
		}
		return nil
	})
}

// readTopics reads what a pass is about: all topics if it is about all.
func readTopics(ctx context.Context, admin *kafkaadmin.Admin, s *topicScene) (kafkaadmin.Topics, error) {
	if s.pass.All {
		return admin.ReadAllTopics(ctx)
	}
	var wanted []string
	for _, sub := range s.subjects {
		if sub.action == topic.Reconcile && sub.want.Name != "" {
			wanted = append(wanted, sub.want.Name)
		}
	}
	if len(wanted) == 0 {
		return kafkaadmin.Topics{}, nil // what is deleted need not be read
	}
	slices.Sort(wanted)
	return admin.ReadTopics(ctx, slices.Compact(wanted))
}

// compare finds what a topic lacks.
func (r *topics) compare(s *topicScene, sub *topicSubject, read kafkaadmin.Topics) {
	if sub.action == topic.Remove {
		sub.changes = topic.Delete(sub.owner.Topic)
		return
	}
	if err := read.Failed[sub.want.Name]; err != nil {
		r.setBack(s, sub, err)
		return
	}
	want, have := sub.want, read.States[sub.want.Name]
	if r.Bidirectional {
		var goOn bool
		if want, goOn = r.pair(s, sub, have); !goOn {
			return
		}
	}
	if have != nil {
		sub.outcome.ID = have.ID
	}
	sub.changes = topic.Diff(want, have, topic.Options{
		Alterable: r.Alterable, Brokers: read.Brokers, Rate: r.Throttle, Status: sub.cr.Status,
	})
	if sub.changes.Empty() {
		delete(s.memory.stale, sub.key())
	}
	sub.outcome.Refused, sub.outcome.Replicas = sub.changes.Refused, sub.changes.Replicas
	sub.outcome.Warnings = append(sub.outcome.Warnings, sub.changes.Warnings...)
	switch {
	case sub.changes.Replicas == nil:
	case len(sub.changes.Refused) > 0:
		sub.again = missingInterval
	case sub.cr.Status.ReplicasChange == nil:
		sub.again = movesBegin
	default:
		sub.again = movesInterval
	}
}

// change has Kafka changed, and notes what came of it. An error says that Kafka was not reached at all.
func (r *topics) change(ctx context.Context, admin *kafkaadmin.Admin, s *topicScene) error {
	var changes []topic.Changes
	for _, sub := range s.subjects {
		if sub.inKafka() && !sub.changes.Empty() {
			changes = append(changes, sub.changes)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	results := admin.ApplyTopics(ctx, changes)
	if err := unreached(results); err != nil {
		return err
	}
	for _, sub := range s.subjects {
		if !sub.inKafka() || sub.changes.Empty() {
			continue
		}
		result := results[sub.changes.Name]
		if result.Err == nil {
			r.changed(s, sub, result)
			continue
		}
		r.setBack(s, sub, result.Err)
	}
	return nil
}

// unreached returns one of the errors if all changes failed since no broker answered.
func unreached(results map[string]kafkaadmin.TopicResult) (err error) {
	for _, result := range results {
		var failure *kafkaadmin.Error
		if !errors.As(result.Err, &failure) || !slices.Contains([]kafka.Kind{kafka.KindTimeout, kafka.KindAuthentication}, failure.Cause.Kind) {
			return nil
		}
		err = result.Err
	}
	return err
}

// changed notes what Kafka made of a change.
func (r *topics) changed(s *topicScene, sub *topicSubject, result kafkaadmin.TopicResult) {
	r.Log.Info("topic changed", "namespace", sub.cr.Namespace, "name", sub.cr.Name, "change", sub.changes.String())
	delete(s.memory.stale, sub.key())
	switch c := sub.changes; {
	case c.Create != nil:
		sub.outcome.ID = result.ID
	case c.Delete && sub.cr.Status.TopicID != "":
		s.memory.deleted[sub.cr.Status.TopicID] = s.began
	case c.Move != nil && c.Move.Rate > 0:
		s.memory.rates = true
	}
}

// setBack notes a failure. One that comes from having read what was no longer so, or not yet on another broker, is tried again a
// few times before anybody is told.
func (r *topics) setBack(s *topicScene, sub *topicSubject, err error) {
	var failure *kafkaadmin.Error
	if errors.As(err, &failure) && failure.Stale {
		if s.memory.stale[sub.key()]++; s.memory.stale[sub.key()] <= staleMost {
			sub.silent, sub.failed = true, true
			return
		}
	}
	delete(s.memory.stale, sub.key())
	sub.again = 0
	sub.fail(kafkaProblem(err))
}

// unthrottle takes the limits of moves from the brokers when no replicas move any more.
func (r *topics) unthrottle(ctx context.Context, admin *kafkaadmin.Admin, s *topicScene, brokers []topic.Broker) {
	if r.Throttle == 0 || !s.memory.rates || len(brokers) == 0 {
		return
	}
	ongoing, err := r.ongoing(ctx, s)
	if err != nil || ongoing > 0 {
		return // a later pass does it
	}
	ids := make([]int32, len(brokers))
	for i, b := range brokers {
		ids[i] = b.ID
	}
	rates, err := admin.Throttles(ctx, ids)
	if err != nil {
		r.Log.Warn("limits of replication", "cluster", s.cluster.Name, "error", err)
		return
	}
	free := make(map[int32]int64)
	for _, id := range topic.Unthrottle(rates, r.Throttle, ongoing) {
		free[id] = 0
	}
	failures := admin.SetThrottle(ctx, free)
	for id, err := range failures {
		r.Log.Warn("limits of replication", "cluster", s.cluster.Name, "broker", id, "error", err)
	}
	s.memory.rates = len(failures) > 0
}

// ongoing counts the KafkaTopics of a cluster whose replicas move, by their status or by this pass.
func (r *topics) ongoing(ctx context.Context, s *topicScene) (n int, err error) {
	everyone := &topicScene{cluster: s.cluster, pass: pass{All: true}}
	all, err := r.resources(ctx, everyone)
	if err != nil {
		return 0, err
	}
	moves := make(map[client.ObjectKey]bool)
	for _, cr := range all {
		moves[client.ObjectKeyFromObject(cr)] = moving(cr.Status.ReplicasChange)
	}
	for _, sub := range s.subjects {
		if sub.action == topic.Reconcile && sub.outcome.Err == nil && !sub.silent {
			moves[sub.key()] = moving(sub.outcome.Replicas)
		}
	}
	for _, is := range moves {
		n += one(is)
	}
	return n, nil
}

func moving(c *v1.ReplicasChange) bool { return c != nil && c.State == v1.ReplicasChangeOngoing }

func awayLevel(err error) slog.Level {
	if err != nil {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
