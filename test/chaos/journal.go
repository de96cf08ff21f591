package chaos

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

// journal is where everybody writes down what happens.
type journal struct {
	began       time.Time
	connections atomic.Int64
	members     atomic.Int64

	mu      sync.Mutex
	history check.History
	reached map[string]map[check.Place]int64 // by group: the highest offset that was delivered
	changed chan struct{}                    // closed and replaced with every delivery
}

func newJournal() *journal {
	j := &journal{began: time.Now(), reached: make(map[string]map[check.Place]int64), changed: make(chan struct{})}
	j.history.Since = make(map[string]check.Time)
	return j
}

func (j *journal) now() check.Time { return j.at(time.Now()) }

func (j *journal) at(t time.Time) check.Time { return t.Sub(j.began) }

func (j *journal) request(r check.Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Requests = append(j.history.Requests, r)
}

func (j *journal) sent(records []check.Sent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Sent = append(j.history.Sent, records...)
}

func (j *journal) delivered(d check.Delivery) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Deliveries = append(j.history.Deliveries, d)
	reached := j.reached[d.Group]
	if reached == nil {
		reached = make(map[check.Place]int64)
		j.reached[d.Group] = reached
	}
	for _, r := range d.Records {
		if was, ok := reached[r.Place]; !ok || r.Offset > was {
			reached[r.Place] = r.Offset
		}
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// behind returns the places at which a group has not reached the wanted offset, and a channel that closes with the next
// delivery.
func (j *journal) behind(group string, wanted map[check.Place]int64) ([]check.Place, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []check.Place
	for place, offset := range wanted {
		if at, ok := j.reached[group][place]; !ok || at < offset {
			out = append(out, place)
		}
	}
	return out, j.changed
}

// outage notes that a bridge goes away; the returned function, that it is back.
func (j *journal) outage(bridge int, frozen bool) (over func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.history.Outages)
	const open = check.Time(1<<63 - 1)
	j.history.Outages = append(j.history.Outages, check.Outage{Bridge: bridge, From: j.now(), To: open, Frozen: frozen})
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.history.Outages[n].To = j.now()
	}
}

// since notes that a topic was created again just now.
func (j *journal) since(topic string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Since[topic] = j.now()
}

func (j *journal) committed(c check.Committed) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Committed = append(j.history.Committed, c)
}

func (j *journal) rebalanced(r check.Rebalance) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.history.Rebalances = append(j.history.Rebalances, r)
}
