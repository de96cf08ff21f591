package records

import (
	"encoding/base64"
	"math/bits"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// measure finds the lengths of the parts of messages, without appending them.
type measure struct {
	rewritten   []byte // memory for JSON that has to be rewritten to know its length
	topic       string // the last one
	quotedTopic int    // its length, 0 before the first
}

// Constant parts of a message, as appendHead and appendTail append them.
const (
	headLen   = len(`{"topic":`) + len(`,"key":`)
	tailLen   = len(`,"partition":`) + len(`,"offset":`) + len(`,"timestamp":`) + len(`}`)
	headerLen = len(`{"key":`) + len(betweenContents) + len(`}`)
)

// envelope returns the length of a message without its two contents.
func (m *measure) envelope(r *kgo.Record) int64 {
	if m.quotedTopic == 0 || m.topic != r.Topic {
		m.topic, m.quotedTopic = r.Topic, rawjson.QuotedLenString(r.Topic)
	}
	n := headLen + m.quotedTopic + len(betweenContents) + tailLen
	n += digits(int64(r.Partition)) + digits(r.Offset) + digits(r.Timestamp.UnixMilli())
	for i := range r.Headers {
		n += headerLen + rawjson.QuotedLenString(r.Headers[i].Key) + binaryLen(r.Headers[i].Value)
	}
	if len(r.Headers) > 0 {
		n += len(`,"headers":[]`) + len(r.Headers) - 1 // and the commas
	}
	return int64(n)
}

// contents returns the length of a record's key and value in a message, as
// they are with an error, which is a *NotDecodable; and whether they are JSON that is copied.
func (m *measure) contents(f wire.Format, r *kgo.Record) (n int64, copied bool, err error) {
	key, keyCopied, err := m.content(f, r.Key)
	what := "key"
	if err == nil {
		var value int
		if value, copied, err = m.content(f, r.Value); err == nil {
			return int64(key + value), copied && keyCopied, nil
		}
		what = "value"
	}
	return int64(len(r.Key)) + int64(len(r.Value)), false, notDecodable(r, what, err)
}

// content returns the length of what appendContent appends.
func (m *measure) content(f wire.Format, b []byte) (n int, copied bool, err error) {
	switch {
	case f == wire.JSON:
		return m.json(b)
	case f == wire.Binary:
		return binaryLen(b), false, nil
	case b == nil:
		return len(null), false, nil
	default:
		return rawjson.QuotedLen(b), false, nil
	}
}

func (m *measure) json(b []byte) (n int, copied bool, err error) {
	value, normal, err := rawjson.Prefix(b)
	switch {
	case err != nil:
		return 0, false, err
	case value == nil:
		return len(null), len(b) == 0, nil
	case normal:
		return len(value), len(value) == len(b), nil
	}
	m.rewritten, err = rawjson.AppendRewritten(m.rewritten[:0], value)
	return len(m.rewritten), false, err
}

// binaryLen returns the length of what appendBinary appends.
func binaryLen(b []byte) int {
	if b == nil {
		return len(null)
	}
	return base64.StdEncoding.EncodedLen(len(b)) + len(`""`)
}

// powers are those of ten, as many as a uint64 holds.
var powers = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// digits returns the length of n as strconv.AppendInt appends it.
func digits(n int64) int {
	sign, u := 0, uint64(n)
	if n < 0 {
		sign, u = 1, -u
	}
	// 1233/4096 is the logarithm of 2 to base 10, near enough for 64 bits: the guess is right or one too small.
	guess := bits.Len64(u|1) * 1233 >> 12
	if u >= powers[guess] {
		guess++
	}
	return sign + max(guess, 1)
}
