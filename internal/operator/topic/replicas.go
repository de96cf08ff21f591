package topic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Values of status.replicasChange.sessionId, which tell whether a move of ours left lists of throttled replicas on the topic.
// The reference operator puts the id of a task of Cruise Control there.
const (
	sessionPlain     = "reassignment"
	sessionThrottled = "throttled-reassignment"
)

// difference is how the replicas of a topic differ from what is wanted, and what the status said of it before.
type difference struct {
	target               int32 // wanted replicas
	total, wrong, moving int   // partitions
	noted                *v1.ReplicasChange
}

func compareReplicas(want Topic, have *State, noted *v1.ReplicasChange) difference {
	d := difference{target: want.Replicas, total: len(have.Partitions), noted: noted}
	if d.target == Default && noted != nil && noted.TargetReplicas != nil {
		d.target = *noted.TargetReplicas // what runs goes on to its end
	}
	for _, p := range have.Partitions {
		if want.Replicas != Default && len(p.after()) != int(want.Replicas) {
			d.wrong++
		}
		if p.moving() {
			d.moving++
		}
	}
	return d
}

// ours reports whether the status says that replicas move, so that what moves is the operator's doing.
func (d difference) ours() bool { return d.noted != nil && d.noted.State == v1.ReplicasChangeOngoing }

// phase is that of the status, pending if it has none.
func (d difference) phase() string {
	if d.ours() {
		return v1.ReplicasChangeOngoing
	}
	return v1.ReplicasChangePending
}

// replicas finds what has to be moved, by the phases of the package comment. ended says that a move of ours is over and that
// its throttle is still there.
func (c *Changes) replicas(want Topic, have *State, o Options) (ended bool) {
	d := compareReplicas(want, have, o.Status.ReplicasChange)
	c.session = sessionPlain
	if d.noted != nil && d.noted.SessionID == sessionThrottled {
		c.session = sessionThrottled
	}
	if d.wrong == 0 {
		return c.settle(d, have)
	}
	c.begin(d, have, o)
	return false
}

// settle is for a topic that has its replicas, or will have them when nothing moves any more.
func (c *Changes) settle(d difference, have *State) (ended bool) {
	switch {
	case d.moving == 0 && c.session == sessionThrottled && limited(have):
		c.note(d.target, v1.ReplicasChangeOngoing, "the replicas are there, the throttle is taken away")
		return true
	case d.moving > 0 && d.noted != nil:
		c.note(d.target, v1.ReplicasChangeOngoing, fmt.Sprintf("%d of %d partitions have their replicas", d.total-d.moving, d.total))
	}
	return false // nothing moves, or somebody else moves partitions
}

// begin is for a topic that needs a move. It is announced in one pass and begun in a later one, so that it is known for ours.
func (c *Changes) begin(d difference, have *State, o Options) {
	switch {
	case c.Partitions > 0:
		c.note(d.target, d.phase(), "waits for the new partitions")
	case d.moving > 0 && !d.ours():
		c.session = sessionPlain
		c.note(d.target, v1.ReplicasChangePending, fmt.Sprintf("waits for somebody else's reassignment of %d partitions", d.moving))
	case !d.ours() && !announced(d.noted, d.target) || o.Rate > 0 && c.session != sessionThrottled:
		if o.Rate > 0 {
			c.session = sessionThrottled // the lists may be on the topic before the status says that replicas move
		}
		c.note(d.target, d.phase(), fmt.Sprintf("%d of %d partitions are to be changed", d.wrong, d.total))
	default:
		c.move(d, have, o)
	}
}

// announced reports whether the status says that a number of replicas will be seen to.
func announced(noted *v1.ReplicasChange, target int32) bool {
	return noted != nil && noted.TargetReplicas != nil && *noted.TargetReplicas == target
}

// limited reports whether lists of throttled replicas stand on a topic.
func limited(t *State) bool {
	return t.Config[LeaderThrottle].Value+t.Config[FollowerThrottle].Value != ""
}

func (c *Changes) note(target int32, state, message string) {
	c.Replicas = &v1.ReplicasChange{TargetReplicas: &target, State: state, Message: message, SessionID: c.session}
}

// move plans the reassignment. Partitions that had the wanted number before they began to move go back.
func (c *Changes) move(d difference, have *State, o Options) {
	plan, err := Plan(have, int(d.target), o.Brokers)
	if err != nil {
		c.refuse(ReasonKafka, "spec.replicas: %v", err)
		c.note(d.target, d.phase(), err.Error())
		return
	}
	m := &Move{Assign: plan}
	involved := map[int32]bool{}
	for n, p := range have.Partitions {
		if len(p.after()) == int(d.target) {
			continue
		}
		if p.moving() && len(p.before()) == int(d.target) {
			m.Cancel = append(m.Cancel, int32(n))
			continue
		}
		for _, id := range append(p.before(), plan[int32(n)]...) {
			involved[id] = true
		}
	}
	leaders, followers := throttled(plan, have)
	if o.Rate > 0 && followers != "" {
		m.Rate, m.Brokers = o.Rate, slices.Sorted(maps.Keys(involved))
		c.set(LeaderThrottle, leaders)
		c.set(FollowerThrottle, followers)
		c.session = sessionThrottled
	}
	c.Move = m
	c.note(d.target, v1.ReplicasChangeOngoing, fmt.Sprintf("the replicas of %d partitions move", len(m.Assign)+len(m.Cancel)))
}

// throttled returns the topic's lists as Kafka's own tool for reassignments writes them: where is read, and where is written.
func throttled(plan map[int32][]int32, have *State) (leaders, followers string) {
	var from, to []string
	for _, n := range slices.Sorted(maps.Keys(plan)) {
		before := have.Partitions[n].before()
		added := without(plan[n], before)
		if len(added) == 0 {
			continue
		}
		for _, id := range before {
			from = append(from, fmt.Sprintf("%d:%d", n, id))
		}
		for _, id := range added {
			to = append(to, fmt.Sprintf("%d:%d", n, id))
		}
	}
	return strings.Join(from, ","), strings.Join(to, ",")
}

// Unthrottle returns the brokers, sorted, whose rate of throttled replication has to be taken away: rates are those that
// stand on the brokers now, ours is the one that the operator sets (0 for none), and ongoing counts the resources whose
// status.replicasChange is ongoing. Another rate is somebody else's and stays.
func Unthrottle(rates map[int32]int64, ours int64, ongoing int) []int32 {
	if ongoing > 0 || ours == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(rates)), func(id int32) bool { return rates[id] != ours })
}
