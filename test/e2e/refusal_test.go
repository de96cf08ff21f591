//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRefused: whoever applies a pod that can't get a sidecar is told in one line what to change.
func TestRefused(t *testing.T) {
	ns := namespace(t)
	apply(t, ns, bridge)
	pod := func(labels, annotations, spec string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {%s}, annotations: {%s}}\nspec: {%s containers: [{name: app, image: 'localhost/box:1'}]}\n",
			labels, annotations, spec)
	}
	for name, c := range map[string]struct{ yaml, want string }{
		"missing KafkaBridge": {pod("steg.dev/bridge: my-brigde", "", ""), "my-brigde"},
		"misspelled":          {pod("steg.dev/bridge: my-bridge", "steg.dev/prot: '8080'", ""), "steg.dev/port"},
		"host network":        {pod("steg.dev/bridge: my-bridge", "", "hostNetwork: true,"), "hostNetwork"},
		"two ways":            {pod("steg.dev/bridge: my-bridge, steg.dev/cluster: my-cluster", "", ""), "steg.dev/cluster"},
	} {
		_, err := command(c.yaml, "kubectl", "apply", "-n", ns, "-f", "-")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "denied the request") {
			t.Errorf("%s: %v; wanted a refusal with %q", name, err, c.want)
		}
	}
}

// TestSecretAppears: pods wait for a Secret that comes later, and the reason is seen meanwhile.
func TestSecretAppears(t *testing.T) {
	ns := namespace(t)
	kubectl(t, "delete", "secret", "my-app", "-n", ns)
	apply(t, ns, bridge)
	apply(t, ns, workload("Deployment", "app", 1, idle))
	eventually(t, 30*time.Second, func() error {
		out := kubectl(t, "get", "events", "-n", ns, "--field-selector=reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
		if !strings.Contains(out, "my-app") {
			return fmt.Errorf("no reason in %q", out)
		}
		return nil
	})
	copySecret(t, "my-app", ns)
	rollout(t, ns, "deployment/app")
}
