package consumers

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// revokeGrace is how long a rebalance waits for a client that is between its poll and the end of its reading or its
// commit. The Java client makes the whole group wait until its next poll, up to max.poll.interval.ms.
const revokeGrace = 3 * time.Second

// internalTopics are those that brokers keep for themselves; exclude.internal.topics=false does not bring them back.
const internalTopics = `^__(consumer_offsets|transaction_state|share_group_state)$`

// membership returns the options that make a client a member of the group. Partitions are taken out of the client's
// hands before it would fetch them: that is what the empty answer of AdjustFetchOffsetsFn does.
func (s *session) membership(want subscription) []kgo.Opt {
	c := s.cfg.Consumer
	opts := []kgo.Opt{
		kgo.ConsumerGroup(c.Group),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(s.assigned),
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.lost),
		kgo.AdjustFetchOffsetsFn(func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return nil, nil
		}),
	}
	opts = append(opts, assignors(c)...)
	if c.SessionTimeout > 0 {
		opts = append(opts, kgo.SessionTimeout(c.SessionTimeout))
	}
	if c.HeartbeatInterval > 0 {
		opts = append(opts, kgo.HeartbeatInterval(c.HeartbeatInterval))
	}
	if c.MaxPollInterval > 0 {
		opts = append(opts, kgo.RebalanceTimeout(c.MaxPollInterval))
	}
	if c.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(c.InstanceID))
	}
	if c.AllowAutoCreateTopics {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	if want.pattern == nil {
		return append(opts, kgo.ConsumeTopics(want.topics...))
	}
	// With an exclusion, the client matches the names itself also under KIP-848, where a broker would read the
	// pattern as a different dialect and know nothing of internal topics.
	return append(opts,
		kgo.ConsumeRegex(),
		kgo.ConsumeTopics(want.pattern.String()),
		kgo.ConsumeExcludeTopics(internalTopics))
}

// assignors returns who divides the partitions: the members by one of their strategies, or the broker.
func assignors(c kafka.ConsumerConfig) []kgo.Opt {
	if c.Protocol == "consumer" {
		balancer := kgo.StickyBalancer() // the client's word for the broker's uniform assignor
		if c.RemoteAssignor == "range" {
			balancer = kgo.RangeBalancer()
		}
		return []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(balancer)}
	}
	var balancers []kgo.GroupBalancer
	for _, name := range c.Assignors {
		switch name {
		case "range":
			balancers = append(balancers, kgo.RangeBalancer())
		case "roundrobin":
			balancers = append(balancers, kgo.RoundRobinBalancer())
		case "sticky":
			balancers = append(balancers, kgo.StickyBalancer())
		case "cooperative-sticky":
			balancers = append(balancers, kgo.CooperativeStickyBalancer())
		}
	}
	if len(balancers) == 0 {
		balancers = []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()}
	}
	return []kgo.Opt{kgo.Balancers(balancers...)}
}

// listen collects what the client reports while it keeps the membership: refused joins, topics that may not be read.
// Records never come this way.
func (s *session) listen() {
	for {
		fetches := s.client.PollRecords(s.work, 0)
		if s.work.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if topic == "" {
				partition = -1
			}
			s.fail(err, topicOf(topic, partition))
		})
	}
}

// resubscribe changes the topics of a member in place, which costs a rebalance but not the 3 s that brokers let an
// empty group wait for company. Records of topics that go are not delivered any more; their positions are committed
// when the rebalance takes the partitions.
func (s *session) resubscribe(topics []string) {
	s.mu.Lock()
	old := s.topics
	s.topics, s.joined, s.barren, s.joinBy = topics, false, false, time.Time{}
	s.arrival.await(time.Now())
	for _, p := range s.partitions {
		if p.muted = !slices.Contains(topics, p.Topic); p.muted {
			s.registry.budget.give(p.clear())
		}
	}
	s.tidy()
	s.mu.Unlock()

	var added, gone []string
	for _, t := range topics {
		if !slices.Contains(old, t) {
			added = append(added, t)
		}
	}
	for _, t := range old {
		if !slices.Contains(topics, t) {
			gone = append(gone, t)
		}
	}
	s.topicMu.Lock() // two changes take effect in their order
	s.running.Go(func() {
		defer s.topicMu.Unlock()
		// The new ones first: a member that subscribes to nothing for a moment would be given nothing.
		s.client.AddConsumeTopics(added...)
		s.client.PurgeTopicsFromConsuming(gone...)
	})
}

// assigned is the client's word that the group gave us partitions.
func (s *session) assigned(_ context.Context, _ *kgo.Client, got map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.failure, s.joined = nil, true
	s.arrival.over(time.Now(), s.registry.settings.Joined)
	s.add(flatten(got))
}

// revoked is the client's word that partitions are about to go to somebody else, who starts at the committed offsets.
// It returns when we are done with them: after a delivery in progress, and a commit if it is the application that
// commits, both within revokeGrace.
func (s *session) revoked(ctx context.Context, _ *kgo.Client, gone map[string][]int32) {
	partitions := flatten(gone)
	s.lockSettled(ctx, partitions)
	moved := s.moved(partitions)
	s.remove(partitions)
	s.arrival.await(time.Now())
	closed := s.closed
	s.mu.Unlock()
	if closed || !s.cfg.Consumer.AutoCommit || len(moved) == 0 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if err := s.commit(bounded, moved); err != nil {
		s.log.Warn("positions not committed before a rebalance", "error", err)
	}
}

// lockSettled waits until nothing is owed for these partitions any more, within revokeGrace, and takes mu.
func (s *session) lockSettled(ctx context.Context, partitions []TopicPartition) {
	ctx, cancel := context.WithTimeout(ctx, revokeGrace)
	defer cancel()
	for s.mu.Lock(); s.owing(partitions) && ctx.Err() == nil; s.mu.Lock() {
		settled := s.settled
		s.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
		}
	}
}

// owing says whether a rebalance should still wait before it takes these partitions; mu is held.
func (s *session) owing(partitions []TopicPartition) bool {
	if s.closed {
		return false
	}
	if s.delivering {
		return true
	}
	return !s.polling && !s.cfg.Consumer.AutoCommit && len(s.moved(partitions)) > 0
}

// lost is the client's word that partitions went to somebody else already: nothing can be committed any more.
func (s *session) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(flatten(gone))
	s.arrival.await(time.Now())
}

// flatten turns the client's form into ours, in no particular order.
func flatten(m map[string][]int32) []TopicPartition {
	var all []TopicPartition
	for topic, partitions := range m {
		for _, p := range partitions {
			all = append(all, TopicPartition{Topic: topic, Partition: p})
		}
	}
	return all
}
