package cluster

import (
	"slices"
	"strconv"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/names"
)

const votersKey = "controller.quorum.voters"

// Voters returns the controllers that the settings of a cluster name: those in the data of the ConfigMap
// names.KafkaConfigMap, which outlives pods and pod sets. Without one, or with one that can't be read, there are none.
func Voters(data map[string]string) []int32 {
	var ids []int32
	for line := range strings.Lines(data[names.FileServerConfig]) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), votersKey+"=")
		if !ok {
			continue
		}
		for voter := range strings.SplitSeq(value, ",") {
			id, _, _ := strings.Cut(voter, "@")
			n, err := strconv.ParseUint(id, 10, 31)
			if err != nil {
				return nil
			}
			ids = append(ids, int32(n))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// running reports whether there is a quorum already, so that its controllers can't be chosen any more.
func (b *builder) running() bool { return len(b.in.Observed.Voters) > 0 }

// takeVoters takes the quorum that runs.
func (b *builder) takeVoters() {
	b.voters = map[int32]bool{}
	for _, id := range b.in.Observed.Voters {
		b.voters[id] = true
	}
}

// quorum chooses the controllers of a new cluster, and finds those of a running one among the nodes.
func (b *builder) quorum() {
	found := map[int32]bool{}
	for _, p := range b.pools {
		for _, id := range p.ids {
			if !b.running() && p.controller() {
				b.voters[id] = true
			}
			found[id] = true
		}
		if b.running() {
			b.rolesStay(p)
		}
	}
	var missing []int32
	for _, id := range b.in.Observed.Voters {
		if !found[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		b.Invalid("KafkaNodePools", "the nodes %s, which keep the cluster's metadata, are in none: make their pool again, with the annotation %s: \"[%s]\"",
			idList(missing), names.AnnotationNextNodeIDs, idList(missing))
	}
	b.quorumSize()
}

// rolesStay says which of a pool's nodes have other roles than the pool.
func (b *builder) rolesStay(p *pool) {
	var kept, without []int32
	for _, id := range p.ids {
		switch {
		case b.voters[id] && !p.controller():
			kept = append(kept, id)
		case !b.voters[id] && p.controller():
			without = append(without, id)
		}
	}
	if len(kept) > 0 {
		b.Warn(ReasonControllersStay, "%s: the nodes %s are controllers still, since those of a running cluster can't change", p.field("spec.roles"), idList(kept))
	}
	if len(without) > 0 {
		// A node needs a role. Those that were brokers, in a pool that is one of controllers now, go on with theirs.
		p.keepBrokers = true
		b.Warn(ReasonControllersStay, "%s: the nodes %s are brokers only, since the controllers of a running cluster can't change", p.field("spec.roles"), idList(without))
	}
}

// quorumSize warns of numbers that gain nothing.
func (b *builder) quorumSize() {
	switch n := len(b.voters); {
	case n == 1 && b.size() > 1:
		b.Warn(ReasonControllerCount, "there is one controller: while it restarts or its node is away, the cluster can't change; three are usual")
	case n > 0 && n%2 == 0:
		b.Warn(ReasonControllerCount, "there are %d controllers: an odd number is usual, since one less bears the loss of as many", n)
	}
}

// size counts all nodes.
func (b *builder) size() (n int) {
	for _, p := range b.pools {
		n += len(p.ids)
	}
	return n
}

// keepOccupied keeps brokers that hold replicas: their ids, and their role. As in the reference operator the whole change of the
// pool is undone.
func (b *builder) keepOccupied() {
	if b.kafka.Annotations[names.AnnotationSkipScaleDownCheck] == "true" {
		return
	}
	for _, p := range b.pools {
		var leaving, turning []int32
		for _, id := range p.before {
			switch {
			case !slices.Contains(p.ids, id) && (p.broker() || b.wasBroker(id)):
				leaving = append(leaving, id)
			case !p.broker() && b.wasBroker(id):
				turning = append(turning, id)
			}
		}
		if b.occupied(leaving, p.field("spec.replicas"), "can't leave") {
			p.ids = slices.Clone(p.before)
		}
		if b.occupied(turning, p.field("spec.roles"), "are brokers still") {
			p.keepBrokers = true
		}
	}
}

// wasBroker reports whether a node was seen to be a broker.
func (b *builder) wasBroker(id int32) bool {
	return b.in.Observed.Pods[id].Broker || b.in.Observed.Occupied[id]
}

// occupied reports whether one of the nodes holds replicas, or may hold some for all that is known, and warns.
func (b *builder) occupied(ids []int32, field, what string) bool {
	if len(ids) == 0 {
		return false
	}
	if b.in.Observed.Occupied == nil {
		b.out.AskOccupied = true
		b.Warn(ReasonScaleDown, "%s: the nodes %s %s, since Kafka could not be asked which brokers have replicas", field, idList(ids), what)
		return true
	}
	held := slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return !b.in.Observed.Occupied[id] })
	if len(held) == 0 {
		return false
	}
	b.Warn(ReasonScaleDown, "%s: the nodes %s %s, since %s have replicas: move those to other brokers first (or set the annotation %s of the Kafka to true)",
		field, idList(ids), what, idList(held), names.AnnotationSkipScaleDownCheck)
	return true
}
