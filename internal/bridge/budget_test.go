package bridge

import (
	"testing"
	"time"
)

func TestBudgetRetryAfter(t *testing.T) {
	const mib = 1 << 20
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	b := &budget{limit: 10 * mib}
	if !b.take(10*mib) || b.take(1) {
		t.Fatal("the budget is not what it was set to")
	}
	step := func(after time.Duration, given, n int64, want int) {
		t.Helper()
		now = now.Add(after)
		b.give(given)
		b.used.Add(given) // somebody else was faster
		if got := b.retryAfter(n, now); got != want {
			t.Errorf("%s later, %d bytes given back: retry after %d s, want %d", after, given, got, want)
		}
	}
	step(0, 0, mib, 1)                            // nothing is known yet
	step(100*time.Millisecond, mib, 5*mib, 1)     // too short to tell
	step(1900*time.Millisecond, mib, 5*mib, 5)    // 1 MiB/s
	step(100*time.Millisecond, 100*mib, 5*mib, 5) // the rate holds until the next measurement
	step(4900*time.Millisecond, 0, 40*mib, 2)     // 20 MiB/s
	step(2*time.Second, 0, mib, maxRetryAfter)    // nothing comes back
	step(2*staleRate, 1000*mib, mib, 1)           // what was measured says nothing any more
	step(rateWindow, 1000*mib, mib, 1)            // never less than a second
}

func TestPatience(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name  string
		began time.Time
		n     int
		want  time.Duration
	}{
		{"a body that begins", now, 0, bodyPatience},
		{"one that keeps coming", now.Add(-time.Minute), 1 << 20, bodyPatience},
		{"a byte now and then", now.Add(-10 * time.Second), 5, bodyPatience - 10*time.Second},
		{"a little more than a byte", now.Add(-20 * time.Second), 10 * slowest, 5 * time.Second},
		{"as large as an int allows", now, 1 << 62, bodyPatience},
	} {
		if got := time.Until(patience(c.began, c.n)); got > c.want || got < c.want-time.Second {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
