package kafkarig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// freezeTimeout bounds the wait for threads that are in the middle of a system call.
const freezeTimeout = 10 * time.Second

// frozen waits until every thread of a process stands still: SIGSTOP takes effect a moment after it was sent, and until
// then a thread answers.
func frozen(pid int) error {
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		states, err := threadStates(pid)
		if err != nil {
			return err
		}
		if len(bytes.Trim(states, "T")) == 0 {
			return nil
		}
		if time.Since(begun) > freezeTimeout {
			return fmt.Errorf("threads of process %d go on after SIGSTOP, in the states %s", pid, states)
		}
	}
}

// threadStates returns a letter for each thread, as in proc(5). A thread that ends meanwhile is left out.
func threadStates(pid int) (states []byte, err error) {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return nil, err
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if i := bytes.LastIndex(text, []byte(") ")); i >= 0 && i+2 < len(text) { // behind the name, which may have any letter
			states = append(states, text[i+2])
		}
	}
	return states, nil
}
