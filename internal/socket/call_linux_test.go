//go:build linux && !race

package socket

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestACallHoldsItsProcessor: while a call lasts nothing else runs on its processor, so that no thread is woken for it and none
// waits for one afterwards. A timer is read here, which makes the call last; a socket's does not. Package syscall's calls give
// the processor away after 10 ms at the most.
func TestACallHoldsItsProcessor(t *testing.T) {
	const lasts = 300 * time.Millisecond
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(timer) }()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))

	var end atomic.Bool
	runs, longest := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		var most time.Duration
		last := time.Now()
		close(runs)
		for ended := false; !ended; runtime.Gosched() {
			ended = end.Load()
			now := time.Now()
			most, last = max(most, now.Sub(last)), now
		}
		longest <- most
	}()
	<-runs
	if err := unix.TimerfdSettime(timer, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(lasts))}, nil); err != nil {
		t.Fatal(err)
	}
	n, err := Read(uintptr(timer), make([]byte, 8))
	end.Store(true)
	if held := <-longest; n != 8 || err != nil || held < lasts/2 {
		t.Errorf("a call of %s held its processor for %s: %d bytes, %v", lasts, held, n, err)
	}
}
