package http1

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// troubled is a listener whose first Accept fails as it does when there are no file descriptors left.
type troubled struct {
	net.Listener
	failed bool
}

func (l *troubled) Accept() (net.Conn, error) {
	if !l.failed {
		l.failed = true
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// piped is a listener of connections that are not TCP.
type piped struct {
	net.Listener
	conns chan net.Conn
}

func (l *piped) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// TestAcceptGoesOn: net/http waits and tries again.
func TestAcceptGoesOn(t *testing.T) {
	r := serving(t, hello, nil)
	ln := listen(t)
	go func() { _ = r.rest.Serve(r.Listen(&troubled{Listener: ln})) }() // ends with the rig
	connect(t, ln.Addr().String()).want(get, "hello")
}

func TestWhatIsNotTCPIsHandedOver(t *testing.T) {
	near, far := net.Pipe()
	l := &piped{Listener: listen(t), conns: make(chan net.Conn, 1)}
	l.conns <- far
	server := New(Options{})
	rest := server.Listen(l)
	got, err := rest.Accept()
	if err != nil || got != far {
		t.Errorf("got %v, %v", got, err)
	}
	_ = near.Close()
	close(l.conns)
	if _, err := rest.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener's error: %v", err)
	}
	if err := rest.Close(); err != nil {
		t.Error(err)
	}
	if _, err := rest.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("behind Close: %v", err)
	}
}

// TestNobodyTakesOver: a connection that is to be handed over when net/http has stopped is closed, and said to be.
func TestNobodyTakesOver(t *testing.T) {
	closed := make(chan struct{})
	server := New(Options{
		HeaderTimeout: testPatience, IdleTimeout: testPatience, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return ctx },
		HandOver:    func(net.Conn, []byte, time.Time) {},
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(closed)
			}
		},
	})
	ln := listen(t)
	rest := server.Listen(ln)
	c := connect(t, ln.Addr().String())
	_, _ = io.WriteString(c.TCPConn, "\r\n\r\n") // it closes below
	if err := rest.Close(); err != nil {
		t.Error(err)
	}
	c.closed()
	<-closed
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
