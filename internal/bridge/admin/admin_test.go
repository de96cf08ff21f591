package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func cluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, servers []string, timeout string) *Admin {
	t.Helper()
	cfg, _ := kafka.Interpret(kafka.Admin, map[string]string{
		"bootstrap.servers": strings.Join(servers, ","), "default.api.timeout.ms": timeout, "request.timeout.ms": timeout,
		"enable.metrics.push": "false",
	})
	a, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// ready returns a cluster that has topic t with three partitions, and a client of it.
func ready(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *Admin) {
	t.Helper()
	c := cluster(t, append(opts, kfake.SeedTopics(3, "t"))...)
	return c, open(t, c.ListenAddrs(), "10000")
}

// wantError checks kind and text of an error.
func wantError(t *testing.T, err error, kind kafka.Kind, text string) {
	t.Helper()
	var got *kafka.Error
	switch {
	case !errors.As(err, &got):
		t.Errorf("error %v, want %q", err, text)
	case got.Kind != kind || !strings.Contains(got.Prefixed(), text):
		t.Errorf("error of kind %d, %q; want %d, %q", got.Kind, got.Prefixed(), kind, text)
	}
}

const unknown = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition."

func TestTopics(t *testing.T) {
	c, a := ready(t)
	for _, name := range []string{"b", "a", "__mine"} { // the name alone does not make a topic internal
		if err := c.CreateTopic(name, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if req.(*kmsg.MetadataRequest).Topics != nil {
			return nil, nil, false // the client's own
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for _, name := range []string{"t", "b", "a", "__mine", "__consumer_offsets"} {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.IsInternal = &name, name == "__consumer_offsets"
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	got, err := a.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"__mine", "a", "b", "t"}; !slices.Equal(got, want) {
		t.Errorf("topics %v, want %v", got, want)
	}
}

func TestTopicsOfAnEmptyCluster(t *testing.T) {
	a := open(t, cluster(t).ListenAddrs(), "10000")
	if got, err := a.Topics(t.Context()); err != nil || got == nil || len(got) != 0 {
		t.Errorf("topics %#v, error %v", got, err)
	}
}

func TestTopic(t *testing.T) {
	c, a := ready(t)
	one := "86400000"
	if err := c.CreateTopic("configured", 2, map[string]string{"retention.ms": one}); err != nil {
		t.Fatal(err)
	}
	got, err := a.Topic(t.Context(), "configured")
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "configured" || len(got.Partitions) != 2 {
		t.Errorf("topic %+v", got)
	}
	for i, p := range got.Partitions {
		leader := c.LeaderFor("configured", int32(i))
		if p.ID != int32(i) || p.Leader != leader || len(p.Replicas) == 0 {
			t.Errorf("partition %d: %+v, led by %d", i, p, leader)
		}
		for _, r := range p.Replicas {
			if r.Leader != (r.Broker == leader) || !r.InSync {
				t.Errorf("replica %+v of partition %d, led by %d", r, i, leader)
			}
		}
	}
	at := slices.IndexFunc(got.Configs, func(c Config) bool { return c.Name == "retention.ms" })
	if at < 0 || got.Configs[at].Value == nil || *got.Configs[at].Value != one || len(got.Configs) < 5 {
		t.Errorf("%d configs, retention.ms at %d", len(got.Configs), at)
	}
	if !slices.IsSortedFunc(got.Configs, func(x, y Config) int { return strings.Compare(x.Name, y.Name) }) {
		t.Error("configs are not sorted")
	}
}

func TestTopicConfigValues(t *testing.T) {
	c, a := ready(t)
	value, secret := "v", "hidden"
	c.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		resource := kmsg.NewDescribeConfigsResponseResource()
		resource.ResourceName = "t"
		resource.Configs = []kmsg.DescribeConfigsResponseResourceConfig{
			{Name: "set", Value: &value}, {Name: "secret", Value: &secret, IsSensitive: true}, {Name: "null"},
		}
		resp.Resources = append(resp.Resources, resource)
		return resp, nil, true
	})
	got, err := a.Topic(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	want := []Config{{Name: "null"}, {Name: "secret"}, {Name: "set", Value: &value}}
	if diff := cmp.Diff(want, got.Configs); diff != "" {
		t.Error(diff)
	}
}

func TestPartition(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   kmsg.MetadataResponseTopicPartition
		want Partition
	}{
		{
			"led",
			kmsg.MetadataResponseTopicPartition{Partition: 1, Leader: 2, Replicas: []int32{3, 2, 1}, ISR: []int32{2, 3}},
			Partition{1, 2, []Replica{{3, false, true}, {2, true, true}, {1, false, false}}},
		},
		{
			"leaderless",
			kmsg.MetadataResponseTopicPartition{ErrorCode: kerr.LeaderNotAvailable.Code, Leader: -1, Replicas: []int32{1}},
			Partition{0, -1, []Replica{{1, false, false}}},
		},
		{
			"a replica is offline, the leader is not",
			kmsg.MetadataResponseTopicPartition{
				ErrorCode: kerr.ReplicaNotAvailable.Code, Leader: 1, Replicas: []int32{1, 2}, ISR: []int32{1},
			},
			Partition{0, 1, []Replica{{1, true, true}, {2, false, false}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, partition(&tc.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLeaderlessPartition(t *testing.T) {
	c, a := ready(t)
	c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t", Partitions: []int32{1}, Err: kerr.LeaderNotAvailable, Count: -1,
	})
	got, err := a.Partitions(t.Context(), "t")
	if err != nil || len(got) != 3 {
		t.Fatalf("%d partitions, error %v", len(got), err)
	}
	if got[1].Leader != -1 || got[0].Leader < 0 {
		t.Errorf("leaders %d and %d, want the second to be -1", got[0].Leader, got[1].Leader)
	}
}

// TestUnknownTopic also shows that asking for a topic does not create it.
func TestUnknownTopic(t *testing.T) {
	_, a := ready(t, kfake.AllowAutoTopicCreation())
	for name, call := range map[string]func() error{
		"topic":      func() error { _, err := a.Topic(t.Context(), "nope"); return err },
		"partitions": func() error { _, err := a.Partitions(t.Context(), "nope"); return err },
		"offsets":    func() error { _, _, err := a.Offsets(t.Context(), "nope", 0); return err },
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			wantError(t, call(), kafka.KindUnknownTopic, unknown)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	if got, _ := a.Topics(t.Context()); slices.Contains(got, "nope") {
		t.Error("the topic was created")
	}
}

func TestOffsets(t *testing.T) {
	c, a := ready(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 5 {
		r := &kgo.Record{Topic: "t", Partition: 1, Value: []byte("v")}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.DeleteRecords("t", 1, 2); err != nil {
		t.Fatal(err)
	}
	for partition, want := range [][2]int64{{0, 0}, {2, 5}, {0, 0}} {
		begin, end, err := a.Offsets(t.Context(), "t", int32(partition))
		if err != nil || begin != want[0] || end != want[1] {
			t.Errorf("partition %d: %d to %d, error %v; want %v", partition, begin, end, err, want)
		}
	}
	_, _, err = a.Offsets(t.Context(), "t", 3)
	var missing *NoPartitionError
	if !errors.As(err, &missing) || err.Error() != "Topic 't' does not have partition with id 3" {
		t.Errorf("partition 3: %v", err)
	}
}

func TestOffsetsSurviveAMove(t *testing.T) {
	c, a := ready(t)
	if _, _, err := a.Offsets(t.Context(), "t", 0); err != nil {
		t.Fatal(err)
	}
	for i := range int32(3) {
		if err := c.MoveTopicPartition("t", 0, i); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.Offsets(t.Context(), "t", 0); err != nil {
			t.Errorf("after move %d: %v", i, err)
		}
	}
}

func TestCreateTopic(t *testing.T) {
	c, a := ready(t, kfake.DefaultNumPartitions(4))
	two, one := int32(2), int16(1)
	if err := a.CreateTopic(t.Context(), "two", &two, &one); err != nil {
		t.Fatal(err)
	}
	if err := a.CreateTopic(t.Context(), "default", nil, nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"two": 2, "default": 4} {
		if got := len(c.PartitionInfos(name)); got != want {
			t.Errorf("topic %s has %d partitions, want %d", name, got, want)
		}
	}
	err := a.CreateTopic(t.Context(), "two", nil, nil)
	wantError(t, err, kafka.KindTopicExists, "org.apache.kafka.common.errors.TopicExistsException: ")
}

func TestCreateTopicTellsTheBrokersText(t *testing.T) {
	c, a := ready(t)
	said := "Replication factor: 5 larger than available brokers: 3."
	c.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if topic := req.(*kmsg.CreateTopicsRequest).Topics[0]; topic.NumPartitions != -1 || topic.ReplicationFactor != 5 {
			t.Errorf("asked for %d partitions, %d replicas", topic.NumPartitions, topic.ReplicationFactor)
		}
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode, topic.ErrorMessage = "t5", kerr.InvalidReplicationFactor.Code, &said
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	five := int16(5)
	err := a.CreateTopic(t.Context(), "t5", nil, &five)
	if err == nil || err.Error() != said {
		t.Errorf("error %v, want %q", err, said)
	}
}

func TestRefusals(t *testing.T) {
	c, a := ready(t)
	for _, tc := range []struct {
		key  kmsg.Key
		err  *kerr.Error
		kind kafka.Kind
		text string
		call func() error
	}{
		{
			kmsg.Metadata, kerr.TopicAuthorizationFailed, kafka.KindAuthorization, "Topic authorization failed.",
			func() error { _, err := a.Partitions(t.Context(), "t"); return err },
		},
		{
			kmsg.Metadata, kerr.InvalidTopicException, kafka.KindInvalidTopic, "InvalidTopicException",
			func() error { _, err := a.Partitions(t.Context(), "t"); return err },
		},
		{
			kmsg.ListOffsets, kerr.TopicAuthorizationFailed, kafka.KindAuthorization, "Topic authorization failed.",
			func() error { _, _, err := a.Offsets(t.Context(), "t", 0); return err },
		},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			defer c.Fault(kfake.Fault{Keys: []kmsg.Key{tc.key}, Topic: "t", Err: tc.err, Count: -1}).Remove()
			wantError(t, tc.call(), tc.kind, tc.text)
		})
	}
	defer c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "t", Err: kerr.TopicAuthorizationFailed, Count: -1,
	}).Remove()
	_, err := a.Topic(t.Context(), "t")
	wantError(t, err, kafka.KindAuthorization, "Topic authorization failed.")
}

// TestDeadCluster asks everything at once of addresses that nobody listens at.
func TestDeadCluster(t *testing.T) {
	a := open(t, []string{"127.0.0.1:1"}, "400")
	calls := map[string]func() error{
		"listNodes":      func() error { return a.Ping(t.Context()) },
		"listTopics":     func() error { _, err := a.Topics(t.Context()); return err },
		"describeTopics": func() error { _, err := a.Topic(t.Context(), "t"); return err },
		"createTopics":   func() error { return a.CreateTopic(t.Context(), "t", nil, nil) },
	}
	start := time.Now()
	var group sync.WaitGroup
	for name, call := range calls {
		group.Go(func() {
			wantError(t, call(), kafka.KindTimeout,
				"org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: "+name)
		})
	}
	group.Wait()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestClusterComesBack starts a call while nobody listens, and then the broker.
func TestClusterComesBack(t *testing.T) {
	first := cluster(t, kfake.NumBrokers(1))
	port := first.ListenAddrs()[0]
	first.Close()
	a := open(t, []string{port}, "15000")
	done := make(chan error, 1)
	go func() { _, err := a.Topics(t.Context()); done <- err }()
	select {
	case err := <-done:
		t.Fatalf("gave up at once: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	_, number, err := net.SplitHostPort(port)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	cluster(t, kfake.NumBrokers(1), kfake.Ports(n))
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the call hangs")
	}
}

// TestHungBroker shows that a call is bounded when the connection lives and no answer comes, and that another call is
// not held up.
func TestHungBroker(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	a := open(t, c.ListenAddrs(), "500")
	gate := make(chan struct{})
	defer close(gate)
	c.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	done := make(chan error, 1)
	go func() { done <- a.CreateTopic(t.Context(), "late", nil, nil) }()
	if _, err := a.Partitions(t.Context(), "t"); err != nil {
		t.Errorf("beside a call that hangs: %v", err)
	}
	select {
	case err := <-done:
		wantError(t, err, kafka.KindTimeout, "TimeoutException")
	case <-time.After(10 * time.Second):
		t.Fatal("the call hangs")
	}
}

func TestPingAndClose(t *testing.T) {
	_, a := ready(t)
	if err := a.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Ping(ctx); err == nil {
		t.Error("no error after the context has ended")
	}
	a.Close()
	_, err := a.Topics(t.Context())
	wantError(t, err, kafka.KindClosed, "")
}
