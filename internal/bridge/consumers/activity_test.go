package consumers

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func (r *rig) status(name string) Status {
	r.Helper()
	for _, s := range r.registry.Snapshot() {
		if s.Name == name {
			return s
		}
	}
	r.Fatal("no instance ", name)
	return Status{}
}

func TestActivityOfAConsumer(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("max.poll.records", "2"))
	r.produce("t", 0, "aa", "b", "c", "d", "e")
	i := r.subscriber("g", "c", []string{"t"})
	if s := r.status("c"); !s.LastPoll.IsZero() || s.LastError != "" || s.PollIdleRatio >= 0 || len(s.Positions) > 0 {
		t.Errorf("before the first poll: %+v", s.Activity)
	}
	r.equal(r.poll(i, time.Second), []string{"aa", "b"})
	s := r.status("c")
	if s.Consumed["t"] != (Volume{Records: 2, Bytes: 3}) {
		t.Errorf("consumed %v, want 2 records of 3 bytes", s.Consumed)
	}
	want := Position{TopicPartition: TopicPartition{"t", 0}, Offset: 2, Lag: 3}
	if len(s.Positions) != 1 || s.Positions[0] != want {
		t.Errorf("positions %v, want %v", s.Positions, want)
	}
	if s.LastPoll.IsZero() {
		t.Error("the poll was not seen")
	}
	r.equal(r.pollSome(i, time.Second, 1), []string{"c", "d"})
	s = r.status("c")
	if s.Consumed["t"].Records != 3 || s.Positions[0].Lag != 2 {
		t.Errorf("one of two records was delivered: %v, %v", s.Consumed, s.Positions)
	}
	if s.PollIdleRatio < 0 || s.PollIdleRatio > 1 {
		t.Errorf("ratio %v", s.PollIdleRatio)
	}
}

func TestActivityRemembersTheLastError(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("auto.offset.reset", "none"))
	i := r.create("g", "c")
	r.ok(i.Assign(r.ctx(), tps("t", 0)))
	_, err := i.Poll(r.ctx(), 5*time.Second)
	if err == nil {
		t.Fatal("a poll without a position and without a reset policy has to fail")
	}
	if s := r.status("c"); s.LastError != err.Error() || s.LastErrorAt.IsZero() {
		t.Errorf("last error %q at %v, want %q", s.LastError, s.LastErrorAt, err)
	}
}

func TestActivityOfPolls(t *testing.T) {
	var a activity
	at := func(second int) time.Time { return time.Unix(1000+int64(second), 0) }
	a.poll(at(0), at(1), nil)
	if a.measured {
		t.Error("one poll says nothing about the time between polls")
	}
	a.poll(at(4), at(5), nil) // 3 s of work, 1 s of polling
	if a.ratio != 0.25 {
		t.Errorf("ratio %v, want 0.25", a.ratio)
	}
	a.poll(at(5), at(9), nil) // nothing but polling
	if want := 0.8*0.25 + 0.2; math.Abs(a.ratio-want) > 1e-9 {
		t.Errorf("ratio %v, want %v", a.ratio, want)
	}
	a.poll(at(9), at(10), context.Canceled)
	if a.failure != "" {
		t.Error("a caller that left is no failure")
	}
	a.poll(at(10), at(11), errors.New("refused"))
	a.poll(at(11), at(12), nil)
	if a.failure != "refused" || !a.failed.Equal(at(11)) {
		t.Errorf("failure %q at %v", a.failure, a.failed)
	}
}

func TestDeliveredCountsByTopic(t *testing.T) {
	var a activity
	record := func(topic, key, value string) *kgo.Record {
		return &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
	}
	a.delivered([]*kgo.Record{record("x", "k", "v"), record("x", "", "vv"), record("y", "", ""), record("x", "", "w")})
	a.delivered(nil)
	if a.consumed["x"] != (Volume{3, 5}) || a.consumed["y"] != (Volume{1, 0}) {
		t.Errorf("got %v", a.consumed)
	}
}

func TestJoinsAndRebalancesAreTold(t *testing.T) {
	var mu sync.Mutex
	told := map[bool]int{}
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 4)), settings(func(s *Settings) {
		s.Joined = func(rebalance bool, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if took < 0 || took > patience {
				t.Errorf("it took %s", took)
			}
			told[rebalance]++
		}
	}))
	count := func(rebalance bool) int {
		mu.Lock()
		defer mu.Unlock()
		return told[rebalance]
	}
	a := r.subscriber("g", "a", []string{"t"})
	r.assigned(a, 4)
	if count(false) != 1 || count(true) != 0 {
		t.Errorf("after a join: %v", told)
	}
	b := r.subscriber("g", "b", []string{"t"})
	r.assigned(b, 2)
	r.assigned(a, 2)
	r.eventually("the rebalance is told", func() bool { return count(true) > 0 && count(false) == 2 })
}
