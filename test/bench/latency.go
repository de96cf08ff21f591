package main

import (
	"fmt"
	"time"
)

const (
	// shortTurn is how long a party is asked where latencies are compared, some 50 requests. How long a sleeping processor
	// takes to wake, and how fast the broker is at the moment, drift within seconds; between two short turns they do not.
	shortTurn = 15 * time.Millisecond
	// shortTurns is how many of them each party has, 3 s of requests.
	shortTurns = 200
)

// latency is what one party takes for a request, in short turns.
type latency struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`          // the median of its turns'
	Of   float64 `json:"of_franz_go_p50"` // the median of what that is to franz-go's in the same round
}

// latencies lets the parties and the least bridge there can be take short turns, and compares what one request takes, where
// the scenario has a goal for that.
func (t *turns) latencies() ([]latency, error) {
	if !t.p50 {
		return nil, nil
	}
	least, err := t.leastBridge()
	if err != nil {
		return nil, err
	}
	all := append([]*party{least}, t.parties...)
	p50 := make([][]float64, len(all))
	for range shortTurns {
		for i, p := range all {
			s, err := p.run(0, shortTurn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			p50[i] = append(p50[i], s.P50)
			if p.name != nethttp {
				t.probed += s.Moved
			}
		}
	}
	return againstFranz(all, p50), nil
}

// againstFranz compares the turns of all parties with franz-go's of the same rounds; p50 has a row for each party.
func againstFranz(all []*party, p50 [][]float64) []latency {
	var own []float64
	for i, p := range all {
		if p.name == franz {
			own = p50[i]
		}
	}
	var out []latency
	for i, p := range all {
		ratios := make([]float64, len(own))
		for round, ms := range p50[i] {
			ratios[round] = ms / own[round]
		}
		out = append(out, latency{Name: p.name, P50: median(p50[i]), Of: median(ratios)})
	}
	return out
}

// leastBridge starts what a bridge is at least: the net/http limit, whose handler has franz-go send the body as it is before
// it answers.
func (t *turns) leastBridge() (*party, error) {
	task := bareTask{Status: t.probe.status, Bytes: len(t.probe.body), Media: mediaV2, Produce: &rawTask{
		Bootstrap: t.bootstrap, Topics: t.topics, Acks: t.acks,
	}}
	return t.serving(least, task)
}

// addLatencies notes the figures of a scenario whose p50 has a goal: in its turns, and in short ones, for which the goal is.
func (b *bench) addLatencies(r result) {
	if len(r.Latencies) == 0 {
		return
	}
	what := func(who, how string) string {
		return fmt.Sprintf("%s, acks=%s: p50 of %s, %s", r.Name, r.Acks, who, how)
	}
	for _, l := range r.Latencies {
		switch l.Name {
		case franz:
		case steg:
			b.add(what(l.Name, "short turns"), l.Of, "× franz-go's own", 1.5, 1.25)
		default:
			b.add(what(l.Name, "short turns"), l.Of, "× franz-go's own", 0, 0)
		}
	}
	b.add(what(steg, "long turns"), r.Ratios[0].P50, "× franz-go's own", 0, 0)
}
