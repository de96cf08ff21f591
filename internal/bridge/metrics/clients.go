package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// kafkaClients collects the series of all clients.
type kafkaClients struct{ m *Metrics }

// Describe sends nothing: an unchecked collector.
func (kafkaClients) Describe(chan<- *prometheus.Desc) {}

// identity is what the series of one client are told apart by.
type identity struct {
	kind Kind
	id   string
}

// figures is one client's metrics at a moment. Consumers of two groups may have the same name, which is their client.id,
// and a consumer has two clients for a moment when its mode changes: such figures are added up, since a series can exist
// only once.
type figures struct {
	connections, commits   int64
	lastHeartbeat          int64 // Unix nanoseconds; 0: never
	produce, commit, fetch tally
	topics                 map[string]Volume
	partitions             int
	pollIdle               float64
	polling                int // consumers whose ratio is in pollIdle
}

// Collect sends the series of every open client and of every consumer, be its client open or not.
func (k kafkaClients) Collect(out chan<- prometheus.Metric) {
	now := k.m.now()
	all := k.m.figures(now)
	if list := k.m.Steg.consumers(); list != nil {
		for _, c := range list() {
			all.of(identity{Consumer, c.ClientID}).consumer(c)
		}
	}
	for id, f := range all {
		f.collect(&series{out: out, style: k.m.style, client: id}, now)
	}
}

// consumers returns the source of consumers, nil if there is none.
func (s *Steg) consumers() func() []ConsumerState {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sources.Consumers
}

// allFigures is by client.
type allFigures map[identity]*figures

func (a allFigures) of(id identity) *figures {
	f := a[id]
	if f == nil {
		f = &figures{topics: make(map[string]Volume)}
		a[id] = f
	}
	return f
}

// figures reads what the clients have counted.
func (m *Metrics) figures(now time.Time) allFigures {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(allFigures)
	for c := range m.clients {
		id := identity{kind: c.kind}
		if name := c.id.Load(); name != nil {
			id.id = *name
		}
		all.of(id).client(c, now)
	}
	for id, f := range all {
		if id.kind == Producer {
			m.addSent(f)
			break
		}
	}
	return all
}

// client adds what one client has counted.
func (f *figures) client(c *Client, now time.Time) {
	f.connections += c.connections.Load()
	f.commits += c.commits.Load()
	f.lastHeartbeat = max(f.lastHeartbeat, c.lastHeartbeat.Load())
	f.produce.add(c.produce.tally(now))
	f.commit.add(c.commit.tally(now))
	f.fetch.add(c.fetch.tally(now))
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, v := range c.topics {
		f.volume(topic, v)
	}
}

// addSent sees to it that no fewer records are shown than were answered for, through whichever producer: a bridge has one.
func (m *Metrics) addSent(f *figures) {
	m.sentMu.RLock()
	defer m.sentMu.RUnlock()
	for topic, n := range m.sent {
		v := f.topics[topic]
		f.topics[topic] = Volume{max(v.Records, n.Load()), v.Bytes}
	}
}

// consumer adds what is known of an instance beside its client.
func (f *figures) consumer(c ConsumerState) {
	f.partitions += c.Partitions
	if c.PollIdleRatio >= 0 {
		f.pollIdle += c.PollIdleRatio
		f.polling++
	}
	for topic, v := range c.Consumed {
		f.volume(topic, v)
	}
}

func (f *figures) volume(topic string, v Volume) {
	sum := f.topics[topic]
	f.topics[topic] = Volume{sum.Records + v.Records, sum.Bytes + v.Bytes}
}

// sum returns what went through all topics.
func (f *figures) sum() (v Volume) {
	for _, t := range f.topics {
		v.Records += t.Records
		v.Bytes += t.Bytes
	}
	return v
}

// collect sends one client's series; the groups are those of the Java clients.
func (f *figures) collect(s *series, now time.Time) {
	kind := s.client.kind
	group := string(kind) + "-metrics"
	if kind == Admin {
		group = "admin-client-metrics"
	}
	s.send("kafka-metrics-count", "count", gauge, float64(len(f.topics)+1))
	s.send(group, "connection-count", gauge, float64(f.connections))
	switch kind {
	case Producer:
		sum := f.sum()
		s.send(group, "request-latency-avg", gauge, f.produce.average())
		s.send(group, "record-send-total", total, float64(sum.Records))
		s.send(group, "outgoing-byte-total", total, float64(sum.Bytes))
		for topic, v := range f.topics {
			s.topic("producer-topic-metrics", "record-send-total", topic, float64(v.Records))
			s.topic("producer-topic-metrics", "byte-total", topic, float64(v.Bytes))
		}
	case Consumer:
		f.collectConsumer(s, now)
	}
}

func (f *figures) collectConsumer(s *series, now time.Time) {
	const coordinator, fetcher = "consumer-coordinator-metrics", "consumer-fetch-manager-metrics"
	sum := f.sum()
	idle := 0.0
	if f.polling > 0 {
		idle = f.pollIdle / float64(f.polling)
	}
	s.send("consumer-metrics", "poll-idle-ratio-avg", gauge, idle)
	s.send(coordinator, "assigned-partitions", gauge, float64(f.partitions))
	s.send(coordinator, "commit-total", total, float64(f.commits))
	s.send(coordinator, "commit-latency-avg", gauge, f.commit.average())
	ago := -1.0
	if f.lastHeartbeat != 0 {
		ago = now.Sub(time.Unix(0, f.lastHeartbeat)).Truncate(time.Second).Seconds()
	}
	s.send(coordinator, "last-heartbeat-seconds-ago", gauge, ago)
	s.send(fetcher, "fetch-latency-avg", gauge, f.fetch.average())
	s.send(fetcher, "fetch-rate", gauge, f.fetch.rate())
	s.send(fetcher, "records-consumed-total", total, float64(sum.Records))
	s.send(fetcher, "bytes-consumed-total", total, float64(sum.Bytes))
	for topic, v := range f.topics {
		s.topic(fetcher, "records-consumed-total", topic, float64(v.Records))
		s.topic(fetcher, "bytes-consumed-total", topic, float64(v.Bytes))
	}
}
