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

// mute waits in vain for signs of life.
func mute(string) bool { return false }

func TestOneBrokerThatHangsGetsNoMoreTime(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &stalls{first: time.Second, now: func() time.Time { return now }, lives: mute}
	defer s.close()
	s.answered("other:9092")
	s.stalled("broker:9092")
	if got := s.patience(); got != time.Second {
		t.Errorf("patience grew to %v while others answer", got)
	}
	if !s.hangs("broker:9092") || s.hangs("other:9092") {
		t.Error("the broker that hangs is to be gone past, the other is not")
	}
	now = now.Add(stallAtMost + time.Second)
	s.stalled("other:9092")
	if got := s.patience(); got != 2*time.Second {
		t.Errorf("patience is %v when nobody has answered for long", got)
	}
	if s.hangs("other:9092") {
		t.Error("a broker is gone past when nobody has answered for long")
	}
}

func TestHungBrokerIsGonePastUntilItGivesASignOfLife(t *testing.T) {
	signs := make(chan bool)
	s := &stalls{first: time.Hour, now: time.Now, lives: func(string) bool { return <-signs }}
	defer s.close()
	s.undialed("broker:9092")
	for range 3 { // one wait is enough for all
		c, _ := watchedPair(t, s)
		if _, err := c.Write(frame(keyMetadata)); err == nil {
			t.Fatal("a broker that hangs was asked")
		}
	}
	signs <- false
	eventually(t, "another sign is waited for", func() bool {
		if !s.hangs("broker:9092") {
			t.Fatal("a broker without a sign of life is not gone past")
		}
		select {
		case signs <- true:
			return true
		default:
			return false
		}
	})
	eventually(t, "the broker is asked again", func() bool { return !s.hangs("broker:9092") })
	c, _ := watchedPair(t, s)
	if _, err := c.Write(frame(keyMetadata)); err != nil {
		t.Errorf("a broker that lives was not asked: %v", err)
	}
}

func TestAnswerCountsMoreThanAWaitInVain(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	s := &stalls{first: time.Hour, now: time.Now, lives: func(string) bool {
		close(begun)
		<-end
		return false
	}}
	s.undialed("broker:9092")
	s.hangs("broker:9092")
	<-begun
	s.answered("broker:9092")
	close(end)
	s.close()
	if s.hangs("broker:9092") {
		t.Error("a broker that has answered is gone past")
	}
}

// Whoever connects to a broker that hangs takes the time to connect once, not each time, and the broker is connected to
// again as soon as it answers.
func TestHungBrokerIsNotDialedAgainAndAgain(t *testing.T) {
	ca := newAuthority(t, "ca")
	config := serverConfig(ca.issue(1), nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	address := ln.Addr().String()
	o, _ := options(t)
	o.ConnectTimeout = time.Second
	tr := openedWith(t, ssl(ca), o)
	if _, err := tr.dial(t.Context(), "tcp", address); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the first attempt ended with %v", err)
	}
	begun := time.Now()
	for range 20 {
		_, err := tr.dial(t.Context(), "tcp", address)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || !op.Timeout() || !op.Temporary() {
			t.Fatalf("%v is not a timeout that the library tries again", err)
		}
	}
	if took := time.Since(begun); took >= o.ConnectTimeout {
		t.Errorf("20 more attempts took %v, longer than one to connect", took)
	}
	serve(t, ln, config)
	eventually(t, "the broker is connected to", func() bool {
		conn, err := tr.dial(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// Without TLS the kernel answers for a process that hangs; the sign of life has to be Kafka's.
func TestSignOfLife(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	address := ln.Addr().String()
	o, _ := options(t)
	o.ConnectTimeout = time.Millisecond
	tr := openedWith(t, kafka.Security{Protocol: "PLAINTEXT"}, o)
	tr.stalls.first = 10 * time.Millisecond
	if tr.lives(t.Context(), address) {
		t.Error("a process that hangs lives")
	}
	tr.stalls.first = time.Minute
	serve(t, ln, nil)
	if !tr.lives(t.Context(), address) {
		t.Error("a process that answers does not live")
	}
	_ = ln.Close()
	if !tr.lives(t.Context(), address) {
		t.Error("an address that refuses is waited for")
	}
}

// A caller that gives up says nothing about the broker.
func TestDialGivenUpIsNotAHang(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	tr, _ := opened(t, ssl(newAuthority(t, "ca")))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := tr.dial(ctx, "tcp", ln.Addr().String()); err == nil {
		t.Fatal("connected")
	}
	if tr.stalls.hangs(ln.Addr().String()) {
		t.Error("the broker is gone past")
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
