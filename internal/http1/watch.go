package http1

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// longAgo is a deadline that wakes who waits for the socket.
var longAgo = time.Unix(1, 0)

// requestContext is the context of a connection's requests, one after the other, until one of them asks for Done: from
// then on it is that request's, and the next one gets another. Until then it costs nothing, and nobody looks whether the
// client leaves; a produce, which is finished in any case, never asks.
type requestContext struct {
	context.Context // the connection's values
	c               *conn

	asked atomic.Pointer[cancellable]

	mu      sync.Mutex
	running bool // a handler runs
	read    bool // its request has been read to the end, so that the next bytes are no part of it
	watcher *watcher
}

// cancellable is a context and its end.
type cancellable struct {
	context.Context
	cancel context.CancelFunc
}

// watcher is a goroutine that waits for a connection's end.
type watcher struct {
	stopped chan struct{}
	aborted atomic.Bool
}

func newRequestContext(c *conn, values context.Context) *requestContext {
	return &requestContext{Context: values, c: c}
}

// newTemplate returns the request of which those of a connection are copies.
func newTemplate(c *conn) *http.Request {
	r := &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: c.nc.RemoteAddr().String()}
	return r.WithContext(c.ctx)
}

// Done ends when the client leaves, or when the request has been answered. The first call begins to watch the connection.
func (x *requestContext) Done() <-chan struct{} {
	if a := x.asked.Load(); a != nil {
		return a.Done()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.asked.Load()
	if a == nil {
		ctx, cancel := context.WithCancel(x.Context)
		a = &cancellable{ctx, cancel}
		x.asked.Store(a)
		x.watch()
	}
	return a.Done()
}

// Err is nil until Done has been asked for and has ended.
func (x *requestContext) Err() error {
	if a := x.asked.Load(); a != nil {
		return a.Err()
	}
	return nil
}

// Value returns the connection's; those of package context find the context that can be cancelled.
func (x *requestContext) Value(key any) any {
	if a := x.asked.Load(); a != nil {
		return a.Value(key)
	}
	return x.Context.Value(key)
}

// begin is called before a handler; read says that its request has no body.
func (x *requestContext) begin(read bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running, x.read = true, read
}

// hitEOF is called when a request's body has been read.
func (x *requestContext) hitEOF() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = true
	x.watch()
}

// watch begins to wait for the end of the connection where somebody wants to know it; mu is held. While a body is on its
// way, whoever reads it sees the end.
func (x *requestContext) watch() {
	if !x.running || !x.read || x.asked.Load() == nil || x.watcher != nil {
		return
	}
	x.watcher = &watcher{stopped: make(chan struct{})}
	_ = x.c.tcp.SetReadDeadline(time.Time{}) // it fails where the wait does
	go x.wait(x.watcher)
}

// wait waits until the client sends something, which is its next request, or leaves. It takes nothing out of the socket.
func (x *requestContext) wait(w *watcher) {
	defer close(w.stopped)
	var next [1]byte
	left := false
	err := x.c.raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		for errors.Is(err, syscall.EINTR) {
			n, _, err = syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		}
		left = n <= 0 && !errors.Is(err, syscall.EAGAIN)
		return !errors.Is(err, syscall.EAGAIN)
	})
	if left || err != nil && !w.aborted.Load() {
		x.cancel()
	}
}

// cancel ends Done: the connection is broken.
func (x *requestContext) cancel() {
	if a := x.asked.Load(); a != nil {
		a.cancel()
	}
}

// end is called behind a handler, when nothing has to be read of its request any more. It reports whether the context
// was asked for, and belongs to that request.
func (x *requestContext) end() bool {
	x.mu.Lock()
	x.running = false
	w := x.watcher
	x.watcher = nil
	x.mu.Unlock()
	if w != nil {
		w.aborted.Store(true)
		x.c.readUntil(longAgo)
		<-w.stopped
	}
	x.cancel()
	return x.asked.Load() != nil
}
