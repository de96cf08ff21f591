package check

import (
	"cmp"
	"slices"
)

// spot is where a record lies.
type spot struct {
	place  Place
	offset int64
}

// produced holds the answers of sends against the log.
func produced(v *Verdict, h *History) {
	found := locate(v, h)
	sent := make(map[ID]*Sent, len(h.Sent))
	acknowledged := make(map[stream][]spotted)
	for i := range h.Sent {
		s := &h.Sent[i]
		sent[s.ID] = s
		v.Sent++
		switch s.Outcome {
		case Acknowledged:
			v.Acknowledged++
			if s.Start >= h.Since[s.Topic] {
				held(v, s, found[s.ID])
				at := stream{s.ID.Connection, Place{s.Topic, s.Partition}}
				acknowledged[at] = append(acknowledged[at], spotted{s.ID, s.Offset})
			}
		case Failed:
			v.Failed++
			unasked(v, found[s.ID])
		default:
			v.Unknown++
			unasked(v, found[s.ID])
		}
	}
	for id, spots := range found {
		if sent[id] == nil {
			v.add(Invented, "record %s at %s offset %d was sent by nobody", id, spots[0].place, spots[0].offset)
		}
	}
	for at, list := range acknowledged {
		ordered(v, at, list)
	}
}

// locate finds every record of the logs.
func locate(v *Verdict, h *History) map[ID][]spot {
	found := make(map[ID][]spot)
	for place, log := range h.Log {
		for _, l := range log {
			v.Logged++
			found[l.ID] = append(found[l.ID], spot{place, l.Offset})
		}
	}
	return found
}

// held is the promise of an acknowledgement: the record is there, once, at the answered offset.
func held(v *Verdict, s *Sent, spots []spot) {
	told := spot{Place{s.Topic, s.Partition}, s.Offset}
	switch {
	case len(spots) == 0:
		v.add(Lost, "record %s was acknowledged at %s offset %d (request from %s to %s) and is not in the log", s.ID, told.place, told.offset, s.Start, s.End)
	case len(spots) > 1:
		v.add(Duplicated, "record %s was acknowledged and is in the log %d times: %v", s.ID, len(spots), spots)
	case spots[0] != told:
		v.add(Misplaced, "record %s was acknowledged at %s offset %d and lies at %s offset %d", s.ID, told.place, told.offset, spots[0].place, spots[0].offset)
	}
}

// unasked counts what became of a record that nothing was promised for.
func unasked(v *Verdict, spots []spot) {
	if len(spots) > 0 {
		v.Unasked++
	}
	if len(spots) > 1 {
		v.Twice++
	}
}

// stream is what order is promised for.
type stream struct {
	connection int64
	place      Place
}

type spotted struct {
	id     ID
	offset int64
}

// ordered holds that offsets rise with the order of sending.
func ordered(v *Verdict, at stream, list []spotted) {
	slices.SortFunc(list, func(a, b spotted) int { return cmp.Compare(a.id.Number, b.id.Number) })
	for i := 1; i < len(list); i++ {
		if list[i].offset <= list[i-1].offset {
			v.add(Reordered, "connection %d, %s: record %s has offset %d, and %s, sent later, has %d",
				at.connection, at.place, list[i-1].id, list[i-1].offset, list[i].id, list[i].offset)
		}
	}
}
