package docs

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependenciesAreExplained: every module that go.mod requires directly stands in docs/dependencies.md, and the programs
// need few of them.
func TestDependenciesAreExplained(t *testing.T) {
	const most = 25
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	imports := goList(t, "-deps", "-f", `{{with .Module}}{{if .Main}}{{join $.Imports " "}}{{end}}{{end}}`, "./cmd/...")
	count := 0
	for _, m := range goList(t, "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all") {
		if slices.ContainsFunc(imports, func(i string) bool { return strings.HasPrefix(i+"/", m+"/") }) {
			count++
		}
		family, _, _ := strings.Cut(m, "/pkg/")
		if !strings.Contains(string(page), family) {
			t.Errorf("%s is not explained", m)
		}
	}
	if count < 10 || count > most {
		t.Errorf("the programs have %d direct dependencies, want at most %d", count, most)
	}
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
