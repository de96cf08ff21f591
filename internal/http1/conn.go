package http1

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/steg-kafka/steg/internal/socket"
)

// The states of a connection. Only one that waits for a request may be closed under its goroutine's hands.
const (
	waiting uint32 = iota
	active
	ended
)

// lingering is how long a connection is kept that ends in front of unread bytes, so that the reset they cause does not
// overtake the answer (RFC 9112 9.6).
const lingering = 500 * time.Millisecond

// conn is a connection and all that it keeps while nothing is asked on it.
type conn struct {
	server   *Server
	listener *listener
	nc       net.Conn     // as it was accepted: what is written goes through it
	tcp      *net.TCPConn // below nc: what is read comes from it
	raw      syscall.RawConn
	state    atomic.Uint32
	ctx      *requestContext
	// template is a request with what is the same for all requests of the connection.
	template *http.Request
	readBy   time.Time             // the deadline of reads that is set
	fresh    bool                  // nothing was asked yet
	posted   bool                  // the last request was a POST
	handed   bool                  // net/http has it
	lingers  bool                  // it ends in front of unread bytes
	ready    func(fd uintptr) bool // tryRead, bound once
	work     *work                 // what ready has read into
	err      error                 // or why it has not
}

// newConn returns a connection that is not served yet. Its error is that tcp is closed.
func newConn(l *listener, nc net.Conn, tcp *net.TCPConn) (*conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{server: l.server, listener: l, nc: nc, tcp: tcp, raw: raw, fresh: true}
	c.ready = c.tryRead
	return c, nil
}

// serve answers requests until the connection ends or is handed over.
func (c *conn) serve() {
	defer c.end()
	c.ctx = newRequestContext(c, c.server.ConnContext(context.Background(), c.nc))
	c.template = newTemplate(c)
	c.readUntil(time.Now().Add(c.server.HeaderTimeout))
	for {
		w, err := c.await()
		if err != nil || !w.run(c) {
			return
		}
	}
}

// end closes the connection, unless net/http has it now, and whatever the handler did.
func (c *conn) end() {
	if problem := recover(); problem != nil && problem != http.ErrAbortHandler { //nolint:errorlint // panics wrap nothing
		c.server.ErrorLog.Printf("http: panic serving %v: %v\n%s", c.nc.RemoteAddr(), problem, debug.Stack())
	}
	if !c.handed {
		if c.ctx != nil {
			c.ctx.end()
		}
		c.state.Store(ended)
		_ = c.nc.Close() // whether it was broken before or not
		c.server.ConnState(c.nc, http.StateClosed)
	}
	c.server.remove(c)
}

// await waits for the first bytes of a request, without a buffer for them until they are there. An error is the end of
// the connection, by its peer, by its deadline or by who makes room.
func (c *conn) await() (*work, error) {
	if err := c.raw.Read(c.ready); err != nil {
		return nil, err
	}
	w := c.work
	c.work = nil // it is for others too, once this connection is idle again
	return w, c.err
}

// tryRead is called when there may be something to read; it reports false to be called again.
func (c *conn) tryRead(fd uintptr) bool {
	w := c.server.works.Get().(*work)
	n, err := socket.Read(fd, w.buf)
	if n > 0 {
		w.from, w.to = 0, n
		c.work, c.err = w, nil
		return true
	}
	c.server.works.Put(w)
	c.err = cmp.Or(err, io.EOF)
	return !errors.Is(err, syscall.EAGAIN)
}

// read reads bytes that have not come yet; by is zero for no deadline.
func (c *conn) read(p []byte, by time.Time) (int, error) {
	c.readUntil(by)
	return c.tcp.Read(p)
}

// readUntil sets the deadline of reads, where it is another one. A change costs as much as a small system call.
func (c *conn) readUntil(by time.Time) {
	if by.Equal(c.readBy) {
		return
	}
	c.readBy = by
	_ = c.tcp.SetReadDeadline(by) // it fails where the read does
}

// headBy is until when the headers that have begun to come have to be complete.
func (c *conn) headBy() time.Time {
	if c.fresh {
		return c.readBy
	}
	return time.Now().Add(c.server.HeaderTimeout)
}

// release ends a request's context. One that was asked for is given up to who may still look at it.
func (c *conn) release() {
	if c.ctx.end() {
		c.ctx = newRequestContext(c, c.ctx.Context)
		c.template = newTemplate(c)
	}
}

// idle prepares for the next request, and reports false if there will be none.
func (c *conn) idle() bool {
	c.state.Store(waiting)
	c.server.ConnState(c.nc, http.StateIdle)
	if c.server.draining.Load() {
		return false
	}
	// Set ahead, so that most requests find it far enough away.
	if end := time.Now().Add(c.server.IdleTimeout); c.readBy.Before(end) {
		c.readUntil(end.Add(c.server.IdleTimeout / 10))
	}
	return true
}

// busy reports that a request begins, or false if the connection was closed before it had come.
func (c *conn) busy() bool {
	if !c.state.CompareAndSwap(waiting, active) {
		return false
	}
	c.fresh = false
	c.server.ConnState(c.nc, http.StateActive)
	return true
}

// handOver leaves the connection to net/http, with the bytes that were read.
func (c *conn) handOver(read []byte, by time.Time) {
	if !c.state.CompareAndSwap(waiting, ended) {
		return // closed meanwhile
	}
	c.server.HandOver(c.nc, read, by)
	c.handed = c.listener.pass(c.nc)
}

// linger waits in front of unread bytes.
func (c *conn) linger() {
	_ = c.tcp.CloseWrite() // it may be broken
	select {
	case <-time.After(lingering):
	case <-c.server.closing:
	}
}
