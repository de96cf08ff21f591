package main

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestProcessorsFollowTheLoad: one processor when it has been enough for a while, all of them at once when it is not, and
// Go is told of changes only.
func TestProcessorsFollowTheLoad(t *testing.T) {
	type step struct {
		looks  int
		used   float64       // of one processor
		waited time.Duration // by each of 1,000 goroutines between two looks
	}
	const rest = calmLooks + 1 // the first look has nothing before it
	for _, c := range []struct {
		name  string
		steps []step
		want  []bool // what Go is told
	}{
		{"at rest", []step{{rest, 0, 0}, {50, 0, 0}}, []bool{true}},
		{"not for long enough", []step{{calmLooks - 1, 0, 0}, {1, 1, 0}, {calmLooks - 1, 0, 0}}, nil},
		{"a lone client", []step{{rest, 0.5, time.Microsecond}, {20, 0.5, time.Microsecond}}, []bool{true}},
		{"busy", []step{{20, 1.5, time.Microsecond}}, nil},
		{"a burst", []step{{rest, 0, 0}, {1, 1, 0}, {calmLooks - 1, 0, 0}, {1, 0, 0}}, []bool{true, false, true}},
		{"nearly all of one", []step{{rest, 0.69, 0}, {20, 0.69, 0}}, []bool{true}},
		{"too much of one", []step{{rest, 0.71, 0}, {20, 0.71, 0}}, nil},
		{"others keep the machine busy", []step{{rest, 0.1, 0}, {1, 0.2, 2 * longWait}, {2, 0.2, 0}}, []bool{true, false}},
		{"and kept it busy all along", []step{{20, 0.2, longWait}}, nil},
		{"waits that are short", []step{{20, 0.2, longWait - time.Microsecond}}, []bool{true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []bool
			p := processors{limit: func(one bool) { told = append(told, one) }}
			now := load{at: time.Unix(1_000_000, 0), used: 3 * time.Second, waited: 2 * time.Second, waits: 50}
			for _, s := range c.steps {
				for range s.looks {
					now.at = now.at.Add(lookEvery)
					now.used += time.Duration(s.used * float64(lookEvery))
					now.waited += 1000 * s.waited
					now.waits += 1000
					p.look(now)
				}
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("told %v, want %v", told, c.want)
			}
		})
	}
}

// TestFollowLoad: at rest one processor is used, in the end as many as before. With GOMAXPROCS it is as many as that says.
func TestFollowLoad(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("the machine has one processor only")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, c := range []struct {
		set    string
		atRest int
	}{{"", 1}, {"2", 2}} {
		t.Setenv("GOMAXPROCS", c.set)         // an empty one is as good as none
		synctest.Test(t, func(t *testing.T) { // next to no processor time passes in these seconds
			ctx, cancel := context.WithCancel(t.Context())
			go followLoad(ctx)
			time.Sleep(3 * calmLooks * lookEvery)
			synctest.Wait()
			if got := runtime.GOMAXPROCS(0); got != c.atRest {
				t.Errorf("GOMAXPROCS=%q: %d processors at rest, want %d", c.set, got, c.atRest)
			}
			cancel()
			synctest.Wait()
		})
		if got := runtime.GOMAXPROCS(0); got < 2 {
			t.Errorf("GOMAXPROCS=%q: %d processors are left", c.set, got)
		}
	}
}

func TestSum(t *testing.T) {
	total, n := sum(&metrics.Float64Histogram{
		Counts:  []uint64{5, 0, 3, 1},
		Buckets: []float64{math.Inf(-1), 0, 0.001, 2, math.Inf(1)},
	})
	if total != 2003*time.Millisecond || n != 9 {
		t.Errorf("%v of %d waits, want 2.003s of 9", total, n)
	}
}

// TestReadLoad: the runtime has the metric that is asked for, and both figures grow.
func TestReadLoad(t *testing.T) {
	latencies := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	before := readLoad(latencies)
	for now := before; now.waits == before.waits || now.used == before.used; now = readLoad(latencies) {
		done := make(chan struct{})
		go close(done)
		<-done
		if time.Since(before.at) > 10*time.Second {
			t.Fatalf("%+v after %+v", now, before)
		}
	}
}
