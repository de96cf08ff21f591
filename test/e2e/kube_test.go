//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandTime bounds one call of kubectl or helm.
const commandTime = 2 * time.Minute

// command runs a program with stdin and returns what it prints; its error has what it said.
func command(stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return string(out), nil
}

func try(args ...string) (string, error) { return command("", "kubectl", args...) }

func kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return must(t, "", "kubectl", args...)
}

// must is command, without an error.
func must(t testing.TB, stdin, name string, args ...string) string {
	t.Helper()
	out, err := command(stdin, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apply gives YAML to the API server.
func apply(t testing.TB, namespace, yaml string) {
	t.Helper()
	must(t, yaml, "kubectl", "apply", "-n", namespace, "-f", "-")
}

// eventually waits until check has no complaint.
func eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %v: %v", within, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// namespace makes one for the test, with a copy of what its pods need of Kafka's Secrets, and removes it in the end.
func namespace(t testing.TB, labels ...string) string {
	t.Helper()
	name := fmt.Sprintf("e2e-%s-%d", strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), time.Now().Unix())
	kubectl(t, "create", "namespace", name)
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, name)
		}
		kubectl(t, "delete", "namespace", name, "--wait=false")
	})
	if len(labels) > 0 {
		kubectl(t, append([]string{"label", "namespace", name}, labels...)...)
	}
	for _, secret := range []string{"my-cluster-cluster-ca-cert", "my-app", "my-scram"} {
		copySecret(t, secret, name)
	}
	return name
}

// copySecret copies a Secret of Kafka's namespace.
func copySecret(t testing.TB, secret, to string) {
	t.Helper()
	data := kubectl(t, "get", "secret", secret, "-n", kafkaNamespace, "-o", "jsonpath={.data}")
	apply(t, to, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"`+secret+`"},"data":`+data+`}`)
}

// explain logs what a failed test's reader wants to know first.
func explain(t testing.TB, name string) {
	for _, args := range [][]string{
		{"get", "pods,deployments,jobs,kafkabridges", "-o", "wide"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"logs", "--all-containers", "--prefix", "--tail=20", "-l", "app"},
	} {
		out, err := try(append(args, "-n", name)...)
		t.Log(strings.Join(args, " "), "\n", out, err)
	}
}

// rollout waits until a workload is ready.
func rollout(t testing.TB, namespace, workload string) {
	t.Helper()
	kubectl(t, "rollout", "status", workload, "-n", namespace, "--timeout=100s")
}

// shell runs a line in the application's container of a pod.
func shell(t testing.TB, namespace, pod, line string) string {
	t.Helper()
	out, err := tryShell(namespace, pod, line)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryShell(namespace, pod, line string) (string, error) {
	return try("exec", "-n", namespace, pod, "-c", "app", "--", "sh", "-c", line)
}
