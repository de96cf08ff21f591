// Package proxy stands between a client and a server on loopback and makes their connection worse: it refuses, cuts,
// stalls, delays, closes one half, loses answers, and can answer Kafka requests in the broker's place.
//
// It is test equipment: it listens on 127.0.0.1 only, and knows of Kafka no more than the frames that Answers needs.
package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Mode is what a proxy does to its connections. The zero value lets everything through.
type Mode struct {
	// Refuse resets every connection, present and new.
	Refuse bool
	// Stall keeps connections open, and new ones are accepted, but nothing goes through until the mode changes.
	Stall bool
	// StallAnswers is Stall for the direction from the server only: requests are carried out, and nobody hears of it.
	StallAnswers bool
	// Delay is added to each piece of data, in each direction.
	Delay time.Duration
	// Answer, if not nil, answers Kafka requests instead of the broker; see Answers.
	Answer Answers
}

// Proxy forwards one port.
type Proxy struct {
	ln   net.Listener
	done sync.WaitGroup

	mu      sync.Mutex
	target  string
	mode    Mode
	changed chan struct{} // closed and replaced when mode changes
	links   map[*link]struct{}
	closed  bool
}

// link is one client's connection and the one to the server behind it.
type link struct {
	client, server net.Conn
	ended          chan struct{}
	once           sync.Once
}

// Listen opens a proxy on a free port. Until Forward is called, it refuses.
func Listen() (*Proxy, error) {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{ln: ln, changed: make(chan struct{}), links: make(map[*link]struct{})}
	p.done.Go(p.accept)
	return p, nil
}

// Addr returns host:port of the proxy.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Forward sets where new connections go.
func (p *Proxy) Forward(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set changes the mode, for the connections that there are too.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	if m.Refuse {
		p.Cut()
	}
}

// Cut resets every connection, once.
func (p *Proxy) Cut() {
	for _, l := range p.all() {
		l.reset()
	}
}

// HalfClose ends every connection towards the client (FIN), once, and leaves the other direction open. The client's
// requests still reach the server.
func (p *Proxy) HalfClose() {
	for _, l := range p.all() {
		if tcp, ok := l.client.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // it may be gone
		}
	}
}

// Connections returns how many there are.
func (p *Proxy) Connections() int { return len(p.all()) }

// Close ends the proxy and all connections.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.ln.Close()
	p.Cut()
	p.done.Wait()
	return err
}

func (p *Proxy) all() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*link, 0, len(p.links))
	for l := range p.links {
		out = append(out, l)
	}
	return out
}

// now returns the mode, and a channel that closes when it is not the mode any more.
func (p *Proxy) now() (Mode, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.connect(c) })
	}
}

// connect serves one connection to its end.
func (p *Proxy) connect(client net.Conn) {
	mode, _ := p.now()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if mode.Refuse || target == "" {
		abort(client)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		abort(client)
		return
	}
	l := &link{client: client, server: server, ended: make(chan struct{})}
	if !p.register(l) {
		l.reset()
		return
	}
	frames := newFrames(l)
	var both sync.WaitGroup
	both.Go(func() { p.copy(l, server, client, frames.fromClient, false) })
	both.Go(func() { p.copy(l, client, server, frames.fromServer, true) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
	l.close()
}

func (p *Proxy) register(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.mode.Refuse {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

// copy carries one direction until its end, which it passes on. Every piece goes through filter, which writes it.
func (p *Proxy) copy(l *link, to, from net.Conn, filter func(Mode, []byte) error, answers bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			mode, alive := p.pass(l, answers)
			if !alive || filter(mode, buffer[:n]) != nil {
				l.reset()
				return
			}
		}
		if err == io.EOF { //nolint:errorlint // Read returns exactly this value
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // it may be gone
			}
			return
		}
		if err != nil {
			l.reset()
			return
		}
	}
}

// pass waits as the mode says and returns the mode then, or false when the connection ended meanwhile.
func (p *Proxy) pass(l *link, answers bool) (Mode, bool) {
	for {
		mode, changed := p.now()
		var timer <-chan time.Time
		switch {
		case mode.Stall, mode.StallAnswers && answers:
		case mode.Delay > 0:
			t := time.NewTimer(mode.Delay)
			defer t.Stop()
			timer = t.C
		default:
			return mode, true
		}
		select {
		case <-changed:
		case <-timer:
			return mode, true
		case <-l.ended:
			return mode, false
		}
	}
}

// reset ends both connections at once, with RST.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.ended)
		abort(l.client)
		abort(l.server)
	})
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.ended)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST instead of FIN
	}
	_ = c.Close()
}
