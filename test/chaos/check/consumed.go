package check

import (
	"slices"
	"sort"
)

// groupPlace is a partition as one group sees it.
type groupPlace struct {
	group string
	place Place
}

// first is the earliest poll that brought a record to a group.
type first struct {
	start Time
	id    ID
}

// consumed holds what groups were given against the log and against what they committed.
func consumed(v *Verdict, h *History) {
	given := gather(v, h)
	for _, g := range h.Groups {
		for place, log := range h.Log {
			if slices.Contains(g.Topics, place.Topic) {
				read(v, g.Name, place, log, given[groupPlace{g.Name, place}])
			}
		}
	}
	commits(v, h, given)
	members(v, h)
}

// gather finds the first delivery of every record to every group.
func gather(v *Verdict, h *History) map[groupPlace]map[int64]first {
	given := make(map[groupPlace]map[int64]first)
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		for _, r := range d.Records {
			v.Delivered++
			at := groupPlace{d.Group, r.Place}
			if given[at] == nil {
				given[at] = make(map[int64]first)
			}
			was, again := given[at][r.Offset]
			if again {
				v.Redelivered++
			}
			if !again || d.Start < was.start {
				given[at][r.Offset] = first{d.Start, r.ID}
			}
		}
	}
	return given
}

// read holds that every record of a log reached the group, and reached it as it is.
func read(v *Verdict, group string, place Place, log []Logged, given map[int64]first) {
	for _, l := range log {
		switch f, ok := given[l.Offset]; {
		case !ok:
			v.add(Unread, "group %s: nobody was given record %s at %s offset %d", group, l.ID, place, l.Offset)
		case f.id != l.ID:
			v.add(Garbled, "group %s: at %s offset %d it was given record %s, and the log has %s", group, place, l.Offset, f.id, l.ID)
		}
	}
}

// commits holds that no group stored an offset before all records below it had been handed out. Of groups that are not
// in History.Groups nothing is promised: their clients leave without reading.
func commits(v *Verdict, h *History, given map[groupPlace]map[int64]first) {
	held := make(map[string][]string, len(h.Groups))
	for _, g := range h.Groups {
		held[g.Name] = g.Topics
	}
	handed := make(map[groupPlace][]Time)
	for _, c := range h.Committed {
		if !slices.Contains(held[c.Group], c.Place.Topic) {
			continue
		}
		at := groupPlace{c.Group, c.Place}
		log := h.Log[c.Place]
		if _, ok := handed[at]; !ok {
			handed[at] = handedOut(log, given[at])
		}
		below := sort.Search(len(log), func(i int) bool { return log[i].Offset >= c.Offset })
		if below > 0 && handed[at][below-1] > c.Seen {
			v.add(Skipped, "group %s committed offset %d of %s by %s, and not every record below it had been asked for",
				c.Group, c.Offset, c.Place, c.Seen)
		}
	}
}

// never is later than any moment of a run.
const never = Time(1<<63 - 1)

// handedOut returns, for each record of a log, when it and all before it had been asked for. The start of the poll is
// what counts: its end is noted by the client, maybe later than a commit that followed it.
func handedOut(log []Logged, given map[int64]first) []Time {
	out := make([]Time, len(log))
	latest := Time(0)
	for i, l := range log {
		at := never
		if f, ok := given[l.Offset]; ok {
			at = f.start
		}
		latest = max(latest, at)
		out[i] = latest
	}
	return out
}

// member is one consumer instance's life.
type member struct{ group, name string }

// members holds that within a member's life records come in order and once, unless the group was rebalanced or the
// member told to seek.
func members(v *Verdict, h *History) {
	byMember := make(map[member][]*Delivery)
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		m := member{d.Group, d.Member}
		byMember[m] = append(byMember[m], d)
	}
	rebalances := make(map[string][]Rebalance)
	for _, r := range h.Rebalances {
		rebalances[r.Group] = append(rebalances[r.Group], r)
	}
	for m, list := range byMember {
		slices.SortFunc(list, func(a, b *Delivery) int { return int(a.Start - b.Start) })
		life(v, m, list, rebalances[m.group])
	}
}

// life follows one member.
func life(v *Verdict, m member, list []*Delivery, rebalances []Rebalance) {
	type last struct {
		offset int64
		in     *Delivery
	}
	latest := make(map[Place]last)
	for _, d := range list {
		for _, r := range d.Records {
			was, ok := latest[r.Place]
			latest[r.Place] = last{r.Offset, d}
			if !ok || r.Offset > was.offset || was.in.Seeks != d.Seeks || between(rebalances, was.in.Start, d.End) {
				continue
			}
			kind := Backwards
			if r.Offset == was.offset || d != was.in {
				kind = Repeated
			}
			v.add(kind, "group %s, member %s: %s offset %d came (poll from %s to %s) after offset %d (poll from %s to %s)",
				m.group, m.name, r.Place, r.Offset, d.Start, d.End, was.offset, was.in.Start, was.in.End)
		}
	}
}

// between reports whether a rebalance may have happened between two moments.
func between(rebalances []Rebalance, from, to Time) bool {
	return slices.ContainsFunc(rebalances, func(r Rebalance) bool { return r.From <= to && r.To >= from })
}
