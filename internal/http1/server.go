package http1

import (
	"context"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options is what a Server is made of; all of them are required.
type Options struct {
	Handler http.Handler
	// HeaderTimeout bounds the reading of a request's line and headers: from the first byte on, and for the first request
	// of a connection from its beginning.
	HeaderTimeout time.Duration
	// IdleTimeout closes a connection on which nothing was asked, at most a tenth of it late.
	IdleTimeout time.Duration
	// ConnContext is given each connection's context once; requests have its values.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// ConnState is told of a connection's changes as http.Server's is, until HandOver.
	ConnState func(net.Conn, http.ConnState)
	// HandOver is told that a connection goes to net/http, which has to be given the bytes that were read of it. by is
	// when its headers have to be complete, zero if their time has not begun.
	HandOver func(c net.Conn, read []byte, by time.Time)
	// ErrorLog gets what http.Server would write to its own.
	ErrorLog *log.Logger
}

// Server answers plain requests. Its methods may be called at the same time.
type Server struct {
	Options
	works, buffers sync.Pool
	date           date

	draining atomic.Bool
	closing  chan struct{} // closed by Close

	mu        sync.Mutex
	closed    bool
	listeners []*listener
	open      map[*conn]struct{}
	quiet     chan struct{} // closed when the server is draining and nothing is open
}

// New returns a Server that listens to nothing yet.
func New(o Options) *Server {
	s := &Server{Options: o, closing: make(chan struct{}), open: make(map[*conn]struct{}), quiet: make(chan struct{})}
	s.works.New = func() any { return newWork() }
	s.buffers.New = func() any { return newBuffers() }
	return s
}

// Listen begins to accept connections from ln and to answer plain requests on them. What it returns is for net/http: it
// accepts the connections that are handed over, and has the errors of ln.
func (s *Server) Listen(ln net.Listener) net.Listener {
	l := &listener{Listener: ln, server: s, next: make(chan accepted), closed: make(chan struct{})}
	s.mu.Lock()
	late := s.draining.Load()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	if late {
		_ = l.Close() // nobody was promised anything
		return l
	}
	go l.run()
	return l
}

// Shutdown accepts nothing more, closes what is idle, and waits until the requests that run have been answered, each
// with "Connection: close", or until ctx ends, whose error it returns then. It may be called again to wait longer.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c *conn) bool { return c.state.CompareAndSwap(waiting, ended) })
	select {
	case <-s.quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends all connections at once.
func (s *Server) Close() {
	s.stop(func(*conn) bool { return true })
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
}

// stop closes the listeners, and the connections that may go.
func (s *Server) stop(may func(*conn) bool) {
	s.draining.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close() // it may be closed
	}
	for c := range s.open {
		if may(c) {
			_ = c.nc.Close() // its goroutine sees it and says so
		}
	}
	s.rest()
}

// rest notes that nothing is open any more; mu is held.
func (s *Server) rest() {
	if !s.draining.Load() || len(s.open) > 0 {
		return
	}
	select {
	case <-s.quiet:
	default:
		close(s.quiet)
	}
}

// add counts a connection, or reports that the server is stopping.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.open[c] = struct{}{}
	return true
}

// remove forgets a connection that was closed or handed over.
func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	s.rest()
}

// listener accepts connections and passes on those that net/http has to answer.
type listener struct {
	net.Listener
	server *Server
	next   chan accepted
	closed chan struct{}
	once   sync.Once
}

// accepted is what net/http gets from Accept.
type accepted struct {
	conn net.Conn
	err  error
}

// Accept returns the next connection that is handed over, or an error of the listener below.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.next:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends accepting. At a stop this server and net/http's both close it, in either order, so that the second time is
// no error.
func (l *listener) Close() (err error) {
	l.once.Do(func() {
		close(l.closed)
		err = l.Listener.Close()
	})
	return err
}

// run accepts until the listener is closed. net/http takes its errors, and knows which are worth to wait and go on; until
// it has taken one, nothing more is accepted.
func (l *listener) run() {
	for {
		nc, err := l.Listener.Accept()
		if err == nil {
			l.begin(nc)
			continue
		}
		select {
		case l.next <- accepted{err: err}:
		case <-l.closed:
			return
		}
	}
}

// begin serves a connection, or leaves it to net/http if it is not TCP.
func (l *listener) begin(nc net.Conn) {
	tcp := below(nc)
	if tcp == nil {
		if !l.pass(nc) {
			_ = nc.Close() // net/http would do the same
		}
		return
	}
	c, err := newConn(l, nc, tcp)
	if err != nil || !l.server.add(c) {
		_ = nc.Close() // it was closed by its peer, or the server is stopping
		return
	}
	l.server.ConnState(nc, http.StateNew)
	go c.serve()
}

// pass gives a connection to net/http, or reports false because that has stopped to accept any.
func (l *listener) pass(nc net.Conn) bool {
	select {
	case l.next <- accepted{conn: nc}:
		return true
	case <-l.closed:
		return false
	}
}

// below returns the TCP connection in nc, nil if there is none.
func below(nc net.Conn) *net.TCPConn {
	for {
		if tcp, ok := nc.(*net.TCPConn); ok {
			return tcp
		}
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		nc = outer.NetConn()
	}
}
