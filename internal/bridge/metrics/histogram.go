package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Histogram counts durations in buckets. Unlike the library's it is a few atomic additions, whichever the bucket. All
// methods may be called from any goroutine.
type Histogram struct {
	bounds []time.Duration
	counts []atomic.Uint64 // by bucket, each its own; the last is what lies above all bounds
	sum    atomic.Int64    // nanoseconds
}

func newHistogram(bounds []time.Duration) Histogram {
	return Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// latencies are the bounds for what should be over in milliseconds.
func latencies() []time.Duration {
	const ms = time.Millisecond
	return []time.Duration{ms / 2, ms, 2 * ms, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, 1000 * ms, 2500 * ms, 5000 * ms, 10000 * ms, 30000 * ms}
}

// waits are the bounds for what a group takes.
func waits() []time.Duration {
	const s = time.Second
	return []time.Duration{s / 10, s / 2, s, 2 * s, 3 * s, 5 * s, 10 * s, 30 * s, 60 * s, 300 * s}
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(h.bounds) && d > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// any reports whether something was observed.
func (h *Histogram) any() bool {
	for i := range h.counts {
		if h.counts[i].Load() > 0 {
			return true
		}
	}
	return false
}

// collect sends the series; labels are names and values in turn. The count is the sum of the buckets as they were read, so
// that the two agree.
func (h *Histogram) collect(out chan<- prometheus.Metric, name, help string, labels ...string) {
	names, values := pairs(labels)
	buckets := make(map[float64]uint64, len(h.bounds))
	var n uint64
	for i, bound := range h.bounds {
		n += h.counts[i].Load()
		buckets[bound.Seconds()] = n
	}
	n += h.counts[len(h.bounds)].Load()
	out <- prometheus.MustNewConstHistogram(prometheus.NewDesc(name, help, names, nil), n, seconds(h.sum.Load()), buckets, values...)
}
