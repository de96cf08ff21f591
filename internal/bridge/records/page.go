package records

import (
	"github.com/twmb/franz-go/pkg/kgo"

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

	copied marks
}

// marks says of records, by their place, that Plan found both contents to be JSON in normal form and nothing else, or
// empty: they are copied without another look. Of records past those it has room for it says nothing.
type marks [16]uint64

func (m *marks) set(i int) {
	if i < 64*len(m) {
		m[i/64] |= 1 << (i % 64)
	}
}

func (m *marks) has(i int) bool { return i < 64*len(m) && m[i/64]>>(i%64)&1 == 1 }

// emptyPage is the length of an answer without records, [].
const emptyPage = 2

// Plan decides how many of the records a poll answers with, in an array of at
// most maxBytes bytes. Those in front of one that can't be decoded, or that does
// not fit any more, are delivered; it is judged again when it comes first. A
// record that can't be decoded counts with its contents as they are, so that
// its size is judged before its content. Plan keeps nothing that it encodes:
// append or write the first N records with Append or Write.
func Plan(f wire.Format, recs []*kgo.Record, maxBytes int64) Page {
	page := Page{Size: emptyPage}
	var m measure
	for i, r := range recs {
		n, copied, err := m.contents(f, r)
		size := page.Size + m.envelope(r) + n
		if i > 0 {
			size += int64(len(","))
		}
		switch {
		case size <= maxBytes && err == nil:
			page.N, page.Size = i+1, size
			if copied {
				page.copied.set(i)
			}
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

// Append appends the answer with the given records to dst. They and the format
// must be what the page was planned for, the first N; a record that can't be
// decoded, which Plan does not let through, is left out.
func (p *Page) Append(dst []byte, f wire.Format, recs []*kgo.Record) []byte {
	dst = append(dst, '[')
	first := len(dst)
	for i, r := range recs {
		start := len(dst)
		if start > first {
			dst = append(dst, ',')
		}
		if p.copied.has(i) {
			dst = appendCopied(dst, r)
			continue
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

// AppendPage is Append for records that no page was planned for.
func AppendPage(dst []byte, f wire.Format, recs []*kgo.Record) []byte {
	return new(Page).Append(dst, f, recs)
}
