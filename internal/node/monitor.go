package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
)

// monitor knows what the node is doing. It asks the Kafka process when somebody wants to know, once a second at most, and
// by itself only until the node is ready for the first time: at rest it costs nothing. It is safe for concurrent use.
type monitor struct {
	log     *slog.Logger
	began   time.Time
	looking sync.Mutex // held while the eye is in use
	eye     *eye       // nil until Kafka is to be started

	mu       sync.Mutex
	state    config.State
	recovery config.Recovery
	missing  string    // what keeps the node from being ready, in words
	looked   time.Time // when the process was asked last
	ended    bool      // the node is about to go: nothing is alive any more
}

func newMonitor(log *slog.Logger) *monitor {
	return &monitor{log: log, began: time.Now(), missing: "Kafka has not been started yet"}
}

// event notes what has happened.
func (m *monitor) event(e config.Event, missing string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.state
	m.state = was.After(e)
	if m.state.Broker == config.InRecovery {
		missing = "logs are being recovered" // whatever else a look has found
	}
	m.missing = missing
	if m.state.Ready != was.Ready {
		m.log.Info("readiness", "ready", m.state.Ready, "state", int(m.state.Broker), "missing", missing, "after", time.Since(m.began).Round(time.Millisecond))
	}
}

// line reads a line of Kafka's log, and wants no more when all logs are loaded.
func (m *monitor) line(text []byte) (more bool) {
	m.mu.Lock()
	active := m.recovery.Active()
	m.recovery.Line(string(text))
	now, finished := m.recovery.Active(), m.recovery.Finished()
	m.mu.Unlock()
	switch {
	case now && !active:
		m.event(config.RecoveryBegan, "")
	case active && !now:
		m.event(config.RecoveryEnded, "logs have been recovered")
	}
	return !finished
}

// watch lets the monitor ask a Kafka process that has been started.
func (m *monitor) watch(e *eye) {
	m.looking.Lock()
	m.eye = e
	m.looking.Unlock()
	m.event(config.Started, "Kafka is starting")
}

// gone notes the end of the process and closes the connections to it.
func (m *monitor) gone() {
	m.looking.Lock()
	if m.eye != nil {
		m.eye.close()
	}
	m.looking.Unlock()
	m.event(config.Exited, "Kafka has ended")
	m.mu.Lock()
	m.ended = true
	m.mu.Unlock()
}

// untilReady asks until the node is ready for the first time, or ctx ends.
func (m *monitor) untilReady(ctx context.Context) {
	for {
		if state, _ := m.look(ctx); state.Ready {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookPause):
		}
	}
}

// look returns the state as the process shows it now, and in words what is missing.
func (m *monitor) look(ctx context.Context) (config.State, string) {
	m.looking.Lock()
	defer m.looking.Unlock()
	state, missing, fresh := m.known()
	if fresh || m.eye == nil || state.Broker == config.NotRunning || state.Broker == config.ControlledShutdown {
		return state, missing
	}
	e, found := m.eye.look(ctx)
	m.event(e, found)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looked = time.Now()
	return m.state, m.missing
}

// known returns the state without asking, and whether it was asked for a moment ago.
func (m *monitor) known() (state config.State, missing string, fresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.missing, time.Since(m.looked) < lookFresh
}

// alive reports whether the node is on its way up, running or on its way down.
func (m *monitor) alive() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.ended
}

// remaining is what is left of the recovery of logs.
func (m *monitor) remaining() (logs, segments int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recovery.Remaining()
}

// ready is the state without asking.
func (m *monitor) ready() bool {
	state, _, _ := m.known()
	return state.Ready
}
