package consumers

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ask is one partition's part of a fetch.
type ask struct {
	*partition
	version     uint64
	offset      int64
	leaderEpoch int32
}

// answer is one partition's part of what came back, its records decoded.
type answer struct {
	ask
	records []*kgo.Record
	next    int64
	err     error
	wire    *kmsg.FetchResponseTopicPartition
}

// fetch asks one broker for the records of partitions. The broker answers as soon as it has some, and else holds the
// request until the end of the poll, at most fetch.max.wait.ms. The answer is kept whether or not a poll still waits.
func (s *session) fetch(id int32, partitions []*partition, deadline time.Time) {
	req, asks, grant := s.fetchRequest(partitions, deadline)
	if len(asks) == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.registry.budget.give(grant)
		s.finish(&s.brokers[id].fetch, false)
		return
	}
	ctx, cancel := s.request(time.Duration(req.MaxWaitMillis) * time.Millisecond)
	defer cancel()
	got, err := s.askBroker(ctx, id, req)
	var answers []answer
	resp, _ := got.(*kmsg.FetchResponse)
	if err == nil && resp != nil {
		if err = kerr.ErrorForCode(resp.ErrorCode); err == nil {
			answers = s.decode(asks, resp, grant)
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.registry.budget.give(grant)
	failed := err != nil
	if failed {
		s.fail(err, topicOf("", -1))
		for _, a := range asks {
			a.lost()
		}
	}
	for i := range answers {
		failed = !s.fetched(&answers[i]) || failed
	}
	s.finish(&s.brokers[id].fetch, failed && len(s.ready) == 0)
}

// fetchRequest builds the request for what is still wanted of partitions, and reserves its memory.
func (s *session) fetchRequest(partitions []*partition, deadline time.Time) (*kmsg.FetchRequest, []ask, int64) {
	c := s.cfg.Consumer
	wait := c.FetchMaxWait
	if !deadline.IsZero() {
		wait = min(wait, max(time.Until(deadline), 0))
	}
	grant := s.registry.budget.take(int64(c.FetchMaxBytes))
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(wait.Milliseconds())
	req.MinBytes = c.FetchMinBytes
	req.IsolationLevel = s.isolation()
	req.SessionEpoch = -1 // without a fetch session: the broker keeps nothing for us between polls
	req.Rack = s.cfg.ClientRack

	s.mu.Lock()
	defer s.mu.Unlock()
	req.MaxBytes = int32(max(grant/max(s.growth, 1), 1))
	topics := make(map[string]int)
	var asks []ask
	for _, p := range partitions {
		if s.partitions[p.TopicPartition] != p || p.origin != atOffset || len(p.records) > 0 {
			continue
		}
		n, ok := topics[p.Topic]
		if !ok {
			n = len(req.Topics)
			topics[p.Topic] = n
			t := kmsg.NewFetchRequestTopic()
			t.Topic = p.Topic
			req.Topics = append(req.Topics, t)
		}
		at := kmsg.NewFetchRequestTopicPartition()
		at.Partition, at.FetchOffset, at.CurrentLeaderEpoch = p.Partition, p.next, p.leaderEpoch
		at.PartitionMaxBytes = min(c.MaxPartitionFetchBytes, req.MaxBytes)
		req.Topics[n].Partitions = append(req.Topics[n].Partitions, at)
		asks = append(asks, ask{p, p.version, p.next, p.leaderEpoch})
	}
	return req, asks, grant
}

// decode unpacks the records of a fetch, outside of any lock, up to limit bytes of them and at least one: compressed
// batches grow, and what does not fit is fetched again when there is room.
func (s *session) decode(asks []ask, resp *kmsg.FetchResponse, limit int64) []answer {
	wanted := make(map[TopicPartition]ask, len(asks))
	for _, a := range asks {
		wanted[a.TopicPartition] = a
	}
	var answers []answer
	var wire, used int64
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			w := &t.Partitions[j]
			a, ok := wanted[TopicPartition{t.Topic, w.Partition}]
			if !ok || used > 0 && used >= limit {
				continue
			}
			delete(wanted, a.TopicPartition) // an answer counts once
			decoded := s.unpack(a, w)
			used += decoded.cut(limit - used)
			wire += int64(len(w.RecordBatches))
			answers = append(answers, decoded)
		}
	}
	if used > 0 && wire > 0 {
		s.mu.Lock()
		s.growth = used / wire
		s.mu.Unlock()
	}
	return answers
}

// unpack decodes one partition's answer.
func (s *session) unpack(a ask, w *kmsg.FetchResponseTopicPartition) answer {
	opts := kgo.ProcessFetchPartitionOpts{
		DisableCRCValidation: !s.cfg.Consumer.CheckCRCs,
		Offset:               a.offset,
		Topic:                a.Topic,
		Partition:            a.Partition,
	}
	if s.cfg.Consumer.ReadCommitted {
		opts.IsolationLevel = kgo.ReadCommitted()
	}
	got, next := kgo.ProcessFetchPartition(opts, w, s.registry.decompressor, nil)
	return answer{ask: a, records: got.Records, next: next, err: got.Err, wire: w}
}

// cut drops the records beyond limit bytes, the first one excepted, and returns the bytes of the others.
func (a *answer) cut(limit int64) (used int64) {
	for n, r := range a.records {
		if used += size(r); used > limit && n > 0 {
			a.next = r.Offset
			clear(a.records[n:])
			a.records = a.records[:n]
			return used - size(r)
		}
	}
	return used
}

// fetched takes over one partition's answer, and returns false when the next try should wait a little; mu is held.
func (s *session) fetched(a *answer) bool {
	p := a.partition
	if !s.owned(p, a.version) || p.next != a.offset || len(p.records) > 0 {
		return true // it was taken away, or moved, or somebody was faster
	}
	if a.wire.ErrorCode == 0 && a.wire.HighWatermark >= 0 {
		p.end = a.wire.HighWatermark
	}
	if replica := a.wire.PreferredReadReplica; replica >= 0 && a.wire.ErrorCode == 0 {
		p.replica, p.replicaEnd = replica, time.Now().Add(max(s.cfg.MetadataMaxAge, time.Minute))
		return true
	}
	if len(a.records) > 0 {
		// With an error behind them, the next fetch meets it first.
		s.keep(p, a.records, a.next)
		return true
	}
	if a.err != nil {
		return s.refused(a)
	}
	if a.next == a.offset && len(a.wire.RecordBatches) > 0 {
		return false // a batch from before the offset
	}
	s.keep(p, nil, a.next)
	return true
}

// keep stores records, and moves their partition to the end of the line; mu is held.
func (s *session) keep(p *partition, records []*kgo.Record, next int64) {
	s.registry.budget.give(-p.keep(records, next))
	if len(records) == 0 {
		return
	}
	s.ready = append(s.ready, p)
	s.order = append(slices.DeleteFunc(s.order, func(o *partition) bool { return o == p }), p)
}

// refused handles the error of one partition; mu is held. It returns false when the next try should wait a little.
func (s *session) refused(a *answer) bool {
	p := a.partition
	code := a.wire.ErrorCode
	switch {
	case code == 0:
		s.failure = errUnreadable(p.TopicPartition, a.err)
		p.retry = time.Now().Add(s.cfg.RetryBackoff)
	case code == kerr.OffsetOutOfRange.Code && p.replica >= 0:
		p.replica = -1 // the leader decides what is out of range
	case code == kerr.OffsetOutOfRange.Code:
		s.outOfRange(p)
	case kerr.IsRetriable(a.err):
		p.lost()
		return false
	default:
		s.fail(a.err, topicOf(p.Topic, p.Partition))
		p.retry = time.Now().Add(s.cfg.RetryBackoff)
	}
	return true
}
