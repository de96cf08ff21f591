package chaos

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

// Event is one fault that was made.
type Event struct {
	Number        int
	Fault, Detail string
	At, Lasted    time.Duration
	// Without is the recovery while the harmed brokers were still away, the zero value for faults of another kind. After
	// is that from the fault's end.
	Without, After Recovery
	Problem        string // what went wrong while the fault was made
}

// String is a line of the report.
func (e Event) String() string {
	s := fmt.Sprintf("%3d %7.1fs %-22s %-22s lasted %5.1fs  %s", e.Number, e.At.Seconds(), e.Fault, e.Detail, e.Lasted.Seconds(), e.After)
	if e.Without != (Recovery{}) {
		s += "  before its end: " + e.Without.String()
	}
	if e.Problem != "" {
		s += "  ! " + e.Problem
	}
	return s
}

// String is the part of a line that is about a recovery.
func (r Recovery) String() string {
	s := fmt.Sprintf("leaders %.1fs, produce %.2fs, consume %.2fs", r.Leaders.Seconds(), r.Produce.Seconds(), r.Consume.Seconds())
	if r.Missing != "" {
		s += " ! " + r.Missing
	}
	return s
}

// slow reports whether a recovery took longer than it may.
func (r Recovery) slow(bound time.Duration) bool {
	return r.Missing != "" || r.Produce > bound || r.Consume > bound
}

// Report is the outcome of a run.
type Report struct {
	Seed     uint64
	Dir      string // with the logs
	Ran      time.Duration
	Recovery time.Duration // the bound
	Events   []Event
	Notes    []string // what went wrong outside of the history
	Verdict  *check.Verdict
}

// Slow are the faults that the bridges took too long to recover from.
func (r *Report) Slow() (out []Event) {
	for _, e := range r.Events {
		if e.Problem != "" || e.Without.slow(r.Recovery) || e.After.slow(r.Recovery) {
			out = append(out, e)
		}
	}
	return out
}

// OK reports that nothing went wrong.
func (r *Report) OK() bool {
	return r.Verdict != nil && r.Verdict.OK() && len(r.Notes) == 0 && len(r.Slow()) == 0
}

// Kinds returns how many kinds of faults there were.
func (r *Report) Kinds() int {
	kinds := make(map[string]bool)
	for _, e := range r.Events {
		kinds[e.Fault] = true
	}
	return len(kinds)
}

// shown is how many findings of a kind are printed.
const shown = 5

// print writes the summary.
func (r *Report) print(w io.Writer) {
	var b strings.Builder
	v := r.Verdict
	produce, consume := r.recoveries()
	fmt.Fprintf(&b, "\nchaos: seed %d, %s, %d faults of %d kinds\n", r.Seed, r.Ran.Round(time.Second), len(r.Events), r.Kinds())
	fmt.Fprintf(&b, "records:   %d sent: %d acknowledged, %d refused, %d without an answer; %d in the logs\n",
		v.Sent, v.Acknowledged, v.Failed, v.Unknown, v.Logged)
	fmt.Fprintf(&b, "lost:      %d   duplicated: %d   (not acknowledged and there all the same: %d, more than once: %d)\n",
		v.Count[check.Lost], v.Count[check.Duplicated], v.Unasked, v.Twice)
	fmt.Fprintf(&b, "consumed:  %d, of them again after a rebalance or a restart: %d\n", v.Delivered, v.Redelivered)
	fmt.Fprintf(&b, "requests:  %d; longest without an answer: %.2fs (%s)\n", v.Requests, v.Longest.Seconds(), v.LongestWhat)
	fmt.Fprintf(&b, "recovery:  produce median %.2fs, longest %.2fs; consume median %.2fs, longest %.2fs (bound %.0fs)\n",
		middle(produce).Seconds(), slices.Max(produce).Seconds(), middle(consume).Seconds(), slices.Max(consume).Seconds(), r.Recovery.Seconds())
	for _, e := range r.Slow() {
		fmt.Fprintf(&b, "SLOW       %s\n", e)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "NOTE       %s\n", n)
	}
	r.findings(&b)
	_, _ = io.WriteString(w, b.String()) // the report itself is what counts
}

// findings prints the broken rules with the first examples.
func (r *Report) findings(b *strings.Builder) {
	for _, kind := range slices.Sorted(maps.Keys(r.Verdict.Count)) {
		fmt.Fprintf(b, "BROKEN     %s: %d\n", kind, r.Verdict.Count[kind])
		n := 0
		for _, p := range r.Verdict.Problems {
			if p.Kind == kind && n < shown {
				fmt.Fprintf(b, "           %s\n", p.Text)
				n++
			}
		}
	}
	if r.OK() {
		b.WriteString("verdict:   clean\n")
		return
	}
	fmt.Fprintf(b, "verdict:   NOT clean; logs are in %s\n", r.Dir)
}

// recoveries are the recovery times; never empty.
func (r *Report) recoveries() (produce, consume []time.Duration) {
	for _, e := range r.Events {
		for _, times := range []Recovery{e.Without, e.After} {
			if times != (Recovery{}) {
				produce = append(produce, times.Produce)
				consume = append(consume, times.Consume)
			}
		}
	}
	if len(produce) == 0 {
		return []time.Duration{0}, []time.Duration{0}
	}
	return produce, consume
}

func middle(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
