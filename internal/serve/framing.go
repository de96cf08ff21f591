package serve

import (
	"bytes"
	"sync/atomic"
)

// headBuffer is what net/http reads headers with.
const headBuffer = 4 << 10

// The headers that say where a request ends.
const (
	lengthSeen uint32 = 1 << iota
	encodingSeen
)

// framing remembers which of them a connection's last request had.
type framing struct {
	seen atomic.Uint32
	next atomic.Bool // what is read next begins a request
}

// look searches bytes from the wire for the names of both headers. It goes from colon to colon, which is cheap.
// They count at the start of a line only, where no JSON has them.
func (f *framing) look(p []byte) {
	if f.next.CompareAndSwap(true, false) {
		f.seen.Store(0)
	}
	found := f.seen.Load()
	for at := 0; ; at++ {
		colon := bytes.IndexByte(p[at:], ':')
		if colon < 0 {
			break
		}
		at += colon
		switch {
		case endsWith(p[:at], "\ncontent-length"):
			found |= lengthSeen
		case endsWith(p[:at], "\ntransfer-encoding"):
			found |= encodingSeen
		}
	}
	f.seen.Store(found)
}

// endsWith reports whether text ends with a name in lower case, whichever case it has.
func endsWith(text []byte, name string) bool {
	n := len(text) - len(name)
	if n < 0 || text[len(text)-1]|0x20 != name[len(name)-1] {
		return false
	}
	return bytes.EqualFold(text[n:], []byte(name))
}
