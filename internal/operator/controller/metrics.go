package controller

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// Metrics counts what the controllers do. The names beginning with strimzi_ are the reference operator's, with its labels, so
// that its dashboards and alerts go on working.
type Metrics struct {
	reconciliations *prometheus.CounterVec
	periodical      *prometheus.CounterVec
	successful      *prometheus.CounterVec
	failed          *prometheus.CounterVec
	locked          *prometheus.CounterVec
	duration        *prometheus.SummaryVec
	resources       *prometheus.GaugeVec
	paused          *prometheus.GaugeVec

	stale   *prometheus.GaugeVec
	without *prometheus.GaugeVec
	evicted prometheus.Counter

	mu   sync.Mutex
	seen map[client.ObjectKey]bool // the KafkaBridges there are, and whether each is paused
}

// NewMetrics registers the metrics. It fails if others of the same names are there.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	common := []string{"kind", "namespace", "selector"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "strimzi_" + name, Help: help}, common)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		reconciliations: counter("reconciliations_total", "Passes over a resource."),
		periodical:      counter("reconciliations_periodical_total", "Passes that only the time set off."),
		successful:      counter("reconciliations_successful_total", "Passes that got through."),
		failed:          counter("reconciliations_failed_total", "Passes that did not get through."),
		locked:          counter("reconciliations_locked_total", "Passes that found another one at work: always 0, since they are queued."),
		duration: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "strimzi_reconciliations_duration_seconds", Help: "Time that passes took.",
		}, common),
		resources: gauge("strimzi_resources", "Resources there are.", common...),
		paused:    gauge("strimzi_resources_paused", "Resources that are not to be touched.", common...),
		stale:     gauge("steg_pods_stale", "Pods whose sidecar runs with settings that their KafkaBridge had before.", "namespace", "bridge"),
		without:   gauge("steg_pods_without_sidecar", "Pods that ask for a sidecar and run without.", "namespace"),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "steg_pods_evicted_total", Help: "Pods that were evicted since they ran without the sidecar that they ask for.",
		}),
		seen: make(map[client.ObjectKey]bool),
	}
	for _, c := range []prometheus.Collector{
		m.reconciliations, m.periodical, m.successful, m.failed, m.locked, m.duration, m.resources, m.paused, m.stale, m.without, m.evicted,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// begin counts a pass.
func (m *Metrics) begin(key client.ObjectKey, periodical bool) {
	m.reconciliations.WithLabelValues(names.KindKafkaBridge, key.Namespace, "").Inc()
	m.locked.WithLabelValues(names.KindKafkaBridge, key.Namespace, "") // there from the first pass on, at 0
	byTime := m.periodical.WithLabelValues(names.KindKafkaBridge, key.Namespace, "")
	if periodical {
		byTime.Inc()
	}
}

// end counts how a pass ended.
func (m *Metrics) end(key client.ObjectKey, took time.Duration, failed bool) {
	m.duration.WithLabelValues(names.KindKafkaBridge, key.Namespace, "").Observe(took.Seconds())
	good := m.successful.WithLabelValues(names.KindKafkaBridge, key.Namespace, "")
	bad := m.failed.WithLabelValues(names.KindKafkaBridge, key.Namespace, "")
	if failed {
		bad.Inc()
		return
	}
	good.Inc()
}

// present notes that a KafkaBridge is there.
func (m *Metrics) present(key client.ObjectKey, paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[key] = paused
	m.tally(key.Namespace)
}

// gone forgets a KafkaBridge.
func (m *Metrics) gone(key client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, key)
	m.tally(key.Namespace)
	m.stale.DeleteLabelValues(key.Namespace, key.Name)
}

// tally sets the gauges of a namespace; m.mu is held.
func (m *Metrics) tally(namespace string) {
	var all, paused float64
	for key, isPaused := range m.seen {
		if key.Namespace != namespace {
			continue
		}
		all++
		if isPaused {
			paused++
		}
	}
	m.resources.WithLabelValues(names.KindKafkaBridge, namespace, "").Set(all)
	m.paused.WithLabelValues(names.KindKafkaBridge, namespace, "").Set(paused)
}

// staleness sets the number of stale pods of a KafkaBridge.
func (m *Metrics) staleness(key client.ObjectKey, pods int) {
	m.stale.WithLabelValues(key.Namespace, key.Name).Set(float64(pods))
}

// withoutSidecar sets the numbers of pods without a sidecar, by namespace; those of others are dropped.
func (m *Metrics) withoutSidecar(byNamespace map[string]int) {
	m.without.Reset()
	for namespace, pods := range byNamespace {
		m.without.WithLabelValues(namespace).Set(float64(pods))
	}
}
