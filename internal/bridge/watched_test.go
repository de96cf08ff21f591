package bridge

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/metrics"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/logging"
)

// watchedRig is a Server with all that looks at it: both listeners, log, metrics and hooks.
type watchedRig struct {
	*testing.T
	server     *Server
	api        string
	management string
	logs       *logging.Log
	quits      chan struct{}
	out        *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// watchBridge starts a Server in front of the brokers; settings are the bridge's and, behind kafka., the clients'.
func watchBridge(t *testing.T, bootstrap string, settings map[string]string, change ...func(*Options)) *watchedRig {
	t.Helper()
	all := map[string]string{
		"kafka.bootstrap.servers": bootstrap, "kafka.request.timeout.ms": "2000", "kafka.default.api.timeout.ms": "3000",
		"kafka.producer.delivery.timeout.ms": "3000", "kafka.producer.max.block.ms": "1000", "kafka.consumer.auto.offset.reset": "earliest",
		"bridge.metrics": "jmxPrometheusExporter",
	}
	maps.Copy(all, settings)
	cfg, _, err := bridgeconfig.Parse([]bridgeconfig.Layer{{Origin: "test", Values: all}})
	if err != nil {
		t.Fatal(err)
	}
	r := &watchedRig{T: t, quits: make(chan struct{}, 9), out: new(syncBuffer)}
	r.logs, err = logging.Open(logging.Options{Writer: r.out, Level: cfg.Log.Level, Format: logging.JSON, Operations: cfg.Log.Operations})
	if err != nil {
		t.Fatal(err)
	}
	o := r.options(cfg)
	for _, c := range change {
		c(&o)
	}
	if r.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.server.SetReady(true)
	r.api = "http://" + listening(t, r.server.API(), r.server.ConnContext, r.server.ConnState)
	r.management = "http://" + listening(t, r.server.Management(), nil, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testPatience)
		defer cancel()
		r.server.EndPolls()
		if err := r.server.Close(ctx); err != nil {
			t.Error(err)
		}
		o.Admin.Close()
	})
	return r
}

func (r *watchedRig) options(cfg bridgeconfig.Config) Options {
	counted, err := metrics.New(metrics.Options{PoolSize: 4, QueueSize: 1000, Now: time.Now})
	if err != nil {
		r.Fatal(err)
	}
	reach := new(Reach)
	config := func(role kafka.Role, overrides map[string]string) kafka.Config {
		properties := cfg.ClientProperties(role)
		maps.Copy(properties, overrides)
		c, _ := kafka.Interpret(role, properties)
		return c
	}
	hooks := func(kind metrics.Kind) []kgo.Opt {
		return []kgo.Opt{kgo.WithHooks(reach, counted.Client(kind))}
	}
	topics, err := admin.New(config(kafka.Admin, nil), hooks(metrics.Admin))
	if err != nil {
		r.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return Options{
		Config: cfg, Limits: cfg.Limits(0), Version: "1.2.3", Log: r.logs.Logger, Logs: r.logs, Admin: topics, Kafka: reach, Metrics: counted,
		Quit:         func() { r.quits <- struct{}{} },
		Certificates: func() []metrics.Certificate { return []metrics.Certificate{{Use: "http", NotAfter: time.Unix(2e9, 0)}} },
		Producer: func() (*producer.Producer, error) {
			return producer.New(config(kafka.Producer, nil), hooks(metrics.Producer), producer.Options{InflightBytes: 1 << 20, Logger: log})
		},
		Consumers: consumers.New(consumers.Settings{
			Logger: log, Now: time.Now, JoinWait: testPatience, Transport: func() []kgo.Opt { return hooks(metrics.Consumer) },
			Joined:    counted.Steg.Joined,
			Configure: func(overrides map[string]string) (kafka.Config, error) { return config(kafka.Consumer, overrides), nil },
		}),
	}
}

// request is one exchange; header lines are written as name: value.
func (r *watchedRig) request(method, url, body string, header ...string) (int, http.Header, string) {
	r.Helper()
	q, err := http.NewRequestWithContext(r.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// expect is request with a wanted status; it returns the body.
func (r *watchedRig) expect(status int, method, url, body string, header ...string) string {
	r.Helper()
	got, _, text := r.request(method, url, body, header...)
	if got != status {
		r.Fatalf("%s %s: %d %s, want %d", method, url, got, text, status)
	}
	return text
}

const (
	jsonMedia = "Content-Type: application/vnd.kafka.json.v2+json"
	v2Media   = "Content-Type: application/vnd.kafka.v2+json"
	jsonPoll  = "Accept: application/vnd.kafka.json.v2+json"
)

// send produces one record.
func (r *watchedRig) send(topic string, header ...string) {
	r.Helper()
	r.expect(http.StatusOK, http.MethodPost, r.api+"/topics/"+topic, `{"records":[{"key":"k","value":{"a":1}}]}`, append(header, jsonMedia)...)
}

// reader creates a subscribed consumer and returns its address.
func (r *watchedRig) reader(group, name, topic string) string {
	r.Helper()
	r.expect(http.StatusOK, http.MethodPost, r.api+"/consumers/"+group, `{"name":"`+name+`","format":"json"}`, v2Media)
	at := r.api + "/consumers/" + group + "/instances/" + name
	r.expect(http.StatusNoContent, http.MethodPost, at+"/subscription", `{"topics":["`+topic+`"]}`, v2Media)
	return at
}
