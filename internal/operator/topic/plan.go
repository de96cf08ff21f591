package topic

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
)

// Plan chooses replicas for the partitions of a topic that will not have n of them, by the partitions' numbers. Partitions
// that go back to n replicas when their move is cancelled are left out.
//
// No replica is moved that could stay: more replicas are added to those that are there, and for fewer the preferred leader
// stays and replicas go, those that are not in sync first. Each partition has its replicas in as many racks as possible (if
// all brokers have one), and apart from that each broker has as many replicas of the topic as the others, as far as that is
// possible without more moves. The error says that there are too few brokers.
func Plan(t *State, n int, brokers []Broker) (map[int32][]int32, error) {
	p := newPlanner(t, brokers)
	for number, partition := range t.Partitions {
		if err := p.add(int32(number), partition, n); err != nil {
			return nil, err
		}
	}
	for _, c := range p.choices {
		p.fill(c)
	}
	for p.improve() {
	}
	plan := make(map[int32][]int32, len(p.choices))
	for _, c := range p.choices {
		plan[c.number] = c.replicas()
	}
	return plan, nil
}

// choice is one partition: which of the options join those that are fixed.
type choice struct {
	number         int32
	before         []int32 // the order in which replicas stay
	fixed, options []int32
	worse          []int32 // options that are taken only if the others do not suffice
	need           int     // how many options are taken
	taken          []int32
}

// planner has the choices, and how many replicas of the topic each broker holds by them.
type planner struct {
	racks   map[int32]string // empty unless every broker has a rack
	alive   []int32          // sorted by the order in which they are taken if nothing else decides
	load    map[int32]int
	choices []*choice
}

func newPlanner(t *State, brokers []Broker) *planner {
	p := &planner{racks: map[int32]string{}, load: map[int32]int{}}
	aware := true
	for _, b := range brokers {
		p.alive = append(p.alive, b.ID)
		p.racks[b.ID] = b.Rack
		aware = aware && b.Rack != ""
	}
	if !aware {
		clear(p.racks)
	}
	slices.Sort(p.alive)
	p.alive = slices.Compact(p.alive)
	// Topics of one partition must not all begin with the same broker.
	if k := len(p.alive); k > 0 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.Name))
		at := int(h.Sum32() % uint32(k))
		p.alive = slices.Concat(p.alive[at:], p.alive[:at])
	}
	return p
}

// add takes a partition in, as a choice if it will not have n replicas.
func (p *planner) add(number int32, partition Partition, n int) error {
	before := partition.before()
	if after := partition.after(); len(after) == n || len(before) == n {
		if len(after) != n {
			after = before
		}
		p.count(after, 1)
		return nil
	}
	c := &choice{number: number, before: before}
	if n > len(before) {
		c.fixed, c.need = before, n-len(before)
		c.options = without(p.alive, before)
		if len(c.options) < c.need {
			return fmt.Errorf("%d replicas need as many brokers, and there are %d: write fewer or add brokers", n, len(p.alive))
		}
	} else {
		leader := max(0, slices.IndexFunc(before, func(id int32) bool { return slices.Contains(partition.ISR, id) }))
		c.fixed, c.need = before[leader:leader+1], n-1
		c.options = without(before, c.fixed)
		c.worse = without(c.options, partition.ISR)
	}
	p.count(c.fixed, 1)
	p.choices = append(p.choices, c)
	return nil
}

func (p *planner) count(brokers []int32, by int) {
	for _, id := range brokers {
		p.load[id] += by
	}
}

// fill takes options one by one: a new rack first, then the broker with the least load.
func (p *planner) fill(c *choice) {
	for len(c.taken) < c.need {
		free := without(c.options, c.taken)
		best := slices.MinFunc(free, func(a, b int32) int { // the first of the smallest
			return cmp.Or(
				compareBool(slices.Contains(c.worse, a), slices.Contains(c.worse, b)),
				compareBool(p.rackUsed(c, a), p.rackUsed(c, b)),
				cmp.Compare(p.load[a], p.load[b]))
		})
		c.taken = append(c.taken, best)
		p.load[best]++
	}
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// rackUsed reports whether a replica of the partition is in the broker's rack already.
func (p *planner) rackUsed(c *choice, broker int32) bool {
	for _, list := range [][]int32{c.fixed, c.taken} {
		for _, id := range list {
			if rack := p.racks[id]; rack != "" && rack == p.racks[broker] {
				return true
			}
		}
	}
	return false
}

// step is a replica of one partition that goes from a broker to another.
type step struct {
	choice   *choice
	from, to int32
}

// improve makes the load of the brokers more even by one path of steps, if there is one: the shortest from a broker to one
// with at least two replicas fewer. Without such a path no other choice is more even. Racks are only kept for paths of one
// step, so with racks only these are looked for.
func (p *planner) improve() bool {
	sources := slices.SortedFunc(slices.Values(p.alive), func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.load[b], p.load[a]), cmp.Compare(a, b))
	})
	for _, source := range sources {
		path := p.path(source)
		for _, s := range path {
			s.choice.taken[slices.Index(s.choice.taken, s.from)] = s.to
			p.load[s.from]--
			p.load[s.to]++
		}
		if len(path) > 0 {
			return true
		}
	}
	return false
}

// path searches breadth first from a broker to one with at least two replicas fewer. On a shortest path no partition is
// met twice: if it were, its replica could go the whole way in one step.
func (p *planner) path(source int32) []step {
	reached := map[int32]step{}
	for queue := []int32{source}; len(queue) > 0; queue = queue[1:] {
		for _, s := range p.steps(queue[0]) {
			if _, again := reached[s.to]; again || s.to == source {
				continue
			}
			reached[s.to] = s
			if p.load[s.to] <= p.load[source]-2 {
				return back(reached, source, s)
			}
			if len(p.racks) == 0 {
				queue = append(queue, s.to)
			}
		}
	}
	return nil
}

func back(reached map[int32]step, source int32, last step) (path []step) {
	for s := last; ; s = reached[s.from] {
		path = append(path, s)
		if s.from == source {
			return path
		}
	}
}

// steps returns where the replicas that a broker holds could be instead.
func (p *planner) steps(from int32) (all []step) {
	for _, c := range p.choices {
		if !slices.Contains(c.taken, from) {
			continue
		}
		for _, to := range c.options {
			equal := slices.Contains(c.worse, from) == slices.Contains(c.worse, to)
			if equal && !slices.Contains(c.taken, to) && p.keepsRacks(c, from, to) {
				all = append(all, step{c, from, to})
			}
		}
	}
	return all
}

// keepsRacks reports whether the partition is in as many racks as before after a step.
func (p *planner) keepsRacks(c *choice, from, to int32) bool {
	if len(p.racks) == 0 || p.racks[from] == p.racks[to] {
		return true
	}
	now := append(slices.Clone(c.fixed), c.taken...)
	return p.spread(append(without(now, []int32{from}), to)) >= p.spread(now)
}

func (p *planner) spread(brokers []int32) int {
	racks := map[string]bool{}
	for _, id := range brokers {
		racks[p.racks[id]] = true
	}
	return len(racks)
}

// replicas returns the choice in the order of preference: those that stay in their order, then the new ones.
func (c *choice) replicas() []int32 {
	chosen := append(slices.Clone(c.fixed), c.taken...)
	stay := slices.DeleteFunc(slices.Clone(c.before), func(id int32) bool { return !slices.Contains(chosen, id) })
	return append(stay, without(chosen, stay)...)
}
