package main

import (
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/bridge/metrics"
)

func TestThePageIsCurrent(t *testing.T) {
	if err := run("../../../docs/reference/metrics.md", true); err != nil {
		t.Error(err)
	}
}

func TestEverySeriesIsOnThePage(t *testing.T) {
	text, err := page()
	if err != nil {
		t.Fatal(err)
	}
	for _, style := range []metrics.Style{metrics.JMX, metrics.Reporter} {
		all, err := families(style)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.kind == "" || f.help == "" {
				t.Errorf("%s has no type or no help", f.name)
			}
			if n := strings.Count(string(text), "| `"+f.name+"` |"); n != 1 {
				t.Errorf("%s is on the page %d times", f.name, n)
			}
		}
	}
}

func TestAnOutdatedPageIsFound(t *testing.T) {
	if err := run("main.go", true); err == nil || !strings.Contains(err.Error(), "out of date") {
		t.Errorf("another file passed as the page: %v", err)
	}
}
