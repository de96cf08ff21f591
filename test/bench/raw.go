package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// rawTask is what the franz-go limit has to do.
type rawTask struct {
	Bootstrap string
	Topic     string
	Acks      string
	Producers int // workers that produce, through one client
	Records   int // of one produce
	Size      int
	Format    string
	Async     bool
	Consumers int // workers that consume, each through a client of its own
	Total     int // records in the topic; 0: it grows, and is followed
}

// rawRun is one question to the role; its answer is a sample.
type rawRun struct{ Warm, Length time.Duration }

// maxPoll is max.poll.records, Java's default, which the bridge has too.
const maxPoll = 500

// raw is the role of the second limit: it measures itself whenever it is asked to.
func raw(ctx context.Context, task string) error {
	var t rawTask
	if err := json.Unmarshal([]byte(task), &t); err != nil {
		return err
	}
	workers, err := t.workers(ctx)
	if err != nil {
		return err
	}
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		var run rawRun
		if err := json.Unmarshal(questions.Bytes(), &run); err != nil {
			return err
		}
		s, err := measure(workers, run.Warm, run.Length, ownCPU)
		if err != nil {
			s.Error = err.Error()
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return questions.Err()
}

func (t rawTask) workers(ctx context.Context) ([]worker, error) {
	var all []worker
	if t.Producers > 0 {
		client, err := kgo.NewClient(t.producer()...)
		if err != nil {
			return nil, err
		}
		for range t.Producers {
			all = append(all, worker{do: t.produce(ctx, client)})
		}
	}
	for range t.Consumers {
		do, err := t.consume(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, worker{do: do, background: t.Producers > 0})
	}
	return all, nil
}

// producer are the options that the bridge's producer has by its settings.
func (t rawTask) producer() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(t.Bootstrap), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.DefaultProduceTopic(t.Topic),
	}
	if t.Acks == "all" {
		return append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	return append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
}

func (t rawTask) produce(ctx context.Context, client *kgo.Client) func() (count, error) {
	value, _ := payload(t.Format, t.Size)
	moved := count{records: t.Records, bytes: t.Records * len(value)}
	return func() (count, error) {
		slab := make([]kgo.Record, t.Records)
		records := make([]*kgo.Record, t.Records)
		for i := range slab {
			slab[i].Value = value
			records[i] = &slab[i]
		}
		if !t.Async {
			return moved, client.ProduceSync(ctx, records...).FirstErr()
		}
		for _, r := range records {
			client.Produce(ctx, r, nil)
		}
		return moved, nil
	}
}

// consume reads the topic from its beginning, again and again.
func (t rawTask) consume(ctx context.Context) (func() (count, error), error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(t.Bootstrap), kgo.ConsumeTopics(t.Topic))
	if err != nil {
		return nil, err
	}
	seen := 0
	return func() (count, error) {
		fetches := client.PollRecords(ctx, maxPoll)
		var n count
		fetches.EachRecord(func(r *kgo.Record) {
			n.records++
			n.bytes += len(r.Value)
		})
		if seen += n.records; t.Total > 0 && seen >= t.Total {
			seen = 0
			client.SetOffsets(beginnings(t.Topic))
		}
		var errs []error
		fetches.EachError(func(_ string, _ int32, err error) { errs = append(errs, err) })
		return n, errors.Join(errs...)
	}, nil
}

// partitions is how many each topic of a run has.
const partitions = 4

func beginnings(topic string) map[string]map[int32]kgo.EpochOffset {
	offsets := make(map[int32]kgo.EpochOffset)
	for p := range int32(partitions) {
		offsets[p] = kgo.EpochOffset{Epoch: -1}
	}
	return map[string]map[int32]kgo.EpochOffset{topic: offsets}
}
