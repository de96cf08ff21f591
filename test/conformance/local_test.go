package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// This file is the only one that knows our binary. It assumes
//
//   - `go build ./cmd/steg-bridge` gives a program that takes --set key=value
//     for every setting of the reference, and http.max.body.bytes,
//     bridge.null.value;
//   - with http.port=0 and http.management.port=0 free ports are taken, and
//     standard output tells them in the lines that portLines describes,
//     whichever log format surrounds them;
//   - SIGTERM ends it within ten seconds.

// variant names a bridge by what its settings are about.
type variant string

const (
	plain      variant = ""
	cors       variant = "cors"        // origins by a regular expression
	corsAny    variant = "cors-any"    // origins *
	corsList   variant = "cors-list"   // origins separated by commas, two methods
	noConsumer variant = "no-consumer" // http.consumer.enabled=false, bridge.id unset
	noProducer variant = "no-producer" // http.producer.enabled=false, metrics off
	tombstones variant = "tombstones"  // bridge.null.value=tombstone
	unnamed    variant = "unnamed"     // bridge.id unset, consumers idle for 1 s go
	acksNone   variant = "acks-none"   // kafka.producer.acks=0
	badAcks    variant = "bad-acks"    // kafka.producer.acks=5
	away       variant = "away"        // no broker listens
	denied     variant = "denied"      // a user without any right
	refused    variant = "refused"     // a user with a wrong password
	creates    variant = "creates"     // brokers that make a topic on first use
)

// noBroker is an address where nothing listens.
const noBroker = "127.0.0.1:1"

// settings returns what a variant changes, as key=value.
func (l *local) settings(v variant) []string {
	switch v {
	case cors:
		return []string{"http.cors.enabled=true", `http.cors.allowedOrigins=https?://([a-z]+\.)?example\.org`}
	case corsAny:
		return []string{"http.cors.enabled=true", "http.cors.allowedOrigins=*"}
	case corsList:
		return []string{
			"http.cors.enabled=true", "http.cors.allowedOrigins=https://a.example,https://b.example",
			"http.cors.allowedMethods=GET,POST",
		}
	case noConsumer:
		return []string{"http.consumer.enabled=false"}
	case noProducer:
		return []string{"http.producer.enabled=false", "bridge.metrics="}
	case tombstones:
		return []string{"bridge.null.value=tombstone"}
	case unnamed:
		return []string{"bridge.id=", "http.timeoutSeconds=1"}
	case acksNone:
		return []string{"kafka.producer.acks=0", "kafka.producer.enable.idempotence=false"}
	case badAcks:
		return []string{"kafka.producer.acks=5"}
	case away:
		return []string{"kafka.bootstrap.servers=" + noBroker}
	case denied:
		return l.rig.denied
	case refused:
		return l.rig.refused
	case creates:
		return []string{"kafka.bootstrap.servers=" + l.rig.creating()}
	}
	return nil
}

// rig is the Kafka behind the bridges that we start.
type rig struct {
	bootstrap string        // PLAINTEXT, no authorisation needed
	creating  func() string // starts one that makes topics on first use besides
	denied    []string      // settings of a user without any right
	refused   []string      // settings of a user with a wrong password
}

// local starts bridges of ours.
type local struct {
	t      *testing.T
	binary string
	rig    rig
}

func newLocal(t *testing.T) *local {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "steg-bridge")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/steg-bridge")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the bridge: %v\n%s", err, out)
	}
	return &local{t: t, binary: binary, rig: startRig(t)}
}

// Settings of every bridge of ours. The times are short so that what waits for a
// broker's timeout does not wait for a minute.
const maxBlock = "1500"

func (l *local) arguments(v variant) []string {
	settings := []string{
		"http.host=127.0.0.1", "http.port=0", "http.management.port=0", "http.max.body.bytes=4194304",
		"bridge.id=conformance", "bridge.metrics=strimziMetricsReporter",
		"kafka.bootstrap.servers=" + l.rig.bootstrap,
		"kafka.producer.max.block.ms=" + maxBlock,
		"kafka.producer.request.timeout.ms=2000", "kafka.producer.delivery.timeout.ms=4000",
		"kafka.admin.request.timeout.ms=2000", "kafka.admin.default.api.timeout.ms=3000",
		"kafka.consumer.request.timeout.ms=2000", "kafka.consumer.default.api.timeout.ms=3000",
	}
	settings = append(settings, l.settings(v)...) // a later --set of a key wins
	args := make([]string, 0, 2*len(settings))
	for _, s := range dropOverridden(settings) {
		args = append(args, "--set", s)
	}
	return args
}

// dropOverridden keeps the last setting of each key, and none that is empty.
func dropOverridden(settings []string) []string {
	last := make(map[string]string, len(settings))
	for _, s := range settings {
		key, _, _ := strings.Cut(s, "=")
		last[key] = s
	}
	var out []string
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		if last[key] == s && value != "" {
			out = append(out, s)
		}
	}
	return out
}

// portLines matches what a bridge says of its two listeners.
var portLines = struct{ api, management *regexp.Regexp }{
	regexp.MustCompile(`HTTP Bridge server started and listening on port (\d+)`),
	regexp.MustCompile(`(?i)management listener\b.*[: ](\d+)`),
}

// start runs a bridge until the test of the suite ends.
func (l *local) start(v variant) (*target, error) {
	cmd := exec.CommandContext(context.Background(), l.binary, l.arguments(v)...) // ended by stop, gently
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", l.binary, err)
	}
	exited := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = writer.Close()
		exited <- err
	}()
	out := &output{lines: make(chan string, 64)}
	go out.gather(reader)
	l.t.Cleanup(func() { l.stop(v, cmd, exited, out) })
	to, err := out.ports()
	if err != nil {
		return nil, fmt.Errorf("%w; its output:\n%s", err, out.text())
	}
	return to, nil
}

// stop ends a bridge as Kubernetes does and says so if it does not obey.
func (l *local) stop(v variant, cmd *exec.Cmd, exited <-chan error, out *output) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-exited:
		if err != nil {
			l.t.Errorf("the bridge %q ended with %v; its output:\n%s", v, err, out.text())
		}
	case <-time.After(15 * time.Second):
		_ = cmd.Process.Kill()
		l.t.Errorf("the bridge %q did not end within 15 s of SIGTERM (then: %v); its output:\n%s", v, <-exited, out.text())
	}
	if strings.Contains(out.text(), "panic") {
		l.t.Errorf("the bridge %q speaks of a panic; its output:\n%s", v, out.text())
	}
}

// output is what a bridge has printed, its last 200 lines.
type output struct {
	lines chan string
	mu    sync.Mutex
	kept  []string
}

// gather reads until the bridge ends, keeps the tail and offers each line once.
func (o *output) gather(r io.Reader) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		o.mu.Lock()
		o.kept = append(o.kept, scanner.Text())
		if len(o.kept) > 200 {
			o.kept = o.kept[1:]
		}
		o.mu.Unlock()
		select {
		case o.lines <- scanner.Text():
		default: // nobody waits for ports any more
		}
	}
	close(o.lines)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.kept, "\n")
}

// ports waits until both listeners have told where they are.
func (o *output) ports() (*target, error) {
	to := &target{block: maxBlock}
	limit := time.After(30 * time.Second)
	for to.api == nil || to.management == nil {
		select {
		case line, ok := <-o.lines:
			if !ok {
				return nil, errors.New("the bridge ended at its start")
			}
			if m := portLines.management.FindStringSubmatch(line); m != nil {
				to.management = loopback(m[1])
			} else if m := portLines.api.FindStringSubmatch(line); m != nil {
				to.api = loopback(m[1])
			}
		case <-limit:
			return nil, errors.New("the bridge did not tell its ports within 30 s")
		}
	}
	return to, nil
}

func loopback(port string) *url.URL { return &url.URL{Scheme: "http", Host: "127.0.0.1:" + port} }
