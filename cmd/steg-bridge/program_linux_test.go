package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/resident"
)

// TestReleaseProgram: pages of the program's file leave the process's memory, and the process goes on.
func TestReleaseProgram(t *testing.T) {
	before := filePages(t)
	resident.Release()
	if after := filePages(t); after > before/2 {
		t.Errorf("%d KiB of files in memory, %d before", after, before)
	}
	if _, err := readSettings(options{}, []string{"STEG_HTTP_PORT=0"}); err != nil { // code and constants come back
		t.Error(err)
	}
	resident.Release() // again, from what has just come back
}

// filePages returns the KiB of files that are mapped in this process's memory.
func filePages(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssFile:"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("no RssFile in /proc/self/status")
	return 0
}
