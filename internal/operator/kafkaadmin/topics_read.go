package kafkaadmin

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/operator/topic"
)

// Topics is what was read. A topic that is in neither map is not there.
type Topics struct {
	States map[string]*topic.State
	// Failed are topics that could not be read.
	Failed map[string]error
	// Brokers are those that the cluster has now.
	Brokers []topic.Broker
}

// ReadTopics reads topics by name, in bulk: partitions, replicas, moves that run, and the settings that stand on the topics.
func (a *Admin) ReadTopics(ctx context.Context, names []string) (Topics, error) {
	asked := make([]kmsg.MetadataRequestTopic, 0, len(names))
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		asked = append(asked, t)
	}
	return a.readTopics(ctx, asked, names)
}

// ReadAllTopics reads all topics that the operator's principal may see, Kafka's own included.
func (a *Admin) ReadAllTopics(ctx context.Context) (Topics, error) {
	return a.readTopics(ctx, nil, nil)
}

// readTopics asks for everything at once if it is about few topics, and for the settings last otherwise, since only those of
// topics that are there have any. A move that ends in between is seen as running, which is looked at again.
func (a *Admin) readTopics(ctx context.Context, asked []kmsg.MetadataRequestTopic, names []string) (Topics, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics, req.AllowAutoTopicCreation = asked, false
	var moves map[string]map[int32]topic.Partition
	var movesErr error
	var settings map[string]settings
	var group sync.WaitGroup
	group.Go(func() { moves, movesErr = a.moves(ctx) })
	atOnce := len(names) > 0 && len(names) <= few
	if atOnce {
		group.Go(func() { settings = a.settings(ctx, names) })
	}
	resp, err := ask(ctx, a, "describe topics", func(ctx context.Context, c *kgo.Client) (*kmsg.MetadataResponse, error) {
		return req.RequestWith(ctx, c)
	})
	group.Wait()
	if err = errors.Join(err, movesErr); err != nil {
		return Topics{}, failed("describe topics", err)
	}
	read := Topics{States: make(map[string]*topic.State, len(resp.Topics)), Failed: map[string]error{}, Brokers: brokersOf(resp)}
	for i := range resp.Topics {
		read.take(&resp.Topics[i], moves)
	}
	if !atOnce {
		settings = a.settings(ctx, slices.Sorted(maps.Keys(read.States)))
	}
	for name, s := range read.States {
		if err := settings[name].err; err != nil {
			delete(read.States, name)
			read.Failed[name] = err
			continue
		}
		s.Config = settings[name].config
	}
	return read, nil
}

// take notes one topic of an answer.
func (r *Topics) take(t *kmsg.MetadataResponseTopic, moves map[string]map[int32]topic.Partition) {
	if t.Topic == nil {
		return
	}
	name := *t.Topic
	switch err := kerr.ErrorForCode(t.ErrorCode); {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return
	case err != nil:
		r.Failed[name] = failed("describe the topic", err)
		return
	}
	s := &topic.State{
		Name: name, ID: topicID(t.TopicID), Internal: t.IsInternal,
		Partitions: make([]topic.Partition, len(t.Partitions)),
	}
	for _, p := range t.Partitions {
		if p.Partition < 0 || int(p.Partition) >= len(s.Partitions) {
			r.Failed[name] = failed("describe the topic", errNoAnswer)
			return
		}
		partition := topic.Partition{Replicas: p.Replicas, ISR: p.ISR}
		if m, moving := moves[name][p.Partition]; moving {
			partition.Replicas, partition.Adding, partition.Removing = m.Replicas, m.Adding, m.Removing
		}
		s.Partitions[p.Partition] = partition
	}
	r.States[name] = s
}

// topicID writes an id as Kafka does.
func topicID(id [16]byte) string {
	if id == [16]byte{} {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// moves reads all reassignments that run.
func (a *Admin) moves(ctx context.Context) (map[string]map[int32]topic.Partition, error) {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.TimeoutMillis = a.millis()
	resp, err := ask(ctx, a, "list reassignments", func(ctx context.Context, c *kgo.Client) (*kmsg.ListPartitionReassignmentsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil {
		err = refused("list reassignments", resp.ErrorCode, resp.ErrorMessage)
	}
	if err != nil {
		return nil, err
	}
	moves := make(map[string]map[int32]topic.Partition, len(resp.Topics))
	for _, t := range resp.Topics {
		moves[t.Topic] = make(map[int32]topic.Partition, len(t.Partitions))
		for _, p := range t.Partitions {
			moves[t.Topic][p.Partition] = topic.Partition{Replicas: p.Replicas, Adding: p.AddingReplicas, Removing: p.RemovingReplicas}
		}
	}
	return moves, nil
}

// settings are those that stand on one topic, or why they could not be read.
type settings struct {
	config map[string]topic.Setting
	err    error
}

// settings reads those of topics, in bulk. Each name has an entry.
func (a *Admin) settings(ctx context.Context, names []string) map[string]settings {
	const doing = "describe the topic's settings"
	all := make(map[string]settings, len(names))
	for _, name := range names {
		all[name] = settings{err: failed(doing, errNoAnswer)}
	}
	var mu sync.Mutex
	batches(a, names, one, func(part []string) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		for _, name := range part {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
			req.Resources = append(req.Resources, r)
		}
		resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeConfigsResponse, error) {
			return req.RequestWith(ctx, c)
		})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			for _, name := range part {
				all[name] = settings{err: err}
			}
			return
		}
		for i := range resp.Resources {
			all[resp.Resources[i].ResourceName] = settingsOf(doing, &resp.Resources[i])
		}
	})
	return all
}

func settingsOf(doing string, r *kmsg.DescribeConfigsResponseResource) settings {
	s := settings{config: map[string]topic.Setting{}, err: refused(doing, r.ErrorCode, r.ErrorMessage)}
	for _, c := range r.Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig && c.Value != nil {
			s.config[c.Name] = topic.Setting{Value: *c.Value, Type: settingType(c.ConfigType)}
		}
	}
	return s
}

func settingType(t kmsg.ConfigType) topic.Type {
	switch t {
	case kmsg.ConfigTypeBoolean:
		return topic.TypeBoolean
	case kmsg.ConfigTypeInt, kmsg.ConfigTypeShort, kmsg.ConfigTypeLong:
		return topic.TypeInteger
	case kmsg.ConfigTypeDouble:
		return topic.TypeDouble
	case kmsg.ConfigTypeList:
		return topic.TypeList
	}
	return topic.TypeText
}

func brokersOf(resp *kmsg.MetadataResponse) []topic.Broker {
	all := make([]topic.Broker, 0, len(resp.Brokers))
	for _, b := range resp.Brokers {
		broker := topic.Broker{ID: b.NodeID}
		if b.Rack != nil {
			broker.Rack = *b.Rack
		}
		all = append(all, broker)
	}
	return all
}
