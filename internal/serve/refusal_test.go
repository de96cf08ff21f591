package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

const (
	media   = "application/test+json"
	refusal = `{"refused":true}`
)

// answered is what came back for a request.
type answered struct {
	status int
	header http.Header
	body   string
	closes bool
}

// exchange sends bytes as they are and returns the answer.
func exchange(t *testing.T, addr, request string) answered {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(body), response.Close}
}

func TestUnreadableRequestsAreRefusedInOurWords(t *testing.T) {
	g, err := Bind(t.Context(), discard, Listener{
		Name: "api", Host: "127.0.0.1", Handler: http.HandlerFunc(hello), RefusalMedia: media, RefusalBody: refusal,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Serve()
	t.Cleanup(func() { _ = g.Close() })
	addr := g.Addr("api").String()
	for _, c := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"no HTTP", "\x16\x03\x01\x00\xa5 this is no HTTP\r\n\r\n", 400, refusal},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, refusal},
		{"a host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, refusal},
		{"a bad header name", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", 400, refusal},
		{"a bad escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, refusal},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\nx: " + strings.Repeat("a", 2*MaxHeaderBytes) + "\r\n\r\n", 431, ""},
		{"a transfer encoding of its own", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, ""},
		{"a version of its own", "GET / HTTP/2.5\r\nHost: x\r\n\r\n", 505, ""},
		{"a good one", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, "hello"},
	} {
		a := exchange(t, addr, c.request)
		if a.status != c.status || a.body != c.body {
			t.Errorf("%s: got %d %q, want %d %q", c.name, a.status, a.body, c.status, c.body)
		}
		if got := a.header.Get("Content-Length"); got != fmt.Sprint(len(c.body)) {
			t.Errorf("%s: content-length %q for %d bytes", c.name, got, len(c.body))
		}
		if !a.closes {
			t.Errorf("%s: the answer does not say that the connection ends", c.name)
		}
		if got := a.header.Get("Content-Type"); c.body == refusal && got != media || c.body == "" && got != "" {
			t.Errorf("%s: content-type %q", c.name, got)
		}
	}
}

// TestGeneralOptions: OPTIONS * reaches the handler; net/http would answer 200 by itself.
func TestGeneralOptions(t *testing.T) {
	_, addr := serving(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if a := exchange(t, addr, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); a.status != http.StatusTeapot {
		t.Errorf("got %d", a.status)
	}
}
