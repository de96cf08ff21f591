package main

import (
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"syscall"
	"time"
)

const (
	// lookEvery is how often the use of processors is looked at: as long as a burst may have to do with one.
	lookEvery = 500 * time.Millisecond
	// calmLooks is how many looks in a row have to find that one is enough.
	calmLooks = 4
	// plenty is how much of one processor may be in use.
	plenty = 0.7
	// longWait is how long goroutines that are ready may wait for a processor on average. On a machine that others keep busy
	// they do, although little of it is in use.
	longWait = 100 * time.Microsecond
)

// processors lets Go use one processor while it is enough. A produce is done by six goroutines one after the other, and
// where one begins the next, Go wakes a thread on an idle processor, which finds nothing left to do: a bridge that answers
// one client spends up to a third of its processor time on that, and keeps the processor from the broker or the client that
// is to go on. Where one is not enough, all are used that the machine and the limit of the control group allow.
type processors struct {
	limit  func(one bool) // tells Go
	one    bool
	calm   int // looks in a row that found that one is enough
	before load
}

// load is what the process has had of the processors so far.
type load struct {
	at     time.Time
	used   time.Duration
	waited time.Duration // of goroutines that were ready, all together
	waits  uint64
}

// followLoad adapts the number of processors until ctx ends, unless GOMAXPROCS says how many there are to be.
func followLoad(ctx context.Context) {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	p := processors{limit: limitProcessors}
	latencies := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			p.change(false)
			return
		case <-ticks.C:
			p.look(readLoad(latencies))
		}
	}
}

// look decides by what has been since the last look, more at once and less when it has been calm for a while.
func (p *processors) look(now load) {
	if p.enough(now) {
		p.calm++
	} else {
		p.calm = 0
	}
	p.before = now
	p.change(p.calm >= calmLooks || p.one && p.calm > 0)
}

// enough reports whether one processor was or would have been enough since the last look.
func (p *processors) enough(now load) bool {
	waits := max(now.waits-p.before.waits, 1)
	return (now.used-p.before.used).Seconds() < plenty*now.at.Sub(p.before.at).Seconds() &&
		uint64(now.waited-p.before.waited)/waits < uint64(longWait)
}

// change tells Go only of changes: each stops everything for some microseconds.
func (p *processors) change(one bool) {
	if p.one != one {
		p.one = one
		p.limit(one)
	}
}

// limitProcessors sets Go's limit to one, or leaves it to Go.
func limitProcessors(one bool) {
	if one {
		runtime.GOMAXPROCS(1)
		return
	}
	runtime.SetDefaultGOMAXPROCS()
}

// readLoad asks the system and the runtime; latencies is the metric of the time that goroutines wait.
func readLoad(latencies []metrics.Sample) load {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail for one's own process
	metrics.Read(latencies)
	waited, waits := sum(latencies[0].Value.Float64Histogram())
	return load{at: time.Now(), used: time.Duration(u.Utime.Nano() + u.Stime.Nano()), waited: waited, waits: waits}
}

// sum adds up a histogram of seconds, each bucket by its lower bound: near enough, since they are narrow.
func sum(h *metrics.Float64Histogram) (total time.Duration, n uint64) {
	seconds := 0.0
	for i, count := range h.Counts {
		n += count
		seconds += float64(count) * max(h.Buckets[i], 0) // the first begins at minus infinity
	}
	return time.Duration(seconds * float64(time.Second)), n
}
