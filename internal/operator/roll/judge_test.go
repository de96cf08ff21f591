package roll

import (
	"fmt"
	"slices"
	"time"
)

// judge says which rule a step would break, by the world's true state and by rules of its own.
func (w *world) judge(step Step) error {
	var targets []int32
	for _, t := range step.Targets {
		m := w.nodes[t.Node]
		if m == nil || m.pod == nil || m.pod.UID != t.UID {
			return fmt.Errorf("pod %s of node %d doesn't exist", t.UID, t.Node)
		}
		targets = append(targets, t.Node)
		if step.Do == Restart && m.pod.DropClaims && !m.pod.ClaimsDeleting {
			return fmt.Errorf("the wish to delete the claims of node %d is lost", t.Node)
		}
	}
	if step.Do != Restart && step.Do != DeleteClaims {
		return nil
	}
	for _, check := range []func(Step, []int32) error{w.judgeNumber, w.judgeQuorum, w.judgePartitions} {
		if err := check(step, targets); err != nil {
			return err
		}
	}
	return nil
}

// judgeNumber: at most a batch of ready pods, controllers alone, and nothing else down that may have been by the operator.
func (w *world) judgeNumber(step Step, targets []int32) error {
	serving := slices.DeleteFunc(slices.Clone(targets), func(id int32) bool { return !w.ready(id) })
	if step.Forced && (w.blindSince.IsZero() || w.now.Sub(w.blindSince) < simAdmin*time.Second || len(targets) > 1) {
		return fmt.Errorf("forced without need")
	}
	if len(serving) == 0 {
		return nil
	}
	if len(serving) > max(1, w.want.Batch) || len(targets) > len(serving) {
		return fmt.Errorf("%d at once", len(targets))
	}
	for _, id := range targets {
		if w.node(id).Controller && len(targets) > 1 {
			return fmt.Errorf("a controller in a batch")
		}
		if w.node(id).Rack != w.node(targets[0]).Rack {
			return fmt.Errorf("a batch in two racks")
		}
	}
	var down []int32
	for _, id := range w.ids {
		if !slices.Contains(targets, id) && !w.ready(id) {
			down = append(down, id)
		}
	}
	if len(down) == 0 || len(down) == 1 && len(targets) == 1 && w.withoutPlace(down[0]) && !ofTemplate(step) {
		return nil
	}
	return fmt.Errorf("%v are down already", down)
}

// withoutPlace and ofTemplate are the two halves of the only exception.
func (w *world) withoutPlace(id int32) bool {
	pod := w.nodes[id].pod
	return pod != nil && (pod.Waiting == "Unschedulable" || pod.Waiting == "ImagePullBackOff")
}

func ofTemplate(step Step) bool {
	return slices.Contains(step.Targets[0].Reasons, PodHasOldRevision)
}

// judgeQuorum: who takes part in a quorum of three or more that stands may go only if a majority stays.
func (w *world) judgeQuorum(step Step, targets []int32) error {
	voters, stay, loses := 0, 0, false
	for _, id := range w.ids {
		m := w.nodes[id]
		if !m.voter {
			continue
		}
		voters++
		takesPart := w.running(id) && (m.lag < 2 || id == w.leader)
		out := slices.Contains(targets, id)
		loses = loses || out && takesPart
		if takesPart && !out {
			stay++
		}
	}
	if loses && !step.Forced && voters > 1 && stay < max(1, voters/2+1-boolToInt(voters == 2)) {
		return fmt.Errorf("%d of %d controllers stay", stay, voters)
	}
	return nil
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// judgePartitions: whoever is in sync and serves may go only if enough others are and do.
func (w *world) judgePartitions(step Step, targets []int32) error {
	for _, p := range w.parts {
		for _, id := range targets {
			going := step.Do == DeleteClaims || w.nodes[id].pod.ClaimsDeleting
			if going && slices.Contains(p.ISR, id) && len(p.Replicas) > 1 && w.live(p) == boolToInt(w.ready(id)) {
				return fmt.Errorf("partition %d loses its records", p.Number)
			}
		}
		if step.Forced {
			continue
		}
		loses, stay, replicas := false, 0, 0
		for _, r := range p.Replicas {
			out, serves := slices.Contains(targets, r), slices.Contains(p.ISR, r) && w.ready(r)
			loses = loses || out && serves
			if serves && !out {
				stay++
			}
			if out && w.ready(r) {
				replicas++
			}
		}
		if loses && len(p.Replicas) > p.MinISR && stay < p.MinISR {
			return fmt.Errorf("partition %d keeps %d in sync of %d", p.Number, stay, p.MinISR)
		}
		if len(p.Replicas) <= p.MinISR && replicas > 1 {
			return fmt.Errorf("partition %d loses %d replicas at once", p.Number, replicas)
		}
	}
	return nil
}

// safe says what is wrong with a world in which nothing dies by itself: it holds at each moment, not only when something is
// done.
func (w *world) safe() error {
	for _, p := range w.parts {
		if n := w.live(p); len(p.Replicas) > p.MinISR && n < p.MinISR {
			return fmt.Errorf("partition %d of %v has %d in sync of %d", p.Number, p.Replicas, n, p.MinISR)
		}
	}
	voters, up := 0, 0
	for _, id := range w.ids {
		if w.nodes[id].voter {
			voters++
			if w.running(id) && w.nodes[id].lag < 2 {
				up++
			}
		}
	}
	if voters > 2 && up <= voters/2 {
		return fmt.Errorf("%d of %d controllers are caught up", up, voters)
	}
	return nil
}

// converged says what is missing although there is nothing to do.
func (w *world) converged() error {
	for _, id := range w.ids {
		m, n := w.nodes[id], w.node(id)
		switch {
		case !w.ready(id):
			return fmt.Errorf("nothing to do, but node %d isn't ready", id)
		case m.pod.Marks != n.Marks || m.pod.Roll || m.pod.DropClaims:
			return fmt.Errorf("nothing to do, but the pod of node %d is %+v", id, *m.pod)
		case m.options != n.Options:
			return fmt.Errorf("nothing to do, but node %d has options %q", id, m.options)
		}
	}
	if len(w.pools) > 0 {
		return fmt.Errorf("nothing to do, but pools %v were asked to be rolled", w.pools)
	}
	return nil
}
