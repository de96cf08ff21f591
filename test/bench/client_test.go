package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serveOnce answers each request on a listener with the given bytes, byte by byte, so that answers arrive in pieces.
func serveOnce(t *testing.T, text string) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			for i := range len(text) {
				_, _ = c.Write([]byte{text[i]})
			}
			_ = c.Close()
		}
	}()
	return ln.Addr().String()
}

func TestAskReadsEveryFraming(t *testing.T) {
	for _, c := range []struct {
		name, text string
		status     int
		body       string
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length:  5 \r\n\r\nhello", 200, "hello"},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 200, "hello!"},
		{"interim", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", 503, "no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			on := dial(serveOnce(t, c.text))
			defer on.close()
			got, err := on.ask([]byte("GET / HTTP/1.1\r\n\r\n"))
			if err != nil || got.status != c.status || string(got.body) != c.body {
				t.Errorf("%d %q, %v; want %d %q", got.status, got.body, err, c.status, c.body)
			}
		})
	}
}

func TestAskRefusesWhatItCannotRead(t *testing.T) {
	for name, text := range map[string]string{
		"cut in the head":  "HTTP/1.1 200 OK\r\nContent-Le",
		"cut in the body":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
		"cut in a chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"no length":        "HTTP/1.1 200 OK\r\n\r\nhello",
		"not a length":     "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"not HTTP":         "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
		"no status":        "HTTP/1.1 abc OK\r\n\r\n",
		"not a chunk size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	} {
		on := dial(serveOnce(t, text))
		if a, err := on.ask([]byte("GET / HTTP/1.1\r\n\r\n")); err == nil {
			t.Errorf("%s: read as %d %q", name, a.status, a.body)
		}
		if on.to != nil {
			t.Errorf("%s: the connection is still open", name)
		}
	}
	on := dial(serveOnce(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
	if _, err := on.ask([]byte("GET / HTTP/1.1\r\n\r\n")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a missing body: %v", err)
	}
}

// TestRequestsAreWhatAServerReads holds the prebuilt requests against net/http's reader, and the connection against its
// keep-alive: all requests of a loop go over one connection.
func TestRequestsAreWhatAServerReads(t *testing.T) {
	var connections int
	var bodies []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, r.Method+" "+r.RequestURI+" "+r.Header.Get("Content-Type")+r.Header.Get("Accept")+" "+string(body))
		_, _ = w.Write(bytes.Repeat([]byte("x"), 100<<10))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections++
		}
	}
	server.Start()
	defer server.Close()
	addr := server.Listener.Addr().String()
	on := dial(addr)
	defer on.close()
	for _, r := range [][]byte{
		scenario{format: "text", records: 2, size: 3, async: true}.produceRequest(addr, target{topic: "t"}),
		scenario{format: "binary", records: 1, size: 3}.produceRequest(addr, target{topic: "t"}),
		scenario{format: "json", records: 1, size: 21}.produceRequest(addr, target{topic: "t", key: "k7"}),
		request(addr, "GET", "/x", "a/b", nil),
	} {
		a, err := on.ask(r)
		if err != nil || a.status != 200 || len(a.body) != 100<<10 {
			t.Fatalf("%d, %d bytes, %v", a.status, len(a.body), err)
		}
	}
	want := []string{
		`POST /topics/t?async=true application/vnd.kafka.text.v2+json {"records":[{"value":"xxx"},{"value":"xxx"}]}`,
		`POST /topics/t application/vnd.kafka.binary.v2+json {"records":[{"value":"AIMG"}]}`,
		`POST /topics/t application/vnd.kafka.json.v2+json {"records":[{"key":"k7","value":{"id":4711,"text":""}}]}`,
		`GET /x a/b `,
	}
	if got := strings.Join(bodies, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the server read\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if connections != 1 {
		t.Errorf("%d connections for one keep-alive", connections)
	}
}

func TestPayloadsHaveTheSizeTheyClaim(t *testing.T) {
	for _, format := range []string{"json", "text", "binary"} {
		for _, size := range []int{100, 1024} {
			if value, _ := payload(format, size); len(value) != size {
				t.Errorf("%s of %d bytes has %d", format, size, len(value))
			}
		}
	}
}

func TestAcceptedJudgesTheAnswer(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		ok     bool
	}{
		{200, `{"offsets":[{"partition":0,"offset":1}]}`, true},
		{204, "", true},
		{200, `{"offsets":[{"error_code":404,"message":"x"}]}`, false},
		{503, `{"error_code":503,"message":"x"}`, false},
	} {
		if err := accepted(answer{status: c.status, body: []byte(c.body)}); (err == nil) != c.ok {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}
