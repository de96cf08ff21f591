package producer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Options are what a Producer needs beside Kafka's own settings.
type Options struct {
	// InflightBytes bounds the records that were handed over and not answered yet, their bookkeeping included. Zero
	// means buffer.memory. One request beyond the bound is let through towards a broker with nothing in flight.
	InflightBytes int64
	// Logger gets what happens behind the requests; nil discards it.
	Logger *slog.Logger
	// Hooks are passed to the client, and to each client that replaces it.
	Hooks []kgo.Hook
}

// Producer writes the records of all requests through one client. All methods may be called concurrently.
type Producer struct {
	cfg       kafka.Config
	transport []kgo.Opt
	opts      Options
	log       *slog.Logger

	base       context.Context // ends at Close
	stop       context.CancelFunc
	closing    atomic.Bool
	spawning   sync.Mutex // no goroutine is started once base has ended
	background sync.WaitGroup

	session    atomic.Pointer[session]
	generation atomic.Pointer[generation]
	budget     *budget
	lookups    lookups
	requests   sync.Pool
	failed     atomic.Uint64
}

// New opens a producer; it connects at the first use. transport carries dialer and SASL. The error is the client
// library's refusal of its options.
func New(cfg kafka.Config, transport []kgo.Opt, o Options) (*Producer, error) {
	p := &Producer{cfg: cfg, transport: transport, opts: o, log: o.Logger}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	limit := o.InflightBytes
	if limit <= 0 {
		limit = cfg.Producer.BufferMemory
	}
	p.budget = newBudget(limit)
	p.lookups.active = map[want]*look{}
	p.lookups.missed = map[want]time.Time{}
	p.requests.New = func() any { return newRequest(p) }
	client, err := p.open()
	if err != nil {
		return nil, err
	}
	p.base, p.stop = context.WithCancel(context.Background())
	p.session.Store(newSession(client))
	p.spawn(p.tend)
	return p, nil
}

const (
	// metadataRetry is the least time between two of the client's metadata requests; the library's 5 s would be the
	// length of every leader change.
	metadataRetry = 500 * time.Millisecond
	// tendEvery is how often deleted topics are looked for.
	tendEvery = 10 * time.Second
)

// open makes a client.
func (p *Producer) open() (*kgo.Client, error) {
	opts := append(p.cfg.Options(), p.transport...)
	opts = append(opts,
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(1<<30), // the budget bounds them, in bytes
		// The library counts a record's age from its timestamp, which is the HTTP client's to choose; here records
		// expire by their context.
		kgo.RecordDeliveryTimeout(0),
		// As in Java, a partition that a broker does not have yet is asked again until the record expires.
		kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(metadataRetry),
		kgo.WithHooks(p.opts.Hooks...),
	)
	if p.cfg.Producer.Idempotent {
		// What expires is let go of even if it may have been written, as in Java: its request was answered, and the
		// memory has other uses. The library continues with a new epoch.
		opts = append(opts, kgo.AllowIdempotentProduceCancellation())
	} else {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	return kgo.NewClient(opts...)
}

// Send writes the records of one request and waits for what becomes of them; the outcomes are in request order. A
// record's Partition is the wanted one, negative when it is to be chosen. The records, and what they refer to, belong
// to the client until released is called, which happens exactly once, maybe from another goroutine, maybe after Send
// returned; it must not block and may be nil.
//
// Send returns within max.block.ms plus delivery.timeout.ms and a hundredth. The only error is *Overload: nothing was
// sent then.
func (p *Producer) Send(topic string, recs []kgo.Record, released func()) ([]Outcome, error) {
	q := p.requests.Get().(*request)
	q.reset(p.session.Load(), recs, released, false)
	deadline, handed, err := p.submit(q, topic)
	if handed > 0 {
		return q.wait(deadline), nil
	}
	out := q.out
	q.release()
	q.recycle()
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SendAsync is Send without waiting for the brokers: it returns once every record was handed over. What fails, fails
// unseen but for the counter and the log. It still waits for metadata, at most max.block.ms.
func (p *Producer) SendAsync(topic string, recs []kgo.Record, released func()) error {
	q := p.requests.Get().(*request)
	q.reset(p.session.Load(), recs, released, true)
	_, handed, err := p.submit(q, topic)
	if handed > 0 {
		return nil
	}
	if err == nil && len(recs) > 0 {
		p.failed.Add(uint64(len(recs)))
		p.log.Warn("records of an asynchronous request were lost", "topic", topic, "error", q.out[0].Err)
	}
	q.release()
	q.recycle()
	return err
}

// submit hands over what can be handed over. When that is nothing, the request is the caller's again, all outcomes set.
func (p *Producer) submit(q *request, topic string) (deadline context.Context, handed int, err error) {
	if len(q.recs) == 0 {
		return nil, 0, nil
	}
	if p.closing.Load() {
		q.failAll(errClosed(topic))
		return nil, 0, nil
	}
	t, missing := p.resolve(q, topic)
	if t == nil {
		q.failAll(missing)
		return nil, 0, nil
	}
	handed = q.plan(t, missing)
	if handed == 0 {
		return nil, 0, nil
	}
	q.born = time.Now()
	if full := p.budget.admit(q.born, q.shares); full != nil {
		return nil, 0, full
	}
	deadline = p.deadline(q.born)
	q.handOver(deadline, handed)
	return deadline, handed, nil
}

// resolve returns the topic, waiting for it, or for the highest partition that the records name, where need be. Topic
// and error are both set when only a partition is missing.
func (p *Producer) resolve(q *request, name string) (*topic, *kafka.Error) {
	need := int32(1)
	for i := range q.recs {
		need = max(need, q.recs[i].Partition+1)
	}
	if t := q.session.topic(name); t != nil {
		if n, exists := q.session.count(t); exists && n >= need {
			return t, nil
		}
	}
	return p.find(q.session, want{topic: name, partitions: need})
}

// choose returns the partition of a record that names none. partitions is positive.
func (p *Producer) choose(s *session, t *topic, r *kgo.Record, bytes int64, partitions int32) int32 {
	c := &p.cfg.Producer
	switch {
	case c.RoundRobin:
		return int32(t.turn.Add(1) % uint32(partitions))
	case r.Key != nil && !c.IgnoreKeys:
		return keyPartition(r.Key, partitions)
	}
	return t.pick(bytes-recordMemory, int64(c.BatchBytes), partitions, func(i int32) bool {
		id, ok := s.leader(t, i)
		return ok && p.budget.usable(p.budget.leader(id))
	})
}

// generation is the context that all records of a short span share: a timer per request would cost more than the rest
// of handing it over.
type generation struct {
	ctx    context.Context
	cancel context.CancelFunc
	until  time.Time // first moment that needs a newer one
}

// deadline returns a context that ends delivery.timeout.ms after now, or up to a hundredth of it later.
func (p *Producer) deadline(now time.Time) context.Context {
	g := p.generation.Load()
	if g != nil && now.Before(g.until) {
		return g.ctx
	}
	timeout := p.cfg.Producer.DeliveryTimeout
	span := min(max(timeout/100, time.Millisecond), time.Second)
	next := &generation{until: now.Add(span)}
	next.ctx, next.cancel = context.WithDeadline(p.base, next.until.Add(timeout))
	if !p.generation.CompareAndSwap(g, next) {
		next.cancel()
		return p.deadline(now)
	}
	return next.ctx
}

// errClosed is the failure of a record that comes too late.
func errClosed(topic string) *kafka.Error {
	return kafka.Describe(kgo.ErrClientClosed, kafka.Subject{Topic: topic, Partition: -1})
}

// lost takes note of a record that failed, and puts right what the client does not put right by itself: it never
// adopts a recreated topic, and never asks again for a producer ID that was refused. It must not block.
func (p *Producer) lost(s *session, t *topic, err error) {
	p.failed.Add(1)
	switch {
	case errors.Is(err, kerr.UnknownTopicID):
		p.repair(s, func() { s.forget(t) })
	case errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed),
		errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.InvalidProducerIDMapping),
		errors.Is(err, kerr.ProducerFenced):
		p.repair(s, func() { p.renew(s) })
	}
}

// repair runs fix in the background unless one runs already.
func (p *Producer) repair(s *session, fix func()) {
	if !s.suspect.CompareAndSwap(false, true) {
		return
	}
	started := p.spawn(func() {
		defer s.suspect.Store(false)
		fix()
	})
	if !started {
		s.suspect.Store(false)
	}
}

// spawn runs f in a goroutine that Close waits for, and reports whether it did: not once the producer is closed.
func (p *Producer) spawn(f func()) bool {
	p.spawning.Lock()
	defer p.spawning.Unlock()
	if p.base.Err() != nil {
		return false
	}
	p.background.Go(f)
	return true
}

// tend looks after the topics until Close.
func (p *Producer) tend() {
	for sleep(p.base, tendEvery) {
		p.session.Load().tend(time.Now())
	}
}

// renewEvery is the least time between two clients: a right that is missing may stay so.
const renewEvery = time.Second

// renew replaces a client whose producer ID has failed for good.
func (p *Producer) renew(s *session) {
	ctx, cancel := context.WithTimeout(p.base, attemptLook)
	defer cancel()
	_, reason := producerID(ctx, s.client)
	if !refused(reason) {
		return
	}
	if !sleep(p.base, time.Until(s.born.Add(renewEvery))) {
		return
	}
	client, err := p.open()
	if err != nil {
		p.log.Error("a producer could not be replaced", "error", err)
		return
	}
	if !p.session.CompareAndSwap(s, newSession(client)) {
		client.Close()
		return
	}
	p.log.Warn("the producer was replaced, its producer ID having failed", "error", reason)
	s.client.Close()
}

// Flush waits until nothing is in flight that was handed over before, or until ctx ends, and returns its error then.
func (p *Producer) Flush(ctx context.Context) error {
	return p.session.Load().client.Flush(ctx)
}

// Close refuses new records, waits for those in flight until ctx ends, and lets go of everything else: their requests
// are answered that the producer is closed.
func (p *Producer) Close(ctx context.Context) {
	if p.closing.Swap(true) {
		return
	}
	if err := p.Flush(ctx); err != nil {
		p.log.Warn("records were in flight when the producer was closed", "records", p.budget.records.Load())
	}
	p.spawning.Lock()
	p.stop()
	p.spawning.Unlock()
	p.session.Load().client.Close() // ends what waits inside the client
	p.background.Wait()
	last := p.session.Load().client
	last.Close() // the client of a renewal that was going on
	settled, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = last.Flush(settled) // the promises run behind Close
}

// Stats is a moment's view of a Producer.
type Stats struct {
	InflightBytes int64
	LimitBytes    int64
	Records       int64           // handed over and not let go of
	Leaders       map[int32]int64 // bytes in flight by broker; −1 are partitions without a known leader
	Refused       uint64          // requests answered Overload
	Failed        uint64          // records that failed after they were taken on, or in an asynchronous request
	Topics        int             // topics known
}

// Stats returns the present figures; they are read one after the other and need not add up.
func (p *Producer) Stats() Stats {
	s := Stats{
		InflightBytes: p.budget.total.Load(),
		LimitBytes:    p.budget.limit,
		Records:       p.budget.records.Load(),
		Leaders:       map[int32]int64{},
		Refused:       p.budget.refused.Load(),
		Failed:        p.failed.Load(),
		Topics:        len(*p.session.Load().topics.Load()),
	}
	for id, l := range *p.budget.leaders.Load() {
		s.Leaders[id] = l.inflight.Load()
	}
	return s
}
