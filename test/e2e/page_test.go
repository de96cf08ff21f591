//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var blocks = regexp.MustCompile("(?ms)^```sh( by-hand)?\n(.*?)^```")

// TestPage runs the commands of docs/sidecar.md as they stand there, both ways. Only the images are the lab's, and the
// operator is installed already.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(chart, "../../docs/sidecar.md"))
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
	t.Cleanup(func() {
		if t.Failed() {
			explain(t, kafkaNamespace)
		}
		kubectl(t, "delete", "-n", kafkaNamespace, "deployment/my-app", "deployment/by-hand", "kafkabridge/my-bridge", "configmap/bridge-configuration", "--ignore-not-found")
	})
	lab := strings.NewReplacer("docker.io/library/busybox:1.37", "localhost/box:1", "steg-bridge:0.1.0", "steg-bridge:"+tag)
	last, ran := "", 0
	for _, b := range blocks.FindAllSubmatch(page, -1) {
		text := lab.Replace(string(b[2]))
		if strings.Contains(text, "helm ") {
			continue
		}
		last = sh(t, config, text)
		ran++
		if strings.Contains(text, "/topics/my-topic") && strings.Contains(text, "lamp") {
			sh(t, config, strings.ReplaceAll(text, "deployment/my-app", "deployment/by-hand"))
		}
	}
	if ran < 8 || !strings.Contains(last, "lamp") {
		t.Errorf("%d blocks were run; the last one printed %q", ran, last)
	}
}

// sh runs a block as a user would paste it.
func sh(t *testing.T, kubeconfig, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*commandTime)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	c.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s\n%s", err, text, out, said.String())
	}
	return string(out)
}
