package kafkaadmin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/operator/topic"
)

// TopicResult is what became of the changes of one topic.
type TopicResult struct {
	// Err says what failed; what came before it is done, what comes after it was not tried.
	Err error
	// ID, Partitions and Replicas are those of a topic that was created.
	ID                   string
	Partitions, Replicas int32
}

// ApplyTopics carries out changes, one for each topic at most, and returns a result for each of them. Kinds of changes
// follow each other: deletions, creations, partitions, settings, moves.
func (a *Admin) ApplyTopics(ctx context.Context, changes []topic.Changes) map[string]TopicResult {
	r := &run{Admin: a, outcomes: newOutcomes(len(changes)), created: make(map[string]TopicResult)}
	do := func(wanted func(topic.Changes) bool, weight func(topic.Changes) int, with func(context.Context, []topic.Changes)) {
		var left []topic.Changes
		for _, c := range changes {
			if wanted(c) && r.of(c.Name) == nil {
				left = append(left, c)
			}
		}
		batches(a, left, weight, func(part []topic.Changes) { with(ctx, part) })
	}
	do(func(c topic.Changes) bool { return c.Delete }, one, r.remove)
	do(func(c topic.Changes) bool { return c.Create != nil }, creationWeight, r.create)
	do(func(c topic.Changes) bool { return c.Partitions > 0 }, partitionsWeight, r.addPartitions)
	do(func(c topic.Changes) bool { return len(c.Set)+len(c.Reset) > 0 }, configWeight, r.configure)
	r.setRates(ctx, changes)
	do(func(c topic.Changes) bool { return c.Move != nil }, moveWeight, r.move)
	results := make(map[string]TopicResult, len(changes))
	for _, c := range changes {
		result := r.created[c.Name]
		result.Err = r.of(c.Name)
		results[c.Name] = result
	}
	return results
}

func creationWeight(c topic.Changes) int {
	return 1 + int(max(c.Create.Partitions, 1)) + len(c.Create.Config)
}
func partitionsWeight(c topic.Changes) int { return int(c.Partitions) }
func configWeight(c topic.Changes) int     { return len(c.Set) + len(c.Reset) }
func moveWeight(c topic.Changes) int       { return len(c.Move.Assign) + len(c.Move.Cancel) }

func topicNames(changes []topic.Changes) []string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Name
	}
	return names
}

// run is one ApplyTopics.
type run struct {
	*Admin
	*outcomes
	created map[string]TopicResult // under outcomes.mu
}

func (r *run) remove(ctx context.Context, part []topic.Changes) {
	const doing = "delete the topic"
	names, answered := topicNames(part), map[string]bool{}
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = r.millis(), names
	for _, name := range names {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask(ctx, r.Admin, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DeleteTopicsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		r.add(err, names...)
		return
	}
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		answered[*t.Topic] = true
		if t.ErrorCode != kerr.UnknownTopicOrPartition.Code { // it is gone, which is what is wanted
			r.add(refused(doing, t.ErrorCode, t.ErrorMessage), *t.Topic)
		}
	}
	r.missing(doing, names, answered)
}

func (r *run) create(ctx context.Context, part []topic.Changes) {
	const doing = "create the topic"
	names, answered := topicNames(part), map[string]bool{}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = r.millis()
	for _, c := range part {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = c.Name, c.Create.Partitions, int16(c.Create.Replicas)
		for _, key := range slices.Sorted(maps.Keys(c.Create.Config)) {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = key, kmsg.StringPtr(c.Create.Config[key])
			t.Configs = append(t.Configs, config)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask(ctx, r.Admin, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.CreateTopicsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		r.add(err, names...)
		return
	}
	for _, t := range resp.Topics {
		answered[t.Topic] = true
		if err := refused(doing, t.ErrorCode, t.ErrorMessage); err != nil {
			r.add(err, t.Topic)
			continue
		}
		r.mu.Lock()
		r.created[t.Topic] = TopicResult{ID: topicID(t.TopicID), Partitions: t.NumPartitions, Replicas: int32(t.ReplicationFactor)}
		r.mu.Unlock()
	}
	r.missing(doing, names, answered)
}

func (r *run) addPartitions(ctx context.Context, part []topic.Changes) {
	const doing = "add partitions"
	names, answered := topicNames(part), map[string]bool{}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = r.millis()
	for _, c := range part {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = c.Name, c.Partitions
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask(ctx, r.Admin, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.CreatePartitionsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		r.add(err, names...)
		return
	}
	for _, t := range resp.Topics {
		answered[t.Topic] = true
		r.add(refused(doing, t.ErrorCode, t.ErrorMessage), t.Topic)
	}
	r.missing(doing, names, answered)
}

func (r *run) configure(ctx context.Context, part []topic.Changes) {
	const doing = "change the topic's settings"
	names, answered := topicNames(part), map[string]bool{}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, c := range part {
		req.Resources = append(req.Resources, alteration(kmsg.ConfigResourceTypeTopic, c.Name, c.Set, c.Reset))
	}
	resp, err := ask(ctx, r.Admin, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.IncrementalAlterConfigsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		r.add(err, names...)
		return
	}
	for _, t := range resp.Resources {
		answered[t.ResourceName] = true
		r.add(refused(doing, t.ErrorCode, t.ErrorMessage), t.ResourceName)
	}
	r.missing(doing, names, answered)
}

// alteration sets and resets settings of one resource.
func alteration(kind kmsg.ConfigResourceType, name string, set map[string]string, reset []string) kmsg.IncrementalAlterConfigsRequestResource {
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, name
	for _, key := range slices.Sorted(maps.Keys(set)) {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = key, kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr(set[key])
		r.Configs = append(r.Configs, c)
	}
	for _, key := range reset {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op = key, kmsg.IncrementalAlterConfigOpDelete
		r.Configs = append(r.Configs, c)
	}
	return r
}

// setRates sets the limits of the brokers that take part in moves, before any of these begins.
func (r *run) setRates(ctx context.Context, changes []topic.Changes) {
	rates := map[int32]int64{}
	for _, c := range changes {
		if c.Move == nil || c.Move.Rate == 0 || r.of(c.Name) != nil {
			continue
		}
		for _, id := range c.Move.Brokers {
			rates[id] = c.Move.Rate
		}
	}
	if len(rates) == 0 {
		return
	}
	failures := r.SetThrottle(ctx, rates)
	for _, c := range changes {
		if c.Move == nil || c.Move.Rate == 0 {
			continue
		}
		for _, id := range c.Move.Brokers {
			r.add(failures[id], c.Name)
		}
	}
}

func (r *run) move(ctx context.Context, part []topic.Changes) {
	const doing = "move replicas"
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = r.millis()
	for _, c := range part {
		t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
		t.Topic = c.Name
		for _, n := range slices.Sorted(maps.Keys(c.Move.Assign)) {
			t.Partitions = append(t.Partitions, assignment(n, c.Move.Assign[n]))
		}
		for _, n := range c.Move.Cancel {
			t.Partitions = append(t.Partitions, assignment(n, nil))
		}
		req.Topics = append(req.Topics, t)
	}
	names, answered := topicNames(part), map[string]bool{}
	resp, err := ask(ctx, r.Admin, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.AlterPartitionAssignmentsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil {
		err = refused(doing, resp.ErrorCode, resp.ErrorMessage)
	}
	if err != nil {
		r.add(err, names...)
		return
	}
	for _, t := range resp.Topics {
		answered[t.Topic] = true
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); !errors.Is(err, kerr.NoReassignmentInProgress) { // its end came first
				r.add(refused(doing, p.ErrorCode, p.ErrorMessage), t.Topic)
			}
		}
	}
	r.missing(doing, names, answered)
}

// assignment names the replicas of a partition; without any its move is cancelled.
func assignment(partition int32, replicas []int32) kmsg.AlterPartitionAssignmentsRequestTopicPartition {
	p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	p.Partition, p.Replicas = partition, replicas
	return p
}
