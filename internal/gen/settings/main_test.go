package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

// TestPageIsCurrent is what -check does.
func TestPageIsCurrent(t *testing.T) {
	if err := run("../../../docs/reference/settings.md", true); err != nil {
		t.Error(err)
	}
}

func TestCheckFindsADifference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := run(path, true); err == nil {
		t.Error("a missing page is current")
	}
	if err := run(path, false); err != nil {
		t.Fatal(err)
	}
	if err := run(path, true); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, append(page(), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(path, true); err == nil || !strings.Contains(err.Error(), "out of date") {
		t.Errorf("a changed page: %v", err)
	}
	if err := run(filepath.Join(path, "no", "such"), false); err == nil {
		t.Error("a page was written where none can be")
	}
}

// TestPageIsComplete: every key is there, and every row has as many cells as its table.
func TestPageIsComplete(t *testing.T) {
	text := string(page())
	for _, s := range bridgeconfig.Settings() {
		if strings.Count(text, "\n| `"+s.Key+"` |") != 1 {
			t.Errorf("%s is not there once", s.Key)
		}
	}
	for _, name := range kafka.Names() {
		if n := strings.Count(text, "\n| `"+name+"` |"); n != len(kafka.Settings(name)) {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	columns := 0
	for line := range strings.Lines(text) {
		switch n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); {
		case n == 0:
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("%d columns instead of %d: %s", n-1, columns-1, line)
		}
	}
}
