package producer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/bridge/brokers"
	"github.com/steg-kafka/steg/internal/kafka"
)

const (
	// rememberFor is how long a topic that did not appear within max.block.ms is answered after one quick look.
	rememberFor = 30 * time.Second
	// rememberAtMost bounds what is remembered: names come from requests.
	rememberAtMost = 1024
	// quickLook bounds that one look.
	quickLook = time.Second
	// attemptLook bounds one metadata request, so that a broker that hangs leaves time to ask another.
	attemptLook = 5 * time.Second
	// grace is what a shared wait gets to end by itself: who leaves before it has would start none of its own.
	grace = 100 * time.Millisecond
	// catchUp is how often the client's own metadata are looked at while it learns of new partitions.
	catchUp = 50 * time.Millisecond
)

// want is what requests wait for together: a topic with at least so many partitions.
type want struct {
	topic      string
	partitions int32
}

// look is one shared wait for a topic. Its results may be read once done is closed.
type look struct {
	done  chan struct{}
	until time.Time // when the wait ends, found or not

	topic *topic
	err   *kafka.Error
}

// lookups holds the waits that are going on and the ones that lately were in vain.
type lookups struct {
	mu     sync.Mutex
	active map[want]*look
	missed map[want]time.Time // until when a miss is remembered
}

// find waits until the topic has the wanted partitions, or for max.block.ms. All requests that want the same share one
// wait. The topic is returned also beside an error when only the partition is missing.
func (p *Producer) find(s *session, w want) (*topic, *kafka.Error) {
	l := p.look(s, w)
	timer := time.NewTimer(time.Until(l.until) + grace)
	defer timer.Stop()
	select {
	case <-l.done:
		return l.topic, l.err
	case <-p.base.Done():
		return nil, errClosed(w.topic)
	case <-timer.C:
	}
	select {
	case <-l.done: // both were ready
		return l.topic, l.err
	default:
		return p.missing(s, w)
	}
}

// look joins the wait for w, or starts one.
func (p *Producer) look(s *session, w want) *look {
	p.lookups.mu.Lock()
	defer p.lookups.mu.Unlock()
	if l := p.lookups.active[w]; l != nil {
		return l
	}
	now := time.Now()
	wait := p.cfg.Producer.MaxBlock
	quick := now.Before(p.lookups.missed[w])
	if quick {
		wait = min(wait, quickLook)
	}
	l := &look{done: make(chan struct{}), until: now.Add(wait)}
	started := p.spawn(func() {
		l.topic, l.err = p.search(s, w, l.until, quick)
		p.lookups.end(w, l, l.err != nil && l.err.Kind == kafka.KindNotInMetadata)
	})
	if !started {
		return ended(nil, errClosed(w.topic))
	}
	p.lookups.active[w] = l
	return l
}

// ended returns a look that has its result.
func ended(t *topic, err *kafka.Error) *look {
	l := &look{done: make(chan struct{}), until: time.Now(), topic: t, err: err}
	close(l.done)
	return l
}

// end publishes the result of a wait and remembers it when it was in vain.
func (k *lookups) end(w want, l *look, missed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.active, w)
	delete(k.missed, w)
	if missed {
		k.prune()
		k.missed[w] = time.Now().Add(rememberFor)
	}
	close(l.done)
}

// prune makes room for one more miss: what has expired goes first, then whatever comes.
func (k *lookups) prune() {
	if len(k.missed) < rememberAtMost {
		return
	}
	now := time.Now()
	for w, until := range k.missed {
		if !now.Before(until) {
			delete(k.missed, w)
		}
	}
	for w := range k.missed {
		if len(k.missed) < rememberAtMost {
			return
		}
		delete(k.missed, w)
	}
}

// search asks for metadata until the topic is as wanted, the answer is final, or the time is up. A quick search ends
// at the first answer that the topic, or the partition, does not exist. However short max.block.ms is, one question is
// asked to its end: who comes later profits.
func (p *Producer) search(s *session, w want, until time.Time, quick bool) (*topic, *kafka.Error) {
	ctx, cancel := context.WithDeadline(p.base, later(until, time.Now().Add(quickLook)))
	defer cancel()
	backoff := max(p.cfg.RetryBackoff, minBackoff)
	for {
		id, leaders, err := p.metadata(ctx, s, w.topic)
		switch {
		case err == nil && int32(len(leaders)) >= w.partitions:
			return p.adopt(ctx, s, w, id, leaders)
		case err == nil:
			s.learn(w.topic, id, leaders)
		case p.final(err):
			return nil, kafka.Describe(err, kafka.Subject{Topic: w.topic, Partition: -1})
		}
		unknown := err == nil || errors.Is(err, kerr.UnknownTopicOrPartition)
		backoff = min(backoff, max(time.Until(until), minBackoff))
		if quick && unknown || !sleep(ctx, backoff) || !time.Now().Before(until) {
			return p.missing(s, w)
		}
		backoff = min(2*backoff, max(p.cfg.RetryBackoffMax, minBackoff))
	}
}

// minBackoff keeps a configured backoff of zero from becoming a busy loop.
const minBackoff = 10 * time.Millisecond

// metadata asks once for a topic, allowing the broker to create it, as the Java producer does.
func (p *Producer) metadata(ctx context.Context, s *session, name string) (id [16]byte, leaders []int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptLook)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, s.asker)
	if err != nil {
		return id, nil, err
	}
	if len(resp.Topics) != 1 {
		return id, nil, kerr.UnknownTopicOrPartition
	}
	found := &resp.Topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return id, nil, err
	}
	if len(found.Partitions) == 0 {
		return id, nil, kerr.LeaderNotAvailable
	}
	leaders = make([]int32, len(found.Partitions))
	for i := range found.Partitions {
		part := &found.Partitions[i]
		if int(part.Partition) < len(leaders) && part.Partition >= 0 {
			leaders[part.Partition] = part.Leader
		}
	}
	return found.TopicID, leaders, nil
}

// final reports whether asking again is pointless: the cluster has refused the topic, or does not believe who asks.
func (p *Producer) final(err error) bool {
	var code *kerr.Error
	if errors.As(err, &code) {
		return !code.Retriable
	}
	return kafka.Describe(err, kafka.Subject{Partition: -1}).Kind == kafka.KindAuthentication
}

// adopt makes the found topic usable, which takes until the client itself has heard of the wanted partitions if it had
// other metadata before.
func (p *Producer) adopt(ctx context.Context, s *session, w want, id [16]byte, leaders []int32) (*topic, *kafka.Error) {
	if err := p.identify(ctx, s); err != nil {
		return nil, kafka.Describe(err, kafka.Subject{Topic: w.topic, Partition: -1})
	}
	t := s.learn(w.topic, id, leaders)
	for {
		n, exists := s.count(t)
		if n >= w.partitions && exists {
			return t, nil
		}
		s.client.ForceMetadataRefresh()
		if !sleep(ctx, catchUp) {
			return p.missing(s, w)
		}
	}
}

// identify gets the client its producer ID before its first record, and returns the refusal of one. The client would
// get it with the record, but when it is refused while the record's topic is just being loaded, the record is left
// lying in the client.
func (p *Producer) identify(ctx context.Context, s *session) error {
	if !p.cfg.Producer.Idempotent || s.identified.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attemptLook)
	defer cancel()
	_, err := producerID(ctx, s.client)
	if refused(err) {
		p.repair(s, func() { p.renew(s) })
		return err
	}
	s.identified.Store(err == nil)
	return nil
}

// producerID returns the client's producer ID with ctx at the latest.
func producerID(ctx context.Context, client *kgo.Client) (int64, error) {
	return brokers.Bounded(ctx, func() (int64, error) {
		id, _, err := client.ProducerID(ctx)
		return id, err
	})
}

// refused reports whether a producer ID has failed for good, rather than that it could not be had in time.
func refused(err error) bool {
	var code *kerr.Error
	return errors.As(err, &code) && !code.Retriable
}

// missing names what is still not there: the topic, or only the last of the wanted partitions. In the second case the
// topic is returned too.
func (p *Producer) missing(s *session, w want) (*topic, *kafka.Error) {
	if p.base.Err() != nil {
		return nil, errClosed(w.topic)
	}
	block := p.cfg.Producer.MaxBlock
	if t := s.topic(w.topic); t != nil {
		if n, exists := s.count(t); exists {
			return t, kafka.PartitionNotInMetadata(w.topic, w.partitions-1, int(n), block)
		}
	}
	return nil, kafka.NotInMetadata(w.topic, block)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleep waits for d and reports whether ctx still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
