package main

import (
	"context"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/steg-kafka/steg/internal/resident"
)

// memoryShare of a container's limit is left to Go's heap; the rest is for stacks, sockets and the program itself.
const memoryShare = 0.9

// memoryLimit returns the bytes of memory that this process may use, 0 for no limit: the least of GOMEMLIMIT and the
// limits of its control groups. Without GOMEMLIMIT the collector is told of the latter. GOMAXPROCS needs no help: since
// Go 1.25 it follows the control group's CPU quota, also when that changes.
func memoryLimit() int64 {
	container := cgroupLimit(os.DirFS("/"))
	set := debug.SetMemoryLimit(-1)
	switch {
	case container == 0 && set == math.MaxInt64:
		return 0
	case container == 0:
		return set
	case set == math.MaxInt64:
		debug.SetMemoryLimit(int64(float64(container) * memoryShare))
		return container
	}
	return min(set, container)
}

// cgroupLimit returns the least memory limit of the process's control group and of those around it, as far as they can
// be seen, 0 for none. Version 1 and 2 of control groups are read alike: inside a container's namespace the group is the
// root of the mounted tree, outside of one it is a path below it (cgroups(7)).
func cgroupLimit(root fs.FS) int64 {
	least := int64(0)
	text, _ := fs.ReadFile(root, "proc/self/cgroup") // without it there may still be the mounted tree
	for line := range strings.Lines(string(text) + "0::/\n0:memory:/\n") {
		dir, file, within, ok := cgroupFile(strings.TrimSpace(line))
		if !ok {
			continue
		}
		for at := path.Clean("/" + within); ; at = path.Dir(at) {
			limit := limitIn(root, path.Join(dir, at, file))
			if limit > 0 && (least == 0 || limit < least) {
				least = limit
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}

// cgroupFile reads a line of /proc/self/cgroup, ID:controllers:path: where its tree is mounted, what the file with the
// limit is called, and the path of the group. It reports false for a hierarchy that does not limit memory.
func cgroupFile(line string) (dir, file, within string, ok bool) {
	_, rest, _ := strings.Cut(line, ":")
	controllers, within, ok := strings.Cut(rest, ":")
	switch {
	case !ok:
		return "", "", "", false
	case controllers == "":
		return "sys/fs/cgroup", "memory.max", within, true
	}
	for c := range strings.SplitSeq(controllers, ",") {
		if c == "memory" {
			return "sys/fs/cgroup/memory", "memory.limit_in_bytes", within, true
		}
	}
	return "", "", "", false
}

// limitIn reads a limit file: "max" (v2) and anything near the largest integer (v1) are no limit, nor is no file.
func limitIn(root fs.FS, name string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 || n > 1<<50 {
		return 0
	}
	return n
}

// The collector runs when as much has been allocated as a percentage of what lives: mostPercent, or what comes to garbageBytes,
// but leastPercent, Go's own, in any case. What polls need for a moment, the responses of brokers above all, is many times what
// lives: at leastPercent it would run every few megabytes and cost a seventh of them. Where much lives, as with a thousand consumers,
// there is no need of several times as much. Near the memory limit it runs earlier all the same.
const (
	mostPercent, leastPercent = 400, 100
	garbageBytes              = 64 << 20
)

// collectorPercent is the percentage where so many bytes live.
func collectorPercent(live uint64) int {
	return int(min(max(garbageBytes*100/max(live, 1), leastPercent), mostPercent))
}

// collector follows what lives, unless GOGC says how much is allocated between two runs.
type collector struct{ percent int }

// follow sets the percentage by what lived at the collector's last run, as read from /gc/heap/live:bytes.
func (c *collector) follow(live uint64) {
	percent := collectorPercent(live)
	if _, set := os.LookupEnv("GOGC"); set || percent == c.percent {
		return
	}
	c.percent = percent
	debug.SetGCPercent(percent)
}

const (
	// settleAfter is when the start is over, with some time for the first probes.
	settleAfter = 500 * time.Millisecond
	// returnEvery is how often the process looks whether it has come to rest.
	returnEvery = 2 * time.Second
	// restingBytes is what it allocates at most between two looks when it rests, workedBytes what it has to have allocated
	// since it last returned memory for another time to be worth a collection.
	restingBytes, workedBytes = 2 << 20, 16 << 20
)

// returnMemory gives memory back to the system when work has ended, until ctx does. By itself the runtime collects within
// two minutes then, and returns pages over the minutes that follow, in which a pod next door may have none.
func returnMemory(ctx context.Context) {
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	var c collector
	select {
	case <-ctx.Done():
		return
	case <-time.After(settleAfter):
		resident.Release() // what only the start needed
		metrics.Read(heap)
		c.follow(heap[1].Value.Uint64())
	}
	ticks := time.NewTicker(returnEvery)
	defer ticks.Stop()
	for before, returned := uint64(0), uint64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		metrics.Read(heap)
		c.follow(heap[1].Value.Uint64())
		now := heap[0].Value.Uint64()
		if now-before < restingBytes && now-returned > workedBytes {
			runtime.GC() // pools let go at the second collection
			resident.Release()
			returned = now
		}
		before = now
	}
}

// openable returns how many connections of clients leave enough file descriptors for everything else: three quarters of
// what the process may open. Go has raised the soft limit to the hard one at the start.
func openable() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return max(int(files.Cur/4*3), 1)
}
