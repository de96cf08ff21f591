package model

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

// judge tries the settings on the parsers of the bridge itself. What they warn of is left out, so that a bridge that starts
// with the result has nothing to say; what they refuse is the user's to change. What is known to be wrong already is not
// judged: the parsers would say the same again.
func (b *bridgeBuilder) judge() {
	if b.Err() != nil {
		return
	}
	values := map[string]string{}
	for key, s := range b.settings {
		values[key] = s.value
	}
	config, warned, err := bridgeconfig.Parse([]bridgeconfig.Layer{{Origin: "KafkaBridge", Values: values}})
	for _, f := range warned {
		b.ignored(f.Key, f)
	}
	b.refused(err)
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		b.judgeClient(role, withoutReferences(config.ClientProperties(role)))
	}
	b.plainSecrets()
}

// judgeClient tries the settings of one Kafka client. A finding about a setting of all clients comes three times, and is said
// once.
func (b *bridgeBuilder) judgeClient(role kafka.Role, properties map[string]string) {
	read, found := kafka.Interpret(role, properties)
	for _, f := range found {
		key := "kafka." + string(role) + "." + f.Key
		if _, own := b.settings[key]; !own {
			key = "kafka." + f.Key
		}
		_, given := b.settings[key]
		switch {
		case f.Level != kafka.Warning:
			b.Invalid(b.fieldOf(key), "%s", f.Text)
		case given:
			b.ignored(key, f)
		case f.Key == "delivery.timeout.ms":
			// Nobody set it, and request.timeout.ms asks for more than its default: say so in so many words.
			b.set("kafka."+string(role)+"."+f.Key, decimal(read.Producer.DeliveryTimeout.Milliseconds()), "")
		}
	}
}

// ignored leaves a setting out that would have no effect.
func (b *bridgeBuilder) ignored(key string, f kafka.Finding) {
	field := b.fieldOf(key)
	delete(b.settings, key)
	reason := ReasonNoEffect
	if f.Unknown {
		reason = ReasonUnknownFields
	}
	b.Warn(reason, "%s is left out: %s", field, f.Text)
}

// refused takes the lines of bridgeconfig's error, each of which begins with the key.
func (b *bridgeBuilder) refused(err error) {
	if err == nil {
		return
	}
	lines := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		lines = joined.Unwrap()
	}
	for _, line := range lines {
		key, text, _ := strings.Cut(line.Error(), ": ")
		key, _, _ = strings.Cut(key, " (")
		b.Invalid(b.fieldOf(key), "%s", text)
	}
}

// fieldOf returns the field that a key is from, or would be from if it were there.
func (b *bridgeBuilder) fieldOf(key string) string {
	if s, ok := b.settings[key]; ok && s.field != "" {
		return s.field
	}
	if strings.HasPrefix(key, "kafka.sasl.") {
		return "spec.authentication.config" // what type custom leaves to the user
	}
	return key
}

// reference is what a config provider replaces, and what no judge of values can see through, in the syntax of Kafka's ConfigTransformer.
var reference = regexp.MustCompile(`\$\{[^}]*?:[^}]*?\}`)

// withoutReferences replaces references, which only the bridge can follow, by a text where any will do, and leaves out the
// numbers and choices that stand behind one.
func withoutReferences(properties map[string]string) map[string]string {
	out := maps.Clone(properties)
	for key, value := range properties {
		if !reference.MatchString(value) {
			continue
		}
		out[key] = reference.ReplaceAllString(value, "x")
		known := kafka.Settings(key)
		if len(known) > 0 && !slices.Contains([]string{"string", "password", "class"}, known[0].Type) {
			delete(out, key)
		}
	}
	return out
}

// plainSecrets warns of secrets in free-form maps, which everybody who may read the resource, or a pod, can read. They are
// not repeated.
func (b *bridgeBuilder) plainSecrets() {
	for _, key := range sortedKeys(b.settings) {
		s := b.settings[key]
		if strings.Contains(s.field, ".config.") && bridgeconfig.Secret(key) && isPlain(key, s.value) {
			b.Warn(ReasonPlainSecret, "%s holds a secret that whoever reads the resource or the pod can see: refer to a Secret, as in "+
				"${strimzisecrets:namespace/name:key}", s.field)
		}
	}
}

// isPlain reports whether a value that can be a secret is one. Of a login module only some options are.
func isPlain(key, value string) bool {
	if !strings.HasSuffix(key, "sasl.jaas.config") {
		return value != "" && !reference.MatchString(value)
	}
	module, err := kafka.ParseJAAS(value)
	if err != nil {
		return false
	}
	for name, option := range module.Options {
		if bridgeconfig.Secret(name) && option != "true" && option != "false" && isPlain(name, option) {
			return true
		}
	}
	return false
}

// sortedKeys makes what is found independent of the order in which Go walks through a map.
func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
