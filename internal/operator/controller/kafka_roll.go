package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// reasonRoll is of a warning that package roll has.
const reasonRoll = "RollingUpdate"

// roll takes one step of a rolling update, if one is due, and else sees to what has to wait for the end of it.
func (r *kafkas) roll(ctx context.Context, s *scene, out *kafkaOutcome) {
	pods := render.Pods(out.want, out.certificates)
	seen := rollSeen(s, pods)
	known := r.see(ctx, s, out.want, &seen, false)
	step := roll.Next(r.rollWant(s, out.want, pods), seen, r.Now())
	if step.Do == roll.Restart || step.Do == roll.DeleteClaims {
		if out.err = r.readAgain(ctx, s); out.err != nil {
			return
		}
		seen = rollSeen(s, pods)
		known = r.see(ctx, s, out.want, &seen, true)
		step = roll.Next(r.rollWant(s, out.want, pods), seen, r.Now())
	}
	if step.Warning != "" {
		out.warnings = append(out.warnings, model.Warning{Reason: reasonRoll, Message: step.Warning})
	}
	if out.err = r.take(ctx, s, out, step, known); out.err != nil {
		return
	}
	out.err = r.settle(ctx, s, out, step)
}

// readAgain reads what decides about a restart past the cache, which may still show the pod that was deleted last as ready.
func (r *kafkas) readAgain(ctx context.Context, s *scene) (err error) {
	if s.pods, err = r.readPods(ctx, r.live, s); err != nil {
		return err
	}
	return r.readClaims(ctx, s)
}

// take carries out a step, and says what is waited for then.
func (r *kafkas) take(ctx context.Context, s *scene, out *kafkaOutcome, step roll.Step, known map[int32]settings) error {
	r.heldUp(s, out, step)
	if step.Do != roll.Nothing && step.Do != roll.Wait {
		r.Log.Info("step", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "step", step.String())
		out.waiting, out.again = step.String(), r.Now().Add(stepPause)
	}
	switch step.Do {
	case roll.Wait:
		out.waiting, out.overdue, out.again = step.Why, step.Overdue, step.Again
		return nil
	case roll.Mark:
		return r.mark(ctx, s, step)
	case roll.Unmark:
		set := s.sets[step.Pool]
		if set == nil {
			return nil
		}
		return annotate(ctx, r.client, set.DeepCopy(), set.UID, map[string]any{names.AnnotationManualRollingUpdate: nil})
	case roll.Reconfigure:
		return r.reconfigure(ctx, s, out.want, step, known)
	case roll.DeleteClaims:
		return r.deleteClaims(ctx, s, step.Targets[0])
	case roll.Restart:
		return r.restart(ctx, s, step)
	}
	return nil
}

// mark brings the wish of a StrimziPodSet to its pods.
func (r *kafkas) mark(ctx context.Context, s *scene, step roll.Step) error {
	var errs []error
	for _, target := range step.Targets {
		if pod := s.pods[target.Node]; pod != nil && string(pod.UID) == target.UID {
			errs = append(errs, annotatePod(ctx, r.client, pod, map[string]any{names.AnnotationManualRollingUpdate: "true"}))
		}
	}
	return errors.Join(errs...)
}

// restart deletes pods; the controller of StrimziPodSets makes them anew.
func (r *kafkas) restart(ctx context.Context, s *scene, step roll.Step) error {
	var errs []error
	for _, target := range step.Targets {
		reasons := make([]string, len(target.Reasons))
		for i, reason := range target.Reasons {
			reasons[i] = string(reason)
		}
		forced := ""
		if step.Forced {
			forced = ", though Kafka can't be asked whether it may be"
		}
		r.event(s.kafka, podReference(s, target), corev1.EventTypeNormal, reasons[0], "Restart",
			"pod %s is restarted: %s%s", target.Pod, strings.Join(reasons, ", "), forced)
		errs = append(errs, deletePod(ctx, r.client, s.kafka.Namespace, target.Pod, types.UID(target.UID)))
	}
	return errors.Join(errs...)
}

// deleteClaims deletes the claims that a pod uses. They go when the pod does.
func (r *kafkas) deleteClaims(ctx context.Context, s *scene, target roll.Target) error {
	pod := s.pods[target.Node]
	if pod == nil || string(pod.UID) != target.UID {
		return nil
	}
	claims := make(map[string]*corev1.PersistentVolumeClaim, len(s.claims))
	for i := range s.claims {
		claims[s.claims[i].Name] = &s.claims[i]
	}
	var errs []error
	for _, claim := range claimsOf(pod, claims) {
		errs = append(errs, r.deleteClaim(ctx, s, claim))
	}
	return errors.Join(errs...)
}

// deleteClaim deletes exactly the claim that was seen.
func (r *kafkas) deleteClaim(ctx context.Context, s *scene, claim *corev1.PersistentVolumeClaim) error {
	if claim.DeletionTimestamp != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := r.client.Delete(ctx, claim, client.Preconditions{UID: &claim.UID})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete PersistentVolumeClaim %s: %w", claim.Name, err)
	}
	r.Log.Info("claim deleted", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "claim", claim.Name)
	return nil
}
