package conformance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// raw opens a connection of its own and sends bytes as they are.
func (e *env) raw(text string) *conn {
	e.Helper()
	c, err := dial(e.ctx, e.to.api)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(c.close)
	deadline, _ := e.ctx.Deadline()
	if err := c.nc.SetDeadline(deadline); err != nil {
		e.Fatal(err)
	}
	if _, err := io.WriteString(c.nc, e.expand(text)); err != nil {
		e.Fatal(err)
	}
	return c
}

// next reads an answer off a raw connection.
func (e *env) next(c *conn, method string, status int) answer {
	e.Helper()
	a, err := c.read(method)
	if err != nil {
		e.Fatal(err)
	}
	if a.status != status {
		e.Fatalf("status %d, want %d; body %.300s", a.status, status, a.body)
	}
	if err := a.check(); err != nil {
		e.Error(err)
	}
	return a
}

// connections is about HTTP below the level of a request's meaning (1.1).
func connections() []sequence {
	const records = `{"records":[{"value":"v"}]}`
	post := func(header string) string {
		return "POST /topics/$ONE HTTP/1.1\r\nHost: $HOST\r\nContent-Type: " + typeJSON + "\r\n" + header + "\r\n"
	}
	framework := func(name string, play func(e *env)) sequence {
		return sequence{name: "1.1/connection/" + name, ops: []string{"(framework)"}, play: play}
	}
	return []sequence{
		framework("keep-alive-after-errors", func(e *env) {
			c := e.connect(false)
			for _, status := range []int{404, 405, 400, 400, 200} {
				r := map[int]request{
					404: {method: "GET", target: "/nothing"}, 405: {method: "PUT", target: "/topics"}, 200: {method: "GET", target: "/topics"},
					400: {method: "POST", target: "/admin/topics", header: []string{"Content-Type: " + typeJSON}, body: "{"},
				}[status]
				a, err := c.do(e.ctx, r)
				if err != nil || a.status != status || a.closes {
					e.Fatalf("want %d, got %d, closing %v, %v", status, a.status, a.closes, err)
				}
			}
		}),
		framework("no-bytes-after-204", func(e *env) {
			e.create("json")
			c := e.raw("POST $CONSUMER/subscription HTTP/1.1\r\nHost: $HOST\r\nContent-Type: " + typeV2 + "\r\nContent-Length: 16\r\n\r\n" + `{"topics":["a"]}`)
			a := e.next(c, "POST", 204)
			if a.length {
				e.Errorf("a 204 with content-length")
			}
			if _, err := io.WriteString(c.nc, e.expand("GET / HTTP/1.1\r\nHost: $HOST\r\n\r\n")); err != nil {
				e.Fatal(err)
			}
			e.next(c, "GET", 200)
		}),
		framework("http-1.0", func(e *env) {
			c := e.raw("GET / HTTP/1.0\r\n\r\n")
			if a := e.next(c, "GET", 200); !strings.Contains(a.body, "bridge_version") {
				e.Errorf("body %s", a.body)
			}
			if _, err := c.nc.Read(make([]byte, 1)); err == nil {
				e.Errorf("the connection of an HTTP/1.0 request stays open")
			}
		}),
		framework("http-1.0-post", func(e *env) {
			c := e.raw(fmt.Sprintf("POST /topics/$ONE HTTP/1.0\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", typeJSON, len(records), records))
			e.next(c, "POST", 200)
		}),
		framework("missing-host", func(e *env) {
			e.next(e.raw("GET /topics HTTP/1.1\r\n\r\n"), "GET", 400)
		}),
		framework("close-on-request", func(e *env) {
			c := e.raw("GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n")
			if a := e.next(c, "GET", 200); !a.closes {
				e.Errorf("the connection is to be closed, and the answer does not say so")
			}
			if _, err := c.nc.Read(make([]byte, 1)); err == nil {
				e.Errorf("the connection stays open")
			}
		}),
		framework("chunked-body", func(e *env) {
			c := e.raw(post("Transfer-Encoding: chunked\r\n") + fmt.Sprintf("5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", records[:5], len(records)-5, records[5:]))
			e.next(c, "POST", 200)
		}),
		framework("chunked-body-empty", func(e *env) {
			c := e.raw(post("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n")
			if a := e.next(c, "POST", 400); !strings.Contains(a.body, noBody) {
				e.Errorf("body %s", a.body)
			}
		}),
		framework("body-in-pieces", func(e *env) {
			c := e.raw(post(fmt.Sprintf("Content-Length: %d\r\n", len(records))))
			for _, piece := range []string{records[:7], records[7:20], records[20:]} {
				if _, err := io.WriteString(c.nc, piece); err != nil {
					e.Fatal(err)
				}
			}
			e.next(c, "POST", 200)
		}),
		framework("expect-continue", func(e *env) {
			c := e.raw(post(fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", len(records))))
			line, err := c.in.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
				e.Fatalf("first line %q, %v", line, err)
			}
			if _, err := c.in.ReadString('\n'); err != nil {
				e.Fatal(err)
			}
			if _, err := io.WriteString(c.nc, records); err != nil {
				e.Fatal(err)
			}
			e.next(c, "POST", 200)
		}),
		framework("pipelined", func(e *env) {
			c := e.raw("GET /openapi HTTP/1.1\r\nHost: $HOST\r\n\r\nGET /nothing HTTP/1.1\r\nHost: $HOST\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n")
			for _, status := range []int{200, 404, 200} {
				resp, err := http.ReadResponse(c.in, nil)
				if err != nil {
					e.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					e.Error(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != status {
					e.Errorf("status %d, want %d", resp.StatusCode, status)
				}
			}
		}),
		framework("upgrade-ignored", func(e *env) {
			c := e.raw("GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
			e.next(c, "GET", 200)
		}),
		framework("h2c-by-prior-knowledge", h2c),
		framework("truncated-body", func(e *env) {
			c := e.raw(post("Content-Length: 1000\r\n") + records)
			if tcp, ok := c.nc.(*net.TCPConn); ok {
				if err := tcp.CloseWrite(); err != nil {
					e.Fatal(err)
				}
			}
			if a, err := c.read("POST"); err == nil && a.status < 400 {
				e.Errorf("half a body was answered %d", a.status)
			}
			e.must(200, "GET", "/topics", "", "")
		}),
		framework("not-http", func(e *env) {
			c := e.raw("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03 this is no HTTP\r\n\r\n")
			if a, err := c.read("GET"); err == nil && a.status != 400 {
				e.Errorf("answer %d", a.status)
			}
			e.must(200, "GET", "/topics", "", "")
		}),
		framework("no-server-header", func(e *env) {
			a := e.ask("GET", "/topics", "", "")
			for _, name := range []string{"Cache-Control", "Access-Control-Allow-Origin", "Content-Encoding", "Transfer-Encoding"} {
				if got := a.header.Values(name); len(got) > 0 {
					e.Errorf("header %s: %q", name, got)
				}
			}
		}),
		framework("no-compression", func(e *env) {
			if a := e.ask("GET", "/openapi", "", "", "Accept-Encoding: gzip, deflate"); a.header.Get("Content-Encoding") != "" {
				e.Errorf("content-encoding %q", a.header.Get("Content-Encoding"))
			}
		}),
	}
}

// h2c speaks HTTP/2 without TLS from the first byte.
func h2c(e *env) {
	if e.to.api.Scheme != "http" {
		e.Skip("the listener speaks TLS")
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	for path, status := range map[string]int{"/": 200, "/nothing": 404} {
		r, err := http.NewRequestWithContext(e.ctx, http.MethodGet, e.to.api.String()+path, http.NoBody)
		if err != nil {
			e.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			e.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.ProtoMajor != 2 || resp.StatusCode != status {
			e.Errorf("%s: %s %d, want HTTP/2 and %d", path, resp.Proto, resp.StatusCode, status)
		}
	}
}
