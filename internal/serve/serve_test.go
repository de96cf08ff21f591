package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// A connection that is closed in front of unread bytes is kept by net/http for half a second, so that they do not reset it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

var discard = slog.New(slog.DiscardHandler)

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

func serving(t *testing.T, handler http.HandlerFunc) (*Group, string) {
	t.Helper()
	g, err := Bind(t.Context(), discard, Listener{Name: "api", Host: "127.0.0.1", Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	return g, g.Addr("api").String()
}

// get asks with its own connection, so that no idle one is left behind.
func get(t *testing.T, url string, protocols *http.Protocols) (protocol, text string) {
	t.Helper()
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.Proto, string(body)
}

func TestServesBothProtocols(t *testing.T) {
	_, addr := serving(t, hello)
	h2 := new(http.Protocols)
	h2.SetUnencryptedHTTP2(true)
	for want, protocols := range map[string]*http.Protocols{"HTTP/1.1": nil, "HTTP/2.0": h2} {
		protocol, body := get(t, "http://"+addr, protocols)
		if protocol != want || body != "hello" {
			t.Errorf("got %s %q, want %s", protocol, body, want)
		}
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	g, _ := serving(t, hello)
	port := g.Addr("api").Port
	_, err := Bind(t.Context(), discard,
		Listener{Name: "management", Host: "127.0.0.1", Handler: http.HandlerFunc(hello)},
		Listener{Name: "api", Host: "127.0.0.1", Port: port, Handler: http.HandlerFunc(hello)})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("api listener on 127.0.0.1:%d", port)) {
		t.Errorf("the listener and its address must be named: %v", err)
	}
}

func TestShutdownWaitsForRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	g, addr := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		hello(w, nil)
	})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- g.Shutdown(context.Background(), "api") }()
	for refused := false; !refused; { // no new connection is taken
		c, err := net.Dial("tcp", addr)
		if refused = err != nil; !refused {
			_ = c.Close()
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned while a request ran: %v", err)
	default:
	}
	close(leave)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the running request was not answered: %v", err)
	}
	if response != nil {
		_ = response.Body.Close()
	}
	if err := <-g.Done(); err != nil {
		t.Errorf("a listener that was shut down ended with %v", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	entered := make(chan struct{})
	g, addr := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := g.Shutdown(ctx, "api"); err == nil {
		t.Error("a request that does not end was not reported")
	}
}
