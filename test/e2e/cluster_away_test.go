//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	awayTime    = time.Minute      // for which the API server answers nobody
	backTime    = 30 * time.Second // in which the operator carries out a change again when the API server is back
	quietTime   = time.Minute      // in which two operators must not write anything
	acknowledge = 100              // records at least that are acknowledged meanwhile
)

// clusterAway: the API server answers nobody for a minute. Applications write on through their sidecars, nothing that runs is
// restarted for it, and the operator is at work again soon after.
func clusterAway(t *testing.T) {
	w := startWriting(t, "my-cluster", "my-app", "my-away")
	before, refused := containers(t), len(w.not)
	acked := len(w.acked)
	server := apiServer(t)
	goOn := func() {
		if err := syscall.Kill(server, syscall.SIGCONT); err != nil {
			t.Errorf("the API server, process %d: %v", server, err)
		}
	}
	if err := syscall.Kill(server, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(goOn) // whatever happens: else there is no end of this cluster
	sleep(t, awayTime)
	goOn()
	start := time.Now()
	eventually(t, backTime, func() error {
		_, err := try("patch", "kafka", "my-cluster", "-n", kafkaNamespace, "--type=merge", "-p", `{"spec":{"kafka":{"config":{"log.retention.ms":7200000}}}}`)
		return err
	})
	settled(t, backTime-time.Since(start))
	t.Logf("a change was carried out %v after the API server was back", time.Since(start).Round(time.Second))
	if w.read(); len(w.acked) < acked+acknowledge || len(w.not) > refused {
		t.Errorf("while it was away %d records were acknowledged, want %d, and %d were refused", len(w.acked)-acked, acknowledge, len(w.not)-refused)
	}
	w.more(50)
	w.inSync(false)
	after := containers(t)
	for name, was := range before {
		if !strings.HasPrefix(name, "steg-operator-") && after[name] != was {
			t.Errorf("pod %s was %s, and is %s", name, was, after[name])
		}
		if strings.HasPrefix(name, "steg-operator-") {
			t.Logf("the operator's pod was %s, and is %s", was, after[name])
		}
	}
	w.end()
	w.whole()
}

// containers tells pods apart, and the lives of their containers.
func containers(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	out := kubectl(t, "get", "pods", "-n", kafkaNamespace, "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} restarts {.status.initContainerStatuses[*].restartCount} {.status.containerStatuses[*].restartCount}{"\n"}{end}`)
	for line := range strings.Lines(out) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = rest
	}
	return all
}

// apiServer is the process of this cluster's API server: that in the network which the tests run in. Others of the machine are
// none of theirs.
func apiServer(t *testing.T) int {
	t.Helper()
	network, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range processes(t, "kube-apiserver") {
		if of, err := os.Readlink("/proc/" + pid + "/ns/net"); err == nil && of == network {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("there is no API server in this network")
	return 0
}

// clusterTwoOperators: two replicas, and then an operator beside them that asks nobody whether it may: they make of one Kafka the
// same objects, and don't write them again and again.
func clusterTwoOperators(t *testing.T) {
	upgrade := func(more ...string) {
		t.Helper()
		args := append([]string{"upgrade", "kafka-operator", chart, "--namespace", kafkaNamespace, "--reuse-values", "--wait", "--timeout", "100s"}, more...)
		must(t, "", "helm", args...)
	}
	upgrade("--set", "replicas=2", "--set", "fullReconciliationIntervalMs=20000")
	before := brokers(t, "my-cluster")
	change := func(ms int) {
		t.Helper()
		kubectl(t, "patch", "kafka", "my-cluster", "-n", kafkaNamespace, "--type=merge",
			"-p", fmt.Sprintf(`{"spec":{"kafka":{"config":{"log.retention.ms":%d}}}}`, ms))
		settled(t, clusterTime)
	}
	t.Run("replicas", func(t *testing.T) {
		change(3600001)
		quiet(t)
	})
	t.Run("leaders", func(t *testing.T) {
		anotherLeader(t)
		change(3600002)
		quiet(t)
		kubectl(t, "delete", "deployment", "another-operator", "-n", kafkaNamespace, "--cascade=foreground", "--timeout=60s")
	})
	upgrade("--set", "replicas=1", "--set", "fullReconciliationIntervalMs=120000")
	if now := brokers(t, "my-cluster"); !maps.Equal(now, before) {
		t.Errorf("the pods were %v, and are %v", before, now)
	}
}

// anotherLeader starts an operator that takes part in no election.
func anotherLeader(t *testing.T) {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(kubectl(t, "get", "deployment", "steg-operator", "-n", kafkaNamespace, "-o", "json")), &d); err != nil {
		t.Fatal(err)
	}
	spec := d["spec"].(map[string]any)
	spec["replicas"] = 1
	pod := spec["template"].(map[string]any)["spec"].(map[string]any)
	container := pod["containers"].([]any)[0].(map[string]any)
	args := slices.DeleteFunc(container["args"].([]any), func(a any) bool { return strings.HasPrefix(a.(string), "--leader-election") })
	container["args"] = append(args, "--leader-election=false")
	d["metadata"] = map[string]any{"name": "another-operator", "namespace": kafkaNamespace}
	delete(d, "status")
	labels := map[string]any{"app": "another-operator"}
	spec["selector"] = map[string]any{"matchLabels": labels}
	spec["template"].(map[string]any)["metadata"] = map[string]any{"labels": labels}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, kafkaNamespace, string(text))
	rollout(t, kafkaNamespace, "deployment/another-operator")
}

// quiet waits until nothing is written any more, and looks whether that stays so.
func quiet(t *testing.T) {
	t.Helper()
	was, since := versions(t), time.Now()
	for end := time.Now().Add(2 * time.Minute); time.Since(since) < 10*time.Second; sleep(t, 2*time.Second) {
		if time.Now().After(end) {
			t.Fatal("there was always something written")
		}
		if now := versions(t); !maps.Equal(now, was) {
			was, since = now, time.Now()
		}
	}
	sleep(t, quietTime)
	now := versions(t)
	for name, version := range now {
		if was[name] != version {
			t.Errorf("%s was written within %v in which nobody asked for anything: version %s, then %s", name, quietTime, was[name], version)
		}
	}
	t.Logf("%d objects were not written for %v", len(now), quietTime)
}

// versions are the resource versions of what is in the namespace, but for leases and events.
func versions(t *testing.T) map[string]string {
	t.Helper()
	const kinds = "kafkas,kafkanodepools,strimzipodsets,kafkatopics,kafkausers,pods,services,configmaps,secrets,serviceaccounts," +
		"persistentvolumeclaims,networkpolicies,poddisruptionbudgets"
	all := make(map[string]string)
	out := kubectl(t, "get", kinds, "-n", kafkaNamespace, "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	for line := range strings.Lines(out) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = version
	}
	if len(all) < 20 {
		t.Fatalf("there are only %d objects: %s", len(all), out)
	}
	return all
}
