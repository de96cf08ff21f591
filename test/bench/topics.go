package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topic creates a topic and returns its name.
func (b *bench) topic(ctx context.Context, about string) (string, error) {
	names, err := b.topics(ctx, scenario{name: about})
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// topics creates a scenario's topics and returns their names. Their partitions have leaders.
func (b *bench) topics(ctx context.Context, s scenario) ([]string, error) {
	began := time.Now().UnixNano()
	var names []string
	for i := range max(s.manyTopics, 1) {
		names = append(names, fmt.Sprintf("bench-%s-%d-%d", strings.ReplaceAll(s.name, " ", "-"), began, i))
	}
	for part := range slices.Chunk(names, inRequest) {
		created, err := b.admin.CreateTopics(ctx, int32(cmp.Or(s.manyParts, partitions)), 1, s.topicSettings(), part...)
		if err = errors.Join(err, created.Error()); err != nil {
			return nil, fmt.Errorf("topics of %s: %w", s.name, err)
		}
	}
	_, err := b.settled(ctx, 0, names...)
	return names, err
}

// inRequest is how many topics are created or deleted by one request: the controller does not take thousands at once.
const inRequest = 250

// topicSettings are those that differ from the broker's. Records of megabytes would fill the disk.
func (s scenario) topicSettings() map[string]*string {
	if s.largest == 0 {
		return nil
	}
	settings := make(map[string]*string)
	for key, value := range map[string]int{"max.message.bytes": s.largest, "segment.bytes": 64 << 20, "retention.bytes": 128 << 20} {
		settings[key] = kadm.StringPtr(strconv.Itoa(value))
	}
	return settings
}

// brokerSettings let go of old segments quickly while records of megabytes are sent.
func (o options) brokerSettings() map[string]string {
	if len(o.growth) == 0 {
		return nil
	}
	return map[string]string{"log.retention.check.interval.ms": "1000", "log.segment.delete.delay.ms": "1000"}
}

// drop deletes topics. That they stay, if they do, spoils nothing.
func (b *bench) drop(ctx context.Context, topics ...string) {
	for part := range slices.Chunk(topics, inRequest) {
		_, _ = b.admin.DeleteTopics(ctx, part...)
	}
}

// supply sees to it that there is something to read: all at once, or at the scenario's rate until stop is called.
func (b *bench) supply(ctx context.Context, s scenario, topics []string) (stop func(), err error) {
	if s.rate == 0 {
		return func() {}, b.fill(ctx, topics[0], s.format, inTopic, s.size)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	if err := b.coordinated(ctx); err != nil {
		client.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { feed(ctx, client, s, topics) })
	return func() { cancel(); ended.Wait(); client.Close() }, nil
}

// coordinated waits for the coordinator of groups: the first group of a new cluster creates the topic that it keeps them in.
func (b *bench) coordinated(ctx context.Context) error {
	const pause = 100 * time.Millisecond
	for end := time.Now().Add(joinTime); ; time.Sleep(pause) {
		found := b.admin.FindGroupCoordinators(ctx, "bench")
		err := found.Error()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
	}
}

// feed sends single records, evenly in time and to each topic in its turn, until ctx ends. What is lost here is missing
// where it is read.
func feed(ctx context.Context, client *kgo.Client, s scenario, topics []string) {
	value, _ := payload(s.format, s.size)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	sent := 0
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for due := int(time.Since(began).Seconds() * float64(s.rate)); sent < due; sent++ {
			client.TryProduce(ctx, &kgo.Record{Topic: topics[sent%len(topics)], Value: value}, nil)
		}
	}
}

// fill writes n records evenly to all partitions.
func (b *bench) fill(ctx context.Context, topic, format string, n, size int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	value, _ := payload(format, size)
	var failed error
	for i := range n {
		client.Produce(ctx, &kgo.Record{Value: value, Partition: int32(i % partitions)}, func(_ *kgo.Record, err error) {
			failed = errors.Join(failed, err)
		})
	}
	return errors.Join(client.Flush(ctx), failed)
}

// settled returns how many records topics have, once they are at least want, or after a while.
func (b *bench) settled(ctx context.Context, want int, topics ...string) (int, error) {
	const patience, pause = 10 * time.Second, 100 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		ends, err := b.admin.ListEndOffsets(ctx, topics...)
		if err != nil {
			return 0, err
		}
		n := 0
		ends.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
		if n >= want || time.Now().After(end) {
			return n, nil
		}
	}
}
