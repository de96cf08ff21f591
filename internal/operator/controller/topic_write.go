package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// maxTopicEvents bounds the Events of one pass: a mistake that is in a hundred KafkaTopics is told by some of them.
const maxTopicEvents = 20

// hold puts the finalizer on KafkaTopics that are about to have a topic, before they have it: one that is deleted at any time
// takes its topic along.
func (r *topics) hold(ctx context.Context, s *topicScene) {
	var bare []*topicSubject
	for _, sub := range s.subjects {
		if sub.action == topic.Reconcile && sub.inKafka() && !held(sub.cr) {
			bare = append(bare, sub)
		}
	}
	together(topicWrites, bare, func(sub *topicSubject) {
		kept, err := r.finalizers(ctx, sub.cr, append(slices.Clone(sub.cr.Finalizers), names.FinalizerTopic))
		if err != nil {
			sub.unwritten(err)
			return
		}
		sub.cr = kept
	})
}

// finalizers writes the list of finalizers, if nobody has written the KafkaTopic meanwhile, and returns what it is then.
func (r *topics) finalizers(ctx context.Context, cr *v1.KafkaTopic, list []string) (*v1.KafkaTopic, error) {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": cr.ResourceVersion, "uid": cr.UID, "finalizers": list},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	next := &v1.KafkaTopic{}
	next.Namespace, next.Name = cr.Namespace, cr.Name
	if err := r.client.Patch(ctx, next, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(names.FieldOwner)); err != nil {
		return nil, fmt.Errorf("write finalizers: %w", err)
	}
	return next, nil
}

// unwritten notes that the API server did not take a write. What was written by somebody else is looked at anew, with what that
// is; what is gone is done.
func (s *topicSubject) unwritten(err error) {
	switch {
	case apierrors.IsNotFound(err):
		s.silent, s.again, s.failed = true, 0, false
	case apierrors.IsConflict(err):
		s.later(topicAgain)
	default:
		s.silent, s.again, s.failed, s.outcome.Err = true, 0, true, err
	}
}

// report writes what a pass came to: the statuses that say something new, and nothing for KafkaTopics that may go now but their
// finalizers.
func (r *topics) report(ctx context.Context, s *topicScene) {
	var written []*topicSubject
	for _, sub := range s.subjects {
		if r.toWrite(sub) {
			written = append(written, sub)
		}
	}
	together(topicWrites, written, func(sub *topicSubject) {
		if err := r.write(ctx, sub); err != nil {
			r.Log.Debug("KafkaTopic not written", "namespace", sub.cr.Namespace, "name", sub.cr.Name, "error", err)
			sub.unwritten(err)
			return
		}
	})
	told := 0
	for _, sub := range written {
		if told < maxTopicEvents && !sub.silent {
			told += r.tell(sub)
		}
	}
}

// toWrite reports whether anything has to be written about a subject.
func (r *topics) toWrite(sub *topicSubject) bool {
	switch {
	case sub.silent:
		return false
	case sub.released():
		return held(sub.cr)
	case sub.deserted, sub.disagrees():
		return true
	}
	return !topic.Same(sub.cr.Status, topic.Status(sub.outcome))
}

// disagrees reports whether a KafkaTopic does not say what it and its topic agree on.
func (s *topicSubject) disagrees() bool {
	return s.agreed != nil && s.outcome.Err == nil && s.cr.Annotations[names.AnnotationAgreed] != s.agreed.String()
}

// released reports whether a KafkaTopic may go.
func (s *topicSubject) released() bool {
	return s.action == topic.Release || s.action == topic.Remove && s.outcome.Err == nil
}

// write writes one KafkaTopic.
func (r *topics) write(ctx context.Context, sub *topicSubject) error {
	if sub.released() {
		_, err := r.finalizers(ctx, sub.cr, slices.DeleteFunc(slices.Clone(sub.cr.Finalizers), func(f string) bool { return f == names.FinalizerTopic }))
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if sub.deserted || sub.disagrees() {
		agreed, err := r.agree(ctx, sub)
		if err != nil || agreed == nil {
			return err
		}
		sub.cr, sub.outcome.Generation = agreed, agreed.Generation
	}
	if topic.Same(sub.cr.Status, topic.Status(sub.outcome)) {
		return nil
	}
	next := sub.cr.DeepCopy()
	next.Status = topic.Status(sub.outcome)
	if err := r.client.Status().Update(ctx, next, client.FieldOwner(names.FieldOwner)); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

// tell puts an Event on a KafkaTopic for each warning and failure that its status did not have before.
func (r *topics) tell(sub *topicSubject) (events int) {
	if sub.released() {
		return 0
	}
	for _, c := range topic.Status(sub.outcome).Conditions {
		known := slices.ContainsFunc(sub.outcome.Previous.Conditions, func(p v1.Condition) bool {
			return p.Type == c.Type && p.Status == c.Status && p.Reason == c.Reason && p.Message == c.Message
		})
		if known || c.Reason == "" {
			continue
		}
		events++
		r.events.Eventf(sub.cr, nil, corev1.EventTypeWarning, c.Reason, "Reconcile", "%s", c.Message)
		r.Log.Info("status", "namespace", sub.cr.Namespace, "name", sub.cr.Name, "condition", c.Type, "reason", c.Reason, "message", c.Message)
	}
	return events
}

// together calls do with each item, a number of them at a time, and returns when all calls have.
func together[T any](most int, items []T, do func(T)) {
	slots := make(chan struct{}, most)
	var group sync.WaitGroup
	for _, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(item)
		})
	}
	group.Wait()
}
