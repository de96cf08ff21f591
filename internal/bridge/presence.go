package bridge

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// probeInterval lies between the two signs of life that a half-closed connection is asked for. A peer whose socket is
// closed answers the first with a reset within a round trip.
const probeInterval = 100 * time.Millisecond

type connKey struct{}

// withConn keeps the connection for handlers that ask whether its client is still there.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// whilePresent returns a context that ends when the client is gone, with stop, or with until. A client that has only closed its
// sending side (shutdown(2), as `nc -N` does) is still there and gets its answer; from here the two look alike until
// something is sent, so that it is sent an interim answer (102, RFC 9110 15.2), which every HTTP/1.1 client skips. A
// client of HTTP/1.0 does not know it: its wait goes on, and the head of the answer is the question (see begun).
//
// stop must be called before the answer is begun: it waits until the connection is nobody else's.
func (c *call) whilePresent(until context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(until)
	var writing sync.Mutex
	ended := make(chan struct{})
	// The request may be over, and another in its place, before the goroutine below is.
	request, stream := c.r.Context(), c.r.ProtoMajor > 1
	after := context.AfterFunc(request, func() {
		if stream { // it was reset
			cancel()
			return
		}
		for {
			writing.Lock()
			select {
			case <-ended:
			default:
				if c.sendsInterim() {
					c.w.WriteHeader(http.StatusProcessing)
				}
			}
			writing.Unlock()
			select {
			case <-ended:
				return
			case <-time.After(probeInterval):
			}
			if !halfOpen(request) {
				cancel()
				return
			}
		}
	})
	return ctx, func() {
		after()
		writing.Lock()
		close(ended)
		writing.Unlock()
		cancel()
	}
}

// present asks a last time before records leave: a client that has closed its sending side gets an interim answer, and
// is gone if its kernel resets the connection within probeInterval. It must not be called while whilePresent runs.
func (c *call) present() bool {
	if !c.sendsInterim() || !halfOpen(c.r.Context()) {
		return true // open both ways, or a broken one whose write will fail
	}
	c.w.WriteHeader(http.StatusProcessing)
	return c.stays()
}

// begun sends the head of an answer to a client of HTTP/1.0 that has closed its sending side, and reports whether the
// client is still there to take the body. For all others it does nothing: present has asked them.
func (c *call) begun() bool {
	if c.r.ProtoMajor != 1 || c.sendsInterim() || !halfOpen(c.r.Context()) {
		return true
	}
	return c.flush() == nil && c.stays()
}

// stays waits for the reset with which the kernel of a client that is gone answers what was sent to it, for
// probeInterval at most.
func (c *call) stays() bool {
	for deadline := time.Now().Add(probeInterval); time.Now().Before(deadline); {
		time.Sleep(probeInterval / 20)
		if !halfOpen(c.r.Context()) {
			return false
		}
	}
	return true
}

// sendsInterim reports whether an interim answer may be sent: not in HTTP/1.0, and in HTTP/2 there is no need.
func (c *call) sendsInterim() bool { return c.r.ProtoMajor == 1 && c.r.ProtoMinor >= 1 }

// halfOpen reports whether the connection's peer can still receive, as far as the kernel knows.
func halfOpen(ctx context.Context) bool {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	for { // below TLS, and below what the listener counts it with
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = outer.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	return ok && closeWait(tcp)
}
