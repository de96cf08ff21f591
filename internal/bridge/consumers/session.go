package consumers

import (
	"context"
	"log/slog"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/bridge/brokers"
	"github.com/steg-kafka/steg/internal/kafka"
)

// session is an instance's time with one Kafka client: as a member of the group, or with partitions assigned by hand.
type session struct {
	cfg      kafka.Config
	registry *Registry
	log      *slog.Logger
	group    bool // a member of the group
	pattern  bool

	client  *kgo.Client
	asker   *brokers.Asker
	work    context.Context // requests of ours; ends first
	stop    context.CancelFunc
	kill    context.CancelFunc // ends the client, whatever it is doing
	running sync.WaitGroup
	wakeup  chan struct{} // capacity one: something changed that a waiting poll should look at
	idle    *time.Timer   // max.poll.interval.ms since the last poll; nil outside of a group
	topicMu sync.Mutex    // changes of the subscription, one at a time

	mu         sync.Mutex
	closed     bool
	topics     []string // what a member subscribed to; empty with a pattern
	partitions map[TopicPartition]*partition
	order      []*partition // all of them; who was served last is last
	ready      []*partition // those with records, in the order of their fetches
	failure    error        // for the next poll, and once only
	joined     bool         // the group answered the latest subscription
	barren     bool         // nothing to join for: none of the topics exists
	arrival    arrival      // of the group's partitions
	joinBy     time.Time    // when a first poll stops waiting for joined; zero before it
	polling    bool
	delivering bool
	polled     time.Time     // the end of the last poll, or the session's begin
	settled    chan struct{} // closed and replaced when a delivery, a commit or a wait for them ends

	metadata   job
	recall     job
	autocommit bool  // an automatic commit is under way
	growth     int64 // how many bytes a fetched byte became when it was last unpacked
	brokers    map[int32]*broker
}

// broker is what a session remembers of one: one listing and one fetch may be under way.
type broker struct{ list, fetch job }

// job is a kind of request of which one at a time may be under way, and which is repeated at growing intervals while it
// fails.
type job struct {
	busy  bool
	fails int
	due   time.Time
}

// done ends a try. Between failures it waits from retry.backoff.ms on, twice as long each time, up to
// retry.backoff.max.ms.
func (j *job) done(now time.Time, failed bool, cfg kafka.Config) {
	j.busy = false
	if !failed {
		j.fails, j.due = 0, time.Time{}
		return
	}
	wait := max(cfg.RetryBackoff, 20*time.Millisecond) << min(j.fails, 10)
	j.fails++
	j.due = now.Add(min(wait, max(cfg.RetryBackoffMax, cfg.RetryBackoff, 100*time.Millisecond)))
}

// open builds a client and a session around it; i's turn is held. It opens no connection itself: the client does, in
// the background. Error: *kafka.Error.
func (i *Instance) open(group bool) (*session, error) {
	cfg := i.cfg
	s := &session{
		cfg:        cfg,
		registry:   i.registry,
		log:        i.log,
		group:      group,
		pattern:    i.want.pattern != nil,
		topics:     i.want.topics,
		wakeup:     make(chan struct{}, 1),
		partitions: make(map[TopicPartition]*partition),
		settled:    make(chan struct{}),
		brokers:    make(map[int32]*broker),
		polled:     time.Now(),
	}
	life, kill := context.WithCancel(context.Background())
	s.kill = kill
	s.work, s.stop = context.WithCancel(life)

	opts := append(cfg.Options(), i.registry.settings.Transport()...)
	opts = append(opts, kgo.WithContext(life), kgo.MaxVersions(i.registry.versions))
	// A topic that does not exist is looked for as long as somebody subscribes to it; polls look more often.
	opts = append(opts, kgo.MetadataMinAge(min(time.Second, max(cfg.MetadataMaxAge, 10*time.Millisecond))))
	if group {
		s.arrival.await(time.Now())
		opts = append(opts, s.membership(i.want)...)
	}
	s.mu.Lock() // callbacks of the client begin by taking it
	client, err := kgo.NewClient(opts...)
	s.client = client
	if err == nil {
		s.asker = brokers.New(client)
	}
	s.mu.Unlock()
	if err != nil {
		kill()
		return nil, &kafka.Error{Class: classKafka, Message: "Failed to construct kafka consumer", Cause: err}
	}
	if group {
		s.running.Go(s.listen)
		if cfg.Consumer.MaxPollInterval > 0 {
			s.idle = time.AfterFunc(cfg.Consumer.MaxPollInterval, func() { i.expire(s) })
		}
	}
	return s, nil
}

// assignment returns the partitions by topic.
func (s *session) assignment() []TopicPartitions {
	s.mu.Lock()
	byTopic := make(map[string][]int32)
	for tp := range s.partitions {
		byTopic[tp.Topic] = append(byTopic[tp.Topic], tp.Partition)
	}
	s.mu.Unlock()
	all := make([]TopicPartitions, 0, len(byTopic))
	for topic, partitions := range byTopic {
		slices.Sort(partitions)
		all = append(all, TopicPartitions{Topic: topic, Partitions: partitions})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].Topic < all[b].Topic })
	return all
}

// buffered returns how much is fetched and not delivered.
func (s *session) buffered() (records int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.ready {
		records += len(p.records)
		bytes += p.bytes
	}
	return records, bytes
}

// assign replaces the partitions of a session without a group membership.
func (s *session) assign(partitions []TopicPartition) {
	keep := make(map[TopicPartition]bool, len(partitions))
	for _, tp := range partitions {
		keep[tp] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []TopicPartition
	for tp := range s.partitions {
		if !keep[tp] {
			gone = append(gone, tp)
		}
	}
	if s.cfg.Consumer.AutoCommit {
		s.commitLater(s.moved(gone))
	}
	s.remove(gone)
	s.add(partitions)
}

// add takes partitions in; mu is held. Those that are there already stay as they are.
func (s *session) add(partitions []TopicPartition) {
	for _, tp := range partitions {
		if s.partitions[tp] == nil {
			p := newPartition(tp)
			s.partitions[tp] = p
			s.order = append(s.order, p)
		}
	}
	s.recall.due, s.metadata.due = time.Time{}, time.Time{}
	s.wake()
}

// remove lets partitions go, with their positions and their records; mu is held.
func (s *session) remove(partitions []TopicPartition) {
	for _, tp := range partitions {
		p := s.partitions[tp]
		if p == nil {
			continue
		}
		delete(s.partitions, tp)
		s.registry.budget.give(p.clear())
	}
	s.order = slices.DeleteFunc(s.order, func(p *partition) bool { return s.partitions[p.TopicPartition] != p })
	s.tidy()
}

// tidy takes what has no records, or is not ours any more, out of ready; mu is held.
func (s *session) tidy() {
	s.ready = slices.DeleteFunc(s.ready, func(p *partition) bool {
		return len(p.records) == 0 || s.partitions[p.TopicPartition] != p
	})
}

// wake makes a waiting poll look again.
func (s *session) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// settle wakes those who wait for the end of a delivery or for a commit; mu is held.
func (s *session) settle() {
	close(s.settled)
	s.settled = make(chan struct{})
}

// fail keeps an error for the next poll unless it heals by itself; mu is held.
func (s *session) fail(err error, subject kafka.Subject) {
	if s.closed || passing(err) {
		return
	}
	subject.Group = s.cfg.Consumer.Group
	s.failure = kafka.Describe(err, subject)
	s.wake()
}

// overdue says whether max.poll.interval.ms has passed without a poll.
func (s *session) overdue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.polling && now.Sub(s.polled) >= s.cfg.Consumer.MaxPollInterval
}

// begin marks the start of a poll.
func (s *session) begin() {
	if s.idle != nil {
		s.idle.Stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polling = true
	s.settle()
}

// end marks the end of a poll, its delivery included.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polling, s.delivering = false, false
	s.polled = time.Now()
	s.settle()
	if s.idle != nil && !s.closed {
		s.idle.Reset(s.cfg.Consumer.MaxPollInterval)
	}
}

// close gives everything back: with commit and auto-commit, positions are committed, then the group is left, then
// the client closed. When ctx ends first, the client is killed and the group finds out by its session timeout.
func (s *session) close(ctx context.Context, commit bool) {
	if s.idle != nil {
		s.idle.Stop()
	}
	s.mu.Lock()
	s.closed = true
	all := make([]TopicPartition, 0, len(s.partitions))
	for tp := range s.partitions {
		all = append(all, tp)
	}
	moved := s.moved(all)
	s.remove(all)
	s.settle()
	s.mu.Unlock()
	s.stop()

	if commit && s.cfg.Consumer.AutoCommit && len(moved) > 0 {
		if err := s.commit(ctx, moved); err != nil {
			s.log.Warn("positions not committed at the end", "error", err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.client.LeaveGroupContext(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("group not left", "error", err)
		}
		if !s.group || ctx.Err() != nil {
			s.kill()
		}
		s.client.Close()
		s.kill()
		s.running.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.kill()
		s.log.Warn("closed without leaving the group in time")
	}
}

// topicOf is kafka.Subject for a topic and maybe a partition.
func topicOf(topic string, partition int32) kafka.Subject {
	return kafka.Subject{Topic: topic, Partition: partition}
}

// askBroker sends a request to one broker and returns with ctx at the latest.
func (s *session) askBroker(ctx context.Context, id int32, req kmsg.Request) (kmsg.Response, error) {
	return brokers.Bounded(ctx, func() (kmsg.Response, error) { return s.client.Broker(int(id)).Request(ctx, req) })
}
