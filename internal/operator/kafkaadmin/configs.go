package kafkaadmin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AllBrokers, instead of an id, is the default of all brokers.
const AllBrokers int32 = -1

// BrokerConfig is a setting of a broker.
type BrokerConfig struct {
	// Value is empty if Secret, since brokers don't tell those.
	Value  string
	Secret bool
	// ReadOnly says that it can't be changed while the broker runs.
	ReadOnly bool
	// Dynamic says that it was set at run time, for this broker (Own) or for all; Static that it is from the broker's file.
	Dynamic, Own, Static bool
}

// BrokerConfigs asks one broker for its settings in force, by name; with AllBrokers it is what was set for all at run time.
func (a *Admin) BrokerConfigs(ctx context.Context, id int32) (map[string]BrokerConfig, error) {
	doing := "describe the settings of " + brokerText(id)
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, brokerName(id)
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, r)
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeConfigsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil && len(resp.Resources) != 1 {
		err = failed(doing, errNoAnswer)
	}
	if err == nil {
		err = refused(doing, resp.Resources[0].ErrorCode, resp.Resources[0].ErrorMessage)
	}
	if err != nil {
		return nil, err
	}
	configs := make(map[string]BrokerConfig, len(resp.Resources[0].Configs))
	for _, c := range resp.Resources[0].Configs {
		config := BrokerConfig{
			Secret: c.IsSensitive, ReadOnly: c.ReadOnly, Own: c.Source == kmsg.ConfigSourceDynamicBrokerConfig,
			Dynamic: c.Source == kmsg.ConfigSourceDynamicBrokerConfig || c.Source == kmsg.ConfigSourceDynamicDefaultBrokerConfig,
			Static:  c.Source == kmsg.ConfigSourceStaticBrokerConfig,
		}
		if c.Value != nil {
			config.Value = *c.Value
		}
		configs[c.Name] = config
	}
	return configs, nil
}

// SetBrokerConfigs sets and resets settings of one broker, or the default of all of them, at run time. A broker takes all or
// none of them.
func (a *Admin) SetBrokerConfigs(ctx context.Context, id int32, set map[string]string, reset []string) error {
	doing := "change the settings of " + brokerText(id)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, alteration(kmsg.ConfigResourceTypeBroker, brokerName(id), set, reset))
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.IncrementalAlterConfigsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil && len(resp.Resources) != 1 {
		err = failed(doing, errNoAnswer)
	}
	if err != nil {
		return err
	}
	return refused(doing, resp.Resources[0].ErrorCode, resp.Resources[0].ErrorMessage)
}

func brokerName(id int32) string {
	if id == AllBrokers {
		return ""
	}
	return strconv.Itoa(int(id))
}

func brokerText(id int32) string {
	if id == AllBrokers {
		return "all brokers"
	}
	return fmt.Sprintf("broker %d", id)
}

// The rates of throttled replication, in bytes per second (KIP-73).
const (
	leaderRate   = "leader.replication.throttled.rate"
	followerRate = "follower.replication.throttled.rate"
)

// SetThrottle limits throttled replication of brokers, in bytes per second, 0 not at all, and returns the errors by broker.
func (a *Admin) SetThrottle(ctx context.Context, rates map[int32]int64) map[int32]error {
	failures := map[int32]error{}
	var mu sync.Mutex
	ids := slices.Sorted(maps.Keys(rates))
	single := &Admin{client: a.client, limits: a.limits}
	single.limits.Items = 1
	batches(single, ids, one, func(part []int32) {
		id := part[0]
		set, reset := map[string]string{}, []string{leaderRate, followerRate}
		if rate := strconv.FormatInt(rates[id], 10); rates[id] > 0 {
			set, reset = map[string]string{leaderRate: rate, followerRate: rate}, nil
		}
		if err := a.SetBrokerConfigs(ctx, id, set, reset); err != nil {
			mu.Lock()
			defer mu.Unlock()
			failures[id] = err
		}
	})
	return failures
}

// Throttles returns the rate that was set on each of the brokers at run time; those without one are left out. The rates of
// leaders and followers are the same if SetThrottle set them; else it is the leaders'.
func (a *Admin) Throttles(ctx context.Context, ids []int32) (map[int32]int64, error) {
	rates := map[int32]int64{}
	var failures []error
	var mu sync.Mutex
	single := &Admin{client: a.client, limits: a.limits}
	single.limits.Items = 1
	batches(single, ids, one, func(part []int32) {
		configs, err := a.BrokerConfigs(ctx, part[0])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failures = append(failures, err)
			return
		}
		if c := configs[leaderRate]; c.Dynamic {
			if rate, err := strconv.ParseInt(c.Value, 10, 64); err == nil {
				rates[part[0]] = rate
			}
		}
	})
	if err := errors.Join(failures...); err != nil {
		return nil, failed("describe throttles", err)
	}
	return rates, nil
}
