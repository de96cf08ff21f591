package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// maxUserEvents bounds the Events of one pass: a cluster that is away is not to be said for each of a thousand users.
const maxUserEvents = 20

// report writes the status of a subject, if it says something new, and an Event for each failure and warning that is new in it.
func (r *userRound) report(ctx context.Context, s *userSubject) {
	defer func() { r.Metrics.end(names.KindKafkaUser, s.key, r.Now().Sub(r.began), s.err != nil) }()
	previous := s.cr.Status
	next := user.Status(user.Outcome{
		Generation: s.cr.Generation, Previous: previous, Paused: s.paused,
		User: s.want, Err: s.err, Warnings: s.warnings, Now: r.Now(),
	})
	if user.Same(previous, next) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := s.cr.DeepCopy()
	changed.Status = next
	err := r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner))
	switch {
	case apierrors.IsConflict(err):
		s.stale = true // a newer state is on its way to the cache
		return
	case client.IgnoreNotFound(err) != nil:
		s.err = fmt.Errorf("write status: %w", err)
		return
	}
	for _, c := range next.Conditions {
		known := slices.ContainsFunc(previous.Conditions, func(p v1.Condition) bool {
			return p.Type == c.Type && p.Reason == c.Reason && p.Message == c.Message
		})
		if known || c.Type != v1.ConditionWarning && c.Type != v1.ConditionNotReady {
			continue
		}
		if r.warned.Add(1) <= maxUserEvents {
			r.events.Eventf(s.cr, nil, corev1.EventTypeWarning, c.Reason, "Reconcile", "%s", c.Message)
		}
		r.Log.Info("status", "namespace", s.key.Namespace, "user", s.key.Name, "condition", c.Type, "reason", c.Reason, "message", c.Message)
	}
}
