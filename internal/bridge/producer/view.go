package producer

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/brokers"
)

// session is one client with the topics that it has been asked to write to. It is replaced as a whole when the client
// has failed for good.
type session struct {
	client  *kgo.Client
	asker   *brokers.Asker
	born    time.Time
	mu      sync.Mutex // one writer of topics at a time
	topics  atomic.Pointer[map[string]*topic]
	suspect atomic.Bool // somebody looks into it already

	identified atomic.Bool // has had its producer ID
}

// topic is what is known of one topic. The client's own metadata are read wherever it has them, since it refuses a
// partition that it has not heard of; until it has, those of the look-up stand in.
type topic struct {
	name   string
	id     [16]byte                // zero: the broker has no topic IDs (before Kafka 2.8)
	seed   atomic.Pointer[[]int32] // the leaders as the look-up saw them
	parts  atomic.Pointer[[]*partition]
	sticky atomic.Pointer[sticky]
	turn   atomic.Uint32

	gone time.Time // since when the client knows that the topic was deleted; only tend uses it
}

func newTopic(name string, id [16]byte, leaders []int32) *topic {
	t := &topic{name: name, id: id}
	t.seed.Store(&leaders)
	t.parts.Store(&[]*partition{})
	t.grow(len(leaders))
	return t
}

// partition counts what is in flight towards one partition.
type partition struct{ inflight atomic.Int64 }

func newSession(client *kgo.Client) *session {
	s := &session{client: client, asker: brokers.New(client), born: time.Now()}
	s.topics.Store(&map[string]*topic{})
	return s
}

func (s *session) topic(name string) *topic { return (*s.topics.Load())[name] }

// learn returns the topic that a look-up has found, with at least the partitions that it saw. A topic that was deleted
// and created again gets a new entry, and the client is told to forget the old one: it never adopts the new topic ID by
// itself. That call waits for the client's metadata loop.
func (s *session) learn(name string, id [16]byte, leaders []int32) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(name)
	if t != nil && t.id != id && t.id != [16]byte{} && id != [16]byte{} {
		s.client.PurgeTopicsFromProducing(name)
		t = nil
	}
	if t == nil {
		t = newTopic(name, id, leaders)
		next := maps.Clone(*s.topics.Load())
		next[name] = t
		s.topics.Store(&next)
	}
	t.seed.Store(&leaders)
	if !s.loaded(t) {
		t.grow(len(leaders))
	}
	return t
}

// forget drops a topic that the client can't write to any more.
func (s *session) forget(t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topic(t.name) != t {
		return
	}
	s.client.PurgeTopicsFromProducing(t.name)
	next := maps.Clone(*s.topics.Load())
	delete(next, t.name)
	s.topics.Store(&next)
}

// forgetAfter is how long a topic must have been deleted.
const forgetAfter = time.Minute

// tend forgets the topics that have been deleted for a while and have nothing in flight: the client would ask for them
// for ever. No other topic is ever forgotten: a second life would number its records from zero again under the same
// producer ID, and the broker would take them for the first ones.
func (s *session) tend(now time.Time) {
	for _, t := range *s.topics.Load() {
		switch _, exists := s.count(t); {
		case exists:
			t.gone = time.Time{}
		case t.gone.IsZero():
			t.gone = now
		case now.Sub(t.gone) >= forgetAfter && !t.busy():
			s.forget(t)
		}
	}
}

// busy reports whether any record of the topic is in flight.
func (t *topic) busy() bool {
	for _, part := range *t.parts.Load() {
		if part.inflight.Load() != 0 {
			return true
		}
	}
	return false
}

// loaded reports whether the client has metadata of its own for t.
func (s *session) loaded(t *topic) bool {
	leader, _, err := s.client.PartitionLeader(t.name, 0)
	return leader >= 0 || err != nil
}

// count returns the number of partitions that records may go to now, and whether the topic still exists as far as the
// client knows. It notices partitions that the client has learnt of since the last call.
func (s *session) count(t *topic) (n int32, exists bool) {
	n = int32(len(*t.parts.Load()))
	known := n
	for {
		leader, _, err := s.client.PartitionLeader(t.name, n)
		if leader < 0 {
			if n > known {
				t.grow(int(n))
			}
			return n, !errors.Is(err, kerr.UnknownTopicOrPartition)
		}
		n++
	}
}

// leader returns the broker that leads a partition, −1 when there is none, and whether it can be written to now.
func (s *session) leader(t *topic, p int32) (id int32, ok bool) {
	id, _, err := s.client.PartitionLeader(t.name, p)
	if id >= 0 || err != nil {
		return id, err == nil
	}
	if seed := *t.seed.Load(); int(p) < len(seed) {
		id = seed[p]
	}
	return id, id >= 0
}

// grow makes room for n partitions.
func (t *topic) grow(n int) {
	for {
		old := t.parts.Load()
		if len(*old) >= n {
			return
		}
		next := make([]*partition, n)
		copy(next, *old)
		for i := len(*old); i < n; i++ {
			next[i] = new(partition)
		}
		if t.parts.CompareAndSwap(old, &next) {
			return
		}
	}
}
