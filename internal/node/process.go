package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is the running Kafka.
type process struct {
	pid    int
	ended  chan struct{} // closed when it is gone and its output is written
	status syscall.WaitStatus
	err    error
}

// start runs a command in a process group of its own. What it prints goes to stdout and stderr; line is shown each line of
// stdout until it wants no more. Whatever else ends as a child of process 1 is reaped along the way.
func start(cmd *exec.Cmd, stdout, stderr io.Writer, line func([]byte) (more bool)) (*process, error) {
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, outRead.Close(), outWrite.Close())
	}
	cmd.Stdout, cmd.Stderr = outWrite, errWrite
	cmd.SysProcAttr = childAttributes()
	p := &process{ended: make(chan struct{})}
	var copies sync.WaitGroup
	copies.Go(func() { pass(outRead, stdout, line) })
	copies.Go(func() { pass(errRead, stderr, nil) })
	started := make(chan error, 1)
	go func() {
		// The child dies with the thread that has started it: see childAttributes.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		err := cmd.Start()
		_ = errors.Join(outWrite.Close(), errWrite.Close())
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.status, p.err = reap(p.pid)
		}
		deadline := time.Now().Add(outputGrace) // a grandchild may hold the pipes
		_ = errors.Join(outRead.SetReadDeadline(deadline), errRead.SetReadDeadline(deadline))
		copies.Wait()
		_ = errors.Join(outRead.Close(), errRead.Close())
	}()
	if err := <-started; err != nil {
		<-p.ended
		return nil, err
	}
	return p, nil
}

// reap waits for a child. Process 1 of a container also inherits what others have left behind, as commands run by exec
// probes do, and has to wait for those.
func reap(pid int) (syscall.WaitStatus, error) {
	wanted := pid
	if os.Getpid() == 1 {
		wanted = -1
	}
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(wanted, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("waiting for process %d: %w", pid, err)
		case got == pid:
			return status, nil
		}
	}
}

// signal reaches the process and whatever it has started.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.pid, s) } // it may be gone

// stop has the process stop in good order, and kills it when ctx ends before that is done. The error says that even that did
// not end it, as on a disk that does not answer.
func (p *process) stop(ctx context.Context) (killed bool, err error) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return false, nil
	case <-ctx.Done():
	}
	p.signal(syscall.SIGKILL)
	if !p.waited(killTimeout) {
		return true, fmt.Errorf("process %d does not end, although it was killed %s ago", p.pid, killTimeout)
	}
	return true, nil
}

// waited reports whether the process has ended within the time.
func (p *process) waited(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

// exitCode is what the container ends with. A JVM that was asked to stop and did so says 143, which is a clean end.
func exitCode(status syscall.WaitStatus, asked bool) int {
	code := status.ExitStatus()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	if asked && code == 128+int(syscall.SIGTERM) {
		return 0
	}
	return code
}
