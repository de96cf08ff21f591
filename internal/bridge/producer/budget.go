package producer

import (
	"fmt"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Overload is the refusal of a whole request: none of its records was handed to the client.
type Overload struct {
	// RetryAfter is when the request may fit, by the rate at which the fullest leader has drained lately. It is a
	// whole number of seconds between 1 and 60.
	RetryAfter time.Duration
	// Leader is the broker whose share of the budget is used up, −1 when the partition has no known leader.
	Leader int32
}

// Error names the broker; the text of the HTTP answer is the bridge contract's, not this one.
func (o *Overload) Error() string {
	return fmt.Sprintf("bytes in flight towards broker %d are at their limit, retry after %s", o.Leader, o.RetryAfter)
}

// maxRetryAfter is what a leader that does not drain at all is given.
const maxRetryAfter = 60 * time.Second

// budget bounds the bytes in flight. A leader may hold as much as is left free, a partition half of that: a stuck leader
// ends at half of the limit, a stuck partition at a third, and however many are stuck, something stays free for those
// that are not (dynamic thresholds, Choudhury and Hahne 1998). A leader with nothing in flight admits any one request.
type budget struct {
	limit   int64
	total   atomic.Int64
	records atomic.Int64
	refused atomic.Uint64

	mu      sync.Mutex // one admission at a time: no two requests share the same free bytes
	leaders atomic.Pointer[map[int32]*leader]
}

// leader counts what is in flight towards one broker.
type leader struct {
	id       int32
	inflight atomic.Int64
	drained  atomic.Int64 // bytes ever let go
	silent   atomic.Bool  // has let go of nothing for a second or more, with something in flight

	// The rate is measured between admissions; the fields are guarded by budget.mu.
	since       time.Time
	drainedThen int64
	rate        float64 // bytes per second
}

// share is the part of a request that goes to one partition.
type share struct {
	leader    *leader
	partition *partition
	index     int32
	count     int
	bytes     int64
	idle      bool // the leader had nothing in flight when this request came
	first     bool // the partition had nothing in flight when this request came
}

// newBudget returns a budget of limit bytes.
func newBudget(limit int64) *budget {
	b := &budget{limit: limit}
	b.leaders.Store(&map[int32]*leader{})
	return b
}

// leader returns the count of a broker, made at its first use.
func (b *budget) leader(id int32) *leader {
	if l := (*b.leaders.Load())[id]; l != nil {
		return l
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := (*b.leaders.Load())[id]; l != nil {
		return l
	}
	next := maps.Clone(*b.leaders.Load())
	next[id] = &leader{id: id}
	b.leaders.Store(&next)
	return next[id]
}

// usable reports whether a keyless record should go to this leader at all.
func (b *budget) usable(l *leader) bool {
	return !l.silent.Load() && l.inflight.Load() <= b.limit-b.total.Load()
}

// admit takes the bytes of all shares, or none of them.
func (b *budget) admit(now time.Time, shares []share) *Overload {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range shares {
		s := &shares[i]
		s.idle = s.leader.inflight.Load() == 0
		s.first = s.partition.inflight.Load() == 0
		s.leader.measure(now, s.idle)
	}
	for i := range shares {
		b.add(&shares[i], 1)
	}
	full := b.overrun(shares)
	if full == nil {
		return nil
	}
	after := full.leader.retryAfter(b.limit - b.total.Load())
	for i := range shares {
		b.add(&shares[i], -1)
	}
	b.refused.Add(1)
	return &Overload{RetryAfter: after, Leader: full.leader.id}
}

// overrun returns the first share that is beyond its leader's or its partition's part of the free bytes.
func (b *budget) overrun(shares []share) *share {
	free := b.limit - b.total.Load()
	for i := range shares {
		s := &shares[i]
		if s.idle {
			continue
		}
		if s.leader.inflight.Load() > free || !s.first && 2*s.partition.inflight.Load() > free {
			return s
		}
	}
	return nil
}

func (b *budget) add(s *share, sign int64) {
	s.leader.inflight.Add(sign * s.bytes)
	s.partition.inflight.Add(sign * s.bytes)
	b.total.Add(sign * s.bytes)
	b.records.Add(sign * int64(s.count))
}

// release gives back the bytes of one record.
func (b *budget) release(s *share, bytes int64) {
	s.leader.drained.Add(bytes)
	if s.leader.silent.Load() {
		s.leader.silent.Store(false)
	}
	s.leader.inflight.Add(-bytes)
	s.partition.inflight.Add(-bytes)
	b.total.Add(-bytes)
	b.records.Add(-1)
}

// measure updates the drain rate about once per second. Time without anything in flight says nothing about it.
func (l *leader) measure(now time.Time, idle bool) {
	drained := l.drained.Load()
	if idle || l.since.IsZero() {
		l.since, l.drainedThen = now, drained
		return
	}
	elapsed := now.Sub(l.since)
	if elapsed < time.Second {
		return
	}
	rate := float64(drained-l.drainedThen) / elapsed.Seconds()
	l.rate = (l.rate + rate) / 2
	l.silent.Store(drained == l.drainedThen)
	l.since, l.drainedThen = now, drained
}

// retryAfter returns the time in which the leader, with this request's bytes counted in already, drains down to what
// it may hold.
func (l *leader) retryAfter(free int64) time.Duration {
	over := l.inflight.Load() - max(free, 0)
	seconds := math.Ceil(float64(over) / l.rate)
	switch {
	case over <= 0 || seconds < 1:
		return time.Second
	case !(seconds < maxRetryAfter.Seconds()): // also a rate of zero
		return maxRetryAfter
	default:
		return time.Duration(seconds) * time.Second
	}
}
