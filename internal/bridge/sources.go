package bridge

import (
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/metrics"
)

// sources tells the metrics what to ask at each scrape.
func (s *Server) sources() metrics.Sources {
	return metrics.Sources{
		Version:      s.version,
		Consumers:    s.consumerStates,
		RequestBytes: func() (held, limit int64) { return s.bodies.budget.used.Load(), s.bodies.budget.limit },
		Reachable: func() (yes, known bool) {
			reachable, since, _ := s.kafka.Reachable()
			return reachable, !since.IsZero()
		},
		Certificates: s.certs,
		Producer: func() (metrics.ProducerState, bool) {
			p := s.producer.shared.Load()
			if p == nil {
				return metrics.ProducerState{}, false
			}
			stats := p.Stats()
			return metrics.ProducerState{
				InflightBytes: stats.InflightBytes, LimitBytes: stats.LimitBytes, Records: stats.Records, Failed: stats.Failed,
			}, true
		},
	}
}

func (s *Server) consumerStates() []metrics.ConsumerState {
	all := s.consumers.Snapshot()
	states := make([]metrics.ConsumerState, len(all))
	for i, c := range all {
		states[i] = consumerState(c)
	}
	return states
}

func consumerState(c consumers.Status) metrics.ConsumerState {
	state := metrics.ConsumerState{
		Group: c.Group, ClientID: c.Name, Mode: c.Mode, BufferedRecords: c.BufferedRecords, BufferedBytes: c.BufferedBytes,
		Lag: lag(c.Positions), PollIdleRatio: c.PollIdleRatio, Consumed: make(map[string]metrics.Volume, len(c.Consumed)),
	}
	for _, t := range c.Assignment {
		state.Partitions += len(t.Partitions)
	}
	for topic, v := range c.Consumed {
		state.Consumed[topic] = metrics.Volume(v)
	}
	return state
}

// lag adds up the partitions whose lag is known.
func lag(positions []consumers.Position) int64 {
	var sum int64
	for _, p := range positions {
		sum += max(p.Lag, 0)
	}
	return sum
}
