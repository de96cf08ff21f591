// Package brokers asks Kafka in a way that one broker that hangs holds nobody up. What any broker can answer is asked of
// a second one when the first is slow, and a broker that was slow is asked last for a while; and every wait ends with its
// context, which the client library promises only once a request is under way. It knows no Kafka beyond requests.
package brokers

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// patience is how long one broker may take before another is asked as well. A healthy broker answers metadata within
	// a few milliseconds; a pause of its garbage collector is not worth a second question.
	patience = 250 * time.Millisecond
	// avoidFor is how long a broker that was slower than patience is asked last.
	avoidFor = 30 * time.Second
)

// Asker sends requests through a client. It is safe for concurrent use, and implements kmsg.Requestor.
type Asker struct {
	client *kgo.Client

	mu   sync.Mutex
	slow map[kgo.Broker]time.Time // until when a broker is avoided
	next int                      // whose turn it is among equals
}

// New returns an Asker for a client, which stays the caller's to close.
func New(client *kgo.Client) *Asker {
	return &Asker{client: client, slow: make(map[kgo.Broker]time.Time)}
}

// Request sends a request and returns its answer. Requests that any broker can answer (metadata, and configurations of
// topics) go to a second broker after patience; all others go where the library sends them. It returns with ctx at the
// latest; the error is the library's, or ctx's.
func (a *Asker) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	if again := copier(req); again != nil {
		if list := a.order(); len(list) > 1 {
			return a.race(ctx, list, again)
		}
	}
	return Bounded(ctx, func() (kmsg.Response, error) { return a.client.Request(ctx, req) })
}

// Bounded runs a call of the library and returns with ctx at the latest. A call that has not ended then goes on for as
// long as the library's own timeouts let it, and its result is dropped.
func Bounded[R any](ctx context.Context, call func() (R, error)) (R, error) {
	type result struct {
		answer R
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := call()
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		var none R
		return none, ctx.Err()
	}
}

// copier returns a function that makes copies of a request that any broker can answer, nil for other requests. Each
// broker needs a copy of its own, since sending sets the version.
func copier(req kmsg.Request) func() kmsg.Request {
	switch r := req.(type) {
	case *kmsg.MetadataRequest:
		return func() kmsg.Request { again := *r; return &again }
	case *kmsg.DescribeConfigsRequest:
		for i := range r.Resources {
			if r.Resources[i].ResourceType != kmsg.ConfigResourceTypeTopic {
				return nil
			}
		}
		return func() kmsg.Request { again := *r; return &again }
	}
	return nil
}

// order returns the known brokers: those that were slow last, the others taking turns.
func (a *Asker) order() []*kgo.Broker {
	list := a.client.DiscoveredBrokers()
	if len(list) == 0 {
		list = a.client.SeedBrokers()
	}
	if len(list) < 2 {
		return list
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next++
	turn := a.next % len(list)
	list = append(list[turn:len(list):len(list)], list[:turn]...)
	now := time.Now()
	slices.SortStableFunc(list, func(x, y *kgo.Broker) int {
		return cmp.Compare(a.avoided(x, now), a.avoided(y, now))
	})
	return list
}

// avoided returns 1 for a broker that was slow lately, 0 for any other; mu is held.
func (a *Asker) avoided(b *kgo.Broker, now time.Time) int {
	if until, ok := a.slow[*b]; ok && now.Before(until) {
		return 1
	}
	return 0
}

// answer is what came of one question.
type answer struct {
	from *kgo.Broker
	resp kmsg.Response
	err  error
}

// race asks one broker after the other, the next as soon as one fails or patience is over, and returns the first answer.
// When all have failed, the library gets its try: it knows how to wait for a cluster that is coming back.
func (a *Asker) race(ctx context.Context, list []*kgo.Broker, again func() kmsg.Request) (kmsg.Response, error) {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(list))
	asked := 0
	ask := func() {
		b := list[asked]
		asked++
		go func() {
			resp, err := b.Request(ctx, again())
			answers <- answer{b, resp, err}
		}()
	}
	ask()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for failed := 0; failed < len(list); {
		select {
		case got := <-answers:
			if got.err == nil {
				return got.resp, nil
			}
			if failed++; asked < len(list) {
				ask()
			}
		case <-timer.C:
			a.avoid(list[asked-1])
			if asked < len(list) {
				ask()
				timer.Reset(patience)
			}
		case <-outer.Done():
			return nil, outer.Err()
		}
	}
	return Bounded(outer, func() (kmsg.Response, error) { return a.client.Request(outer, again()) })
}

// avoid notes that a broker was slow.
func (a *Asker) avoid(b *kgo.Broker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow[*b] = time.Now().Add(avoidFor)
}
