package consumers

import (
	"context"
	"slices"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Seek moves positions, in the order given; records kept from before are dropped. An offset that the log does not have
// becomes a reset at the next poll. Errors: *NotAssignedError, with the positions before it moved; *kafka.Error for a
// negative offset, with the same.
func (i *Instance) Seek(ctx context.Context, offsets []TopicPartitionOffset) error {
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	s := i.current()
	for _, o := range offsets {
		if o.Offset < 0 {
			return illegalArgument("seek offset must not be a negative number")
		}
		if err := s.move(TopicPartition{o.Topic, o.Partition}, atOffset, o.Offset); err != nil {
			return err
		}
	}
	return nil
}

// SeekToBeginning moves positions to the first record there is at the next poll; without partitions, those of all
// assigned ones. Errors as of Seek.
func (i *Instance) SeekToBeginning(ctx context.Context, partitions []TopicPartition) error {
	return i.seekTo(ctx, partitions, atBeginning)
}

// SeekToEnd moves positions behind the last record there is at the next poll; without partitions, those of all assigned
// ones. Errors as of Seek.
func (i *Instance) SeekToEnd(ctx context.Context, partitions []TopicPartition) error {
	return i.seekTo(ctx, partitions, atEnd)
}

func (i *Instance) seekTo(ctx context.Context, partitions []TopicPartition, to origin) error {
	if err := i.enter(ctx); err != nil {
		return err
	}
	defer i.exit()
	s := i.current()
	if len(partitions) == 0 && s != nil {
		s.mu.Lock()
		partitions = s.all()
		s.mu.Unlock()
	}
	for _, tp := range partitions {
		if err := s.move(tp, to, 0); err != nil {
			return err
		}
	}
	return nil
}

// all returns the partitions in order of topic and number; mu is held.
func (s *session) all() []TopicPartition {
	all := make([]TopicPartition, 0, len(s.partitions))
	for tp := range s.partitions {
		all = append(all, tp)
	}
	slices.SortFunc(all, compare)
	return all
}

// move changes one position. A nil session has no partitions.
func (s *session) move(tp TopicPartition, to origin, offset int64) error {
	if s == nil {
		return &NotAssignedError{tp.Topic, tp.Partition}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partitions[tp]
	if p == nil {
		return &NotAssignedError{tp.Topic, tp.Partition}
	}
	s.registry.budget.give(p.jump(to, offset))
	s.tidy()
	return nil
}

// outOfRange handles a position that the log does not have (any more): auto.offset.reset decides; mu is held.
func (s *session) outOfRange(p *partition) {
	if s.cfg.Consumer.Reset.Kind == kafka.None {
		s.failure = errOutOfRange(p.TopicPartition, p.next)
		return
	}
	s.log.Info("position is out of range, resetting it", "partition", p.String(), "offset", p.next)
	s.registry.budget.give(p.jump(atPolicy, 0))
}
