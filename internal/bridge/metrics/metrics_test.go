package metrics

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func newMetrics(t *testing.T, style Style) *Metrics {
	t.Helper()
	m, err := New(Options{Style: style, PoolSize: 4, QueueSize: 1000, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(t *testing.T, m *Metrics) string {
	t.Helper()
	b, err := m.AppendText(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHTTPSeries(t *testing.T) {
	m := newMetrics(t, JMX)
	m.HTTP.Connection(1)
	m.HTTP.Begin()
	m.HTTP.Endpoint("POST", "/topics/{topicname}").End(200, 120, 40, 250*time.Millisecond)
	m.HTTP.Begin()
	m.HTTP.Endpoint("POST", "/topics/{topicname}").End(400, 3_000_000, 60, time.Millisecond)
	m.Executor.Begin()
	m.Executor.End()
	got := text(t, m)
	for _, want := range []string{
		"# HELP strimzi_bridge_http_server_requests_total ",
		"# TYPE strimzi_bridge_http_server_requests_total counter",
		`strimzi_bridge_http_server_requests_total{code="200",method="POST",path="/topics/{topicname}"} 1.0`,
		`strimzi_bridge_http_server_errors_total{method="POST",path="/topics/{topicname}"} 1.0`,
		`strimzi_bridge_http_server_response_time_seconds_sum{code="200",method="POST",path="/topics/{topicname}"} 0.25`,
		"strimzi_bridge_http_server_bytes_read_total 3000120.0",
		"strimzi_bridge_http_server_bytes_written_total 100.0",
		"strimzi_bridge_http_server_active_requests 0.0",
		"strimzi_bridge_http_server_active_connections 1.0",
		`executor_completed_tasks_total{name="kafka-bridge"} 1.0`,
		`executor_pool_size_threads{name="kafka-bridge"} 4.0`,
		`jvm_memory_used_bytes{area="heap",id="Go heap"} `,
		"jvm_gc_pause_seconds_count{",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// Values have digits and a point: the reference's scrapers were never given an exponent.
func TestValuesHaveNoExponent(t *testing.T) {
	m := newMetrics(t, JMX)
	m.HTTP.Begin()
	m.HTTP.Endpoint("GET", "/").End(200, 1<<60, 1, time.Nanosecond)
	line := regexp.MustCompile(`^[a-z0-9_:]+(\{[^}]*\}|\{.*"\})? -?\d+\.\d+$`)
	for _, l := range strings.Split(strings.TrimSpace(text(t, m)), "\n") {
		if !strings.HasPrefix(l, "#") && !line.MatchString(l) {
			t.Errorf("line %q", l)
		}
	}
}

func TestLabelsAreEscaped(t *testing.T) {
	m := newMetrics(t, JMX)
	m.HTTP.Begin()
	m.HTTP.Endpoint("GET", "a\"b\\c\nd").End(200, 0, 0, 0)
	if want := `path="a\"b\\c\nd"`; !strings.Contains(text(t, m), want) {
		t.Errorf("missing %s", want)
	}
}

func TestKafkaSeriesOfBothStyles(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for style, want := range map[Style][]string{
		JMX: {
			`strimzi_bridge_kafka_producer_record_send_total{clientId="till",type="producer-metrics"} 1.0`,
			`strimzi_bridge_kafka_producer_record_send_total{clientId="till",topic="orders",type="producer-topic-metrics"} 1.0`,
			"# TYPE strimzi_bridge_kafka_producer_record_send_total counter",
			`strimzi_bridge_kafka_producer_count{clientId="till",type="kafka-metrics-count"} `,
			`strimzi_bridge_kafka_producer_connection_count{clientId="till",type="producer-metrics"} `,
			`strimzi_bridge_kafka_producer_request_latency_avg{clientId="till",type="producer-metrics"} `,
		},
		Reporter: {
			`kafka_producer_producer_metrics_record_send{client_id="till"} 1.0`,
			"# TYPE kafka_producer_producer_metrics_record_send gauge",
			`kafka_producer_kafka_metrics_count_count{client_id="till"} `,
		},
	} {
		m := newMetrics(t, style)
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ClientID("till"), kgo.WithHooks(m.Client(Producer)))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("lamp")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		m.Sent("orders", 1)
		got := text(t, m)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("style %d: missing %q", style, w)
			}
		}
		client.Close()
		if strings.Contains(text(t, m), "till") {
			t.Errorf("style %d: a closed client is still reported", style)
		}
	}
}

func TestWindowForgets(t *testing.T) {
	var w window
	at := time.Unix(1000, 0)
	average := func(after time.Duration) float64 { return w.tally(at.Add(after)).average() }
	w.add(at, 10*time.Millisecond)
	w.add(at.Add(time.Second), 30*time.Millisecond)
	if got := average(2 * time.Second); got != 20 {
		t.Errorf("average %v ms, want 20", got)
	}
	if got := average(windowLength + time.Second); got != 20 {
		t.Errorf("the window before still counts: %v", got)
	}
	if got := average(3 * windowLength); got != 0 {
		t.Errorf("average %v after the windows have passed", got)
	}
}
