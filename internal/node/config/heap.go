package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	mebibyte = 1 << 20
	// largestHeap is as much as a broker gets by itself: what is above it serves better as page cache.
	largestHeap = 5 << 30
	// smallestHeap is where less would not start a broker.
	smallestHeap = 64 << 20
	// firstHeap is what a JVM begins with that has no limit to go by; it may then grow to a quarter of the machine.
	firstHeap = "-Xms128M"
	// noLimitAbove is what version 1 of control groups says for no limit: the largest number of pages, in bytes.
	noLimitAbove = math.MaxInt64 - 1<<20
)

// ParseMemoryLimit reads a memory limit of a control group, in bytes; 0 is none. It knows memory.max of version 2, where
// the word max is none, and memory.limit_in_bytes of version 1, where a number beyond all memory is.
func ParseMemoryLimit(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "max" {
		return 0, nil
	}
	limit, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of bytes", text)
	}
	if limit > noLimitAbove {
		return 0, nil
	}
	return int64(limit), nil
}

// Heap are the JVM's options for its heap: those that were asked for, or half of the container's memory limit in bytes, at
// most 5 GiB, the other half being for the page cache and everything else; without a limit (0) as the reference operator
// does.
func (o JVMOptions) Heap(limit int64) []string {
	var out []string
	if o.Xms != "" {
		out = append(out, "-Xms"+o.Xms)
	}
	if o.Xmx != "" {
		out = append(out, "-Xmx"+o.Xmx)
	}
	switch {
	case len(out) > 0:
		return out
	case limit <= 0:
		return []string{firstHeap}
	}
	heap := max(min(limit/2, largestHeap), smallestHeap) / mebibyte
	return []string{fmt.Sprintf("-Xms%dM", heap), fmt.Sprintf("-Xmx%dM", heap)}
}
