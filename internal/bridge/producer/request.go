package producer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Outcome is what became of one record. Offset is −1 with acks=0 and where Err is set.
type Outcome struct {
	Partition int32
	Offset    int64
	Err       *kafka.Error
}

// pending is the Offset of an Outcome that is not known yet.
const pending = -2

// request is the records of one call on their way through the client. Its memory is used again, promise included, so
// that handing over a record allocates nothing of ours.
type request struct {
	producer *Producer
	session  *session
	topic    *topic
	recs     []kgo.Record
	released func()
	async    bool
	born     time.Time // when the records were handed over
	shares   []share
	slots    []slot  // by record
	byPart   []int32 // by partition: 1 + its place in shares; 0 outside of plan
	promise  func(*kgo.Record, error)
	left     atomic.Int32  // records that the client has not let go of
	done     chan struct{} // one token, once left is zero; never for async

	mu  sync.Mutex // guards out: at the deadline it is read while promises may still come
	out []Outcome
}

// slot is the charge of one record. share is −1 for a record that is not handed over.
type slot struct {
	share int32
	bytes int64
}

func newRequest(p *Producer) *request {
	q := &request{producer: p, done: make(chan struct{}, 1)}
	q.promise = q.settle
	return q
}

// reset takes a call's records in. The outcomes are made anew: the caller keeps them.
func (q *request) reset(s *session, recs []kgo.Record, released func(), async bool) {
	q.session, q.recs, q.released, q.async = s, recs, released, async
	q.shares = q.shares[:0]
	if cap(q.slots) < len(recs) {
		q.slots = make([]slot, len(recs))
	}
	q.slots = q.slots[:len(recs)]
	q.out = make([]Outcome, len(recs))
	for i := range q.out {
		q.out[i].Offset = pending
	}
}

// keepSlots bounds the memory that an idle request keeps for its next use.
const keepSlots = 4096

// recycle lets go of everything that belongs to the caller. The request must not be touched afterwards.
func (q *request) recycle() {
	q.session, q.topic, q.recs, q.released, q.out = nil, nil, nil, nil, nil
	clear(q.shares)
	if cap(q.slots) > keepSlots || cap(q.byPart) > keepSlots {
		return
	}
	q.producer.requests.Put(q)
}

// release tells the caller that nothing refers to the records any more.
func (q *request) release() {
	if q.released != nil {
		q.released()
	}
}

// fail settles a record that is not handed over.
func (q *request) fail(i int, err *kafka.Error) {
	q.slots[i] = slot{share: -1}
	q.out[i] = Outcome{Partition: q.recs[i].Partition, Offset: -1, Err: err}
}

// failAll settles a request of which nothing is handed over.
func (q *request) failAll(err *kafka.Error) {
	for i := range q.recs {
		q.fail(i, err)
	}
}

// plan chooses the partition of every record and adds up what goes where. It returns the number of records to hand
// over; the others are settled already.
func (q *request) plan(t *topic, absent *kafka.Error) int {
	p, s := q.producer, q.session
	n, _ := s.count(t)
	parts := *t.parts.Load()
	q.topic = t
	if len(q.byPart) < int(n) {
		q.byPart = make([]int32, n)
	}
	handed := 0
	for i := range q.recs {
		r := &q.recs[i]
		if r.Partition >= n {
			q.fail(i, q.absent(r.Partition, int(n), absent))
			continue
		}
		if size := serializedSize(r); size > int(p.cfg.Producer.MaxRequestBytes) {
			q.fail(i, kafka.TooLarge(size, p.cfg.Producer.MaxRequestBytes))
			continue
		}
		bytes := memorySize(r)
		if r.Partition < 0 {
			r.Partition = p.choose(s, t, r, bytes, n)
		}
		q.slots[i] = slot{share: q.share(r.Partition, parts[r.Partition]), bytes: bytes}
		sh := &q.shares[q.slots[i].share]
		sh.count++
		sh.bytes += bytes
		handed++
	}
	for i := range q.shares {
		q.byPart[q.shares[i].index] = 0
	}
	return handed
}

// absent returns the error of a record whose partition does not exist: that of the wait where it names this partition.
func (q *request) absent(partition int32, count int, waited *kafka.Error) *kafka.Error {
	if waited != nil && waited.Kind != kafka.KindNotInMetadata {
		return waited
	}
	return kafka.PartitionNotInMetadata(q.topic.name, partition, count, q.producer.cfg.Producer.MaxBlock)
}

// share returns the place of a partition's share, made at its first record.
func (q *request) share(index int32, part *partition) int32 {
	if at := q.byPart[index]; at > 0 {
		return at - 1
	}
	id, _ := q.session.leader(q.topic, index)
	q.shares = append(q.shares, share{leader: q.producer.budget.leader(id), partition: part, index: index})
	q.byPart[index] = int32(len(q.shares))
	return int32(len(q.shares)) - 1
}

// handOver gives the planned records to the client, in request order. From the last one on, the request belongs to its
// promises.
func (q *request) handOver(ctx context.Context, handed int) {
	q.left.Store(int32(handed))
	now := q.born.Truncate(time.Millisecond)
	recs, slots, client, topic := q.recs, q.slots, q.session.client, q.topic.name
	for i := range recs {
		if slots[i].share < 0 {
			continue
		}
		r := &recs[i]
		r.Topic = topic
		if r.Timestamp.IsZero() {
			r.Timestamp = now
		}
		client.TryProduce(ctx, r, q.promise)
		if handed--; handed == 0 {
			return // the last promise may have run, and the request be in use again
		}
	}
}

// settle is the client's promise: it is called once for every record, by one goroutine at a time.
func (q *request) settle(r *kgo.Record, err error) {
	i := q.index(r)
	sl := q.slots[i]
	sh := &q.shares[sl.share]
	out := Outcome{Partition: r.Partition, Offset: r.Offset}
	switch {
	case err != nil:
		out = Outcome{Partition: r.Partition, Offset: -1, Err: q.describe(err, sh)}
		q.producer.lost(q.session, q.topic, err)
	case q.producer.cfg.Producer.Acks == 0:
		out.Offset = -1 // the client makes one up
	}
	q.mu.Lock()
	q.out[i] = out
	q.mu.Unlock()
	q.producer.budget.release(sh, sl.bytes)
	if q.left.Add(-1) > 0 {
		return
	}
	q.release()
	if q.async {
		q.recycle()
		return
	}
	q.done <- struct{}{}
}

// index returns the place of r in the request. The client hands back the very pointer that it was given, so this is the
// distance from the first record; it spares every record a closure of its own.
func (q *request) index(r *kgo.Record) int {
	first := unsafe.Pointer(unsafe.SliceData(q.recs))
	return int((uintptr(unsafe.Pointer(r)) - uintptr(first)) / unsafe.Sizeof(*r))
}

// describe names a failure. A record's context ends at delivery.timeout.ms, its own or that of an older record of the
// partition that takes the younger ones with it.
func (q *request) describe(err error, sh *share) *kafka.Error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrRecordTimeout) {
		return kafka.Expired(sh.count, q.topic.name, sh.index, time.Since(q.born))
	}
	if errors.Is(err, context.Canceled) {
		err = kgo.ErrClientClosed
	}
	return kafka.Describe(err, kafka.Subject{Topic: q.topic.name, Partition: sh.index})
}

// wait returns the outcomes once they are all known, or at the deadline: the records are the client's then, until it
// lets go of them, and the request is left to it.
func (q *request) wait(ctx context.Context) []Outcome {
	select {
	case <-q.done:
	case <-ctx.Done():
		select {
		case <-q.done: // both were ready
		default:
			q.session.client.ForceMetadataRefresh() // makes the client look at what it holds
			return q.expired(ctx)
		}
	}
	out := q.out
	q.recycle()
	return out
}

// expired returns the outcomes as far as they are known, and for the others that their time is over.
func (q *request) expired(ctx context.Context) []Outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]Outcome, len(q.out))
	copy(out, q.out)
	for i := range out {
		if out[i].Offset != pending {
			continue
		}
		sh := &q.shares[q.slots[i].share]
		out[i] = Outcome{Partition: sh.index, Offset: -1, Err: q.describe(ctx.Err(), sh)}
	}
	return out
}
