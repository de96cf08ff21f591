package topic

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Agreed is what a resource and its topic agree on, in the bidirectional mode. It stands in names.AnnotationAgreed; the
// reference operator kept it in a topic of its own.
type Agreed struct {
	Partitions int32             `json:"partitions"`
	Replicas   int32             `json:"replicas"`
	Config     map[string]string `json:"config,omitempty"`
}

// String returns the annotation's value; keys are sorted.
func (a Agreed) String() string {
	text, err := json.Marshal(a)
	if err != nil {
		return "" // numbers and texts can be written always
	}
	return string(text)
}

// ParseAgreed reads an annotation. An empty text is nil: nothing was agreed yet. So is what can't be read, with an error.
func ParseAgreed(text string) (*Agreed, error) {
	if text == "" {
		return nil, nil
	}
	var a Agreed
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("annotation %s: %w: remove it", names.AnnotationAgreed, err)
	}
	return &a, nil
}

// AgreedOn returns the topic's own values in the form of an agreement.
func AgreedOn(t *State) Agreed {
	a := Agreed{Partitions: int32(len(t.Partitions)), Config: make(map[string]string, len(t.Config))}
	for i, p := range t.Partitions {
		if n := int32(len(p.after())); i == 0 || n < a.Replicas {
			a.Replicas = n
		}
	}
	for key, s := range t.Config {
		if !throttle(key) {
			a.Config[key] = s.Value
		}
	}
	return a
}

// Pairing is what the bidirectional mode does with a resource and a topic, of which either may be missing.
type Pairing int

// The pairings.
const (
	PairNothing        Pairing = iota // neither is there
	PairCreateTopic                   // the topic is new in Kubernetes
	PairCreateResource                // the topic is new in Kafka
	PairDeleteResource                // the topic was deleted in Kafka
	PairMerge                         // both are there
)

// Pair says what to do. agreed tells a new resource from one whose topic was deleted. Deleting the topic of a resource that
// was deleted is the finalizer's work.
func Pair(resource, topic, agreed bool) Pairing {
	switch {
	case resource && topic:
		return PairMerge
	case resource && agreed:
		return PairDeleteResource
	case resource:
		return PairCreateTopic
	case topic:
		return PairCreateResource
	}
	return PairNothing
}

// Merge returns what resource and topic shall both say, given what they last agreed on: who changed something since then is
// right. Without an agreement Kafka is right, as with the reference operator. A value that both changed, to something else
// each, is a Problem that names it; nothing is merged then. Numbers that the resource leaves to the brokers (Default) count
// as unchanged; fewer partitions are refused by Diff. Throttles belong to neither.
func Merge(base *Agreed, want Topic, topic *State) (Agreed, error) {
	have := AgreedOn(topic)
	if base == nil {
		return have, nil
	}
	want.Config = maps.Clone(want.Config)
	maps.DeleteFunc(want.Config, func(key, _ string) bool { return throttle(key) })
	for key, value := range want.Config {
		if now, ok := topic.Config[key]; ok && same(now.Type, value, now.Value) {
			want.Config[key] = now.Value // in Kafka's form, so that forms are no changes
		}
	}
	var m Agreed
	var err error
	if m.Partitions, err = mergeNumber("spec.partitions", base.Partitions, want.Partitions, have.Partitions); err != nil {
		return Agreed{}, err
	}
	if m.Replicas, err = mergeNumber("spec.replicas", base.Replicas, want.Replicas, have.Replicas); err != nil {
		return Agreed{}, err
	}
	m.Config = map[string]string{}
	keys := slices.Concat(slices.Collect(maps.Keys(base.Config)), slices.Collect(maps.Keys(want.Config)), slices.Collect(maps.Keys(have.Config)))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		value, err := merge("spec.config."+key, lookup(base.Config, key), lookup(want.Config, key), lookup(have.Config, key))
		if err != nil {
			return Agreed{}, err
		}
		if value.set {
			m.Config[key] = value.text
		}
	}
	return m, nil
}

// optional is a setting, or that there is none.
type optional struct {
	text string
	set  bool
}

func (o optional) String() string {
	if !o.set {
		return "none"
	}
	return o.text
}

func lookup(config map[string]string, key string) optional {
	text, set := config[key]
	return optional{text, set}
}

func mergeNumber(field string, base, want, have int32) (int32, error) {
	if want == Default {
		want = base
	}
	return merge(field, base, want, have)
}

func merge[T comparable](field string, base, want, have T) (T, error) {
	switch {
	case want == have || want == base:
		return have, nil
	case have == base:
		return want, nil
	}
	return base, Problem{ReasonConflict, fmt.Sprintf(
		"%s: it was %v, the resource says %v now and the topic %v: write the topic's value into the resource, or change the topic back", field, base, want, have)}
}

// Write returns a spec that says what was agreed. What it says already stays as it is written.
func (a Agreed) Write(spec v1.KafkaTopicSpec) v1.KafkaTopicSpec {
	if spec.Partitions == nil || *spec.Partitions != a.Partitions {
		spec.Partitions = &a.Partitions
	}
	if spec.Replicas == nil || *spec.Replicas != a.Replicas {
		spec.Replicas = &a.Replicas
	}
	config := make(v1.Config, len(a.Config))
	for key, value := range a.Config {
		if text, err := model.ValueText(spec.Config[key].Raw); err == nil && text == value {
			config[key] = spec.Config[key]
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			continue // a text can be written always
		}
		config[key] = apiextensionsv1.JSON{Raw: raw}
	}
	for key, value := range spec.Config {
		if throttle(key) {
			config[key] = value
		}
	}
	spec.Config = config
	return spec
}
