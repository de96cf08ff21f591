// Package archtest keeps the import rules of docs/architecture.md true: a package imports only what stands on a lower
// layer, what is pure stays pure, and what is put into other people's pods links no Kubernetes client.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/steg-kafka/steg"

// layer says how high a package stands. A package missing here fails the test: placing it is part of adding it.
var layer = map[string]int{
	"internal/bridge/javaregex": 0, "internal/bridge/openapi": 0, "internal/bridge/ratelimit": 0, "internal/bridge/rawjson": 0,
	"internal/kafka": 0, "internal/logging": 0,

	"internal/bridge/schema": 1, "internal/bridgeconfig": 1,

	"internal/bridge/wire": 2,

	"internal/bridge/records": 3,

	"internal/bridge/brokers": 4,

	"internal/bridge/admin": 5, "internal/bridge/consumers": 5, "internal/bridge/metrics": 5, "internal/bridge/producer": 5,
	"internal/configsource": 5, "internal/credentials": 5, "internal/devbroker": 5, "internal/serve": 5, "internal/tracing": 5,

	"internal/bridge": 6,

	"cmd/steg-bridge": 7,

	"internal/archtest": 9, "internal/golden": 3, "internal/kafkatest": 6, "internal/kafkatest/pki": 5,
	"internal/gen/kafkakeys": 9, "internal/gen/settings": 9, "internal/gen/metrics": 9,
	"test/bench": 9, "test/bridgeproc": 8, "test/conformance": 9, "test/hostile": 9, "test/memory": 9, "test/docs": 9, "test/kafkarig": 8, "test/kafkarig/cmd/kafkarig": 9,
	"test/realkafka": 9, "test/chaos/check": 8, "test/chaos/proxy": 8, "test/chaos": 9, "test/chaos/cmd/chaos": 10,
}

// pureUpTo is the highest layer whose packages take values and return values: no I/O, no clock, no environment.
const pureUpTo = 3

// impure may not be imported directly by a pure package of the product.
var impure = []string{"context", "net/http", "os", "os/exec", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand"}

// excused lists, by package, the impure imports it may have all the same, each with its reason.
var excused = map[string]map[string]string{
	"internal/logging": {"log/slog": "it makes the loggers that others use"},
	"internal/kafka": {
		"context":      "it tells a context's ends from other errors",
		"os":           "it recognises os.ErrDeadlineExceeded",
		"math/rand/v2": "the pause between two attempts is spread, as KIP-144 asks",
	},
	"internal/bridgeconfig": {"log/slog": "levels are of its type"},
	"internal/golden":       {"os": "test support reads and writes golden files"},
}

// forbidden lists, by package, import prefixes that must not appear anywhere among its dependencies.
var forbidden = map[string][]string{
	"cmd/steg-bridge":            {"k8s.io/", "sigs.k8s.io/"},
	"internal/bridge/rawjson":    {"github.com/", "net/"},
	"internal/bridge/javaregex":  {"github.com/twmb/", "net/"},
	"internal/bridge/schema":     {"github.com/twmb/", "net/http"},
	"internal/bridge/wire":       {"github.com/twmb/", "net/http"},
	"internal/bridge/consumers":  {"net/http/"},
	"internal/bridge/producer":   {"net/http/"},
	"internal/bridge/admin":      {"net/http/"},
	"internal/operator":          {module + "/internal/bridge"},
	"internal/bridge":            {module + "/internal/operator", "testing"},
	"internal/bridge/openapi":    {"github.com/"},
	"test/kafkarig/cmd/kafkarig": {"k8s.io/"},
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", "kafka", "-json=ImportPath,Imports,Deps", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, problem := range check(p) {
			t.Error(problem)
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were seen: the rules were not tried", seen)
	}
}

func check(p pkg) (problems []string) {
	name := strings.TrimPrefix(p.ImportPath, module+"/")
	mine, ok := layer[name]
	if !ok {
		problems = append(problems, name+" has no layer")
	}
	for _, imp := range p.Imports {
		rel, ours := strings.CutPrefix(imp, module+"/")
		if theirs := layer[rel]; ours && theirs >= mine {
			problems = append(problems, name+" imports "+rel+", which stands no lower")
		}
		if ok && mine <= pureUpTo && excused[name][imp] == "" && contains(impure, imp) {
			problems = append(problems, name+" is pure but imports "+imp)
		}
	}
	for _, bad := range forbidden[name] {
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, bad) {
				problems = append(problems, name+" depends on "+dep)
			}
		}
	}
	return problems
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestPageHasEveryLayer: the table in docs/architecture.md is this one, as far as the product goes.
func TestPageHasEveryLayer(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[int]string)
	for line := range strings.Lines(string(page)) {
		if len(line) > 3 && strings.HasPrefix(line, "| ") && line[2] >= '0' && line[2] <= '7' {
			rows[int(line[2]-'0')] = line
		}
	}
	for name, n := range layer {
		support := strings.HasPrefix(name, "test/") || strings.HasPrefix(name, "internal/gen/") || strings.HasPrefix(name, "internal/kafkatest") ||
			name == "internal/golden" || name == "internal/archtest"
		if !support && !strings.Contains(rows[n], "`"+strings.TrimPrefix(name, "internal/")+"`") {
			t.Errorf("%s is not in the row of layer %d", name, n)
		}
	}
}

func TestRulesCanFail(t *testing.T) {
	for name, p := range map[string]pkg{
		"no layer":       {ImportPath: module + "/internal/unheard"},
		"upward import":  {ImportPath: module + "/internal/kafka", Imports: []string{module + "/internal/bridge"}},
		"sideways":       {ImportPath: module + "/internal/bridge/admin", Imports: []string{module + "/internal/serve"}},
		"impure":         {ImportPath: module + "/internal/bridge/wire", Imports: []string{"net/http"}},
		"forbidden deep": {ImportPath: module + "/cmd/steg-bridge", Deps: []string{"k8s.io/client-go/rest"}},
	} {
		if len(check(p)) == 0 {
			t.Errorf("%s: nothing was reported", name)
		}
	}
}
