//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clusterPage runs the commands of docs/cluster.md as they stand there, from an empty Kubernetes to one that is empty again.
// Only the images are the lab's.
func clusterPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(chart, "../../docs/cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "kubeconfig") // the page sets the namespace of the current context
	current, err := os.ReadFile(setting("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, current, 0o600); err != nil {
		t.Fatal(err)
	}
	lab := strings.NewReplacer("docker.io/library/busybox:1.37", "localhost/box:1",
		"helm install kafka-operator charts/steg-operator", "helm install kafka-operator "+chart+" --set defaultImageTag="+tag)
	ran, read := 0, ""
	for _, b := range blocks.FindAllSubmatch(page, -1) {
		start := time.Now()
		out := sh(t, config, lab.Replace(string(b[2])))
		t.Logf("%v: %s", time.Since(start).Round(time.Second), strings.SplitN(string(b[2]), "\n", 2)[0])
		ran++
		if strings.Contains(out, `"lamp"`) {
			read = out
		}
	}
	if ran < 6 || read == "" {
		t.Errorf("%d blocks were run, and no lamp was read", ran)
	}
}

// clusterUninstall is the lab's twelfth step, with topics and users present: everything goes, and nothing hangs.
func clusterUninstall(t *testing.T) {
	for _, kind := range []string{"kafkatopics", "kafkausers"} {
		if n := len(strings.Fields(kubectl(t, "get", kind, "-n", kafkaNamespace, "-o", "name"))); n == 0 {
			t.Errorf("there are no %s to hang on", kind)
		}
	}
	start := time.Now()
	must(t, "", "helm", "uninstall", "kafka-operator", "--namespace", kafkaNamespace, "--timeout", "100s")
	kubectl(t, "delete", "namespace", kafkaNamespace, "--wait=false")
	eventually(t, 2*time.Minute, func() error { // of pods that are left Kubernetes looks again after half of their grace period, 61 s
		out, _ := try("get", "namespace", kafkaNamespace, "--ignore-not-found", "-o", "jsonpath={.status.conditions[*].message}")
		left, _ := try("get", "namespace", kafkaNamespace, "--ignore-not-found", "-o", "name")
		if left != "" {
			return fmt.Errorf("%s is there: %s", left, out)
		}
		return nil
	})
	t.Logf("everything was gone after %v", time.Since(start).Round(time.Second))
}
