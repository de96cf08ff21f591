package metrics

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// full returns metrics in which every series there is has a value.
func full(t testing.TB, style Style) *Metrics {
	t.Helper()
	m, err := New(Options{Style: style, PoolSize: 4, QueueSize: 1000, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	Fill(m)
	return m
}

func TestPublishedNames(t *testing.T) {
	got := text(t, full(t, JMX))
	for _, name := range []string{
		"strimzi_bridge_http_server_requests_total", "strimzi_bridge_http_server_active_connections", "strimzi_bridge_http_server_active_requests",
		"strimzi_bridge_http_server_bytes_read_total", "strimzi_bridge_http_server_bytes_written_total", "jvm_memory_used_bytes",
		"jvm_gc_pause_seconds_count", "jvm_gc_pause_seconds_sum",
		"strimzi_bridge_kafka_producer_count", "strimzi_bridge_kafka_producer_connection_count", "strimzi_bridge_kafka_producer_request_latency_avg",
		"strimzi_bridge_kafka_producer_byte_total", "strimzi_bridge_kafka_producer_record_send_total",
		"strimzi_bridge_kafka_consumer_connection_count", "strimzi_bridge_kafka_consumer_assigned_partitions", "strimzi_bridge_kafka_consumer_commit_total",
		"strimzi_bridge_kafka_consumer_commit_latency_avg", "strimzi_bridge_kafka_consumer_fetch_latency_avg", "strimzi_bridge_kafka_consumer_fetch_rate",
		"strimzi_bridge_kafka_consumer_last_heartbeat_seconds_ago", "strimzi_bridge_kafka_consumer_poll_idle_ratio_avg",
		"strimzi_bridge_kafka_consumer_records_consumed_total", "strimzi_bridge_kafka_consumer_bytes_consumed_total",
		"executor_active_threads", "executor_queued_tasks", "executor_queue_remaining_tasks", "executor_pool_size_threads", "executor_pool_core_threads",
		"executor_pool_max_threads", "executor_completed_tasks_total", "executor_seconds_count", "executor_seconds_sum", "executor_seconds_max",
		"executor_idle_seconds_count", "executor_idle_seconds_sum", "executor_rejected_tasks_total",
	} {
		if !regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(got) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestReporterNames(t *testing.T) {
	got := text(t, full(t, Reporter))
	for _, sample := range []string{
		`kafka_producer_producer_metrics_record_send{client_id="till"} 7.0`,
		`kafka_producer_producer_topic_metrics_record_send{client_id="till",topic="orders"} 7.0`,
		`kafka_consumer_consumer_metrics_poll_idle_ratio_avg{client_id="reader"} 0.5`,
		`kafka_consumer_consumer_coordinator_metrics_assigned_partitions{client_id="reader"} 3.0`,
		`kafka_consumer_consumer_fetch_manager_metrics_records_consumed{client_id="reader"} 5.0`,
		`kafka_admin_client_admin_client_metrics_connection_count{client_id="boss"} 1.0`,
	} {
		if !strings.Contains(got, sample+"\n") {
			t.Errorf("%s is missing", sample)
		}
	}
	if strings.Contains(got, "# TYPE kafka_producer_producer_metrics_record_send counter") {
		t.Error("the reporter's series are all gauges")
	}
}

// Consumers of two groups may have the same name; a series that exists twice would fail the whole scrape.
func TestClientsOfOneNameAreAddedUp(t *testing.T) {
	m := full(t, JMX)
	state := func(group string) ConsumerState {
		return ConsumerState{
			Group: group, ClientID: "twin", Mode: "subscribed", Partitions: 2, PollIdleRatio: 0.25,
			Consumed: map[string]Volume{"orders": {Records: 4, Bytes: 40}},
		}
	}
	m.Steg.Watch(Sources{Consumers: func() []ConsumerState { return []ConsumerState{state("a"), state("b")} }})
	for range 2 {
		c := m.Client(Consumer)
		open(t, c, "twin")
	}
	got := text(t, m)
	for _, sample := range []string{
		`strimzi_bridge_kafka_consumer_assigned_partitions{clientId="twin",type="consumer-coordinator-metrics"} 4.0`,
		`strimzi_bridge_kafka_consumer_records_consumed_total{clientId="twin",topic="orders",type="consumer-fetch-manager-metrics"} 8.0`,
		`strimzi_bridge_kafka_consumer_poll_idle_ratio_avg{clientId="twin",type="consumer-metrics"} 0.25`,
		`strimzi_bridge_kafka_consumer_connection_count{clientId="twin",type="consumer-metrics"} 2.0`,
	} {
		if !strings.Contains(got, sample+"\n") {
			t.Errorf("%s is missing", sample)
		}
	}
}

// open makes a client report as if it had connected.
func open(t testing.TB, c *Client, id string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.ClientID(id), kgo.WithHooks(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, nil)
}

func TestOwnSeries(t *testing.T) {
	got := text(t, full(t, JMX))
	for _, sample := range []string{
		`steg_refused_requests_total{reason="body size"} 1.0`,
		`steg_consumers{state="subscribed"} 1.0`,
		`steg_consumers{state="created"} 0.0`,
		`steg_consumer_lag_records{group="readers"} 11.0`,
		`steg_kafka_connections{client="producer"} 1.0`,
		`steg_kafka_reachable 1.0`,
		`steg_certificate_expiry_timestamp_seconds{use="http"} 2000000000.0`,
		`steg_produce_duration_seconds_bucket{le="0.005"} 1.0`,
		`steg_produce_duration_seconds_bucket{le="+Inf"} 1.0`,
		`steg_produce_duration_seconds_sum 0.003`,
		`steg_consumer_join_duration_seconds_count 1.0`,
		`steg_producer_inflight_bytes 100.0`,
		`steg_request_body_limit_bytes 1000.0`,
		`steg_build_info{version="1.2.3"} 1.0`,
	} {
		if !strings.Contains(got, sample+"\n") {
			t.Errorf("%s is missing", sample)
		}
	}
}

func TestOwnNamesPassPromlint(t *testing.T) {
	lines := strings.SplitAfter(text(t, full(t, JMX)), "\n")
	own := slices.DeleteFunc(lines, func(l string) bool {
		l = strings.TrimPrefix(strings.TrimPrefix(l, "# HELP "), "# TYPE ")
		return !strings.HasPrefix(l, "steg_")
	})
	if len(own) < 50 {
		t.Fatalf("only %d lines of our own", len(own))
	}
	problems, err := promlint.New(strings.NewReader(strings.Join(own, ""))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestNothingIsAskedOfWhomThereIsNone(t *testing.T) {
	m := newMetrics(t, JMX)
	m.Steg.Watch(Sources{Version: "1", Producer: func() (ProducerState, bool) { return ProducerState{}, false }})
	if got := text(t, m); strings.Contains(got, "steg_producer") || strings.Contains(got, "steg_consumers") {
		t.Error("series without a source")
	}
}

func TestHistogramBuckets(t *testing.T) {
	h := newHistogram([]time.Duration{10, 20})
	if h.any() {
		t.Error("nothing was observed")
	}
	for _, d := range []time.Duration{0, 10, 11, 20, 21, 1000} {
		h.Observe(d)
	}
	got := []uint64{h.counts[0].Load(), h.counts[1].Load(), h.counts[2].Load()}
	if !slices.Equal(got, []uint64{2, 2, 2}) || h.sum.Load() != 1062 {
		t.Errorf("counts %v, sum %d", got, h.sum.Load())
	}
}

func TestFailedRequestsDoNotCount(t *testing.T) {
	m := newMetrics(t, JMX)
	c := m.Client(Producer)
	open(t, c, "till")
	c.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.Fetch), kgo.BrokerE2E{ReadErr: net.ErrClosed})
	if m.Steg.fetch.any() {
		t.Error("a broken request was timed")
	}
	c.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, net.ErrClosed)
	if n := c.connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := full(b, JMX)
	e := m.HTTP.Endpoint("POST", "/topics/{topicname}")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.HTTP.Begin()
			m.Executor.Begin()
			m.Steg.Produce.Observe(3 * time.Millisecond)
			m.Executor.End()
			e.End(200, 100, 50, 4*time.Millisecond)
		}
	})
}

func BenchmarkScrape(b *testing.B) {
	m := full(b, JMX)
	for n := range 20 {
		m.HTTP.Endpoint("GET", fmt.Sprint(n)).End(200, 0, 0, time.Millisecond)
	}
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.AppendText(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := full(t, JMX)
	e := m.HTTP.Endpoint("POST", "/topics/{topicname}")
	n := testing.AllocsPerRun(100, func() {
		m.HTTP.Begin()
		e.End(200, 100, 50, time.Millisecond)
		m.Steg.Refuse("body size")
		m.Sent("orders", 100)
		m.Steg.Produce.Observe(time.Second)
	})
	if n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}
