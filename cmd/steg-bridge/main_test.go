package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// bound is how long anything of the tests may take at most.
const bound = 30 * time.Second

// asProgram in the environment makes the test binary the program itself.
const asProgram = "STEG_BRIDGE_AS_PROGRAM"

// printed is everything that any run has printed and answered.
var printed journal

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	code := m.Run()
	for _, leak := range printed.leaks() {
		fmt.Fprintln(os.Stderr, "FAIL: a secret was printed or answered:", leak)
		code = 1
	}
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		code = 1
	}
	os.Exit(code)
}

// journal keeps text, and the secrets that must not be in it.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets []string
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// secret notes a text that must never appear, and returns it.
func (j *journal) secret(value string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.secrets = append(j.secrets, value)
	return value
}

// leaks returns, for each secret in the text, the start of its line.
func (j *journal) leaks() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, s := range j.secrets {
		if at := strings.Index(j.text.String(), s); at >= 0 {
			before := j.text.String()[:at]
			found = append(found, before[strings.LastIndexByte(before, '\n')+1:]+"…")
		}
	}
	return found
}

// output is what one run has printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	_, _ = printed.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// result is what came of a run.
type result struct {
	code           int
	stdout, stderr string
}

// ran runs the program to its end.
func ran(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	var stdout, stderr output
	code := run(ctx, args, environ, &stdout, &stderr)
	if ctx.Err() != nil {
		t.Fatalf("it took more than %s:\n%s%s", bound, stdout.String(), stderr.String())
	}
	return result{code, stdout.String(), stderr.String()}
}

// fails checks that a run ended with a code and one line of error that has a text.
func (r result) fails(t *testing.T, code int, text string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stderr, text) {
		t.Errorf("want exit %d and %q; exit %d\n%s%s", code, text, r.code, r.stdout, r.stderr)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "steg-bridge: ") {
		t.Errorf("not one line:\n%s", r.stderr)
	}
}

// sets turns settings into arguments.
func sets(settings ...string) []string {
	var args []string
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	return args
}

// onFreePorts are the settings of a bridge that gets in nobody's way.
func onFreePorts(bootstrap string, more ...string) []string {
	return sets(append([]string{
		"http.host=127.0.0.1", "http.port=0", "http.management.port=0", "kafka.bootstrap.servers=" + bootstrap,
	}, more...)...)
}

// running is a bridge in this process.
type running struct {
	t           *testing.T
	out         output
	api, manage string
	cancel      context.CancelFunc
	ended       chan struct{}
	code        int
}

// started runs a bridge until stop, or the test's end.
func started(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.code = run(ctx, args, environ, &r.out, &r.out)
	}()
	t.Cleanup(func() { r.stop() })
	r.api = r.address(`listening on port (\d+)`)
	r.manage = r.address(`management listener.*:(\d+)`)
	return r
}

// address waits for the line that names a port.
func (r *running) address(pattern string) string {
	r.t.Helper()
	find := regexp.MustCompile(pattern)
	return "http://127.0.0.1:" + awaited(r.t, "a port", func() string {
		select {
		case <-r.ended:
			r.t.Fatalf("it has ended with %d:\n%s", r.code, r.out.String())
		default:
		}
		if m := find.FindStringSubmatch(r.out.String()); m != nil {
			return m[1]
		}
		return ""
	})
}

// awaited asks again and again until there is an answer.
func awaited(t *testing.T, what string, ask func() string) string {
	t.Helper()
	for limit := time.Now().Add(bound); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if answer := ask(); answer != "" {
			return answer
		}
	}
	t.Fatalf("waiting for %s: not after %s", what, bound)
	return ""
}

// stop asks the bridge to end as a signal does and returns its exit code.
func (r *running) stop() int {
	r.cancel()
	select {
	case <-r.ended:
	case <-time.After(bound):
		r.t.Fatalf("it does not end:\n%s", r.out.String())
	}
	return r.code
}

// ask makes a request and returns status and body.
func ask(t *testing.T, method, url, media, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("Accept", media)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err) // asked beside the test too, where it cannot be stopped
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	_, _ = printed.Write(text)
	return resp.StatusCode, string(text)
}

// file writes a file and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tlsCluster is a cluster that wants certificates, and the settings of a client that has one; the names of its files
// depend on the password.
func tlsCluster(t *testing.T) (*kafkatest.Cluster, []string) {
	t.Helper()
	c := kafkatest.Start(t, kafkatest.MTLS())
	store := file(t, "client.pem", string(c.Cert.StorePEM()))
	secretKey(c.Cert.KeyPEM)
	return c, []string{
		"kafka.security.protocol=SSL",
		"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=" + file(t, "ca.crt", string(c.CA.PEM)),
		"kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.location=" + store,
	}
}

// secretKey notes the lines of a private key.
func secretKey(pem []byte) {
	for line := range strings.Lines(string(pem)) {
		if !strings.HasPrefix(line, "-") {
			printed.secret(strings.TrimSpace(line))
		}
	}
}
