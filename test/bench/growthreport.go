package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// grown is one axis, measured as far as it came.
type grown struct {
	Axis  string `json:"axis"`
	About string `json:"about"`
	Rows  []row  `json:"steps"`

	axis axis
}

// row is one step. Costs are CPU times, of the bridge unless they are said to be the limits'.
type row struct {
	At      string  `json:"at"`
	N       int     `json:"n"`
	Cost    float64 `json:"microseconds_per_record"`
	Ratio   float64 `json:"ratio"`                                  // to the sum of the limits, the median of the turns
	Byte    float64 `json:"nanoseconds_per_further_byte,omitempty"` // beyond the first step's price and bytes
	Limits  float64 `json:"limits_nanoseconds_per_further_byte,omitempty"`
	RSS     float64 `json:"rss_mib"` // at the end
	Peak    float64 `json:"peak_mib"`
	Each    float64 `json:"rss_kib_of_one,omitempty"`
	Threads int64   `json:"threads"`
	Growth  float64 `json:"growth,omitempty"`          // of the cost, since the step that is the base
	Against float64 `json:"growth_of_ratio,omitempty"` // of its ratio to the limits
	Verdict string  `json:"verdict"`
	Result  result  `json:"scenario"`
}

// of is the median of a party's figure, NaN if the party is not there.
func (r row) of(party string, figure func(sample) float64) float64 {
	for _, p := range r.Result.Parties {
		if p.Name == party {
			return medianOf(p.Samples, figure)
		}
	}
	return math.NaN()
}

// limits are the limits' CPU times per record.
func (r row) limits() float64 {
	sum := r.of(franz, sample.perRecord)
	if bare := r.of(nethttp, sample.perRecord); !math.IsNaN(bare) {
		sum += bare
	}
	return sum
}

// judge computes what of a row depends on the others.
func (g *grown) judge() {
	var base *row
	for i := range g.Rows {
		r, first := &g.Rows[i], &g.Rows[0]
		if g.axis.perByte && i > 0 {
			further := float64(r.N-first.N) / 1e3 // so that µs become ns
			r.Byte, r.Limits = (r.Cost-first.Cost)/further, (r.limits()-first.limits())/further
		}
		switch {
		case r.N < g.axis.base:
			r.Verdict = "–"
		case base == nil:
			base = r
			r.Growth, r.Against, r.Verdict = 1, 1, "base"
		default:
			cost, ratio := r.judged(g.axis)
			baseCost, baseRatio := base.judged(g.axis)
			r.Growth, r.Against, r.Verdict = grew(cost/baseCost, ratio/baseRatio)
		}
	}
}

// judged are a row's cost and its ratio to the limits: of a record, or of a byte.
func (r row) judged(a axis) (cost, ratio float64) {
	if a.perByte {
		return r.Byte, r.Byte / r.Limits
	}
	return r.Cost, r.Ratio
}

// tolerance is how far a cost that is called flat may be away from the first one.
const tolerance = 0.35

// grew returns two growths and what they mean: that of a cost, and that of its ratio to the limits. Whatever grows with the
// limits, or does not grow, is flat; what grows is told by the smaller of both. Where a price is so small that it drowns in
// the noise, nothing is known, and the growths are 0.
func grew(cost, ratio float64) (ofCost, ofRatio float64, verdict string) {
	for _, f := range []float64{cost, ratio} {
		if !(f > 0) || math.IsInf(f, 0) {
			return 0, 0, "unknown"
		}
	}
	switch {
	case min(cost, ratio) > 1+tolerance:
		return cost, ratio, fmt.Sprintf("grows %.1f ×", min(cost, ratio))
	case max(cost, ratio) < 1-tolerance:
		return cost, ratio, fmt.Sprintf("falls to %.2f ×", max(cost, ratio))
	default:
		return cost, ratio, "flat"
	}
}

// setGrowth notes an axis, or what is known of it by now.
func (r *report) setGrowth(g grown) {
	if n := len(r.Growth); n > 0 && r.Growth[n-1].Axis == g.Axis {
		r.Growth[n-1] = g
		return
	}
	r.Growth = append(r.Growth, g)
}

// column is one of an axis' table.
type column struct {
	head string
	cell func(row) string
}

// number is a column of numbers with so many decimals; what is not there is a dash.
func number(head string, decimals int, of func(row) float64) column {
	return column{head, func(r row) string {
		f := of(r)
		if f == 0 || math.IsNaN(f) {
			return "–"
		}
		return fmt.Sprintf("%.*f", decimals, f)
	}}
}

func p50(s sample) float64 { return s.P50 }

// costColumns are the prices of one of what is named.
func costColumns(what string, limits ...string) []column {
	columns := []column{number("µs/"+what, 1, func(r row) float64 { return r.Cost })}
	for _, name := range limits {
		columns = append(columns, number(name, 1, func(r row) float64 { return r.of(name, sample.perRecord) }))
	}
	return append(columns, number("×", 2, func(r row) float64 { return r.Ratio }))
}

func produceColumns() []column {
	return append(costColumns("request", nethttp, franz),
		number("p50 ms", 2, func(r row) float64 { return r.of(steg, p50) }),
		number(franz+"'s", 2, func(r row) float64 { return r.of(franz, p50) }))
}

func pollColumns() []column {
	joined := func(s sample) float64 { return s.Joined }
	return append(costColumns("record", franz),
		number("records/s", 0, func(r row) float64 {
			return r.of(steg, func(s sample) float64 { return float64(s.Records) / s.Seconds })
		}),
		number("per poll", 1, func(r row) float64 {
			return r.of(steg, func(s sample) float64 { return float64(s.Records) / float64(s.Requests) })
		}),
		number("join ms", 1, func(r row) float64 { return r.of(steg, joined) }),
		number(franz+"'s", 1, func(r row) float64 { return r.of(franz, joined) }))
}

func rssColumns() []column {
	return []column{
		number("RSS MiB", 1, func(r row) float64 { return r.RSS }),
		number("peak", 1, func(r row) float64 { return r.Peak }),
	}
}

func memoryColumns() []column {
	return append(rssColumns(),
		number("KiB each", 1, func(r row) float64 { return r.Each }),
		number("threads", 0, func(r row) float64 { return float64(r.Threads) }))
}

func byteColumns() []column {
	return []column{
		number("ns/byte", 2, func(r row) float64 { return 1e3 * r.Cost / float64(r.N) }),
		number("ns/further byte", 2, func(r row) float64 { return r.Byte }),
		number("the limits'", 2, func(r row) float64 { return r.Limits }),
	}
}

func verdictColumns() []column {
	return []column{
		number("cost grows", 2, func(r row) float64 { return r.Growth }),
		number("× grows", 2, func(r row) float64 { return r.Against }),
		{"verdict", func(r row) string { return r.Verdict }},
		{"errors", func(r row) string { return r.Result.troubles() }},
	}
}

// troubles are what a run must not have: requests that failed, and records that were acknowledged and are not there.
func (r result) troubles() string {
	failed := 0
	for _, p := range r.Parties {
		for _, s := range p.Samples {
			failed += s.Errors
		}
	}
	text := fmt.Sprint(failed)
	if r.Found < r.Acknowledged {
		text += fmt.Sprintf(", LOST %d of %d records", r.Acknowledged-r.Found, r.Acknowledged)
	}
	return text
}

// print writes the axis' table.
func (g grown) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n\n", g.Axis, g.About)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{g.Axis}
	for _, c := range g.axis.columns {
		heads = append(heads, c.head)
	}
	fmt.Fprintln(t, strings.Join(heads, "\t")+"\t")
	for _, r := range g.Rows {
		cells := []string{r.At}
		for _, c := range g.axis.columns {
			cells = append(cells, c.cell(r))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	_ = t.Flush() // to a terminal; the file has all of it
}
