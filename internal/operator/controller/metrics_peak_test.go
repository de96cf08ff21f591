package controller

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The longest pass is told for 80 s at least and 120 s at most; shorter ones that come later show once it is forgotten.
func TestPeaks(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := newPeaks("longest_seconds", "h", []string{"kind", "namespace", "selector"}, func() time.Time { return now })
	here, there := place{"Kafka", "shop"}, place{"Kafka", "depot"}
	if n := testutil.CollectAndCount(p); n != 0 {
		t.Fatalf("%d series before the first pass", n)
	}
	for _, step := range []struct {
		after   time.Duration // since the step before
		took    time.Duration // 0: no pass
		longest float64
	}{
		{0, 3 * time.Second, 3},
		{time.Second, time.Second, 3},
		{60 * time.Second, 2 * time.Second, 3}, // in the second slot
		{19 * time.Second, 0, 3},               // at its end
		{40 * time.Second, 0, 2},               // the first one has passed
		{40 * time.Second, 0, 0},
		{0, 5 * time.Second, 5},
		{time.Hour, 0, 0}, // many slots at once
		{-2 * time.Hour, time.Second, 1},
	} {
		now = now.Add(step.after)
		if step.took > 0 {
			p.observe(here, step.took)
		}
		if got := testutil.ToFloat64(p); got != step.longest {
			t.Errorf("%v after the one before: %v, want %v", step.after, got, step.longest)
		}
	}
	p.observe(there, time.Second)
	if n := testutil.CollectAndCount(p); n != 2 {
		t.Errorf("%d series of two namespaces", n)
	}
}
