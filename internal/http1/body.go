package http1

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// maxUnread is how much of a body that a handler left is read so that the connection can stay, as net/http has it.
const maxUnread = 256 << 10

// body is a request's body of known length. It is not for concurrent use.
type body struct {
	w      *work
	left   int64
	by     time.Time // the handler's deadline
	closed bool
	early  bool // closed with more left than is worth to be read
}

// Read reads what came with the headers, and then from the connection.
func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.left == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	p = p[:min(int64(len(p)), b.left)]
	n := copy(p, b.w.buf[b.w.from:b.w.to])
	b.w.from += n
	var err error
	if n == 0 {
		n, err = b.w.c.read(p, b.by)
	}
	b.left -= int64(n)
	if b.left == 0 {
		b.w.c.ctx.hitEOF()
		return n, io.EOF
	}
	if err != nil {
		b.w.c.ctx.cancel()
	}
	if errors.Is(err, io.EOF) {
		b.left, err = 0, io.ErrUnexpectedEOF // nothing will come any more, no next request either
	}
	return n, err
}

// Close reads what is left where that is little and a next request may follow.
func (b *body) Close() error {
	if b.closed {
		return nil
	}
	var err error
	switch {
	case b.left == 0 || b.w.head.close:
	case b.left >= maxUnread:
		b.early = true
	default:
		err = b.discard()
	}
	b.closed = true
	return err
}

// discard reads all that is left: what came with the headers is skipped, the rest goes into the buffer, which is empty
// then.
func (b *body) discard() error {
	skipped := min(b.left, int64(b.w.to-b.w.from))
	b.w.from += int(skipped)
	b.left -= skipped
	for b.left > 0 {
		if _, err := b.Read(b.w.buf); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}
