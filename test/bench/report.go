package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// The names of the bridge and of the limits.
const (
	steg    = "steg"
	nethttp = "net/http"
	franz   = "franz-go"
	least   = "least bridge" // net/http and franz-go, and nothing else
)

// report is what is written to the --json file.
type report struct {
	Began   time.Time `json:"began"`
	Go      string    `json:"go"`
	CPUs    int       `json:"cpus"`
	Kafka   string    `json:"kafka"`
	Results []result  `json:"scenarios"`
	Figures []figure  `json:"figures"`
	Growth  []grown   `json:"growth,omitempty"`
}

// result is one scenario's.
type result struct {
	Name         string     `json:"name"`
	About        string     `json:"about"`
	Acks         string     `json:"acks"`
	Parties      []runs     `json:"parties"`
	Ratios       []ratio    `json:"ratios"`
	Owed         float64    `json:"owed,omitempty"`
	Aim          float64    `json:"aim,omitempty"`
	Acknowledged int        `json:"records_acknowledged,omitempty"`
	Found        int        `json:"records_found,omitempty"`
	Allocs       *allocated `json:"allocations,omitempty"`
	Latencies    []latency  `json:"in_short_turns,omitempty"`
}

// runs are one party's.
type runs struct {
	Name    string   `json:"name"`
	Samples []sample `json:"runs"`
	Before  memory   `json:"memory_before"`
	After   memory   `json:"memory_after"`
}

// ratio is a bridge's CPU time per record against the sum of the limits' in the same turn, and its p50 against franz-go's.
type ratio struct {
	Name   string    `json:"name"`
	Each   []float64 `json:"each"`
	Median float64   `json:"median"`
	P50    float64   `json:"p50_median"`
}

// figure is a single number with its goals, 0 for none.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Owed  float64 `json:"owed,omitempty"`
	Aim   float64 `json:"aim,omitempty"`
}

// result sums the turns up.
func (t *turns) result() result {
	r := result{Name: t.name, About: t.about, Acks: t.acks, Owed: t.owed, Aim: t.aim, Acknowledged: t.probed}
	var limits, bridges []*party
	for _, p := range t.parties {
		r.Parties = append(r.Parties, runs{Name: p.name, Samples: p.samples, Before: p.before, After: p.after})
		if p.name == nethttp || p.name == franz {
			limits = append(limits, p)
		} else {
			bridges = append(bridges, p)
		}
		for _, s := range p.samples {
			if p.name != nethttp && !t.consumes() {
				r.Acknowledged += s.Moved
			}
		}
	}
	for _, p := range bridges {
		r.Ratios = append(r.Ratios, compare(p, limits))
	}
	return r
}

// compare holds a bridge's runs against the limits' of the same turns.
func compare(p *party, limits []*party) ratio {
	r := ratio{Name: p.name}
	var p50 []float64
	for i, s := range p.samples {
		var sum float64
		for _, l := range limits {
			sum += l.samples[i].perRecord()
			if l.name == franz {
				p50 = append(p50, s.P50/l.samples[i].P50)
			}
		}
		r.Each = append(r.Each, s.perRecord()/sum)
	}
	r.Median, r.P50 = median(r.Each), median(p50)
	return r
}

// line is what is said of a scenario while others still run.
func (r result) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s acks=%s", r.Name, r.Acks)
	for _, p := range r.Parties {
		fmt.Fprintf(&b, "  %s %.2f µs/record", p.Name, medianOf(p.Samples, sample.perRecord))
	}
	for _, x := range r.Ratios {
		fmt.Fprintf(&b, "  %s ÷ limits %.2f %.2f", x.Name, x.Median, x.Each)
	}
	return b.String()
}

// print writes the tables.
func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %d CPUs, %s; medians of the runs; × is the CPU time per record against the sum of the limits, with owed and aim\n", r.Go, r.CPUs, r.Kafka)
	if len(r.Results) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "scenario\tacks\twho\treq/s\trec/s\tMB/s\tp50 ms\tp90\tp99\tmax\tµs/req\tµs/rec\terrors\tallocs/req\tRSS MiB\tpeak\t×\towed\taim\t")
		for _, x := range r.Results {
			x.rows(t)
		}
		_ = t.Flush() // to a terminal; the file has all of it
	}
	if len(r.Figures) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "figure\tvalue\tunit\towed\taim\t")
		for _, f := range r.Figures {
			fmt.Fprintf(t, "%s\t%.3g\t%s\t%s\t%s\t\n", f.Name, f.Value, f.Unit, orNone(f.Owed), orNone(f.Aim))
		}
		_ = t.Flush()
	}
	for _, g := range r.Growth {
		g.print(w)
	}
}

// rows are a scenario's lines of the table.
func (r result) rows(w io.Writer) {
	for i, p := range r.Parties {
		m := func(figure func(sample) float64) float64 { return medianOf(p.Samples, figure) }
		errors := 0
		for _, s := range p.Samples {
			errors += s.Errors
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t%.1f\t%.0f\t%.1f\t%.2f\t%d\t", r.Name, r.Acks, p.Name,
			m(func(s sample) float64 { return float64(s.Requests) / s.Seconds }),
			m(func(s sample) float64 { return float64(s.Records) / s.Seconds }),
			m(func(s sample) float64 { return float64(s.Bytes) / s.Seconds / 1e6 }),
			m(func(s sample) float64 { return s.P50 }), m(func(s sample) float64 { return s.P90 }),
			m(func(s sample) float64 { return s.P99 }), m(func(s sample) float64 { return s.Max }),
			m(sample.perRequest), m(sample.perRecord), errors)
		allocs := "–"
		if i == 0 && r.Allocs != nil {
			allocs = fmt.Sprintf("%.1f", r.Allocs.Objects)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t", allocs, p.After.RSS>>20, p.After.Peak>>20)
		if i < len(r.Ratios) {
			fmt.Fprintf(w, "%.2f\t%s\t%s\t\n", r.Ratios[i].Median, orNone(r.Owed), orNone(r.Aim))
		} else {
			fmt.Fprint(w, "\t\t\t\n")
		}
	}
	if r.Found < r.Acknowledged {
		fmt.Fprintf(w, "LOST %d of %d acknowledged records\n", r.Acknowledged-r.Found, r.Acknowledged)
	}
}

func orNone(f float64) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%g", f)
}
