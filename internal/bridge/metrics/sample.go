package metrics

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fill gives every series that there is a value, so that the reference of all series and the tests of dashboards and
// alerts see them all.
func Fill(m *Metrics) {
	m.HTTP.Connection(1)
	m.HTTP.Begin()
	m.HTTP.Endpoint("POST", "/topics/{topicname}").End(200, 100, 50, 4*time.Millisecond)
	m.HTTP.Begin()
	m.HTTP.Endpoint("GET", "/topics").End(500, 0, 60, time.Millisecond)
	m.Steg.Produce.Observe(3 * time.Millisecond)
	m.Steg.Joined(false, time.Second)
	m.Steg.Joined(true, time.Second)
	m.Steg.Refuse("body size")
	m.Steg.Watch(Sources{
		Version: "1.2.3",
		Consumers: func() []ConsumerState {
			return []ConsumerState{{
				Group: "readers", ClientID: "reader", Mode: "subscribed", Partitions: 3, Lag: 11, PollIdleRatio: 0.5,
				Consumed: map[string]Volume{"orders": {Records: 5, Bytes: 50}},
			}}
		},
		Producer:     func() (ProducerState, bool) { return ProducerState{InflightBytes: 100, LimitBytes: 1000}, true },
		RequestBytes: func() (held, limit int64) { return 10, 1000 },
		Reachable:    func() (yes, known bool) { return true, true },
		Certificates: func() []Certificate { return []Certificate{{Use: "http", NotAfter: time.Unix(2e9, 0)}} },
	})
	for kind, id := range map[Kind]string{Producer: "till", Consumer: "reader", Admin: "boss"} {
		c := m.Client(kind)
		c.register(id)
		c.OnBrokerConnect(kgo.BrokerMetadata{}, 0, nil, nil)
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.OffsetCommit, kmsg.Heartbeat} {
			c.OnBrokerE2E(kgo.BrokerMetadata{}, int16(key), kgo.BrokerE2E{TimeToRead: time.Millisecond})
		}
		if kind == Producer {
			m.Sent("orders", 7)
			c.OnProduceBatchWritten(kgo.BrokerMetadata{}, "orders", 0, kgo.ProduceBatchMetrics{NumRecords: 7, CompressedBytes: 70})
		}
	}
}
