package metrics

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kind is which Java client a Kafka client stands for; it is a part of the series' names.
type Kind string

// The kinds.
const (
	Producer Kind = "producer"
	Consumer Kind = "consumer"
	Admin    Kind = "admin"
)

// Client counts the events of one Kafka client. It is given to that client as a hook, knows its client.id from it, and
// its series end with it.
type Client struct {
	of   *Metrics
	kind Kind
	id   atomic.Pointer[string]

	connections                   atomic.Int64
	commits                       atomic.Int64
	lastHeartbeat                 atomic.Int64 // Unix nanoseconds; 0: never
	produce, commit, fetch, other window

	mu     sync.Mutex
	topics map[string]Volume // written
}

var (
	_ kgo.HookNewClient           = (*Client)(nil)
	_ kgo.HookClientClosed        = (*Client)(nil)
	_ kgo.HookBrokerConnect       = (*Client)(nil)
	_ kgo.HookBrokerDisconnect    = (*Client)(nil)
	_ kgo.HookBrokerE2E           = (*Client)(nil)
	_ kgo.HookProduceBatchWritten = (*Client)(nil)
)

// Client returns the hook for one Kafka client that is about to be made.
func (m *Metrics) Client(kind Kind) *Client {
	return &Client{of: m, kind: kind, topics: make(map[string]Volume)}
}

// OnNewClient begins the client's series.
func (c *Client) OnNewClient(cl *kgo.Client) {
	id, _ := cl.OptValue(kgo.ClientID).(string)
	c.register(id)
}

func (c *Client) register(id string) {
	c.id.Store(&id)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.clients[c] = struct{}{}
}

// OnClientClosed ends them.
func (c *Client) OnClientClosed(*kgo.Client) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	delete(c.of.clients, c)
}

// OnBrokerConnect counts a connection that was made.
func (c *Client) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		c.connections.Add(1)
	}
}

// OnBrokerDisconnect counts a connection that ended.
func (c *Client) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { c.connections.Add(-1) }

// OnBrokerE2E takes the time of a request from its writing to the end of its answer.
func (c *Client) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e kgo.BrokerE2E) {
	if e.Err() != nil {
		return
	}
	now := c.of.now()
	switch kmsg.Key(key) {
	case kmsg.Produce:
		c.produce.add(now, e.DurationE2E())
	case kmsg.Fetch:
		c.fetch.add(now, e.DurationE2E())
		c.of.Steg.fetch.Observe(e.DurationE2E())
	case kmsg.OffsetCommit:
		c.commits.Add(1)
		c.commit.add(now, e.DurationE2E())
	case kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat:
		c.lastHeartbeat.Store(now.UnixNano())
	default:
		c.other.add(now, e.DurationE2E())
	}
}

// OnProduceBatchWritten counts a batch that Kafka has taken. It comes a moment after the answers to its requests; see Sent.
func (c *Client) OnProduceBatchWritten(_ kgo.BrokerMetadata, topic string, _ int32, m kgo.ProduceBatchMetrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.topics[topic]
	c.topics[topic] = Volume{v.Records + int64(m.NumRecords), v.Bytes + int64(m.CompressedBytes)}
}

// Sent counts records that Kafka has taken and whose request is about to be answered, so that who scrapes right behind an
// answer finds them. The larger of this and of what the client reports is shown.
func (m *Metrics) Sent(topic string, records int) {
	m.sentMu.RLock()
	n := m.sent[topic]
	m.sentMu.RUnlock()
	if n == nil {
		m.sentMu.Lock()
		if n = m.sent[topic]; n == nil {
			n = new(atomic.Int64)
			m.sent[topic] = n
		}
		m.sentMu.Unlock()
	}
	n.Add(int64(records))
}

// connections returns how many are open, by kind of client.
func (m *Metrics) connections() map[Kind]int64 {
	open := map[Kind]int64{Producer: 0, Consumer: 0, Admin: 0}
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.clients {
		open[c.kind] += c.connections.Load()
	}
	return open
}
