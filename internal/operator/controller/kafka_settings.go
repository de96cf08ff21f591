package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// settings are what a broker has, and what of it is not as it should be.
type settings struct {
	have  map[string]kafkaadmin.BrokerConfig
	drift []string
}

// drift names the options, out of those that Kafka changes at run time, whose values aren't those wanted: other values, missing
// ones, and those that nobody wants any more, be they from the broker's file or set at run time. What users may not set is
// somebody else's: the throttles of moves, key stores that steg-node had read again.
func drift(c cluster.Cluster, node *cluster.Node, have map[string]kafkaadmin.BrokerConfig) (options []string) {
	for _, wanted := range []map[string]string{c.ClusterWide, c.PerBroker} {
		for name, value := range wanted {
			now, known := have[name]
			if !known || !now.Secret && !c.Version.Equal(name, value, now.Value) {
				options = append(options, name)
			}
		}
	}
	for name, now := range have {
		if !wantedAnywhere(c, node, name) && leftOver(c.Version, name, now) {
			options = append(options, name)
		}
	}
	slices.Sort(options)
	return options
}

// leftOver tells whether an option that nobody wants has a value from somewhere, and the user could have set it.
func leftOver(v kafkaconf.Version, name string, now kafkaadmin.BrokerConfig) bool {
	option, known := v.Option(name)
	if !known || option.Scope == kafkaconf.ReadOnly || kafkaconf.Forbidden(name) || now.Secret || now.ReadOnly {
		return false
	}
	if strings.HasSuffix(name, ".replication.throttled.rate") || name == "replica.alter.log.dirs.io.max.bytes.per.second" {
		return false // who moves replicas sets and resets them
	}
	return now.Dynamic || now.Static && !v.Equal(name, option.Default, now.Value)
}

func wantedAnywhere(c cluster.Cluster, node *cluster.Node, name string) bool {
	for _, settings := range []map[string]string{c.Shared, c.ListenerConfig, node.Config} {
		if _, ok := settings[name]; ok {
			return true
		}
	}
	return false
}

// wishes are the options of a broker that are to be changed and their values, as one text to compare.
func wishes(c cluster.Cluster, id int32, options []string) string {
	var text strings.Builder
	for _, name := range options {
		value, ok := wish(c, name)
		fmt.Fprintf(&text, "%d %q=%q %t\n", id, name, value, ok)
	}
	return text.String()
}

// wish is the value that an option is to have; ok is false for its default.
func wish(c cluster.Cluster, name string) (value string, ok bool) {
	if value, ok = c.ClusterWide[name]; !ok {
		value, ok = c.PerBroker[name]
	}
	return value, ok
}

// reconfigure changes options of a broker at run time. What it refuses is remembered, and is a reason to restart it.
func (r *kafkas) reconfigure(ctx context.Context, s *scene, c cluster.Cluster, step roll.Step, known map[int32]settings) error {
	id := step.Targets[0].Node
	all, own := changes(c, step.Keys, known[id].have)
	err := r.ask(ctx, s, func(ctx context.Context, b Brokers) error {
		return errors.Join(all.send(ctx, b, kafkaadmin.AllBrokers), own.send(ctx, b, id))
	})
	refused := errors.Is(err, kerr.InvalidConfig) || errors.Is(err, kerr.InvalidRequest) || errors.Is(err, kerr.PolicyViolation)
	if err != nil && !refused {
		return err
	}
	r.memory.of(s.key()).told[id] = told{what: wishes(c, id, step.Keys), at: r.Now(), refused: refused}
	log := r.Log.With("namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "node", id, "options", step.Keys)
	if refused {
		log.Warn("settings refused at run time", "error", err)
		return nil
	}
	log.Info("settings changed at run time")
	return nil
}

// changes are what all brokers and what one broker are told, for options to have the values that are wanted. What holds for the
// whole cluster is set for all; a value of the broker's own that would hide it is taken away.
func changes(c cluster.Cluster, options []string, have map[string]kafkaadmin.BrokerConfig) (all, own change) {
	all.set, own.set = make(map[string]string), make(map[string]string)
	for _, name := range options {
		value, wanted := wish(c, name)
		_, wide := c.ClusterWide[name]
		now := have[name]
		switch {
		case wide:
			all.set[name] = value
		case wanted:
			own.set[name] = value
		case now.Dynamic && !now.Own:
			all.reset = append(all.reset, name)
		}
		if now.Own && (wide || !wanted) {
			own.reset = append(own.reset, name)
		}
	}
	return all, own
}

// change is what a broker, or all of them, are told.
type change struct {
	set   map[string]string
	reset []string
}

func (c change) send(ctx context.Context, b Brokers, id int32) error {
	if len(c.set)+len(c.reset) == 0 {
		return nil
	}
	return b.SetBrokerConfigs(ctx, id, c.set, c.reset)
}
