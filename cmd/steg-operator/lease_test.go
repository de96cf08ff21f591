package main

import (
	"strings"
	"testing"
)

// TestLeaderName: a pod that was started again is who it was; two processes of one host are not the same.
func TestLeaderName(t *testing.T) {
	pod := []string{"KUBERNETES_SERVICE_HOST=10.96.0.1"}
	if first, again := leaderName("pod-1", "", pod), leaderName("pod-1", "", pod); first != "pod-1" || again != first {
		t.Errorf("a pod is %q, and then %q", first, again)
	}
	for name, other := range map[string]func() string{
		"outside":         func() string { return leaderName("host", "", nil) },
		"by a flag":       func() string { return leaderName("host", "file", pod) },
		"by the variable": func() string { return leaderName("host", "", append(pod, "KUBECONFIG=file")) },
	} {
		if first, again := other(), other(); first == again || !strings.HasPrefix(first, "host_") {
			t.Errorf("%s: %q and %q", name, first, again)
		}
	}
}
