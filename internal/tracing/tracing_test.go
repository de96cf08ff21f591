package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	parentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan  = "00f067aa0ba902b7"
	parent      = "00-" + parentTrace + "-" + parentSpan + "-01"
)

// logLines gathers what is logged.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open returns a tracer for the environment and how to end it, after which everything has been sent.
func open(t *testing.T) (*Tracer, *logLines, func()) {
	t.Helper()
	t.Setenv("OTEL_SERVICE_NAME", "till")
	lines := new(logLines)
	tracer, err := New(t.Context(), Options{Version: "1.2.3", Log: slog.New(slog.NewTextHandler(lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end := func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := tracer.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(end)
	return tracer, lines, end
}

func request(traceparent string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/topics/orders?async=false", nil)
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
		r.Header.Set("Tracestate", "vendor=1")
		r.Header.Set("Baggage", "user=7")
	}
	return r
}

// TestASendAndItsPoll follows one record from a traced request into Kafka's headers and out again, over each protocol.
func TestASendAndItsPoll(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		for _, compression := range []string{"none", "gzip"} {
			t.Run(protocol+" "+compression, func(t *testing.T) {
				to := startReceiver(t)
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.server.URL)
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
				t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, other=c")
				t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
				tracer, lines, end := open(t)
				sendAndPoll(t, tracer)
				end()
				checkSend(t, to)
				checkPoll(t, to)
				if to.about["service.name"] != "till" || to.about["service.version"] != "1.2.3" || to.about["deployment.environment.name"] != "test" {
					t.Errorf("resource %v", to.about)
				}
				if h := to.headers[0]; h.Get("Api-Key") != "a b" || h.Get("Other") != "c" {
					t.Errorf("headers %v", h)
				}
				if lines.String() != "" {
					t.Error(lines)
				}
			})
		}
	}
}

func sendAndPoll(t *testing.T, tracer *Tracer) {
	t.Helper()
	q := tracer.Server(request(parent), "send")
	shared := make([]kgo.RecordHeader, 2, 8) // two records that share one array
	shared[0], shared[1] = kgo.RecordHeader{Key: "traceparent", Value: []byte("stale")}, kgo.RecordHeader{Key: "own"}
	recs := []kgo.Record{{Value: []byte("a"), Headers: shared[:2]}, {Value: []byte("b"), Headers: shared[:1]}, {Value: []byte("c")}}
	sends := q.Sending("orders", recs)
	sends.Sent(0, 2, 17, "")
	sends.Sent(1, 0, -1, "TimeoutException")
	sends.Sent(2, 0, 3, "")
	q.End(http.StatusOK, "TimeoutException")

	poll := tracer.Server(request(""), "poll")
	answer := http.Header{}
	poll.Inject(answer)
	if !strings.HasPrefix(answer.Get("Traceparent"), "00-") {
		t.Errorf("the answer has traceparent %q", answer.Get("Traceparent"))
	}
	recs[0].Topic, recs[0].Partition, recs[0].Offset = "orders", 2, 17
	bare := &kgo.Record{Topic: "orders", Partition: 1, Headers: []kgo.RecordHeader{{Key: "traceparent"}, {Key: "baggage"}}}
	poll.Received([]*kgo.Record{&recs[0], bare})
	poll.End(http.StatusNotFound, "not found")
}

// Numbers of the protocol.
const (
	kindServer, kindProducer, kindConsumer = 2, 4, 5
	codeOK, codeError                      = 1, 2
)

func checkSend(t *testing.T, to *receiver) {
	t.Helper()
	servers, producers := to.named("send"), to.named("orders publish")
	if len(servers) != 1 || len(producers) != 3 {
		t.Fatalf("%d spans of sends and %d of their records", len(servers), len(producers))
	}
	s := servers[0]
	plausible(t, s)
	if s.traceID != parentTrace || s.parentID != parentSpan || s.kind != kindServer || s.code != codeOK || s.state != "vendor=1" || s.flags != 0x301 {
		t.Errorf("span %+v is no child of the request's", s)
	}
	for key, want := range map[string]any{
		"server.address": "kafka", "http.request.method": "POST", "url.scheme": "http", "url.path": "/topics/orders", "url.query": "async=false",
		"http.response.status_code": int64(200),
	} {
		if s.attributes[key] != want {
			t.Errorf("%s is %v, want %v", key, s.attributes[key], want)
		}
	}
	for _, p := range producers {
		plausible(t, p)
		if p.traceID != parentTrace || p.parentID != s.spanID || p.kind != kindProducer || p.attributes["messaging.system"] != "kafka" ||
			p.attributes["messaging.destination.name"] != "orders" {
			t.Errorf("span %+v of a record", p)
		}
	}
	if p := producers[0]; p.attributes["messaging.destination.partition.id"] != int64(2) || p.attributes["messaging.kafka.message.offset"] != int64(17) || p.code != 0 {
		t.Errorf("span %+v of a stored record", p)
	}
	if p := producers[1]; p.code != codeError || p.message != "TimeoutException" || p.attributes["error.type"] != "TimeoutException" {
		t.Errorf("span %+v of a failed record", p)
	}
}

func checkPoll(t *testing.T, to *receiver) {
	t.Helper()
	polls, records := to.named("poll"), to.named("orders receive")
	if len(polls) != 1 || len(records) != 2 {
		t.Fatalf("%d spans of polls and %d of their records", len(polls), len(records))
	}
	p := polls[0]
	if p.parentID != "" || p.code != codeError || p.message != "not found" || p.attributes["http.response.status_code"] != int64(404) {
		t.Errorf("span %+v of a failed poll", p)
	}
	origin := [2]string{parentTrace, to.named("orders publish")[0].spanID}
	for i, r := range records {
		plausible(t, r)
		if r.kind != kindConsumer || r.parentID != p.spanID || r.attributes["messaging.destination.name"] != "orders" {
			t.Errorf("span %+v of a record", r)
		}
		if i == 0 && (len(r.links) != 1 || r.links[0] != origin) {
			t.Errorf("links %v, want %v: where the record was sent", r.links, origin)
		}
		if i == 1 && len(r.links) != 0 {
			t.Errorf("a record without a context has links %v", r.links)
		}
	}
}

func TestRecordHeaders(t *testing.T) {
	shared := make([]kgo.RecordHeader, 1, 8)
	shared[0] = kgo.RecordHeader{Key: "traceparent", Value: []byte("stale")}
	a, b := kgo.Record{Headers: shared}, kgo.Record{Headers: shared}
	carrier{&a}.Set("traceparent", "new")
	carrier{&a}.Set("tracestate", "s")
	if got := (carrier{&a}).Get("traceparent"); got != "new" || len(a.Headers) != 2 {
		t.Errorf("headers %v", a.Headers)
	}
	if got := (carrier{&b}).Get("traceparent"); got != "stale" || len(b.Headers) != 1 {
		t.Errorf("another record's headers changed: %v", b.Headers)
	}
	b.Headers = append(b.Headers, kgo.RecordHeader{Key: "traceparent", Value: []byte("later")}, kgo.RecordHeader{Key: "x"})
	c := carrier{&b}
	if c.Get("traceparent") != "later" || c.Get("x") != "" || c.Get("absent") != "" || len(c.Keys()) != 3 {
		t.Errorf("headers %v", b.Headers)
	}
}

func TestUnsampledRequestsCostLittleAndSayso(t *testing.T) {
	to := startReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.server.URL)
	tracer, _, end := open(t)
	q := tracer.Server(request("00-"+parentTrace+"-"+parentSpan+"-00"), "send")
	recs := []kgo.Record{{Topic: "orders"}}
	sends := q.Sending("orders", recs)
	sends.Sent(0, 1, 1, "")
	sends.End("")
	q.Received([]*kgo.Record{&recs[0]})
	q.End(http.StatusOK, "")
	end()
	if got := (carrier{&recs[0]}).Get("traceparent"); !strings.HasPrefix(got, "00-"+parentTrace) || !strings.HasSuffix(got, "-00") {
		t.Errorf("traceparent %q: the decision not to sample has to go on", got)
	}
	if n := to.requests(); n != 0 {
		t.Errorf("%d requests for spans that are not sampled", n)
	}
}

func TestTracingThatIsOffCostsNothing(t *testing.T) {
	var tracer *Tracer
	r := request(parent)
	recs := []kgo.Record{{}}
	n := testing.AllocsPerRun(100, func() {
		q := tracer.Server(r, "send")
		s := q.Sending("orders", recs)
		s.Sent(0, 0, 0, "")
		s.End("")
		q.Received(nil)
		q.Inject(r.Header)
		q.End(200, "")
	})
	if n != 0 || len(recs[0].Headers) != 0 {
		t.Errorf("%v allocations, headers %v", n, recs[0].Headers)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSendsThatNobodyWaitsFor(t *testing.T) {
	to := startReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.server.URL)
	tracer, _, end := open(t)
	q := tracer.Server(request(""), "send")
	q.Sending("orders", make([]kgo.Record, 2)).End("producer memory")
	q.End(http.StatusServiceUnavailable, "producer memory")
	end()
	for _, s := range to.named("orders publish") {
		if s.code != codeError || s.message != "producer memory" {
			t.Errorf("span %+v", s)
		}
	}
	if len(to.named("orders publish")) != 2 {
		t.Errorf("spans %+v", to.spans)
	}
}

func TestRefusedBatchesAreTriedAgain(t *testing.T) {
	for protocol, refusals := range map[string][]int{"grpc": {14, 8}, "http/protobuf": {503, 429}} {
		t.Run(protocol, func(t *testing.T) {
			to := startReceiver(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.server.URL)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			to.refuseNext(refusals...)
			tracer, lines, end := open(t)
			tracer.Server(request(""), "send").End(http.StatusOK, "")
			end()
			if to.requests() != 3 || len(to.named("send")) != 1 {
				t.Errorf("%d requests, %d spans", to.requests(), len(to.named("send")))
			}
			if lines.String() != "" {
				t.Error(lines)
			}
		})
	}
}

func TestLostSpansAreLoggedOnce(t *testing.T) {
	for protocol, refusal := range map[string]int{"grpc": 3, "http/protobuf": 400} {
		t.Run(protocol, func(t *testing.T) {
			to := startReceiver(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.server.URL)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			to.refuseNext(refusal, refusal)
			tracer, lines, end := open(t)
			for range 3 {
				tracer.Server(request(""), "send").End(http.StatusOK, "")
				if err := tracer.provider.ForceFlush(t.Context()); err != nil {
					t.Error(err)
				}
			}
			end()
			if to.requests() != 3 || len(to.named("send")) != 1 {
				t.Errorf("%d requests, %d spans: what is wrong is not tried again", to.requests(), len(to.named("send")))
			}
			text := lines.String()
			if strings.Count(text, "spans are lost") != 1 || strings.Count(text, "spans are taken again") != 1 {
				t.Error(text)
			}
		})
	}
}

func TestAReceiverThatIsAwayHoldsNothingUp(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_SERVICE_NAME", "till")
	lines := new(logLines)
	tracer, err := New(t.Context(), Options{Log: slog.New(slog.NewTextHandler(lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		tracer.Server(request(""), "send").End(http.StatusOK, "")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_ = tracer.Close(ctx) // it can't deliver, and says so or not
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
}
