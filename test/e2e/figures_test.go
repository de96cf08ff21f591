//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFigures: a pod is ready with its sidecar at most 2 s later than without, as medians of five alternating pairs; and
// what the sidecar's process takes at rest and after 1,000 records.
func TestFigures(t *testing.T) {
	ns := namespace(t)
	topic(t, "my-figures", 1)
	apply(t, ns, bridge+"  metricsConfig: {type: strimziMetricsReporter}\n")
	with := workload("Deployment", "app", 1, idle)
	without := strings.ReplaceAll(strings.Replace(with, ", steg.dev/bridge: my-bridge", "", 1), "name: app", "name: bare")
	without = strings.Replace(strings.ReplaceAll(without, "app: app", "app: bare"), "- name: bare", "- name: app", 1)
	var times [2][]time.Duration
	for range 5 {
		for i, c := range []struct{ name, yaml string }{{"app", with}, {"bare", without}} {
			start := time.Now()
			apply(t, ns, c.yaml)
			rollout(t, ns, "deployment/"+c.name)
			times[i] = append(times[i], time.Since(start))
			if i == 1 || len(times[0]) < 5 {
				kubectl(t, "delete", "deployment", c.name, "-n", ns, "--cascade=foreground", "--timeout=60s")
			}
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	more := times[0][2] - times[1][2]
	t.Logf("ready after %v with a sidecar, %v without: %v more", times[0][2], times[1][2], more)
	if more > 2*time.Second {
		t.Errorf("a sidecar takes %v, at most 2 s are allowed", more)
	}
	pod := firstPod(t, ns, "app")
	rest := residentKiB(t, ns, pod)
	shell(t, ns, pod, post+`for i in $(seq 1 1000); do post /topics/my-figures "{\"records\":[{\"value\":\"$i\"}]}" json. > /dev/null || exit 1; done`)
	t.Logf("the sidecar's RSS: %.1f MiB at rest, %.1f MiB after 1,000 records", float64(rest)/1024, float64(residentKiB(t, ns, pod))/1024)
}

// residentKiB returns the RSS of the sidecar's process by its own metrics.
func residentKiB(t testing.TB, ns, pod string) int {
	t.Helper()
	for line := range strings.Lines(metrics(t, ns, pod)) {
		if value, ok := strings.CutPrefix(line, "process_resident_memory_bytes "); ok {
			bytes, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(bytes / 1024)
		}
	}
	t.Fatal("no process_resident_memory_bytes")
	return 0
}

// metrics asks the sidecar for them, as Prometheus would: by the pod's address.
func metrics(t testing.TB, ns, pod string) string {
	t.Helper()
	ip := kubectl(t, "get", "pod", pod, "-n", ns, "-o", "jsonpath={.status.podIP}")
	return shell(t, ns, pod, fmt.Sprintf("wget -q -O - http://%s:8081/metrics", ip))
}
