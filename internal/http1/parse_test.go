package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func newHead() *head { return &head{header: make(http.Header)} }

func TestWhatIsPlain(t *testing.T) {
	const host = "Host: x\r\n"
	for text, want := range map[string]verdict{
		"GET / HTTP/1.1\r\n" + host + "\r\n":                               plain,
		"POST /topics/a?async=true HTTP/1.1\r\n" + host + "\r\n":           plain,
		"DELETE /a%20b HTTP/1.1\r\nhOST:x:8080\r\n\r\n":                    plain,
		"PUT //a/../b?? HTTP/1.1\r\nHost: [::1]:1\r\n\r\n":                 plain,
		"GET / HTTP/1.1\r\n" + host + "Content-Length: 007\r\n\r\n":        plain,
		"GET / HTTP/1.1\r\n" + host + "Connection: Keep-Alive, TE\r\n\r\n": plain,
		"GET / HTTP/1.1\r\n" + host + "connection: CLOSE\r\n\r\n":          plain,
		"GET / HTTP/1.1\r\n" + host + "Upgrade: h2c\r\n\r\n":               plain,
		"GET / HTTP/1.1\r\n" + host + "a:\r\nA: \t\r\na: b \r\n\r\n":       plain,
		"GET / HTTP/1.1\r\n" + host + "a: \xff\x80\r\n\r\n":                plain,
		"":                                         incomplete,
		"GET / HTT":                                incomplete,
		"GET / HTTP/1.1\r":                         incomplete,
		"GET / HTTP/1.1\r\n" + host:                incomplete,
		"GET / HTTP/1.1\r\n" + host + "\r":         incomplete,
		"\r\n":                                     other,
		"\n":                                       other,
		"GET / HTTP/1.1\n":                         other,
		"GET / HTTP/1.0\r\n":                       other,
		"GET / HTTP/1.1 \r\n":                      other,
		"GET  / HTTP/1.1\r\n":                      other,
		"GET / HTTP/1.1 HTTP/1.1\r\n":              other,
		"GET * HTTP/1.1\r\n":                       other,
		"GET http://x/ HTTP/1.1\r\n":               other,
		"GET /%zz HTTP/1.1\r\n":                    other,
		"GET /\x7f HTTP/1.1\r\n":                   other,
		"GET /\xc3\xa4 HTTP/1.1\r\n":               other,
		"get / HTTP/1.1\r\n":                       other,
		"HEAD / HTTP/1.1\r\n":                      other,
		"OPTIONS / HTTP/1.1\r\n":                   other,
		"PRI * HTTP/2.0\r\n":                       other,
		"GET / HTTP/1.1\r\n\r\n":                   other,
		"GET / HTTP/1.1\r\n" + host + host:         other,
		"GET / HTTP/1.1\r\nHost:\r\n\r\n":          other,
		"GET / HTTP/1.1\r\nHost: a b\r\n":          other,
		"GET / HTTP/1.1\r\n Host: x\r\n":           other,
		"GET / HTTP/1.1\r\nHost : x\r\n":           other,
		"GET / HTTP/1.1\r\n: x\r\n":                other,
		"GET / HTTP/1.1\r\na\r\n":                  other,
		"GET / HTTP/1.1\r\na: b\r\n c\r\n":         other,
		"GET / HTTP/1.1\r\na: b\rc\r\n":            other,
		"GET / HTTP/1.1\r\na: b\x00\r\n":           other,
		"GET / HTTP/1.1\r\na: b\n":                 other,
		"GET / HTTP/1.1\r\nConnection: closed\r\n": other,
		"GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n":        other,
		"GET / HTTP/1.1\r\nContent-Length:\r\n":                                    other,
		"GET / HTTP/1.1\r\nContent-Length: +1\r\n":                                 other,
		"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n":                               other,
		"GET / HTTP/1.1\r\nContent-Length: 0x1\r\n":                                other,
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n":             other,
		"GET / HTTP/1.1\r\nContent-Length: " + strings.Repeat("9", 19) + "\r\n":    other,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n":                         other,
		"GET / HTTP/1.1\r\ntransfer-encoding:\r\n":                                 other,
		"GET / HTTP/1.1\r\nTrailer: a\r\n":                                         other,
		"GET / HTTP/1.1\r\nExpect: 100-continue\r\n":                               other,
		"GET / HTTP/1.1\r\nPragma: no-cache\r\n":                                   other,
		"GET / HTTP/1.1\r\n" + host + strings.Repeat("a: b\r\n", maxFields) + "\r": other,
	} {
		if _, got := newHead().parse([]byte(text)); got != want {
			t.Errorf("%q: verdict %d, want %d", text, got, want)
		}
	}
}

// FuzzParse: what is plain is read as net/http reads it, whatever was read before; what it begins with is never taken for
// something else; and what is behind it is its body or the next request.
func FuzzParse(f *testing.F) {
	for _, seed := range corpus() {
		f.Add([]byte(seed), []byte("POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\nabc"))
	}
	f.Fuzz(func(t *testing.T, data, before []byte) {
		h := newHead()
		h.parse(before)
		n, v := h.parse(data)
		if v != plain {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			t.Fatalf("plain, but net/http says: %v", err)
		}
		sameHead(t, h, want)
		sameBody(t, h, data[n:], want)
		for _, part := range []int{0, 1, n / 2, n - 2, n - 1} {
			if _, v := newHead().parse(data[:part]); v != incomplete {
				t.Errorf("the first %d bytes of a plain request have the verdict %d", part, v)
			}
		}
		if again, v := h.parse(data); again != n || v != plain {
			t.Errorf("read again: %d bytes, verdict %d", again, v)
		}
		sameHead(t, h, want)
	})
}

func sameHead(t *testing.T, h *head, want *http.Request) {
	t.Helper()
	for what, both := range map[string][2]any{
		"method":    {h.method, want.Method},
		"target":    {h.target, want.RequestURI},
		"URL":       {h.url, *want.URL},
		"protocol":  {"HTTP/1.1", want.Proto},
		"headers":   {h.header, want.Header},
		"host":      {h.host, want.Host},
		"length":    {h.length, want.ContentLength},
		"close":     {h.close, want.Close},
		"encodings": {0, len(want.TransferEncoding)},
		"trailers":  {0, len(want.Trailer)},
	} {
		if !reflect.DeepEqual(both[0], both[1]) {
			t.Errorf("%s: %#v, net/http has %#v", what, both[0], both[1])
		}
	}
}

func sameBody(t *testing.T, h *head, rest []byte, want *http.Request) {
	t.Helper()
	text, err := io.ReadAll(want.Body)
	whole := int64(len(rest)) >= h.length
	if whole != (err == nil) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes behind the headers for a length of %d: net/http says %v", len(rest), h.length, err)
	}
	if mine := rest[:min(int64(len(rest)), h.length)]; !bytes.Equal(mine, text) {
		t.Errorf("body %q, net/http has %q", mine, text)
	}
}
