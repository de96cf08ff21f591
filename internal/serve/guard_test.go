package serve

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

const busy = `{"busy":true}`

// limited serves with room for a few connections.
func limited(t *testing.T, room int, handler http.HandlerFunc) (g *Group, addr string, refused *atomic.Int64) {
	t.Helper()
	refused = new(atomic.Int64)
	var err error
	g, err = Bind(t.Context(), discard, Listener{
		Name: "api", Host: "127.0.0.1", Handler: handler, MaxConnections: room,
		RefusalMedia: media, RefusalBody: refusal, BusyBody: busy, RetryAfter: 7, Refused: func() { refused.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	return g, g.Addr("api").String(), refused
}

// client is a connection on which requests are made one after the other.
type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return client{conn, bufio.NewReader(conn)}
}

// ask returns the answer to a request; its status is 0 when the server has closed.
func (c client) ask(t *testing.T) answered {
	t.Helper()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // the server may have answered and closed
	return c.read(t)
}

// read returns the next answer.
func (c client) read(t *testing.T) answered {
	t.Helper()
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return answered{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(body), response.Close}
}

func TestConnectionsPastTheLimit(t *testing.T) {
	g, addr, refused := limited(t, 3, hello)
	var inside []client
	for range 3 {
		c := dial(t, addr)
		if c.ask(t).status != http.StatusOK {
			t.Fatal("a connection within the limit was refused")
		}
		inside = append(inside, c)
	}
	for range 2 * turnedAway { // more than are waited for at once
		got := dial(t, addr).ask(t)
		if got.status == 0 {
			continue // closed before it could read
		}
		if got.status != http.StatusServiceUnavailable || got.body != busy || got.header.Get("Retry-After") != "7" || !got.closes {
			t.Fatalf("past the limit: %+v", got)
		}
	}
	if dial(t, addr).ask(t).status == 0 {
		t.Error("one client past the limit got no answer")
	}
	if open := g.connections("api"); open != 3 || refused.Load() != 2*turnedAway+1 {
		t.Errorf("%d open, %d refused", open, refused.Load())
	}
	for _, c := range inside {
		if c.ask(t).status != http.StatusOK {
			t.Error("a connection within the limit has lost its place")
		}
	}
	_ = inside[0].Close()
	for end := time.Now().Add(5 * time.Second); ; {
		if dial(t, addr).ask(t).status == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the place of a connection that was closed is not given away")
		}
	}
}

// TestIdleMakeRoom: a new connection takes the place of one that has long been idle, never that of one with a request.
func TestIdleMakeRoom(t *testing.T) {
	leave := make(chan struct{})
	g, addr, _ := limited(t, 2, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-leave
		}
		hello(w, r)
	})
	idle := dial(t, addr)
	idle.ask(t)
	working := dial(t, addr)
	_, _ = io.WriteString(working, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n") // read below
	age(t, g, 2)
	if dial(t, addr).ask(t).status != http.StatusOK {
		t.Error("a new connection did not get the place of an idle one")
	}
	if idle.ask(t).status != 0 {
		t.Error("the idle connection is still served")
	}
	close(leave)
	if working.read(t).status != http.StatusOK {
		t.Error("the working connection was closed")
	}
}

// age makes the connections that are idle look so for long, once there are n of all and one is at work.
func age(t *testing.T, g *Group, n int) {
	t.Helper()
	guard := g.bound[0].guard
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		guard.mu.Lock()
		idle := 0
		for c := range guard.open {
			if c.idleSince.Load() != 0 {
				idle++
			}
		}
		ready := len(guard.open) == n && idle == 1
		for c := range guard.open {
			if ready && c.idleSince.Load() != 0 {
				c.idleSince.Store(time.Now().Add(-2 * idleGrace).UnixNano())
			}
		}
		guard.mu.Unlock()
		if ready {
			return
		}
	}
	t.Fatal("the connections do not come to rest")
}

func TestShortLinesAreAnsweredAtOnce(t *testing.T) {
	_, addr, _ := limited(t, 0, hello)
	for _, line := range []string{"nonsense\r\n\r\n", "\r\n\r\n", "x\n", "GET /\r\n"} {
		began := time.Now()
		if got := exchange(t, addr, line); got.status != http.StatusBadRequest || got.body != refusal {
			t.Errorf("%q: %+v", line, got)
		}
		if took := time.Since(began); took > HeaderTimeout/2 {
			t.Errorf("%q: answered after %s", line, took)
		}
	}
	slow := dial(t, addr) // a good request whose first bytes come alone is no such line
	for _, part := range []string{"GE", "T /", " HTTP/1.1\r", "\nHost: x\r\n\r", "\n"} {
		if _, err := io.WriteString(slow, part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // so that the parts are read one by one
	}
	if got := slow.read(t); got.status != http.StatusOK {
		t.Fatalf("a request in parts: %+v", got)
	}
}

// TestTwoLengths: the connection tells what net/http hides, for the last request only.
func TestTwoLengths(t *testing.T) {
	g, err := Bind(t.Context(), discard, Listener{
		Name: "api", Host: "127.0.0.1", ConnContext: keepConn,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // what cannot be read is not there
			fmt.Fprint(w, r.Context().Value(connKey{}).(interface{ TwoLengths() bool }).TwoLengths())
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	c := dial(t, g.Addr("api").String())
	const chunks = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	for _, step := range []struct{ headers, want string }{
		{"Content-Length: 2\r\n\r\nhi", "false"},
		{chunks, "false"},
		{"Content-Length: 2\r\n" + chunks, "true"},
		{"Content-Length: 0\r\n\r\n", "false"},
		{"cONTENT-lENGTH: 2\r\ntransfer-ENCODING: chunked\r\n\r\n0\r\n\r\n", "true"},
		{"X-Content-Length: 2\r\n" + chunks, "false"},
		{"X: content-length: 2\r\n" + chunks, "false"},
		{"Transfer-Encoding: chunked\r\n\r\n13\r\n\"content-length: 1\"\r\n0\r\n\r\n", "false"},
	} {
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n"+step.headers); err != nil {
			t.Fatal(err)
		}
		if got := c.read(t); got.body != step.want {
			t.Errorf("%q: %+v, want %s", step.headers, got, step.want)
		}
	}
}

// TestWritesAreBounded: what a client does not read is not waited for without end, also where the deadline of an earlier
// write or of a handshake is still set.
func TestWritesAreBounded(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	set := &deadlines{Conn: near}
	c := &conn{Conn: set, guard: newGuard(nil, Listener{}, discard)}
	go func() { _, _ = io.Copy(io.Discard, far) }()
	for range 3 {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if len(set.writes) != 1 || time.Until(set.writes[0]) < WriteTimeout {
		t.Errorf("deadlines %v: want one, ahead of all three writes", set.writes)
	}
	_ = c.SetWriteDeadline(time.Time{}) // as crypto/tls does behind a handshake
	if _, err := c.Write([]byte("x")); err != nil || len(set.writes) != 3 {
		t.Errorf("deadlines %v, %v: the next write has to set its own", set.writes, err)
	}
	_ = c.Close()
}

type deadlines struct {
	net.Conn
	read   time.Time
	writes []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = t
	return d.Conn.SetReadDeadline(t)
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.writes = append(d.writes, t)
	return d.Conn.SetWriteDeadline(t)
}

// TestLimitWithTLS: connections count, and their states are seen, below TLS too.
func TestLimitWithTLS(t *testing.T) {
	ca, err := pki.NewCA("serve")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(pki.Subject{CommonName: "localhost", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	g, err := Bind(t.Context(), discard, Listener{
		Name: "api", Host: "127.0.0.1", Handler: http.HandlerFunc(hello), MaxConnections: 1,
		TLS: &tls.Config{Certificates: []tls.Certificate{pair.TLS}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	conn := tls.Client(dial(t, g.Addr("api").String()), &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	first := client{conn, bufio.NewReader(conn)}
	if first.ask(t).body != "hello" {
		t.Fatal("the first connection was refused")
	}
	second := dial(t, g.Addr("api").String())
	if text, err := io.ReadAll(second); len(text) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("past the limit: %q, %v", text, err)
	}
	age(t, g, 1)
	if first.ask(t).status == 0 {
		t.Error("nobody needed the place of the idle connection")
	}
}

type connKey struct{}

func keepConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}
