package bridge

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/metrics"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/logging"
)

// lines returns the request lines of the log.
func (r *watchedRig) lines() []map[string]any {
	r.Helper()
	r.logs.Flush()
	var out []map[string]any
	for _, text := range strings.Split(strings.TrimSpace(r.out.String()), "\n") {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			r.Fatalf("%q: %v", text, err)
		}
		if line["msg"] == "request" {
			out = append(out, line)
		}
	}
	return out
}

func TestOneLinePerRequest(t *testing.T) {
	r := watchBridge(t, kafkatest.Start(t, kafkatest.Topic("orders", 1)).Bootstrap(), nil)
	r.send("orders", "X-Request-Id: mine-7")
	r.send("orders", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	r.send("orders", "X-Request-Id: two words")
	r.expect(http.StatusNotFound, http.MethodGet, r.api+"/top/secret?password=1", "")
	r.expect(http.StatusNotFound, http.MethodGet, r.api+"/topics/secret-topic", "")
	r.expect(http.StatusBadRequest, http.MethodPost, r.api+"/topics/orders", `{"secret":1}`, jsonMedia)
	r.expect(http.StatusOK, http.MethodGet, r.management+"/healthy", "")
	r.expect(http.StatusNotImplemented, http.MethodGet, r.management+"/topics", "")

	want := []struct {
		operation, path, failure string
		status                   float64
	}{
		{"send", "/topics/{topicname}", "", 200},
		{"send", "/topics/{topicname}", "", 200},
		{"send", "/topics/{topicname}", "", 200},
		{"unrouted", "none", "not found", 404},
		{"getTopic", "/topics/{topicname}", "not found", 404},
		{"send", "/topics/{topicname}", "bad request", 400},
		{"listTopics", "/topics", "not implemented", 501},
	}
	got := r.lines()
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		l := got[i]
		failure, _ := l["error"].(string)
		if l["operation"] != w.operation || l["path"] != w.path || l["status"] != w.status || failure != w.failure || l["level"] != "INFO" {
			t.Errorf("line %d is %v, want %v", i, l, w)
		}
	}
	if got[0]["id"] != "mine-7" || got[1]["id"] != "4bf92f3577b34da6a3ce929d0e0e4736" || len(got[2]["id"].(string)) != 16 {
		t.Errorf("ids %v, %v, %v", got[0]["id"], got[1]["id"], got[2]["id"])
	}
	if got[0]["bytes_in"] != 41.0 || got[0]["bytes_out"].(float64) < 30 || got[0]["duration_ms"].(float64) <= 0 {
		t.Errorf("sizes of %v", got[0])
	}
	if strings.Contains(r.out.String(), "secret") {
		t.Error("the log has what the client sent")
	}
}

func TestFailuresOfKafkaAreNamed(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", nil)
	text := r.expect(http.StatusOK, http.MethodPost, r.api+"/topics/orders", `{"records":[{"value":"v"}]}`, jsonMedia)
	if !strings.Contains(text, `"error_code":404`) {
		t.Fatal(text)
	}
	r.expect(http.StatusInternalServerError, http.MethodGet, r.api+"/topics", "")
	lines := r.lines()
	if lines[0]["error"] != "TimeoutException" || lines[0]["status"] != 200.0 {
		t.Errorf("a record that failed: %v", lines[0])
	}
	if lines[1]["error"] != "TimeoutException" {
		t.Errorf("a failed question: %v", lines[1])
	}
	if !strings.Contains(r.out.String(), `"msg":"request failed","id":"`+lines[1]["id"].(string)+`"`) {
		t.Error("the warning does not have the request's id")
	}
}

func TestRequestID(t *testing.T) {
	header := func(name, value string) http.Header {
		h := http.Header{}
		h.Set(name, value)
		return h
	}
	long := strings.Repeat("x", maxID)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, c := range []struct {
		h    http.Header
		want string // empty: generated
	}{
		{header("X-Request-Id", "a"), "a"},
		{header("X-Request-Id", long), long},
		{header("X-Request-Id", long+"x"), ""},
		{header("X-Request-Id", "a b"), ""},
		{header("X-Request-Id", "a\x7f"), ""},
		{header("X-Request-Id", "ä"), ""},
		{header("X-Request-Id", ""), ""},
		{header("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01"), trace},
		{header("Traceparent", "00-"+strings.ToUpper(trace)+"-00f067aa0ba902b7-01"), ""},
		{header("Traceparent", "00-"+trace[1:]+"-00f067aa0ba902b7-01"), ""},
		{header("Traceparent", trace), ""},
		{http.Header{}, ""},
	} {
		got := identify(c.h)
		if c.want == "" && len(got) == 16 && isHex(got) {
			continue
		}
		if got != c.want {
			t.Errorf("%v gives %q, want %q", c.h, got, c.want)
		}
	}
	first := identify(http.Header{})
	if again := identify(http.Header{}); again == first {
		t.Error("two requests have one name")
	}
}

func FuzzRequestID(f *testing.F) {
	f.Add("id", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, id, parent string) {
		got := identify(http.Header{"X-Request-Id": {id}, "Traceparent": {parent}})
		if !printable(got) {
			t.Errorf("%q is not fit for a log", got)
		}
	})
}

func TestLevelsOfOperations(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", map[string]string{"log.level": "warn", "log.level.operations": "info=info"})
	r.expect(http.StatusOK, http.MethodGet, r.api+"/openapi", "")
	r.expect(http.StatusOK, http.MethodGet, r.api+"/", "")
	if lines := r.lines(); len(lines) != 1 || lines[0]["operation"] != "info" {
		t.Errorf("lines %v, want that of info alone", lines)
	}
}

func TestLevelOfAnUnknownOperation(t *testing.T) {
	cfg, _, err := bridgeconfig.Parse([]bridgeconfig.Layer{{Values: map[string]string{"log.level.operations": "sned=debug"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), `"sned"`) {
		t.Errorf("%v", err)
	}
}

func (r *watchedRig) metrics() string {
	r.Helper()
	return r.expect(http.StatusOK, http.MethodGet, r.management+"/metrics", "")
}

func TestMetricsOfABridgeInUse(t *testing.T) {
	r := watchBridge(t, kafkatest.Start(t, kafkatest.Topic("orders", 1)).Bootstrap(), map[string]string{"http.max.body.bytes": "1000"})
	r.send("orders")
	at := r.reader("readers", "one", "orders")
	r.expect(http.StatusOK, http.MethodGet, at+"/records?timeout=5000", "", jsonPoll)
	r.expect(http.StatusRequestEntityTooLarge, http.MethodPost, r.api+"/topics/orders", strings.Repeat("x", 1001), jsonMedia)
	r.expect(http.StatusNotFound, http.MethodGet, r.api+"/nowhere/4711", "")
	r.metrics()
	got := r.metrics()
	for _, sample := range []string{
		`strimzi_bridge_http_server_requests_total{code="200",method="POST",path="/topics/{topicname}"} 1.0`,
		`strimzi_bridge_http_server_requests_total{code="404",method="GET",path="none"} 1.0`,
		`strimzi_bridge_http_server_active_requests 1.0`,
		`strimzi_bridge_kafka_consumer_records_consumed_total{clientId="one",topic="orders",type="consumer-fetch-manager-metrics"} 1.0`,
		`strimzi_bridge_kafka_consumer_assigned_partitions{clientId="one",type="consumer-coordinator-metrics"} 1.0`,
		`steg_refused_requests_total{reason="body size"} 1.0`,
		`steg_consumers{state="subscribed"} 1.0`,
		`steg_consumer_join_duration_seconds_count 1.0`,
		`steg_produce_duration_seconds_count 1.0`,
		`steg_kafka_reachable 1.0`,
		`steg_consumer_lag_records{group="readers"} 0.0`,
		`steg_certificate_expiry_timestamp_seconds{use="http"} 2000000000.0`,
	} {
		if !strings.Contains(got, sample+"\n") {
			t.Errorf("%s is missing", sample)
		}
	}
	for _, never := range []string{"4711", `path="/metrics"`} {
		if strings.Contains(got, never) {
			t.Errorf("%s is there", never)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestSwitchedOffIsNoLimit(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", map[string]string{"http.producer.enabled": "false"})
	r.expect(http.StatusServiceUnavailable, http.MethodPost, r.api+"/topics/orders", `{"records":[{"value":"v"}]}`, jsonMedia)
	if lines := r.lines(); lines[0]["error"] != switchedOff {
		t.Errorf("%v", lines)
	}
	if strings.Contains(r.metrics(), "steg_refused_requests_total") {
		t.Error("a setting was counted as a limit")
	}
}

// observed is a request as it stands when its handler is done.
func observed(s *Server) *call {
	c := &call{w: httptest.NewRecorder(), r: httptest.NewRequest(http.MethodPost, "/topics/orders", strings.NewReader("{}"))}
	for _, op := range operations() {
		if op.id == "send" {
			c.op = &op
		}
	}
	c.status, c.bytes = http.StatusOK, 100
	return c
}

// BenchmarkObserve is what counting and logging cost a request together, its ID included.
func BenchmarkObserve(b *testing.B) {
	logs, err := logging.Open(logging.Options{Writer: io.Discard, Level: "info", Format: logging.JSON})
	if err != nil {
		b.Fatal(err)
	}
	counted, err := metrics.New(metrics.Options{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	for name, level := range map[string]slog.Level{"counted and logged": slog.LevelInfo, "counted": slog.LevelWarn} {
		b.Run(name, func(b *testing.B) {
			logs.SetLevel(level)
			s := &Server{logs: logs, counted: counted, watches: newWatches(logs, counted)}
			c := observed(s)
			b.ReportAllocs()
			for b.Loop() {
				c.ident = ""
				s.begin(c)
				s.observe(c)
			}
		})
	}
}
