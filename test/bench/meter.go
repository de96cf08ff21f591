package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// count is what one operation has moved.
type count struct {
	records int
	bytes   int // of contents, before any encoding
}

// worker repeats an operation in a closed loop. The operations of a background worker are not counted: they are the
// company in which the others are measured.
type worker struct {
	do         func() (count, error)
	background bool
}

// sample is one run.
type sample struct {
	Seconds  float64 `json:"seconds"`
	Requests int     `json:"requests"`
	Records  int     `json:"records"`
	Bytes    int     `json:"bytes"`
	Moved    int     `json:"moved"` // records of all successful requests, those outside of the counted time included
	Errors   int     `json:"errors"`
	Error    string  `json:"first_error,omitempty"`
	CPU      float64 `json:"cpu_seconds"`
	P50      float64 `json:"p50_ms"`
	P90      float64 `json:"p90_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
	RSS      int64   `json:"rss_bytes,omitempty"` // at the end
	Joined   float64 `json:"joined_ms,omitempty"` // what a consumer took to have its first records, the median
	Load     float64 `json:"load_average"`
}

func (s sample) perRequest() float64 { return 1e6 * s.CPU / float64(s.Requests) }
func (s sample) perRecord() float64  { return 1e6 * s.CPU / float64(s.Records) }

// The phases of a run.
const (
	warming = iota
	counting
	ended
)

// measure runs all workers for warm and then for length, of which it returns the figures. cpu returns the CPU time that the
// measured process has used so far.
func measure(workers []worker, warm, length time.Duration, cpu func() (time.Duration, error)) (sample, error) {
	var phase atomic.Int32
	logs := make([]tally, len(workers))
	var group sync.WaitGroup
	for i, w := range workers {
		group.Go(func() { logs[i].fill(w.do, &phase) })
	}
	time.Sleep(warm) // the load itself is the only thing to wait for
	before, err := cpu()
	began := time.Now()
	phase.Store(counting)
	time.Sleep(length)
	phase.Store(ended)
	after, err2 := cpu()
	took := time.Since(began)
	group.Wait()
	if err == nil {
		err = err2
	}
	if err != nil {
		return sample{}, err
	}
	s := summarise(workers, logs)
	s.Seconds, s.CPU, s.Load = took.Seconds(), (after - before).Seconds(), loadAverage()
	if s.Requests == 0 {
		return s, fmt.Errorf("nothing was measured: %d errors, the first: %s", s.Errors, s.Error)
	}
	return s, nil
}

// tally is one worker's account.
type tally struct {
	records, bytes, errors int
	moved                  int
	first                  error
	took                   []time.Duration
}

// fill repeats do until the phase says so. An operation counts when it ends while the phase is counting.
func (t *tally) fill(do func() (count, error), phase *atomic.Int32) {
	for phase.Load() != ended {
		began := time.Now()
		n, err := do()
		took := time.Since(began)
		if err != nil {
			t.errors++
			if t.first == nil {
				t.first = err
			}
			time.Sleep(time.Millisecond) // a server that is gone must not be asked in a tight loop
			continue
		}
		t.moved += n.records
		if phase.Load() == counting {
			t.records += n.records
			t.bytes += n.bytes
			t.took = append(t.took, took)
		}
	}
}

func summarise(workers []worker, logs []tally) sample {
	var s sample
	var all []time.Duration
	for i := range logs {
		t := &logs[i]
		s.Errors += t.errors
		if t.first != nil && s.Error == "" {
			s.Error = t.first.Error()
		}
		if workers[i].background {
			continue
		}
		s.Records += t.records
		s.Moved += t.moved
		s.Bytes += t.bytes
		all = append(all, t.took...)
	}
	s.Requests = len(all)
	slices.Sort(all)
	s.P50, s.P90, s.P99, s.Max = quantile(all, 0.5), quantile(all, 0.9), quantile(all, 0.99), quantile(all, 1)
	return s
}

// quantile returns the q-th part of sorted durations in milliseconds (nearest rank), 0 of none.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := max(int(math.Ceil(q*float64(len(sorted)))), 1) - 1
	return milliseconds(sorted[i])
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the middle of some figures, the mean of both middles of an even number, NaN of none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(of))
	half := len(s) / 2
	if len(s)%2 == 1 {
		return s[half]
	}
	return (s[half-1] + s[half]) / 2
}

// medianOf is the median of one figure of several runs.
func medianOf(samples []sample, figure func(sample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, figure(s))
	}
	return median(all)
}
