// Package admin answers what the bridge is asked about topics, and creates them: one client for all requests, every
// call bounded in time and independent of the others. Nothing that it asks makes a broker create a topic.
//
// The package must not know HTTP: which status an error becomes, and in which form its text is shown, is the handlers'
// business.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/bridge/brokers"
	"github.com/steg-kafka/steg/internal/kafka"
)

// Admin is a client of a cluster. All methods may be called concurrently. Every call ends with default.api.timeout.ms,
// or with its context if that is earlier; every error is a *kafka.Error unless said otherwise.
type Admin struct {
	cfg    kafka.Config
	client *kgo.Client
	asker  *brokers.Asker
	closed atomic.Bool
}

// Topic is a topic with all of its effective configuration, sorted by name, and its partitions, sorted by ID.
type Topic struct {
	Name       string
	Configs    []Config
	Partitions []Partition
}

// Config is one configuration entry. Value is nil when it is not set or is a secret.
type Config struct {
	Name  string
	Value *string
}

// Partition is one partition of a topic. Leader is −1 when it has none. Replicas are in the order of preference.
type Partition struct {
	ID, Leader int32
	Replicas   []Replica
}

// Replica is one copy of a partition.
type Replica struct {
	Broker         int32
	Leader, InSync bool
}

// NoPartitionError is a partition that an existing topic does not have.
type NoPartitionError struct {
	Topic     string
	Partition int32
}

// Error returns the text of the bridge contract, 1.7.
func (e *NoPartitionError) Error() string {
	return fmt.Sprintf("Topic '%s' does not have partition with id %d", e.Topic, e.Partition)
}

// New opens a client; it connects at the first use. transport carries dialer and SASL. The error is the client
// library's refusal of its options.
func New(cfg kafka.Config, transport []kgo.Opt) (*Admin, error) {
	client, err := kgo.NewClient(append(cfg.Options(), transport...)...)
	if err != nil {
		return nil, err
	}
	return &Admin{cfg: cfg, client: client, asker: brokers.New(client)}, nil
}

// Close ends all calls that are under way.
func (a *Admin) Close() {
	a.closed.Store(true)
	a.client.Close()
}

// Ping reports whether any broker answers.
func (a *Admin) Ping(ctx context.Context) error {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	_, err := ask(ctx, a, "listNodes", kafka.Subject{}, func(ctx context.Context, _ kmsg.Requestor) (any, error) {
		return nil, a.client.Ping(ctx)
	})
	return err
}

// Topics returns the names of all topics that the principal may see, but for Kafka's internal ones, sorted.
func (a *Admin) Topics(ctx context.Context) ([]string, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest() // no list of topics: all of them
	resp, err := ask(ctx, a, "listTopics", kafka.Subject{}, req.RequestWith)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(resp.Topics))
	for i := range resp.Topics {
		if t := &resp.Topics[i]; t.Topic != nil && !t.IsInternal {
			names = append(names, *t.Topic)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Topic describes a topic. An unknown one is an error of KindUnknownTopic.
func (a *Admin) Topic(ctx context.Context, name string) (Topic, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	t := Topic{Name: name}
	var group sync.WaitGroup
	var configErr error
	group.Go(func() { t.Configs, configErr = a.configs(ctx, name) })
	partitions, err := a.partitions(ctx, name)
	group.Wait()
	if err == nil {
		err = configErr
	}
	if err != nil {
		return Topic{}, err
	}
	t.Partitions = partitions
	return t, nil
}

// Partitions returns the partitions of a topic. An unknown one is an error of KindUnknownTopic.
func (a *Admin) Partitions(ctx context.Context, topic string) ([]Partition, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	return a.partitions(ctx, topic)
}

// Offsets returns the offset of the first record of a partition and the one that its next record will have. A
// partition that the topic does not have is a *NoPartitionError.
func (a *Admin) Offsets(ctx context.Context, topic string, partition int32) (begin, end int64, err error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	for backoff := max(a.cfg.RetryBackoff, least); ; backoff = min(2*backoff, max(a.cfg.RetryBackoffMax, least)) {
		begin, end, err = a.offsets(ctx, topic, partition)
		if !moved(err) || !sleep(ctx, backoff) {
			return begin, end, err
		}
	}
}

// least is the shortest pause between two attempts, however small retry.backoff.ms is.
const least = 10 * time.Millisecond

// moved reports whether a partition was not where the metadata said, so that they have to be asked for again.
func moved(err error) bool {
	return errors.Is(err, kerr.NotLeaderForPartition) || errors.Is(err, kerr.LeaderNotAvailable) ||
		errors.Is(err, kerr.FencedLeaderEpoch) || errors.Is(err, kerr.UnknownLeaderEpoch)
}

// sleep waits, and reports false if ctx has ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// offsets asks the leader of a partition, as the metadata of this moment name it, for both ends.
func (a *Admin) offsets(ctx context.Context, topic string, partition int32) (begin, end int64, err error) {
	const latest, earliest = -1, -2
	partitions, err := a.partitions(ctx, topic)
	if err != nil {
		return 0, 0, err
	}
	at := slices.IndexFunc(partitions, func(p Partition) bool { return p.ID == partition })
	if at < 0 {
		return 0, 0, &NoPartitionError{Topic: topic, Partition: partition}
	}
	leader := partitions[at].Leader
	if leader < 0 {
		return 0, 0, a.describe(ctx, listOffsets, kerr.LeaderNotAvailable, kafka.Subject{})
	}
	var group sync.WaitGroup
	var endErr error
	group.Go(func() { end, endErr = a.offset(ctx, leader, topic, partition, latest) })
	begin, err = a.offset(ctx, leader, topic, partition, earliest)
	group.Wait()
	if err = cmp.Or(err, endErr); err != nil {
		return 0, 0, err
	}
	return begin, end, nil
}

// CreateTopic creates a topic; nil leaves a number to the broker. An existing one is an error of KindTopicExists.
func (a *Admin) CreateTopic(ctx context.Context, name string, partitions *int32, replication *int16) error {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, -1, -1
	if partitions != nil {
		topic.NumPartitions = *partitions
	}
	if replication != nil {
		topic.ReplicationFactor = *replication
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	req.TimeoutMillis = int32(a.cfg.RequestTimeout.Milliseconds())
	subject := kafka.Subject{Topic: name, Partition: -1}
	resp, err := ask(ctx, a, "createTopics", subject, req.RequestWith)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return a.describe(ctx, "createTopics", kerr.UnknownServerError, subject)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		subject.Message = text(resp.Topics[0].ErrorMessage)
		return a.describe(ctx, "createTopics", err, subject)
	}
	return nil
}

// partitions asks for the metadata of one topic.
func (a *Admin) partitions(ctx context.Context, name string) ([]Partition, error) {
	const call = "describeTopics"
	subject := kafka.Subject{} // in Java, descriptions are refused without the topic's name
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	resp, err := ask(ctx, a, call, subject, req.RequestWith)
	if err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 {
		return nil, a.describe(ctx, call, kerr.UnknownTopicOrPartition, subject)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return nil, a.describe(ctx, call, err, subject)
	}
	found := resp.Topics[0].Partitions
	partitions := make([]Partition, len(found))
	for i := range found {
		partitions[i] = partition(&found[i])
	}
	slices.SortFunc(partitions, func(x, y Partition) int { return int(x.ID - y.ID) })
	return partitions, nil
}

// partition turns the metadata of one partition into a Partition. Its error code says no more than that it has no
// leader now.
func partition(m *kmsg.MetadataResponseTopicPartition) Partition {
	p := Partition{ID: m.Partition, Leader: m.Leader, Replicas: make([]Replica, len(m.Replicas))}
	if m.ErrorCode == kerr.LeaderNotAvailable.Code || p.Leader < 0 {
		p.Leader = -1
	}
	for i, broker := range m.Replicas {
		p.Replicas[i] = Replica{Broker: broker, Leader: broker == p.Leader, InSync: slices.Contains(m.ISR, broker)}
	}
	return p
}

// configs asks for every effective configuration entry of a topic.
func (a *Admin) configs(ctx context.Context, name string) ([]Config, error) {
	const call = "describeConfigs"
	subject := kafka.Subject{} // as above
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, name
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	resp, err := ask(ctx, a, call, subject, req.RequestWith)
	if err != nil {
		return nil, err
	}
	if len(resp.Resources) != 1 {
		return nil, a.describe(ctx, call, kerr.UnknownServerError, subject)
	}
	found := &resp.Resources[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		subject.Message = text(found.ErrorMessage)
		return nil, a.describe(ctx, call, err, subject)
	}
	configs := make([]Config, len(found.Configs))
	for i := range found.Configs {
		c := &found.Configs[i]
		configs[i] = Config{Name: c.Name, Value: c.Value}
		if c.IsSensitive {
			configs[i].Value = nil
		}
	}
	slices.SortFunc(configs, func(x, y Config) int { return strings.Compare(x.Name, y.Name) })
	return configs, nil
}

// listOffsets is what the Java client calls the question for offsets.
const listOffsets = "listOffsets"

// offset asks the leader of a partition for the offset at a timestamp.
func (a *Admin) offset(ctx context.Context, leader int32, topic string, partition int32, timestamp int64) (int64, error) {
	const call = listOffsets
	subject := kafka.Subject{} // as above
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, timestamp
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req := kmsg.NewPtrListOffsetsRequest()
	req.Topics = append(req.Topics, t)
	resp, err := ask(ctx, a, call, subject, func(ctx context.Context, _ kmsg.Requestor) (*kmsg.ListOffsetsResponse, error) {
		return req.RequestWith(ctx, toBroker{a.client.Broker(int(leader))})
	})
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, a.describe(ctx, call, kerr.UnknownServerError, subject)
	}
	found := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, a.describe(ctx, call, err, subject)
	}
	return found.Offset, nil
}

// bound limits a call to default.api.timeout.ms.
func (a *Admin) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.cfg.DefaultAPITimeout)
}

// ask sends a request, again and again while no broker can be reached and there is time: the library gives up on the
// first round of refused connections. Its error, unless nil, is a *kafka.Error.
func ask[R any](
	ctx context.Context, a *Admin, call string, s kafka.Subject, send func(context.Context, kmsg.Requestor) (R, error),
) (R, error) {
	for backoff := max(a.cfg.RetryBackoff, least); ; backoff = min(2*backoff, max(a.cfg.RetryBackoffMax, least)) {
		resp, err := send(ctx, a.asker)
		if err == nil {
			return resp, nil
		}
		described := a.describe(ctx, call, err, s)
		if described.Kind != kafka.KindTimeout || ctx.Err() != nil {
			return resp, described
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
	}
}

// describe names a failure. A call whose time was over before any broker answered gets the text of the Java client.
func (a *Admin) describe(ctx context.Context, call string, err error, s kafka.Subject) *kafka.Error {
	var code *kerr.Error
	switch {
	case errors.As(err, &code):
	case a.closed.Load():
		err = kgo.ErrClientClosed
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &kafka.Error{
			Class:   "org.apache.kafka.common.errors.TimeoutException",
			Message: "Timed out waiting for a node assignment. Call: " + call,
			Kind:    kafka.KindTimeout,
			Cause:   err,
		}
	}
	return kafka.Describe(err, s)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// toBroker sends requests to one broker and returns with their context at the latest.
type toBroker struct{ broker *kgo.Broker }

// Request implements kmsg.Requestor.
func (b toBroker) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return brokers.Bounded(ctx, func() (kmsg.Response, error) { return b.broker.Request(ctx, req) })
}
