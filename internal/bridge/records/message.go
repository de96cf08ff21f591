package records

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// NotDecodable is a record whose key or value is not JSON, read by a consumer
// of the json format.
type NotDecodable struct {
	Topic     string
	Partition int32
	Offset    int64
	// Reason names the key or the value and what is wrong with it.
	Reason string
}

// Error returns the text behind the contract's "Failed to decode:" (1.6).
func (e *NotDecodable) Error() string {
	return fmt.Sprintf("the %s, in the record of topic %s, partition %d, offset %d", e.Reason, e.Topic, e.Partition, e.Offset)
}

// AppendMessage appends a record as an element of a poll answer (bridge
// contract 1.6):
//
//	{"topic","key","value","partition","offset","timestamp"[,"headers":[{"key","value"}]]}
//
// with the timestamp in milliseconds, and JSON contents in normal form. The
// error is a *NotDecodable, in the json format only; dst is then returned as it
// was.
func AppendMessage(dst []byte, f wire.Format, r *kgo.Record) ([]byte, error) {
	start := len(dst)
	dst, err := appendContent(appendHead(dst, r), f, r.Key)
	if err != nil {
		return dst[:start], notDecodable(r, "key", err)
	}
	if dst, err = appendContent(append(dst, betweenContents...), f, r.Value); err != nil {
		return dst[:start], notDecodable(r, "value", err)
	}
	return appendTail(dst, r), nil
}

func notDecodable(r *kgo.Record, what string, err error) error {
	return &NotDecodable{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Reason: what + " is not JSON: " + err.Error(),
	}
}

// betweenContents is what stands between the key and the value.
const betweenContents = `,"value":`

// appendHead appends what stands in front of the key.
func appendHead(dst []byte, r *kgo.Record) []byte {
	dst = append(dst, `{"topic":`...)
	dst = rawjson.AppendQuoteString(dst, r.Topic)
	return append(dst, `,"key":`...)
}

// appendTail appends what stands behind the value.
func appendTail(dst []byte, r *kgo.Record) []byte {
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, r.Timestamp.UnixMilli(), 10)
	for i, h := range r.Headers {
		if i == 0 {
			dst = append(dst, `,"headers":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"key":`...)
		dst = rawjson.AppendQuoteString(dst, h.Key)
		dst = appendBinary(append(dst, betweenContents...), h.Value)
		dst = append(dst, '}')
	}
	if len(r.Headers) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

const null = "null"

// appendContent appends a key or a value.
func appendContent(dst []byte, f wire.Format, b []byte) ([]byte, error) {
	switch f {
	case wire.JSON:
		return appendJSON(dst, b)
	case wire.Text:
		if b == nil {
			return append(dst, null...), nil
		}
		return rawjson.AppendQuote(dst, b), nil
	default:
		return appendBinary(dst, b), nil
	}
}

// appendCopied appends a message whose contents are JSON in normal form and nothing else, or empty.
func appendCopied(dst []byte, r *kgo.Record) []byte {
	dst = append(appendHead(dst, r), asCopied(r.Key)...)
	dst = append(append(dst, betweenContents...), asCopied(r.Value)...)
	return appendTail(dst, r)
}

// asCopied returns what a message has for a content that is copied.
func asCopied(b []byte) []byte {
	if len(b) == 0 {
		return []byte(null)
	}
	return b
}

// appendJSON appends the first JSON value in b, null when there is none.
func appendJSON(dst, b []byte) ([]byte, error) {
	value, normal, err := rawjson.Prefix(b)
	switch {
	case err != nil:
		return dst, err
	case value == nil:
		return append(dst, null...), nil
	case normal:
		return append(dst, value...), nil
	default:
		return rawjson.AppendRewritten(dst, value)
	}
}

// appendBinary appends b in base64 with padding, null for nil.
func appendBinary(dst, b []byte) []byte {
	if b == nil {
		return append(dst, null...)
	}
	dst = append(dst, '"')
	dst = encodeBase64(dst, b)
	return append(dst, '"')
}
