package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
)

// endpoints is what the operator answers to the kubelet and to Prometheus, on the paths of the reference operator: /healthy,
// /ready and /metrics.
type endpoints struct {
	address  string
	log      *slog.Logger
	registry *prometheus.Registry // for metrics of ours
	checks   []healthz.Checker    // all must pass for /ready
}

func newEndpoints(address string, log *slog.Logger) *endpoints {
	return &endpoints{address: address, log: log, registry: prometheus.NewRegistry()}
}

// require adds a condition for /ready.
func (e *endpoints) require(check healthz.Checker) { e.checks = append(e.checks, check) }

// add binds the address at once, so that one that is taken ends the start, and serves while the manager runs.
func (e *endpoints) add(mgr manager.Manager) error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", e.address)
	if err != nil {
		return fmt.Errorf("--http-address: %w", err)
	}
	e.log.Info("listening", "address", listener.Addr().String())
	e.require(func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return errors.New("the cache is not filled yet")
		}
		return nil
	})
	stop := stopTimeout
	return mgr.Add(&manager.Server{
		Name:            "endpoints",
		Listener:        listener,
		ShutdownTimeout: &stop,
		Server: &http.Server{
			Handler: e.handler(),
			// The kubelet and Prometheus send no bodies and small headers, and read what they asked for.
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelWarn),
		},
	})
}

func (e *endpoints) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /ready", e.ready)
	all := prometheus.Gatherers{crmetrics.Registry, e.registry}
	mux.Handle("GET /metrics", promhttp.HandlerFor(all, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 20 * time.Second}))
	return mux
}

// ready answers 204, or 503 with what is missing.
func (e *endpoints) ready(w http.ResponseWriter, r *http.Request) {
	var missing []error
	for _, check := range e.checks {
		missing = append(missing, check(r))
	}
	if err := errors.Join(missing...); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
