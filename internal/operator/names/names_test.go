package names

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

// TestNamesAreStable lists every constant of the package. A line may be added to the golden file; a line that changes or goes
// breaks whoever uses that name.
func TestNamesAreStable(t *testing.T) {
	files := token.NewFileSet()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	// The compiler reports errors. Here only constants count, which need no imports: those are not resolved.
	lenient := types.Config{IgnoreFuncBodies: true, Error: func(error) {}}
	checked, _ := lenient.Check("names", files, parsed, nil)
	var lines []string
	for _, name := range checked.Scope().Names() {
		if c, ok := checked.Scope().Lookup(name).(*types.Const); ok && c.Exported() {
			value := c.Val().ExactString()
			if c.Val().Kind() == constant.String {
				value = constant.StringVal(c.Val())
			}
			lines = append(lines, fmt.Sprintf("%s %s", name, value))
		}
	}
	if len(lines) < 60 {
		t.Fatalf("only %d constants were seen", len(lines))
	}
	slices.Sort(lines)
	golden.Equal(t, "names.golden", []byte(strings.Join(lines, "\n")+"\n"))
}

// TestObjectsAreStable lists the names of the objects of a bridge, also where a name would be too long or not allowed.
func TestObjectsAreStable(t *testing.T) {
	var out strings.Builder
	for _, bridge := range []string{"my-bridge", "my.bridge", strings.Repeat("b", 60), strings.Repeat("long.", 50) + "er"} {
		fmt.Fprintln(&out, bridge)
		for _, name := range objects(bridge) {
			fmt.Fprintln(&out, "   ", name)
		}
		labels := Labels(KindKafkaBridge, bridge, BridgeDeployment(bridge), ComponentBridge)
		for _, key := range slices.Sorted(keys(labels)) {
			fmt.Fprintf(&out, "    %s=%s\n", key, labels[key])
		}
	}
	golden.Equal(t, "objects.golden", []byte(out.String()))
}

func objects(bridge string) []string {
	return []string{
		BridgeDeployment(bridge), BridgeContainer(bridge), BridgeService(bridge), BridgeConfigMap(bridge), BridgeServiceAccount(bridge),
		SidecarVolume(bridge), KafkaUserLedger(bridge), KafkaUserMirror("shop", bridge),
	}
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

var (
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	value     = regexp.MustCompile(`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`)
)

// FuzzNames: whatever a resource may be called, the names made of it are allowed, and two resources never share one.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a", "my.bridge", strings.Repeat("a", 253), strings.Repeat("a.", 126) + "a", strings.Repeat("a", 55) + "-b", strings.Repeat("a", 47) + "-------b"} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		for _, bridge := range []string{one, other} {
			if len(bridge) > nameLimit || !subdomain.MatchString(bridge) {
				t.Skip("no name of a resource")
			}
		}
		for i, name := range objects(one) {
			form, limit := subdomain, nameLimit
			if i == 1 || i == 2 || i == 5 {
				form, limit = label, labelLimit
			}
			if len(name) > limit || !form.MatchString(name) {
				t.Errorf("%s (%d bytes) is not allowed", name, len(name))
			}
			if one != other && name == objects(other)[i] {
				t.Errorf("%s and %s share %s", one, other, name)
			}
		}
		for key, v := range Labels(KindKafkaBridge, one, BridgeDeployment(one), ComponentBridge) {
			if len(v) > labelLimit || !value.MatchString(v) {
				t.Errorf("%s=%s is not allowed", key, v)
			}
		}
	})
}

// Maps that are handed out belong to whoever asked.
func TestLabelsAreTheCallers(t *testing.T) {
	Labels("K", "c", "n", "t")[LabelKind] = "changed"
	if got := Labels("K", "c", "n", "t")[LabelKind]; got != "K" {
		t.Error(got)
	}
}
