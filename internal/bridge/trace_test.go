package bridge

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/tracing"
)

// TestTracesThroughKafka: the context of a request reaches the record, and a poll makes spans, also of records whose
// headers have no value, which the reference bridge hangs on.
func TestTracesThroughKafka(t *testing.T) {
	var taken atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, name := range []string{"send", "orders publish", "poll", "orders receive"} {
			if strings.Contains(string(body), name) {
				taken.Add(1)
			}
		}
	}))
	defer receiver.Close()
	t.Setenv("OTEL_SERVICE_NAME", "till")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	tracer, err := tracing.New(t.Context(), tracing.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	r := watchBridge(t, c.Bootstrap(), nil, func(o *Options) { o.Tracer = tracer })
	c.Produce(&kgo.Record{Topic: "orders", Value: []byte(`"native"`), Headers: []kgo.RecordHeader{{Key: "traceparent"}, {Key: "baggage"}}})
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	r.send("orders", "Traceparent: 00-"+trace+"-00f067aa0ba902b7-01")
	r.expect(http.StatusNoContent, http.MethodPost, r.api+"/topics/orders?async=true", `{"records":[{"value":"v"}]}`, jsonMedia)
	at := r.reader("readers", "one", "orders")
	var got string
	for range 3 {
		status, header, text := r.request(http.MethodGet, at+"/records?timeout=5000", "", jsonPoll)
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Traceparent"), "00-") {
			t.Fatalf("%d, traceparent %q: %s", status, header.Get("Traceparent"), text)
		}
		got += text
		if strings.Count(got, `"offset"`) == 3 {
			break
		}
	}
	found := false
	for _, rec := range c.Read("orders", 3) {
		for _, h := range rec.Headers {
			found = found || h.Key == "traceparent" && strings.HasPrefix(string(h.Value), "00-"+trace+"-")
		}
	}
	if !found {
		t.Errorf("no record carries the request's trace: %s", got)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if taken.Load() < 4 {
		t.Errorf("%d of the four kinds of spans arrived", taken.Load())
	}
}
