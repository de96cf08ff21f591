package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// rawTask is what the franz-go limit has to do.
type rawTask struct {
	Bootstrap string
	Topics    []string
	Keys      int // of records, in turns; 0: none
	Acks      string
	Producers int // workers that produce, through one client
	Records   int // of one produce
	Size      int
	Largest   int // bytes of a record; 0: the library's default
	Format    string
	Async     bool
	Consumers int    // workers that consume, each through a client of its own
	Total     int    // records in the topic; 0: it grows, and is followed
	Group     string // consumers are in groups whose names begin so; empty: in none
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
	workers, joined, err := t.workers(ctx)
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
		s.Joined = milliseconds(joined)
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return questions.Err()
}

// workers returns the task's workers, and how long a consumer took to join its group.
func (t rawTask) workers(ctx context.Context) (all []worker, joined time.Duration, err error) {
	if t.Producers > 0 {
		client, err := kgo.NewClient(t.producer()...)
		if err != nil {
			return nil, 0, err
		}
		for which := range t.Producers {
			all = append(all, worker{do: t.produce(ctx, client, targets(t.Topics, t.Keys, which, t.Producers))})
		}
	}
	polls := make([]func() (count, error), t.Consumers)
	joined, err = join(t.Consumers, func(i int) error {
		var err error
		if t.Group != "" {
			polls[i], err = t.follow(ctx, i)
		} else {
			polls[i], err = t.consume(ctx)
		}
		return err
	})
	for _, do := range polls {
		all = append(all, worker{do: do, background: t.Producers > 0})
	}
	return all, joined, err
}

// producer are the options that the bridge's producer has by its settings.
func (t rawTask) producer() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(t.Bootstrap), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
	}
	if t.Largest > 0 {
		opts = append(opts, kgo.ProducerBatchMaxBytes(int32(t.Largest)))
	}
	if t.Acks == "all" {
		return append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	return append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
}

func (t rawTask) produce(ctx context.Context, client *kgo.Client, to []target) func() (count, error) {
	value, _ := payload(t.Format, t.Size)
	moved := count{records: t.Records, bytes: t.Records * len(value)}
	var keys [][]byte // as the bridge sends them: in JSON
	for _, t := range to {
		var key []byte
		if t.key != "" {
			key = strconv.AppendQuote(nil, t.key)
		}
		keys = append(keys, key)
	}
	turn := 0
	return func() (count, error) {
		now := turn % len(to)
		turn++
		slab := make([]kgo.Record, t.Records)
		records := make([]*kgo.Record, t.Records)
		for i := range slab {
			slab[i] = kgo.Record{Topic: to[now].topic, Key: keys[now], Value: value}
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

// consume reads the topic from its beginning, again and again. A poll ends without records when there are none for longPoll:
// those who make them stop first.
func (t rawTask) consume(ctx context.Context) (func() (count, error), error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(t.Bootstrap), kgo.ConsumeTopics(t.Topics[0]))
	if err != nil {
		return nil, err
	}
	seen := 0
	return func() (count, error) {
		ctx, cancel := context.WithTimeout(ctx, longPoll)
		defer cancel()
		fetches := client.PollRecords(ctx, maxPoll)
		var n count
		fetches.EachRecord(func(r *kgo.Record) {
			n.records++
			n.bytes += len(r.Value)
		})
		if seen += n.records; t.Total > 0 && seen >= t.Total {
			seen = 0
			client.SetOffsets(beginnings(t.Topics[0]))
		}
		var errs []error
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				errs = append(errs, err)
			}
		})
		return n, errors.Join(errs...)
	}, nil
}

// longPoll is how long a consumer that follows its topic waits for records; the bridge's fetches wait for fetchWait.
const (
	longPoll  = 2 * time.Second
	fetchWait = 500 * time.Millisecond
)

// follow joins a group of its own and reads one topic as it grows, as a consumer of the bridge with its settings does. It
// returns when the first records have come.
func (t rawTask) follow(ctx context.Context, i int) (func() (count, error), error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(t.Bootstrap), kgo.ConsumeTopics(t.Topics[i%len(t.Topics)]),
		kgo.ConsumerGroup(fmt.Sprintf("%s-%d", t.Group, i)), kgo.DisableAutoCommit(), kgo.FetchMaxWait(fetchWait))
	if err != nil {
		return nil, err
	}
	poll := func(patience time.Duration) (count, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		fetches := client.PollRecords(ctx, maxPoll)
		n := count{records: fetches.NumRecords()}
		n.bytes = n.records * t.Size
		if err := fetches.Err0(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return n, err
		}
		return n, nil
	}
	first, err := poll(joinTime)
	if err == nil && first.records == 0 {
		err = fmt.Errorf("no records within %s", joinTime)
	}
	return func() (count, error) { return poll(longPoll) }, err
}

// partitions is how many a topic of a run has unless its scenario says otherwise.
const partitions = 4

func beginnings(topic string) map[string]map[int32]kgo.EpochOffset {
	offsets := make(map[int32]kgo.EpochOffset)
	for p := range int32(partitions) {
		offsets[p] = kgo.EpochOffset{Epoch: -1}
	}
	return map[string]map[int32]kgo.EpochOffset{topic: offsets}
}
