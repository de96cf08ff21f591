//go:build envtest && kafka

package envtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processors is what the test's own process, which is operator and driver, and the programs that it started have used of the
// processors so far, by name. On a busy machine this tells more than the time that has passed.
func processors(t *testing.T) map[string]time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	used := map[string]time.Duration{"operator and driver": time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		// proc(5): pid (comm) state ppid … utime stime are fields 14 and 15, in hundredths of a second.
		name, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		_, name, _ = strings.Cut(name, "(")
		user, errUser := strconv.Atoi(fields[11])
		system, errSystem := strconv.Atoi(fields[12])
		if errUser != nil || errSystem != nil {
			t.Fatalf("%s: %q", file, text)
		}
		used[name] += time.Duration(user+system) * 10 * time.Millisecond
	}
	return used
}

// since tells what was used after another look.
func usedSince(t *testing.T, before map[string]time.Duration) string {
	t.Helper()
	var parts []string
	sum := time.Duration(0)
	for name, now := range processors(t) {
		if d := now - before[name]; d > 50*time.Millisecond {
			parts = append(parts, fmt.Sprintf("%s %.1f s", name, d.Seconds()))
			sum += d
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("%.1f CPU s: %s", sum.Seconds(), strings.Join(parts, ", "))
}
