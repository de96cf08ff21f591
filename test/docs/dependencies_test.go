package docs

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDependenciesAreExplained: every module that go.mod requires directly stands in docs/dependencies.md, and few do.
func TestDependenciesAreExplained(t *testing.T) {
	const most = 25
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	if len(modules) == 0 || len(modules) > most {
		t.Errorf("%d direct dependencies, want at most %d", len(modules), most)
	}
	for _, m := range modules {
		family, _, _ := strings.Cut(m, "/pkg/")
		if !strings.Contains(string(page), family) {
			t.Errorf("%s is not explained", m)
		}
	}
}
