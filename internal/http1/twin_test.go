package http1

import (
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scripts are handlers by path: everything that the answers of the two servers could differ in.
func scripts() map[string]http.HandlerFunc {
	filled := func(n int) []byte { return []byte(strings.Repeat("a", n)) }
	declare := func(w http.ResponseWriter, n int) { w.Header().Set("Content-Length", strconv.Itoa(n)) }
	all := map[string]http.HandlerFunc{
		"echo":    echo,
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"status": func(w http.ResponseWriter, r *http.Request) {
			code, _ := strconv.Atoi(r.URL.Query().Get("code"))
			w.Header().Set("Content-Type", "a/b")
			w.WriteHeader(code)
			n, err := io.WriteString(w, "body")
			fmt.Fprintln(io.Discard, n, err)
		},
		"unread": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "unread") },
		"part": func(w http.ResponseWriter, r *http.Request) {
			n, err := io.ReadFull(r.Body, make([]byte, 3))
			fmt.Fprint(w, n, err)
		},
		"closed": func(w http.ResponseWriter, r *http.Request) {
			err := r.Body.Close()
			n, again := r.Body.Read(make([]byte, 9))
			fmt.Fprint(w, err, n, again)
		},
		"late": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "first")
			_ = http.NewResponseController(w).Flush()
			n, err := r.Body.Read(make([]byte, 9))
			fmt.Fprint(w, n, err)
		},
		"closing": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Connection"] = []string{"close"}
			w.Header().Set("Zz", "last")
			fmt.Fprint(w, "bye")
		},
		"interim": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Vary", "origin")
			declare(w, 2)
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "ok")
		},
		"twice": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "ok")
		},
		"short": func(w http.ResponseWriter, _ *http.Request) { declare(w, 9); fmt.Fprint(w, "four") },
		"long": func(w http.ResponseWriter, _ *http.Request) {
			declare(w, 4)
			_, err := fmt.Fprint(w, "more than that")
			_, again := fmt.Fprint(w, "four")
			fmt.Fprint(w, err, again)
		},
		"declared": func(w http.ResponseWriter, _ *http.Request) { declare(w, 100_000); _, _ = w.Write(filled(100_000)) },
		"chunks": func(w http.ResponseWriter, _ *http.Request) {
			for _, n := range []int{1, 2046, 1, 2, 5000, 3} {
				_, _ = w.Write(filled(n))
			}
		},
		"flush": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "one")
			w.(http.Flusher).Flush()
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "two")
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one"); w.(http.Flusher).Flush() },
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["x"], h["B"], h["A"], h["a b"], h["Empty"], h["None"] = []string{"1", "2"}, []string{" b\r\nC: d "}, []string{"\t"}, []string{"no name"}, []string{""}, nil
			h.Set("Date", "today")
			fmt.Fprint(w, "ok")
		},
		"sniffed": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "x")
			fmt.Fprint(w, "<html>")
		},
		"panic": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "lost"); panic("on purpose") },
		"abort": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(filled(9000))
			panic(http.ErrAbortHandler)
		},
		"invalid": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) },
		"patience": func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			err := errors.Join(control.SetReadDeadline(time.Now().Add(testPatience)), control.SetWriteDeadline(time.Now().Add(testPatience)))
			text, read := io.ReadAll(r.Body)
			fmt.Fprint(w, err, len(text), read)
		},
		"hurry": func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
			text, err := io.ReadAll(r.Body)
			fmt.Fprint(w, len(text) < 300_000, err != nil)
		},
		"changed": func(w http.ResponseWriter, r *http.Request) { // what a handler does to its request is nobody else's
			for _, values := range r.Header {
				values[0] = "changed"
			}
			r.URL.Path, r.Host = "changed", "changed"
			r.Header.Set("Changed", "yes")
			fmt.Fprint(w, "changed")
		},
	}
	return all
}

// echo tells all that a handler can know of its request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %d.%d %q %d %v %v\n%q %q %q %v\n", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host,
		r.ContentLength, r.TransferEncoding, r.Close, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery)
	for _, key := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%q: %q\n", key, r.Header[key])
	}
	fmt.Fprintf(w, "%d %.20q %v %v %v\n", len(body), body, err, r.Trailer, r.Body == http.NoBody)
}

func script(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/")
	if handle := scripts()[name]; handle != nil {
		handle(w, r)
		return
	}
	echo(w, r)
}

// TestAnswersAreNetHTTPs asks both servers the same, and wants the same bytes.
func TestAnswersAreNetHTTPs(t *testing.T) {
	mine, want := serving(t, script, nil), plainNetHTTP(t, script)
	for name, questions := range map[string][]string{"corpus": corpus(), "scripts": dialogues()} {
		for i, text := range questions {
			t.Run(fmt.Sprintf("%s %d", name, i), func(t *testing.T) {
				t.Parallel()
				same(t, mine.addr, want, text, len(text)+1)
			})
		}
	}
	for i, text := range append(sound(), dialogues()...) {
		if len(text) > 2000 || strings.Contains(text, "/hurry") { // that one does not wait for a body's next byte
			continue
		}
		t.Run(fmt.Sprintf("by the byte %d", i), func(t *testing.T) {
			t.Parallel()
			same(t, mine.addr, want, text, 1)
		})
	}
}

// reset is what is left of a connection that was closed in front of unread bytes.
const reset = " …read: connection reset by peer"

var dates = regexp.MustCompile(`Date: [A-Z][^\r]*GMT\r\n`)

func same(t *testing.T, mine, reference, text string, size int) {
	t.Helper()
	comparable := func(addr string) string {
		answer := strings.TrimSuffix(exchange(t, addr, text, size), reset) // it depends on when the rest of the text has come
		return dates.ReplaceAllString(answer, "Date: now\r\n")
	}
	got, want := comparable(mine), comparable(reference)
	if got != want {
		t.Errorf("to %.300q\n got %.2000q\nwant %.2000q", text, got, want)
	}
}

func plainNetHTTP(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	ln := listen(t)
	server := reference(handler, log.New(io.Discard, "", 0))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// dialogues are requests one behind the other: each script, with and without a body, once as it is and once with the wish
// to close.
func dialogues() []string {
	const next = "GET /echo HTTP/1.1\r\nHost: next\r\n\r\n"
	var texts []string
	for name := range scripts() {
		for _, target := range targets(name) {
			for _, close := range []string{"", "Connection: close\r\n"} {
				get := "GET /" + target + " HTTP/1.1\r\nHost: x\r\nA: b\r\n" + close + "\r\n"
				texts = append(texts, get+get+next)
				for _, n := range []int{1, 5000, 255 << 10, 257 << 10} {
					texts = append(texts, fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s%s", target, n, close, strings.Repeat("b", n), next))
				}
			}
		}
	}
	return append(texts, strings.Repeat(next, 300), strings.Repeat("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na\r\n\r\n", 3),
		next+"HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n"+next, next+"nonsense\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"+next)
}

func targets(name string) []string {
	if name != "status" {
		return []string{name}
	}
	var all []string
	for _, code := range []int{200, 204, 299, 304, 404, 418, 500, 999} {
		all = append(all, fmt.Sprintf("status?code=%d", code))
	}
	return all
}
