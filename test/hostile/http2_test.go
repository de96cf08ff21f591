package hostile

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// The frames of HTTP/2 (RFC 9113, 6) that the attacks are made of.
const (
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameContinuation = 0x9

	endStream  = 0x1
	endHeaders = 0x4
)

// frame appends a frame.
func frame(to []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	to = append(to, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	to = binary.BigEndian.AppendUint32(to, stream)
	return append(to, payload...)
}

// head is the header block of GET / at authority x, from HPACK's static table (RFC 7541, A).
func head() []byte { return []byte{0x82, 0x86, 0x84, 0x41, 1, 'x'} }

// preface is what a client of HTTP/2 begins with.
func preface() []byte {
	return frame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frameSettings, 0, 0, nil)
}

// flood sends what next appends, again and again for a time, and returns how many times that went until the bridge closed.
// What the bridge sends is read and dropped, unless deaf.
func (b *target) flood(lasting time.Duration, deaf bool, next func(to []byte, i int) []byte) (sent int, closed bool) {
	b.t.Helper()
	conn := b.dial()
	defer func() { _ = conn.Close() }()
	if !deaf {
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	end := time.Now().Add(lasting)
	_ = conn.SetDeadline(end) // a connection that was just opened can
	text := preface()
	for i := 0; time.Now().Before(end); i++ {
		if text = next(text, i); len(text) < 16<<10 {
			continue
		}
		if _, err := conn.Write(text); err != nil {
			nerr, ok := err.(net.Error) //nolint:errorlint // the connection's own
			return i, !ok || !nerr.Timeout()
		}
		text = text[:0]
	}
	return sent, false
}

// attack is what an HTTP/2 client does again and again.
type attack struct {
	name string
	deaf bool // it does not read the answers
	next func(to []byte, i int) []byte
}

// TestHTTP2Floods: what the protocol allows may go on, and delays nobody.
func TestHTTP2Floods(t *testing.T) {
	b := attacked(t)
	const lasting = 800 * time.Millisecond
	for _, a := range []attack{
		{"rapid reset", false, func(to []byte, i int) []byte {
			stream := uint32(2*i + 1)
			to = frame(to, frameHeaders, endStream|endHeaders, stream, head())
			return frame(to, frameReset, 0, stream, []byte{0, 0, 0, 8})
		}},
		{"streams without end", false, func(to []byte, i int) []byte {
			return frame(to, frameHeaders, endHeaders, uint32(2*i+1), head())
		}},
		{"settings", true, func(to []byte, _ int) []byte { return frame(to, frameSettings, 0, 0, nil) }},
		{"pings", true, func(to []byte, _ int) []byte { return frame(to, framePing, 0, 0, make([]byte, 8)) }},
		{"a header block that unpacks", false, func(to []byte, i int) []byte {
			block := head()
			if i == 0 { // one entry for the table, then thousands of references to it
				block = append(append(block, 0x40, 1, 'a', 0x7f, 0x81, 0x1e), make([]byte, 4000)...)
			}
			for range 12000 {
				block = append(block, 0xbe)
			}
			return frame(to, frameHeaders, endStream|endHeaders, uint32(2*i+1), block)
		}},
	} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			sent, closed := b.flood(lasting, a.deaf, a.next)
			t.Logf("%s: %d frames, closed: %v", a.name, sent, closed)
		}()
		time.Sleep(lasting / 4)
		b.calm("during " + a.name)
		<-ended
	}
	b.settled()
	b.returned()
}

// TestHTTP2Violations: what the protocol forbids ends the connection, at most a second after it was said so.
func TestHTTP2Violations(t *testing.T) {
	t.Parallel()
	b := attacked(t)
	var all sync.WaitGroup
	for _, a := range []attack{
		{"resets of idle streams", false, func(to []byte, i int) []byte {
			return frame(to, frameReset, 0, uint32(2*i+1), []byte{0, 0, 0, 8})
		}},
		{"continuations without end", false, func(to []byte, i int) []byte {
			if i == 0 {
				return frame(to, frameHeaders, endStream, 1, head())
			}
			return frame(to, frameContinuation, 0, 1, append([]byte{0x00, 1, 'a', 0x7f, 0x81, 0x01}, make([]byte, 256)...))
		}},
		{"frames too long", false, func(to []byte, _ int) []byte {
			return append(to, 0xff, 0xff, 0xff, frameHeaders, endHeaders, 0, 0, 0, 1)
		}},
		{"preface without end", true, func(to []byte, _ int) []byte { return append(to, "PRI * HTTP/2.0\r\n\r\n"...) }},
	} {
		all.Go(func() {
			if sent, closed := b.flood(5*time.Second, a.deaf, a.next); !closed {
				t.Errorf("%s: the bridge goes on with it after %d frames", a.name, sent)
			}
		})
	}
	all.Wait()
	b.settled()
	b.returned()
}
