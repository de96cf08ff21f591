// Package serve runs HTTP servers under one context: it binds them before anything is promised, sets the limits that
// net/http leaves open, and stops them in order, first refusing new work and then waiting for what runs. Without TLS,
// package http1 stands in front of net/http and answers what is plain. The package knows nothing of Kafka, of routes or of settings.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/http1"
)

// Limits of every connection. A client that is slower than this is cut off; the reference bridge waits without end.
const (
	// HeaderTimeout bounds the reading of a request's line and headers.
	HeaderTimeout = 10 * time.Second
	// IdleTimeout closes a keep-alive connection on which nothing was asked.
	IdleTimeout = 5 * time.Minute
	// MaxHeaderBytes is what net/http is told; it reads up to 4 KiB more before it answers 431.
	MaxHeaderBytes = 16 << 10
	// MaxStreams is how many requests one connection of HTTP/2 may have open.
	MaxStreams = 128
)

// Listener is one address to serve.
type Listener struct {
	// Name stands in logs and errors: "api", "management".
	Name string
	// Host and Port to bind; port 0 takes a free one.
	Host string
	Port int
	// Socket, if set, is the path of a Unix socket to bind instead of Host and Port; see listenSocket.
	Socket string
	// TLS is nil for plain HTTP.
	TLS *tls.Config
	// Handler answers.
	Handler http.Handler
	// MaxConnections bounds the open connections; 0: no bound.
	MaxConnections int
	// RefusalMedia and RefusalBody, if set, are the answer to requests that are no HTTP, BusyBody and RetryAfter (seconds)
	// to connections past the limit. All of it without TLS only: what net/http writes there can be seen encrypted only.
	RefusalMedia, RefusalBody, BusyBody string
	RetryAfter                          int
	// Refused, if set, is called for each connection past the limit. It must not block.
	Refused func()
	// ConnContext, if set, is given each new connection's context.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// ConnState, if set, is told of each connection's changes, as http.Server tells them.
	ConnState func(net.Conn, http.ConnState)
}

// Group is a set of bound listeners, in the order in which they were given.
type Group struct {
	bound []bound
	log   *slog.Logger
	done  chan error
}

type bound struct {
	name   string
	ln     net.Listener
	guard  *guard
	server *http.Server
	plain  *http1.Server // what answers most requests without TLS; nil with it
}

// Bind opens every listener, or none: on an error those already open are closed. The error names the listener, the
// address and what to change.
func Bind(ctx context.Context, logger *slog.Logger, listeners ...Listener) (*Group, error) {
	g := &Group{log: logger, done: make(chan error, len(listeners))}
	for _, l := range listeners {
		b, err := bind(ctx, logger, l)
		if err != nil {
			g.closeListeners()
			return nil, err
		}
		g.bound = append(g.bound, b)
	}
	return g, nil
}

func bind(ctx context.Context, logger *slog.Logger, l Listener) (bound, error) {
	ln, err := l.listen(ctx)
	if err != nil {
		return bound{}, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	// HTTP/2 by prior knowledge, or by ALPN with TLS: some HTTP clients know nothing else.
	protocols.SetHTTP2(l.TLS != nil)
	protocols.SetUnencryptedHTTP2(l.TLS == nil)
	g := newGuard(ln, l, logger)
	server := &http.Server{
		Handler:           l.Handler,
		TLSConfig:         l.TLS,
		Protocols:         protocols,
		HTTP2:             http2Limits(),
		ReadHeaderTimeout: HeaderTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
		ConnContext:       l.ConnContext,
		// OPTIONS * is a request like others; net/http would answer 200 by itself.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(logWriter{logger, l.Name}, "", 0),
	}
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if g.state(c, state) && l.ConnState != nil {
			l.ConnState(c, state)
		}
	}
	b := bound{name: l.Name, ln: g, guard: g, server: server}
	if l.TLS == nil {
		b.plain = newPlain(server)
	}
	return b, nil
}

// listen binds the listener's address.
func (l Listener) listen(ctx context.Context) (net.Listener, error) {
	if l.Socket != "" {
		ln, err := listenSocket(ctx, l.Socket)
		if err != nil {
			return nil, fmt.Errorf("%s listener on %s: %w", l.Name, l.Socket, err)
		}
		return ln, nil
	}
	address := net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s listener on %s: %w (is another process there, or should the host or port setting change?)", l.Name, address, err)
	}
	return ln, nil
}

// newPlain returns what answers plain requests in front of a server, as that would.
func newPlain(server *http.Server) *http1.Server {
	connContext := server.ConnContext
	if connContext == nil {
		connContext = func(ctx context.Context, _ net.Conn) context.Context { return ctx }
	}
	return http1.New(http1.Options{
		Handler: server.Handler, HeaderTimeout: HeaderTimeout, IdleTimeout: IdleTimeout, ErrorLog: server.ErrorLog,
		ConnContext: connContext, ConnState: server.ConnState,
		HandOver: func(nc net.Conn, read []byte, by time.Time) { below(nc).handOver(read, by) },
	})
}

// http2Limits bounds what one connection of HTTP/2 may hold; net/http resets, and closes in the end, what goes beyond.
// Streams that a client resets count until their handlers have ended, so that opening and resetting them in a row
// (CVE-2023-44487) is no way around.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          MaxStreams,
		MaxReceiveBufferPerConnection: 512 << 10,
		MaxReceiveBufferPerStream:     256 << 10,
		SendPingTimeout:               time.Minute, // of silence, after which a vanished client is looked for
		PingTimeout:                   15 * time.Second,
		WriteByteTimeout:              WriteTimeout,
	}
}

// Addr returns the address that the named listener is bound to, nil if there is none of that name, or one on a socket.
func (g *Group) Addr(name string) *net.TCPAddr {
	for _, b := range g.bound {
		if b.name == name {
			address, _ := b.ln.Addr().(*net.TCPAddr)
			return address
		}
	}
	return nil
}

// Serve starts answering on every listener and returns at once. Done tells when one ends by itself.
func (g *Group) Serve() {
	for _, b := range g.bound {
		go func() {
			err := b.serve()
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			if err != nil {
				err = fmt.Errorf("%s listener: %w", b.name, err)
			}
			g.done <- err
		}()
	}
}

func (b bound) serve() error {
	if b.server.TLSConfig != nil {
		return b.server.ServeTLS(b.ln, "", "")
	}
	return b.server.Serve(b.plain.Listen(b.ln))
}

// shutdown stops a listener in order.
func (b bound) shutdown(ctx context.Context) error {
	if b.plain == nil {
		return b.server.Shutdown(ctx)
	}
	var plain error
	var both sync.WaitGroup
	both.Go(func() { plain = b.plain.Shutdown(ctx) })
	err := b.server.Shutdown(ctx)
	both.Wait()
	return errors.Join(plain, err)
}

// Done receives one value for each listener that has ended: nil after a Shutdown, its error otherwise.
func (g *Group) Done() <-chan error { return g.done }

// Shutdown stops the named listener: it accepts nothing more and waits until its requests have been answered or ctx
// ends. What runs then goes on until Close; Shutdown may be called again to wait longer.
func (g *Group) Shutdown(ctx context.Context, name string) error {
	for _, b := range g.bound {
		if b.name != name {
			continue
		}
		if err := b.shutdown(ctx); err != nil {
			return fmt.Errorf("%s listener: requests were still running: %w", name, err)
		}
	}
	return nil
}

// Close ends every listener and every connection at once.
func (g *Group) Close() error {
	var errs []error
	for _, b := range g.bound {
		errs = append(errs, b.server.Close())
		if b.plain != nil {
			b.plain.Close()
		}
	}
	g.closeListeners()
	for _, b := range g.bound {
		b.guard.told.Wait() // at most turnTime
	}
	return errors.Join(errs...)
}

func (g *Group) closeListeners() {
	for _, b := range g.bound {
		_ = b.ln.Close() // the server may have closed it
	}
}

// logWriter gives net/http's own lines (broken handshakes, panics that escaped) to slog at debug level: most of them
// are caused by clients and scanners, and none may carry a request's content.
type logWriter struct {
	log  *slog.Logger
	name string
}

var _ io.Writer = logWriter{}

func (w logWriter) Write(line []byte) (int, error) {
	w.log.Debug("http server", "listener", w.name, "text", string(line))
	return len(line), nil
}
