package cluster

import (
	"maps"
	"slices"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// assignIDs gives each pool as many ids as it has replicas. The ids that a pool has stay with it as far as possible, so that
// asking again with what came out changes nothing.
func (b *builder) assignIDs() {
	owner := map[int32]string{}
	for _, p := range b.pools {
		p.before = slices.Compact(slices.Sorted(slices.Values(b.in.Observed.NodeIDs[p.name])))
		for _, id := range p.before {
			if other, twice := owner[id]; twice {
				b.Invalid(p.field("status.nodeIds"), "node %d is in the pool %s too: remove it from the status of the pool whose pod %s does not exist",
					id, other, names.NodePod(b.kafka.Name, p.name, id))
			}
			owner[id] = p.name
		}
	}
	taken := b.takenIDs()
	for _, p := range b.pools {
		p.ids = slices.Clone(p.before)
		b.shrink(p)
		b.grow(p, taken)
		slices.Sort(p.ids)
	}
}

// takenIDs are those that no new node may get: of nodes that are there, or of which something still is. Replicas on a node
// that nobody wants any more would otherwise be taken for the new node's.
func (b *builder) takenIDs() map[int32]bool {
	taken := map[int32]bool{}
	for _, ids := range b.in.Observed.NodeIDs {
		for _, id := range ids {
			taken[id] = true
		}
	}
	for id, occupied := range b.in.Observed.Occupied {
		taken[id] = taken[id] || occupied
	}
	for id := range b.in.Observed.Pods {
		taken[id] = true
	}
	return taken
}

// shrink takes ids away from a pool that has too many, but no controller of the quorum that runs.
func (b *builder) shrink(p *pool) {
	if len(p.ids) <= p.replicas {
		return
	}
	ranges := append(b.idRanges(p, names.AnnotationRemoveNodeIDs), idRange{maxID, 0})
	for len(p.ids) > p.replicas {
		free := slices.DeleteFunc(slices.Clone(p.ids), func(id int32) bool { return b.voters[id] })
		if len(free) == 0 {
			b.Warn(ReasonControllersStay, "%s: %d nodes stay, since %s are controllers, and those of a running cluster can't change",
				p.field("spec.replicas"), len(p.ids), idList(p.ids))
			return
		}
		for _, r := range ranges {
			if at, ok := r.pick(free); ok {
				p.ids = slices.DeleteFunc(p.ids, func(id int32) bool { return id == free[at] })
				break
			}
		}
	}
}

// grow gives new ids to a pool that has too few. In a running cluster a node that is nothing but a controller has to be one of
// the quorum's.
func (b *builder) grow(p *pool, taken map[int32]bool) {
	if len(p.ids) >= p.replicas {
		return
	}
	if b.running() && !p.broker() {
		b.growControllers(p, taken)
		return
	}
	ranges := append(b.idRanges(p, names.AnnotationNextNodeIDs), idRange{0, maxID})
	for len(p.ids) < p.replicas {
		for _, r := range ranges {
			if id, ok := r.firstFree(taken); ok {
				taken[id] = true
				p.ids = append(p.ids, id)
				break
			}
		}
	}
}

// growControllers takes back what the pool's status has lost, and no more.
func (b *builder) growControllers(p *pool, taken map[int32]bool) {
	for _, id := range slices.Sorted(maps.Keys(b.voters)) {
		if len(p.ids) < p.replicas && !taken[id] {
			taken[id] = true
			p.ids = append(p.ids, id)
		}
	}
	if len(p.ids) < p.replicas {
		b.Warn(ReasonControllersStay, "%s: there are %d nodes and not %d, since the controllers of a running cluster can't change: write %d",
			p.field("spec.replicas"), len(p.ids), p.replicas, len(p.ids))
	}
}

// idRanges reads an annotation of a pool. One that can't be read has no effect: the nodes that are there matter more.
func (b *builder) idRanges(p *pool, annotation string) []idRange {
	ranges, err := parseIDRanges(p.annotations[annotation])
	if err != nil {
		b.NoEffect(p.field("metadata.annotations."+annotation), err.Error())
	}
	return ranges
}
