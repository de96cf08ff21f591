package consumers

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// closeTimeout bounds the goodbye of a session: the last commit and leaving the group. The Java client waits 30 s;
// with brokers that don't answer, half a termination grace period has to be left for the rest of the bridge.
const closeTimeout = 15 * time.Second

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String returns the Java client's form, topic-partition.
func (tp TopicPartition) String() string { return fmt.Sprintf("%s-%d", tp.Topic, tp.Partition) }

// TopicPartitions is the assigned part of one topic, in ascending order.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// TopicPartitionOffset is a position: the offset of the next record to read.
type TopicPartitionOffset struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Instance is one consumer. Its operations run one at a time, in the order in which they were called; each may wait for
// those before it, at most until its context ends, and fails with ErrClosed behind the instance's end.
type Instance struct {
	group, name, format string

	registry *Registry
	cfg      kafka.Config
	log      *slog.Logger

	turn      chan struct{} // held by the operation in progress
	quit      chan struct{} // closed: polls end early, the instance is about to be closed
	quitOnce  sync.Once
	asked     atomic.Bool // as want.subscribed || want.assigned, for those who don't have the turn
	closed    bool        // guarded by turn, as the next block
	want      subscription
	watched   activity
	committed time.Time // when auto-commit last ran

	mu      sync.Mutex
	uses    int // operations in progress and waiting
	used    time.Time
	session *session // written with turn held as well
	mode    string
}

// subscription is what was asked for. The two flags are the bridge's own and outlive an empty list: upstream never
// resets them before the subscription is deleted (bridge contract 1.6).
type subscription struct {
	subscribed, assigned bool
	topics               []string
	pattern              *regexp.Regexp
}

func newInstance(r *Registry, spec Spec, cfg kafka.Config) *Instance {
	return &Instance{
		group: spec.Group, name: spec.Name, format: spec.Format,
		registry: r,
		cfg:      cfg,
		log:      r.settings.Logger.With("group", spec.Group, "name", spec.Name),
		turn:     make(chan struct{}, 1),
		quit:     make(chan struct{}),
		used:     r.settings.Now(),
		mode:     "created",
	}
}

// Name returns the instance's name.
func (i *Instance) Name() string { return i.name }

// Group returns the consumer group's name.
func (i *Instance) Group() string { return i.group }

// Format returns the format that the instance was created with.
func (i *Instance) Format() string { return i.format }

// Subscribed reports whether something was subscribed to or assigned, be it an empty list, and not unsubscribed since.
// It does not wait for the operation in progress.
func (i *Instance) Subscribed() bool { return i.asked.Load() }

// enter waits for the turn of the caller. Without an error the caller must call exit.
func (i *Instance) enter(ctx context.Context) error {
	i.use(1)
	if err := ctx.Err(); err != nil {
		i.use(-1)
		return err
	}
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		i.use(-1)
		return ctx.Err()
	}
	if i.closed {
		i.exit()
		return ErrClosed
	}
	return nil
}

// exit gives the turn to the next.
func (i *Instance) exit() {
	<-i.turn
	i.use(-1)
}

// use counts an operation in or out. Both moments are activity, and so is all the time between.
func (i *Instance) use(delta int) {
	now := i.registry.settings.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.uses += delta
	i.used = now
}

// unused returns how long the instance has been left alone.
func (i *Instance) unused(now time.Time) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.uses > 0 {
		return 0
	}
	return now.Sub(i.used)
}

// current returns the session, nil without one.
func (i *Instance) current() *session {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.session
}

// set replaces the session, nil for none, and the mode that people are shown.
func (i *Instance) set(s *session, mode string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.session, i.mode = s, mode
}

// Subscribe makes the instance a member of its group for these topics, which need not exist; it replaces an earlier
// list. Joining happens in the background. An empty list ends the subscription. Errors: ErrExclusive, *kafka.Error.
func (i *Instance) Subscribe(ctx context.Context, topics []string) error {
	if slices.ContainsFunc(topics, blank) {
		return illegalArgument("Topic collection to subscribe to cannot contain null or empty topic")
	}
	topics = slices.Clone(topics)
	slices.Sort(topics)
	return i.subscribe(ctx, slices.Compact(topics), nil)
}

// SubscribePattern makes the instance a member of its group for all topics whose name match finds, now and later; match
// has to be anchored. Internal topics never match. Errors as of Subscribe.
func (i *Instance) SubscribePattern(ctx context.Context, match *regexp.Regexp) error {
	return i.subscribe(ctx, nil, match)
}

// subscribe takes topics, or a pattern, or neither. A session that is there is kept if it can be: leaving the group and
// joining it again costs its other members a rebalance, and this one the wait of an empty group.
func (i *Instance) subscribe(ctx context.Context, topics []string, pattern *regexp.Regexp) error {
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	if i.want.assigned {
		return ErrExclusive
	}
	if (pattern != nil && len(i.want.topics) > 0) || (len(topics) > 0 && i.want.pattern != nil) {
		return errMixed()
	}
	i.want.subscribed = true
	i.asked.Store(true)
	if len(topics) == 0 && pattern == nil {
		i.drop()
		return nil
	}
	old, s := i.want, i.current()
	i.want.topics, i.want.pattern = topics, pattern
	switch {
	case s == nil:
		return i.join()
	case pattern != nil && pattern.String() != old.pattern.String():
		// The pattern of a franz-go client is fixed: the group sees this member go and another one come.
		i.end(s, true)
		return i.join()
	case pattern == nil && !slices.Equal(old.topics, topics):
		s.resubscribe(topics)
	}
	return nil
}

// join opens a session that is a member of the group.
func (i *Instance) join() error {
	s, err := i.open(true)
	if err != nil {
		return err
	}
	i.set(s, "subscribed")
	return nil
}

// Unsubscribe ends subscription and assignment; with auto-commit, positions are committed first. It returns when the
// group is left, or after 15 s. Errors: ErrClosed, and that of ctx while an operation in progress is waited for.
func (i *Instance) Unsubscribe(ctx context.Context) error {
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	i.drop()
	i.want = subscription{}
	i.asked.Store(false)
	return nil
}

// drop ends the session and forgets what was asked for, the flags apart.
func (i *Instance) drop() {
	if s := i.current(); s != nil {
		i.end(s, true)
	}
	i.want.topics, i.want.pattern = nil, nil
	i.set(nil, "created")
}

// Assign makes these partitions the instance's own, outside of any group membership; it replaces an earlier assignment,
// and partitions that stay keep their position. Topics need not exist, and are not created. The others start at the
// group's committed offset. An empty list ends the assignment. Errors: ErrExclusive, *kafka.Error.
func (i *Instance) Assign(ctx context.Context, partitions []TopicPartition) error {
	for _, tp := range partitions {
		if blank(tp.Topic) {
			return illegalArgument("Topic partitions to assign to cannot have null or empty topic")
		}
	}
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	if i.want.subscribed {
		return ErrExclusive
	}
	i.want.assigned = true
	i.asked.Store(true)
	if len(partitions) == 0 {
		i.drop()
		return nil
	}
	s := i.current()
	if s == nil {
		var err error
		if s, err = i.open(false); err != nil {
			return err
		}
		i.set(s, "assigned")
	}
	s.assign(partitions)
	return nil
}

// blank says whether the Java client would call a topic name null or empty.
func blank(topic string) bool { return strings.TrimSpace(topic) == "" }

// Assignment returns the partitions that the instance has now, by topic name: those assigned, or those that the group
// gave it; none before the group was joined. It does not wait for an operation in progress.
func (i *Instance) Assignment() []TopicPartitions {
	i.use(1)
	defer i.use(-1)
	return i.assignment()
}

func (i *Instance) assignment() []TopicPartitions {
	s := i.current()
	if s == nil {
		return nil
	}
	return s.assignment()
}

// status is safe at any time, and so not quite one moment's.
func (i *Instance) status() Status {
	i.mu.Lock()
	st := Status{
		Group: i.group, Name: i.name, Format: i.format,
		Mode: i.mode, Busy: i.uses > 0, LastUsed: i.used,
	}
	i.mu.Unlock()
	st.Assignment = i.assignment()
	st.Activity = i.activity()
	if s := i.current(); s != nil {
		st.BufferedRecords, st.BufferedBytes = s.buffered()
	}
	return st
}

// interrupt makes a poll in progress end with what it has.
func (i *Instance) interrupt() { i.quitOnce.Do(func() { close(i.quit) }) }

// close ends the instance once its turn has come. Calling it again is harmless.
func (i *Instance) close() {
	i.turn <- struct{}{}
	defer func() { <-i.turn }()
	if i.closed {
		return
	}
	i.closed = true
	i.drop()
	i.interrupt()
}

// end closes a session, for closeTimeout at most. A caller that goes away does not cut it short: a member that does not
// say goodbye keeps its partitions from the others until its session times out.
func (i *Instance) end(s *session, commit bool) {
	i.set(nil, "created")
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	s.close(ctx, commit)
}

// expire ends a session that nobody polled for max.poll.interval.ms: the member leaves its group, and what was
// delivered since the last commit will be delivered again, to whoever gets the partitions. The next poll joins anew.
func (i *Instance) expire(s *session) {
	i.turn <- struct{}{}
	defer func() { <-i.turn }()
	if i.current() != s || !s.overdue(time.Now()) {
		return
	}
	i.log.Warn("consumer instance left its group because it was not polled",
		"max.poll.interval.ms", i.cfg.Consumer.MaxPollInterval.Milliseconds())
	i.end(s, false)
	i.set(nil, "subscribed")
}
