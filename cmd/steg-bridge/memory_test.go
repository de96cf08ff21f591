package main

import (
	"testing"
	"testing/fstest"
)

func TestCgroupLimit(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing to be seen", nil, 0},
		{"version 2 in a namespace", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "67108864\n"}, 64 * mib},
		{"version 2 without a limit", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"version 2 without /proc", map[string]string{"sys/fs/cgroup/memory.max": "67108864\n"}, 64 * mib},
		{"version 2, a unit of the host", map[string]string{
			"proc/self/cgroup": "0::/system.slice/steg.service\n",
			"sys/fs/cgroup/system.slice/steg.service/memory.max": "67108864\n", "sys/fs/cgroup/system.slice/memory.max": "max\n",
		}, 64 * mib},
		{"version 2, the group around it is tighter", map[string]string{
			"proc/self/cgroup": "0::/pods/one\n", "sys/fs/cgroup/pods/one/memory.max": "67108864\n", "sys/fs/cgroup/pods/memory.max": "33554432\n",
		}, 32 * mib},
		{"version 1 in a container", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864\n",
		}, 64 * mib},
		{"version 1, its own group", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "67108864\n",
		}, 64 * mib},
		{"version 1 without a limit", map[string]string{"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"a path that climbs", map[string]string{"proc/self/cgroup": "0::/../../pods\n", "sys/fs/cgroup/memory.max": "67108864\n"}, 64 * mib},
		{"nonsense", map[string]string{"proc/self/cgroup": "nonsense\n:\n::::\n", "sys/fs/cgroup/memory.max": "much\n"}, 0},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := cgroupLimit(root); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestOpenable(t *testing.T) {
	if n := openable(); n < 16 {
		t.Errorf("%d connections", n)
	}
}

// TestCollectorPercent: little that lives may have four times as much beside it, much only as much again.
func TestCollectorPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 1 << 40: 100} {
		if got := collectorPercent(live); got != want {
			t.Errorf("%d bytes live: %d %%, not %d", live, got, want)
		}
	}
}
