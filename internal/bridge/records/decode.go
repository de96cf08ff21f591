// Package records turns produce bodies into Kafka records and Kafka records
// into poll answers, in the three embedded formats of the bridge contract (1.5
// and 1.6): JSON, base64 and text.
//
// A produce body is read once. Keys and values are slices of it wherever their
// bytes are what goes to Kafka; the body must therefore stay untouched until
// the client has let go of the records. A poll answer is planned first, which
// finds its exact length and how many records it can hold, and then appended
// or written.
//
// The package does no I/O of its own (WritePage writes to the writer it is
// given), opens no client and knows no HTTP library.
package records

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/schema"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// NullValue says what "value":null means in the json and text formats. In the
// binary format it is a tombstone always.
type NullValue uint8

const (
	// Upstream keeps the reference bridge's meaning: the four bytes null in the
	// json format, a refusal in the text format.
	Upstream NullValue = iota
	// Tombstone makes it a Kafka record without a value.
	Tombstone
)

// Options are what Decode needs to know beside the body.
type Options struct {
	// ToPartition is true for sends to a partition named by the path, whose
	// records may have neither a partition nor a timestamp of their own.
	ToPartition bool
	// NullValue is the meaning of "value":null.
	NullValue NullValue
	// MaxRecords bounds the records of one body, since a record takes about twelve times the memory of the shortest text
	// that makes one; 0 is no bound.
	MaxRecords int
	// Memory is used for contents that are not slices of the body; nil: fresh memory is.
	Memory *Memory
}

// NoPartition is the partition of a decoded record that named none.
const NoPartition = -1

// Decode reads the body of a send (bridge contract 1.5). The records are in the
// order of the request and have no topic yet; their partition is NoPartition
// and their timestamp zero where the body has none. Keys, values and headers
// are slices of body or of memory shared by the records, which is o.Memory's if
// there is one.
//
// The error is a *wire.Error: 400 when the body is missing, not JSON or
// violates the schema (contract 1.3), 413 for more than MaxRecords, else 422 for
// the first record that can't be converted. No record is returned with an error.
func Decode(format wire.Format, body []byte, o Options) ([]kgo.Record, error) {
	if len(body) == 0 {
		return nil, wire.MissingBody()
	}
	d := newDecoder(format, o)
	if d.read(body) || d.crowded {
		return d.result()
	}
	// Something is unusual. The normal form has no repeated members and one
	// spelling for every name; with what it is now, the schema says what is
	// wrong, or nothing is.
	text, err := rawjson.Normal(body)
	if err != nil {
		return nil, wire.UndecodableBody()
	}
	if list := violations(text, o); len(list) > 0 {
		return nil, wire.SchemaViolation(list)
	}
	d = newDecoder(format, o)
	if !d.read(text) && !d.crowded {
		return nil, wire.UndecodableBody()
	}
	return d.result()
}

// violations lists where a body in normal form violates the request's schema.
func violations(text []byte, o Options) []string {
	s := schema.ProducerRecordList()
	if o.ToPartition {
		s = schema.ProducerRecordToPartitionList()
	}
	list, err := s.Validate(text)
	if err != nil {
		return []string{err.Error()} // not JSON to the schema alone: refused all the same
	}
	return list
}

// decoder reads one body. Its reading methods return false for anything that
// is not plainly right, without saying what it is; the schema does that.
type decoder struct {
	format  wire.Format
	options Options

	cursor  rawjson.Cursor
	size    int // of the body
	records []kgo.Record
	headers []kgo.RecordHeader // of all records, as far as there is room
	memory  arena
	failed  *wire.Error // the first record that can't be converted
	crowded bool        // there are more records than may be; reading stopped there
}

// newDecoder returns a decoder of a body. What an earlier one has put into the same memory is lost.
func newDecoder(format wire.Format, o Options) decoder {
	if o.Memory != nil {
		o.Memory.used = false
	}
	return decoder{format: format, options: o, memory: arena{from: o.Memory}}
}

func (d *decoder) result() ([]kgo.Record, error) {
	switch {
	case d.crowded:
		return nil, wire.TooManyRecords(d.options.MaxRecords)
	case d.failed != nil:
		return nil, d.failed
	}
	return d.records, nil
}

// read reads {"records":[…]}.
func (d *decoder) read(body []byte) bool {
	d.cursor, d.size = rawjson.NewCursor(body), len(body)
	if !d.cursor.OpenObject() {
		return false
	}
	found := false
	for name, ok := d.cursor.Member(); ok; name, ok = d.cursor.Member() {
		if found || string(name) != "records" || !d.list() {
			return false
		}
		found = true
	}
	if !found {
		d.failed = wire.MissingRecords()
	}
	return d.cursor.End() == nil
}

func (d *decoder) list() bool {
	if !d.cursor.OpenArray() {
		return false
	}
	d.records = []kgo.Record{}
	for d.cursor.Element() {
		if d.options.MaxRecords > 0 && len(d.records) == d.options.MaxRecords {
			d.crowded = true
			return false
		}
		if !d.record() {
			return false
		}
	}
	return true // or there was an error, which End reports
}

// record reads one record and converts it, unless an earlier one failed.
func (d *decoder) record() bool {
	f := fields{partition: NoPartition}
	start := d.cursor.Offset()
	if !d.cursor.OpenObject() {
		return false
	}
	for name, ok := d.cursor.Member(); ok; name, ok = d.cursor.Member() {
		if !d.member(&f, name) {
			return false
		}
	}
	end := d.cursor.Offset()
	if end < start || f.seen&fieldValue == 0 {
		return false // end is -1 after a syntax error
	}
	if d.failed != nil {
		return true
	}
	r := d.next(end - start)
	ok, failed := d.convert(&f, r)
	d.failed = failed
	return ok
}

// slab bounds the records or headers that are reserved by a guess. The guess is
// made from what was read so far, so a small record in front of large ones must
// not reserve much memory.
const slab = 4096

// next returns the record to fill. It reserves room for one at first, then for
// as many as the body has if all are as long as the second.
func (d *decoder) next(length int) *kgo.Record {
	n := len(d.records)
	if n == cap(d.records) {
		room := max(1, n)
		if n == 1 {
			room = min(d.size/length+1, slab)
		}
		grown := make([]kgo.Record, n, n+room)
		copy(grown, d.records)
		d.records = grown
	}
	d.records = d.records[:n+1]
	return &d.records[n]
}
