package serve

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// counted counts the states of connections.
type counted struct {
	mu sync.Mutex
	of map[http.ConnState]int
}

func (c *counted) state(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[state]++
}

func (c *counted) get(state http.ConnState) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[state]
}

// TestHandedOver: a connection that net/http gets from the reader of plain requests is new once, keeps its place, and is
// answered the request that it was handed over with.
func TestHandedOver(t *testing.T) {
	states := &counted{of: make(map[http.ConnState]int)}
	g, err := Bind(t.Context(), discard, Listener{
		Name: "api", Host: "127.0.0.1", Handler: http.HandlerFunc(hello), MaxConnections: 2, ConnState: states.state,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	c := dial(t, g.Addr("api").String())
	for _, request := range []string{"GET / HTTP/1.1\r\n", "OPTIONS / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"} {
		if _, err := io.WriteString(c, request+"Host: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := c.read(t); got.body != "hello" {
			t.Errorf("%q: %+v", request, got)
		}
	}
	if open := g.connections("api"); open != 1 {
		t.Errorf("%d open", open)
	}
	_ = c.Close()
	for end := time.Now().Add(5 * time.Second); states.get(http.StateClosed) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if open := g.connections("api"); open != 0 || states.get(http.StateNew) != 1 || states.get(http.StateClosed) != 1 {
		t.Errorf("%d open, %d new, %d closed", open, states.get(http.StateNew), states.get(http.StateClosed))
	}
}

// TestHandedOverInTime: who was slow with the beginning of headers gets no more time for the rest of them.
func TestHandedOverInTime(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	set := &deadlines{Conn: near}
	c := &conn{Conn: set, guard: newGuard(nil, Listener{}, discard)}
	by := time.Now().Add(time.Second)
	c.handOver([]byte("ab"), by)
	late := by.Add(time.Hour)
	for _, want := range []time.Time{by, late} { // the second is another request's
		if err := c.SetReadDeadline(late); err != nil {
			t.Fatal(err)
		}
		if !set.read.Equal(want) {
			t.Errorf("deadline %s, want %s", set.read, want)
		}
	}
	go func() { _, _ = io.WriteString(far, "cd") }() // read below
	text := make([]byte, 4)
	if _, err := io.ReadFull(c, text[:1]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, text[1:]); err != nil || string(text) != "abcd" {
		t.Errorf("read %q, %v", text, err)
	}
	_ = c.Close()
}

// TestHalfARequestMakesRoom: a connection with a part of a request's headers counts as idle.
func TestHalfARequestMakesRoom(t *testing.T) {
	g, addr, _ := limited(t, 1, hello)
	slow := dial(t, addr)
	_, _ = io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT") // read below
	if got := slow.read(t); got.status != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	age(t, g, 1)
	if got := dial(t, addr).ask(t); got.status != http.StatusOK {
		t.Errorf("no room for a new connection: %+v", got)
	}
	if got := slow.read(t); got.status != 0 {
		t.Errorf("the slow one got %+v", got)
	}
}
