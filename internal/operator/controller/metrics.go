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
	longest         *peaks
	resources       *prometheus.GaugeVec
	paused          *prometheus.GaugeVec

	stale   *prometheus.GaugeVec
	without *prometheus.GaugeVec
	evicted prometheus.Counter
	expiry  *prometheus.GaugeVec

	mu   sync.Mutex
	seen map[resource]bool // the resources there are, and whether each is paused
	all  map[place]*tally
}

// resource is one of a kind.
type resource struct {
	kind string
	key  client.ObjectKey
}

// place is where resources of a kind are counted.
type place struct{ kind, namespace string }

// tally counts those of one place.
type tally struct{ all, paused int }

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
		longest: newPeaks("strimzi_reconciliations_duration_seconds_max",
			"Time that the longest pass of the last two minutes took.", common, time.Now),
		resources: gauge("strimzi_resources", "Resources there are.", common...),
		paused:    gauge("strimzi_resources_paused", "Resources that are not to be touched.", common...),
		stale:     gauge("steg_pods_stale", "Pods whose sidecar runs with settings that a new pod would not get, by the KafkaBridge or the Kafka (namespace/name) that they ask for.", "namespace", "bridge", "cluster"),
		without:   gauge("steg_pods_without_sidecar", "Pods that ask for a sidecar and run without.", "namespace"),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "steg_pods_evicted_total", Help: "Pods that were evicted since they ran without the sidecar that they ask for.",
		}),
		expiry: gauge("strimzi_certificate_expiration_timestamp_ms", "When the certificate of an authority ends, in milliseconds since 1970.",
			"kind", "namespace", "resource_namespace", "cluster", "type"),
		seen: make(map[resource]bool),
		all:  make(map[place]*tally),
	}
	for _, c := range []prometheus.Collector{
		m.reconciliations, m.periodical, m.successful, m.failed, m.locked, m.duration, m.longest, m.resources, m.paused, m.stale, m.without, m.evicted, m.expiry,
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// begin counts a pass over a resource of a kind.
func (m *Metrics) begin(kind string, key client.ObjectKey, periodical bool) {
	m.reconciliations.WithLabelValues(kind, key.Namespace, "").Inc()
	m.locked.WithLabelValues(kind, key.Namespace, "") // there from the first pass on, at 0
	byTime := m.periodical.WithLabelValues(kind, key.Namespace, "")
	if periodical {
		byTime.Inc()
	}
}

// end counts how a pass ended.
func (m *Metrics) end(kind string, key client.ObjectKey, took time.Duration, failed bool) {
	m.duration.WithLabelValues(kind, key.Namespace, "").Observe(took.Seconds())
	m.longest.observe(place{kind, key.Namespace}, took)
	good := m.successful.WithLabelValues(kind, key.Namespace, "")
	bad := m.failed.WithLabelValues(kind, key.Namespace, "")
	if failed {
		bad.Inc()
		return
	}
	good.Inc()
}

// present notes that a resource is there.
func (m *Metrics) present(kind string, key client.ObjectKey, paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := resource{kind, key}
	before, known := m.seen[r]
	if known && before == paused {
		return
	}
	m.seen[r] = paused
	m.count(kind, key.Namespace, 1-one(known), one(paused)-one(before))
}

// gone forgets a resource.
func (m *Metrics) gone(kind string, key client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := resource{kind, key}
	if before, known := m.seen[r]; known {
		delete(m.seen, r)
		m.count(kind, key.Namespace, -1, -one(before))
	}
	switch kind {
	case names.KindKafkaBridge:
		m.stale.DeleteLabelValues(key.Namespace, key.Name, "")
	case names.KindKafka:
		m.expiry.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "cluster": key.Name})
	}
}

// count adds to the gauges of a place; m.mu is held.
func (m *Metrics) count(kind, namespace string, all, paused int) {
	at := place{kind, namespace}
	if m.all[at] == nil {
		m.all[at] = &tally{}
	}
	t := m.all[at]
	t.all += all
	t.paused += paused
	m.resources.WithLabelValues(kind, namespace, "").Set(float64(t.all))
	m.paused.WithLabelValues(kind, namespace, "").Set(float64(t.paused))
}

// one is what something counts if it is so.
func one(so bool) int {
	if so {
		return 1
	}
	return 0
}

// staleness sets the number of stale pods of a KafkaBridge.
func (m *Metrics) staleness(key client.ObjectKey, pods int) {
	m.stale.WithLabelValues(key.Namespace, key.Name, "").Set(float64(pods))
}

// staleDirect sets the numbers of stale pods that ask for a Kafka, by the pods' namespaces; those of others are dropped.
func (m *Metrics) staleDirect(kafka client.ObjectKey, byNamespace map[string]int) {
	m.stale.DeletePartialMatch(prometheus.Labels{"cluster": kafka.String()})
	for namespace, pods := range byNamespace {
		m.stale.WithLabelValues(namespace, "", kafka.String()).Set(float64(pods))
	}
}

// withoutSidecar sets the numbers of pods without a sidecar, by namespace; those of others are dropped.
func (m *Metrics) withoutSidecar(byNamespace map[string]int) {
	m.without.Reset()
	for namespace, pods := range byNamespace {
		m.without.WithLabelValues(namespace).Set(float64(pods))
	}
}

// expires notes when the authority of a Kafka ends, in milliseconds since 1970; type is cluster-ca or client-ca.
func (m *Metrics) expires(key client.ObjectKey, authority string, at int64) {
	m.expiry.WithLabelValues(names.KindKafka, key.Namespace, key.Namespace, key.Name, authority).Set(float64(at))
}
