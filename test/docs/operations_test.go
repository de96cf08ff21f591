package docs

import (
	"regexp"
	"strings"
	"testing"
)

const operationsPage = "../../docs/operations.md"

// declared returns what a pattern finds between two texts of a file; at least that many.
func declared(t *testing.T, file, from, to, pattern string, least int) (all []string) {
	t.Helper()
	_, text, found := strings.Cut(read(t, file), from)
	text, _, ended := strings.Cut(text, to)
	if !found || !ended {
		t.Fatalf("%s has no %q before %q", file, from, to)
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) < least {
		t.Fatalf("%s: only %v", file, all)
	}
	return all
}

// Each annotation by which somebody steers a cluster has its place on the page.
func TestClusterAnnotationsAreDescribed(t *testing.T) {
	page := read(t, operationsPage)
	for _, name := range declared(t, "../../internal/operator/names/cluster.go", "// Annotations that a user sets.", "\n)", `StrimziDomain \+ "([a-z-]+)"`, 8) {
		if !strings.Contains(page, "`strimzi.io/"+name) {
			t.Errorf("strimzi.io/%s is not on the page", name)
		}
	}
}

// So has each reason of a restart, which Events name.
func TestRestartReasonsAreDescribed(t *testing.T) {
	page := read(t, operationsPage)
	for _, reason := range declared(t, "../../internal/operator/roll/step.go", "// Why a pod is restarted", "\n)", `Reason = "([A-Za-z]+)"`, 12) {
		if !strings.Contains(page, "`"+reason+"`") {
			t.Errorf("%s is not on the page", reason)
		}
	}
}
