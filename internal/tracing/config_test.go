package tracing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "http://localhost:4317" + grpcPath},
		{map[string]string{"PROTOCOL": "http/protobuf"}, "http://localhost:4318/v1/traces"},
		{map[string]string{"PROTOCOL": "http/protobuf", "ENDPOINT": "https://c:1/base/"}, "https://c:1/base/v1/traces"},
		{map[string]string{"TRACES_PROTOCOL": "http/protobuf", "TRACES_ENDPOINT": "https://c:1/exact"}, "https://c:1/exact"},
		{map[string]string{"TRACES_PROTOCOL": "http/protobuf", "TRACES_ENDPOINT": "http://c:1"}, "http://c:1/"},
		{map[string]string{"ENDPOINT": "http://c:1", "TRACES_ENDPOINT": "http://d:2"}, "http://d:2" + grpcPath},
		{map[string]string{"ENDPOINT": "c:1"}, "https://c:1" + grpcPath},
		{map[string]string{"ENDPOINT": "c:1", "INSECURE": "true"}, "http://c:1" + grpcPath},
	} {
		t.Run(c.want, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv("OTEL_EXPORTER_OTLP_"+k, v)
			}
			got, err := readConfig()
			if err != nil || got.url != c.want {
				t.Errorf("%v: %s, %v; want %s", c.env, got.url, err, c.want)
			}
		})
	}
}

func TestTimeoutAndHeaders(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1500")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1,,b=%2C ")
	c, err := readConfig()
	if err != nil || c.timeout != 1500*time.Millisecond || c.headers.Get("a") != "1" || c.headers.Get("b") != "," {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestVariablesThatCannotBeUnderstood(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, value, says string }{
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"},
		{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://x", "ftp://x"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", empty, "no certificate"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere", "/nowhere"},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere", "OTEL_EXPORTER_OTLP_CLIENT_KEY"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "secret", "name=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "secret=%zz", "name=value"},
		{"OTEL_PROPAGATORS", "b3", "tracecontext"},
		{"OTEL_TRACES_EXPORTER", "zipkin", "otlp"},
		{"OTEL_SERVICE_NAME", "", "OTEL_SERVICE_NAME"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			t.Setenv("OTEL_SERVICE_NAME", "till")
			t.Setenv(c.name, c.value)
			_, err := New(t.Context(), Options{})
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSwitchedOff(t *testing.T) {
	for name, value := range map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_SERVICE_NAME", "till")
			t.Setenv(name, value)
			tracer, err := New(t.Context(), Options{})
			if tracer != nil || err != nil {
				t.Errorf("%v, %v", tracer, err)
			}
		})
	}
}
