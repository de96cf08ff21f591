package tracing

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// carrier reads and writes a trace's context in the headers of a record.
type carrier struct{ record *kgo.Record }

// Get returns the last header of a name, as the Java client does; a header without a value is empty.
func (c carrier) Get(key string) string {
	for _, h := range slices.Backward(c.record.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Set replaces all headers of a name. The slice is copied: the headers of a request's records may share one array.
func (c carrier) Set(key, value string) {
	headers := make([]kgo.RecordHeader, 0, len(c.record.Headers)+1)
	for _, h := range c.record.Headers {
		if h.Key != key {
			headers = append(headers, h)
		}
	}
	c.record.Headers = append(headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

// Keys lists the names.
func (c carrier) Keys() []string {
	keys := make([]string, len(c.record.Headers))
	for i, h := range c.record.Headers {
		keys[i] = h.Key
	}
	return keys
}
