//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaTime bounds what is asked of Kafka, a broker's loss included.
const kafkaTime = 40 * time.Second

// native is a client of Kafka's plain listener, which is nobody's but the tests'.
func native(t testing.TB, more ...kgo.Opt) (*kgo.Client, context.Context) {
	t.Helper()
	opts := append([]kgo.Opt{kgo.SeedBrokers("my-cluster-kafka-bootstrap.kafka.svc.cluster.local:9092")}, more...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
	t.Cleanup(func() { cancel(); client.Close() })
	return client, ctx
}

// topic makes a topic anew.
func topic(t testing.TB, name string, partitions int32) {
	t.Helper()
	client, ctx := native(t)
	admin := kadm.NewClient(client)
	_, err := admin.DeleteTopic(ctx, name)
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Fatal(err)
	}
	eventually(t, kafkaTime, func() error {
		_, err := admin.CreateTopic(ctx, partitions, 3, nil, name)
		return err
	})
}

// produce sends one record past Steg.
func produce(t testing.TB, topic, value string) {
	t.Helper()
	client, ctx := native(t)
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// records returns the values of all records that a topic has now.
func records(t testing.TB, topic string) []string {
	t.Helper()
	client, _ := native(t, kgo.ConsumeTopics(topic))
	return readAll(t, client, topic)
}

// readAll reads to the ends that the topic has now.
func readAll(t testing.TB, client *kgo.Client, topic string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil || ends.Error() != nil {
		t.Fatal(err, ends.Error())
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	var values []string
	for int64(len(values)) < left {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("%d of %d records of %s: %v", len(values), left, topic, err)
		}
		fetched.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// missing tells which of the numbers 1 to n are in no answer of a poll that the topic holds.
func missing(t testing.TB, topic string, n int) error {
	t.Helper()
	seen := make(map[int]bool)
	for _, value := range records(t, topic) {
		var page []struct{ Value int }
		if err := json.Unmarshal([]byte(value), &page); err != nil {
			return err
		}
		for _, r := range page {
			seen[r.Value] = true
		}
	}
	for i := 1; i <= n; i++ {
		if !seen[i] {
			return fmt.Errorf("record %d of %d was never read", i, n)
		}
	}
	return nil
}
