//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// firstPod returns the name of a running pod.
func firstPod(t testing.TB, namespace, app string) string {
	t.Helper()
	names := strings.Fields(kubectl(t, "get", "pods", "-n", namespace, "-l", "app="+app, "--field-selector=status.phase=Running",
		"-o", "jsonpath={.items[*].metadata.name}"))
	if len(names) == 0 {
		t.Fatalf("%s has no running pod", app)
	}
	return names[0]
}
