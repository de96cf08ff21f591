package bridge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of these tests; none takes that long unless something is broken.
const testPatience = 10 * time.Second

// waiting serves requests that wait while their client is present, and reports how each wait ended.
func waiting(t *testing.T, release <-chan struct{}) (addr string, ended <-chan error, begun <-chan struct{}) {
	t.Helper()
	ends, begins := make(chan error, 1), make(chan struct{}, 1)
	addr = listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		ctx, stop := c.whilePresent(context.Background())
		begins <- struct{}{}
		select {
		case <-ctx.Done():
		case <-release:
		case <-time.After(testPatience):
		}
		ends <- ctx.Err()
		stop()
		_ = c.json([]byte("[]"))
	}), withConn, nil)
	return addr, ends, begins
}

func request(t *testing.T, addr, version, path string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/%s\r\nHost: x\r\n\r\n", path, version)
	return conn.(*net.TCPConn)
}

func TestVanishedClientEndsTheWait(t *testing.T) {
	for _, c := range []struct {
		version string
		reset   bool // the client's kernel says that it is gone, not only that it sends nothing more
	}{{"1.1", false}, {"1.1", true}, {"1.0", true}} {
		addr, ended, begun := waiting(t, nil)
		conn := request(t, addr, c.version, "/")
		<-begun
		if c.reset {
			_ = conn.SetLinger(0)
		}
		_ = conn.Close()
		select {
		case err := <-ended:
			if err == nil {
				t.Errorf("%v: the wait went on until its end", c)
			}
		case <-time.After(testPatience):
			t.Errorf("%v: the wait did not end", c)
		}
	}
}

// TestHalfClosedClientOfHTTP10: it knows no interim answer, so that it is asked with the head of its answer, and the
// body is only sent if it is there to take it.
func TestHalfClosedClientOfHTTP10(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"half-closed": (*net.TCPConn).CloseWrite, "gone": (*net.TCPConn).Close,
	} {
		stayed, halfClosed := make(chan bool, 1), make(chan struct{})
		addr := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &call{w: w, r: r}
			ctx, stop := c.whilePresent(context.Background())
			<-halfClosed
			<-r.Context().Done() // net/http has seen the end of what the client sends
			if ctx.Err() != nil {
				t.Errorf("%s: counted as gone before anything was sent", name)
			}
			stop()
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(http.StatusOK)
			stayed <- c.begun()
			fmt.Fprint(w, "[]")
		}), withConn, nil)
		conn := request(t, addr, "1.0", "/")
		if err := leave(conn); err != nil {
			t.Fatal(err)
		}
		close(halfClosed)
		if there := <-stayed; there != (name == "half-closed") {
			t.Errorf("%s: counted as there: %v", name, there)
		}
		if name == "gone" {
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(testPatience))
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n[]") || strings.Contains(string(answer), " 102 ") {
			t.Errorf("%s: answered %q, %v", name, answer, err)
		}
	}
}

func TestHalfClosedClientIsAnswered(t *testing.T) {
	release := make(chan struct{})
	addr, ended, begun := waiting(t, release)
	conn := request(t, addr, "1.1", "/")
	<-begun
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(testPatience))
	reader := bufio.NewReader(conn)
	for range 3 { // signs of life: the wait goes on while the client takes them
		interim(t, reader)
	}
	select {
	case err := <-ended:
		t.Fatalf("the wait ended: %v", err)
	default:
	}
	close(release)
	if err := <-ended; err != nil {
		t.Fatalf("the client counted as gone: %v", err)
	}
	response, err := http.ReadResponse(reader, nil) // interim answers that were under way are skipped by the library
	for err == nil && response.StatusCode == http.StatusProcessing {
		_ = response.Body.Close()
		response, err = http.ReadResponse(reader, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
}

func interim(t *testing.T, reader *bufio.Reader) {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusProcessing {
		t.Fatalf("status %d, want an interim answer", response.StatusCode)
	}
}

func TestWaitEndsWithTheServer(t *testing.T) {
	server, stopServer := context.WithCancel(context.Background())
	c := &call{w: httptest.NewRecorder(), r: httptest.NewRequest(http.MethodGet, "/", nil)}
	ctx, stop := c.whilePresent(server)
	defer stop()
	stopServer()
	<-ctx.Done()
}
