package kafkaadmin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/operator/roll"
)

// minISR is the setting of a topic that says how many replicas have to be in sync to write with acks=all.
const minISR = "min.insync.replicas"

// Partitions reads all partitions of all topics, Kafka's own included, each with the min.insync.replicas of its topic. An error
// about one topic is one of the whole: who judges by the result must not miss any.
func (a *Admin) Partitions(ctx context.Context) ([]roll.Partition, error) {
	const doing = "describe partitions"
	req := kmsg.NewPtrMetadataRequest()
	req.Topics, req.AllowAutoTopicCreation = nil, false // nil: all
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.MetadataResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case t.Topic == nil, errors.Is(err, kerr.UnknownTopicOrPartition):
		case err != nil:
			return nil, failed(doing, fmt.Errorf("topic %s: %w", *t.Topic, err))
		default:
			topics = append(topics, *t.Topic)
		}
	}
	least, err := a.leastInSync(ctx, topics)
	if err != nil {
		return nil, err
	}
	var all []roll.Partition
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		atLeast, there := least[*t.Topic]
		if !there {
			continue // it was deleted between the two requests
		}
		for _, p := range t.Partitions {
			all = append(all, roll.Partition{Topic: *t.Topic, Number: p.Partition, Leader: p.Leader, Replicas: p.Replicas, ISR: p.ISR, MinISR: atLeast})
		}
	}
	return all, nil
}

// leastInSync reads min.insync.replicas of topics, in bulk: that of the topic, or what it has from the brokers. Topics that are gone
// are left out.
func (a *Admin) leastInSync(ctx context.Context, topics []string) (map[string]int, error) {
	least := make(map[string]int, len(topics))
	var (
		mu       sync.Mutex
		failures []error
	)
	batches(a, topics, one, func(part []string) {
		found, err := a.leastOf(ctx, part)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failures = append(failures, err)
		}
		for name, n := range found {
			least[name] = n
		}
	})
	return least, errors.Join(failures...)
}

func (a *Admin) leastOf(ctx context.Context, topics []string) (map[string]int, error) {
	const doing = "describe " + minISR
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, []string{minISR}
		req.Resources = append(req.Resources, r)
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeConfigsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return nil, err
	}
	least := make(map[string]int, len(topics))
	for _, r := range resp.Resources {
		switch err := kerr.ErrorForCode(r.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			continue
		case err != nil:
			return nil, failed(doing, fmt.Errorf("topic %s: %w", r.ResourceName, err))
		}
		if least[r.ResourceName], err = leastIn(r.Configs); err != nil {
			return nil, failed(doing, fmt.Errorf("topic %s: %w", r.ResourceName, err))
		}
	}
	return least, nil
}

func leastIn(configs []kmsg.DescribeConfigsResponseResourceConfig) (int, error) {
	for _, c := range configs {
		if c.Name == minISR && c.Value != nil {
			return strconv.Atoi(*c.Value)
		}
	}
	return 0, errNoAnswer
}
