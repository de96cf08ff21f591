// Package bridgeproc runs the bridge of this tree as a process of its own for a test, and reads from outside what it
// holds: memory, file descriptors, goroutines. It knows nothing of what is asked of the bridge, and ends only the process
// that it has started.
package bridgeproc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	startTime = 30 * time.Second
	stopTime  = 30 * time.Second
)

// binary is the bridge, built once per test program.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bridgeproc-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "steg-bridge")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/steg-kafka/steg/cmd/steg-bridge")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("building the bridge: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return path, nil
})

// Main runs the tests of a package and removes what was built for them.
func Main(m *testing.M) {
	code := m.Run()
	if started.Load() {
		if path, err := binary(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

// started says whether there is a binary to be removed.
var started atomic.Bool

// Bridge is a running bridge, with profiles on its management listener.
type Bridge struct {
	// API and Management are host:port.
	API, Management string
	// PID is the process.
	PID int

	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{}
	tail tail
}

// tail keeps the last lines that a bridge has printed.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// Start starts a bridge on loopback with environment variables (NAME=value) and further arguments, and waits until it is
// ready. It ends with the test, which fails if the bridge ended before.
func Start(t testing.TB, environ []string, args ...string) *Bridge {
	t.Helper()
	started.Store(true)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"--set", "http.host=127.0.0.1", "--set", "http.port=0", "--set", "http.management.port=0", "--set", "http.management.pprof=true",
	}, args...)
	b := &Bridge{t: t, cmd: exec.CommandContext(context.Background(), path, args...), done: make(chan struct{})}
	b.cmd.Env = append(os.Environ(), environ...)
	b.cmd.Cancel = nil
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.cmd.Stderr = b.cmd.Stdout
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.PID = b.cmd.Process.Pid
	t.Cleanup(b.stop)
	ready := make(chan struct{})
	go b.read(out, ready)
	select {
	case <-ready:
	case <-b.done:
		t.Fatalf("the bridge ended:\n%s", &b.tail)
	case <-time.After(startTime):
		t.Fatalf("the bridge did not start:\n%s", &b.tail)
	}
	return b
}

// read follows what the bridge prints until it ends.
func (b *Bridge) read(out io.Reader, ready chan<- struct{}) {
	defer close(b.done)
	port := regexp.MustCompile(`listening on port (\d+)`)
	management := regexp.MustCompile(`management listener.*address=(\S+)`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		b.tail.add(line)
		if b.Management != "" {
			continue
		}
		if m := port.FindStringSubmatch(line); m != nil {
			b.API = "127.0.0.1:" + m[1]
		}
		if m := management.FindStringSubmatch(line); m != nil {
			b.Management = m[1]
			close(ready)
		}
	}
}

// stop ends the bridge as an orchestrator would, and by force if that takes too long.
func (b *Bridge) stop() {
	select {
	case <-b.done:
		b.t.Errorf("the bridge has ended before its test:\n%s", &b.tail)
	default:
		_ = b.cmd.Process.Signal(os.Interrupt)
	}
	select {
	case <-b.done:
	case <-time.After(stopTime):
		b.t.Errorf("the bridge did not stop:\n%s", &b.tail)
		_ = b.cmd.Process.Kill()
		<-b.done
	}
	_ = b.cmd.Wait()
}

// Log returns the last lines that the bridge has printed.
func (b *Bridge) Log() string { return b.tail.String() }

// Memory returns the resident memory of the process in bytes, now and at its highest.
func (b *Bridge) Memory() (now, peak int64) { return b.status("VmRSS"), b.status("VmHWM") }

// status returns a number of kilobytes of /proc/PID/status, in bytes; 0 if the process is gone.
func (b *Bridge) status(field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.PID))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// Files returns how many file descriptors the process has open.
func (b *Bridge) Files() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.PID))
	if err != nil {
		b.t.Error(err)
	}
	return len(entries)
}

// Goroutines returns how many goroutines the process has.
func (b *Bridge) Goroutines() int {
	text := b.Profile("goroutine?debug=1")
	var n int
	if _, err := fmt.Sscanf(text, "goroutine profile: total %d", &n); err != nil {
		b.t.Errorf("no goroutine profile: %v: %.200s", err, text)
	}
	return n
}

// Profile returns a profile of the process, such as "heap?debug=1".
func (b *Bridge) Profile(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.Management+"/debug/pprof/"+name, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Errorf("profile %s: %v", name, err)
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Errorf("profile %s: %v", name, err)
	}
	return string(text)
}
