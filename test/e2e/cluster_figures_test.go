//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the operator may take with one Kafka, 1,000 KafkaTopics and 1,000 KafkaUsers, and what the end of a Kafka may.
const (
	crowd          = 1000
	crowdRSS       = 64 << 20 // bytes
	crowdTime      = 5 * time.Minute
	idleTime       = 2 * time.Minute  // one pass over everything
	deletionTime   = 30 * time.Second // from kubectl delete until no pod is left
	metricsTimeout = 20 * time.Second
)

// TestClusterFigures is what a Kafka costs Kubernetes: the operator's memory, its requests, and how long an end takes.
func TestClusterFigures(t *testing.T) {
	inTurn(t, []part{
		{"start", startSecured},
		{"crowd", clusterCrowd},
		{"deletion", clusterDeletion},
		{"uninstall", uninstalled},
	})
}

// counted has the API server count the operator's requests apart: by a flow schema of their own. Other counts don't tell whose
// requests they are.
const counted = `
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: steg-operator}
spec:
  matchingPrecedence: 150
  priorityLevelConfiguration: {name: workload-low}
  distinguisherMethod: {type: ByUser}
  rules:
  - subjects: [{kind: ServiceAccount, serviceAccount: {name: steg-operator, namespace: kafka}}]
    resourceRules: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"]}]
    nonResourceRules: [{verbs: ["*"], nonResourceURLs: ["*"]}]
`

// clusterCrowd measures the operator at rest, with nothing but a Kafka and with a crowd of topics and users.
func clusterCrowd(t *testing.T) {
	must(t, counted, "kubectl", "apply", "-f", "-")
	t.Cleanup(func() { kubectl(t, "delete", "flowschema", "steg-operator", "--ignore-not-found") })
	alone := operatorAtRest(t, 30*time.Second)
	t.Logf("the operator with one Kafka: %s", alone)
	start := time.Now()
	createCrowd(t)
	eventually(t, crowdTime, func() error {
		for _, kind := range []string{"kafkatopics", "kafkausers"} {
			out := kubectl(t, "get", kind, "-n", kafkaNamespace, "-o", `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`)
			if n := strings.Count(out, "True"); n < crowd {
				return fmt.Errorf("%d of %d %s are Ready", n, crowd, kind)
			}
		}
		return nil
	})
	t.Logf("%d KafkaTopics and as many KafkaUsers were made by kubectl and Ready after %v", crowd, time.Since(start).Round(time.Second))
	all := operatorAtRest(t, idleTime)
	t.Logf("the operator with one Kafka, %d KafkaTopics and %d KafkaUsers: %s", crowd, crowd, all)
	if all.rss > crowdRSS {
		t.Errorf("the operator's RSS is %.1f MiB, at most %d are allowed", mib(all.rss), crowdRSS>>20)
	}
}

// createCrowd makes topics, and users by certificate and by password in turns, each with three rights.
func createCrowd(t *testing.T) {
	t.Helper()
	const batch = 125 // kubectl slows itself down after 300 requests
	var makers sync.WaitGroup
	for first := 0; first < crowd; first += batch {
		makers.Go(func() {
			var yaml strings.Builder
			for i := first; i < first+batch; i++ {
				kind := []string{"tls", "scram-sha-512"}[i%2]
				fmt.Fprintf(&yaml, `
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: crowd-%[1]d, labels: {strimzi.io/cluster: my-cluster}}
spec: {partitions: 1, replicas: 1, config: {retention.ms: 3600000, cleanup.policy: delete}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: crowd-%[1]d, labels: {strimzi.io/cluster: my-cluster}}
spec:
  authentication: {type: %[2]s}
  authorization:
    type: simple
    acls:
    - {resource: {type: topic, name: crowd-%[1]d}, operations: [Read, Write]}
    - {resource: {type: group, name: crowd-%[1]d}, operations: [Read]}
---`, i, kind)
			}
			if out, err := command(yaml.String(), "kubectl", "create", "-n", kafkaNamespace, "-f", "-"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	makers.Wait()
}

// atRest is what the operator took in a time in which nothing happened.
type atRest struct {
	rss, peak, heap float64 // bytes: the most that was seen in this time, the most ever, what lives
	requests        float64 // a minute
	cpu             float64 // seconds a minute
}

func mib(bytes float64) float64 { return bytes / (1 << 20) }

func (r atRest) String() string {
	return fmt.Sprintf("RSS %.1f MiB (highest ever %.1f, heap %.1f), %.1f requests to the API server and %.0f ms of processor a minute",
		mib(r.rss), mib(r.peak), mib(r.heap), r.requests, 1000*r.cpu)
}

// operatorAtRest waits until what has happened has settled, and looks at the operator for a while.
func operatorAtRest(t *testing.T, during time.Duration) atRest {
	t.Helper()
	pod, uid := "", ""
	eventually(t, time.Minute, func() error { // a former one may be going
		out := strings.Fields(kubectl(t, "get", "pods", "-n", kafkaNamespace, "-l", operators, "-o", "jsonpath={.items[*].status.podIP} {.items[*].metadata.uid}"))
		if len(out) != 2 {
			return fmt.Errorf("one operator is measured, and there are: %v", out)
		}
		pod, uid = out[0], out[1]
		return nil
	})
	sleep(t, 75*time.Second) // memory is given back each minute
	before, asked, start := operatorMetrics(t, pod), operatorRequests(t), time.Now()
	var r atRest
	for time.Since(start) < during {
		sleep(t, 5*time.Second)
		now := operatorMetrics(t, pod)
		r.rss = max(r.rss, now["process_resident_memory_bytes"])
		r.heap = max(r.heap, now["go_memstats_heap_alloc_bytes"])
		r.cpu = now["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
	}
	minutes := time.Since(start).Minutes()
	r.requests, r.cpu = (operatorRequests(t)-asked)/minutes, r.cpu/minutes
	r.peak = highest(t, uid)
	return r
}

// sleep lets time pass in which something is measured.
func sleep(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// operatorMetrics are the operator's series without labels.
func operatorMetrics(t *testing.T, address string) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), metricsTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+":8080/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := series(string(text))
	if all["process_resident_memory_bytes"] == 0 {
		t.Fatalf("no process_resident_memory_bytes in\n%s", text)
	}
	return all
}

// series are the lines of metrics as they stand there, without comments.
func series(text string) map[string]float64 {
	all := make(map[string]float64)
	for line := range strings.Lines(text) {
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		if value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64); err == nil {
			all[line[:at]] = value
		}
	}
	return all
}

// operatorRequests is how many requests of the operator the API server has let in: those that ask, write and begin to watch.
func operatorRequests(t *testing.T) float64 {
	t.Helper()
	sum, found := 0.0, false
	for name, value := range series(kubectl(t, "get", "--raw", "/metrics")) {
		if strings.HasPrefix(name, `apiserver_flowcontrol_dispatched_requests_total{flow_schema="steg-operator"`) {
			sum, found = sum+value, true
		}
	}
	if !found {
		t.Log("the API server has not counted any request of the operator yet")
	}
	return sum
}

// highest is the most memory that the process of a pod ever had: its VmHWM, by the pod's control group.
func highest(t *testing.T, uid string) float64 {
	t.Helper()
	for _, pid := range processes(t, "steg-operator") {
		group, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
		if err != nil || !strings.Contains(string(group), uid) {
			continue
		}
		status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(status)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
				kib, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				return kib * 1024
			}
		}
	}
	t.Fatalf("no process of the operator's pod %s", uid)
	return 0
}

// processes are the numbers of all processes of that name on this machine.
func processes(t *testing.T, name string) (pids []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == name {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// clusterDeletion: a Kafka whose brokers are all told to stop at once is gone soon: who is left without controllers does not wait
// for them.
func clusterDeletion(t *testing.T) {
	start := time.Now()
	kubectl(t, "delete", "kafka", "my-cluster", "-n", kafkaNamespace, "--timeout=100s")
	last := start
	for len(brokers(t, "my-cluster")) > 0 {
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("pods are left: %v", brokers(t, "my-cluster"))
		}
		sleep(t, 200*time.Millisecond)
		last = time.Now()
	}
	took := last.Sub(start)
	t.Logf("all pods of the Kafka were gone %v after kubectl delete", took.Round(100*time.Millisecond))
	if took > deletionTime {
		t.Errorf("the end of the Kafka took %v, at most %v are allowed", took, deletionTime)
	}
}

// uninstalled takes away what is left when the Kafka is gone.
func uninstalled(t *testing.T) {
	must(t, "", "helm", "uninstall", "kafka-operator", "--namespace", kafkaNamespace, "--timeout", "100s")
	kubectl(t, "delete", "namespace", kafkaNamespace, "--timeout=110s")
}
