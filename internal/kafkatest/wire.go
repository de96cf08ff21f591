package kafkatest

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// gate is a broker's listener, which can be closed and opened on one address
// while kfake keeps accepting.
type gate struct {
	node int32
	addr net.Addr

	mu     sync.Mutex
	ln     net.Listener // nil while the broker is away
	conns  map[net.Conn]struct{}
	change chan struct{} // closed and replaced when ln or closed changes
	closed bool
}

func newGate(t testing.TB, node int32, away bool) *gate {
	t.Helper()
	ln := fixedListener(t)
	g := &gate{node: node, addr: ln.Addr(), ln: ln, conns: map[net.Conn]struct{}{}, change: make(chan struct{})}
	if away {
		g.down()
	}
	return g
}

func (g *gate) Addr() net.Addr { return g.addr }

func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mu.Lock()
		ln, change, closed := g.ln, g.change, g.closed
		g.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if ln == nil {
			<-change
			continue
		}
		c, err := ln.Accept()
		if err != nil {
			select {
			case <-change: // that is why
			case <-time.After(10 * time.Millisecond): // out of descriptors, perhaps
			}
			continue
		}
		if c, ok := g.admit(ln, c); ok {
			return c, nil
		}
	}
}

// admit registers a connection, unless its listener has been closed meanwhile.
func (g *gate) admit(ln net.Listener, c net.Conn) (net.Conn, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ln != ln || g.closed {
		_ = c.Close()
		return nil, false
	}
	gc := &gateConn{Conn: c, gate: g}
	g.conns[gc] = struct{}{}
	return gc, true
}

func (g *gate) down() {
	g.mu.Lock()
	if g.ln != nil {
		_ = g.ln.Close()
	}
	g.ln = nil
	g.changed()
	g.mu.Unlock()
	g.drop()
}

func (g *gate) up() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ln != nil || g.closed {
		return nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", g.addr.String())
	if err != nil {
		return fmt.Errorf("broker %d back: %w", g.node, err)
	}
	g.ln = ln
	g.changed()
	return nil
}

// changed wakes Accept; the caller has the lock.
func (g *gate) changed() {
	close(g.change)
	g.change = make(chan struct{})
}

func (g *gate) drop() {
	g.mu.Lock()
	var all []net.Conn
	for c := range g.conns {
		all = append(all, c)
	}
	g.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

func (g *gate) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	g.mu.Unlock()
	g.down()
	return nil
}

type gateConn struct {
	net.Conn
	gate *gate
}

func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// tapListener applies the rules to the answers on its connections.
type tapListener struct {
	net.Listener
	node  int32
	rules *ruleBook
}

func (l *tapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tapConn{Conn: c, node: l.node, rules: l.rules, pending: map[uint32]request{}, ended: make(chan struct{})}, nil
}

// request is what it takes to understand an answer.
type request struct{ key, version int16 }

// tapConn follows the requests that are read from it, and treats each answer
// that is written by the rules. kfake writes an answer in one call.
type tapConn struct {
	net.Conn
	node  int32
	rules *ruleBook

	head []byte // the start of the frame being read, up to 12 bytes
	body int    // bytes of the frame after its start that are still to come

	mu      sync.Mutex
	pending map[uint32]request // by correlation id

	end   sync.Once
	ended chan struct{}
}

func (c *tapConn) Close() error {
	c.end.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

func (c *tapConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.follow(p[:n])
	if err != nil {
		c.end.Do(func() { close(c.ended) })
	}
	return n, err
}

// follow finds the frames' starts in the stream: length, key, version, correlation id.
func (c *tapConn) follow(b []byte) {
	for len(b) > 0 {
		if c.body > 0 {
			n := min(c.body, len(b))
			c.body, b = c.body-n, b[n:]
			continue
		}
		n := min(12-len(c.head), len(b))
		c.head, b = append(c.head, b[:n]...), b[n:]
		if len(c.head) < 12 {
			return
		}
		key := int16(binary.BigEndian.Uint16(c.head[4:]))
		c.mu.Lock()
		c.pending[binary.BigEndian.Uint32(c.head[8:])] = request{key: key, version: int16(binary.BigEndian.Uint16(c.head[6:]))}
		c.mu.Unlock()
		c.rules.saw(key)
		c.body = int(binary.BigEndian.Uint32(c.head)) - 8
		c.head = c.head[:0]
	}
}

func (c *tapConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	correlation := binary.BigEndian.Uint32(p[4:])
	req := c.pending[correlation]
	delete(c.pending, correlation)
	c.mu.Unlock()
	out := p
	for _, r := range c.rules.matching(c.node, req.key) {
		if r.rewrite != nil {
			out = rewritten(out, req, r.rewrite)
		}
		c.wait(r)
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// wait waits as r wants, but not beyond the connection's end.
func (c *tapConn) wait(r *rule) {
	if r.held != nil {
		select {
		case <-r.held:
		case <-c.ended:
		}
	}
	if r.delay > 0 {
		t := time.NewTimer(r.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.ended:
		}
	}
}

// rewritten decodes an answer, has it changed, and encodes it again. What
// cannot be decoded stays as it is.
func rewritten(frame []byte, req request, change func(kmsg.Response)) []byte {
	resp := kmsg.ResponseForKey(req.key)
	if resp == nil {
		return frame
	}
	resp.SetVersion(req.version)
	start := 8
	if resp.IsFlexible() && req.key != int16(kmsg.ApiVersions) {
		start++ // the header's tags, of which there are none
	}
	if err := resp.ReadFrom(frame[start:]); err != nil {
		return frame
	}
	change(resp)
	out := resp.AppendTo(append([]byte(nil), frame[:start]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}
