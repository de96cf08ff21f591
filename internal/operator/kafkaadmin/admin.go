package kafkaadmin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Limits bounds what one Admin asks of a cluster. A zero field has its default.
type Limits struct {
	// Timeout is for one request, with all attempts of the client. Default 30 s.
	Timeout time.Duration
	// Items is how many topics or users one request is about. Default 100.
	Items int
	// Records is how many records of Kafka's metadata log one request may make, roughly: its controller refuses more than
	// 10,000 in one. Default 4,000.
	Records int
	// Concurrency is how many requests of one call run at once. Default 3.
	Concurrency int
}

func (l Limits) withDefaults() Limits {
	l.Timeout = cmp.Or(l.Timeout, 30*time.Second)
	l.Items = cmp.Or(l.Items, 100)
	l.Records = cmp.Or(l.Records, 4000)
	l.Concurrency = cmp.Or(l.Concurrency, 3)
	return l
}

// Admin asks one cluster. All methods may be called concurrently.
type Admin struct {
	client *kgo.Client
	limits Limits
}

// New returns an Admin on a client, which stays the caller's to close. Every error of its methods is an *Error.
func New(client *kgo.Client, limits Limits) *Admin {
	return &Admin{client: client, limits: limits.withDefaults()}
}

// Error is a request that failed, or what a broker said about one topic, user or broker.
type Error struct {
	// Doing is what was tried, such as "create the topic".
	Doing string
	// Cause is the failure by its Java name.
	Cause *kafka.Error
	// Stale says that something was not, or no longer, as it was read: to read again and decide again helps.
	Stale bool
}

// Error is one line such as "create the topic: org.apache.kafka.common.errors.PolicyViolationException: no".
func (e *Error) Error() string { return e.Doing + ": " + e.Cause.Prefixed() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// errNoAnswer is about items that a broker's answer left out.
var errNoAnswer = errors.New("the broker's answer says nothing about it")

// failed names a failure; nil gives nil, and what is an *Error already stays.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Doing: doing, Cause: kafka.Describe(err, kafka.Subject{}), Stale: stale(err)}
}

// refused names what a broker answered; code 0 gives nil. message is the broker's own text, or nil.
func refused(doing string, code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err == nil {
		return nil
	}
	s := kafka.Subject{}
	if message != nil {
		s.Message = *message
	}
	return &Error{Doing: doing, Cause: kafka.Describe(err, s), Stale: stale(err)}
}

func stale(err error) bool {
	return errors.Is(err, kerr.TopicAlreadyExists) || errors.Is(err, kerr.UnknownTopicOrPartition) ||
		errors.Is(err, kerr.NoReassignmentInProgress) || errors.Is(err, kerr.ReassignmentInProgress) || errors.Is(err, kerr.UnknownTopicID)
}

// ask bounds and names one request. It returns when the time is over even if the client does not: while a new connection
// says hello, the client looks at no context but only at its own limit.
func ask[R any](ctx context.Context, a *Admin, doing string, with func(context.Context, *kgo.Client) (R, error)) (R, error) {
	type answer struct {
		resp R
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, a.limits.Timeout)
	answers := make(chan answer, 1)
	go func() {
		defer cancel()
		resp, err := with(ctx, a.client)
		if err != nil && ctx.Err() != nil {
			err = ctx.Err() // the client may name what it gave up at that moment instead
		}
		answers <- answer{resp, err}
	}()
	select {
	case got := <-answers:
		return got.resp, failed(doing, got.err)
	case <-ctx.Done():
	}
	select {
	case got := <-answers: // both at once: cancel is called by the answer too
		return got.resp, failed(doing, got.err)
	default:
		var none R
		return none, failed(doing, ctx.Err())
	}
}

// millis is the timeout that brokers are told.
func (a *Admin) millis() int32 { return int32(a.limits.Timeout.Milliseconds()) }

// batches calls do with parts of items, a few at once, and returns when all calls have. A part has at most Limits.Items items
// that weigh at most Limits.Records together, or one item.
func batches[T any](a *Admin, items []T, weight func(T) int, do func([]T)) {
	slots := make(chan struct{}, a.limits.Concurrency)
	var group sync.WaitGroup
	for len(items) > 0 {
		n, sum := 1, weight(items[0])
		for ; n < len(items) && n < a.limits.Items; n++ {
			if sum += weight(items[n]); sum > a.limits.Records {
				break
			}
		}
		part := items[:n]
		items = items[n:]
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(part)
		})
	}
	group.Wait()
}

// one is the weight of items that are one record.
func one[T any](T) int { return 1 }

// outcomes collects errors by name; the first of a name counts.
type outcomes struct {
	mu     sync.Mutex
	errors map[string]error
}

func newOutcomes(n int) *outcomes { return &outcomes{errors: make(map[string]error, n)} }

// add notes the outcome of names: err or, if that is nil, nothing.
func (o *outcomes) add(err error, names ...string) {
	if err == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		if o.errors[name] == nil {
			o.errors[name] = err
		}
	}
}

func (o *outcomes) of(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.errors[name]
}

// missing gives the names that an answer left out an error.
func (o *outcomes) missing(doing string, asked []string, answered map[string]bool) {
	for _, name := range asked {
		if !answered[name] {
			o.add(failed(doing, fmt.Errorf("%s: %w", name, errNoAnswer)), name)
		}
	}
}
