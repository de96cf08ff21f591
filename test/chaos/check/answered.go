package check

import "slices"

// answered holds that every request got an answer of the contract within its bound.
func answered(v *Verdict, h *History) {
	for i := range h.Requests {
		r := &h.Requests[i]
		v.Requests++
		if r.Abandoned {
			continue
		}
		frozen := during(h.Outages, r, true)
		took := r.End - r.Start
		if took > v.Longest && !frozen {
			v.Longest, v.LongestWhat = took, r.Operation
		}
		switch {
		case !r.Answered && !frozen && !during(h.Outages, r, false):
			v.add(Unanswered, "bridge %d, %s: no answer (request from %s to %s)", r.Bridge, r.Operation, r.Start, r.End)
		case took > r.Bound+h.Slack && !frozen:
			v.add(Late, "bridge %d, %s: took %s, may take %s (request from %s to %s)", r.Bridge, r.Operation, took, r.Bound, r.Start, r.End)
		case r.Answered && !slices.Contains(statuses, r.Status):
			v.add(Internal, "bridge %d, %s: status %d (request from %s to %s)", r.Bridge, r.Operation, r.Status, r.Start, r.End)
		}
	}
}

// statuses are what well-formed requests are answered with (bridge contract 1.5 and 1.6). 400 is what a bridge says
// that is told to stop in the middle of a body; a client that sends whole bodies never gets it.
var statuses = []int{200, 204, 404, 409, 500, 503}

// during reports whether a request overlaps an outage of its bridge.
func during(outages []Outage, r *Request, frozen bool) bool {
	return slices.ContainsFunc(outages, func(o Outage) bool {
		return o.Bridge == r.Bridge && o.Frozen == frozen && o.From <= r.End && r.Start <= o.To
	})
}
