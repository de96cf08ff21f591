package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/node/config"
)

// TestMonitorRecovery: a broker that reads its logs after a crash is said to do that, whatever a look finds, with what is left.
func TestMonitorRecovery(t *testing.T) {
	m := newMonitor(slog.New(slog.DiscardHandler))
	m.event(config.Started, "Kafka is starting")
	for _, step := range []struct {
		line           string
		state          config.BrokerState
		logs, segments int
		more           bool
	}{
		{"[2026-01-01] INFO Starting log manager", config.Starting, 0, 0, true},
		{"INFO Recovering 3 logs from /data since no clean shutdown file was found (kafka.log.LogManager)", config.InRecovery, 3, 0, true},
		{"INFO [LogLoader partition=a-0, dir=/data] Recovering unflushed segment 0. 0/4 recovered for a-0. (kafka.log.LogLoader)", config.InRecovery, 3, 4, true},
		{"INFO [LogLoader partition=a-0, dir=/data] Recovering unflushed segment 9. 1/4 recovered for a-0. (kafka.log.LogLoader)", config.InRecovery, 3, 3, true},
		{"INFO Completed load of Log(dir=/data/a-0, topicId=x) with 4 segments in 12ms (1/3 completed in /data)", config.InRecovery, 2, 0, true},
		{"INFO Loaded 3 logs in 512ms (unclean log dirs = [/data])", config.Starting, 0, 0, false},
	} {
		if more := m.line([]byte(step.line)); more != step.more {
			t.Errorf("%s: more=%t", step.line, more)
		}
		state, missing, _ := m.known()
		if logs, segments := m.remaining(); state.Broker != step.state || logs != step.logs || segments != step.segments {
			t.Errorf("%s: state %d, %d logs, %d segments, %q", step.line, state.Broker, logs, segments, missing)
		}
		if state.Broker == config.InRecovery {
			m.event(config.Unreachable, "nothing listens yet")
			if _, missing, _ := m.known(); missing != "logs are being recovered" {
				t.Errorf("%s: %q", step.line, missing)
			}
		}
	}
	if m.ready() {
		t.Error("ready without having been asked")
	}
}

// counted counts the questions for brokers, of which a fake Kafka refuses all while it is told to.
func counted(kafka *kfake.Cluster, mute *atomic.Bool) *atomic.Int32 {
	n := new(atomic.Int32)
	kafka.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		n.Add(1)
		if mute.Load() {
			return nil, errors.New("the connection is closed"), true
		}
		return nil, nil, false
	})
	return n
}

// TestMonitorAsksSeldom: many who want to know at once are told what one question has found.
func TestMonitorAsksSeldom(t *testing.T) {
	p := newPod(t)
	var mute atomic.Bool
	n := counted(p.broker(), &mute)
	if _, err := p.options.writeStores(""); err != nil {
		t.Fatal(err)
	}
	m := newMonitor(p.options.Log)
	if state, missing := m.look(t.Context()); state.Ready || missing != "Kafka has not been started yet" || n.Load() != 0 {
		t.Errorf("%+v %q", state, missing)
	}
	e := p.brokerEye()
	e.open, e.limit = true, patience
	m.watch(e)
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			if state, missing := m.look(t.Context()); !state.Ready || state.Broker != config.Running {
				t.Errorf("%+v %q", state, missing)
			}
		})
	}
	askers.Wait()
	if got := n.Load(); got != 1 {
		t.Errorf("%d questions", got)
	}
	mute.Store(true)
	m.mu.Lock()
	m.looked = m.began.Add(-lookFresh) // a second later
	m.mu.Unlock()
	if state, missing := m.look(t.Context()); state.Ready || state.Broker != config.Unknown || !strings.Contains(missing, p.address(1)) {
		t.Errorf("a Kafka that does not answer: %+v %q", state, missing)
	}
	m.gone()
	before := n.Load()
	if state, missing := m.look(t.Context()); state.Broker != config.NotRunning || missing != "Kafka has ended" || m.alive() || n.Load() != before {
		t.Errorf("%+v %q alive=%t", state, missing, m.alive())
	}
}

// TestProbeAnswers: what the probes and the operator are told in each state.
func TestProbeAnswers(t *testing.T) {
	for _, c := range []struct {
		name        string
		do          func(m *monitor)
		ready, live string
		agent       string
	}{
		{"not started", func(*monitor) {}, "503 not ready (broker state 0): Kafka has not been started yet", "200 alive", `{"brokerState":0}`},
		{"starting", func(m *monitor) { m.event(config.Started, "Kafka is starting") }, "503 not ready (broker state 1): Kafka is starting", "200 alive", `{"brokerState":1}`},
		{
			"recovering", func(m *monitor) {
				m.event(config.Started, "")
				m.line([]byte("INFO Recovering 2 logs from /data since no clean shutdown file was found"))
			},
			"503 not ready (broker state 2): logs are being recovered", "200 alive",
			`{"brokerState":2,"recoveryState":{"remainingLogsToRecover":2,"remainingSegmentsToRecover":0}}`,
		},
		{"running", func(m *monitor) { m.event(config.Started, ""); m.event(config.Served, "") }, "200 ready", "200 alive", `{"brokerState":3}`},
		{
			"fenced", func(m *monitor) {
				m.event(config.Started, "")
				m.event(config.Served, "")
				m.event(config.Fenced, "the broker is fenced")
			},
			"503 not ready (broker state 3): the broker is fenced", "200 alive", `{"brokerState":3}`,
		},
		{
			"stopping", func(m *monitor) {
				m.event(config.Started, "")
				m.event(config.Served, "")
				m.event(config.StopAsked, "Kafka is stopping")
			},
			"503 not ready (broker state 6): Kafka is stopping", "200 alive", `{"brokerState":6}`,
		},
		{"gone", func(m *monitor) { m.event(config.Started, ""); m.gone() }, "503 not ready (broker state 0): Kafka has ended", "503 Kafka has ended", `{"brokerState":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMonitor(slog.New(slog.DiscardHandler))
			c.do(m)
			for path, want := range map[string]string{"/ready": c.ready, "/live": c.live, "/started": "404 404 page not found"} {
				if got := ask(m.probes(), http.MethodGet, path); got != want {
					t.Errorf("%s: %s", path, got)
				}
			}
			for _, path := range []string{"/v1/broker-state/", "/v1/broker-state/anything"} {
				if got := ask(m.agent(), http.MethodGet, path); got != "200 "+c.agent {
					t.Errorf("%s: %s", path, got)
				}
			}
			if got := ask(m.agent(), http.MethodPost, "/v1/broker-state/"); !strings.HasPrefix(got, "405 ") {
				t.Errorf("POST: %s", got)
			}
		})
	}
}

// ask returns the code and the text of an answer.
func ask(handler http.Handler, method, path string) string {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
}
