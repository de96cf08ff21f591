package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/steg-kafka/steg/internal/bridge/metrics"
)

const reference = "../../../docs/reference"

func TestThePagesAreCurrent(t *testing.T) {
	for name, page := range map[string]func() ([]byte, error){"metrics.md": page, "operator-metrics.md": operatorPage} {
		if err := run(reference, name, page, true); err != nil {
			t.Error(err)
		}
	}
}

func TestEverySeriesIsOnThePage(t *testing.T) {
	text, err := page()
	if err != nil {
		t.Fatal(err)
	}
	for _, style := range []metrics.Style{metrics.JMX, metrics.Reporter} {
		all, err := families(style)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.kind == "" || f.help == "" {
				t.Errorf("%s has no type or no help", f.name)
			}
			if n := strings.Count(string(text), "| `"+f.name+"` |"); n != 1 {
				t.Errorf("%s is on the page %d times", f.name, n)
			}
		}
	}
}

// recorder is a registry that remembers what it was given.
type recorder struct {
	*prometheus.Registry
	names map[string]bool
}

var fqName = regexp.MustCompile(`fqName: "([^"]+)"`)

func (r *recorder) Register(c prometheus.Collector) error {
	described := make(chan *prometheus.Desc, 10)
	c.Describe(described)
	close(described)
	for d := range described {
		r.names[fqName.FindStringSubmatch(d.String())[1]] = true
	}
	return r.Registry.Register(c)
}

// TestEveryOperatorSeriesIsOnThePage: a metric that is registered and has no sample value would be missing.
func TestEveryOperatorSeriesIsOnThePage(t *testing.T) {
	r := &recorder{Registry: prometheus.NewRegistry(), names: map[string]bool{}}
	for _, register := range operatorSources {
		if err := register(r); err != nil {
			t.Fatal(err)
		}
	}
	text, err := operatorPage()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.names) < 10 {
		t.Fatalf("only %d metrics were seen", len(r.names))
	}
	for name := range r.names {
		if n := strings.Count(string(text), "| `"+name+"` |"); n != 1 {
			t.Errorf("%s is on the page %d times", name, n)
		}
	}
}

func TestAnOutdatedPageIsFound(t *testing.T) {
	for name, page := range map[string]func() ([]byte, error){"metrics": page, "operator": operatorPage} {
		if err := run(".", "main.go", page, true); err == nil || !strings.Contains(err.Error(), "out of date") {
			t.Errorf("another file passed as the %s page: %v", name, err)
		}
	}
}
