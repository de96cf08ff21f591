package metrics

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Steg is the series that the reference bridge does not have. All methods may be called from any goroutine.
type Steg struct {
	Produce   Histogram // a request's records, from handing them over to the last answer of Kafka
	fetch     Histogram // a fetch request to a broker
	join      Histogram
	rebalance Histogram

	metrics *Metrics
	mu      sync.RWMutex
	refused map[string]*atomic.Int64
	sources Sources
}

// Sources are asked at each scrape for what others know. Any of them may be nil.
type Sources struct {
	Version      string
	Consumers    func() []ConsumerState
	Producer     func() (ProducerState, bool) // false: there is none yet
	RequestBytes func() (held, limit int64)
	Reachable    func() (yes, known bool) // whether Kafka answered when it was last spoken to; not known before that
	Certificates func() []Certificate
}

// ConsumerState is one consumer instance.
type ConsumerState struct {
	Group, ClientID string
	Mode            string // created, subscribed or assigned
	Partitions      int
	BufferedRecords int
	BufferedBytes   int64
	Lag             int64   // of all partitions whose lag is known
	PollIdleRatio   float64 // negative: unknown
	Consumed        map[string]Volume
}

// Volume is a number of records and their bytes.
type Volume struct{ Records, Bytes int64 }

// ProducerState is the shared producer.
type ProducerState struct {
	InflightBytes, LimitBytes, Records int64
	Failed                             uint64
}

// Certificate is the end of one that the bridge shows: to clients, or to Kafka.
type Certificate struct {
	Use      string
	NotAfter time.Time
}

func newSteg(m *Metrics) *Steg {
	return &Steg{
		metrics: m, refused: make(map[string]*atomic.Int64),
		Produce: newHistogram(latencies()), fetch: newHistogram(latencies()), join: newHistogram(waits()), rebalance: newHistogram(waits()),
	}
}

// Watch sets what is asked at each scrape.
func (s *Steg) Watch(sources Sources) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = sources
}

// Joined counts how long a member of a group waited for its partitions.
func (s *Steg) Joined(rebalance bool, took time.Duration) {
	if rebalance {
		s.rebalance.Observe(took)
		return
	}
	s.join.Observe(took)
}

// Refuse counts a request that a limit refused; reason names the limit, in a word of ours.
func (s *Steg) Refuse(reason string) {
	s.mu.RLock()
	n := s.refused[reason]
	s.mu.RUnlock()
	if n == nil {
		s.mu.Lock()
		if n = s.refused[reason]; n == nil {
			n = new(atomic.Int64)
			s.refused[reason] = n
		}
		s.mu.Unlock()
	}
	n.Add(1)
}

// Describe sends nothing: an unchecked collector.
func (s *Steg) Describe(chan<- *prometheus.Desc) {}

// Collect sends the series.
func (s *Steg) Collect(out chan<- prometheus.Metric) {
	s.Produce.collect(out, "steg_produce_duration_seconds", "Time from handing a request's records to the Kafka client to the last answer for them")
	s.fetch.collect(out, "steg_fetch_duration_seconds", "Time of a fetch request to a broker, its waiting for records included")
	s.join.collect(out, "steg_consumer_join_duration_seconds", "Time from a subscription to the group's first assignment")
	s.rebalance.collect(out, "steg_consumer_rebalance_duration_seconds", "Time from losing partitions in a rebalance to the next assignment")
	s.mu.RLock()
	for reason, n := range s.refused {
		send(out, "steg_refused_requests_total", "Requests refused by a limit of the bridge", prometheus.CounterValue, float64(n.Load()), "reason", reason)
	}
	sources := s.sources
	s.mu.RUnlock()
	send(out, "steg_build_info", "The release, in a label", prometheus.GaugeValue, 1, "version", sources.Version)
	for kind, n := range s.metrics.connections() {
		send(out, "steg_kafka_connections", "Open connections to brokers", prometheus.GaugeValue, float64(n), "client", string(kind))
	}
	sources.collect(out)
}

// collect asks the sources.
func (s *Sources) collect(out chan<- prometheus.Metric) {
	gauge := func(name, help string, v float64, labels ...string) {
		send(out, name, help, prometheus.GaugeValue, v, labels...)
	}
	if s.RequestBytes != nil {
		held, limit := s.RequestBytes()
		gauge("steg_request_body_bytes", "Bytes of request bodies in memory", float64(held))
		gauge("steg_request_body_limit_bytes", "Bytes of request bodies that may be in memory", float64(limit))
	}
	if s.Reachable != nil {
		if yes, known := s.Reachable(); known {
			gauge("steg_kafka_reachable", "Whether Kafka answered when it was last spoken to", truth(yes))
		}
	}
	if s.Certificates != nil {
		for _, c := range s.Certificates() {
			gauge("steg_certificate_expiry_timestamp_seconds", "When a certificate that the bridge uses ends", float64(c.NotAfter.Unix()), "use", c.Use)
		}
	}
	if s.Producer != nil {
		if p, ok := s.Producer(); ok {
			gauge("steg_producer_inflight_bytes", "Bytes of records that wait for Kafka's answer", float64(p.InflightBytes))
			gauge("steg_producer_inflight_limit_bytes", "Bytes of records that may wait for Kafka's answer", float64(p.LimitBytes))
			gauge("steg_producer_inflight_records", "Records that wait for Kafka's answer", float64(p.Records))
			send(out, "steg_producer_failed_records_total", "Records that could not be stored", prometheus.CounterValue, float64(p.Failed))
		}
	}
	if s.Consumers != nil {
		collectConsumers(out, s.Consumers())
	}
}

func collectConsumers(out chan<- prometheus.Metric, all []ConsumerState) {
	modes := map[string]int{"created": 0, "subscribed": 0, "assigned": 0}
	lag := make(map[string]int64)
	var records int
	var bytes int64
	for _, c := range all {
		modes[c.Mode]++
		lag[c.Group] += c.Lag
		records += c.BufferedRecords
		bytes += c.BufferedBytes
	}
	for mode, n := range modes {
		send(out, "steg_consumers", "Consumer instances by state", prometheus.GaugeValue, float64(n), "state", mode)
	}
	for group, n := range lag {
		send(out, "steg_consumer_lag_records", "Offsets between the positions of a group's instances here and the ends of their partitions, as last fetched",
			prometheus.GaugeValue, float64(n), "group", group)
	}
	send(out, "steg_consumer_buffered_records", "Records fetched and not delivered yet", prometheus.GaugeValue, float64(records))
	send(out, "steg_consumer_buffered_bytes", "Bytes of records fetched and not delivered yet", prometheus.GaugeValue, float64(bytes))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
