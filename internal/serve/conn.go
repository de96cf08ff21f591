package serve

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// WriteTimeout bounds one write to a client that does not read: the largest of them are 128 KiB.
	WriteTimeout = 30 * time.Second
	// prefaceBytes is how much of a connection net/http waits for, up to HeaderTimeout, before it knows HTTP/1 from
	// HTTP/2: the length of "PRI * HTTP/2.0".
	prefaceBytes = 14
)

// refused is how net/http goes on behind the status line of an answer that it gives by itself, before any handler. No
// handler's answer looks like it: net/http writes a Date into each, and the content type later.
const refused = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// errShort tells net/http once that a first line will not grow to the length of HTTP/2's preface.
var errShort = errors.New("a line shorter than any request's")

// conn is a connection of a guard: counted until it is closed, bounded in its writes, and with our own answer to what
// is no HTTP.
type conn struct {
	net.Conn
	guard *guard
	// idleSince is when the last request ended, in Unix nanoseconds, or when the connection came; 0 while a request runs.
	idleSince atomic.Int64
	// writeBy is the deadline of writes that is set, in Unix nanoseconds; 0: none of ours.
	writeBy atomic.Int64
	once    sync.Once

	// head is what of the preface has been read, line whether it has an end, told whether net/http knows. Only plain
	// connections look, and only until they have seen enough. Reads are never concurrent.
	head       int
	line, told bool

	framing framing

	// handed is set, before net/http knows the connection, where the reader of plain requests has given it up; early is
	// what that had read, headBy when it wants to have all of the headers.
	handed bool
	early  []byte
	headBy time.Time
}

// handOver prepares the connection for net/http: it will read the bytes that were read already.
func (c *conn) handOver(read []byte, by time.Time) { c.handed, c.early, c.headBy = true, read, by }

// Read reads, and makes net/http answer a short first line at once instead of waiting for the rest of a preface.
func (c *conn) Read(p []byte) (int, error) {
	if c.head >= prefaceBytes || !c.guard.plain {
		return c.read(p)
	}
	if c.line && !c.told {
		c.told, c.head = true, prefaceBytes
		return 0, errShort
	}
	n, err := c.read(p)
	c.head += n
	c.line = c.line || bytes.IndexByte(p[:n], '\n') >= 0
	return n, err
}

// read reads, and looks at what may be headers: net/http reads them, and all before a body, by at most headBuffer.
func (c *conn) read(p []byte) (int, error) {
	n, err := c.take(p)
	if len(p) <= headBuffer && c.guard.plain {
		c.framing.look(p[:n])
	}
	return n, err
}

// take reads what was read before, and then from the connection.
func (c *conn) take(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil // its memory goes too
	}
	return n, nil
}

// SetReadDeadline sets the deadline of reads; the first one, for headers that have begun to come, is no later than it was.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !c.headBy.IsZero() {
		if c.headBy.Before(t) {
			t = c.headBy
		}
		c.headBy = time.Time{}
	}
	return c.Conn.SetReadDeadline(t)
}

// TwoLengths reports whether the request that was read last came with both Content-Length and Transfer-Encoding, of which
// net/http hides the former. Two servers in a row may cut such a request differently (RFC 9112 6.3), so that it is not
// to be answered. Names that are cut between two reads are missed, and all that is encrypted.
func (c *conn) TwoLengths() bool { return c.framing.seen.Load() == lengthSeen|encodingSeen }

// Write writes p within WriteTimeout, or the guard's answer in place of net/http's.
func (c *conn) Write(p []byte) (int, error) {
	now := time.Now()
	if now.Add(WriteTimeout).UnixNano() > c.writeBy.Load() { // set ahead, so that most writes find it set
		by := now.Add(WriteTimeout + WriteTimeout/2)
		c.writeBy.Store(by.UnixNano())
		if err := c.Conn.SetWriteDeadline(by); err != nil {
			return 0, err
		}
	}
	status := c.refusal(p)
	if status == 0 {
		return c.Conn.Write(p)
	}
	body := "" // as the reference bridge answers what is too large, too new or too strange for it
	if status == http.StatusBadRequest {
		body = c.guard.refusal
	}
	if _, err := c.Conn.Write(answer(status, c.guard.media, body, 0)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// refusal returns the status of an answer that is net/http's own, 0 for any other text.
func (c *conn) refusal(p []byte) int {
	const version = "HTTP/1.1 "
	end := bytes.IndexByte(p[:min(len(p), 200)], '\n')
	if c.guard.refusal == "" || end < len(version)+3 || !bytes.HasPrefix(p[end+1:], []byte(refused)) {
		return 0
	}
	status, err := strconv.Atoi(string(p[len(version) : len(version)+3]))
	if err != nil {
		return 0
	}
	return status
}

// SetDeadline and SetWriteDeadline hold until the next Write, which sets its own.
func (c *conn) SetDeadline(t time.Time) error {
	c.writeBy.Store(0)
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline is described at SetDeadline.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

// Close closes the connection and makes room for another.
func (c *conn) Close() error {
	c.once.Do(func() { c.guard.drop(c) })
	return c.Conn.Close()
}

// NetConn returns the connection below, for those who ask the kernel about it.
func (c *conn) NetConn() net.Conn { return c.Conn }

// below returns the guard's connection in one that net/http knows; nil if there is none.
func below(nc net.Conn) *conn {
	for {
		if c, ok := nc.(*conn); ok {
			return c
		}
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		nc = outer.NetConn()
	}
}
