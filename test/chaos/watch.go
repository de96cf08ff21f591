package chaos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/test/chaos/check"
	"github.com/steg-kafka/steg/test/kafkarig"
)

const offsetsTopic = "__consumer_offsets"

// watcher follows the topic in which Kafka keeps what groups commit and every generation of theirs: what consumers did,
// as the brokers have it.
type watcher struct {
	journal    *journal
	client     *kgo.Client
	generation map[string]int32
	next       map[int32]int64 // by partition: the offset that has not been seen yet
}

func newWatcher(j *journal, rig *kafkarig.Rig) (*watcher, error) {
	client, err := kgo.NewClient(append(rig.ClientOptions(kafkarig.Plain),
		kgo.ConsumeTopics(offsetsTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(time.Second),
		kgo.FetchMaxWait(200*time.Millisecond))...)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	return &watcher{journal: j, client: client, generation: make(map[string]int32), next: make(map[int32]int64)}, nil
}

// run follows until ctx ends.
func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.poll(ctx)
	}
}

// poll takes in what has come; errors are of the faults, and the client tries again.
func (w *watcher) poll(ctx context.Context) {
	w.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		w.next[r.Partition] = r.Offset + 1
		w.see(r)
	})
}

// finish reads up to ends, and closes the client.
func (w *watcher) finish(ctx context.Context, ends map[int32]int64) error {
	defer w.client.Close()
	for {
		behind := false
		for p, end := range ends {
			behind = behind || w.next[p] < end
		}
		if !behind {
			return nil
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		w.poll(short)
		cancel()
		if ctx.Err() != nil {
			return errors.New("chaos: " + offsetsTopic + " could not be read to its end")
		}
	}
}

// see notes one record. Its key begins with the kind: 0 and 1 are offsets, 2 is a group's generation.
func (w *watcher) see(r *kgo.Record) {
	if len(r.Key) < 2 || r.Value == nil {
		return
	}
	switch binary.BigEndian.Uint16(r.Key) {
	case 0, 1:
		key, value := kmsg.NewOffsetCommitKey(), kmsg.NewOffsetCommitValue()
		if key.ReadFrom(r.Key) == nil && value.ReadFrom(r.Value) == nil {
			w.journal.committed(check.Committed{
				Group: key.Group, Place: check.Place{Topic: key.Topic, Partition: key.Partition}, Offset: value.Offset, Seen: w.journal.now(),
			})
		}
	case 2:
		key, value := kmsg.NewGroupMetadataKey(), kmsg.NewGroupMetadataValue()
		if key.ReadFrom(r.Key) == nil && value.ReadFrom(r.Value) == nil {
			w.group(key.Group, value.Generation, r.Timestamp)
		}
	}
}

// trusted is how far a broker's time of a record may lie before its arrival here; clocks may have jumped.
const trusted = time.Minute

// group notes a new generation.
func (w *watcher) group(name string, generation int32, stamped time.Time) {
	if was, ok := w.generation[name]; ok && was == generation {
		return
	}
	w.generation[name] = generation
	now := w.journal.now()
	from := w.journal.at(stamped)
	if from > now || from < now-trusted {
		from = now - trusted
	}
	w.journal.rebalanced(check.Rebalance{Group: name, From: from, To: now})
}
