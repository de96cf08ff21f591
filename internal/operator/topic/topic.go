package topic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Default stands for a number that the brokers choose (KIP-464).
const Default = -1

// Settings that say which replicas are throttled (KIP-73).
const (
	LeaderThrottle   = "leader.replication.throttled.replicas"
	FollowerThrottle = "follower.replication.throttled.replicas"
)

// Topic is a topic as it is wanted.
type Topic struct {
	Name string
	// Partitions and Replicas may be Default.
	Partitions, Replicas int32
	// Config are Kafka's settings in the form that it reads.
	Config map[string]string
}

// State is a topic as Kafka has it.
type State struct {
	Name string
	// ID is Kafka's id of it (KIP-516) in its usual form, 22 characters of base64.
	ID string
	// Internal says that the topic is Kafka's own, such as __consumer_offsets.
	Internal bool
	// Partitions are in the order of their numbers, from 0 without a gap.
	Partitions []Partition
	// Config are the settings that stand on the topic itself, not those that it has from the brokers.
	Config map[string]Setting
}

// Partition is a partition as Kafka has it. While replicas move, Replicas holds the old and the new ones.
type Partition struct {
	Replicas, ISR, Adding, Removing []int32
}

// before returns the replicas that the partition had before any move that runs, the preferred leader first.
func (p Partition) before() []int32 { return without(p.Replicas, p.Adding) }

// after returns the replicas that it will have when nothing moves any more.
func (p Partition) after() []int32 { return without(p.Replicas, p.Removing) }

func (p Partition) moving() bool { return len(p.Adding)+len(p.Removing) > 0 }

func without(list, gone []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(list), func(id int32) bool { return slices.Contains(gone, id) })
}

// Setting is a setting of a topic.
type Setting struct {
	Value string
	Type  Type
}

// Type says how Kafka reads a setting.
type Type int8

// The types that matter here: texts of one type that Kafka reads as the same value are no difference.
const (
	TypeText Type = iota // and all that is not known
	TypeBoolean
	TypeInteger
	TypeDouble
	TypeList
)

// Broker is a broker that may hold replicas. Rack is empty if it has none.
type Broker struct {
	ID   int32
	Rack string
}

// Reasons of conditions, by the reference operator's names.
const (
	ReasonKafka        = "KafkaError"
	ReasonNotSupported = "NotSupported"
	ReasonConflict     = "ResourceConflict"
	ReasonInternal     = "InternalError"
	ReasonInvalid      = "InvalidResource"
	// ReasonInvalidConfig is of warnings about spec.config.
	ReasonInvalidConfig = "InvalidConfig"
)

// Problem is a wish that can't be fulfilled. It becomes the condition Ready=False.
type Problem struct {
	Reason  string // one word for programs
	Message string // one line that names the field and what to change
}

// Error returns the message.
func (p Problem) Error() string { return p.Message }

// Warning is something odd about a resource that hinders nothing.
type Warning struct{ Reason, Message string }

// Changes is what has to be done to one topic. What is refused does not hinder the rest.
type Changes struct {
	Name string
	// Create is nil unless the topic has to be made; nothing else is set then.
	Create *Topic
	// Delete says that the topic has to go; nothing else is set then.
	Delete bool
	// Partitions is the new number of partitions, 0 if it stays.
	Partitions int32
	// Set and Reset are settings to put on the topic and to take from it. They come before Move.
	Set   map[string]string
	Reset []string
	// Move is nil unless replicas have to be moved.
	Move *Move
	// Replicas is what status.replicasChange has to say after this.
	Replicas *v1.ReplicasChange
	// Refused are wishes that can't be fulfilled, Warnings what is odd.
	Refused  []Problem
	Warnings []Warning

	session string // of Replicas
}

// Move is a reassignment of partitions, by number.
type Move struct {
	// Assign are the new replicas, the preferred leader first.
	Assign map[int32][]int32
	// Cancel are partitions whose move ends where it began.
	Cancel []int32
	// Rate limits the traffic of the moves in bytes per second and broker, 0 not at all.
	Rate int64
	// Brokers take part in the moves, sorted: where the rate has to be set.
	Brokers []int32
}

// Empty reports whether there is nothing to do in Kafka.
func (c Changes) Empty() bool {
	return c.Create == nil && !c.Delete && c.Partitions == 0 && len(c.Set)+len(c.Reset) == 0 && c.Move == nil
}

// String is one line for logs and dry runs.
func (c Changes) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if c.Create != nil {
		add("create with %s partitions and %s replicas", number(c.Create.Partitions), number(c.Create.Replicas))
		for _, key := range slices.Sorted(maps.Keys(c.Create.Config)) {
			add("%s=%s", key, c.Create.Config[key])
		}
	}
	if c.Delete {
		add("delete")
	}
	if c.Partitions > 0 {
		add("%d partitions", c.Partitions)
	}
	for _, key := range slices.Sorted(maps.Keys(c.Set)) {
		add("%s=%s", key, c.Set[key])
	}
	for _, key := range c.Reset {
		add("reset %s", key)
	}
	if c.Move != nil {
		add("move %d partitions, cancel %d moves", len(c.Move.Assign), len(c.Move.Cancel))
	}
	if len(parts) == 0 {
		add("nothing")
	}
	return c.Name + ": " + strings.Join(parts, ", ")
}

func number(n int32) string {
	if n == Default {
		return "default"
	}
	return fmt.Sprint(n)
}
