package roll

import (
	"fmt"
	"slices"
)

// hold says what a restart of n has to wait for.
func (c *cluster) hold(n *node) (wait Step, held bool) {
	byHand := n.Pod.DropClaims || n.Pod.Roll
	switch {
	case n.ready() || n.Pod.DropClaims:
	case n.broker.Recovering, c.starting(n) && !byHand:
		return c.waitFor(n), true
	}
	if o, found := c.inTheWay(n); found {
		return c.waitFor(o), true
	}
	if c.blind() {
		return c.holdBlind(n)
	}
	wait = c.risk([]*node{n})
	return wait, wait.Do == Wait
}

// inTheWay is the unready pod that n has to wait for. A ready one waits for all but one that never started; an unready one
// only where Kafka can't tell whether it matters.
func (c *cluster) inTheWay(n *node) (o *node, found bool) {
	var unready []*node
	for _, o := range c.nodes {
		if o != n && !o.ready() && (n.ready() || c.blind() && c.starting(o)) {
			unready = append(unready, o)
		}
	}
	ofTemplate := n.has(PodHasOldRevision, PodHasOldResourceRevision, PodResourcesChanged)
	if len(unready) == 0 || len(unready) == 1 && unready[0].neverStarted() && !ofTemplate && !c.blind() {
		return nil, false
	}
	return unready[0], true
}

// holdBlind judges by what Kubernetes knows: nothing happens before AdminTimeout, and all that is ready must have been so for
// as long, in the hope that its replicas are in sync. What would be lost with a claim is too much for a hope.
func (c *cluster) holdBlind(n *node) (Step, bool) {
	since := c.seen.BlindSince
	if since.IsZero() {
		since = c.now
	}
	for _, o := range c.nodes {
		if o.ready() && o.ID != n.ID && o.Pod.Since.After(since) {
			since = o.Pod.Since
		}
	}
	if passed(c.now, since, c.want.AdminTimeout) && !n.losesData() {
		return Step{}, false
	}
	return Step{
		Do: Wait, Targets: []Target{n.target()}, Reason: KafkaNotReachable, Again: c.now.Add(soon),
		Why: fmt.Sprintf("node %d has to be restarted, and Kafka can't be asked whether it may", n.ID),
	}, true
}

// risk is the wait that Kafka's state demands before all these nodes are down together, or Nothing.
func (c *cluster) risk(out []*node) Step {
	wait := Step{Do: Wait, Targets: []Target{out[0].target()}, Again: c.now.Add(soon)}
	if why := c.quorumRisk(out); why != "" {
		wait.Reason, wait.Why = QuorumAtRisk, why
		return wait
	}
	for _, p := range c.seen.Kafka.Partitions {
		if why := c.partitionRisk(p, out); why != "" {
			wait.Reason = PartitionAtRisk
			wait.Why = fmt.Sprintf("node %d has to stay: %s-%d %s", out[0].ID, p.Topic, p.Number, why)
			return wait
		}
	}
	return Step{}
}

// quorumRisk says why too few voters would be left. A voter counts if it is caught up and its pod runs: the lag of one that
// just went is still small. The only controller may go, but not with its claim, which holds the cluster's metadata.
func (c *cluster) quorumRisk(out []*node) string {
	k, left, leaving := c.seen.Kafka, 0, 0
	for _, v := range k.Voters {
		switch {
		case contains(out, v.ID):
			leaving++
		case (v.ID == k.Leader || v.Lag < c.want.FetchTimeout) && !c.halted[v.ID]:
			left++
		}
	}
	need := len(k.Voters)/2 + 1
	if len(k.Voters) <= 2 {
		need = len(k.Voters) - 1
	}
	if leaving == 0 || left >= need && (left > 0 || !out[0].losesData()) {
		return ""
	}
	return fmt.Sprintf("node %d has to stay: without it %d of %d controllers are caught up, and %d have to be", out[0].ID, left, len(k.Voters), max(1, need))
}

// partitionRisk says what would become of a partition. With more replicas than its min ISR, that many in sync on ready pods
// must stay, unless nothing gets worse by it.
func (c *cluster) partitionRisk(p Partition, out []*node) string {
	leaving, worse, lost := leave(p, out)
	if leaving == 0 {
		return ""
	}
	left := 0
	for _, id := range p.ISR {
		if !contains(out, id) && !c.unready[id] {
			left++
		}
	}
	switch {
	case lost && left == 0 && len(p.Replicas) > 1:
		return "has no other replica in sync, and its records would be lost with the claim"
	case leaving > 1 && len(p.Replicas) <= p.MinISR:
		return "would lose several replicas at once"
	case worse && len(p.Replicas) > p.MinISR && left < p.MinISR:
		return fmt.Sprintf("would have %d replicas in sync of at least %d", left, p.MinISR)
	}
	return ""
}

// leave counts the replicas that a partition would lose. While it is online, it gets worse by one that is ready, and so catches
// up at least, and by one that is in sync. Offline, nobody catches up, and only one that is both can help. Records are lost if
// the claim of one in sync goes too.
func leave(p Partition, out []*node) (leaving int, worse, lost bool) {
	online := p.Leader != None
	for _, n := range out {
		if slices.Contains(p.Replicas, n.ID) {
			inSync := slices.Contains(p.ISR, n.ID)
			leaving++
			worse = worse || online && (n.ready() || inSync) || n.ready() && inSync
			lost = lost || inSync && n.losesData()
		}
	}
	return leaving, worse, lost
}

func contains(nodes []*node, id int32) bool {
	return slices.ContainsFunc(nodes, func(n *node) bool { return n.ID == id })
}
