package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

// client asks one request after the other on a connection.
type client struct {
	*testing.T
	*net.TCPConn
	r *bufio.Reader
}

func connect(t *testing.T, addr string) *client {
	t.Helper()
	nc := dial(t, addr)
	return &client{t, nc, bufio.NewReader(nc)}
}

// answered is what came back for a request.
type answered struct {
	status int
	body   string
	closes bool
}

// ask sends a request and returns the answer; nil when the server has closed.
func (c *client) ask(text string) *answered {
	c.Helper()
	_, _ = io.WriteString(c.TCPConn, text) // the server may have closed
	return c.answer()
}

func (c *client) answer() *answered {
	c.Helper()
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return &answered{response.StatusCode, string(text), response.Close}
}

func (c *client) want(text, body string) {
	c.Helper()
	got := c.ask(text)
	if got == nil {
		c.Fatalf("no answer to %q", text)
	}
	if got.body != body {
		c.Errorf("to %q: %q, want %q", text, got.body, body)
	}
}

// closed waits for the end of the connection.
func (c *client) closed() {
	c.Helper()
	if _, err := c.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.Errorf("the connection is open: %v", err)
	}
}

func TestOnlyWhatIsNotPlainIsHandedOver(t *testing.T) {
	r := serving(t, script, nil)
	c := connect(t, r.addr)
	for range 3 {
		c.want(get, "GET / HTTP/1.1 1.1 \"x\" 0 [] false\n\"/\" \"\" \"\" false\n0 \"\" <nil> map[] true\n")
	}
	if r.handedOver() != 0 {
		t.Error("a plain request was handed over")
	}
	if got := c.ask("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n"); got == nil || r.handedOver() != 1 {
		t.Errorf("answer %v, %d handed over", got, r.handedOver())
	}
	_ = c.CloseWrite()
	c.closed()
	if n := r.count(http.StateNew); n != 1 {
		t.Errorf("new %d times: net/http is asked for its connections in package serve", n)
	}
}

func TestStates(t *testing.T) {
	r := serving(t, hello, nil)
	c := connect(t, r.addr)
	for range 2 {
		c.want(get, "hello")
	}
	_ = c.Close()
	eventually(t, "closed", func() bool { return r.count(http.StateClosed) == 1 })
	for state, want := range map[http.ConnState]int{http.StateNew: 1, http.StateActive: 2, http.StateIdle: 2} {
		if got := r.count(state); got != want {
			t.Errorf("%s %d times, want %d", state, got, want)
		}
	}
	if text := r.logged(); text != "" {
		t.Errorf("log: %s", text)
	}
}

// TestRequestsDoNotMix sends what is different for each client, pipelined and in pieces, and wants it back.
func TestRequestsDoNotMix(t *testing.T) {
	r := serving(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		fmt.Fprintf(w, "%s %s %s %s %s", r.URL.Path, r.Host, r.Header.Get("A"), r.Header["B"], body)
	}, nil)
	var all sync.WaitGroup
	for who := range 16 {
		all.Go(func() {
			c := connect(t, r.addr)
			random := rand.New(rand.NewPCG(1, uint64(who)))
			var text strings.Builder
			var want []string
			for n := range 50 {
				body := strings.Repeat(string(rune('a'+who)), random.IntN(6000))
				fmt.Fprintf(&text, "POST /%d/%d HTTP/1.1\r\nHost: h%d\r\nA: %d\r\nB: %d\r\nContent-Length: %d\r\nb: %d\r\n\r\n%s", who, n, who, n, n, len(body), who, body)
				want = append(want, fmt.Sprintf("/%d/%d h%d %d [%d %d] %s", who, n, who, n, n, who, body))
			}
			all.Go(func() {
				for rest := text.String(); rest != ""; {
					n := min(1+random.IntN(3000), len(rest))
					_, _ = io.WriteString(c.TCPConn, rest[:n]) // what is missing shows below
					rest = rest[n:]
				}
			})
			for n := range want {
				got := c.answer()
				if got == nil {
					t.Errorf("client %d: no answer to request %d", who, n)
					return
				}
				if got.body != want[n] {
					t.Errorf("client %d, request %d: %.60q, want %.60q", who, n, got.body, want[n])
				}
			}
		})
	}
	all.Wait()
	if r.handedOver() != 0 {
		t.Errorf("%d connections were handed over", r.handedOver())
	}
}

// TestKeptRequestIsEmpty: what a handler has kept of its request is written when it returns, so that the race detector finds
// whoever still reads it.
func TestKeptRequestIsEmpty(t *testing.T) {
	var kept *http.Request
	var header, answer http.Header
	r := serving(t, func(w http.ResponseWriter, r *http.Request) {
		kept, header, answer = r, r.Header, w.Header()
		w.Header().Set("B", "c")
	}, nil)
	c := connect(t, r.addr)
	if c.ask("GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n") == nil {
		t.Fatal("no answer")
	}
	_ = c.Close()
	eventually(t, "its goroutine is through", func() bool { return r.count(http.StateClosed) == 1 })
	if kept.Method != "" || kept.URL != nil || len(header) > 0 || len(answer) > 0 {
		t.Errorf("left: %q %v %v %v", kept.Method, kept.URL, header, answer)
	}
}

func TestPanics(t *testing.T) {
	r := serving(t, script, nil)
	for _, path := range []string{"/abort", "/panic"} {
		c := connect(t, r.addr)
		_, _ = io.WriteString(c.TCPConn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n") // read below
		_, _ = io.Copy(io.Discard, c.r)                                              // whatever it has sent, it ends
	}
	eventually(t, "both closed", func() bool { return r.count(http.StateClosed) == 2 })
	if text := r.logged(); strings.Count(text, "panic serving") != 1 || !strings.Contains(text, "on purpose") || !strings.Contains(text, "script") {
		t.Errorf("log: %s", text)
	}
	connect(t, r.addr).want("GET /flush HTTP/1.1\r\nHost: x\r\n\r\n", "onetwo")
}

func TestShutdown(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			entered <- struct{}{}
			<-leave
		}
		hello(w, r)
	}, nil)
	idle, silent, partial, working := connect(t, r.addr), connect(t, r.addr), connect(t, r.addr), connect(t, r.addr)
	idle.want(get, "hello")
	partial.want(get+"GET / HT", "hello")
	_, _ = io.WriteString(working.TCPConn, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"+get) // read below
	<-entered
	eventually(t, "four connections", func() bool { return r.count(http.StateNew) == 4 })
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Shutdown(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown with a request that runs: %v", err)
	}
	idle.closed()
	silent.closed()
	partial.closed()
	if late, err := net.Dial("tcp", r.addr); err == nil {
		_ = late.Close()
		t.Error("a connection was accepted")
	}
	close(leave)
	if got := working.answer(); got == nil || got.status != http.StatusOK || !got.closes {
		t.Errorf("the request that ran: %+v", got)
	}
	working.closed()
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsAll(t *testing.T) {
	entered := make(chan struct{})
	r := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}, nil)
	idle, working := connect(t, r.addr), connect(t, r.addr)
	_, _ = io.WriteString(working.TCPConn, get) // read below
	<-entered
	r.Close()
	idle.closed()
	working.closed()
	if _, err := r.Listen(listen(t)).Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a server that is closed listens: %v", err)
	}
}

func TestTimeouts(t *testing.T) {
	const header, idle = 150 * time.Millisecond, 400 * time.Millisecond
	var mu sync.Mutex
	var by []time.Time
	r := serving(t, hello, func(o *Options) {
		o.HeaderTimeout, o.IdleTimeout = header, idle
		handOver := o.HandOver
		o.HandOver = func(c net.Conn, read []byte, until time.Time) {
			mu.Lock()
			by = append(by, until)
			mu.Unlock()
			handOver(c, read, until)
		}
	})
	for _, c := range []struct {
		name, first string
		answers     int
		least, most time.Duration
	}{
		{"silence", "", 0, header, idle},
		{"idle", get, 1, idle, idle + idle/10 + header},
		{"less than a beginning", get + "GE", 1, header, idle},
	} {
		began := time.Now()
		conn := connect(t, r.addr)
		_, _ = io.WriteString(conn.TCPConn, c.first) // read below
		for range c.answers {
			if conn.answer() == nil {
				t.Fatalf("%s: no answer", c.name)
			}
		}
		conn.closed()
		if took := time.Since(began); took < c.least || took > c.most+time.Second {
			t.Errorf("%s: closed after %s, want %s to %s", c.name, took, c.least, c.most)
		}
	}
	if r.handedOver() != 0 {
		t.Errorf("%d were handed over", r.handedOver())
	}
	for _, beginning := range []string{"GET / HT", get + "GET / HTTP/1.1\r\nHost: x\r\n"} { // net/http knows what to answer
		conn := connect(t, r.addr)
		_, _ = io.WriteString(conn.TCPConn, beginning) // see below
		before := r.handedOver()
		eventually(t, "handed over", func() bool { return r.handedOver() > before })
		_ = conn.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	for _, until := range by {
		if until.IsZero() || time.Until(until) > 0 {
			t.Errorf("handed over with time until %s", until)
		}
	}
}

// TestBodyDeadline: the handler's deadline ends a read that waits, and the answer is sent.
func TestBodyDeadline(t *testing.T) {
	r := serving(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(-time.Second))
		n, err := io.ReadFull(r.Body, make([]byte, 2)) // what is there needs no deadline
		_, late := r.Body.Read(make([]byte, 2))
		w.Header()["Connection"] = []string{"close"}
		fmt.Fprint(w, n, err, errors.Is(late, os.ErrDeadlineExceeded))
	}, nil)
	c := connect(t, r.addr)
	c.want("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab", "2 <nil> true")
}

// TestConnectionsAreSmall: one at rest holds no buffer, also where all of them had one at the same time, and one whose
// request is slow to come holds no more than in net/http, of which one at rest takes 18 KiB.
func TestConnectionsAreSmall(t *testing.T) {
	for name, c := range map[string]struct {
		behind string // the request
		most   uint64 // bytes, the client's half included
	}{"at rest": {"", 9 << 10}, "with half a request": {"GET / HT", 18 << 10}} {
		const n = 400
		var asking sync.WaitGroup
		asking.Add(n)
		r := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/together" {
				asking.Done()
				asking.Wait()
			}
			hello(w, r)
		}, nil)
		connect(t, r.addr).want(get, "hello")
		before := taken()
		clients := make([]net.Conn, n)
		for i := range clients {
			clients[i] = dial(t, r.addr)
			if _, err := io.WriteString(clients[i], "GET /together HTTP/1.1\r\nHost: x\r\n\r\n"+c.behind); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all answered", func() bool { return r.count(http.StateIdle) == n+1 })
		each := (taken() - before) / n
		t.Logf("%s, a connection and its client hold %d bytes", name, each)
		if each > c.most {
			t.Errorf("%s, a connection holds %d bytes, want at most %d", name, each, c.most)
		}
		runtime.KeepAlive(clients)
	}
}

// taken returns the bytes of living objects and stacks.
func taken() uint64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// TestBeginning: a request that has come too late for a connection that was closed meanwhile is not answered, and the
// first one's time runs from the connection's beginning.
func TestBeginning(t *testing.T) {
	end := time.Now().Add(time.Second)
	c := &conn{server: New(Options{HeaderTimeout: time.Hour}), readBy: end, fresh: true}
	if got := c.headBy(); !got.Equal(end) {
		t.Errorf("the headers of a first request have time until %s, want %s", got, end)
	}
	c.fresh = false
	if got := c.headBy(); time.Until(got) < time.Minute {
		t.Errorf("those of another have time until %s", got)
	}
	c.state.Store(ended)
	if c.busy() {
		t.Error("a request begins on a connection that was closed")
	}
	if c.handOver(nil, end); c.handed {
		t.Error("a connection that was closed is handed over")
	}
}
