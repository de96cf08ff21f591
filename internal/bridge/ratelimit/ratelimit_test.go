package ratelimit

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// noon is when the tests begin; the package has no clock of its own.
func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func TestRequestsPerSecond(t *testing.T) {
	l, now := New(10, 0), noon()
	a, b := l.At("10.0.0.1:1000"), l.At("10.0.0.2:1000")
	for i := range 10 {
		if wait := l.Take(now, a); wait != 0 {
			t.Fatalf("request %d has to wait for %s", i, wait)
		}
	}
	if wait := l.Take(now, a); wait != 100*time.Millisecond {
		t.Errorf("the eleventh has to wait for %s, want 100ms", wait)
	}
	if wait := l.Take(now, b); wait != 0 {
		t.Errorf("another client has to wait for %s", wait)
	}
	if wait := l.Take(now.Add(100*time.Millisecond), a); wait != 0 {
		t.Errorf("after the time that was named, another %s", wait)
	}
	if wait := l.Take(now.Add(100*time.Millisecond), a); wait == 0 {
		t.Error("one token was given twice")
	}
	for i := range 10 { // an hour saves up no more than a second does
		if wait := l.Take(now.Add(time.Hour), a); wait != 0 {
			t.Fatalf("request %d after an hour has to wait for %s", i, wait)
		}
	}
	if l.Take(now.Add(time.Hour), a) == 0 {
		t.Error("more was saved up than a second's worth")
	}
}

func TestBytesPerSecond(t *testing.T) {
	l, now := New(0, 1000), noon()
	c := l.At("10.0.0.1:1")
	for range 100 { // requests are not limited
		if wait := l.Take(now, c); wait != 0 {
			t.Fatalf("a request has to wait for %s", wait)
		}
	}
	l.Charge(now, c, 3000) // larger than the bucket: it came in, and is owed
	if wait := l.Take(now, c); wait < 2*time.Second || wait > 2100*time.Millisecond {
		t.Errorf("2,000 bytes are owed, and the wait is %s", wait)
	}
	if wait := l.Take(now.Add(2100*time.Millisecond), c); wait != 0 {
		t.Errorf("the debt is paid, and the wait is %s", wait)
	}
	l.Charge(now, c, 1<<50)
	if wait := l.Take(now, c); wait != maxWait {
		t.Errorf("the wait is %s, want %s", wait, maxWait)
	}
	l.Take(now, l.At("10.0.0.2:1"))
	if l.forget(now); len(l.clients) != 1 {
		t.Errorf("%d clients are known, want the debtor alone", len(l.clients))
	}
}

func TestTimeMayStandStillOrGoBack(t *testing.T) {
	l, now := New(1, 0), noon()
	c := l.At("10.0.0.1:1")
	if l.Take(now, c) != 0 || l.Take(now.Add(-time.Hour), c) == 0 {
		t.Error("an earlier time gave tokens")
	}
	if l.Take(now.Add(time.Second), c) != 0 {
		t.Error("nothing came in a second")
	}
}

func TestWhoIsWho(t *testing.T) {
	l := New(1, 1)
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"10.0.0.1:1", "10.0.0.1:2", true},
		{"10.0.0.1:1", "10.0.0.2:1", false},
		{"[::ffff:10.0.0.1]:1", "10.0.0.1:1", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:9", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
		{"no address", "no address", true},
		{"no address", "another", false},
	} {
		if same := l.At(c.a) == l.At(c.b); same != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, same)
		}
	}
	proxied, ok := l.Named("spoofed, 10.0.0.1 ")
	direct, _ := l.Named("10.0.0.1")
	if !ok || proxied != direct {
		t.Error("what the client writes in front of the proxy's element makes it another client")
	}
	for _, empty := range []string{"", " ", "a, "} {
		if _, ok := l.Named(empty); ok {
			t.Errorf("%q is a client", empty)
		}
	}
}

// TestManyNames: whoever makes up a new name for each request ends with the allowance of one client, and memory stays.
func TestManyNames(t *testing.T) {
	l, now := New(10, 0), noon()
	taken := 0
	for i := range 3 * maxClients {
		c, _ := l.Named(fmt.Sprint(i))
		for range 2 {
			if l.Take(now, c) == 0 {
				taken++
			}
		}
	}
	if len(l.clients) != maxClients {
		t.Errorf("%d clients are known", len(l.clients))
	}
	if taken < 2*maxClients || taken > 2*maxClients+10 {
		t.Errorf("%d requests passed, want those of %d clients and one more", taken, maxClients)
	}
	c, _ := l.Named("later")
	if l.Take(now.Add(2*time.Second), c) != 0 || len(l.clients) != 1 {
		t.Errorf("%d clients are known after they have gone", len(l.clients))
	}
}

// TestBusyAreNotForgotten: to be forgotten would give a client a full bucket.
func TestBusyAreNotForgotten(t *testing.T) {
	l, now := New(1, 100), noon()
	debtor, _ := l.Named("debtor")
	l.Charge(now, debtor, 10_000)
	for i := range 2 * maxClients {
		c, _ := l.Named(fmt.Sprint(i))
		l.Take(now.Add(time.Duration(i)*time.Millisecond), c)
	}
	if l.Take(now.Add(5*time.Second), debtor) == 0 {
		t.Error("a client's debt was forgotten")
	}
}

func TestConcurrentUse(t *testing.T) {
	l, now := New(100, 0), noon()
	c := l.At("10.0.0.1:1")
	var passed sync.Map
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			n := 0
			for range 100 {
				if l.Take(now, c) == 0 {
					n++
				}
			}
			passed.Store(g, n)
		})
	}
	group.Wait()
	total := 0
	passed.Range(func(_, n any) bool { total += n.(int); return true })
	if total != 100 {
		t.Errorf("%d requests passed, want 100", total)
	}
}

func BenchmarkTake(b *testing.B) {
	l, now := New(1<<30, 0), noon()
	b.ReportAllocs()
	for b.Loop() {
		l.Take(now, l.At("10.0.0.1:1234"))
	}
}
