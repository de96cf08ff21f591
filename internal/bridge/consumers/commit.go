package consumers

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafka"
)

// position is an offset to commit, with the leader epoch of the record before it, −1 unknown.
type position struct {
	TopicPartition
	offset int64
	epoch  int32
}

// Commit stores offsets in the group: those given, or with nil those behind the last delivered records of all
// partitions. It waits for the coordinator at most default.api.timeout.ms; an unknown partition is refused at once, and
// a rebalance in progress is waited for. Errors: *kafka.Error, ErrClosed, ctx's.
func (i *Instance) Commit(ctx context.Context, offsets []TopicPartitionOffset) error {
	for _, o := range offsets {
		if o.Offset < 0 {
			return illegalArgument("Invalid negative offset")
		}
	}
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	s := i.current()
	if s == nil {
		if i.want.subscribed && len(offsets) > 0 {
			return errNotMember()
		}
		if len(offsets) == 0 {
			return nil
		}
		return i.commitAlone(ctx, offsets)
	}
	if offsets == nil {
		s.mu.Lock()
		positions := s.positions()
		s.mu.Unlock()
		return i.commit(ctx, s, positions)
	}
	return i.commit(ctx, s, given(offsets))
}

// given returns the offsets of a request; of several for one partition, the last one counts, as in Java's map.
func given(offsets []TopicPartitionOffset) []position {
	var positions []position
	seen := make(map[TopicPartition]int, len(offsets))
	for _, o := range offsets {
		tp := TopicPartition{o.Topic, o.Partition}
		at, again := seen[tp]
		if !again {
			at = len(positions)
			seen[tp] = at
			positions = append(positions, position{TopicPartition: tp, epoch: -1})
		}
		positions[at].offset = o.Offset
	}
	return positions
}

// commitAlone commits without subscription or assignment, which the Java client allows: the broker accepts it as long
// as the group has no members.
func (i *Instance) commitAlone(ctx context.Context, offsets []TopicPartitionOffset) error {
	s, err := i.open(false)
	if err != nil {
		return err
	}
	defer s.close(ctx, false)
	return i.commit(ctx, s, given(offsets))
}

// commit gives a commit its bound, default.api.timeout.ms, and names what became of it.
func (i *Instance) commit(ctx context.Context, s *session, positions []position) error {
	if len(positions) == 0 {
		return nil
	}
	timeout := i.cfg.DefaultAPITimeout
	if timeout <= 0 {
		timeout = time.Minute
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := s.commit(bounded, positions)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	var known *kafka.Error
	if errors.As(err, &known) {
		return known
	}
	return errCommitTimeout(timeout, offsets(positions), err)
}

func offsets(positions []position) []TopicPartitionOffset {
	all := make([]TopicPartitionOffset, len(positions))
	for i, p := range positions {
		all[i] = TopicPartitionOffset{p.Topic, p.Partition, p.offset}
	}
	return all
}

// positions returns the known positions of all partitions; mu is held.
func (s *session) positions() []position {
	var all []position
	for _, tp := range s.all() {
		if p := s.partitions[tp]; p.origin == atOffset {
			all = append(all, position{tp, p.position, p.epoch})
		}
	}
	return all
}

// moved returns the positions of these partitions that the group does not have yet; mu is held.
func (s *session) moved(partitions []TopicPartition) []position {
	var all []position
	for _, tp := range partitions {
		if p := s.partitions[tp]; p != nil && p.origin == atOffset && p.position != p.committed {
			all = append(all, position{tp, p.position, p.epoch})
		}
	}
	return all
}

// commitLater commits in the background; mu is held. What fails is tried again with the next automatic commit.
func (s *session) commitLater(positions []position) {
	if len(positions) == 0 || s.closed {
		return
	}
	s.autocommit = true
	s.running.Go(func() {
		ctx, cancel := s.request(0)
		defer cancel()
		err := s.commit(ctx, positions)
		s.mu.Lock()
		s.autocommit = false
		s.mu.Unlock()
		s.wake()
		if err != nil && s.work.Err() == nil {
			s.log.Warn("automatic commit failed", "error", err)
		}
	})
}

// commit stores positions in the group and waits out whatever passes. Errors: *kafka.Error, or that of ctx, or of the
// connection.
func (s *session) commit(ctx context.Context, positions []position) error {
	var last error
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		member, generation := "", int32(-1)
		if s.group {
			if member, generation = s.client.GroupMetadata(); generation < 0 {
				return errNotMember()
			}
		}
		err := s.commitOnce(ctx, member, generation, positions)
		if err == nil {
			return nil
		}
		if s.hopeless(err, member, generation) {
			return s.refusal(err, positions)
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		}
	}
}

// hopeless says whether a failed commit would fail again: when the coordinator knows the member no more and the client
// has not learned better meanwhile, and for every error that does not pass. A partition that does not exist counts,
// though the Java client tries it again for default.api.timeout.ms.
func (s *session) hopeless(err error, member string, generation int32) bool {
	var refused *refusedPosition
	if errors.As(err, &refused) {
		err = refused.cause
	}
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownServerError):
		return true
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.FencedMemberEpoch),
		errors.Is(err, kerr.StaleMemberEpoch):
		nowMember, nowGeneration := s.client.GroupMetadata()
		return !s.group || (nowMember == member && nowGeneration == generation && !errors.Is(err, kerr.StaleMemberEpoch))
	default:
		return !passing(err)
	}
}

// refusedPosition is a partition that the coordinator did not take an offset for.
type refusedPosition struct {
	TopicPartition
	cause error
}

// Error implements error; the text does not leave the package.
func (e *refusedPosition) Error() string { return e.String() + ": " + e.cause.Error() }

// Unwrap returns the broker's error.
func (e *refusedPosition) Unwrap() error { return e.cause }

// refusal names a failed commit as the Java client does.
func (s *session) refusal(err error, positions []position) error {
	switch {
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.FencedMemberEpoch):
		return errMoved(err)
	}
	subject := kafka.Subject{Group: s.cfg.Consumer.Group, Partition: -1}
	var refused *refusedPosition
	if errors.As(err, &refused) {
		subject.Topic, subject.Partition, err = refused.Topic, refused.Partition, refused.cause
	} else if len(positions) == 1 {
		subject.Topic, subject.Partition = positions[0].Topic, positions[0].Partition
	}
	return kafka.Describe(err, subject)
}

// commitOnce sends one OffsetCommit, and notes what the group has afterwards.
func (s *session) commitOnce(ctx context.Context, member string, generation int32, positions []position) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = s.cfg.Consumer.Group, member, generation
	if id := s.cfg.Consumer.InstanceID; id != "" && s.group {
		req.InstanceID = &id
	}
	byTopic(positions, func(p position) TopicPartition { return p.TopicPartition },
		func(topic string) {
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic = topic
			req.Topics = append(req.Topics, t)
		},
		func(p position) {
			t := &req.Topics[len(req.Topics)-1]
			at := kmsg.NewOffsetCommitRequestTopicPartition()
			at.Partition, at.Offset, at.LeaderEpoch = p.Partition, p.offset, p.epoch
			at.Metadata = kmsg.StringPtr("")
			t.Partitions = append(t.Partitions, at)
		})
	resp, err := req.RequestWith(ctx, s.asker)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			if cause := kerr.ErrorForCode(at.ErrorCode); cause != nil && err == nil {
				err = &refusedPosition{TopicPartition{t.Topic, at.Partition}, cause}
			}
		}
	}
	if err != nil {
		return err
	}
	s.stored(positions)
	return nil
}

// stored notes that the group has these positions.
func (s *session) stored(positions []position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range positions {
		if p := s.partitions[at.TopicPartition]; p != nil {
			p.committed = at.offset
		}
	}
	s.settle()
}
