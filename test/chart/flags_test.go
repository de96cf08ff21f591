//go:build helm

package chart

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every flag that the chart sets is one of the program's. Whether the program takes its values too is tried by starting it:
// it must get as far as looking for a cluster.
func TestFlags(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // to compile it for the first time
	defer cancel()
	operator := filepath.Join(t.TempDir(), "steg-operator")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", operator, "../../cmd/steg-operator").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, operator, args...)
		cmd.Env = []string{"POD_NAMESPACE=kafka", "STEG_LOG_LEVEL=info"}
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	uninstall := run("uninstall", "--help")
	for name, path := range valuesFiles(t) {
		for pod, spec := range pods(rendered(t, content(t, path))) {
			containers, _ := spec["containers"].([]any)
			c, _ := containers[0].(map[string]any)
			given, _ := c["args"].([]any)
			var args []string
			for _, arg := range given {
				args = append(args, arg.(string))
			}
			if out := run(args...); !strings.Contains(out, "not in a cluster") {
				t.Errorf("%s: %s: %s", name, pod, out)
			}
			for _, arg := range args[1:] {
				flag := regexp.MustCompile(`^--([a-z0-9-]+)=`).FindStringSubmatch(arg)
				if flag == nil || args[0] == "uninstall" && !strings.Contains(uninstall, "-"+flag[1]+" ") {
					t.Errorf("%s: %s: %q is no flag", name, pod, arg)
				}
			}
		}
	}
}
