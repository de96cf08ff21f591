package alerts

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"go.yaml.in/yaml/v3"
)

// rule is one alert of the rule file.
type rule struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile("../../deploy/monitoring/prometheus-rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Kind string
		Spec struct {
			Groups []struct{ Rules []rule }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if file.Kind != "PrometheusRule" || len(file.Spec.Groups) != 1 {
		t.Fatalf("kind %q, %d groups", file.Kind, len(file.Spec.Groups))
	}
	return file.Spec.Groups[0].Rules
}

// scenario makes one alert fire, and another set of series that is near it and does not. Series are written as promtool
// writes them, one sample a minute.
type scenario struct {
	fires, quiet string
	labels       string // of the alert, some of them
}

// steady is a counter that grows by n a minute for an hour.
func steady(series string, n float64) string { return fmt.Sprintf("  %s 0+%gx60\n", series, n) }

// level is a gauge that stays for an hour.
func level(series string, v float64) string { return fmt.Sprintf("  %s %g+0x60\n", series, v) }

const at = `namespace="shop",pod="till-0",job="shop/steg-bridge",instance="i"`

// slow is a histogram of which the given part of the observations lies above the bound.
func slow(name string, perMinute, above float64) string {
	return steady(name+`_bucket{`+at+`,le="1.0"}`, perMinute*(1-above)) +
		steady(name+`_bucket{`+at+`,le="2.5"}`, perMinute) + steady(name+`_bucket{`+at+`,le="+Inf"}`, perMinute)
}

func scenarios() map[string]scenario {
	const (
		requests = `strimzi_bridge_http_server_requests_total{` + at + `,method="POST",path="/topics/{topicname}",code=`
		consumer = `{` + at + `,clientId="c",type="t"}`
		year     = 365 * 86400
	)
	return map[string]scenario{
		"StegBridgeDown": {
			fires: level(`up{`+at+`}`, 0), quiet: level(`up{`+at+`}`, 1) + level(`up{job="other"}`, 0), labels: `pod="till-0"`,
		},
		"StegKafkaUnreachable": {fires: level(`steg_kafka_reachable{`+at+`}`, 0), quiet: level(`steg_kafka_reachable{`+at+`}`, 1), labels: `pod="till-0"`},
		"StegRequestsFail": {
			fires:  steady(requests+`"200"}`, 900) + steady(requests+`"500"}`, 60) + steady(requests+`"503"}`, 40),
			quiet:  steady(requests+`"200"}`, 900) + steady(requests+`"500"}`, 20) + steady(requests+`"404"}`, 500),
			labels: `namespace="shop",pod="till-0"`,
		},
		"StegClientErrors": {
			fires: steady(requests+`"404"}`, 400) + steady(requests+`"422"}`, 400), quiet: steady(requests+`"404"}`, 500) + steady(requests+`"500"}`, 900),
			labels: `pod="till-0"`,
		},
		"StegRequestsRefused": {
			fires:  steady(`steg_refused_requests_total{`+at+`,reason="body memory"}`, 60),
			quiet:  steady(`steg_refused_requests_total{`+at+`,reason="body memory"}`, 1),
			labels: `reason="body memory"`,
		},
		"StegProduceSlow": {
			fires: slow("steg_produce_duration_seconds", 6000, 0.05), quiet: slow("steg_produce_duration_seconds", 6000, 0.001), labels: `pod="till-0"`,
		},
		"StegProducerLatency": {
			fires: level("strimzi_bridge_kafka_producer_request_latency_avg"+consumer, 11), quiet: level("strimzi_bridge_kafka_producer_request_latency_avg"+consumer, 9),
			labels: `clientId="c"`,
		},
		"StegFetchLatency": {
			fires: level("strimzi_bridge_kafka_consumer_fetch_latency_avg"+consumer, 501), quiet: level("strimzi_bridge_kafka_consumer_fetch_latency_avg"+consumer, 499),
			labels: `clientId="c"`,
		},
		"StegCommitLatency": {
			fires: level("strimzi_bridge_kafka_consumer_commit_latency_avg"+consumer, 201), quiet: level("strimzi_bridge_kafka_consumer_commit_latency_avg"+consumer, 199),
			labels: `clientId="c"`,
		},
		"StegProducerNearlyFull": {
			fires:  level(`steg_producer_inflight_bytes{`+at+`}`, 90) + level(`steg_producer_inflight_limit_bytes{`+at+`}`, 100),
			quiet:  level(`steg_producer_inflight_bytes{`+at+`}`, 70) + level(`steg_producer_inflight_limit_bytes{`+at+`}`, 100),
			labels: `pod="till-0"`,
		},
		"StegRecordsLost": {
			fires: steady(`steg_producer_failed_records_total{`+at+`}`, 1), quiet: level(`steg_producer_failed_records_total{`+at+`}`, 17), labels: `pod="till-0"`,
		},
		"StegConsumersLag": {
			fires:  level(`steg_consumer_lag_records{`+at+`,group="g"}`, 6000) + level(`steg_consumer_lag_records{namespace="shop",pod="till-1",group="g"}`, 6000),
			quiet:  level(`steg_consumer_lag_records{`+at+`,group="g"}`, 6000) + level(`steg_consumer_lag_records{namespace="shop",pod="till-1",group="h"}`, 6000),
			labels: `group="g"`,
		},
		"StegConsumersRebalance": {
			fires:  steady(`steg_consumer_rebalance_duration_seconds_count{`+at+`}`, 2),
			quiet:  steady(`steg_consumer_rebalance_duration_seconds_count{`+at+`}`, 0.5),
			labels: `pod="till-0"`,
		},
		"StegConsumerWithoutHeartbeat": {
			fires: level("strimzi_bridge_kafka_consumer_last_heartbeat_seconds_ago"+consumer, 90) +
				level("strimzi_bridge_kafka_consumer_assigned_partitions"+consumer, 3),
			quiet: level("strimzi_bridge_kafka_consumer_last_heartbeat_seconds_ago"+consumer, 90) +
				level("strimzi_bridge_kafka_consumer_assigned_partitions"+consumer, 0),
			labels: `clientId="c"`,
		},
		"StegCertificateEnds": {
			fires:  level(`steg_certificate_expiry_timestamp_seconds{`+at+`,use="http"}`, 5*86400),
			quiet:  level(`steg_certificate_expiry_timestamp_seconds{`+at+`,use="http"}`, year),
			labels: `use="http"`,
		},
		"StegMemoryNearLimit": {
			fires:  level(`process_resident_memory_bytes{`+at+`}`, 98) + level(`jvm_memory_max_bytes{`+at+`,area="heap",id="Go heap"}`, 100),
			quiet:  level(`process_resident_memory_bytes{`+at+`}`, 98) + level(`jvm_memory_max_bytes{`+at+`,area="heap",id="Go heap"}`, -1),
			labels: `pod="till-0"`,
		},
		"StegFilesRunOut": {
			fires:  level(`process_files_open_files{`+at+`}`, 900) + level(`process_files_max_files{`+at+`}`, 1000),
			quiet:  level(`process_files_open_files{`+at+`}`, 100) + level(`process_files_max_files{`+at+`}`, 1000),
			labels: `pod="till-0"`,
		},
	}
}

func TestEachAlertFiresAndKeepsQuiet(t *testing.T) {
	cases := scenarios()
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 100_000)
	for _, r := range rules(t) {
		c, ok := cases[r.Alert]
		if !ok {
			t.Errorf("%s has no case", r.Alert)
			continue
		}
		delete(cases, r.Alert)
		t.Run(r.Alert, func(t *testing.T) {
			firing := fire(t, engine, r, c.fires)
			if len(firing) != 1 {
				t.Fatalf("%d alerts fire: %v", len(firing), firing)
			}
			if all := firing[0].String(); !strings.Contains(all, c.labels) && !hasAll(firing[0], c.labels) {
				t.Errorf("labels %s, want %s", all, c.labels)
			}
			if firing := fire(t, engine, r, c.quiet); len(firing) != 0 {
				t.Errorf("it fires without a cause: %v", firing)
			}
		})
	}
	for name := range cases {
		t.Errorf("there is no alert %s", name)
	}
}

func hasAll(l labels.Labels, list string) bool {
	for pair := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(pair, "=")
		if l.Get(name) != strings.Trim(value, `"`) {
			return false
		}
	}
	return true
}

// fire evaluates a rule as Prometheus does, once a minute: an alert fires when its expression has held at each evaluation
// for the time that the rule asks for. It returns the labels of what fires an hour after the series' begin.
func fire(t *testing.T, engine *promql.Engine, r rule, series string) []labels.Labels {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n"+series)
	defer func() { _ = storage.Close() }()
	hold := time.Duration(0)
	if r.For != "" {
		var err error
		if hold, err = time.ParseDuration(r.For); err != nil {
			t.Fatal(err)
		}
	}
	end := time.Unix(0, 0).Add(time.Hour)
	query, err := engine.NewRangeQuery(t.Context(), storage, nil, r.Expr, end.Add(-hold), end, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatal(err)
	}
	var firing []labels.Labels
	for _, s := range matrix {
		if len(s.Floats) == int(hold/time.Minute)+1 {
			firing = append(firing, s.Metric.DropReserved(func(name string) bool { return name == "__name__" }))
		}
	}
	return firing
}

func TestAlertsAreExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if !strings.Contains(string(text), "\n### "+r.Alert+"\n") {
			t.Errorf("docs/operations.md has no section %s", r.Alert)
		}
		if want := "docs/operations.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s: runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
		}
		if r.Labels["severity"] != "critical" && r.Labels["severity"] != "warning" || r.Annotations["summary"] == "" {
			t.Errorf("%s: labels %v, summary %q", r.Alert, r.Labels, r.Annotations["summary"])
		}
	}
}

// known returns the series of the bridge and their labels, from the page that is generated from the program.
func known(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	series := map[string][]string{"up": nil}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		var names []string
		for name := range strings.SplitSeq(m[3], ",") {
			names = append(names, strings.TrimSpace(name))
		}
		switch m[2] {
		case "histogram":
			series[m[1]+"_bucket"] = append(names, "le")
			series[m[1]+"_sum"], series[m[1]+"_count"] = names, names
		case "summary":
			series[m[1]+"_sum"], series[m[1]+"_count"] = names, names
		default:
			series[m[1]] = names
		}
	}
	if len(series) < 50 {
		t.Fatalf("only %d series were found", len(series))
	}
	return series
}

// checkSeries holds an expression's series, and the labels that it selects by, against those of the bridge; Prometheus
// itself adds those of the scrape.
func checkSeries(t *testing.T, series map[string][]string, where, expr string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v\n%s", where, err, expr)
		return
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		have, ok := series[selector.Name]
		if !ok {
			t.Errorf("%s: there is no series %s", where, selector.Name)
		}
		allowed := " __name__ namespace pod job instance " + strings.Join(have, " ") + " "
		for _, m := range selector.LabelMatchers {
			if !strings.Contains(allowed, " "+m.Name+" ") {
				t.Errorf("%s: %s has no label %s", where, selector.Name, m.Name)
			}
		}
		return nil
	})
}

func TestAlertsUseSeriesThatExist(t *testing.T) {
	series := known(t)
	for _, r := range rules(t) {
		checkSeries(t, series, r.Alert, r.Expr)
	}
}
