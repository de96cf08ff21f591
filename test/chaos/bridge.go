package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// Build compiles the bridge of this tree into dir and returns the binary's path.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "steg-bridge")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/steg-kafka/steg/cmd/steg-bridge").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the bridge: %w\n%s", err, out)
	}
	return binary, nil
}

// The times that bridges are given, in milliseconds. They are short, so that a run sees many ends of them.
const (
	maxBlock        = 8000
	deliveryTimeout = 20000
	requestTimeout  = 3000 // a broker that hangs holds a request for this long, or a connection for connectTimeout
	connectTimeout  = 2000
	apiTimeout      = 15000
	sessionTimeout  = 6000
	joinWait        = 5000
)

// bounds are how long requests may take by those settings.
type bounds struct{ send, poll, commit, other time.Duration }

func settingBounds() bounds {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	return bounds{
		send:   ms(maxBlock) + ms(deliveryTimeout)*101/100,
		poll:   ms(joinWait) + pollTime,
		commit: ms(apiTimeout),
		other:  ms(apiTimeout),
	}
}

// settings are common to all bridges.
func settings() []string {
	of := func(key string, n int) string { return fmt.Sprintf("%s=%d", key, n) }
	return []string{
		"http.host=127.0.0.1", "http.port=0", "http.management.port=0",
		of("bridge.consumer.join.wait.ms", joinWait),
		of("kafka.producer.max.block.ms", maxBlock), of("kafka.producer.delivery.timeout.ms", deliveryTimeout),
		of("kafka.request.timeout.ms", requestTimeout), of("kafka.default.api.timeout.ms", apiTimeout),
		"kafka.producer.acks=all", "kafka.producer.enable.idempotence=true", "kafka.metadata.max.age.ms=3000",
		of("kafka.socket.connection.setup.timeout.ms", connectTimeout),
		of("kafka.consumer.session.timeout.ms", sessionTimeout), "kafka.consumer.heartbeat.interval.ms=1500",
		"kafka.consumer.auto.commit.interval.ms=1000", "kafka.consumer.auto.offset.reset=earliest",
		"kafka.consumer.allow.auto.create.topics=false",
	}
}

// stopTime is what a bridge may take to stop: the grace period that Kubernetes gives a pod.
const stopTime = 30 * time.Second

// bridge is a bridge that is started and ended, again and again.
type bridge struct {
	index   int
	binary  string
	args    []string
	logFile string

	mu         sync.Mutex
	cmd        *exec.Cmd
	ended      chan struct{} // closed when the process is gone
	api, admin string        // addresses; "" while it does not serve
}

func newBridge(index int, binary, dir string, sets []string) *bridge {
	b := &bridge{index: index, binary: binary, logFile: filepath.Join(dir, fmt.Sprintf("bridge-%d.log", index))}
	for _, s := range append(settings(), sets...) {
		b.args = append(b.args, "--set", s)
	}
	return b
}

func (b *bridge) address() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.api
}

func (b *bridge) management() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.admin
}

func (b *bridge) number() int { return b.index }

// start starts the process and returns when it serves.
func (b *bridge) start(ctx context.Context) error {
	log, err := os.OpenFile(b.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("bridge %d: %w", b.index, err)
	}
	// It outlives whoever starts it; the nemesis and the run's end stop it.
	cmd := exec.CommandContext(context.Background(), b.binary, b.args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is ours to pass on
		err = cmd.Start()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("bridge %d: %w", b.index, err), log.Close())
	}
	ended, serves := make(chan struct{}), make(chan struct{})
	b.mu.Lock()
	b.cmd, b.ended = cmd, ended
	b.mu.Unlock()
	go func() {
		b.follow(out, log, serves)
		_ = cmd.Wait() // its code is in cmd.ProcessState
		_ = log.Close()
		b.mu.Lock()
		b.api, b.admin = "", ""
		b.mu.Unlock()
		close(ended)
	}()
	select {
	case <-serves:
		return nil
	case <-ended:
		return fmt.Errorf("bridge %d has ended: see %s", b.index, b.logFile)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("bridge %d does not serve", b.index), ctx.Err(), b.kill())
	}
}

var (
	apiLine        = regexp.MustCompile(`listening on port (\d+)`)
	managementLine = regexp.MustCompile(`management listener" address=(\S+)`)
)

// follow copies the output and finds the addresses in it.
func (b *bridge) follow(out io.Reader, log io.Writer, serves chan<- struct{}) {
	var api string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		_, _ = fmt.Fprintln(log, line)
		if m := apiLine.FindStringSubmatch(line); m != nil {
			api = "127.0.0.1:" + m[1]
		}
		if m := managementLine.FindStringSubmatch(line); m != nil {
			b.mu.Lock()
			b.api, b.admin = api, m[1]
			b.mu.Unlock()
			close(serves)
		}
	}
}

// signal sends a signal to the process, if there is one.
func (b *bridge) signal(s os.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		_ = b.cmd.Process.Signal(s) // it may be gone
	}
}

// kill ends the process at once.
func (b *bridge) kill() error {
	b.signal(os.Kill)
	return b.gone(10 * time.Second)
}

// stop asks the process to end, which has to exit with 0 within stopTime.
func (b *bridge) stop() error {
	b.signal(syscall.SIGTERM)
	if err := b.gone(stopTime); err != nil {
		return errors.Join(err, b.kill())
	}
	if code := b.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("bridge %d: exit code %d after SIGTERM", b.index, code)
	}
	return nil
}

// gone waits until the process has ended.
func (b *bridge) gone(within time.Duration) error {
	b.mu.Lock()
	ended := b.ended
	b.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-time.After(within):
		return fmt.Errorf("bridge %d does not end within %s", b.index, within)
	}
}

// died reports whether the process has ended without anybody asking.
func (b *bridge) died() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		return false
	}
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}
