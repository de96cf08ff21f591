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
	"internal/bridge/openapi": 0, "internal/bridge/ratelimit": 0, "internal/bridge/rawjson": 0,
	"internal/javaregex": 0, "internal/kafka": 0, "internal/logging": 0, "internal/properties": 0,

	"api/v1": 0, "internal/operator/names": 0, "internal/operator/window": 0,

	"internal/node/config": 1, "internal/bridge/schema": 1, "internal/bridgeconfig": 1, "internal/origins": 1,
	"api/core/v1": 1, "api/v1beta2": 1, "api/v1beta1": 1, "api/v1alpha1": 1, "internal/operator/pki": 1, "internal/operator/kafkaconf": 1,

	"internal/bridge/wire": 2,
	"api/core/v1beta2":     2, "internal/operator/model": 2,

	"internal/operator/cluster": 3,

	"internal/bridge/records":  4,
	"internal/operator/inject": 4, "internal/operator/render": 4, "internal/operator/roll": 4, "internal/operator/status": 4,
	"internal/operator/topic": 4, "internal/operator/user": 4,

	"internal/bridge/brokers": 5, "internal/socket": 5,

	"internal/bridge/admin": 6, "internal/bridge/consumers": 6, "internal/bridge/metrics": 6, "internal/bridge/producer": 6,
	"internal/configsource": 6, "internal/credentials": 6, "internal/devbroker": 6, "internal/http1": 6, "internal/tracing": 6,
	"internal/operator/apply": 6, "internal/operator/kafkaadmin": 6, "internal/node": 6, "internal/resident": 6,

	"internal/bridge": 7, "internal/serve": 7, "internal/operator/controller": 7, "internal/operator/webhook": 7,

	"cmd/steg-bridge": 8, "cmd/steg-operator": 8, "cmd/steg-node": 8,

	"internal/archtest": 10, "internal/golden": 4, "internal/kafkatest": 7, "internal/kafkatest/pki": 6,
	"internal/gen/kafkakeys": 10, "internal/gen/settings": 10, "internal/gen/metrics": 10, "internal/gen/crds": 10, "internal/gen/chart": 10, "internal/gen/kafkaconf": 10,
	"api": 10, "internal/podsecurity": 5, "test/e2e": 10, "test/envtest": 10, "test/chart": 10,
	"test/bench": 10, "test/bridgeproc": 9, "test/conformance": 10, "test/hostile": 10, "test/memory": 10, "test/docs": 10, "test/kafkarig": 9, "test/kafkarig/cmd/kafkarig": 10,
	"test/realkafka": 10, "test/chaos/check": 9, "test/chaos/proxy": 9, "test/chaos": 10, "test/chaos/cmd/chaos": 11,
}

// pureUpTo is the highest layer whose packages take values and return values: no I/O, no clock, no environment.
const pureUpTo = 4

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
	"cmd/steg-node":              {"k8s.io/", "sigs.k8s.io/"},
	"internal/bridge/rawjson":    {"github.com/", "net/"},
	"internal/javaregex":         {"github.com/twmb/", "net/"},
	"internal/origins":           {"github.com/twmb/", "net/"},
	"internal/bridge/schema":     {"github.com/twmb/", "net/http"},
	"internal/bridge/wire":       {"github.com/twmb/", "net/http"},
	"internal/bridge/consumers":  {"net/http/"},
	"internal/bridge/producer":   {"net/http/"},
	"internal/bridge/admin":      {"net/http/"},
	"internal/bridge":            {"testing"},
	"internal/bridge/openapi":    {"github.com/"},
	"internal/http1":             {"github.com/twmb/", "github.com/prometheus/", module + "/internal/bridge", module + "/internal/kafka"},
	"internal/socket":            {"github.com/"},
	"test/kafkarig/cmd/kafkarig": {"k8s.io/"},
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", "kafka,envtest,helm,e2e", "-json=ImportPath,Imports,Deps", module+"/...").Output()
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
	for _, bad := range forbiddenIn(name) {
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, bad) {
				problems = append(problems, name+" depends on "+dep)
			}
		}
	}
	return problems
}

// forbiddenIn returns the prefixes for a package: its own, and those of the halves of the product, which know nothing of
// each other.
func forbiddenIn(name string) []string {
	bad := forbidden[name]
	if strings.HasPrefix(name, "internal/operator/") {
		bad = append(bad, module+"/internal/bridge/")
	}
	if strings.HasPrefix(name, "internal/bridge/") || name == "internal/bridge" {
		bad = append(bad, module+"/internal/operator/", module+"/api/")
	}
	return bad
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
		if len(line) > 3 && strings.HasPrefix(line, "| ") && line[2] >= '0' && line[2] <= '8' {
			rows[int(line[2]-'0')] = line
		}
	}
	for name, n := range layer {
		support := strings.HasPrefix(name, "test/") || strings.HasPrefix(name, "internal/gen/") || strings.HasPrefix(name, "internal/kafkatest") ||
			name == "internal/golden" || name == "internal/archtest" || name == "internal/podsecurity" || name == "api"
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
		"halves":         {ImportPath: module + "/internal/operator/apply", Deps: []string{module + "/internal/bridge/wire"}},
		"forbidden deep": {ImportPath: module + "/cmd/steg-bridge", Deps: []string{"k8s.io/client-go/rest"}},
	} {
		if len(check(p)) == 0 {
			t.Errorf("%s: nothing was reported", name)
		}
	}
}
