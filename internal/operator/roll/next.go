package roll

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// soon is for what Kafka only tells if asked: replicas that catch up, log recovery.
	soon = 5 * time.Second
	// later is for what has had its time; a watch tells earlier if it changes.
	later = time.Minute
)

// Next says what has to be done next. It reads no clock, changes none of its arguments, and gives the same answer for the same
// arguments; the order of the nodes has no meaning. The package comment has the rules.
func Next(want Want, seen Seen, now time.Time) Step {
	c := join(want, seen, now)
	for _, rule := range []func() (step Step, applies bool){c.spread, c.replaceStuck, c.reconfigure, c.restart, c.await} {
		if step, applies := rule(); applies {
			return step
		}
	}
	return Step{}
}

// spread brings the wish that stands on a pod set to each of its pods, where it ends with the pod; on the set it would not be
// known which pods are done.
func (c *cluster) spread() (Step, bool) {
	if len(c.seen.RollPools) == 0 {
		return Step{}, false
	}
	pool := slices.Min(c.seen.RollPools)
	step := Step{Do: Mark}
	for _, n := range c.nodes {
		if n.Pool == pool && n.present() && !n.Pod.Roll {
			step.Targets = append(step.Targets, n.target(ManualRollingUpdate))
		}
	}
	if step.Targets == nil {
		return Step{Do: Unmark, Pool: pool}, true
	}
	return step, true
}

// replaceStuck takes away the pods that don't run and would be made from something newer. Those that lose their claims are left
// to restart, which asks Kafka first.
func (c *cluster) replaceStuck() (Step, bool) {
	step := Step{Do: Restart}
	for _, n := range c.nodes {
		if n.stuck() && !n.losesData() && (n.Pod.Roll || n.Marks != n.Pod.Marks) {
			step.Targets = append(step.Targets, n.target(append([]Reason{PodStuck}, n.reasons...)...))
		}
	}
	return step, step.Targets != nil
}

// reconfigure changes what can be changed without a restart, one broker after the other: what is set for the whole cluster is
// done with the first.
func (c *cluster) reconfigure() (Step, bool) {
	for _, n := range c.nodes {
		if n.running() && n.broker.Unreachable.IsZero() && len(n.broker.Drift) > 0 && !n.broker.Refused {
			return Step{Do: Reconfigure, Targets: []Target{n.target()}, Keys: n.broker.Drift}, true
		}
	}
	return Step{}, false
}

// restart picks the first node of the first group that may go now, and others beside it if batches are allowed. The active
// controller waits for the other controllers, so that it isn't elected anew with each of them; unready, it may be in their way.
func (c *cluster) restart() (Step, bool) {
	group := c.group()
	var waiting Step
	for i, n := range group {
		if i > 0 && c.active(n) && n.ready() {
			break
		}
		wait, held := c.hold(n)
		if !held {
			return c.take(c.batch(n, group)), true
		}
		if i == 0 {
			waiting = wait
		}
	}
	return waiting, len(group) > 0
}

// group is the pods that have to be restarted before all others, in order. The unready are one group, for whoever is ready
// waits for all of them. Then go those who don't trust the new CA: nobody may show a certificate of it before.
func (c *cluster) group() (all []*node) {
	for _, n := range c.nodes {
		if len(n.reasons) > 0 {
			all = append(all, n)
		}
	}
	byRole := func(a, b *node) int {
		return cmp.Or(first(a.has(ClusterCaCertKeyReplaced), b.has(ClusterCaCertKeyReplaced)), first(a.Controller, b.Controller))
	}
	byGroup := func(a, b *node) int {
		if !a.ready() || !b.ready() {
			return first(!a.ready(), !b.ready())
		}
		return byRole(a, b)
	}
	slices.SortStableFunc(all, func(a, b *node) int {
		return cmp.Or(byGroup(a, b), byRole(a, b), first(!c.active(a), !c.active(b)), cmp.Compare(a.Rack, b.Rack))
	})
	if i := slices.IndexFunc(all, func(n *node) bool { return byGroup(all[0], n) != 0 }); i > 0 {
		return all[:i]
	}
	return all
}

// first orders what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (c *cluster) active(n *node) bool {
	return !c.blind() && n.ID == c.seen.Kafka.Leader
}

// batch is n and those of its group that may go with it. Controllers go alone, and so does each pod while another is unready.
func (c *cluster) batch(n *node, group []*node) []*node {
	out := []*node{n}
	if slices.ContainsFunc(c.nodes, func(o *node) bool { return !o.ready() }) || n.Controller || n.losesData() || c.blind() {
		return out
	}
	for _, o := range group {
		if len(out) >= c.want.Batch {
			break
		}
		if o.ID == n.ID || o.Rack != n.Rack || o.losesData() {
			continue
		}
		if more := append(slices.Clip(out), o); c.risk(more).Do == Nothing {
			out = more
		}
	}
	return out
}

// take is the disruptive step for nodes that may go. Claims go first: the wish ends with the pod, and a claim in use stays
// until then.
func (c *cluster) take(nodes []*node) Step {
	step := Step{Do: Restart, Forced: c.blind()}
	if n := nodes[0]; n.Pod.DropClaims && n.Pod.Claims > 0 {
		step.Do = DeleteClaims
	}
	for _, n := range nodes {
		step.Targets = append(step.Targets, n.target(n.reasons...))
	}
	if !c.blind() && len(c.seen.Kafka.Voters) == 1 && c.active(nodes[0]) {
		step.Warning = "there is only one controller: the cluster can't be changed while it restarts"
	}
	return step
}

// await waits for what isn't ready or doesn't answer, and warns of what a restart would not mend.
func (c *cluster) await() (Step, bool) {
	for _, n := range c.nodes {
		if !n.ready() {
			return c.waitFor(n), true
		}
	}
	for _, n := range c.nodes {
		if c.blind() || !n.broker.Unreachable.IsZero() {
			return Step{
				Do: Wait, Targets: []Target{n.target()}, Reason: KafkaNotReachable, Again: c.now.Add(soon),
				Why: fmt.Sprintf("node %d is ready, and whether its options are as wanted can't be asked", n.ID),
			}, true
		}
	}
	for _, n := range c.nodes {
		if n.refuses() {
			return Step{Warning: fmt.Sprintf("node %d refuses to change %s", n.ID, strings.Join(n.broker.Drift, ", "))}, true
		}
	}
	return Step{}, false
}

// waitFor is the wait for an unready pod.
func (c *cluster) waitFor(n *node) Step {
	step := Step{Do: Wait, Targets: []Target{n.target()}, Reason: PodNotReady, Again: c.now.Add(later), Overdue: !c.starting(n)}
	if n.present() && !step.Overdue {
		step.Again = n.Pod.Since.Add(c.want.StartTimeout)
	}
	what := "is not ready"
	switch {
	case !n.exists:
		step.Reason, what = PodMissing, "has no pod yet"
	case n.Pod.Deleting:
		step.Reason, what = PodTerminating, "has a pod that is going"
	case n.stuck():
		what = "doesn't run: " + n.Pod.Waiting
		if beginning := n.Pod.Waiting == "ContainerCreating" || n.Pod.Waiting == "PodInitializing"; step.Overdue || !beginning {
			step.Reason = PodStuck
		}
	case n.broker.Recovering:
		step.Reason, step.Again = LogRecovery, c.now.Add(soon)
		what = fmt.Sprintf("reads its logs after a hard stop, %d logs and %d segments left", n.broker.Logs, n.broker.Segments)
	}
	step.Why = fmt.Sprintf("node %d %s", n.ID, what)
	return step
}
