package kafkaadmin_test

import (
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

func TestCluster(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{}, kafkatest.Brokers(3), kafkatest.Topic("orders", 2))
	c, err := a.Cluster(t.Context())
	if err != nil || c.ID == "" || len(c.Brokers) != 3 || c.Brokers[2].ID != 2 || c.Brokers[0].Port == 0 || c.Brokers[0].Host == "" {
		t.Errorf("%+v %v", c, err)
	}
	dirs, err := a.LogDirs(t.Context(), 1)
	if err != nil || len(dirs) != 1 || dirs[0].Path == "" || dirs[0].Err != nil {
		t.Errorf("%+v %v", dirs, err)
	}
	if f, err := a.Features(t.Context()); err != nil || len(f.Supported) == 0 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestBrokerConfigs(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{}, kafkatest.Brokers(2))
	const key = "log.retention.ms"
	if err := a.SetBrokerConfigs(t.Context(), kafkaadmin.AllBrokers, map[string]string{key: "1000"}, nil); err != nil {
		t.Fatal(err)
	}
	read := func(id int32) kafkaadmin.BrokerConfig {
		t.Helper()
		configs, err := a.BrokerConfigs(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return configs[key]
	}
	for id := range int32(2) {
		if c := read(id); c.Value != "1000" || !c.Dynamic {
			t.Errorf("%d: %+v", id, c)
		}
	}
	if err := a.SetBrokerConfigs(t.Context(), kafkaadmin.AllBrokers, nil, []string{key}); err != nil {
		t.Fatal(err)
	}
	if c := read(1); c.Dynamic {
		t.Errorf("%+v", c)
	}
}

// A broker's refusal names the broker, and a throttle is set and taken away.
func TestThrottle(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}) // one broker, since kfake keeps one set of settings for all
	if failures := a.SetThrottle(t.Context(), map[int32]int64{0: 1000}); len(failures) > 0 {
		t.Fatal(failures)
	}
	rates, err := a.Throttles(t.Context(), []int32{0})
	if want := map[int32]int64{0: 1000}; err != nil || !maps.Equal(rates, want) {
		t.Error(rates, err)
	}
	if failures := a.SetThrottle(t.Context(), map[int32]int64{0: 0}); len(failures) > 0 {
		t.Fatal(failures)
	}
	if rates, err = a.Throttles(t.Context(), []int32{0}); err != nil || len(rates) > 0 {
		t.Error(rates, err)
	}
	defer c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.IncrementalAlterConfigs}, Err: kerr.ClusterAuthorizationFailed, Count: -1}).Remove()
	failures := a.SetThrottle(t.Context(), map[int32]int64{0: 1000})
	check(t, failures[0], "change the settings of broker 0: org.apache.kafka.common.errors.ClusterAuthorizationException: ", false)
	moved := topic.Changes{Name: "orders", Move: &topic.Move{Assign: map[int32][]int32{0: {0}}, Rate: 1000, Brokers: []int32{0}}}
	before := c.Requests(kmsg.AlterPartitionAssignments)
	check(t, a.ApplyTopics(t.Context(), []topic.Changes{moved})["orders"].Err, "change the settings of broker 0: ", false)
	if c.Requests(kmsg.AlterPartitionAssignments) > before {
		t.Error("replicas move without a throttle")
	}
}
