package model

import (
	"slices"
	"strconv"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafka"
)

// clients takes the settings of the three Kafka clients.
func (b *bridgeBuilder) clients() {
	if a := b.spec.AdminClient; a != nil {
		b.client(kafka.Admin, "spec.adminClient.config", a.Config)
	}
	if p := b.spec.Producer; p != nil {
		b.enabled("http.producer.enabled", "spec.producer.enabled", p.Enabled)
		b.client(kafka.Producer, "spec.producer.config", p.Config)
	}
	if c := b.spec.Consumer; c != nil {
		b.enabled("http.consumer.enabled", "spec.consumer.enabled", c.Enabled)
		if c.TimeoutSeconds != nil {
			b.set("http.timeoutSeconds", decimal(*c.TimeoutSeconds), "spec.consumer.timeoutSeconds")
		}
		b.client(kafka.Consumer, "spec.consumer.config", c.Config)
	}
}

// enabled leaves out what the user left out, so that the properties show what was decided and not the defaults.
func (b *bridgeBuilder) enabled(key, field string, value *bool) {
	if value != nil {
		b.set(key, strconv.FormatBool(*value), field)
	}
}

// client passes on what only the operator may not write itself. The list is the reference operator's.
func (b *bridgeBuilder) client(role kafka.Role, field string, config v1.Config) {
	forbidden := []string{"ssl.", "bootstrap.servers", "sasl.", "security."}
	if role == kafka.Consumer {
		forbidden = append(forbidden, "group.id")
	}
	allowed := []string{"ssl.endpoint.identification.algorithm", "ssl.cipher.suites", "ssl.protocol", "ssl.enabled.protocols"}
	for _, e := range b.FreeForm(field, config) {
		if HasPrefix(e.Key, forbidden...) && !slices.Contains(allowed, e.Key) {
			b.Warn(ReasonForbiddenFields, "%s: %s is left out: %s", field, e.Key, insteadOf(e.Key))
			continue
		}
		b.set("kafka."+string(role)+"."+e.Key, e.Value, field+"."+e.Key)
	}
}

// insteadOf says where a forbidden setting is written.
func insteadOf(key string) string {
	switch {
	case HasPrefix(key, "bootstrap.servers"):
		return "it is spec.bootstrapServers"
	case HasPrefix(key, "group.id"):
		return "the group is in the path of a consumer's requests"
	}
	return "it is written from spec.tls and spec.authentication"
}
