package bridgeconfig

import (
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Render returns the texts that Parse reads as this Config: whatever differs from its default. Secrets are in it as they
// are.
func (c Config) Render() map[string]string {
	values := map[string]string{}
	for _, s := range Settings() {
		if v := s.render(c); v != s.Default {
			values[s.Key] = v
		}
	}
	for key, v := range c.kafkaKeys() {
		values[key] = v
	}
	return values
}

// kafkaKeys returns the settings of the Kafka clients with their prefixes.
func (c Config) kafkaKeys() map[string]string {
	keys := map[string]string{}
	for prefix, props := range map[string]map[string]string{
		"kafka.": c.Kafka.Common, "kafka.admin.": c.Kafka.Admin, "kafka.producer.": c.Kafka.Producer, "kafka.consumer.": c.Kafka.Consumer,
	} {
		for name, v := range props {
			keys[prefix+name] = v
		}
	}
	return keys
}

// ClientProperties returns the properties of one client by the Java clients' names: those of all clients with its own
// over them. The map is the caller's.
func (c Config) ClientProperties(role kafka.Role) map[string]string {
	props := map[string]string{}
	maps.Copy(props, c.Kafka.Common)
	if role != "" {
		maps.Copy(props, *c.Kafka.of(role))
	}
	return props
}

// Effective returns every setting with the value that holds and where it comes from: the table's in its order, then
// those of the Kafka clients that are set, sorted. Secrets are masked.
func (c Config) Effective() []Effective {
	var all []Effective
	line := func(key, v string) {
		origin, ok := c.origins[key]
		if !ok {
			origin = "default"
		}
		if v != "" && Secret(key) {
			v = masked
		}
		all = append(all, Effective{Key: key, Value: v, Origin: origin})
	}
	for _, s := range Settings() {
		line(s.Key, s.render(c))
	}
	keys := c.kafkaKeys()
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		line(key, keys[key])
	}
	return all
}

// masked stands for a secret, as in the log of the reference bridge.
const masked = "[hidden]"

// Secret reports whether the value of a key must not be shown. The Java clients say so of their own settings (type
// password); of any other name its words do, unless it ends in a word for something that is not the secret itself, such
// as a location.
func Secret(key string) bool {
	name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, envPrefix), "_", "."))
	if rest, ok := strings.CutPrefix(name, "kafka."); ok {
		_, name = splitRole(rest)
	}
	if known := kafka.Settings(name); len(known) > 0 {
		return known[0].Type == "password"
	}
	if strings.HasPrefix(name, "config.providers.") {
		// An alias may be called secrets; only a provider's parameters can be one.
		_, name, _ = strings.Cut(name, ".param.")
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if slices.Contains([]string{
		"location", "path", "paths", "file", "url", "uri", "class", "type", "algorithm", "ms", "seconds", "enable", "enabled",
	}, last) {
		return false
	}
	for _, word := range []string{"password", "passphrase", "secret", "credential", "token", "jaas", "private"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return last == "key" || last == "assertion"
}
