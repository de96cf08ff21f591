package credentials

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
)

// frame is a request of a key, as it stands on the wire.
func frame(key uint16) []byte {
	p := make([]byte, 12)
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	binary.BigEndian.PutUint16(p[4:], key)
	return p
}

// watchedPair returns a watched connection and its other end.
func watchedPair(t *testing.T, s *stalls) (*stallConn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	go func() { _, _ = io.Copy(io.Discard, far) }()
	return &stallConn{Conn: near, address: "broker:9092", stalls: s}, far
}

func TestStalledQuestionEndsTheConnection(t *testing.T) {
	s := &stalls{first: time.Millisecond, now: time.Now}
	c, _ := watchedPair(t, s)
	if _, err := c.Write(frame(keyMetadata)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the read ended with %v", err)
	}
	if got := s.patience(); got != 2*time.Millisecond {
		t.Errorf("the next question gets %v, want twice the time", got)
	}
	for range 20 {
		s.stalled("broker:9092")
	}
	if got := s.patience(); got != stallAtMost {
		t.Errorf("patience grew to %v, want %v", got, stallAtMost)
	}
}

func TestOneBrokerThatHangsGetsNoMoreTime(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &stalls{first: time.Second, now: func() time.Time { return now }}
	s.answered("other:9092")
	s.stalled("broker:9092")
	if got := s.patience(); got != time.Second {
		t.Errorf("patience grew to %v while others answer", got)
	}
	if !s.hangs("broker:9092") || s.hangs("other:9092") {
		t.Error("the broker that hangs is to be gone past, the other is not")
	}
	now = now.Add(askAgainAfter)
	if s.hangs("broker:9092") {
		t.Error("the broker is not asked again")
	}
	now = now.Add(stallAtMost + time.Second)
	s.stalled("broker:9092")
	if got := s.patience(); got != 2*time.Second {
		t.Errorf("patience is %v when nobody has answered for long", got)
	}
}

func TestHungBrokerIsGonePastAtOnce(t *testing.T) {
	s := &stalls{first: time.Hour, now: time.Now}
	s.answered("other:9092")
	s.stalled("broker:9092")
	c, _ := watchedPair(t, s)
	if _, err := c.Write(frame(keyMetadata)); err == nil {
		t.Error("a broker that hangs was asked")
	}
	s.answered("broker:9092")
	c, _ = watchedPair(t, s)
	if _, err := c.Write(frame(keyMetadata)); err != nil {
		t.Errorf("a broker that answers again was not asked: %v", err)
	}
}

func TestAnswerEndsTheWaiting(t *testing.T) {
	s := &stalls{first: time.Hour, now: time.Now}
	c, far := watchedPair(t, s)
	if _, err := c.Write(frame(keyFindCoordinator)); err != nil {
		t.Fatal(err)
	}
	if c.timer == nil {
		t.Fatal("nothing is waited for")
	}
	go func() { _, _ = far.Write([]byte{0}) }()
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if c.timer != nil || s.last.IsZero() {
		t.Error("still waiting, or the answer was not noted")
	}
}

func TestRequestsThatTakeTheirTimeAreNotWatched(t *testing.T) {
	const produce, fetch, joinGroup = 0, 1, 11
	for _, key := range []uint16{produce, fetch, joinGroup} {
		if prompt(frame(key)) != 0 {
			t.Errorf("key %d is watched", key)
		}
	}
	for _, p := range [][]byte{nil, {0, 0, 0, 2, 0, 3}, append(frame(keyMetadata), 0), []byte("\x00\x00\x00\x08")} {
		if prompt(p) != 0 {
			t.Errorf("%x is watched", p)
		}
	}
}

// A client finds its metadata past a broker that hangs, well before its own time for a request is over.
func TestMetadataPastAHungBroker(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Topic("t", 1))
	transport, err := Open(t.Context(), kafka.Security{Protocol: "PLAINTEXT"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	transport.stalls.first = 100 * time.Millisecond
	defer cluster.Hold(0)()
	for range 6 { // each client asks its brokers in an order of its own
		client, err := kgo.NewClient(append(transport.Options(), kgo.SeedBrokers(cluster.Addrs()...), kgo.RequestTimeoutOverhead(20*time.Second))...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := client.Ping(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		client.Close()
	}
}
