package kafkarig

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

func TestFrozenStandsStill(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo '"+readyLine+"'; while :; do :; done")
	within(t, "ready", p.ready)
	pid := p.cmd.Process.Pid
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := frozen(pid); err != nil {
		t.Fatal(err)
	}
	if states, err := threadStates(pid); err != nil || string(states) != "T" {
		t.Errorf("states %q, error %v", states, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
}

func TestStatesOfAllThreads(t *testing.T) {
	t.Parallel()
	states, err := threadStates(os.Getpid())
	if err != nil || len(states) < 2 || len(bytes.Trim(states, "RSD")) != 0 {
		t.Errorf("states %q, error %v", states, err)
	}
}
