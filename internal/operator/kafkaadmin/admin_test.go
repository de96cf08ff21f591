package kafkaadmin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/topic"
	"github.com/steg-kafka/steg/internal/operator/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start returns an Admin on a cluster of its own.
func start(t *testing.T, limits kafkaadmin.Limits, opts ...kafkatest.Option) (*kafkaadmin.Admin, *kafkatest.Cluster) {
	t.Helper()
	c := kafkatest.Start(t, append([]kafkatest.Option{kafkatest.NoAutoCreate()}, opts...)...)
	return kafkaadmin.New(c.Client(), limits), c
}

func named(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%03d", prefix, i))
	}
	return names
}

// wanted are topics of two partitions with one setting.
func wanted(names []string, retention string) (all []topic.Topic) {
	for _, name := range names {
		all = append(all, topic.Topic{Name: name, Partitions: 2, Replicas: 1, Config: map[string]string{"retention.ms": retention}})
	}
	return all
}

// pass reads, compares and applies; it returns how many topics had changes.
func pass(t *testing.T, a *kafkaadmin.Admin, all []topic.Topic) (changed int) {
	t.Helper()
	names := make([]string, len(all))
	for i, want := range all {
		names[i] = want.Name
	}
	read, err := a.ReadTopics(t.Context(), names)
	if err != nil || len(read.Failed) > 0 {
		t.Fatal(err, read.Failed)
	}
	var changes []topic.Changes
	for _, want := range all {
		if c := topic.Diff(want, read.States[want.Name], topic.Options{Brokers: read.Brokers}); !c.Empty() {
			changes = append(changes, c)
		}
	}
	for name, result := range a.ApplyTopics(t.Context(), changes) {
		if result.Err != nil {
			t.Errorf("%s: %v", name, result.Err)
		}
	}
	return len(changes)
}

// TestTopics creates, changes and deletes topics in bulk: after each step there is nothing to do, and few requests were made.
func TestTopics(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{})
	names := named("orders", 250)
	all := wanted(names, "1000")
	step := func(what string, key kmsg.Key, changed int) {
		t.Helper()
		before := c.Requests(key)
		if got := pass(t, a, all); got != changed {
			t.Errorf("%s: %d topics were changed instead of %d", what, got, changed)
		}
		if requests := c.Requests(key) - before; requests != (changed+99)/100 {
			t.Errorf("%s: %d requests", what, requests)
		}
		if again := pass(t, a, all); again > 0 {
			t.Errorf("%s: %d topics were changed again", what, again)
		}
	}
	step("create", kmsg.CreateTopics, 250)
	for i := range all {
		all[i].Config["retention.ms"] = "2000"
	}
	step("set", kmsg.IncrementalAlterConfigs, 250)
	for i := range all[:120] {
		all[i].Config = nil
	}
	step("reset", kmsg.IncrementalAlterConfigs, 120)
	for i := range all[:30] {
		all[i].Partitions = 3
	}
	step("partitions", kmsg.CreatePartitions, 30)

	var gone []topic.Changes
	for _, name := range append(names, "never-there") {
		gone = append(gone, topic.Delete(name))
	}
	for name, result := range a.ApplyTopics(t.Context(), gone) {
		if result.Err != nil {
			t.Errorf("delete %s: %v", name, result.Err)
		}
	}
	if left, err := a.ReadAllTopics(t.Context()); err != nil || len(left.States) > 0 {
		t.Error(len(left.States), err)
	}
}

// What Kafka made of a creation comes back, so that nobody has to read it again.
func TestCreationIsDescribed(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{}, kafkatest.Brokers(3), kafkatest.DefaultPartitions(4))
	want := topic.Topic{Name: "orders", Partitions: topic.Default, Replicas: topic.Default}
	got := a.ApplyTopics(t.Context(), []topic.Changes{topic.Diff(want, nil, topic.Options{})})["orders"]
	read, err := a.ReadTopics(t.Context(), []string{"orders"})
	if err != nil || got.Err != nil {
		t.Fatal(err, got.Err)
	}
	s := read.States["orders"]
	if got.Partitions != 4 || got.Replicas != 3 || got.ID == "" || got.ID != s.ID || len(got.ID) != 22 {
		t.Errorf("%+v %+v", got, s)
	}
	if len(s.Partitions) != 4 || len(s.Partitions[3].Replicas) != 3 || len(read.Brokers) != 3 {
		t.Errorf("%+v", s)
	}
}

// A failure of one topic is that one's, by its Java name; what came too late is told from the rest.
func TestFailuresAreOnesOwn(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}, kafkatest.Topic("there", 1))
	for _, f := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "refused", Err: kerr.PolicyViolation, Count: -1},
		{Keys: []kmsg.Key{kmsg.IncrementalAlterConfigs}, Topic: "there", Err: kerr.InvalidConfig, Count: -1},
	} {
		t.Cleanup(c.Fake.Fault(f).Remove)
	}
	one := wanted([]string{"refused", "fine", "there"}, "1000")
	changes := []topic.Changes{topic.Diff(one[0], nil, topic.Options{}), topic.Diff(one[1], nil, topic.Options{}), topic.Diff(one[2], nil, topic.Options{})}
	results := a.ApplyTopics(t.Context(), changes)
	if len(results) != 3 || results["fine"].Err != nil {
		t.Errorf("%+v", results)
	}
	check(t, results["refused"].Err, "create the topic: org.apache.kafka.common.errors.PolicyViolationException: ", false)
	check(t, results["there"].Err, "create the topic: org.apache.kafka.common.errors.TopicExistsException: ", true)

	missing := []topic.Changes{{Name: "absent", Partitions: 5, Set: map[string]string{"retention.ms": "1"}}}
	before := c.Requests(kmsg.IncrementalAlterConfigs)
	check(t, a.ApplyTopics(t.Context(), missing)["absent"].Err, "add partitions: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: ", true)
	if c.Requests(kmsg.IncrementalAlterConfigs) != before {
		t.Error("the settings were changed though the partitions could not be")
	}
}

func check(t *testing.T, err error, prefix string, stale bool) {
	t.Helper()
	var e *kafkaadmin.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Error(), prefix) || e.Stale != stale {
		t.Errorf("got %v, want %s (stale: %v)", err, prefix, stale)
	}
}

// A broker that does not answer holds nobody longer than the limit; each topic and user gets the error.
func TestTimeIsBounded(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{Timeout: 300 * time.Millisecond, Items: 10}, kafkatest.SASL())
	if _, err := a.ReadAllTopics(t.Context()); err != nil { // connections are there
		t.Fatal(err)
	}
	c.Hold(kafkatest.AllBrokers)
	var changes []topic.Changes
	var users []user.Changes
	for _, want := range wanted(named("orders", 25), "1") {
		changes = append(changes, topic.Diff(want, nil, topic.Options{}))
		users = append(users, user.Diff(user.User{Name: want.Name, Quotas: map[string]float64{"producer_byte_rate": 1}}, user.State{}, user.Credential{}))
	}
	begin := time.Now()
	results := a.ApplyTopics(t.Context(), changes)
	failures := a.ApplyUsers(t.Context(), users)
	_, err := a.ReadTopics(t.Context(), []string{"x"})
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, c := range changes {
		for _, err := range []error{results[c.Name].Err, failures[c.Name], err} {
			var e *kafka.Error
			if !errors.As(err, &e) || e.Kind != kafka.KindTimeout {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
	}
}

// An ended context ends a call at once.
func TestContextEnds(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Cluster(ctx); err == nil {
		t.Error("no error")
	}
	u := user.Changes{Name: "a", SetPassword: &user.SetPassword{Password: "x", Iterations: 4096}}
	if err := a.ApplyUsers(ctx, []user.Changes{u})["a"]; err == nil || strings.Contains(err.Error(), `"x"`) {
		t.Error(err)
	}
}

// Replicas that move are seen as such, and a move that ended before it was cancelled is no failure.
func TestMoves(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}, kafkatest.Brokers(3), kafkatest.Topic("orders", 2))
	stop := c.Rewrite(kmsg.ListPartitionReassignments, func(r kmsg.Response) {
		p := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
		p.Partition, p.Replicas, p.AddingReplicas, p.RemovingReplicas = 1, []int32{2, 0, 1}, []int32{2}, []int32{1}
		o := kmsg.NewListPartitionReassignmentsResponseTopic()
		o.Topic, o.Partitions = "orders", append(o.Partitions, p)
		r.(*kmsg.ListPartitionReassignmentsResponse).Topics = append(r.(*kmsg.ListPartitionReassignmentsResponse).Topics, o)
	})
	read, err := a.ReadTopics(t.Context(), []string{"orders"})
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if p := read.States["orders"].Partitions; len(p[0].Adding) > 0 || fmt.Sprint(p[1].Replicas, p[1].Adding, p[1].Removing) != "[2 0 1] [2] [1]" {
		t.Errorf("%+v", p)
	}
	changes := []topic.Changes{
		{Name: "orders", Move: &topic.Move{Assign: map[int32][]int32{0: {0, 1}}, Cancel: []int32{1}}},
		{Name: "absent", Move: &topic.Move{Assign: map[int32][]int32{0: {0, 1}}}},
	}
	results := a.ApplyTopics(t.Context(), changes)
	if results["orders"].Err != nil {
		t.Error(results["orders"].Err)
	}
	check(t, results["absent"].Err, "move replicas: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: ", true)
}
