package kafkarig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How long a broker may take to serve, and to end after having been asked to.
// A busy machine takes a few times the usual 3 s and 4 s.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
)

// process is a running broker.
type process struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when it says that it serves
	ended chan struct{} // closed when it is gone
	err   error         // why, once it is gone
}

// launch starts a process whose output goes to logFile and is watched for the
// line that says that it serves.
func launch(cmd *exec.Cmd, logFile string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	dieWithParent(cmd)
	p := &process{cmd: cmd, ready: make(chan struct{}), ended: make(chan struct{})}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.watch(out, log)
	}()
	started := make(chan error, 1)
	go func() {
		// The thread must live as long as the process: see dieWithParent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		_ = in.Close()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		<-watched
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	return p, nil
}

// watch copies the output to the log until its end.
func (p *process) watch(out *os.File, log io.WriteCloser) {
	defer func() { _ = out.Close() }()
	defer func() { _ = log.Close() }()
	isReady := sync.OnceFunc(func() { close(p.ready) })
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(log, line)
		if strings.Contains(line, readyLine) {
			isReady()
		}
		if err != nil {
			return
		}
	}
}

// signal sends a signal and waits until the process is gone.
func (p *process) signal(s os.Signal) error {
	_ = p.cmd.Process.Signal(s) // it may be gone
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("kafkarig: process %d does not end after %s", p.cmd.Process.Pid, stopTimeout)
	}
}

func nodeDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("node-%d", i)) }
func dataDir(dir string, i int) string { return filepath.Join(nodeDir(dir, i), "data") }
func logPath(dir string, i int) string { return filepath.Join(nodeDir(dir, i), "kafka.log") }

// Start starts broker i if it does not run, with the data it has, and waits
// until it serves. In a rig of three, one alone does not: see StartAll.
func (r *Rig) Start(i int) error {
	if err := r.launch(i); err != nil {
		return err
	}
	return r.waitReady(i)
}

// StartAll starts all brokers that do not run, side by side.
func (r *Rig) StartAll() error {
	for i := range r.options.Brokers {
		if err := r.launch(i); err != nil {
			return err
		}
	}
	for i := range r.options.Brokers {
		if err := r.waitReady(i); err != nil {
			return err
		}
	}
	return nil
}

// Stop has broker i shut down in good order, which moves its leaders away.
func (r *Rig) Stop(i int) error { return r.end(i, syscall.SIGTERM) }

// Kill ends broker i at once. Clients then see refused connections, and its
// partitions are without a leader for up to broker.session.timeout.ms (9 s).
func (r *Rig) Kill(i int) error { return r.end(i, syscall.SIGKILL) }

// Pause freezes broker i: connections stay open and nothing is answered once it
// returns. Resume lets it go on.
func (r *Rig) Pause(i int) error {
	if err := r.send(i, syscall.SIGSTOP); err != nil {
		return err
	}
	if err := frozen(r.PID(i)); err != nil {
		return fmt.Errorf("kafkarig: broker %d: %w", i, err)
	}
	return nil
}

// Resume ends Pause.
func (r *Rig) Resume(i int) error { return r.send(i, syscall.SIGCONT) }

// PID is broker i's process id, 0 if it does not run.
func (r *Rig) PID(i int) int {
	if p := r.running(i); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

func (r *Rig) send(i int, s os.Signal) error {
	p := r.running(i)
	if p == nil {
		return fmt.Errorf("kafkarig: broker %d does not run", i)
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("kafkarig: broker %d: %w", i, err)
	}
	return nil
}

func (r *Rig) end(i int, s os.Signal) error {
	p := r.running(i)
	if p == nil {
		return nil
	}
	return p.signal(s)
}

// running returns broker i's process unless it is gone.
func (r *Rig) running(i int) *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.nodes[i]
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	default:
		return p
	}
}

func (r *Rig) launch(i int) error {
	if r.running(i) != nil {
		return nil
	}
	args := r.jvm.args(r.options, "kafka.Kafka", filepath.Join(nodeDir(r.Dir, i), "server.properties"))
	// It outlives whoever asks for its start: Close, or the parent's end, ends it.
	p, err := launch(exec.CommandContext(context.Background(), r.jvm.java, args...), logPath(r.Dir, i))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes[i] = p
	return nil
}

func (r *Rig) waitReady(i int) error {
	r.mu.Lock()
	p := r.nodes[i]
	r.mu.Unlock()
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("kafkarig: broker %d has ended (%w); its log:\n%s", i, p.err, r.LogTail(i, 20))
	case <-time.After(startTimeout):
		return fmt.Errorf("kafkarig: broker %d does not serve after %s; its log:\n%s", i, startTimeout, r.LogTail(i, 20))
	}
}

// LogTail returns the last n lines of broker i's log.
func (r *Rig) LogTail(i, n int) string {
	b, err := os.ReadFile(logPath(r.Dir, i))
	if err != nil {
		return err.Error()
	}
	return lastLines(b, n)
}
