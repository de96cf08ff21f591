//go:build kafka

package chaos

import (
	"os"
	"testing"
	"time"
)

// TestKafkaChaos is the short form of `make chaos`: always the same faults, one after the other.
func TestKafkaChaos(t *testing.T) {
	const seed = 1
	t.Logf("seed %d", seed)
	began := time.Now()
	report, err := Run(t.Context(), Options{
		Seed: seed, Dir: t.TempDir(), Out: os.Stdout,
		Faults: []string{
			"kill-broker-1", "proxy-lost-answers", "proxy-cut", "topic-recreated", "acl-topics", "disk-full-answer", "bridge-kill",
			"bridge-stop", "certificate-broken", "consumers-churn",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("%v\n%v\n%v", report.Verdict.Count, report.Slow(), report.Notes)
	}
	if v := report.Verdict; v.Acknowledged < 1000 || v.Delivered < 1000 {
		t.Errorf("too little happened to judge: %+v", v)
	}
	t.Logf("took %s", time.Since(began).Round(time.Second))
}
