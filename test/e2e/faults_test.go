//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// writer sends numbered records without a pause and says of each whether it was acknowledged.
func writer(topic string) string {
	return post + `
trap 'exit 0' TERM
i=0
while true; do
  i=$((i+1))
  if post /topics/` + topic + ` "{\"records\":[{\"value\":\"$i\"}]}" json. | grep -q '"offset"'; then echo "ok $i"; else echo "no $i"; fi
done`
}

// load is a writer in a pod, and what it said so far.
type load struct {
	t              testing.TB
	ns, topic, pod string
	acked, not     map[string]bool
}

// startLoad starts a writer; more is appended to its KafkaBridge.
func startLoad(t testing.TB, ns, name, more string) *load {
	t.Helper()
	topic(t, name, 3)
	apply(t, ns, bridge+more)
	apply(t, ns, workload("Deployment", "writer", 1, writer(name)))
	rollout(t, ns, "deployment/writer")
	l := &load{t: t, ns: ns, topic: name, pod: firstPod(t, ns, "writer")}
	l.more(20)
	return l
}

// read takes note of what the writer has said.
func (l *load) read() {
	l.t.Helper()
	l.acked, l.not = make(map[string]bool), make(map[string]bool)
	for line := range strings.Lines(kubectl(l.t, "logs", "-n", l.ns, l.pod, "-c", "app")) {
		said, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch said {
		case "ok":
			l.acked[n] = true
		case "no":
			l.not[n] = true
		}
	}
}

// more waits until so many further records are acknowledged.
func (l *load) more(n int) {
	l.t.Helper()
	l.read()
	want := len(l.acked) + n
	eventually(l.t, time.Minute, func() error {
		if l.read(); len(l.acked) < want {
			return fmt.Errorf("%d acknowledged, %d not; wanted %d", len(l.acked), len(l.not), want)
		}
		return nil
	})
}

// check holds what was acknowledged against the topic.
func (l *load) check(maxFailed int) {
	l.t.Helper()
	l.read()
	in := make(map[string]int)
	for _, value := range records(l.t, l.topic) {
		in[strings.Trim(value, `"`)]++
	}
	for n := range l.acked {
		if in[n] != 1 {
			l.t.Errorf("record %s was acknowledged and is there %d times", n, in[n])
		}
	}
	if len(l.not) > maxFailed {
		l.t.Errorf("%d requests failed, at most %d may", len(l.not), maxFailed)
	}
	l.t.Logf("%d acknowledged, %d failed", len(l.acked), len(l.not))
}

// TestBrokerKilled: a broker's pod is gone under load.
func TestBrokerKilled(t *testing.T) {
	l := startLoad(t, namespace(t), "my-broker-killed", "")
	kubectl(t, "delete", "pod", "-n", kafkaNamespace, "my-cluster-kafka-1", "--grace-period=0", "--force", "--wait=false")
	l.more(100)
	rollout(t, kafkaNamespace, "statefulset/my-cluster-kafka")
	l.more(100)
	l.check(0)
}

// TestOperatorKilled: pods that are made while the operator dies come up, with their sidecars.
func TestOperatorKilled(t *testing.T) {
	ns := namespace(t)
	apply(t, ns, bridge)
	apply(t, ns, workload("Deployment", "app", 1, idle))
	kubectl(t, "scale", "-n", ns, "deployment/app", "--replicas=6")
	kubectl(t, "delete", "pod", "-n", kafkaNamespace, "-l", "app.kubernetes.io/name=steg-operator", "--grace-period=0", "--force", "--wait=false")
	kubectl(t, "scale", "-n", ns, "deployment/app", "--replicas=8")
	rollout(t, ns, "deployment/app")
	if bare := withoutSidecar(t, ns); len(bare) > 0 {
		t.Errorf("without a sidecar: %v", bare)
	}
}

// TestWebhookAway: without an operator a labelled pod is refused, not run without its sidecar; others are none of its business.
func TestWebhookAway(t *testing.T) {
	ns := namespace(t)
	apply(t, ns, bridge)
	kubectl(t, "scale", "-n", kafkaNamespace, "deployment/steg-operator", "--replicas=0")
	kubectl(t, "wait", "-n", kafkaNamespace, "--for=delete", "pod", "-l", "app.kubernetes.io/name=steg-operator", "--timeout=60s")
	back := func() {
		kubectl(t, "scale", "-n", kafkaNamespace, "deployment/steg-operator", "--replicas=1")
		rollout(t, kafkaNamespace, "deployment/steg-operator")
	}
	defer back()
	apply(t, ns, workload("Deployment", "app", 1, idle))
	apply(t, ns, strings.Replace(workload("Deployment", "other", 1, idle), ", steg.dev/bridge: my-bridge", "", 1))
	rollout(t, ns, "deployment/other")
	eventually(t, 30*time.Second, func() error {
		out := kubectl(t, "get", "events", "-n", ns, "--field-selector=reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
		if !strings.Contains(out, "bridge.pods.steg.dev") {
			return fmt.Errorf("no refused pod in %q", out)
		}
		return nil
	})
	back()
	rollout(t, ns, "deployment/app")
	if bare := withoutSidecar(t, ns); len(bare) > 0 {
		t.Errorf("without a sidecar: %v", bare)
	}
}

// withoutSidecar returns the labelled pods that have none.
func withoutSidecar(t testing.TB, ns string) (names []string) {
	t.Helper()
	var pods struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct{ InitContainers []struct{ Name string } }
		}
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "pods", "-n", ns, "-l", "steg.dev/bridge", "-o", "json")), &pods); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) == 0 {
		t.Fatal("no labelled pod")
	}
	for _, p := range pods.Items {
		if len(p.Spec.InitContainers) != 1 || p.Spec.InitContainers[0].Name != "steg-bridge" {
			names = append(names, p.Metadata.Name)
		}
	}
	return names
}
