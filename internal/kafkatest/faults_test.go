package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// send produces one record and returns where its outcome will arrive.
func send(cl *kgo.Client, topic string, partition int32) <-chan error {
	done := make(chan error, 1)
	cl.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: partition}, func(_ *kgo.Record, err error) { done <- err })
	return done
}

func outcome(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(15 * time.Second):
		t.Fatal("no outcome")
		return nil
	}
}

func manual() kgo.Opt { return kgo.RecordPartitioner(kgo.ManualPartitioner()) }

// leaders returns a partition of t led by each broker.
func leaders(t *testing.T, c *Cluster, topic string) (byBroker map[int32]int32) {
	t.Helper()
	byBroker = map[int32]int32{}
	for _, p := range c.Fake.PartitionInfos(topic) {
		byBroker[p.Leader] = p.Partition
	}
	if len(byBroker) != len(c.Addrs()) {
		t.Fatalf("not every broker leads a partition: %v", byBroker)
	}
	return byBroker
}

func TestHoldStopsOneBroker(t *testing.T) {
	t.Parallel()
	c := Start(t, Brokers(2))
	c.CreateTopic("t", 1)
	c.CreateTopic("u", 1)
	if err := c.Fake.MoveTopicPartition("t", 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Fake.MoveTopicPartition("u", 0, 1); err != nil {
		t.Fatal(err)
	}
	cl := c.Client(manual())
	release := c.Hold(0, kmsg.Produce)
	stuck := send(cl, "t", 0)
	if err := outcome(t, send(cl, "u", 0)); err != nil {
		t.Fatal("the other broker:", err)
	}
	if got := c.Read("t", 1); len(got) != 1 {
		t.Errorf("%d records; the request was to be carried out", len(got))
	}
	select {
	case err := <-stuck:
		t.Fatal("answered while held:", err)
	default:
	}
	release()
	release()
	if err := outcome(t, stuck); err != nil {
		t.Fatal("after release:", err)
	}
	if err := outcome(t, send(cl, "t", 0)); err != nil {
		t.Fatal("after release:", err)
	}
}

// TestHoldOfEverything talks without a client: kgo heeds no context while it
// opens a connection.
func TestHoldOfEverything(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	conn, err := net.Dial("tcp", c.Bootstrap())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	release := c.Hold(AllBrokers)
	if _, err := conn.Write([]byte("\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x07\xff\xff")); err != nil { // ApiVersions
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 8)
	if n, err := conn.Read(answer); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v, while held", n, err)
	}
	release()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, answer); err != nil || answer[7] != 7 {
		t.Errorf("after release: %x, %v", answer, err)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	adm := kadm.NewClient(c.Client())
	const d = 300 * time.Millisecond
	stop := c.Delay(d, kmsg.Metadata)
	began := time.Now()
	if _, err := adm.Metadata(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < d {
		t.Errorf("metadata came after %s", took)
	}
	stop()
	began = time.Now()
	if _, err := adm.Metadata(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took >= d {
		t.Errorf("metadata still came after %s", took)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	if n := c.Requests(kmsg.ListGroups); n != 0 {
		t.Errorf("%d requests before any", n)
	}
	adm := kadm.NewClient(c.Client())
	for range 3 {
		if _, err := adm.ListGroups(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Requests(kmsg.ListGroups); n != 3 {
		t.Errorf("%d requests of 3", n)
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	controller := func() int32 {
		m, err := kadm.NewClient(c.Client()).Metadata(within(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return m.Controller
	}
	stop := c.Rewrite(kmsg.Metadata, func(r kmsg.Response) { r.(*kmsg.MetadataResponse).ControllerID = 77 })
	if got := controller(); got != 77 {
		t.Errorf("controller %d, want the rewritten 77", got)
	}
	stop()
	if got := controller(); got != 0 {
		t.Errorf("controller %d, want the true 0", got)
	}
}

func TestLeaderless(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 2), Topic("u", 1))
	cl := c.Client(manual(), kgo.RecordRetries(1), kgo.MetadataMinAge(10*time.Millisecond), kgo.RetryTimeout(time.Second))
	adm := kadm.NewClient(cl)
	look := func() kadm.TopicDetails {
		d, err := adm.ListTopics(within(t, 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	restore := c.Leaderless("t", 1)
	d := look()
	if p := d["t"].Partitions[1]; p.Leader != -1 || !errors.Is(p.Err, kerr.LeaderNotAvailable) || len(p.Replicas) == 0 {
		t.Errorf("t-1: %+v", p)
	}
	for _, p := range []kadm.PartitionDetail{d["t"].Partitions[0], d["u"].Partitions[0]} {
		if p.Leader != 0 || p.Err != nil {
			t.Errorf("a partition that has a leader: %+v", p)
		}
	}
	if err := outcome(t, send(cl, "t", 0)); err != nil {
		t.Error("t-0:", err)
	}
	if err := cl.ProduceSync(within(t, 500*time.Millisecond), &kgo.Record{Topic: "t", Partition: 1}).FirstErr(); err == nil {
		t.Error("t-1 took a record")
	}
	restore()
	if p := look()["t"].Partitions[1]; p.Leader != 0 || p.Err != nil {
		t.Errorf("t-1 afterwards: %+v", p)
	}
	c.Produce(&kgo.Record{Topic: "t", Partition: 1})
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	c := Start(t, Brokers(2))
	c.CreateTopic("t", 8)
	byBroker := leaders(t, c, "t")
	cl := c.Client(manual())
	if err := outcome(t, send(cl, "t", byBroker[1])); err != nil {
		t.Fatal(err)
	}
	c.Down(1)
	c.Down(1)
	if _, err := net.Dial("tcp", c.Addrs()[1]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	waiting := send(cl, "t", byBroker[1])
	if err := outcome(t, send(cl, "t", byBroker[0])); err != nil {
		t.Fatal("the other broker:", err)
	}
	c.Up(1)
	c.Up(1)
	if err := outcome(t, waiting); err != nil {
		t.Fatal("after it is back:", err)
	}
}

func TestAwayAtStart(t *testing.T) {
	t.Parallel()
	c := Start(t, Away(), Topic("t", 1))
	if _, err := net.Dial("tcp", c.Bootstrap()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	done := send(c.Client(), "t", 0)
	c.Up(0)
	if err := outcome(t, done); err != nil {
		t.Error(err)
	}
}

func TestDropConnections(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	conn, err := net.Dial("tcp", c.Bootstrap())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	cl := c.Client()
	if err := cl.Ping(within(t, 10*time.Second)); err != nil { // conn was accepted before this one
		t.Fatal(err)
	}
	c.DropConnections(0)
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection lives: %v", err)
	}
	if err := cl.Ping(within(t, 10*time.Second)); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestRewrittenLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	boom := func(kmsg.Response) { t.Error("called") }
	frame := []byte("\x00\x00\x00\x06\x00\x00\x00\x01\xff\xff")
	for _, r := range []request{{key: 999}, {key: int16(kmsg.Metadata), version: 12}} {
		if got := rewritten(frame, r, boom); !bytes.Equal(got, frame) {
			t.Errorf("%v: %q", r, got)
		}
	}
}
