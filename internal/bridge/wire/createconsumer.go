package wire

// POST /consumers/{groupid}, create (bridge contract 1.6).
//
//	body     optional, MediaV2, all members optional
//	         {"name","format","auto.offset.reset","fetch.min.bytes",
//	          "consumer.request.timeout.ms","enable.auto.commit","isolation.level"}
//	200      {"instance_id":"<name>","base_uri":"<uri>"}
//	409      ConsumerExists
//	422      InvalidFormat, or the text of Kafka's own check of a value
//	503      ConsumerDisabled
//
// Deviation: the empty name counts as no name. Upstream accepts it, and nothing
// can address such a consumer afterwards.

import (
	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// CreateConsumer is the body of create consumer. A pointer that is nil, or a Has
// that is false, means that the member was absent.
type CreateConsumer struct {
	// Name is the instance's name, never empty if HasName.
	Name    string
	HasName bool
	// Format is the embedded format as sent; EmbeddedFormat judges it.
	Format    string
	HasFormat bool
	// AutoOffsetReset and IsolationLevel are passed to Kafka unjudged.
	AutoOffsetReset, IsolationLevel *string
	EnableAutoCommit                *bool
	// FetchMinBytes and RequestTimeoutMs are number literals as sent. The schema
	// admits integral numbers of any size and spelling (1e2); Kafka's check,
	// which reads strings, words the refusal of those that are no int.
	FetchMinBytes, RequestTimeoutMs *string
}

// DecodeCreateConsumer decodes the body of create consumer; an absent one is the
// zero value. The error is a 400 *Error.
func DecodeCreateConsumer(contentType string, body []byte) (CreateConsumer, error) {
	var c CreateConsumer
	present, err := admit(contentType, body, optional, MediaV2, schema.Consumer())
	if err != nil || !present {
		return c, err
	}
	for name, value := range members(body) {
		c.set(name, value)
	}
	c.HasName = c.Name != ""
	return c, nil
}

// set takes over one member that the schema has admitted.
func (c *CreateConsumer) set(name string, value []byte) {
	switch name {
	case "name":
		c.Name = text(value)
	case "format":
		c.Format, c.HasFormat = text(value), true
	case "auto.offset.reset":
		c.AutoOffsetReset = new(text(value))
	case "isolation.level":
		c.IsolationLevel = new(text(value))
	case "enable.auto.commit":
		c.EnableAutoCommit = new(value[0] == 't')
	case "fetch.min.bytes":
		c.FetchMinBytes = new(string(value))
	case "consumer.request.timeout.ms":
		c.RequestTimeoutMs = new(string(value))
	}
}

// EmbeddedFormat returns the format of the consumer's records, Binary by
// default. The error is the 422 of InvalidFormat.
func (c CreateConsumer) EmbeddedFormat() (Format, error) {
	if !c.HasFormat {
		return Binary, nil
	}
	f, ok := ParseFormat(c.Format)
	if !ok {
		return Binary, InvalidFormat()
	}
	return f, nil
}

// Properties returns what the request sets of the consumer's configuration,
// under the names of the Java client. Absent members are absent here; group.id
// and client.id are not the body's to set.
func (c CreateConsumer) Properties() map[string]string {
	p := map[string]string{}
	put := func(key string, value *string) {
		if value != nil {
			p[key] = *value
		}
	}
	put("auto.offset.reset", c.AutoOffsetReset)
	put("isolation.level", c.IsolationLevel)
	put("fetch.min.bytes", c.FetchMinBytes)
	put("request.timeout.ms", c.RequestTimeoutMs)
	if c.EnableAutoCommit != nil {
		p["enable.auto.commit"] = "false"
		if *c.EnableAutoCommit {
			p["enable.auto.commit"] = "true"
		}
	}
	return p
}

// AppendCreated appends the answer to create consumer.
func AppendCreated(dst []byte, name, baseURI string) []byte {
	dst = append(dst, `{"instance_id":`...)
	dst = rawjson.AppendQuoteString(dst, name)
	dst = append(dst, `,"base_uri":`...)
	dst = rawjson.AppendQuoteString(dst, baseURI)
	return append(dst, '}')
}
