package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// Brokers' clocks jump by libfaketime, which is preloaded into their JVMs by a java of ours that is found before the
// real one. It reads the offset from a file of the broker's; the monotonic clock is left alone, as in a real jump, and so are
// waits: corrected by the library, they would end at once and keep the machine busy.

// clockFile is a broker's offset.
func clockFile(rig *kafkarig.Rig, broker int) string {
	return filepath.Join(rig.Dir, fmt.Sprintf("node-%d", broker), "clock")
}

// writeClock sets the offset of every broker's clock.
func writeClock(rig *kafkarig.Rig, offset time.Duration) error {
	for i := range brokers {
		if err := writeClockOf(rig, i, offset); err != nil {
			return err
		}
	}
	return nil
}

func writeClockOf(rig *kafkarig.Rig, broker int, offset time.Duration) error {
	text := fmt.Sprintf("%+d\n", int(offset.Seconds()))
	// In place: libfaketime may look at any moment, and has to find a file.
	if err := os.WriteFile(clockFile(rig, broker), []byte(text), 0o644); err != nil {
		return fmt.Errorf("chaos: clock: %w", err)
	}
	return nil
}

const javaWithClock = `#!/bin/sh
for last; do :; done
case $last in
*/server.properties)
	export LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE="${last%%/*}/clock" FAKETIME_CACHE_DURATION=1
	export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0 NO_FAKE_STAT=1 ;;
esac
exec %s "$@"
`

// fakeClocks makes the brokers that are started from now on have clocks that can jump. It changes JAVA_HOME of this
// process, which ends with the returned function. Without libfaketime it fetches Debian's package into the cache, and
// fails where that is impossible.
func fakeClocks(ctx context.Context, dir string) (restore func(), err error) {
	library, err := faketime(ctx)
	if err != nil {
		return nil, err
	}
	before, was := os.LookupEnv("JAVA_HOME")
	java, err := exec.LookPath(filepath.Join(before, "bin", "java"))
	if !was || err != nil {
		java, err = exec.LookPath("java")
	}
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	home := filepath.Join(dir, "java")
	if err := os.MkdirAll(filepath.Join(home, "bin"), 0o755); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	if err := os.WriteFile(filepath.Join(home, "bin", "java"), fmt.Appendf(nil, javaWithClock, library, java), 0o755); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	if err := os.Setenv("JAVA_HOME", home); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	return func() {
		if was {
			_ = os.Setenv("JAVA_HOME", before) // it was possible a moment ago
			return
		}
		_ = os.Unsetenv("JAVA_HOME")
	}, nil
}

// faketime returns the path of the library.
func faketime(ctx context.Context) (string, error) {
	cache := os.Getenv("STEG_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("chaos: %w", err)
		}
		cache = filepath.Join(user, "steg")
	}
	dir := filepath.Join(cache, "faketime")
	const name = "faketime/libfaketimeMT.so.1"
	find := func() string {
		for _, pattern := range []string{"/usr/lib/*/" + name, filepath.Join(dir, "usr/lib/*", name)} {
			if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
				return found[0]
			}
		}
		return ""
	}
	if found := find(); found != "" {
		return found, nil
	}
	if err := fetchFaketime(ctx, dir); err != nil {
		return "", err
	}
	if found := find(); found != "" {
		return found, nil
	}
	return "", errors.New("chaos: Debian's package libfaketime has no " + name)
}

// fetchFaketime unpacks Debian's package into dir; nothing is installed.
func fetchFaketime(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	download := exec.CommandContext(ctx, "sh", "-c", "apt-get download -q libfaketime && dpkg -x libfaketime_*.deb .")
	download.Dir = dir
	if out, err := download.CombinedOutput(); err != nil {
		return fmt.Errorf("chaos: libfaketime, which makes clocks jump: install it, or leave the fault clock-jump out: %w\n%s", err, out)
	}
	return nil
}
