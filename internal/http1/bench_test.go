package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
)

const produce = "POST /topics/orders HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n" +
	"Content-Type: application/vnd.kafka.json.v2+json\r\nContent-Length: 27\r\n\r\n" + `{"records":[{"value":"v"}]}`

// BenchmarkParse reads the same line and headers again and again, as a client with a connection sends them; with two
// clients whose headers have nothing in common; and, to compare, with net/http.
func BenchmarkParse(b *testing.B) {
	other := []byte("GET /consumers/a/instances/b/records HTTP/1.1\r\nAccept: a/b\r\nHost: h\r\nX-Request-Id: 7\r\n\r\n")
	for name, texts := range map[string][][]byte{"one client": {[]byte(produce)}, "two clients": {[]byte(produce), other}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			h := newHead()
			for n := range b.N {
				if _, v := h.parse(texts[n%len(texts)]); v != plain {
					b.Fatal(v)
				}
			}
		})
	}
	b.Run("net-http", func(b *testing.B) {
		b.ReportAllocs()
		r := bufio.NewReader(nil)
		for range b.N {
			r.Reset(bytes.NewReader([]byte(produce)))
			if _, err := http.ReadRequest(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAnswer is a request and its answer on a connection, of which the client's half is the smaller one.
func BenchmarkAnswer(b *testing.B) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // it has come
		w.Header()["Content-Type"] = []string{"application/vnd.kafka.v2+json"}
		_, _ = io.WriteString(w, `{"offsets":[{"partition":0,"offset":1}]}`) // the client tells
	}
	for name, addr := range map[string]string{"http1": serving(b, handler, nil).addr, "net-http": plainNetHTTP(b, handler)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = nc.Close() }()
			answer := make([]byte, 4096)
			for range b.N {
				_, _ = nc.Write([]byte(produce)) // see below
				if _, err := nc.Read(answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
