package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// POST /quitquitquit ends the process as a signal does, and no line of the log is lost by it, however short the time.
func TestQuitLosesNoLine(t *testing.T) {
	const requests = 50
	r := started(t, nil, onFreePorts(kafkatest.Start(t).Bootstrap(), "log.format=json")...)
	for range requests {
		if status, _ := ask(t, http.MethodGet, r.api+"/", "", ""); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	if status, body := ask(t, http.MethodPost, r.manage+"/quitquitquit", "", ""); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	awaited(t, "the end", func() string {
		if strings.Contains(r.out.String(), `"msg":"stopped"`) {
			return "ended"
		}
		return ""
	})
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if n := strings.Count(r.out.String(), `"operation":"info"`); n != requests {
		t.Errorf("%d lines for %d requests", n, requests)
	}
	if !strings.Contains(r.out.String(), `"operation":"quit"`) {
		t.Error("the last request has no line")
	}
}

// Tracing that can't be had is said and goes without; with its variables, spans arrive before the process ends.
func TestTracingOfAProcess(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	without := started(t, nil, onFreePorts(c.Bootstrap(), "bridge.tracing=opentelemetry")...)
	if !strings.Contains(without.out.String(), `level=ERROR msg="tracing is off" error="OTEL_SERVICE_NAME is not set"`) {
		t.Error(without.out.String())
	}
	var taken atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			taken.Add(1)
		}
	}))
	defer receiver.Close()
	t.Setenv("OTEL_SERVICE_NAME", "till")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	with := started(t, nil, onFreePorts(c.Bootstrap(), "bridge.tracing=opentelemetry")...)
	if status, body := ask(t, http.MethodPost, with.api+"/topics/orders", jsonType, `{"records":[{"value":"x"}]}`); status != http.StatusOK {
		t.Error(status, body)
	}
	if code := with.stop(); code != 0 || taken.Load() == 0 {
		t.Errorf("exit %d, %d deliveries", code, taken.Load())
	}
}
