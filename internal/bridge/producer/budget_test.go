package producer

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// noon is the clock of the tests that measure rates.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// one returns a request of n bytes for one partition.
func one(b *budget, leader int32, part *partition, n int64) []share {
	return []share{{leader: b.leader(leader), partition: part, count: 1, bytes: n}}
}

func TestBudgetOneLeader(t *testing.T) {
	for _, tc := range []struct {
		name  string
		taken int64 // by another partition of the leader
		part  int64 // by the same partition
		want  int64
		fits  bool
	}{
		{"empty", 0, 0, 100, true},
		{"larger than all, nothing in flight", 0, 0, 5000, true},
		{"larger than all, something in flight", 1, 0, 5000, false},
		{"a leader up to half", 400, 0, 100, true},
		{"a leader past half", 400, 0, 101, false},
		{"a partition up to a third", 0, 300, 33, true},
		{"a partition past a third", 0, 300, 34, false},
		{"beside a partition at a third", 333, 0, 167, true},
		{"beside a partition at a third, too much", 333, 0, 168, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBudget(1000)
			var part, other partition
			for taken, p := range map[int64]*partition{tc.taken: &other, tc.part: &part} {
				if taken > 0 && b.admit(noon, one(b, 1, p, taken)) != nil {
					t.Fatal("the test's own bytes don't fit")
				}
			}
			before := b.total.Load()
			full := b.admit(noon, one(b, 1, &part, tc.want))
			if fits := full == nil; fits != tc.fits {
				t.Fatalf("fits: %v", fits)
			}
			if full != nil && (b.total.Load() != before || b.refused.Load() != 1 || full.Leader != 1) {
				t.Errorf("a refusal left %d bytes, %d before; refused %d; %v", b.total.Load(), before, b.refused.Load(), full)
			}
		})
	}
}

func TestBudgetIsAllOrNothing(t *testing.T) {
	b := newBudget(1000)
	var stuck, free partition
	if b.admit(noon, one(b, 1, &stuck, 450)) != nil {
		t.Fatal("refused")
	}
	both := []share{
		{leader: b.leader(2), partition: &free, count: 1, bytes: 10},
		{leader: b.leader(1), partition: &stuck, count: 1, bytes: 200},
	}
	if full := b.admit(noon, both); full == nil || full.Leader != 1 {
		t.Fatalf("got %v", full)
	}
	if free.inflight.Load() != 0 || b.leader(2).inflight.Load() != 0 || b.total.Load() != 450 || b.records.Load() != 1 {
		t.Error("the part that would have fitted was taken")
	}
}

func TestBudgetStuckLeadersLeaveRoom(t *testing.T) {
	const limit = 1 << 20
	b := newBudget(limit)
	for id := range int32(4) { // four of them take all that they can get, in small requests
		parts := make([]partition, 50)
		for i, refused := 0, 0; refused < len(parts); i++ {
			if b.admit(noon, one(b, id, &parts[i%len(parts)], 500)) != nil {
				refused++
			} else {
				refused = 0
			}
		}
	}
	if used := b.total.Load(); used > limit {
		t.Fatalf("%d of %d bytes are in flight", used, limit)
	}
	var part partition
	for range 100 { // in flight together, to a leader that works
		if full := b.admit(noon, one(b, 9, &part, 100)); full != nil {
			t.Fatalf("a leader that works gets %v after %d bytes", full, part.inflight.Load())
		}
	}
}

func TestBudgetUsable(t *testing.T) {
	b := newBudget(1000)
	var part partition
	if !b.usable(b.leader(1)) {
		t.Error("an idle leader is not usable")
	}
	if b.admit(noon, one(b, 1, &part, 900)) != nil {
		t.Fatal("refused")
	}
	if b.usable(b.leader(1)) {
		t.Error("a leader past its part is usable")
	}
	if !b.usable(b.leader(2)) {
		t.Error("another leader is not usable")
	}
}

func TestSilentLeaderIsNotUsable(t *testing.T) {
	b := newBudget(1_000_000)
	var part partition
	l := b.leader(1)
	charge := func(seconds float64) {
		if b.admit(noon.Add(time.Duration(seconds*float64(time.Second))), one(b, 1, &part, 10)) != nil {
			t.Fatal("refused")
		}
	}
	charge(0)
	charge(0.9)
	if !b.usable(l) {
		t.Error("not usable within the first second")
	}
	charge(2)
	if b.usable(l) {
		t.Error("usable after a second of silence")
	}
	b.release(&share{leader: l, partition: &part}, 10)
	if !b.usable(l) {
		t.Error("not usable although it has answered")
	}
	charge(3)
	if !b.usable(l) {
		t.Error("not usable although it has answered within this second")
	}
}

func TestRetryAfterFollowsTheDrainRate(t *testing.T) {
	for _, tc := range []struct {
		name   string
		drains int64 // bytes per second
		over   int64 // bytes that must go before the request fits
		want   time.Duration
	}{
		{"fast", 1_000_000, 500, time.Second},
		{"slow", 100, 490, 5 * time.Second},
		{"slow, not a whole second", 100, 510, 6 * time.Second},
		{"nearly stuck", 1, 500, maxRetryAfter},
		{"stuck", 0, 500, maxRetryAfter},
		{"the partition is full, not the leader", 100, -500, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &leader{}
			l.inflight.Store(10_000 + tc.over)
			for second := range 40 {
				l.drained.Add(tc.drains)
				l.measure(noon.Add(time.Duration(second)*time.Second), false)
			}
			if got := l.retryAfter(10_000); got != tc.want {
				t.Errorf("RetryAfter %s, want %s (rate %.1f)", got, tc.want, l.rate)
			}
		})
	}
}

func TestIdleTimeDoesNotLowerTheRate(t *testing.T) {
	l := &leader{}
	at := noon
	for range 40 {
		at = at.Add(time.Second)
		l.drained.Add(1000)
		l.measure(at, false)
	}
	l.measure(at.Add(time.Hour), true)
	if l.rate < 999 {
		t.Errorf("the rate fell to %.1f", l.rate)
	}
}

func TestBudgetReturnsToZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBudget(rapid.Int64Range(1, 10_000).Draw(t, "limit"))
		parts := make([]partition, 6)
		var held []share
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(held) > 0 && rapid.Bool().Draw(t, "release") {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				b.release(&held[i], held[i].bytes)
				held = append(held[:i], held[i+1:]...)
				continue
			}
			var shares []share
			for i := range rapid.IntRange(1, 3).Draw(t, "shares") {
				at := (i + len(held)) % len(parts)
				shares = append(shares, share{
					leader: b.leader(int32(at / 2)), partition: &parts[at], count: 1,
					bytes: rapid.Int64Range(1, 5_000).Draw(t, "bytes"),
				})
			}
			before := b.total.Load()
			if b.admit(noon, shares) == nil {
				held = append(held, shares...)
			} else if b.total.Load() != before {
				t.Fatal("a refused request was charged")
			}
			var sum int64
			for i := range held {
				sum += held[i].bytes
			}
			if b.total.Load() != sum || b.records.Load() != int64(len(held)) {
				t.Fatalf("%d bytes and %d records are charged, %d and %d are held", b.total.Load(), b.records.Load(), sum, len(held))
			}
		}
		for i := range held {
			b.release(&held[i], held[i].bytes)
		}
		for _, l := range *b.leaders.Load() {
			if l.inflight.Load() != 0 {
				t.Fatal("a leader keeps bytes")
			}
		}
		if b.total.Load() != 0 || b.records.Load() != 0 {
			t.Fatal("the budget keeps bytes")
		}
	})
}
