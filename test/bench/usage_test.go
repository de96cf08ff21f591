package main

import (
	"hash/crc32"
	"os"
	"testing"
	"time"
)

// spin uses CPU time for about as long as it is told to.
func spin(d time.Duration) {
	var page [4096]byte
	for end := time.Now().Add(d); time.Now().Before(end); {
		_ = crc32.ChecksumIEEE(page[:])
	}
}

// TestClocksAgree holds the three sources of CPU time against each other on this process.
func TestClocksAgree(t *testing.T) {
	spin(200 * time.Millisecond)
	byStat, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	threads, err := threadsCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const close = 50 * time.Millisecond
	if (byStat-own).Abs() > close || threads > own+close || threads < own/2 {
		t.Errorf("stat %v, rusage %v, threads %v", byStat, own, threads)
	}
}

func TestMemoryOf(t *testing.T) {
	m, err := memoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.RSS < 1<<20 || m.Peak < m.RSS/2 || m.Threads < 1 {
		t.Errorf("%+v", m)
	}
	const none = 1 << 30
	if _, err := memoryOf(none); err == nil {
		t.Error("a process that is not there has memory")
	}
	if _, err := cpuOf(none); err == nil {
		t.Error("a process that is not there has CPU time")
	}
	if _, err := threadsCPU(none); err == nil {
		t.Error("a process that is not there has threads")
	}
}
