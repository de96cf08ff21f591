// Package metrics counts what the bridge does and writes it as Prometheus text: the series of the reference bridge under
// their exact names, so that its dashboards and alerts go on working, with route templates in place of raw paths. It
// reads the Go runtime and is told of requests and of the Kafka clients' events; it decides nothing and serves nothing.
package metrics

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Style is how the Kafka clients' series are called: each reporter of the reference bridge has its own names.
type Style uint8

const (
	// JMX names are strimzi_bridge_kafka_<client>_<metric>{type,clientId,topic}.
	JMX Style = iota
	// Reporter names are kafka_<client>_<group>_<metric>{client_id,topic}, all gauges, without _total.
	Reporter
)

// Metrics is every series of one bridge.
type Metrics struct {
	HTTP     *HTTP
	Executor *Executor
	Steg     *Steg

	registry *prometheus.Registry
	style    Style
	now      func() time.Time
	mu       sync.Mutex
	clients  map[*Client]struct{}
	sentMu   sync.RWMutex
	sent     map[string]*atomic.Int64 // records, by topic
}

// Options is what the series are made from.
type Options struct {
	Style Style
	// PoolSize and QueueSize are what the reference's executor would have; they only show in its series.
	PoolSize, QueueSize int
	Now                 func() time.Time
}

// New returns metrics that have counted nothing. The error is a series that is registered twice: a defect, not a setting.
func New(o Options) (*Metrics, error) {
	m := &Metrics{
		registry: prometheus.NewRegistry(), style: o.Style, now: o.Now, clients: make(map[*Client]struct{}), sent: make(map[string]*atomic.Int64),
		HTTP: newHTTP(), Executor: &Executor{pool: o.PoolSize, queue: o.QueueSize},
	}
	m.Steg = newSteg(m)
	for _, c := range []prometheus.Collector{m.HTTP, m.Executor, m.Steg, process{started: o.Now(), processors: runtime.GOMAXPROCS(0)}, kafkaClients{m}} {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

// AppendText appends all series in the text format 0.0.4 to dst.
func (m *Metrics) AppendText(dst []byte) ([]byte, error) {
	families, err := m.registry.Gather()
	if err != nil {
		return dst, fmt.Errorf("metrics: %w", err)
	}
	for _, f := range families {
		dst = appendFamily(dst, f)
	}
	return dst, nil
}
