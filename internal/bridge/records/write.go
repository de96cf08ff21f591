package records

import (
	"errors"
	"io"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// Sizes of Write, in bytes.
const (
	// writeBuffer is the memory that an answer passes through.
	writeBuffer = 64 << 10
	// writeChunk is how much of a content is encoded at once; a multiple of
	// three, since base64 encodes three bytes at a time.
	writeChunk = 24 << 10
)

// Write writes what Append appends, through a buffer of 64 KiB: the one that is given, from its start, or a new one if
// that is smaller. It returns the buffer for the next page. It is for answers that are too large to keep. Only a JSON
// content that is not in normal form needs memory of its own size. The error is the writer's, or a *NotDecodable for a
// record that Plan has not let through; the answer is incomplete then.
func (p *Page) Write(w io.Writer, buffer []byte, f wire.Format, recs []*kgo.Record) ([]byte, error) {
	if cap(buffer) < writeBuffer {
		buffer = make([]byte, 0, writeBuffer)
	}
	out := pageWriter{w: w, buf: append(buffer[:0], '[')}
	for i, r := range recs {
		if i > 0 {
			out.buf = append(out.buf, ',')
		}
		var err error
		if p.copied.has(i) {
			err = out.copied(r)
		} else {
			err = out.message(f, r)
		}
		if err != nil {
			return out.buf, err
		}
	}
	out.buf = append(out.buf, ']')
	err := out.flush()
	return out.buf, err
}

// WritePage is Write for records that no page was planned for.
func WritePage(w io.Writer, f wire.Format, recs []*kgo.Record) error {
	_, err := new(Page).Write(w, nil, f, recs)
	return err
}

// pageWriter gathers small parts in a buffer. Whoever adds to it calls spill, so
// that there is always room for another small part.
type pageWriter struct {
	w   io.Writer
	buf []byte
}

// message writes what AppendMessage appends.
func (p *pageWriter) message(f wire.Format, r *kgo.Record) error {
	p.buf = appendHead(p.buf, r)
	if err := p.content(f, r.Key); err != nil {
		return p.explain(r, "key", err)
	}
	p.buf = append(p.buf, betweenContents...)
	if err := p.content(f, r.Value); err != nil {
		return p.explain(r, "value", err)
	}
	p.buf = appendTail(p.buf, r)
	return p.spill()
}

// copied writes what appendCopied appends.
func (p *pageWriter) copied(r *kgo.Record) error {
	if len(r.Key)+len(r.Value) <= writeChunk {
		p.buf = appendCopied(p.buf, r)
		return p.spill()
	}
	p.buf = appendHead(p.buf, r)
	if err := p.through(asCopied(r.Key)); err != nil {
		return err
	}
	p.buf = append(p.buf, betweenContents...)
	if err := p.through(asCopied(r.Value)); err != nil {
		return err
	}
	p.buf = appendTail(p.buf, r)
	return p.spill()
}

// through writes a content as it is, a large one from where it is.
func (p *pageWriter) through(b []byte) error {
	if len(b) <= writeChunk {
		p.buf = append(p.buf, b...)
		return p.spill()
	}
	if err := p.flush(); err != nil {
		return err
	}
	_, err := p.w.Write(b)
	return err
}

// explain makes a *NotDecodable of a syntax error.
func (p *pageWriter) explain(r *kgo.Record, what string, err error) error {
	var syntax *rawjson.SyntaxError
	if errors.As(err, &syntax) {
		return notDecodable(r, what, err)
	}
	return err
}

// content writes a key or a value, a large one in pieces.
func (p *pageWriter) content(f wire.Format, b []byte) error {
	if len(b) > writeChunk {
		switch f {
		case wire.JSON:
			return p.largeJSON(b)
		case wire.Text:
			return p.pieces(b, textPiece, appendQuoted)
		default:
			return p.pieces(b, binaryPiece, encodeBase64)
		}
	}
	var err error
	if p.buf, err = appendContent(p.buf, f, b); err != nil {
		return err
	}
	return p.spill()
}

// largeJSON writes a value in normal form from where it is.
func (p *pageWriter) largeJSON(b []byte) error {
	value, normal, err := rawjson.Prefix(b)
	if err != nil {
		return err
	}
	if value == nil {
		value = []byte(null)
	} else if !normal {
		if value, err = rawjson.AppendRewritten(nil, value); err != nil {
			return err
		}
	}
	return p.through(value)
}

// pieces writes a string piece by piece: piece says how much of the rest comes
// next, encode appends that.
func (p *pageWriter) pieces(b []byte, piece func([]byte) int, encode func(dst, src []byte) []byte) error {
	p.buf = append(p.buf, '"')
	for len(b) > 0 {
		n := piece(b)
		p.buf = encode(p.buf, b[:n])
		b = b[n:]
		if err := p.spill(); err != nil {
			return err
		}
	}
	p.buf = append(p.buf, '"')
	return nil
}

func binaryPiece(b []byte) int { return min(len(b), writeChunk) }

// textPiece cuts where no character, and no malformed one, goes on: in front of
// a byte that begins something.
func textPiece(b []byte) int {
	if len(b) <= writeChunk {
		return len(b)
	}
	for n := writeChunk; n > writeChunk-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n]) {
			return n
		}
	}
	return writeChunk // amid bytes that continue nothing, each on its own
}

// appendQuoted is AppendQuote without the quotes.
func appendQuoted(dst, text []byte) []byte {
	start := len(dst)
	dst = rawjson.AppendQuote(dst, text)
	copy(dst[start:], dst[start+1:len(dst)-1])
	return dst[:len(dst)-2]
}

// spill writes the buffer out when it is more than half full.
func (p *pageWriter) spill() error {
	if len(p.buf) < writeBuffer/2 {
		return nil
	}
	return p.flush()
}

func (p *pageWriter) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}
