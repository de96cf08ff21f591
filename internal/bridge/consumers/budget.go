package consumers

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// minFetch is what a fetch may ask for when everything is given away: a broker answers with one whole batch at least,
// so nobody starves, and the excess stays small.
const minFetch = 16 << 10

// recordOverhead is about what a record costs beside its bytes: the struct and its place in two slices.
const recordOverhead = 200

// budget shares the memory of all fetched records between the consumers. Zero limit: no bound.
type budget struct {
	limit int64 // bytes

	mu   sync.Mutex
	used int64
}

// take reserves memory for an answer of at most want bytes, and returns what may be asked for: never more than half
// of what is left, so that the next ones get something too, and never less than minFetch.
func (b *budget) take(want int64) int64 {
	if b.limit <= 0 {
		return want
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	grant := min(want, max((b.limit-b.used)/2, minFetch))
	b.used += grant
	return grant
}

// give returns n bytes; a negative n charges what was not reserved before.
func (b *budget) give(n int64) {
	if b.limit <= 0 {
		return
	}
	b.mu.Lock()
	b.used -= n
	b.mu.Unlock()
}

// size is what a record holds of the budget, in bytes.
func size(r *kgo.Record) int64 {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}
