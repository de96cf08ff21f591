package controller

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

const (
	// brokersAgree is the time after which brokers no longer differ in which topics there are.
	brokersAgree = 10 * time.Second
	// deletedKept is how long the ids of deleted topics are remembered.
	deletedKept = 10 * time.Minute
)

// imports reports whether KafkaTopics are made for topics that have none.
func (r *topics) imports() bool { return r.Import || r.Bidirectional }

// imported makes a KafkaTopic for each topic that no KafkaTopic speaks of. A topic that was deleted here a moment ago may still be
// shown by a broker: that one is left.
func (r *topics) imported(ctx context.Context, s *topicScene, read kafkaadmin.Topics) {
	spoken := make(map[string]bool, len(s.subjects))
	for _, sub := range s.subjects {
		spoken[topic.Name(sub.cr)], spoken[sub.cr.Status.TopicName] = true, true
	}
	var found []*topic.State
	for _, name := range slices.Sorted(maps.Keys(read.States)) {
		t := read.States[name]
		if _, deleted := s.memory.deleted[t.ID]; !spoken[name] && !deleted {
			found = append(found, t)
		}
	}
	together(topicWrites, found, func(t *topic.State) {
		cr := r.resourceOf(s, t)
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		switch err := r.client.Create(ctx, cr, client.FieldOwner(names.FieldOwner)); {
		case apierrors.IsAlreadyExists(err):
			r.Log.Debug("topic not imported: its name is taken", "namespace", cr.Namespace, "name", cr.Name)
		case err != nil:
			r.Log.Warn("topic not imported", "namespace", cr.Namespace, "name", cr.Name, "error", err)
		default:
			r.Log.Info("topic imported", "namespace", cr.Namespace, "name", cr.Name, "topic", t.Name)
		}
	})
}

// resourceOf is the KafkaTopic of a topic that has none.
func (r *topics) resourceOf(s *topicScene, t *topic.State) *v1.KafkaTopic {
	agreed := topic.AgreedOn(t)
	cr := &v1.KafkaTopic{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespaces(s.kafka)[0], Name: topic.ResourceName(t.Name),
			Labels: map[string]string{names.LabelCluster: s.cluster.Name},
		},
		Spec: agreed.Write(v1.KafkaTopicSpec{}),
	}
	if cr.Name != t.Name {
		cr.Spec.TopicName = t.Name
	}
	if r.Bidirectional {
		cr.Annotations = map[string]string{names.AnnotationAgreed: agreed.String()}
	}
	return cr
}

// pair is the bidirectional mode: it returns what KafkaTopic and topic shall both be, or false if the topic is not compared in
// this pass. The KafkaTopic is written when the topic is as agreed; until then the former agreement stands, so that a change which
// Kafka does not show yet is not taken for having been undone.
func (r *topics) pair(s *topicScene, sub *topicSubject, have *topic.State) (want topic.Topic, goOn bool) {
	base, err := topic.ParseAgreed(sub.cr.Annotations[names.AnnotationAgreed])
	if err != nil {
		sub.outcome.Warnings = append(sub.outcome.Warnings, topic.Warning{Reason: topic.ReasonInternal, Message: err.Error()})
	}
	if have == nil {
		if topic.Pair(true, false, base != nil) == topic.PairCreateTopic {
			return sub.want, true
		}
		s.missed(sub)
		return sub.want, false
	}
	delete(s.memory.missing, sub.key())
	merged, err := topic.Merge(base, sub.want, have)
	if err != nil {
		sub.outcome.Err, sub.outcome.ID = err, have.ID
		return sub.want, false
	}
	want = topic.Topic{Name: sub.want.Name, Partitions: merged.Partitions, Replicas: merged.Replicas, Config: merged.Config}
	preview := topic.Diff(want, have, topic.Options{Alterable: r.Alterable, Status: sub.cr.Status})
	switch {
	case len(preview.Refused) > 0:
	case !preview.Empty() || preview.Replicas != nil:
		sub.again = time.Second
	default:
		sub.agreed = &merged
	}
	return want, true
}

// missed deals with a topic that was deleted in Kafka: its KafkaTopic goes with it, when all brokers must know.
func (s *topicScene) missed(sub *topicSubject) {
	since, known := s.memory.missing[sub.key()]
	if !known {
		since = s.began
		s.memory.missing[sub.key()] = since
	}
	if wait := brokersAgree - s.began.Sub(since); wait > 0 {
		sub.later(max(wait, time.Second))
		return
	}
	sub.deserted = true
}

// agree writes into a KafkaTopic what it and its topic agree on, if it does not say so, or deletes one whose topic was deleted. It
// returns the KafkaTopic as it is then.
func (r *topics) agree(ctx context.Context, sub *topicSubject) (*v1.KafkaTopic, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if sub.deserted {
		only := client.Preconditions{UID: &sub.cr.UID, ResourceVersion: &sub.cr.ResourceVersion}
		if err := r.client.Delete(ctx, sub.cr.DeepCopy(), only); err != nil {
			return nil, fmt.Errorf("delete: %w", err)
		}
		r.Log.Info("KafkaTopic deleted: its topic was", "namespace", sub.cr.Namespace, "name", sub.cr.Name)
		return nil, nil
	}
	next := sub.cr.DeepCopy()
	next.Spec = sub.agreed.Write(next.Spec)
	if next.Annotations == nil {
		next.Annotations = make(map[string]string)
	}
	next.Annotations[names.AnnotationAgreed] = sub.agreed.String()
	patch := client.MergeFromWithOptions(sub.cr, client.MergeFromWithOptimisticLock{})
	if err := r.client.Patch(ctx, next, patch, client.FieldOwner(names.FieldOwner)); err != nil {
		return nil, fmt.Errorf("write what was agreed on: %w", err)
	}
	if next.Generation != sub.cr.Generation {
		r.events.Eventf(next, nil, corev1.EventTypeNormal, "TopicChanged", "Merge", "the topic %s was changed in Kafka, and the KafkaTopic with it", cmp.Or(next.Spec.TopicName, next.Name))
	}
	return next, nil
}
