package consumers

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Activity is what an instance did, for people and for metrics.
type Activity struct {
	LastPoll    time.Time // the end of the last poll; zero: none
	LastError   string    // of the last poll that failed; empty: none
	LastErrorAt time.Time
	// PollIdleRatio is how much of the time between the ends of polls was spent in polls, from 0 to 1, recent polls
	// counting most; negative before the second one. It is the Java client's poll-idle-ratio-avg.
	PollIdleRatio float64
	// Consumed is what was delivered since the creation, by topic.
	Consumed map[string]Volume
	// Positions are the partitions with a known position, in ascending order.
	Positions []Position
}

// Volume is a number of records and the bytes of their keys and values.
type Volume struct{ Records, Bytes int64 }

// Position is where an instance stands in a partition.
type Position struct {
	TopicPartition
	Offset int64 // of the next record to deliver
	Lag    int64 // how many offsets lie before the end of the log as the last fetch saw it; negative: unknown
}

// ratioWeight is what the latest poll counts for in PollIdleRatio.
const ratioWeight = 0.2

// activity gathers an Activity.
type activity struct {
	mu       sync.Mutex
	polled   time.Time
	failed   time.Time
	failure  string
	ratio    float64
	measured bool
	consumed map[string]Volume
}

// poll notes a poll that ran from began to ended. That its caller left, or that the instance was closed, is no failure.
func (a *activity) poll(began, ended time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
		a.failure, a.failed = err.Error(), ended
	}
	if whole := ended.Sub(a.polled); !a.polled.IsZero() && whole > 0 {
		ratio := min(float64(ended.Sub(began))/float64(whole), 1)
		if a.measured {
			ratio = (1-ratioWeight)*a.ratio + ratioWeight*ratio
		}
		a.ratio, a.measured = ratio, true
	}
	a.polled = ended
}

// delivered counts records that left.
func (a *activity) delivered(records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.consumed == nil {
		a.consumed = make(map[string]Volume)
	}
	for len(records) > 0 {
		topic, n := records[0].Topic, 0
		v := a.consumed[topic]
		for ; n < len(records) && records[n].Topic == topic; n++ {
			v.Records++
			v.Bytes += int64(len(records[n].Key) + len(records[n].Value))
		}
		a.consumed[topic] = v
		records = records[n:]
	}
}

// activity returns what is to be seen of an instance.
func (i *Instance) activity() Activity {
	a := &i.watched
	a.mu.Lock()
	seen := Activity{
		LastPoll: a.polled, LastError: a.failure, LastErrorAt: a.failed, PollIdleRatio: -1, Consumed: maps.Clone(a.consumed),
	}
	if a.measured {
		seen.PollIdleRatio = a.ratio
	}
	a.mu.Unlock()
	if s := i.current(); s != nil {
		seen.Positions = s.standing()
	}
	return seen
}

// standing returns the known positions.
func (s *session) standing() []Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Position
	for tp, p := range s.partitions {
		if p.origin != atOffset {
			continue
		}
		lag := int64(-1)
		if p.end >= 0 {
			lag = max(p.end-p.position, 0)
		}
		all = append(all, Position{TopicPartition: tp, Offset: p.position, Lag: lag})
	}
	slices.SortFunc(all, func(a, b Position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// arrival measures how long a member waits for its partitions.
type arrival struct {
	since time.Time // when it began to wait; zero: it does not
	again bool      // it had partitions before
}

// await notes that partitions are waited for.
func (a *arrival) await(now time.Time) {
	if a.since.IsZero() {
		a.since = now
	}
}

// over notes that they came, and tells told how long that took.
func (a *arrival) over(now time.Time, told func(rebalance bool, took time.Duration)) {
	if !a.since.IsZero() && told != nil {
		told(a.again, now.Sub(a.since))
	}
	*a = arrival{again: true}
}
