package conformance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// openNative connects to Kafka past the bridge.
func (s *suite) openNative(t *testing.T) {
	t.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(s.bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.native, s.admin = client, kadm.NewClient(client)
}

// createTopic makes a topic and waits until every partition has a leader.
func (s *suite) createTopic(e *env, name string, partitions int32) {
	e.Helper()
	if _, err := s.admin.CreateTopic(e.ctx, partitions, 1, nil, name); err != nil {
		e.Fatalf("creating topic %s: %v", name, err)
	}
	e.eventually("leaders of "+name, func() bool {
		topics, err := s.admin.ListTopics(e.ctx, name)
		if err != nil || len(topics[name].Partitions) != int(partitions) {
			return false
		}
		for _, p := range topics[name].Partitions {
			if p.Leader < 0 || p.Err != nil {
				return false
			}
		}
		return true
	})
}

// eventually waits for a condition, at most 15 s.
func (e *env) eventually(what string, holds func() bool) {
	e.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit.C:
			e.Fatalf("%s: not within 15 s", what)
		case <-e.ctx.Done():
			e.Fatalf("%s: %v", what, e.ctx.Err())
		}
	}
}

// write stores records natively, each in its own partition, one after the other.
func (e *env) write(records ...*kgo.Record) {
	e.Helper()
	for _, r := range records {
		if err := e.s.native.ProduceSync(e.ctx, r).FirstErr(); err != nil {
			e.Fatalf("writing to %s natively: %v", r.Topic, err)
		}
	}
}

// read returns the n records that begin at an offset of a partition.
func (e *env) read(topic string, partition int32, offset int64, n int) []*kgo.Record {
	e.Helper()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(e.s.bootstrap), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}),
	)
	if err != nil {
		e.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(e.ctx, 15*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := client.PollRecords(ctx, n-len(out))
		if err := fetches.Err(); err != nil {
			e.Fatalf("reading %s/%d natively: %d of %d records: %v", topic, partition, len(out), n, err)
		}
		out = append(out, fetches.Records()...)
	}
	return out
}

// end returns the offset that a partition's next record will get.
func (e *env) end(topic string, partition int32) int64 {
	e.Helper()
	offsets, err := e.s.admin.ListEndOffsets(e.ctx, topic)
	if err != nil {
		e.Fatal(err)
	}
	o, ok := offsets.Lookup(topic, partition)
	if !ok || o.Err != nil {
		e.Fatalf("end of %s/%d: %v", topic, partition, o.Err)
	}
	return o.Offset
}

// committed returns the group's offset for a partition, -1 without one.
func (e *env) committed(group, topic string, partition int32) int64 {
	e.Helper()
	offsets, err := e.s.admin.FetchOffsets(e.ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		e.Fatalf("offsets of group %s: %v", group, err)
	}
	o, ok := offsets.Lookup(topic, partition)
	if !ok {
		return -1
	}
	return o.At
}

// exists tells whether a topic is there.
func (e *env) exists(topic string) bool {
	e.Helper()
	topics, err := e.s.admin.ListTopics(e.ctx, topic)
	if err != nil {
		e.Fatal(err)
	}
	return topics.Has(topic) && topics[topic].Err == nil
}

// probeAutoCreate finds out whether asking for a topic makes it.
func (s *suite) probeAutoCreate(t *testing.T) bool {
	t.Helper()
	name := "probe" + s.unique()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = true
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(t.Context(), ordinary)
	defer cancel()
	if _, err := req.RequestWith(ctx, s.native); err != nil {
		t.Fatalf("asking for a topic that is not there: %v", err)
	}
	for range 20 {
		topics, err := s.admin.ListTopics(ctx, name)
		if err == nil && topics.Has(name) && topics[name].Err == nil {
			return true
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}
