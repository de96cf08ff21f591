package consumers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Batch is the outcome of a poll. Until Accept, the instance is busy with its delivery.
type Batch struct {
	// Records are in the order of their partitions' logs; empty when none came in time. They stay valid after Accept.
	Records []*kgo.Record

	instance *Instance
	session  *session
	parts    []part
}

// part is a run of a Batch's records that come from one partition.
type part struct {
	*partition
	version uint64
	n       int
}

// Accept says how many records, from the first, were delivered or passed over: positions move behind them, the others
// come again with the next poll. It must be called exactly once, with 0 ≤ n ≤ len(Records). Records of a partition that
// was taken away meanwhile, and that nobody waited for, stay unaccepted: their new owner delivers them again.
func (b *Batch) Accept(n int) {
	b.instance.watched.delivered(b.Records[:n])
	s := b.session
	s.mu.Lock()
	for _, p := range b.parts {
		k := min(n, p.n)
		n -= k
		if s.partitions[p.TopicPartition] == p.partition && p.partition.version == p.version {
			s.registry.budget.give(p.advance(k))
		}
	}
	s.tidy()
	s.mu.Unlock()
	s.end()
	b.instance.exit()
}

// Poll waits for records, at most timeout from the moment when it is this call's turn, and returns as soon as there are
// any, max.poll.records of them at most. The first poll after a subscription waits before that for the group's
// assignment, at most Settings.JoinWait. It ends early, without records, when the registry closes. The batch of a
// successful poll must be accepted.
//
// Errors: ErrNotSubscribed, *kafka.Error, ErrClosed, and ctx's, after which the records are still there.
func (i *Instance) Poll(ctx context.Context, timeout time.Duration) (*Batch, error) {
	began := time.Now()
	b, err := i.poll(ctx, timeout)
	i.watched.poll(began, time.Now(), err)
	return b, err
}

func (i *Instance) poll(ctx context.Context, timeout time.Duration) (*Batch, error) {
	if timeout < 0 {
		return nil, illegalArgument(fmt.Sprintf("Invalid negative timeout %d", timeout.Milliseconds()))
	}
	if err := i.enter(ctx); err != nil {
		return nil, err
	}
	s, err := i.live()
	if err != nil {
		i.exit()
		return nil, err
	}
	s.begin()
	i.commitInterval(s)
	b, err := i.await(ctx, s, timeout)
	if err != nil {
		s.end()
		i.exit()
		return nil, err
	}
	b.instance, b.session = i, s
	return b, nil
}

// live returns the session to poll; a member whose session ended for want of polls joins again.
func (i *Instance) live() (*session, error) {
	if !i.want.subscribed && !i.want.assigned {
		return nil, ErrNotSubscribed
	}
	if s := i.current(); s != nil {
		return s, nil
	}
	if len(i.want.topics) == 0 && i.want.pattern == nil {
		return nil, errIdle()
	}
	if err := i.join(); err != nil {
		return nil, err
	}
	return i.current(), nil
}

// commitInterval starts the automatic commit when its interval is over; what earlier polls delivered is committed.
func (i *Instance) commitInterval(s *session) {
	c := i.cfg.Consumer
	now := time.Now()
	if !c.AutoCommit || now.Sub(i.committed) < c.AutoCommitInterval {
		return
	}
	i.committed = now
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.autocommit {
		s.commitLater(s.moved(s.all()))
	}
}

// await is the wait of a poll.
func (i *Instance) await(ctx context.Context, s *session, timeout time.Duration) (*Batch, error) {
	var deadline time.Time // zero while the assignment is waited for
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		if deadline.IsZero() && !s.joining(now, i.registry.settings.JoinWait) {
			deadline = now.Add(timeout)
		}
		b, next, err := s.step(now, deadline, i.limit())
		if err != nil || len(b.Records) > 0 {
			return b, err
		}
		if !deadline.IsZero() && !now.Before(deadline) {
			return b, nil
		}
		timer.Reset(next.Sub(now))
		select {
		case <-s.wakeup:
		case <-timer.C:
		case <-i.quit:
			return b, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// limit returns how many records a poll returns at most.
func (i *Instance) limit() int {
	if n := i.cfg.Consumer.MaxPollRecords; n > 0 {
		return n
	}
	return 500
}

// joining says whether a poll should still wait for the assignment. The clock starts with the first poll and is not
// started again by the next ones.
func (s *session) joining(now time.Time, wait time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.group || s.joined || s.barren {
		return false
	}
	if s.joinBy.IsZero() {
		s.joinBy = now.Add(wait)
	}
	return now.Before(s.joinBy)
}

// step is one look of a poll: it returns a failure, or records, or starts what is needed to get some, and says when to
// look again if nothing happens before.
func (s *session) step(now, deadline time.Time, limit int) (*Batch, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failure; err != nil {
		s.failure = nil
		return nil, now, err
	}
	b := s.take(limit)
	until := deadline
	if len(b.Records) > 0 && s.cfg.Consumer.FetchMinBytes <= 1 {
		// What is fetched beside a delivery must not be held for want of records: until it is answered nothing else can be
		// asked of that broker, neither for the partitions that are delivered nor after a seek.
		until = now
	}
	next := s.start(now, until)
	if err := s.failure; err != nil && len(b.Records) == 0 {
		s.failure = nil
		return nil, now, err
	}
	s.delivering = len(b.Records) > 0
	for _, at := range []time.Time{deadline, s.joinBy} {
		if at.After(now) && at.Before(next) {
			next = at
		}
	}
	return b, next, nil
}

// take builds a batch of kept records, without removing them; mu is held.
func (s *session) take(limit int) *Batch {
	b := &Batch{}
	waiting := 0
	for _, p := range s.ready {
		waiting += len(p.records)
	}
	if waiting > 0 {
		b.Records = make([]*kgo.Record, 0, min(waiting, limit))
	}
	for _, p := range s.ready {
		n := min(len(p.records), limit-len(b.Records))
		if n == 0 {
			break
		}
		b.Records = append(b.Records, p.records[:n]...)
		b.parts = append(b.parts, part{partition: p, version: p.version, n: n})
	}
	return b
}

// start begins every request that is needed, due, and not under way; mu is held. It returns when something that is not
// due yet will be, an hour ahead when nothing is.
func (s *session) start(now, deadline time.Time) time.Time {
	next := now.Add(time.Hour)
	if !deadline.IsZero() {
		next = deadline
	}
	launch := func(j *job, run func()) {
		switch {
		case j.busy:
		case now.Before(j.due):
			next = earlier(next, j.due)
		default:
			j.busy = true
			s.running.Go(run)
		}
	}
	if topics, needed := s.unknown(); needed {
		launch(&s.metadata, func() { s.learn(topics) })
	}
	if wanted := s.unremembered(); len(wanted) > 0 {
		launch(&s.recall, func() { s.remember(wanted) })
	}
	for id, work := range s.plan(now) {
		br := s.brokers[id]
		if br == nil {
			br = &broker{}
			s.brokers[id] = br
		}
		if len(work.list) > 0 {
			launch(&br.list, func() { s.listOffsets(id, work.list) })
		}
		if len(work.fetch) > 0 {
			launch(&br.fetch, func() { s.fetch(id, work.fetch, deadline) })
		}
		next = earlier(next, work.next)
	}
	return next
}

// earlier returns the earlier moment; a zero b is none.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// chores is what one broker is needed for.
type chores struct {
	list, fetch []*partition
	next        time.Time // when a partition that is backing off will be due; zero: none is
}

// plan sorts the partitions that can be worked on by the broker to ask; mu is held. A partition without a position
// and without a reset policy is a failure.
func (s *session) plan(now time.Time) map[int32]chores {
	plan := make(map[int32]chores)
	var stuck []TopicPartition
	for _, p := range s.order {
		if p.muted || p.leader < 0 || p.origin == atCommitted || len(p.records) > 0 {
			continue
		}
		if p.origin == atPolicy && s.cfg.Consumer.Reset.Kind == kafka.None {
			stuck = append(stuck, p.TopicPartition)
			continue
		}
		id := p.leader
		if p.origin == atOffset {
			id = p.source(now)
		}
		work := plan[id]
		switch {
		case now.Before(p.retry):
			if work.next.IsZero() || p.retry.Before(work.next) {
				work.next = p.retry
			}
		case p.origin == atOffset:
			work.fetch = append(work.fetch, p)
		default:
			work.list = append(work.list, p)
		}
		plan[id] = work
	}
	if len(stuck) > 0 {
		slices.SortFunc(stuck, compare)
		s.failure = errNoOffset(stuck)
	}
	return plan
}
