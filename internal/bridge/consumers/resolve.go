package consumers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafka"
)

// compare orders partitions by topic name and number.
func compare(a, b TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// owned says whether a partition is still ours, and has not jumped; mu is held.
func (s *session) owned(p *partition, version uint64) bool {
	return s.partitions[p.TopicPartition] == p && p.version == version
}

// request returns the context of one request that the broker may hold for so long.
func (s *session) request(held time.Duration) (context.Context, context.CancelFunc) {
	timeout := s.cfg.RequestTimeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	return context.WithTimeout(s.work, timeout+held)
}

// finish ends a job, and lets a waiting poll see what came of it.
func (s *session) finish(j *job, failed bool) {
	j.done(time.Now(), failed, s.cfg)
	s.wake()
}

// unknown returns the topics to look up: those of partitions without a leader, and those of a member that was not
// admitted yet, to find out whether it may read them and whether there are any; mu is held. The second case needs a
// request also without topics, which then asks for the brokers alone.
func (s *session) unknown() (topics []string, needed bool) {
	for _, p := range s.order {
		if p.leader < 0 && !p.muted {
			topics = append(topics, p.Topic)
		}
	}
	if s.group && !s.joined {
		topics = append(topics, s.topics...)
		needed = true
	}
	slices.Sort(topics)
	return slices.Compact(topics), needed || len(topics) > 0
}

// learn looks up leaders.
func (s *session) learn(topics []string) {
	req := kmsg.NewPtrMetadataRequest()
	// An assignment never brings its topic into being (bridge contract 1.6); a subscription may, and there the client
	// itself does it, if allow.auto.create.topics says so.
	req.AllowAutoTopicCreation = false
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, t := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(t)
		req.Topics = append(req.Topics, topic)
	}
	ctx, cancel := s.request(0)
	defer cancel()
	resp, err := req.RequestWith(ctx, s.asker)

	s.mu.Lock()
	if err != nil {
		s.fail(err, topicOf("", -1))
		s.finish(&s.metadata, true)
		s.mu.Unlock()
		return
	}
	found, failed := s.leaders(resp)
	appeared := false
	if s.group && !s.joined {
		appeared = s.admissible(found)
		failed = true // look again, less and less often, until the group answers
	}
	s.finish(&s.metadata, failed)
	s.mu.Unlock()
	if appeared {
		s.client.ForceMetadataRefresh()
	}
}

// leaders takes over the leaders of an answer; mu is held. It returns how many of the topics exist, and whether a
// partition of ours is still without a leader.
func (s *session) leaders(resp *kmsg.MetadataResponse) (found int, missing bool) {
	for i := range resp.Topics {
		t := &resp.Topics[i]
		if t.Topic == nil {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			s.fail(err, topicOf(*t.Topic, -1))
			continue
		}
		found++
		for _, at := range t.Partitions {
			p := s.partitions[TopicPartition{*t.Topic, at.Partition}]
			if p == nil || at.ErrorCode == kerr.LeaderNotAvailable.Code {
				continue
			}
			p.leader, p.leaderEpoch = at.Leader, at.LeaderEpoch
		}
	}
	for _, p := range s.order {
		missing = missing || p.leader < 0
	}
	return found, missing
}

// admissible notes whether there is a topic to join for, since a client without one does not join and is not worth
// waiting for; mu is held. It returns true when one has just appeared and the client should look at once.
func (s *session) admissible(found int) (appeared bool) {
	was := s.barren
	if s.pattern {
		found = len(s.client.GetConsumeTopics())
	}
	// One look is not enough to say that there is nothing: a broker may not have heard of a new topic yet, and a
	// pattern is matched by the client at its own pace.
	s.barren = found == 0 && s.metadata.fails > 1
	return was && !s.barren && !s.pattern
}

// unremembered returns the partitions whose committed offset is wanted; mu is held. Behind an automatic commit there is
// nothing to ask for yet: it may be about them.
func (s *session) unremembered() []*partition {
	var wanted []*partition
	if s.autocommit {
		return nil
	}
	for _, p := range s.order {
		if p.origin == atCommitted && !p.muted {
			wanted = append(wanted, p)
		}
	}
	return wanted
}

// byTopic groups partitions for a request, in a stable order.
func byTopic[P any](partitions []P, key func(P) TopicPartition, topic func(string), partition func(P)) {
	partitions = slices.Clone(partitions)
	slices.SortStableFunc(partitions, func(a, b P) int { return compare(key(a), key(b)) })
	for i, p := range partitions {
		if i == 0 || key(p).Topic != key(partitions[i-1]).Topic {
			topic(key(p).Topic)
		}
		partition(p)
	}
}

// remember asks for the group's committed offsets. As the Java client does, it waits for offsets of transactions that
// are not over.
func (s *session) remember(wanted []*partition) {
	req := s.recallRequest(wanted)
	ctx, cancel := s.request(0)
	defer cancel()
	resp, err := req.RequestWith(ctx, s.asker)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && len(resp.Groups) == 1 {
		err = kerr.ErrorForCode(resp.Groups[0].ErrorCode)
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		for _, p := range wanted { // some brokers say so of a group that never committed
			s.recalled(p, -1, -1)
		}
		s.finish(&s.recall, false)
		return
	}
	if err != nil || len(resp.Groups) != 1 {
		s.fail(err, topicOf("", -1))
		s.finish(&s.recall, true)
		return
	}
	asked := make(map[TopicPartition]*partition, len(wanted))
	for _, p := range wanted {
		asked[p.TopicPartition] = p
	}
	for _, t := range resp.Groups[0].Topics {
		for _, at := range t.Partitions {
			p := asked[TopicPartition{t.Topic, at.Partition}]
			if err := kerr.ErrorForCode(at.ErrorCode); err != nil {
				s.fail(err, topicOf(t.Topic, at.Partition))
			} else if p != nil {
				s.recalled(p, at.Offset, at.LeaderEpoch)
			}
		}
	}
	s.finish(&s.recall, len(s.unremembered()) > 0)
}

// recallRequest asks as somebody outside of the group, which is allowed and needs no generation.
func (s *session) recallRequest(wanted []*partition) *kmsg.OffsetFetchRequest {
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = s.cfg.Consumer.Group
	byTopic(wanted, func(p *partition) TopicPartition { return p.TopicPartition },
		func(topic string) {
			t := kmsg.NewOffsetFetchRequestGroupTopic()
			t.Topic = topic
			group.Topics = append(group.Topics, t)
		},
		func(p *partition) {
			t := &group.Topics[len(group.Topics)-1]
			t.Partitions = append(t.Partitions, p.Partition)
		})
	req := kmsg.NewPtrOffsetFetchRequest()
	req.RequireStable = true
	req.Groups = append(req.Groups, group)
	return req
}

// recalled sets a partition's position from the group's committed offset, negative if there is none; mu is held.
func (s *session) recalled(p *partition, offset int64, epoch int32) {
	if s.partitions[p.TopicPartition] != p || p.origin != atCommitted {
		return // it was taken away, or a seek came first
	}
	if offset < 0 {
		p.jump(atPolicy, 0)
		return
	}
	p.jump(atOffset, offset)
	p.epoch, p.committed = epoch, offset
}

// listing is one partition's part of a ListOffsets request.
type listing struct {
	*partition
	version   uint64
	origin    origin
	epoch     int32
	timestamp int64
}

// The ListOffsets timestamps that mean the two ends of a log.
const (
	logEnd   = -1
	logStart = -2
)

// listOffsets asks a broker where the positions of partitions are that it leads.
func (s *session) listOffsets(id int32, partitions []*partition) {
	s.mu.Lock()
	var asked []listing
	for _, p := range partitions {
		if s.partitions[p.TopicPartition] == p && p.leader == id {
			asked = append(asked, listing{p, p.version, p.origin, p.leaderEpoch, s.timestamp(p.origin)})
		}
	}
	s.mu.Unlock()

	ctx, cancel := s.request(0)
	defer cancel()
	resp, err := s.askBroker(ctx, id, s.listRequest(asked))
	answer, _ := resp.(*kmsg.ListOffsetsResponse)

	s.mu.Lock()
	defer s.mu.Unlock()
	failed := false
	for _, l := range asked {
		if !s.owned(l.partition, l.version) {
			continue
		}
		if err != nil || answer == nil {
			l.lost()
			failed = true
			continue
		}
		failed = !s.listed(l, answer) || failed
	}
	if err != nil {
		s.fail(err, topicOf("", -1))
	}
	s.finish(&s.brokers[id].list, failed)
}

// timestamp returns what to ask for to find a position.
func (s *session) timestamp(from origin) int64 {
	reset := s.cfg.Consumer.Reset
	switch {
	case from == atBeginning, from == atPolicy && reset.Kind == kafka.Earliest:
		return logStart
	case from == atPolicy && reset.Kind == kafka.ByDuration:
		return s.registry.settings.Now().Add(-reset.Ago).UnixMilli()
	default:
		return logEnd
	}
}

// listRequest asks for one offset of each partition. With read_committed, the end is the last stable offset.
func (s *session) listRequest(asked []listing) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = s.isolation()
	byTopic(asked, func(l listing) TopicPartition { return l.TopicPartition },
		func(topic string) {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = topic
			req.Topics = append(req.Topics, t)
		},
		func(l listing) {
			t := &req.Topics[len(req.Topics)-1]
			p := kmsg.NewListOffsetsRequestTopicPartition()
			p.Partition, p.Timestamp, p.CurrentLeaderEpoch = l.Partition, l.timestamp, l.epoch
			t.Partitions = append(t.Partitions, p)
		})
	return req
}

// listed takes over one partition's answer, and returns whether there was a usable one; mu is held.
func (s *session) listed(l listing, resp *kmsg.ListOffsetsResponse) bool {
	for _, t := range resp.Topics {
		if t.Topic != l.Topic {
			continue
		}
		for _, at := range t.Partitions {
			if at.Partition != l.Partition {
				continue
			}
			if err := kerr.ErrorForCode(at.ErrorCode); err != nil {
				l.lost()
				s.fail(err, topicOf(l.Topic, l.Partition))
				return false
			}
			if at.Offset < 0 {
				// Nothing is as young as by_duration asks: KIP-1106 goes on with what comes.
				s.registry.budget.give(l.jump(atEnd, 0))
				return true
			}
			s.registry.budget.give(l.jump(atOffset, at.Offset))
			return true
		}
	}
	return false
}

// isolation returns isolation.level as the protocol has it.
func (s *session) isolation() int8 {
	if s.cfg.Consumer.ReadCommitted {
		return 1
	}
	return 0
}
