package http1

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// held serves requests whose handlers hold until their context ends or release is closed, and tells how they ended.
func held(t *testing.T, release <-chan struct{}) (r *rig, begun chan context.Context, ended chan error) {
	t.Helper()
	begun, ended = make(chan context.Context), make(chan error, 1)
	r = serving(t, func(w http.ResponseWriter, r *http.Request) {
		done := r.Context().Done() // before the body has come: it is watched behind it
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		begun <- r.Context()
		select {
		case <-done:
		case <-release:
		case <-time.After(testPatience):
			t.Error("nothing happened")
		}
		ended <- r.Context().Err()
		fmt.Fprint(w, "done")
	}, nil)
	return r, begun, ended
}

func TestContextEndsWithTheClient(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		leave   func(*net.TCPConn) error
	}{
		"closes":       {get, (*net.TCPConn).Close},
		"half-closes":  {get, (*net.TCPConn).CloseWrite},
		"resets":       {get, func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() }},
		"after a body": {post + string(make([]byte, 5000)), (*net.TCPConn).Close},
	} {
		r, begun, ended := held(t, nil)
		conn := dial(t, r.addr)
		_, _ = io.WriteString(conn, c.request) // seen below
		<-begun
		if err := c.leave(conn); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Errorf("%s: the context goes on", name)
		}
	}
}

// TestContextIsOneRequests: it does not end because the next request comes, it ends when its own has been answered, and the
// next one has its own.
func TestContextIsOneRequests(t *testing.T) {
	release := make(chan struct{}, 2)
	r, begun, ended := held(t, release)
	c := connect(t, r.addr)
	_, _ = io.WriteString(c.TCPConn, get) // seen below
	first := <-begun
	_, _ = io.WriteString(c.TCPConn, get) // seen below
	child, cancel := context.WithCancel(first)
	defer cancel()
	select {
	case <-first.Done():
		t.Error("the next request has ended this one")
	case <-time.After(20 * time.Millisecond):
	}
	release <- struct{}{}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	second := <-begun
	if first.Err() == nil || child.Err() == nil {
		t.Error("the context of a request that was answered goes on")
	}
	if second.Err() != nil {
		t.Error("the next request begins with a context that has ended")
	}
	if second.Value(connKey{}) == nil || first.Value(connKey{}) != second.Value(connKey{}) {
		t.Error("the values of the connection are not there")
	}
	if _, bounded := second.Deadline(); bounded {
		t.Error("there is a deadline")
	}
	release <- struct{}{}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for range 2 {
		if c.answer() == nil {
			t.Fatal("an answer is missing")
		}
	}
}

// TestOnlyDoneIsWatched: a request costs no goroutine until somebody wants to know its end, and then one, whatever else is
// derived from it.
func TestOnlyDoneIsWatched(t *testing.T) {
	var without, asked, derived int
	r := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
		defer cancel()
		_ = ctx.Value(connKey{})
		without = runtime.NumGoroutine()
		r.Context().Done()
		asked = runtime.NumGoroutine()
		for range 3 {
			child, end := context.WithCancel(r.Context())
			defer end()
			defer context.AfterFunc(child, func() {})()
		}
		derived = runtime.NumGoroutine()
	}, nil)
	c := connect(t, r.addr)
	before := runtime.NumGoroutine()
	if c.ask(get) == nil {
		t.Fatal("no answer")
	}
	if without > before+1 || asked != without+1 || derived != asked {
		t.Errorf("goroutines: %d, in a handler %d, behind Done %d, with children %d", before, without, asked, derived)
	}
}

// TestWatchLeavesTheDeadlines: requests behind one that was watched are read as ever, bodies included.
func TestWatchLeavesTheDeadlines(t *testing.T) {
	r := serving(t, func(w http.ResponseWriter, r *http.Request) {
		done := r.Context().Done() // before the body: watching begins behind it
		n, err := io.Copy(io.Discard, r.Body)
		select {
		case <-done:
			t.Error("the context has ended")
		default:
		}
		fmt.Fprint(w, n, err)
	}, nil)
	c := connect(t, r.addr)
	for range 3 {
		_, _ = io.WriteString(c.TCPConn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na") // answered below
		c.want("bc", "3 <nil>")
		c.want(get, "0 <nil>")
	}
}
