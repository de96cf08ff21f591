package consumers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds everything that should simply happen.
const patience = 15 * time.Second

// rig is a registry in front of a cluster.
type rig struct {
	*testing.T
	cluster  *kafkatest.Cluster
	registry *Registry
	props    map[string]string
}

type option func(*Settings, map[string]string)

func set(kv ...string) option {
	return func(_ *Settings, props map[string]string) {
		for i := 0; i < len(kv); i += 2 {
			props[kv[i]] = kv[i+1]
		}
	}
}

func settings(change func(*Settings)) option {
	return func(s *Settings, _ map[string]string) { change(s) }
}

// configure is Settings.Configure over fixed properties.
func configure(props map[string]string) func(map[string]string) (kafka.Config, error) {
	return func(overrides map[string]string) (kafka.Config, error) {
		all := maps.Clone(props)
		maps.Copy(all, overrides)
		cfg, findings := kafka.Interpret(kafka.Consumer, all)
		for _, f := range findings {
			if f.Level == kafka.Invalid {
				return kafka.Config{}, &InvalidError{f.Text}
			}
		}
		return cfg, nil
	}
}

func newRig(t *testing.T, cluster *kafkatest.Cluster, opts ...option) *rig {
	t.Helper()
	props := map[string]string{
		"bootstrap.servers":  cluster.Bootstrap(),
		"auto.offset.reset":  "earliest",
		"session.timeout.ms": "6000",
		// fast rebalances, since a member hears of one by its heartbeat
		"heartbeat.interval.ms": "100",
	}
	s := Settings{
		Transport: func() []kgo.Opt { return nil },
		JoinWait:  5 * time.Second,
		Logger:    slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	}
	for _, o := range opts {
		o(&s, props)
	}
	s.Configure = configure(props)
	r := &rig{T: t, cluster: cluster, registry: New(s), props: props}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.registry.Close(ctx); err != nil {
			t.Error("closing the registry:", err)
		}
	})
	return r
}

// testWriter sends the log to the test.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.Cleanup(cancel)
	return ctx
}

func (r *rig) ok(err error, doing ...any) {
	r.Helper()
	if err != nil {
		r.Fatal(append(doing, err)...)
	}
}

func (r *rig) create(group, name string, overrides ...string) *Instance {
	r.Helper()
	spec := Spec{Group: group, Name: name, Format: "json", Overrides: map[string]string{}}
	for i := 0; i < len(overrides); i += 2 {
		spec.Overrides[overrides[i]] = overrides[i+1]
	}
	i, err := r.registry.Create(spec)
	r.ok(err, "create")
	return i
}

// subscriber creates an instance and subscribes it.
func (r *rig) subscriber(group, name string, topics []string, overrides ...string) *Instance {
	r.Helper()
	i := r.create(group, name, overrides...)
	r.ok(i.Subscribe(r.ctx(), topics), "subscribe")
	return i
}

// produce writes values to a partition.
func (r *rig) produce(topic string, partition int32, values ...string) {
	r.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}
	}
	r.cluster.Produce(records...)
}

// poll polls once and accepts everything.
func (r *rig) poll(i *Instance, timeout time.Duration) []string {
	r.Helper()
	return r.pollSome(i, timeout, 1<<30)
}

// pollSome polls once and accepts the first n; it returns all that came.
func (r *rig) pollSome(i *Instance, timeout time.Duration, n int) []string {
	r.Helper()
	b, err := i.Poll(r.ctx(), timeout)
	r.ok(err, "poll")
	values := strs(b.Records)
	b.Accept(min(n, len(values)))
	return values
}

// read polls until n records came, and fails the test when they don't.
func (r *rig) read(i *Instance, n int) []string {
	r.Helper()
	var values []string
	for end := time.Now().Add(patience); len(values) < n; {
		if time.Now().After(end) {
			r.Fatalf("%d of %d records: %q", len(values), n, values)
		}
		values = append(values, r.poll(i, 500*time.Millisecond)...)
	}
	return values
}

func strs(records []*kgo.Record) []string {
	values := make([]string, len(records))
	for i, rec := range records {
		values[i] = string(rec.Value)
	}
	return values
}

// eventually waits for a condition.
func (r *rig) eventually(what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatal("never: ", what)
		}
	}
}

// assigned waits until an instance has n partitions.
func (r *rig) assigned(i *Instance, n int) {
	r.Helper()
	r.eventually(fmt.Sprintf("%d partitions", n), func() bool { return count(i) == n })
}

func count(i *Instance) int {
	n := 0
	for _, t := range i.Assignment() {
		n += len(t.Partitions)
	}
	return n
}

func (r *rig) equal(got, want []string) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Fatalf("got %q, want %q", got, want)
	}
}

func numbers(from, to int) []string {
	var s []string
	for n := from; n < to; n++ {
		s = append(s, fmt.Sprint(n))
	}
	return s
}

// fails checks class and message of a *kafka.Error.
func (r *rig) fails(err error, class, message string) {
	r.Helper()
	var known *kafka.Error
	if !errors.As(err, &known) {
		r.Fatalf("got %T %v, want a *kafka.Error", err, err)
	}
	if known.Class != class || (message != "" && known.Message != message) {
		r.Fatalf("got %s, want %s: %s", known.Prefixed(), class, message)
	}
}

func tps(topic string, partitions ...int32) []TopicPartition {
	var all []TopicPartition
	for _, p := range partitions {
		all = append(all, TopicPartition{topic, p})
	}
	return all
}

func at(topic string, partition int32, offset int64) []TopicPartitionOffset {
	return []TopicPartitionOffset{{topic, partition, offset}}
}

// committed returns the group's offset of a partition, −1 without one.
func (r *rig) committed(group, topic string, partition int32) int64 {
	if o, ok := r.cluster.Committed(group)[topic][partition]; ok {
		return o
	}
	return -1
}
