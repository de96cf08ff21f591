package alerts

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// dashboard is what Grafana needs to import one (schema version 39), as far as it can go wrong.
type dashboard struct {
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

type panel struct {
	ID          int
	Type, Title string
	Datasource  struct{ UID string }
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct{ RefID, Expr, LegendFormat string }
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("../../deploy/monitoring/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboardImports(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) < 30 {
		t.Errorf("dashboard %q %q, schema version %d, %d panels", d.UID, d.Title, d.SchemaVersion, len(d.Panels))
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || p.ID <= 0 || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d has the id %d and the title %q, which are not its own", i, p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if g := p.GridPos; g.W <= 0 || g.H <= 0 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s lies at %+v", p.Title, g)
		}
		for _, q := range d.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, q.Title)
			}
		}
		switch p.Type {
		case "row":
		case "timeseries", "stat":
			checkPanel(t, p)
		default:
			t.Errorf("%s is a %s", p.Title, p.Type)
		}
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	if p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "" {
		t.Errorf("%s: datasource %q, %d targets, unit %q", p.Title, p.Datasource.UID, len(p.Targets), p.FieldConfig.Defaults.Unit)
	}
	steps := p.FieldConfig.Defaults.Thresholds.Steps
	if len(steps) == 0 || steps[0].Value != nil {
		t.Errorf("%s: the first threshold has to be open below", p.Title)
	}
	var refs []string
	for _, target := range p.Targets {
		if slices.Contains(refs, target.RefID) || target.LegendFormat == "" {
			t.Errorf("%s: target %q, legend %q", p.Title, target.RefID, target.LegendFormat)
		}
		refs = append(refs, target.RefID)
	}
}

var legend = regexp.MustCompile(`\{\{([a-zA-Z]+)\}\}`)

func TestDashboardUsesSeriesThatExist(t *testing.T) {
	series := known(t)
	seen := 0
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			seen++
			expr := strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*", "$pod", ".*").Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s uses a variable that there is not: %s", p.Title, expr)
			}
			checkSeries(t, series, p.Title, expr)
			for _, m := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !strings.Contains(expr, "by (") || !strings.Contains(expr, m[1]) {
					t.Errorf("%s: the legend names %s, which %s does not keep", p.Title, m[1], expr)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d expressions were seen", seen)
	}
}

func TestDashboardVariables(t *testing.T) {
	series := known(t)
	var names []string
	for _, v := range readDashboard(t).Templating.List {
		names = append(names, v.Name)
		if v.Type != "query" {
			continue
		}
		m := regexp.MustCompile(`^label_values\(([a-z_]+)(\{.*\})?, [a-z]+\)$`).FindStringSubmatch(v.Definition)
		if m == nil {
			t.Errorf("%s: %s", v.Name, v.Definition)
			continue
		}
		if _, ok := series[m[1]]; !ok {
			t.Errorf("%s: there is no series %s", v.Name, m[1])
		}
	}
	if got := strings.Join(names, " "); got != "datasource namespace pod" {
		t.Errorf("variables %s", got)
	}
}

func TestPodMonitor(t *testing.T) {
	text, err := os.ReadFile("../../deploy/monitoring/pod-monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct{ Name string }
		Spec       struct {
			Selector            map[string]any
			PodMetricsEndpoints []struct{ Port, Path string } `yaml:"podMetricsEndpoints"`
		}
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.APIVersion != "monitoring.coreos.com/v1" || m.Kind != "PodMonitor" || len(m.Spec.PodMetricsEndpoints) != 1 || m.Spec.PodMetricsEndpoints[0].Path != "/metrics" {
		t.Errorf("%+v", m)
	}
	// The alerts know the bridges by the job, which Prometheus' operator makes of namespace and name.
	if !strings.HasSuffix("monitoring/"+m.Metadata.Name, "steg-bridge") {
		t.Errorf("the alerts would not find the job of %s", m.Metadata.Name)
	}
}
