package serve

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steg-kafka/steg/internal/socket"
)

const (
	// idleGrace is how long a connection may be idle without having to make room for a new one.
	idleGrace = 5 * time.Second
	// sweepEvery is the least time between two looks for idle connections.
	sweepEvery = 100 * time.Millisecond
	// turnedAway is how many clients past the limit are waited for at once, so that they get to read their answer.
	turnedAway = 32
	// turnTime is how long one of them is waited for.
	turnTime = 500 * time.Millisecond
	// complainEvery is the least time between two lines of the log about the limit.
	complainEvery = 10 * time.Second
)

// guard bounds the connections of a listener. A new one past the limit takes the place of one that has been idle for
// idleGrace; if there is none it is accepted, told 503, and closed, which costs next to nothing and tells the client
// what a full backlog would not. Clients with TLS are told nothing: a handshake is what would cost.
type guard struct {
	net.Listener
	max     int  // 0: no limit
	plain   bool // no TLS
	media   string
	refusal string // the body of the answer to what is no HTTP; empty: net/http's own answers
	busy    []byte // the whole answer past the limit; nil: none
	log     *slog.Logger
	count   func() // is called for each connection that is refused

	refused atomic.Uint64
	turning chan struct{} // a token for each client that is being told
	told    sync.WaitGroup

	mu         sync.Mutex
	open       map[*conn]struct{}
	swept      time.Time
	complained time.Time
}

// answer is one that is given without a handler, as it stands on the wire; retry in seconds, 0: no such header.
func answer(status int, media, body string, retry int) []byte {
	text := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	if media != "" && body != "" {
		text = fmt.Appendf(text, "Content-Type: %s\r\n", media)
	}
	if retry > 0 {
		text = fmt.Appendf(text, "Retry-After: %d\r\n", retry)
	}
	return fmt.Appendf(text, "Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
}

func newGuard(ln net.Listener, l Listener, log *slog.Logger) *guard {
	g := &guard{
		Listener: ln, max: l.MaxConnections, plain: l.TLS == nil, log: log.With("listener", l.Name),
		turning: make(chan struct{}, turnedAway), open: make(map[*conn]struct{}), count: l.Refused,
	}
	if g.count == nil {
		g.count = func() {}
	}
	if g.plain {
		g.media, g.refusal = l.RefusalMedia, l.RefusalBody
		g.busy = answer(http.StatusServiceUnavailable, l.RefusalMedia, l.BusyBody, l.RetryAfter)
	}
	return g
}

// Accept returns the next connection within the limit.
func (g *guard) Accept() (net.Conn, error) {
	for {
		nc, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: socket.New(nc), guard: g}
		if g.admit(c, time.Now()) {
			return c, nil
		}
		g.turnAway(nc)
	}
}

// admit counts a connection, or reports false.
func (g *guard) admit(c *conn, now time.Time) bool {
	c.idleSince.Store(now.UnixNano())
	g.mu.Lock()
	if g.max <= 0 || len(g.open) < g.max {
		g.open[c] = struct{}{}
		g.mu.Unlock()
		return true
	}
	idle := g.idle(now)
	if len(idle) > 0 {
		g.open[c] = struct{}{} // the idle ones leave right below
	} else if now.Sub(g.complained) >= complainEvery {
		g.complained = now
		g.log.Warn("connections are at their limit, new ones are refused", "limit", g.max, "refused", g.refused.Load()+1)
	}
	g.mu.Unlock()
	for _, old := range idle {
		_ = old.Close() // nothing was being said on it
	}
	return len(idle) > 0
}

// idle returns some of the connections that have to make room, at most one in eight; mu is held.
func (g *guard) idle(now time.Time) []*conn {
	if now.Sub(g.swept) < sweepEvery {
		return nil
	}
	g.swept = now
	before := now.Add(-idleGrace).UnixNano()
	var found []*conn
	for c := range g.open {
		if since := c.idleSince.Load(); since != 0 && since < before {
			found = append(found, c)
		}
		if len(found) > g.max/8 {
			break
		}
	}
	return found
}

// drop forgets a connection that is closed.
func (g *guard) drop(c *conn) {
	g.mu.Lock()
	delete(g.open, c)
	g.mu.Unlock()
}

// state keeps note of which connections are idle. It reports false for what was told before: that a connection that was
// handed over is new.
func (g *guard) state(nc net.Conn, state http.ConnState) bool {
	c := below(nc)
	switch {
	case c == nil:
	case state == http.StateNew:
		return !c.handed
	case state == http.StateIdle:
		c.idleSince.Store(time.Now().UnixNano())
		c.framing.next.Store(true)
	case state == http.StateActive:
		c.idleSince.Store(0)
	}
	return true
}

// turnAway answers a connection past the limit and closes it. Few of them are waited for at once, so that closing does
// not reset what they have yet to read; the others are closed right away.
func (g *guard) turnAway(nc net.Conn) {
	g.refused.Add(1)
	g.count()
	select {
	case g.turning <- struct{}{}:
	default:
		g.tell(nc, time.Millisecond)
		_ = nc.Close() // whether it heard or not
		return
	}
	g.told.Go(func() {
		defer func() { <-g.turning }()
		defer func() { _ = nc.Close() }() // whether it heard or not
		g.tell(nc, turnTime)
		if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			_, _ = io.CopyN(io.Discard, nc, 64<<10) // until it has read, or its time is over
		}
	})
}

func (g *guard) tell(nc net.Conn, patience time.Duration) {
	_ = nc.SetDeadline(time.Now().Add(patience)) // it fails where the writes do
	if g.busy != nil {
		_, _ = nc.Write(g.busy) // into an empty buffer of the kernel
	}
}
