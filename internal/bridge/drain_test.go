package bridge

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
)

// rig is a Server in front of an in-process cluster, with its API on a listener.
type rig struct {
	*testing.T
	server *Server
	url    string
}

func newRig(t *testing.T, cluster *kafkatest.Cluster) *rig {
	t.Helper()
	config := func(role kafka.Role, overrides map[string]string) kafka.Config {
		properties := map[string]string{"bootstrap.servers": cluster.Bootstrap()}
		maps.Copy(properties, overrides)
		c, _ := kafka.Interpret(role, properties)
		return c
	}
	log := slog.New(slog.DiscardHandler)
	topics, err := admin.New(config(kafka.Admin, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(topics.Close)
	registry := consumers.New(consumers.Settings{
		Logger: log, Now: time.Now, JoinWait: testPatience, Transport: func() []kgo.Opt { return nil },
		Configure: func(overrides map[string]string) (kafka.Config, error) { return config(kafka.Consumer, overrides), nil },
	})
	cfg, _, err := bridgeconfig.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{
		Config: cfg, Limits: cfg.Limits(0), Log: log, Admin: topics, Consumers: registry,
		Producer: func() (*producer.Producer, error) {
			return producer.New(config(kafka.Producer, nil), nil, producer.Options{InflightBytes: 1 << 20, Logger: log})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr := listening(t, s.API(), s.ConnContext, s.ConnState)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testPatience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &rig{T: t, server: s, url: "http://" + addr}
}

// answer is a status and a body.
type answer struct {
	status int
	body   string
}

// ask sends one request and returns its answer; media is the content type of a POST, the accepted one of a GET.
func (r *rig) ask(method, path, media, body string) answer {
	request, err := http.NewRequestWithContext(r.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.Error(err)
		return answer{}
	}
	request.Header.Set(map[bool]string{true: "Accept", false: "Content-Type"}[method == http.MethodGet], media)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Error(err)
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.Error(err)
	}
	return answer{response.StatusCode, string(text)}
}

func (r *rig) must(status int, method, path, media, body string) {
	r.Helper()
	if got := r.ask(method, path, media, body); got.status != status {
		r.Fatalf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
}

// until waits for a condition that nothing announces.
func (r *rig) until(what string, holds func() bool) {
	r.Helper()
	for deadline := time.Now().Add(testPatience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("%s: not within %v", what, testPatience)
		}
	}
}

const instance = "/consumers/g/instances/c"

// TestStopAnswersWaitingPolls: a poll that waits when the bridge stops is answered like one whose time is over. Its
// records, had there been any, wait for who polls next.
func TestStopAnswersWaitingPolls(t *testing.T) {
	cluster := kafkatest.Start(t)
	cluster.CreateTopic("t", 1)
	r := newRig(t, cluster)
	r.must(200, "POST", "/consumers/g", wire.MediaV2, `{"name":"c","format":"json"}`)
	r.must(204, "POST", instance+"/assignments", wire.MediaV2, `{"partitions":[{"topic":"t","partition":0}]}`)
	for query, want := range map[string]answer{
		"":             {200, "[]"},
		"&max_bytes=1": {422, string(wire.TooManyBytes().Append(nil))},
	} {
		waiting := make(chan answer, 1)
		go func() { waiting <- r.ask("GET", instance+"/records?timeout=60000"+query, wire.MediaJSON, "") }()
		if r.server.polls.Err() == nil {
			r.until("the poll waits", func() bool { return r.server.consumers.Snapshot()[0].Busy })
			r.server.EndPolls()
		}
		select {
		case got := <-waiting:
			if got != want {
				t.Errorf("%q: answered %v, want %v", query, got, want)
			}
		case <-time.After(testPatience):
			t.Fatalf("%q: the poll was not ended", query)
		}
	}
}

// TestStopAnswersWaitingSends: a send that waits for a partition to appear is answered when the producer is closed.
func TestStopAnswersWaitingSends(t *testing.T) {
	cluster := kafkatest.Start(t)
	cluster.CreateTopic("t", 1)
	r := newRig(t, cluster)
	waiting := make(chan answer, 1)
	go func() {
		waiting <- r.ask("POST", "/topics/t/partitions/7", wire.MediaJSON, `{"records":[{"value":"v"}]}`)
	}()
	r.until("the send waits", func() bool {
		p := r.server.producer.shared.Load()
		return p != nil && p.Stats().Topics > 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	if err := r.server.Close(ctx); err != nil {
		t.Error(err)
	}
	select {
	case got := <-waiting:
		if got.status != 200 || !strings.Contains(got.body, `"error_code":500`) {
			t.Errorf("answered %v", got)
		}
	case <-time.After(testPatience):
		t.Fatal("the send was not answered")
	}
}

// TestHalfClosedClientGetsItsTopics: a client that has closed its sending side still wants its answer.
func TestHalfClosedClientGetsItsTopics(t *testing.T) {
	r := newRig(t, kafkatest.Start(t))
	conn := request(t, strings.TrimPrefix(r.url, "http://"), "1.1", "/topics")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(testPatience))
	if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200 ") {
		t.Errorf("answered %q, %v", text, err)
	}
}
