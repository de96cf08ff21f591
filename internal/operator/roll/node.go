package roll

import (
	"cmp"
	"slices"
	"time"
)

// cluster is the wanted and the seen joined: what the rules look at.
type cluster struct {
	want  Want
	seen  Seen
	now   time.Time
	nodes []*node // the wanted ones, by id
	// unready and halted are the wanted nodes whose pods aren't ready, or whose Kafka doesn't run.
	unready, halted map[int32]bool
}

// node is a wanted node with all that was seen of it.
type node struct {
	Node
	Pod     Pod
	exists  bool
	broker  Broker
	reasons []Reason
}

func join(want Want, seen Seen, now time.Time) *cluster {
	c := &cluster{want: want.withDefaults(), seen: seen, now: now, unready: map[int32]bool{}, halted: map[int32]bool{}}
	for _, n := range want.Nodes {
		pod, exists := seen.Pods[n.ID]
		c.nodes = append(c.nodes, &node{Node: n, Pod: pod, exists: exists, broker: seen.Brokers[n.ID]})
	}
	slices.SortStableFunc(c.nodes, func(a, b *node) int { return cmp.Compare(a.ID, b.ID) })
	c.nodes = slices.CompactFunc(c.nodes, func(a, b *node) bool { return a.ID == b.ID })
	for _, n := range c.nodes {
		c.unready[n.ID], c.halted[n.ID] = !n.ready(), !n.running()
		if n.present() {
			n.reasons = c.reasons(n)
		}
	}
	return c
}

// reasons says why a node's pod has to be restarted. Each of them is gone with the pod.
func (c *cluster) reasons(n *node) (why []Reason) {
	want, have := n.Marks, n.Pod.Marks
	sameCAs := have.ClusterCAKey == want.ClusterCAKey && have.ClusterCACert == want.ClusterCACert && have.ClientsCACert == want.ClientsCACert
	behind := max(want.ClusterCACert-have.ClusterCACert, want.ClientsCACert-have.ClientsCACert)
	resources := have.ResourceRevision != want.ResourceRevision
	for _, r := range []struct {
		reason  Reason
		applies bool
	}{
		{PodAndClaimDeletion, n.Pod.DropClaims},
		{ManualRollingUpdate, n.Pod.Roll},
		{ClusterCaCertKeyReplaced, have.ClusterCAKey != want.ClusterCAKey},
		// One generation behind is a renewal that goes on now; anything else missed a whole roll.
		{CaCertRenewed, !sameCAs && behind == 1},
		{CaCertHasOldGeneration, (have.ClusterCACert != want.ClusterCACert || have.ClientsCACert != want.ClientsCACert) && behind != 1},
		{CaCertRemoved, sameCAs && have.Trust != want.Trust},
		{KafkaCertificatesChanged, have.Certificates != want.Certificates},
		{PodHasOldRevision, have.Revision != want.Revision},
		{PodHasOldResourceRevision, resources && !n.ResizeInPlace},
		{PodResourcesChanged, resources && n.ResizeInPlace && n.Pod.ResizeInfeasible},
		{ConfigChangeRequiresRestart, have.Configuration != want.Configuration},
		{FileSystemResizeNeeded, n.Pod.Created.Before(n.Pod.ResizePending)},
		// A pod that started with these very options would refuse them again.
		{PodForceRestartOnError, n.refuses() && n.Pod.Options != n.Options},
		{PodUnresponsive, c.unresponsive(n)},
	} {
		if r.applies {
			why = append(why, r.reason)
		}
	}
	return why
}

// unresponsive reports whether a pod that calls itself ready has long given no answer, while others do: if none answers, it is
// the operator that is cut off.
func (c *cluster) unresponsive(n *node) bool {
	if n.broker.Unreachable.IsZero() || !n.ready() || c.blind() {
		return false
	}
	return passed(c.now, n.broker.Unreachable, c.want.AdminTimeout) && passed(c.now, n.Pod.Since, c.want.AdminTimeout)
}

// present is a pod that exists and isn't about to go.
func (n *node) present() bool { return n.exists && !n.Pod.Deleting }

func (n *node) ready() bool { return n.present() && n.Pod.Ready && n.Pod.Waiting == "" }

func (n *node) running() bool { return n.present() && n.Pod.Waiting == "" }

func (n *node) stuck() bool { return n.present() && n.Pod.Waiting != "" }

// neverStarted reports whether the pod is stuck before anything of Kafka could run, so that only its template, or its place,
// can be the cause.
func (n *node) neverStarted() bool {
	switch n.Pod.Waiting {
	case "Unschedulable", "ErrImagePull", "ImagePullBackOff", "InvalidImageName":
		return n.stuck()
	}
	return false
}

// losesData reports whether claims go, or are to go, with the pod.
func (n *node) losesData() bool {
	return n.Pod.ClaimsDeleting || n.Pod.DropClaims && n.Pod.Claims > 0
}

// refuses reports whether Kafka would have to change options that it refused to change.
func (n *node) refuses() bool { return n.broker.Refused && len(n.broker.Drift) > 0 }

func (n *node) has(reasons ...Reason) bool {
	return slices.ContainsFunc(reasons, func(r Reason) bool { return slices.Contains(n.reasons, r) })
}

func (n *node) target(reasons ...Reason) Target {
	return Target{Node: n.ID, Pod: n.Pod.Name, UID: n.Pod.UID, Reasons: reasons}
}

// starting reports whether an unready pod still has time to become ready.
func (c *cluster) starting(n *node) bool {
	return !n.ready() && (!n.present() || !passed(c.now, n.Pod.Since, c.want.StartTimeout))
}

// blind reports whether Kafka can't be asked. Without an active controller what it says of partitions is out of date.
func (c *cluster) blind() bool {
	k := c.seen.Kafka
	return k == nil || !slices.ContainsFunc(k.Voters, func(v Voter) bool { return v.ID == k.Leader })
}

func passed(now, since time.Time, bound time.Duration) bool {
	return !now.Before(since.Add(bound))
}
