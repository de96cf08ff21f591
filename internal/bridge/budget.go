package bridge

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxRetryAfter is what a client is told, in seconds, when nothing is given back at all.
	maxRetryAfter = 60
	// rateWindow is the least time over which the rate of giving back is measured, staleRate the longest.
	rateWindow, staleRate = time.Second, 10 * time.Second
)

// budget bounds the bytes of all request bodies that are held at once. The zero value refuses everything but a single
// body.
type budget struct {
	limit int64
	used  atomic.Int64
	given atomic.Int64 // bytes ever given back

	// The rate is measured between refusals, so that it costs nothing while there are none.
	mu        sync.Mutex
	since     time.Time
	givenThen int64
	rate      float64 // bytes per second; 0: not known
}

// take reserves n bytes, or reports false. A body larger than the whole budget is let in when nothing else is held,
// so that a limit set too low slows a client down instead of shutting it out.
func (b *budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if used > 0 && used+n > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (b *budget) give(n int64) {
	b.given.Add(n)
	b.used.Add(-n)
}

// retryAfter returns the seconds in which room for n bytes comes back, by the rate at which it has lately: between 1
// and maxRetryAfter, 1 while the rate is not known.
func (b *budget) retryAfter(n int64, now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	given, elapsed := b.given.Load(), now.Sub(b.since)
	switch {
	case elapsed > staleRate: // the last refusal is too long ago
		b.since, b.givenThen, b.rate = now, given, 0
		return 1
	case elapsed >= rateWindow:
		b.rate = max(float64(given-b.givenThen)/elapsed.Seconds(), 1)
		b.since, b.givenThen = now, given
	case b.rate == 0:
		return 1
	}
	over := float64(b.used.Load() + n - b.limit)
	return int(min(max(math.Ceil(over/b.rate), 1), maxRetryAfter))
}
