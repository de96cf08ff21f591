package kafkaadmin_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// answerConfigs answers for topics with a min.insync.replicas, or with a code for one of them.
func answerConfigs(c *kafkatest.Cluster, least map[string]string, failing string, code int16) {
	c.Rewrite(kmsg.DescribeConfigs, func(resp kmsg.Response) {
		answer, ok := resp.(*kmsg.DescribeConfigsResponse)
		if !ok {
			return
		}
		for i := range answer.Resources {
			r := &answer.Resources[i]
			r.Configs = nil
			if r.ResourceName == failing {
				r.ErrorCode = code
			} else if value, there := least[r.ResourceName]; there {
				config := kmsg.NewDescribeConfigsResponseResourceConfig()
				config.Name, config.Value = "min.insync.replicas", &value
				r.Configs = append(r.Configs, config)
			}
		}
	})
}

// Partitions are those of all topics with the least number in sync of each; a topic that goes meanwhile is left out.
func TestPartitions(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{Items: 1}, kafkatest.Brokers(3), kafkatest.Topic("orders", 2), kafkatest.Topic("going", 1), kafkatest.Topic("users", 1))
	answerConfigs(c, map[string]string{"orders": "2", "users": "1"}, "going", kerr.UnknownTopicOrPartition.Code)
	all, err := a.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]int)
	for _, p := range all {
		if p.Leader == roll.None || len(p.Replicas) == 0 || len(p.ISR) == 0 {
			t.Errorf("%+v", p)
		}
		got[p.Topic] = append(got[p.Topic], p.MinISR)
	}
	if diff := cmp.Diff(map[string][]int{"orders": {2, 2}, "users": {1}}, got); diff != "" {
		t.Error(diff)
	}
}

// Who judges by partitions must not miss any: what can't be read of one topic is an error of all.
func TestPartitionsFail(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{Items: 1}, kafkatest.Topic("orders", 1), kafkatest.Topic("users", 1))
	answerConfigs(c, map[string]string{"orders": "2"}, "users", kerr.TopicAuthorizationFailed.Code)
	var failed *kafkaadmin.Error
	if all, err := a.Partitions(t.Context()); !errors.As(err, &failed) || !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("%v %v", all, err)
	}
}

func TestPartitionsWithoutAnswer(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}, kafkatest.Topic("orders", 1))
	answerConfigs(c, nil, "", 0)
	if all, err := a.Partitions(t.Context()); err == nil {
		t.Errorf("%v", all)
	}
}

// Default quotas are read back as they were set, and taken away.
func TestDefaultQuotas(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{})
	read := func() map[string]float64 {
		t.Helper()
		quotas, err := a.DefaultQuotas(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return quotas
	}
	if q := read(); len(q) != 0 {
		t.Fatal(q)
	}
	want := map[string]float64{"producer_byte_rate": 1000, "request_percentage": 12.5}
	if err := a.SetDefaultQuotas(t.Context(), want, nil); err != nil {
		t.Fatal(err)
	}
	if q := read(); !maps.Equal(want, q) {
		t.Fatal(q)
	}
	if err := a.SetDefaultQuotas(t.Context(), nil, slices.Sorted(maps.Keys(want))); err != nil {
		t.Fatal(err)
	}
	if q := read(); len(q) != 0 {
		t.Fatal(q)
	}
}

// A refusal names what was tried.
func TestDefaultQuotasRefused(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{})
	c.Rewrite(kmsg.AlterClientQuotas, func(resp kmsg.Response) {
		if answer, ok := resp.(*kmsg.AlterClientQuotasResponse); ok {
			for i := range answer.Entries {
				answer.Entries[i].ErrorCode = kerr.InvalidRequest.Code
			}
		}
	})
	err := a.SetDefaultQuotas(t.Context(), map[string]float64{"producer_byte_rate": 1}, nil)
	if !errors.Is(err, kerr.InvalidRequest) {
		t.Error(err)
	}
}

// What is from the broker's file is told from what was set at run time.
func TestBrokerConfigSources(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{})
	sources := []kmsg.ConfigSource{kmsg.ConfigSourceStaticBrokerConfig, kmsg.ConfigSourceDynamicBrokerConfig, kmsg.ConfigSourceDefaultConfig}
	c.Rewrite(kmsg.DescribeConfigs, func(resp kmsg.Response) {
		answer, ok := resp.(*kmsg.DescribeConfigsResponse)
		if !ok {
			return
		}
		for i := range answer.Resources {
			answer.Resources[i].Configs = nil
			for _, source := range sources {
				config := kmsg.NewDescribeConfigsResponseResourceConfig()
				config.Name, config.Source = source.String(), source
				answer.Resources[i].Configs = append(answer.Resources[i].Configs, config)
			}
		}
	})
	got, err := a.BrokerConfigs(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]kafkaadmin.BrokerConfig{sources[0].String(): {Static: true}, sources[1].String(): {Dynamic: true, Own: true}, sources[2].String(): {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
