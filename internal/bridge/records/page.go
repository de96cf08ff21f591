package records

import (
	"encoding/base64"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// Page is what a poll answers with.
type Page struct {
	// N is how many of the records the answer uses up: those in it, or the one
	// that Err is about and that the next poll must not meet again.
	N int
	// Size is the exact length of the answer, in bytes.
	Size int64
	// Err is the answer instead of records: 406 for a first record that is not
	// JSON (N is 1: it is passed over), 422 for one that does not fit (N is 0).
	Err *wire.Error
}

// emptyPage is the length of an answer without records, [].
const emptyPage = 2

// Plan decides how many of the records a poll answers with, in an array of at
// most maxBytes bytes. Those in front of one that can't be decoded, or that does
// not fit any more, are delivered; it is judged again when it comes first. A
// record that can't be decoded counts with its contents as they are, so that
// its size is judged before its content. Plan keeps nothing that it encodes:
// append or write the first N records with AppendPage or WritePage.
func Plan(f wire.Format, recs []*kgo.Record, maxBytes int64) Page {
	page := Page{Size: emptyPage}
	var m measure
	envelope := make([]byte, 0, 256)
	for i, r := range recs {
		envelope = appendEnvelope(envelope[:0], r)
		n, err := m.contents(f, r)
		size := page.Size + int64(len(envelope)) + n
		if i > 0 {
			size += int64(len(","))
		}
		switch {
		case size <= maxBytes && err == nil:
			page.N, page.Size = i+1, size
		case i > 0:
			return page
		case size > maxBytes:
			return Page{Err: wire.TooManyBytes()}
		default:
			return Page{N: 1, Err: wire.Undecodable(err.Error())}
		}
	}
	if page.Size > maxBytes {
		return Page{Err: wire.TooManyBytes()}
	}
	return page
}

// appendEnvelope appends a message without its two contents.
func appendEnvelope(dst []byte, r *kgo.Record) []byte {
	return appendTail(append(appendHead(dst, r), betweenContents...), r)
}

// measure finds the length of contents. Its memory is used for JSON that has
// to be rewritten to know its length.
type measure struct{ rewritten []byte }

// contents returns the length of a record's key and value in a message; as
// they are with an error, which is a *NotDecodable.
func (m *measure) contents(f wire.Format, r *kgo.Record) (int64, error) {
	raw := int64(len(r.Key)) + int64(len(r.Value))
	key, err := m.content(f, r.Key)
	if err != nil {
		return raw, notDecodable(r, "key", err)
	}
	value, err := m.content(f, r.Value)
	if err != nil {
		return raw, notDecodable(r, "value", err)
	}
	return int64(key + value), nil
}

// content returns the length of what appendContent appends.
func (m *measure) content(f wire.Format, b []byte) (int, error) {
	switch {
	case f == wire.JSON:
		return m.json(b)
	case b == nil:
		return len(null), nil
	case f == wire.Text:
		return rawjson.QuotedLen(b), nil
	default:
		return base64.StdEncoding.EncodedLen(len(b)) + len(`""`), nil
	}
}

func (m *measure) json(b []byte) (int, error) {
	value, normal, err := rawjson.Prefix(b)
	switch {
	case err != nil:
		return 0, err
	case value == nil:
		return len(null), nil
	case normal:
		return len(value), nil
	}
	m.rewritten, err = rawjson.AppendRewritten(m.rewritten[:0], value)
	return len(m.rewritten), err
}

// AppendPage appends the answer with the given records, which must be the
// first N of a Plan. One that can't be decoded, which Plan does not let
// through, is left out.
func AppendPage(dst []byte, f wire.Format, recs []*kgo.Record) []byte {
	dst = append(dst, '[')
	first := len(dst)
	for _, r := range recs {
		start := len(dst)
		if start > first {
			dst = append(dst, ',')
		}
		next, err := AppendMessage(dst, f, r)
		if err != nil {
			dst = dst[:start]
			continue
		}
		dst = next
	}
	return append(dst, ']')
}
