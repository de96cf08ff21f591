//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	operators = "app.kubernetes.io/name=steg-operator,app.kubernetes.io/component=operator"
	// handover is what a leader's successor may need after a power cut: the lease, and some.
	handover = 90 * time.Second
)

// reinstalled installs the chart otherwise for a test, and as it was when the test ends.
func reinstalled(t testing.TB, more ...string) {
	t.Helper()
	t.Cleanup(func() {
		if err := install(chart, tag); err != nil {
			t.Error(err)
		}
	})
	if err := install(chart, tag, more...); err != nil {
		t.Fatal(err)
	}
}

// sidecars are the init containers of the running pods of an application.
func sidecars(t testing.TB, ns, app string) []string {
	t.Helper()
	return strings.Fields(kubectl(t, "get", "pods", "-n", ns, "-l", "app="+app, "--field-selector=status.phase=Running",
		"-o", "jsonpath={.items[*].spec.initContainers[*].name}"))
}

// TestTwoOperators: of two operators either answers the webhook, and the one that is left goes on with what the leader did.
func TestTwoOperators(t *testing.T) {
	reinstalled(t, "--values", filepath.Join(chart, "values-production.yaml"), "--set", "nodeSelector=null")
	ns := namespace(t)
	apply(t, ns, bridge)
	kubectl(t, "rollout", "status", "deployment/steg-operator", "-n", kafkaNamespace, "--timeout=100s")
	eventually(t, 30*time.Second, func() error { // the former one is still ending
		nodes := strings.Fields(kubectl(t, "get", "pods", "-n", kafkaNamespace, "-l", operators, "-o", "jsonpath={.items[*].spec.nodeName}"))
		if slices.Sort(nodes); len(nodes) != 2 || nodes[0] == nodes[1] {
			return fmt.Errorf("the operators are on %v, want two nodes", nodes)
		}
		return nil
	})
	holder := func() string {
		return strings.SplitN(kubectl(t, "get", "lease", "steg-operator", "-n", kafkaNamespace, "-o", "jsonpath={.spec.holderIdentity}"), "_", 2)[0]
	}
	leader := ""
	eventually(t, handover, func() error { // one of the two, when the former one has given it back
		leader = holder()
		if leader == "" {
			return errors.New("nobody leads")
		}
		_, err := try("get", "pod", leader, "-n", kafkaNamespace)
		return err
	})
	kubectl(t, "delete", "pod", leader, "-n", kafkaNamespace, "--grace-period=0", "--force")
	start := time.Now()
	apply(t, ns, workload("Deployment", "app", 3, idle)) // nobody leads, and pods start
	rollout(t, ns, "deployment/app")
	if n := len(sidecars(t, ns, "app")); n != 3 {
		t.Errorf("%d of 3 pods have a sidecar", n)
	}
	eventually(t, handover, func() error {
		if holder() == leader {
			return fmt.Errorf("%s still leads", leader)
		}
		return nil
	})
	t.Logf("another operator led %v after the leader was killed", time.Since(start).Round(time.Second))
	kubectl(t, "patch", "kafkabridge", "my-bridge", "-n", ns, "--type=merge", "-p", `{"spec":{"replicas":1}}`)
	kubectl(t, "wait", "kafkabridge/my-bridge", "-n", ns, "--for=condition=Ready", "--timeout=100s")
	rollout(t, ns, "deployment/my-bridge-bridge")
}

// TestEviction: a pod that was let in without its sidecar, because no operator answered, is replaced by one that has it, if
// the chart is told to.
func TestEviction(t *testing.T) {
	reinstalled(t, "--set", "watchdog.evict=true", "--set", "webhook.failurePolicy=Ignore")
	ns := namespace(t)
	apply(t, ns, bridge)
	kubectl(t, "scale", "deployment/steg-operator", "-n", kafkaNamespace, "--replicas=0")
	kubectl(t, "wait", "pods", "-n", kafkaNamespace, "-l", operators, "--for=delete", "--timeout=60s")
	apply(t, ns, workload("Deployment", "app", 1, idle))
	rollout(t, ns, "deployment/app")
	if have := sidecars(t, ns, "app"); len(have) > 0 {
		t.Fatalf("a pod has %v while no operator is there", have)
	}
	kubectl(t, "scale", "deployment/steg-operator", "-n", kafkaNamespace, "--replicas=1")
	eventually(t, 2*handover, func() error { // it has to lead first
		if have := sidecars(t, ns, "app"); !slices.Equal(have, []string{"steg-bridge"}) {
			return fmt.Errorf("the running pods have %v", have)
		}
		return nil
	})
	rollout(t, ns, "deployment/app")
}

// TestWatchedNamespaces: an operator that looks after some namespaces has rights there only, and does its work in them.
func TestWatchedNamespaces(t *testing.T) {
	inside, outside := namespace(t), "e2e-outside"
	kubectl(t, "create", "namespace", outside)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", outside, "--wait=false") })
	reinstalled(t, "--set", "watchNamespaces={"+inside+"}")
	for _, ns := range []string{inside, outside} {
		apply(t, ns, strings.Replace(bridge, "replicas: 0", "replicas: 1", 1))
		apply(t, ns, workload("Deployment", "app", 1, idle))
		rollout(t, ns, "deployment/app")
	}
	if have := sidecars(t, inside, "app"); !slices.Equal(have, []string{"steg-bridge"}) {
		t.Errorf("a pod of the watched namespace has %v", have)
	}
	if have := sidecars(t, outside, "app"); len(have) > 0 {
		t.Errorf("a pod of another namespace has %v", have)
	}
	kubectl(t, "wait", "kafkabridge/my-bridge", "-n", inside, "--for=condition=Ready", "--timeout=100s")
	if out := kubectl(t, "get", "deployment,configmap", "-n", outside, "-l", "strimzi.io/cluster=my-bridge", "-o", "name"); out != "" {
		t.Errorf("another namespace got %s", out)
	}
	const operator = "system:serviceaccount:" + kafkaNamespace + ":steg-operator"
	for ns, want := range map[string]string{inside: "yes", outside: "no"} {
		out, _ := try("auth", "can-i", "get", "secrets", "--as", operator, "-n", ns) // exits with 1 for a no
		if strings.TrimSpace(out) != want {
			t.Errorf("may the operator read Secrets in %s? %s, want %s", ns, out, want)
		}
	}
}
