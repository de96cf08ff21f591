package main

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestQuantileIsNearestRank(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1)*time.Millisecond)
	}
	for _, c := range []struct {
		of   []time.Duration
		q    float64
		want float64
	}{
		{nil, 0.5, 0},
		{hundred[:1], 0.99, 1},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred[:3], 0.5, 2},
	} {
		if got := quantile(c.of, c.q); got != c.want {
			t.Errorf("quantile of %d, %v = %v, want %v", len(c.of), c.q, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.of); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.of, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

// steady is a CPU clock that advances by a second at each look.
func steady() func() (time.Duration, error) {
	n := 0
	return func() (time.Duration, error) {
		n++
		return time.Duration(n) * time.Second, nil
	}
}

func TestMeasureLeavesCompanyAndWarmUpOut(t *testing.T) {
	main := worker{do: func() (count, error) {
		time.Sleep(time.Millisecond)
		return count{records: 2, bytes: 10}, nil
	}}
	company := worker{background: true, do: func() (count, error) {
		time.Sleep(time.Millisecond)
		return count{records: 1000, bytes: 1000}, nil
	}}
	s, err := measure([]worker{main, company}, 50*time.Millisecond, 50*time.Millisecond, steady())
	if err != nil {
		t.Fatal(err)
	}
	if s.Records != 2*s.Requests || s.Bytes != 10*s.Requests {
		t.Errorf("%d requests have %d records, %d bytes", s.Requests, s.Records, s.Bytes)
	}
	if s.Moved <= s.Records {
		t.Errorf("%d records were moved, no more than the %d that were counted: where is the warm-up?", s.Moved, s.Records)
	}
	if s.CPU != 1 {
		t.Errorf("CPU time %v s, want the second between the two looks", s.CPU)
	}
	if got, want := s.perRecord(), 1e6/float64(s.Records); got != want {
		t.Errorf("%v µs per record, want %v", got, want)
	}
	if s.P50 < 1 || s.Max < s.P99 || s.P99 < s.P50 {
		t.Errorf("latencies %v %v %v", s.P50, s.P99, s.Max)
	}
}

func TestMeasureReportsErrors(t *testing.T) {
	broken := worker{do: func() (count, error) { return count{}, errors.New("no luck") }}
	s, err := measure([]worker{broken}, 0, 5*time.Millisecond, steady())
	if err == nil || s.Errors == 0 || s.Error != "no luck" {
		t.Errorf("%v, %d errors, the first %q", err, s.Errors, s.Error)
	}
	away := errors.New("no such process")
	idle := worker{do: func() (count, error) { time.Sleep(time.Millisecond); return count{}, nil }}
	_, err = measure([]worker{idle}, 0, time.Millisecond, func() (time.Duration, error) { return 0, away })
	if !errors.Is(err, away) {
		t.Errorf("a CPU clock that fails: %v", err)
	}
}

func TestCompareTakesTurnsTogether(t *testing.T) {
	turn := func(cpu, p50 float64) sample { return sample{CPU: cpu, Records: 1e6, Requests: 1e6, P50: p50} }
	bridge := &party{samples: []sample{turn(30, 2), turn(60, 2), turn(20, 2)}}
	limits := []*party{
		{name: nethttp, samples: []sample{turn(10, 1), turn(20, 1), turn(10, 1)}},
		{name: franz, samples: []sample{turn(5, 1), turn(10, 1), turn(10, 4)}},
	}
	got := compare(bridge, limits)
	want := []float64{2, 2, 1}
	for i := range want {
		if math.Abs(got.Each[i]-want[i]) > 1e-9 {
			t.Errorf("turn %d: %v, want %v", i, got.Each[i], want[i])
		}
	}
	if got.Median != 2 || got.P50 != 2 {
		t.Errorf("medians %v and %v, want 2 and 2", got.Median, got.P50)
	}
}
