//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestArticle is the second half of the lab that Steg replaces, as docs/sidecar.md has it: one KafkaBridge, one label.
func TestArticle(t *testing.T) {
	ns := namespace(t)
	topic(t, "my-article", 3)
	apply(t, ns, bridge)
	apply(t, ns, workload("Deployment", "app", 1, idle))
	rollout(t, ns, "deployment/app")
	pod := firstPod(t, ns, "app")
	answer := shell(t, ns, pod, post+`post /topics/my-article '{"records":[{"key":"k","value":{"n":1}},{"value":"two"}]}' json.`)
	if !strings.Contains(answer, `"offset":0`) {
		t.Errorf("sent: %s", answer)
	}
	consume(t, ns, pod, "my-article", "my-group-article", `{"n":1}`, `"two"`)
	if got := kubectl(t, "get", "pod", pod, "-n", ns, "-o", `jsonpath={.metadata.annotations.steg\.dev/injected}`); got != ns+"/my-bridge" {
		t.Errorf("injected: %q", got)
	}
}

// consume creates a consumer as curl's users do, and polls until it has seen all of want.
func consume(t *testing.T, ns, pod, topic, group string, want ...string) {
	t.Helper()
	shell(t, ns, pod, fmt.Sprintf(post+`post /consumers/%s '{"name":"c","format":"json"}' '' && post /consumers/%[1]s/instances/c/subscription '{"topics":["%s"]}' ''`, group, topic))
	seen := ""
	eventually(t, 30*time.Second, func() error {
		out, err := tryShell(ns, pod, get+"get '/consumers/"+group+"/instances/c/records?timeout=3000'")
		if err != nil {
			return err
		}
		seen += out
		for _, w := range want {
			if !strings.Contains(seen, w) {
				return fmt.Errorf("no %s yet in %s", w, seen)
			}
		}
		return nil
	})
	shell(t, ns, pod, fmt.Sprintf(post+"post /consumers/%s/instances/c/offsets '' ''", group))
}

// TestJobCompletes: the sidecar does not keep a Job from ending, and nothing that was sent is lost.
func TestJobCompletes(t *testing.T) {
	ns := namespace(t)
	topic(t, "my-job", 1)
	apply(t, ns, bridge)
	script := post + `for i in $(seq 1 20); do post /topics/my-job "{\"records\":[{\"value\":\"$i\"}]}" json. || exit 1; done`
	apply(t, ns, job("work", script))
	kubectl(t, "wait", "-n", ns, "--for=condition=Complete", "job/work", "--timeout=90s")
	apply(t, ns, "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: often}\nspec:\n  schedule: '* * * * *'\n  jobTemplate:\n"+
		indent(strings.SplitN(job("often", script), "\n", 5)[4], 2))
	kubectl(t, "create", "job", "now", "-n", ns, "--from=cronjob/often")
	kubectl(t, "wait", "-n", ns, "--for=condition=Complete", "job/now", "--timeout=90s")
	if got := records(t, "my-job"); len(got) < 40 {
		t.Errorf("%d records, at least 40 were acknowledged", len(got))
	}
}

// TestRestricted: in a namespace that enforces the restricted Pod Security Standard nothing more is needed.
func TestRestricted(t *testing.T) {
	ns := namespace(t, "pod-security.kubernetes.io/enforce=restricted")
	topic(t, "my-restricted", 1)
	apply(t, ns, strings.Replace(bridge, "replicas: 0", "replicas: 1", 1))
	apply(t, ns, workload("Deployment", "app", 1, idle))
	rollout(t, ns, "deployment/app")
	shell(t, ns, firstPod(t, ns, "app"), post+`post /topics/my-restricted '{"records":[{"value":"1"}]}' json.`)
	rollout(t, ns, "deployment/my-bridge-bridge")
	kubectl(t, "wait", "-n", ns, "--for=condition=Ready", "kafkabridge/my-bridge", "--timeout=60s")
}

// TestGroup: a StatefulSet of three is one consumer group; scaling it down and up loses no record.
func TestGroup(t *testing.T) {
	ns := namespace(t)
	topic(t, "my-shared", 6)
	apply(t, ns, bridge)
	apply(t, ns, workload("StatefulSet", "reader", 3, reader))
	rollout(t, ns, "statefulset/reader")
	sent := 0
	send := func(n int) {
		for range n {
			sent++
			produce(t, "my-shared", fmt.Sprint(sent))
		}
	}
	complete := func() error { return missing(t, "my-read", sent) }
	topic(t, "my-read", 1)
	send(60)
	eventually(t, time.Minute, complete)
	kubectl(t, "scale", "-n", ns, "statefulset/reader", "--replicas=1")
	send(60)
	eventually(t, time.Minute, complete)
	kubectl(t, "scale", "-n", ns, "statefulset/reader", "--replicas=3")
	send(60)
	rollout(t, ns, "statefulset/reader")
	send(60)
	eventually(t, time.Minute, complete)
}

// reader writes what it reads from my-shared to my-read, and commits only then.
const reader = post + get + `
trap 'exit 0' TERM
c=/consumers/my-readers/instances/$(hostname)
until post /consumers/my-readers "{\"name\":\"$(hostname)\",\"format\":\"json\",\"enable.auto.commit\":false}" ''; do sleep 1; done
post $c/subscription '{"topics":["my-shared"]}' ''
while true; do
  r=$(get "$c/records?timeout=1000") || { sleep 1; continue; }
  [ "$r" = "[]" ] && continue
  post /topics/my-read "{\"records\":[{\"value\":$r}]}" json. || continue
  post $c/offsets '' '' || true
done`

// TestAlone: the application's container restarts alone and finds its consumer's name taken by its former self.
func TestAlone(t *testing.T) {
	ns := namespace(t)
	topic(t, "my-alone", 1)
	apply(t, ns, bridge)
	apply(t, ns, workload("Deployment", "app", 1, idle))
	rollout(t, ns, "deployment/app")
	pod := firstPod(t, ns, "app")
	produce(t, "my-alone", "1")
	consume(t, ns, pod, "my-alone", "my-group-alone", "1")
	_, _ = tryShell(ns, pod, "kill 1") // the answer may not come
	eventually(t, time.Minute, func() error {
		out := kubectl(t, "get", "pod", pod, "-n", ns, "-o", `jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}`)
		if out != "1 true" {
			return fmt.Errorf("restarts and readiness: %s", out)
		}
		return nil
	})
	produce(t, "my-alone", "2")
	consume(t, ns, pod, "my-alone", "my-group-alone", "2")
}

// indent moves YAML to the right.
func indent(yaml string, levels int) string {
	pad := strings.Repeat("  ", levels)
	return pad + strings.ReplaceAll(yaml, "\n", "\n"+pad)
}
