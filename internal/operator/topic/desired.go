package topic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// maxName is the longest name of a topic in bytes, since Kafka makes directories of it.
const maxName = 249

// Desired returns what a resource wants. The error is a Problem with ReasonInvalid that names the field; only a change of the
// resource helps.
func Desired(cr *v1.KafkaTopic) (Topic, []Warning, error) {
	t := Topic{Name: Name(cr), Partitions: Default, Replicas: Default, Config: make(map[string]string, len(cr.Spec.Config))}
	if err := checkName(cr); err != nil {
		return Topic{}, nil, err
	}
	if p := cr.Spec.Partitions; p != nil && *p != Default {
		if t.Partitions = *p; t.Partitions < 1 {
			return Topic{}, nil, invalid("spec.partitions: %d is not possible: give 1 or more, or leave it out for the brokers' default", *p)
		}
	}
	if r := cr.Spec.Replicas; r != nil && *r != Default {
		if t.Replicas = *r; t.Replicas < 1 || t.Replicas > 32767 {
			return Topic{}, nil, invalid("spec.replicas: %d is not possible: give 1 to 32767, or leave it out for the brokers' default", *r)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(cr.Spec.Config)) {
		if key == "" || key != strings.TrimSpace(key) {
			return Topic{}, nil, invalid("spec.config: the key %q is empty or has blanks around it: write it without", clip(key))
		}
		text, err := model.ValueText(cr.Spec.Config[key].Raw)
		if err != nil {
			return Topic{}, nil, invalid("spec.config.%s: %v", key, err)
		}
		t.Config[key] = text
	}
	return t, odd(t), nil
}

func invalid(format string, args ...any) Problem {
	return Problem{Reason: ReasonInvalid, Message: fmt.Sprintf(format, args...)}
}

// Name returns the name of the topic that a resource speaks of.
func Name(cr *v1.KafkaTopic) string { return cmp.Or(cr.Spec.TopicName, cr.Name) }

// checkName holds the name to Kafka's rules (org.apache.kafka.common.internals.Topic).
func checkName(cr *v1.KafkaTopic) error {
	field, name := "spec.topicName", cr.Spec.TopicName
	if name == "" {
		field, name = "metadata.name", cr.Name
	}
	bad := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
	switch {
	case name == "":
		return invalid("spec.topicName: the topic has no name")
	case name == "." || name == "..":
		return invalid("%s: no topic can be called %q: give it another name", field, name)
	case len(name) > maxName:
		return invalid("%s: the name has %d characters, a topic's at most %d: give a shorter one in spec.topicName", field, len(name), maxName)
	case bad >= 0:
		return invalid("%s: %q has a character that is not one of a-z A-Z 0-9 . _ -", field, clip(name))
	}
	return nil
}

// odd finds what Kafka takes and nobody wants.
func odd(t Topic) (warnings []Warning) {
	warn := func(format string, args ...any) {
		warnings = append(warnings, Warning{ReasonInvalidConfig, fmt.Sprintf(format, args...)})
	}
	const minISR = "min.insync.replicas"
	if n, err := strconv.ParseInt(strings.TrimSpace(t.Config[minISR]), 10, 32); err == nil && t.Replicas != Default && n > int64(t.Replicas) {
		warn("spec.config.%s: %d in-sync replicas are more than the %d of spec.replicas: nothing can be written with acks=all", minISR, n, t.Replicas)
	}
	for _, key := range []string{FollowerThrottle, LeaderThrottle} {
		if _, set := t.Config[key]; set {
			warn("spec.config.%s: what moves partitions writes this setting too; it is not applied while replicas of this topic move", key)
		}
	}
	return warnings
}

// Alterable says which settings of topics may be changed: STRIMZI_ALTERABLE_TOPIC_CONFIG of the reference operator, for
// Kafka services that refuse the others. The zero value is all.
type Alterable struct {
	limited bool
	keys    map[string]bool
}

// ParseAlterable reads ALL, NONE or a list of keys with commas. An empty text is ALL.
func ParseAlterable(text string) (Alterable, error) {
	switch text = strings.TrimSpace(text); text {
	case "", "ALL":
		return Alterable{}, nil
	case "NONE":
		return Alterable{limited: true}, nil
	}
	a := Alterable{limited: true, keys: map[string]bool{}}
	for key := range strings.SplitSeq(text, ",") {
		if key = strings.TrimSpace(key); key == "" || key == "ALL" || key == "NONE" || strings.ContainsAny(key, " \t\n") {
			return Alterable{}, fmt.Errorf("%q is not ALL, NONE or a list of settings such as cleanup.policy,retention.ms", clip(text))
		}
		a.keys[key] = true
	}
	return a, nil
}

func (a Alterable) allows(key string) bool { return !a.limited || a.keys[key] }
