// Package hostile attacks the bridge as a process of its own, on a broker in the test's own, with what no HTTP client would
// send: raw bytes on sockets. After each attack the bridge has to answer a normal client within 100 ms, and to hold no
// more than before.
package hostile

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/bridgeproc"
)

func TestMain(m *testing.M) { bridgeproc.Main(m) }

const (
	// promptly is how long a normal client may wait for the answer to one record, its connection included.
	promptly = 100 * time.Millisecond
	// settleTime is how long the bridge may take to let go of an attack: net/http keeps a connection that it closes in
	// front of unread bytes for half a second, and the kernel's timers add theirs.
	settleTime = 5 * time.Second
	// returnTime is how long it may take to return the memory of an attack to the system: two looks of the bridge's.
	returnTime = 15 * time.Second
	// growth of the process that is no leak: heap that the runtime has not returned yet.
	growth = 32 << 20
)

// target is a bridge under attack and what it held before.
type target struct {
	*bridgeproc.Bridge
	t                 *testing.T
	tls               *tls.Config // nil: plain HTTP
	files, goroutines int
	memory            int64
}

// attacked starts a bridge with a few settings, KEY=VALUE.
func attacked(t *testing.T, sets ...string) *target {
	t.Helper()
	args := []string{"--set", "kafka.bootstrap.servers=" + kafkatest.Start(t).Bootstrap()}
	for _, s := range sets {
		args = append(args, "--set", s)
	}
	b := &target{t: t, Bridge: bridgeproc.Start(t, nil, args...)}
	b.rest()
	return b
}

// tlsTarget is attacked for a bridge with a certificate.
func tlsTarget(t *testing.T, ca *pki.CA, cert, key string) *target {
	t.Helper()
	b := &target{t: t, tls: &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}, Bridge: bridgeproc.Start(t, nil,
		"--set", "kafka.bootstrap.servers="+kafkatest.Start(t).Bootstrap(), "--set", "http.ssl.enable=true",
		"--set", "http.ssl.certificate.location="+cert, "--set", "http.ssl.key.location="+key)}
	b.rest()
	return b
}

// rest notes what the bridge holds when normal clients have come and gone.
func (b *target) rest() {
	b.t.Helper()
	for range 20 { // pools, the producer's connections
		if _, err := b.ask(); err != nil {
			b.t.Fatalf("before any attack: %v", err)
		}
	}
	time.Sleep(50 * time.Millisecond) // the connections of the above close
	b.files, b.goroutines = b.Files(), b.Goroutines()
	b.memory, _ = b.Memory()
}

// normal is what a normal client sends.
const normal = "POST /topics/calm HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\nContent-Length: 27\r\n" +
	"Connection: close\r\n\r\n" + `{"records":[{"value":"v"}]}`

// ask is a normal client with a connection of its own; it returns how long it took to get its 200.
func (b *target) ask() (time.Duration, error) {
	began := time.Now()
	conn, err := net.DialTimeout("tcp", b.API, 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if b.tls != nil {
		conn = tls.Client(conn, b.tls)
	}
	if err := conn.SetDeadline(began.Add(5 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(conn, normal); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"offset"`) {
		return 0, fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return time.Since(began), nil
}

// calm fails the test unless the median of a few normal clients is answered promptly, if not at once, then soon: the
// machine has other things to do.
func (b *target) calm(when string) {
	b.t.Helper()
	var took []time.Duration
	for end := time.Now().Add(settleTime); time.Now().Before(end); {
		took = took[:0]
		for range 5 {
			d, err := b.ask()
			if err != nil {
				b.t.Errorf("%s: a normal client got %v", when, err)
				return
			}
			took = append(took, d)
		}
		slices.Sort(took)
		if took[len(took)/2] <= promptly {
			return
		}
	}
	b.t.Errorf("%s: a normal client waited for %v", when, took)
}

// settled fails the test unless the bridge comes back to what it held before the attack.
func (b *target) settled() {
	b.t.Helper()
	b.calm("afterwards")
	var files, goroutines int
	for end := time.Now().Add(settleTime); ; time.Sleep(20 * time.Millisecond) {
		files, goroutines = b.Files(), b.Goroutines()
		if files <= b.files+2 && goroutines <= b.goroutines+4 {
			break
		}
		if time.Now().After(end) {
			b.t.Errorf("file descriptors %d → %d, goroutines %d → %d\n%.3000s", b.files, files, b.goroutines, goroutines, b.Profile("goroutine?debug=1"))
			break
		}
	}
}

// returned fails the test unless the memory that an attack has taken goes back to the system.
func (b *target) returned() {
	b.t.Helper()
	for end := time.Now().Add(returnTime); ; time.Sleep(50 * time.Millisecond) {
		now, peak := b.Memory()
		if now <= b.memory+growth {
			return
		}
		if time.Now().After(end) {
			b.t.Errorf("memory grew from %d to %d KiB, at most %d", b.memory>>10, now>>10, peak>>10)
			return
		}
	}
}

// dial opens a connection that ends with the test at the latest, with a bound of its own.
func (b *target) dial() *net.TCPConn {
	b.t.Helper()
	conn, err := net.DialTimeout("tcp", b.API, 5*time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // a connection that was just opened can
	return conn.(*net.TCPConn)
}

// answers sends bytes on a connection and returns the statuses and bodies of all answers until the bridge closes, or is
// silent for a while. closed says which.
func (b *target) answers(request string, silence time.Duration) (statuses []int, bodies []string, closed bool) {
	b.t.Helper()
	return b.answersTo(request, len(request), silence)
}

// answersTo is answers to bytes that are sent by pieces of a size.
func (b *target) answersTo(request string, piece int, silence time.Duration) (statuses []int, bodies []string, closed bool) {
	b.t.Helper()
	conn := b.dial()
	defer func() { _ = conn.Close() }()
	go func() {
		for rest := request; rest != ""; rest = rest[min(piece, len(rest)):] {
			_, _ = io.WriteString(conn, rest[:min(piece, len(rest))]) // the bridge may close before it has read all
		}
	}()
	r := bufio.NewReader(conn)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(silence)) // a connection that was just opened can
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			nerr, ok := err.(net.Error) //nolint:errorlint // the connection's own
			return statuses, bodies, !ok || !nerr.Timeout()
		}
		body, _ := io.ReadAll(response.Body) // what is missing shows below
		statuses, bodies = append(statuses, response.StatusCode), append(bodies, string(body))
		_ = response.Body.Close()
	}
}
