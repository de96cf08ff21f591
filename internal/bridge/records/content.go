package records

import (
	"bytes"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// role is what a content is in its record.
type role bool

const (
	isKey   role = false
	isValue role = true
)

// bytes returns what goes to Kafka for a key or a value; nil is a tombstone. ok
// is false when the content can't be brought into normal form on its own.
func (d *decoder) bytes(c content, as role) (b []byte, ok bool, failed *wire.Error) {
	if rawjson.KindOf(c.raw) == rawjson.Null && d.tombstone() {
		return nil, true, nil
	}
	switch d.format {
	case wire.JSON:
		b, err := d.memory.normal(c, d.left())
		return b, err == nil, nil
	case wire.Text:
		b, failed = d.text(c, as)
	default:
		b, failed = d.binary(c, as)
	}
	return b, true, failed
}

func (d *decoder) tombstone() bool {
	return d.format == wire.Binary || d.options.NullValue == Tombstone
}

func (d *decoder) text(c content, as role) ([]byte, *wire.Error) {
	if rawjson.KindOf(c.raw) == rawjson.String {
		return d.memory.text(c.raw, d.left()), nil
	}
	if as == isKey {
		return nil, wire.TextKey()
	}
	return nil, wire.TextValue()
}

// Refusals of the binary format for what is not a string. Upstream sends an
// empty key or value instead.
const (
	binaryKey   = "Because the embedded format is 'binary', the key must be a base64 encoded string"
	binaryValue = "Because the embedded format is 'binary', the value must be a base64 encoded string"
)

func (d *decoder) binary(c content, as role) ([]byte, *wire.Error) {
	if rawjson.KindOf(c.raw) != rawjson.String {
		if as == isKey {
			return nil, wire.Unprocessable(binaryKey)
		}
		return nil, wire.Unprocessable(binaryValue)
	}
	decoded, err := d.memory.base64(d.memory.text(c.raw, d.left()), d.left())
	if err != nil {
		return nil, wire.Unprocessable(err.Error())
	}
	return decoded, nil
}

// hasEscape reports whether a string is not spelled as it reads.
func hasEscape(raw []byte) bool { return bytes.IndexByte(raw, '\\') >= 0 }

// arenaChunk is how much memory an arena takes at once, in bytes, unless less
// of the body is left or more is needed.
const arenaChunk = 256 << 10

// Memory is room for what Decode makes of one body after the other, since fresh
// memory has to be cleared first and collected afterwards. It keeps 256 KiB at
// most. The zero value is ready for use. As the body, it belongs to the records
// of the latest Decode until nothing refers to them any more.
type Memory struct {
	chunk []byte
	used  bool // by the latest Decode
}

// take returns empty memory of at least n bytes: what is kept, if it is large
// enough and free, else new one of the given size.
func (m *Memory) take(n, size int) []byte {
	if m == nil {
		return make([]byte, 0, size)
	}
	if m.used || cap(m.chunk) < n {
		fresh := make([]byte, 0, size)
		if size > arenaChunk || size <= cap(m.chunk) {
			return fresh
		}
		m.chunk = fresh
	}
	m.used = true
	return m.chunk
}

// arena holds the contents of a request that are not slices of its body. Its
// methods are told how many bytes of the body are left, as a hint of what may
// still be needed.
type arena struct {
	free []byte
	from *Memory // nil: none is kept
}

// room returns empty memory of the given capacity. It is taken by keep.
func (a *arena) room(n, left int) []byte {
	if cap(a.free) < n {
		a.free = a.from.take(n, max(n, min(n+left, arenaChunk)))
	}
	return a.free
}

// keep takes the memory that b, which began as room, occupies.
func (a *arena) keep(b []byte) []byte {
	if cap(b) == cap(a.free) { // else b has outgrown it
		a.free = a.free[len(b):len(b)]
	}
	return b[:len(b):len(b)]
}

// normal returns the content in normal form.
func (a *arena) normal(c content, left int) ([]byte, error) {
	if c.normal {
		return c.raw, nil
	}
	b, err := rawjson.AppendRewritten(a.room(len(c.raw), left), c.raw)
	return a.keep(b), err
}

// text returns the characters of a JSON string.
func (a *arena) text(raw []byte, left int) []byte {
	if !hasEscape(raw) {
		return raw[1 : len(raw)-1]
	}
	b, _ := rawjson.AppendUnquoted(a.room(len(raw), left), raw)
	return a.keep(b)
}

// base64 returns what text encodes.
func (a *arena) base64(text []byte, left int) ([]byte, error) {
	if len(text) == 0 {
		return []byte{}, nil
	}
	n := len(text)/4*3 + 3
	b, err := appendBase64(a.room(n, left/4*3), text)
	return a.keep(b), err
}
