package hostile

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// cutBy is when the slowest of all has been cut off: 15 s for a body's next bytes, and what the machine adds.
const cutBy = 18 * time.Second

// drip sends a beginning and then one byte every now and then until the bridge closes or answers, and returns how long it
// was put up with.
func drip(conn net.Conn, beginning, rest string, every time.Duration) time.Duration {
	began := time.Now()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn) // ends when the bridge closes
	}()
	_, _ = io.WriteString(conn, beginning) // the bridge may have closed
	for i := 0; ; i++ {
		select {
		case <-gone:
			return time.Since(began)
		case <-time.After(every):
		}
		if rest != "" {
			_, _ = io.WriteString(conn, rest[i%len(rest):i%len(rest)+1]) // the bridge may have closed
		}
	}
}

// TestSlowClientsAreCutOff holds hundreds of connections of each kind at once.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	b := attacked(t)
	const each = 100
	post := "POST /topics/calm HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\n"
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		beginning, rest string
		every           time.Duration
	}{
		"silence":                {"", "", time.Second},
		"half of a request line": {"GET /", "", time.Second},
		"a header by the byte":   {"GET / HTTP/1.1\r\nHost: x\r\nx: ", "a", 200 * time.Millisecond},
		"headers by the line":    {"GET / HTTP/1.1\r\nHost: x\r\n", "a: b\r\n", 100 * time.Millisecond},
		// What another reader goes on with has no more time than what the first one began with.
		"headers strange in the end": {"GET / HTTP/1.1\r\nHost: x\r\n", strings.Repeat("a: b\r\n", 14) + " c\r\n" + strings.Repeat("a: b\r\n", 50), 100 * time.Millisecond},
		"half of a body":             {post + "Content-Length: 200\r\n\r\n{\"records\":[", "", time.Second},
		"a body by the byte":         {post + "Content-Length: 1000000\r\n\r\n{", " ", 500 * time.Millisecond},
		"chunks by the byte":         {post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 200 * time.Millisecond},
		"a body nobody reads":        {"GET /topics/a/partitions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", "", time.Second},
		"a body behind a 404":        {"POST /absent HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", " ", 500 * time.Millisecond},
		"a body behind a 405":        {"PUT /topics/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 200 * time.Millisecond},
		"half of HTTP/2's preface":   {"PRI * HTTP/2.0\r\n\r\n", "", time.Second},
	} {
		for range each {
			conn := b.dial()
			all.Go(func() {
				if took := drip(conn, c.beginning, c.rest, c.every); took > cutBy {
					t.Errorf("%s: put up with for %s", name, took)
				}
			})
		}
	}
	b.calm("while they are held")
	all.Wait()
	b.settled()
	b.returned()
}

func TestHandshakesLeftOpen(t *testing.T) {
	t.Parallel()
	ca, err := pki.NewCA("hostile")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(pki.Subject{CommonName: "localhost", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, text := range map[string][]byte{cert: pair.CertPEM, key: pair.KeyPEM} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := tlsTarget(t, ca, cert, key)
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // the first bytes of a ClientHello of 512
	var all sync.WaitGroup
	for i := range 300 {
		conn := b.dial()
		all.Go(func() {
			if took := drip(conn, hello[:i%len(hello)], "", time.Second); took > cutBy {
				t.Errorf("a handshake of %d bytes was waited for %s", i%len(hello), took)
			}
		})
	}
	b.calm("while handshakes are open")
	all.Wait()
	b.settled()
	b.returned()
}

// TestCrowdThatLeaves opens 10,000 connections and leaves them, as far as the file descriptors reach.
func TestCrowdThatLeaves(t *testing.T) {
	b := attacked(t)
	crowd := 10_000
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		crowd = min(crowd, int(files.Cur)*2/3)
	}
	for _, manner := range []string{"close", "reset", "a request and close"} {
		conns := make([]*net.TCPConn, 0, crowd)
		for range crowd {
			conn, err := net.Dial("tcp", b.API)
			if err != nil {
				t.Fatalf("connection %d: %v", len(conns), err)
			}
			conns = append(conns, conn.(*net.TCPConn))
		}
		b.calm(fmt.Sprintf("with %d connections", crowd))
		held, _ := b.Memory()
		t.Logf("%s: %d connections, %d bytes each", manner, crowd, (held-b.memory)/int64(crowd))
		for _, conn := range conns {
			if strings.HasPrefix(manner, "a request") {
				_, _ = io.WriteString(conn, normal) // it will not wait for the answer
			}
			_ = conn.SetLinger(0) // otherwise the port would stay taken for a minute; the reset is one manner of leaving
			if manner == "close" {
				_ = conn.CloseWrite()
			}
			_ = conn.Close()
		}
		b.settled()
	}
	b.returned()
}

// TestRequestsLeftHalfWay resets hundreds of connections in the middle of a body, and of an answer.
func TestRequestsLeftHalfWay(t *testing.T) {
	b := attacked(t)
	var answered atomic.Int64
	var all sync.WaitGroup
	half := "POST /topics/calm HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\nContent-Length: 500000\r\n\r\n" +
		strings.Repeat(" ", 200_000)
	for range 8 {
		all.Go(func() {
			for i := range 60 {
				conn, err := net.Dial("tcp", b.API)
				if err != nil {
					t.Error(err)
					return
				}
				text := half
				if i%2 == 1 {
					text = strings.Repeat(record("calm"), 100)
				}
				if _, err := io.WriteString(conn, text); err == nil {
					answered.Add(1)
				}
				_ = conn.(*net.TCPConn).SetLinger(0) // a reset
				_ = conn.Close()
			}
		})
	}
	b.calm("meanwhile")
	all.Wait()
	if answered.Load() == 0 {
		t.Error("nothing was ever written")
	}
	b.settled()
	b.returned()
}

func TestRatesAndLimits(t *testing.T) {
	b := attacked(t, "http.rate.limit.requests=40", "http.rate.limit.header=X-Forwarded-For")
	burst := func(from string) (codes map[int]int, last string) {
		codes = make(map[int]int)
		var text strings.Builder
		for range 80 {
			fmt.Fprintf(&text, "GET /openapi/steg?x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\n\r\n", from)
		}
		statuses, bodies, _ := b.answers(text.String(), 300*time.Millisecond)
		for _, s := range statuses {
			codes[s]++
		}
		return codes, bodies[len(bodies)-1]
	}
	codes, body := burst("spoofed, 192.0.2.1")
	if codes[200] < 40 || codes[429] < 20 || codes[200]+codes[429] != 80 {
		t.Errorf("answers of one client: %v", codes)
	}
	if body != `{"error_code":429,"message":"Too many requests, please retry later"}` {
		t.Errorf("the answer is %s", body)
	}
	if codes, _ := burst("192.0.2.2"); codes[200] < 40 {
		t.Errorf("answers of the next client: %v", codes)
	}
	b.settled()
	b.returned()
}

// TestConnectionsPastTheLimit: what is refused before it is a request is answered, and counted as one.
func TestConnectionsPastTheLimit(t *testing.T) {
	const room = 4
	b := attacked(t, fmt.Sprint("http.max.connections=", room), "bridge.metrics=jmxPrometheusExporter")
	for range room {
		conn, err := net.Dial("tcp", b.API)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	statuses, bodies, _ := b.answers(normal, time.Second)
	if len(statuses) != 1 || statuses[0] != http.StatusServiceUnavailable || !strings.Contains(bodies[0], "overloaded") {
		t.Fatalf("one connection too many is answered %v %q", statuses, bodies)
	}
	response, err := http.Get("http://" + b.Management + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if want := `steg_refused_requests_total{reason="connections"} 1`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("the metrics lack %s, %v", want, err)
	}
}
