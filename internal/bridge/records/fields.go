package records

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// Members of a record, as bits of the set of those that were seen.
const (
	fieldKey = 1 << iota
	fieldValue
	fieldPartition
	fieldTimestamp
	fieldHeaders
)

// fields is one record of a body as it stands there.
type fields struct {
	seen       int
	key, value content
	partition  int32
	timestamp  int64 // milliseconds
	headers    []kgo.RecordHeader
}

// content is a key or a value as it stands in the body.
type content struct {
	raw    []byte
	normal bool // raw is its own normal form
}

// member reads one member of a record. A repeated one replaces the earlier.
func (d *decoder) member(f *fields, name []byte) bool {
	field, ok := d.field(name)
	if !ok {
		return false
	}
	f.seen |= field
	switch field {
	case fieldKey:
		return d.content(&f.key) && rawjson.KindOf(f.key.raw) != rawjson.Null
	case fieldValue:
		return d.content(&f.value)
	case fieldPartition:
		n, ok := d.integer(32)
		f.partition = int32(n)
		return ok
	case fieldTimestamp:
		f.timestamp, ok = d.integer(64)
		return ok
	default:
		return d.headerList(f)
	}
}

// field returns the bit of a member; ok is false for those that a record may
// not have.
func (d *decoder) field(name []byte) (field int, ok bool) {
	switch string(name) {
	case "value":
		return fieldValue, true
	case "key":
		return fieldKey, true
	case "headers":
		return fieldHeaders, true
	case "partition":
		return fieldPartition, !d.options.ToPartition
	case "timestamp":
		return fieldTimestamp, !d.options.ToPartition
	default:
		return 0, false
	}
}

// content reads what a key or a value may be: an array, an object, a string,
// or null.
func (d *decoder) content(c *content) bool {
	switch d.cursor.Kind() {
	case rawjson.Array, rawjson.Object, rawjson.String, rawjson.Null:
		c.raw, c.normal = d.cursor.Value()
		return c.raw != nil
	default:
		return false
	}
}

// integer reads an integer literal of at most the given bits.
func (d *decoder) integer(bits int) (int64, bool) {
	raw, _ := d.cursor.Value()
	n, err := strconv.ParseInt(string(raw), 10, bits)
	return n, err == nil
}

// headerList reads a record's headers to the end of the shared list.
func (d *decoder) headerList(f *fields) bool {
	if !d.cursor.OpenArray() {
		return false
	}
	count := 0
	for d.cursor.Element() {
		h, ok := d.header()
		if !ok {
			return false
		}
		if len(d.headers) == cap(d.headers) {
			d.moreHeaders(count)
		}
		d.headers = append(d.headers, h)
		count++
	}
	end := len(d.headers)
	f.headers = d.headers[end-count : end : end]
	return true
}

// moreHeaders reserves room for headers, moving the last count of them there:
// those of the record that is being read. It reserves for a few at first, then
// for as many as there will be if the body goes on as it began; at least for as
// many as it moves, so that moving stays cheap in a record of very many.
func (d *decoder) moreHeaders(count int) {
	const few = 4
	n := len(d.headers)
	read := d.size - d.left()
	guess := max(few, n, n*d.left()/max(1, read))
	grown := make([]kgo.RecordHeader, count, count+max(count, min(guess+few, slab)))
	copy(grown, d.headers[n-count:])
	d.headers = grown
}

// header reads {"key":…,"value":…} and whatever else is in there. The value is
// base64 in every format.
func (d *decoder) header() (h kgo.RecordHeader, ok bool) {
	if !d.cursor.OpenObject() {
		return h, false
	}
	var key, value []byte
	for name, ok := d.cursor.Member(); ok; name, ok = d.cursor.Member() {
		raw, _ := d.cursor.Value()
		target := &value
		switch string(name) {
		case "key":
			target = &key
		case "value":
		default:
			// An escape could hide one of the two names.
			if raw == nil || hasEscape(name) {
				return h, false
			}
			continue
		}
		if rawjson.KindOf(raw) != rawjson.String {
			return h, false
		}
		*target = raw
	}
	if key == nil || value == nil {
		return h, false
	}
	h.Key = d.headerKey(key)
	h.Value, ok = d.headerValue(value)
	return h, ok
}

// headerKey returns a header's name. The headers of a request mostly have the
// same few names, so it looks for a string that is there already.
func (d *decoder) headerKey(raw []byte) string {
	const lookBack = 8
	key := d.memory.text(raw, d.left())
	for _, h := range d.headers[max(0, len(d.headers)-lookBack):] {
		if h.Key == string(key) {
			return h.Key
		}
	}
	return string(key)
}

// headerValue decodes base64 as strictly as the schema wants it: with padding,
// and not empty.
func (d *decoder) headerValue(raw []byte) ([]byte, bool) {
	text := d.memory.text(raw, d.left())
	if len(text) == 0 || len(text)%4 != 0 {
		return nil, false
	}
	decoded, err := d.memory.base64(text, d.left())
	return decoded, err == nil
}

// left returns how many bytes of the body are still to be read.
func (d *decoder) left() int { return d.size - max(0, d.cursor.Offset()) }

// maxTimestamp is the latest timestamp that the Kafka client can carry, in
// milliseconds: it counts in nanoseconds. That is in the year 2262.
const maxTimestamp = math.MaxInt64 / int64(time.Millisecond)

// lateTimestamp refuses what the client would turn into another time. With
// upstream it is the broker that refuses it, unless configured not to.
func lateTimestamp(ms int64) *wire.Error {
	return wire.Unprocessable(fmt.Sprintf(
		"Invalid timestamp: %d. Timestamp should be at most %d.", ms, maxTimestamp))
}

// convert fills in the record. The order of the checks is upstream's: the
// converter's first, then those of Kafka's ProducerRecord. ok is false for what
// only a text in normal form can decide.
func (d *decoder) convert(f *fields, r *kgo.Record) (ok bool, failed *wire.Error) {
	r.Partition = f.partition
	r.Headers = f.headers
	if f.seen&fieldKey != 0 {
		if r.Key, ok, failed = d.bytes(f.key, isKey); !ok || failed != nil {
			return ok, failed
		}
	}
	if r.Value, ok, failed = d.bytes(f.value, isValue); !ok || failed != nil {
		return ok, failed
	}
	if f.timestamp < 0 {
		return true, wire.NegativeTimestamp(f.timestamp)
	}
	if f.timestamp > maxTimestamp {
		return true, lateTimestamp(f.timestamp)
	}
	if f.seen&fieldPartition != 0 && f.partition < 0 {
		return true, wire.NegativePartition(f.partition)
	}
	if f.seen&fieldTimestamp != 0 {
		r.Timestamp = time.UnixMilli(f.timestamp)
	}
	return true, nil
}
