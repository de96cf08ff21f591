package topic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Options is what Diff needs to know besides the topic.
type Options struct {
	// Alterable says which settings may be changed.
	Alterable Alterable
	// Brokers are those that may hold replicas now. Needed for changes of the number of replicas only.
	Brokers []Broker
	// Rate limits the traffic of moves in bytes per second and broker, 0 not at all.
	Rate int64
	// Status is the resource's, as it was read.
	Status v1.KafkaTopicStatus
}

// Diff returns what has to be done so that a topic (nil if there is none) becomes what is wanted. If it is already, the
// Changes are Empty. Refused wishes are: fewer partitions, another topicName, and more replicas than there are brokers.
func Diff(want Topic, have *State, o Options) Changes {
	c := Changes{Name: want.Name}
	if was := o.Status.TopicName; was != "" && was != want.Name {
		c.refuse(ReasonNotSupported, "spec.topicName: the resource is of the topic %s, and a topic can't be renamed: make a resource of its own for %s, or write %s again", was, want.Name, was)
		return c
	}
	if ignored := o.Alterable.ignored(want.Config); len(ignored) > 0 {
		c.Warnings = append(c.Warnings, Warning{ReasonInvalidConfig, "spec.config: the operator may not set " + strings.Join(ignored, ", ") + ": they are left out"})
	}
	if have == nil {
		create := want
		create.Config = maps.Clone(want.Config)
		maps.DeleteFunc(create.Config, func(key, _ string) bool { return !o.Alterable.allows(key) })
		c.Create = &create
		return c
	}
	c.partitions(want, have)
	ended := c.replicas(want, have, o)
	c.config(want, have, o, ended)
	return c
}

// Delete returns the changes that make a topic go.
func Delete(name string) Changes { return Changes{Name: name, Delete: true} }

func (a Alterable) ignored(config map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(config)), a.allows)
}

func (c *Changes) refuse(reason, format string, args ...any) {
	c.Refused = append(c.Refused, Problem{reason, fmt.Sprintf(format, args...)})
}

func (c *Changes) partitions(want Topic, have *State) {
	n := int32(len(have.Partitions))
	switch {
	case want.Partitions == Default || want.Partitions == n:
	case want.Partitions < n:
		c.refuse(ReasonNotSupported, "spec.partitions: the topic has %d partitions and can't have fewer: write %d or more", n, n)
	default:
		c.Partitions = want.Partitions
	}
}

// config finds the settings that differ. ended says that a move of ours is over, so that its throttle has to go.
func (c *Changes) config(want Topic, have *State, o Options, ended bool) {
	busy := !ended && c.Replicas != nil && c.Replicas.State == v1.ReplicasChangeOngoing
	for key, value := range want.Config {
		if now, ok := have.Config[key]; busy && throttle(key) || !o.Alterable.allows(key) || ok && same(now.Type, value, now.Value) {
			continue
		}
		c.set(key, value)
	}
	for _, key := range slices.Sorted(maps.Keys(have.Config)) {
		_, wanted := want.Config[key]
		switch {
		case wanted:
		case throttle(key) && ended, !throttle(key) && o.Alterable.allows(key):
			c.Reset = append(c.Reset, key)
		}
	}
}

func (c *Changes) set(key, value string) {
	if c.Set == nil {
		c.Set = map[string]string{}
	}
	c.Set[key] = value
}

func throttle(key string) bool { return key == LeaderThrottle || key == FollowerThrottle }
