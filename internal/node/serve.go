package node

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
)

// Bounds of the node's own servers: probes and an operator that asks now and then.
const (
	requestTimeout = 5 * time.Second
	idleTimeout    = 30 * time.Second
	maxHeader      = 8 << 10
)

// serve answers requests on a listener until it is closed.
func serve(l net.Listener, handler http.Handler, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler: handler, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // of handshakes that fail
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("a server of the node has ended", "address", l.Addr().String(), "error", err)
		}
	}()
	return server
}

// listenSocket opens the socket of the probes, in place of the one that a former life of the container has left.
func (o Options) listenSocket(ctx context.Context) (net.Listener, error) {
	path := o.path(SocketFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w (/run/steg must be a writable volume)", err)
	}
	return l, os.Chmod(path, 0o600)
}

// probes answers on the socket: 200 for a yes, 503 for a no, and one line that says why.
func (m *monitor) probes() http.Handler {
	answer := func(w http.ResponseWriter, yes bool, text string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if !yes {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, text+"\n")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		state, missing := m.look(r.Context())
		if state.Ready {
			answer(w, true, "ready")
			return
		}
		answer(w, false, fmt.Sprintf("not ready (broker state %d): %s", state.Broker, missing))
	})
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) {
		if m.alive() {
			answer(w, true, "alive")
			return
		}
		answer(w, false, "Kafka has ended")
	})
	return mux
}

// brokerState is the answer of the reference operator's agent. The counters are there during recovery only.
type brokerState struct {
	State    config.BrokerState `json:"brokerState"`
	Recovery *recoveryState     `json:"recoveryState,omitempty"`
}

type recoveryState struct {
	Logs     int `json:"remainingLogsToRecover"`
	Segments int `json:"remainingSegmentsToRecover"`
}

// agent answers the operator as the agent in the reference operator's images does.
func (m *monitor) agent() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/broker-state/", func(w http.ResponseWriter, r *http.Request) {
		state, _ := m.look(r.Context())
		answer := brokerState{State: state.Broker}
		if state.Broker == config.InRecovery {
			answer.Recovery = new(recoveryState)
			answer.Recovery.Logs, answer.Recovery.Segments = m.remaining()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}

// serveTLS is serve with certificates of clients required.
func serveTLS(l net.Listener, handler http.Handler, settings *tls.Config, log *slog.Logger) *http.Server {
	return serve(tls.NewListener(l, settings), handler, log)
}
