package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// kindOfValue says whether a Java metric only grows.
type kindOfValue bool

const (
	gauge kindOfValue = false
	total kindOfValue = true
)

// series sends one client's metrics under the names of a style.
type series struct {
	out    chan<- prometheus.Metric
	style  Style
	client identity
}

// send sends a metric of a group of the Java clients, named as Java names both.
func (s *series) send(group, metric string, kind kindOfValue, v float64) {
	s.emit(group, metric, kind, v, "")
}

// topic sends a metric that only grows and that a topic has of its own.
func (s *series) topic(group, metric, topic string, v float64) {
	s.emit(group, metric, total, v, topic)
}

func (s *series) emit(group, metric string, kind kindOfValue, v float64, topic string) {
	id := s.client.id
	under := strings.NewReplacer("-", "_").Replace
	var name string
	var labels, values []string
	value := prometheus.GaugeValue
	if s.style == JMX {
		name = "strimzi_bridge_kafka_" + string(s.client.kind) + "_" + under(metric)
		labels, values = []string{"type", "clientId"}, []string{group, id}
		if kind == total {
			value = prometheus.CounterValue
		}
	} else {
		client := string(s.client.kind)
		if s.client.kind == Admin {
			client = "admin_client"
		}
		name = "kafka_" + client + "_" + under(group) + "_" + strings.TrimSuffix(under(metric), "_total")
		labels, values = []string{"client_id"}, []string{id}
	}
	if topic != "" {
		labels, values = append(labels, "topic"), append(values, topic)
	}
	desc := prometheus.NewDesc(name, "The metric "+metric+" of the Java clients", labels, nil)
	s.out <- prometheus.MustNewConstMetric(desc, value, v, values...)
}

// windowLength is metrics.sample.window.ms of the Java clients; averages cover the running window and the one before.
const windowLength = 30 * time.Second

// window averages durations over the last 30 to 60 s, as the Java clients' averages do.
type window struct {
	mu        sync.Mutex
	began     time.Time // of the current half
	now, last struct {
		n   int64
		sum time.Duration
	}
}

func (w *window) add(at time.Time, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roll(at)
	w.now.n++
	w.now.sum += d
}

func (w *window) roll(at time.Time) {
	past := at.Sub(w.began)
	if past < windowLength {
		return
	}
	w.last = w.now
	if past >= 2*windowLength {
		w.last.n, w.last.sum = 0, 0
	}
	w.now.n, w.now.sum = 0, 0
	w.began = at
}

// tally is what a window saw.
type tally struct {
	n    int64
	sum  time.Duration
	over time.Duration // how long it looked
}

// tally returns what the window saw until now.
func (w *window) tally(at time.Time) tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roll(at)
	return tally{n: w.now.n + w.last.n, sum: w.now.sum + w.last.sum, over: windowLength + at.Sub(w.began)}
}

func (t *tally) add(other tally) {
	t.n += other.n
	t.sum += other.sum
	t.over = max(t.over, other.over)
}

// average returns milliseconds, 0 when nothing happened.
func (t tally) average() float64 {
	if t.n == 0 {
		return 0
	}
	return float64(t.sum.Microseconds()) / 1000 / float64(t.n)
}

// rate returns events per second.
func (t tally) rate() float64 {
	if t.over <= 0 {
		return 0
	}
	return float64(t.n) / t.over.Seconds()
}
