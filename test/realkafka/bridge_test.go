//go:build kafka

package realkafka

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bound is how long anything of the tests may take at most.
const bound = 60 * time.Second

// launch says how a bridge is started.
type launch struct {
	path string   // of the program; "" is the one that was built
	args []string // before the settings
	env  []string // all of the environment
	set  []string // key=value, for --set
}

// bridge is a running bridge.
type bridge struct {
	t       *testing.T
	cmd     *exec.Cmd
	out     *output
	exited  chan struct{}
	err     *error // of the process, once exited is closed
	baseURL string
	manage  string
}

// start runs a bridge with settings until the test ends.
func start(t *testing.T, settings ...string) *bridge {
	t.Helper()
	return launch{set: settings}.start(t)
}

func (l launch) start(t *testing.T) *bridge {
	t.Helper()
	b := &bridge{t: t, out: new(output), exited: make(chan struct{}), err: new(error)}
	b.cmd = l.command(t, context.Background()) // ended by stop, gently
	b.cmd.Stdout, b.cmd.Stderr = b.out, b.out
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		*b.err = b.cmd.Wait()
		close(b.exited)
	}()
	t.Cleanup(b.stop)
	b.baseURL = "http://127.0.0.1:" + b.port(`HTTP Bridge server started and listening on port (\d+)`)
	b.manage = "http://127.0.0.1:" + b.port(`management listener.*:(\d+)`)
	return b
}

// in is the bridge for a subtest.
func (b *bridge) in(t *testing.T) *bridge {
	c := *b
	c.t = t
	return &c
}

// command is the process, on free ports of loopback unless the settings say otherwise. It tells all it can, since what it
// tells is searched for secrets.
func (l launch) command(t *testing.T, ctx context.Context) *exec.Cmd {
	t.Helper()
	if l.path == "" {
		l.path = program(t)
	}
	args := append([]string{"--log-level", "debug"}, l.args...)
	for _, s := range append([]string{"http.host=127.0.0.1", "http.port=0", "http.management.port=0"}, l.set...) {
		args = append(args, "--set", s)
	}
	cmd := exec.CommandContext(ctx, l.path, args...)
	cmd.Env = append([]string{"GOMAXPROCS=2"}, l.env...)
	return cmd
}

// ended runs a bridge that is expected to end by itself, and returns what it printed and its exit code.
func (l launch) ended(t *testing.T) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	cmd := l.command(t, ctx)
	text, err := cmd.CombinedOutput()
	_, _ = transcript.Write(text)
	if ctx.Err() != nil {
		t.Fatalf("it runs after %s: %v\n%s", bound, err, text)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// port waits for the line that names a port.
func (b *bridge) port(pattern string) string {
	b.t.Helper()
	find := regexp.MustCompile(pattern)
	var port string
	b.wait("the ports", func() bool {
		if found := find.FindStringSubmatch(b.out.String()); found != nil {
			port = found[1]
		}
		return port != ""
	})
	return port
}

// wait waits until a condition holds, and fails the test if it does not within the bound or the bridge has ended.
func (b *bridge) wait(what string, holds func() bool) {
	b.t.Helper()
	limit := time.Now().Add(bound)
	for !holds() {
		select {
		case <-b.exited:
			b.t.Fatalf("waiting for %s: the bridge has ended (%v); its output:\n%s", what, *b.err, b.out.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(limit) {
			b.t.Fatalf("waiting for %s: not after %s; output of the bridge:\n%s", what, bound, b.out.String())
		}
	}
}

// stop ends the bridge as Kubernetes does.
func (b *bridge) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.exited:
		if *b.err != nil {
			b.t.Errorf("the bridge ended with %v", *b.err)
		}
	case <-time.After(30 * time.Second):
		_ = b.cmd.Process.Kill()
		<-b.exited
		b.t.Error("the bridge did not end within 30 s of SIGTERM")
	}
	text := b.out.String()
	if strings.Contains(text, "panic") {
		b.t.Error("the bridge speaks of a panic")
	}
	if b.t.Failed() {
		b.t.Logf("output of the bridge:\n%s", text[max(0, len(text)-20_000):])
	}
}

// answer is what came back.
type answer struct {
	status int
	body   string
	took   time.Duration
}

func (a answer) String() string {
	return fmt.Sprintf("%d %s (%s)", a.status, a.body, a.took.Round(time.Millisecond))
}

// The media types of requests and of polls.
const (
	v2     = "application/vnd.kafka.v2+json"
	asJSON = "application/vnd.kafka.json.v2+json"
	asText = "application/vnd.kafka.text.v2+json"
)

// try makes a request; the error is the connection's.
func (b *bridge) try(method, path, media, body string) (answer, error) {
	return request(method, b.baseURL+path, media, body)
}

func request(method, url, media, body string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	name := "Content-Type"
	if method == http.MethodGet {
		name = "Accept"
	}
	if media != "" {
		r.Header.Set(name, media)
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	_, _ = transcript.Write(text)
	return answer{status: resp.StatusCode, body: string(text), took: time.Since(began)}, err
}

func (b *bridge) do(method, path, media, body string) answer {
	b.t.Helper()
	a, err := b.try(method, path, media, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (b *bridge) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", "")
}

// at gets a URL, of the management listener for example.
func (b *bridge) at(url string) answer {
	b.t.Helper()
	a, err := request(http.MethodGet, url, "", "")
	if err != nil {
		b.t.Fatalf("GET %s: %v", url, err)
	}
	return a
}

func (b *bridge) post(path, media, body string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, media, body)
}

// produce sends one value as JSON.
func (b *bridge) produce(topic, value string) answer {
	b.t.Helper()
	return b.post("/topics/"+topic, asJSON, `{"records":[{"value":`+value+`}]}`)
}

// poll makes one poll of consumer c of a group.
func (b *bridge) poll(group string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, "/consumers/"+group+"/instances/c/records?timeout=10000", asJSON, "")
}

// consumer makes consumer c of a group, which reads topics from their beginning; extra are more members of the request.
func (b *bridge) consumer(group, extra string, topics ...string) {
	b.t.Helper()
	want(b.t, b.post("/consumers/"+group, v2, `{"name":"c","format":"json","auto.offset.reset":"earliest"`+extra+`}`), 200, `"instance_id":"c"`)
	body := `{"topics":["` + strings.Join(topics, `","`) + `"]}`
	want(b.t, b.post("/consumers/"+group+"/instances/c/subscription", v2, body), 204, "")
}

// remove deletes consumer c of a group.
func (b *bridge) remove(group string) answer {
	b.t.Helper()
	return b.do(http.MethodDelete, "/consumers/"+group+"/instances/c", "", "")
}

// want checks a status and that the body has a text.
func want(t *testing.T, got answer, status int, text string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.body, text) {
		t.Fatalf("want %d %s, got %s", status, text, got)
	}
}

// failure is the body of an error.
func failure(status int, message string) string {
	return fmt.Sprintf(`{"error_code":%d,"message":%q}`, status, message)
}

// output is what a process has printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	_, _ = transcript.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
