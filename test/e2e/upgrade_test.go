//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUpgrade: the operator of the commit before is replaced by this one under load. Pods that are there go on with the
// sidecars they have, new ones get the new image, and nothing that was acknowledged is lost.
func TestUpgrade(t *testing.T) {
	ns := namespace(t)
	uninstall(t)
	if err := install(setting("STEG_OLD_CHART"), setting("STEG_OLD_TAG")); err != nil {
		t.Fatal(err)
	}
	l := startLoad(t, ns, "my-upgrade", "")
	former := kubectl(t, "get", "pods", "-n", kafkaNamespace, "-l", "app.kubernetes.io/name=steg-operator", "-o", "name")
	if err := install(chart, tag); err != nil {
		t.Fatal(err)
	}
	rollout(t, kafkaNamespace, "deployment/steg-operator")
	// The former operator answers for some more seconds, so that no pod is refused meanwhile.
	kubectl(t, "wait", "-n", kafkaNamespace, "--for=delete", strings.TrimSpace(former), "--timeout=60s")
	l.more(100)
	apply(t, ns, workload("Deployment", "app", 1, idle))
	rollout(t, ns, "deployment/app")
	for pod, want := range map[string]string{l.pod: setting("STEG_OLD_TAG"), firstPod(t, ns, "app"): tag} {
		if image := kubectl(t, "get", "pod", pod, "-n", ns, "-o", "jsonpath={.spec.initContainers[0].image}"); !strings.HasSuffix(image, ":"+want) {
			t.Errorf("%s has the sidecar %s, want the tag %s", pod, image, want)
		}
	}
	l.check(0)
}

// TestUninstall: nothing hangs while KafkaBridges and pods with sidecars are there, and those pods go on.
func TestUninstall(t *testing.T) {
	ns := namespace(t)
	l := startLoad(t, ns, "my-uninstall", "")
	uninstall(t)
	l.more(100)
	apply(t, ns, workload("Deployment", "late", 1, idle))
	rollout(t, ns, "deployment/late") // nobody refuses it any more
	kubectl(t, "delete", "kafkabridge", "my-bridge", "-n", ns, "--timeout=30s")
	l.check(0)
	if err := install(chart, tag); err != nil {
		t.Fatal(err)
	}
}

// TestBesideStrimzi: with the CustomResourceDefinitions of another operator, which serve v1 only, Steg injects and owns
// nothing else.
func TestBesideStrimzi(t *testing.T) {
	uninstall(t)
	const crd = "customresourcedefinition/kafkabridges.kafka.strimzi.io"
	kubectl(t, "delete", crd, "--timeout=60s")
	must(t, foreign(t), "kubectl", "create", "-f", "-")
	kubectl(t, "wait", "--for=condition=Established", crd, "--timeout=30s")
	before := kubectl(t, "get", crd, "-o", "jsonpath={.metadata.generation} {.metadata.labels} {.metadata.annotations} {.spec.conversion}")
	if err := install(chart, tag, "--set", "controllers={inject}", "--set", "crds.install=false"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		uninstall(t)
		kubectl(t, "delete", crd, "--timeout=60s")
		if err := install(chart, tag); err != nil {
			t.Error(err)
		}
	})
	ns := namespace(t)
	l := startLoad(t, ns, "my-beside", "")
	l.check(0)
	if after := kubectl(t, "get", crd, "-o", "jsonpath={.metadata.generation} {.metadata.labels} {.metadata.annotations} {.spec.conversion}"); after != before {
		t.Errorf("the other operator's CRD became %s, it was %s", after, before)
	}
	if status := kubectl(t, "get", "kafkabridge", "my-bridge", "-n", ns, "-o", "jsonpath={.status}"); status != "" {
		t.Errorf("a status was written: %s", status)
	}
	if made := kubectl(t, "get", "deployments,services,configmaps", "-n", ns, "-l", "strimzi.io/cluster=my-bridge", "-o", "name"); made != "" {
		t.Errorf("objects were made: %s", made)
	}
}

// foreign is the KafkaBridge of an operator that serves v1 only.
func foreign(t testing.TB) string {
	t.Helper()
	ours, err := os.ReadFile(filepath.Join(chart, "files/crds/kafkabridges.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := must(t, string(ours), "kubectl", "create", "--dry-run=client", "-o", "json", "-f", "-")
	var crd map[string]any
	if err := json.Unmarshal([]byte(text), &crd); err != nil {
		t.Fatal(err)
	}
	crd["metadata"] = map[string]any{"name": "kafkabridges.kafka.strimzi.io", "labels": map[string]any{"app": "strimzi"}}
	spec := crd["spec"].(map[string]any)
	for _, v := range spec["versions"].([]any) {
		if v.(map[string]any)["name"] == "v1" {
			spec["versions"] = []any{v}
		}
	}
	out, err := json.Marshal(crd)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// uninstall removes the release, and with it what would refuse pods. It is the lab's command: with --wait, Helm 4.2.1 sometimes
// waits for a hook's Job that is gone already until its own end.
func uninstall(t testing.TB) {
	t.Helper()
	start := time.Now()
	must(t, "", "helm", "uninstall", "kafka-operator", "--namespace", kafkaNamespace, "--timeout", "60s")
	kubectl(t, "wait", "-n", kafkaNamespace, "--for=delete", "pod", "-l", "app.kubernetes.io/name=steg-operator", "--timeout=60s")
	t.Logf("uninstalled in %v", time.Since(start).Round(time.Second))
}
