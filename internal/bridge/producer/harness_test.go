package producer

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// patience bounds every wait of a test: reaching it is a failure.
const patience = 20 * time.Second

func topics(partitions int32, names ...string) kfake.Opt {
	return kfake.SeedTopics(partitions, names...)
}

func cluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, _ := gated(t, opts...)
	return c
}

// gated returns a cluster and the gates of its brokers.
func gated(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, *gates) {
	t.Helper()
	g := new(gates)
	opts = append([]kfake.Opt{kfake.NumBrokers(3), kfake.ListenFn(g.listen)}, opts...)
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Cleanup(g.openAll)
	return c, g
}

// gates are between the brokers and the network: what a broker with a closed gate answers is kept back, as if it had
// been stopped. (The development broker's own way to sleep has a data race when several requests do.)
type gates struct {
	mu     sync.Mutex
	ports  []string
	closed [3]chan struct{} // by broker; nil is open
}

func (g *gates) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	node := len(g.ports) // brokers listen in the order of their IDs
	g.ports = append(g.ports, l.Addr().String())
	return &gateListener{l, g, node}, nil
}

func (g *gates) close(node int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed[node] == nil {
		g.closed[node] = make(chan struct{})
	}
}

func (g *gates) open(node int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed[node] != nil {
		close(g.closed[node])
		g.closed[node] = nil
	}
}

func (g *gates) openAll() {
	for node := range int32(3) {
		g.open(node)
	}
}

// pass returns what is closed when answers of the broker may pass, nil when they may now.
func (g *gates) pass(node int) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed[node]
}

type gateListener struct {
	net.Listener
	gates *gates
	node  int
}

func (l *gateListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gateConn{conn, l}, nil
}

type gateConn struct {
	net.Conn
	from *gateListener
}

func (c *gateConn) Write(b []byte) (int, error) {
	for gate := c.from.gates.pass(c.from.node); gate != nil; gate = c.from.gates.pass(c.from.node) {
		<-gate
	}
	return c.Conn.Write(b)
}

// open returns a producer to c with Java's defaults, but for short waits and props.
func open(t testing.TB, c *kfake.Cluster, props map[string]string, o Options) *Producer {
	t.Helper()
	return openAt(t, strings.Join(c.ListenAddrs(), ","), props, o)
}

func openAt(t testing.TB, servers string, props map[string]string, o Options) *Producer {
	t.Helper()
	all := map[string]string{
		"bootstrap.servers": servers, "linger.ms": "0", "max.block.ms": "2000", "metadata.max.age.ms": "300000",
		"request.timeout.ms": "1000", "delivery.timeout.ms": "5000", "enable.metrics.push": "false",
	}
	maps.Copy(all, props)
	cfg, findings := kafka.Interpret(kafka.Producer, all)
	for _, f := range findings {
		t.Logf("%s: %s", f.Key, f.Text)
	}
	p, err := New(cfg, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
		if s := p.Stats(); s.InflightBytes != 0 || s.Records != 0 {
			t.Errorf("after Close %d bytes and %d records are in flight", s.InflightBytes, s.Records)
		}
	})
	return p
}

// send writes records and checks what holds for every Send: one outcome each, in order, and released once, before or
// after the return.
func send(t testing.TB, p *Producer, topic string, recs ...kgo.Record) []Outcome {
	t.Helper()
	out, released, err := trySend(t, p, topic, recs...)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the records are released", func() bool { return released.Load() == 1 })
	return out
}

func trySend(t testing.TB, p *Producer, topic string, recs ...kgo.Record) ([]Outcome, *atomic.Int32, error) {
	t.Helper()
	released := new(atomic.Int32)
	out, err := p.Send(topic, recs, func() { released.Add(1) })
	if err == nil && len(out) != len(recs) {
		t.Fatalf("%d outcomes for %d records", len(out), len(recs))
	}
	return out, released, err
}

// record returns a record of n bytes for a partition; −1 is none.
func record(partition int32, n int) kgo.Record {
	return kgo.Record{Partition: partition, Value: make([]byte, n)}
}

// repeat returns n records that share their value.
func repeat(n int, r kgo.Record) []kgo.Record {
	recs := make([]kgo.Record, n)
	for i := range recs {
		recs[i] = r
	}
	return recs
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// within fails the test when f takes longer than d; it says how long f took.
func within(t testing.TB, d time.Duration, what string, f func()) time.Duration {
	t.Helper()
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d + patience):
		t.Fatalf("%s hangs", what)
	}
	took := time.Since(start)
	if took > d {
		t.Errorf("%s took %s, more than %s", what, took, d)
	}
	return took
}

// on returns a partition of the topic that node leads, and one that it does not lead.
func on(t testing.TB, c *kfake.Cluster, topic string, node int32) (led, other int32) {
	t.Helper()
	led, other = -1, -1
	for _, info := range c.PartitionInfos(topic) {
		if info.Leader == node {
			led = info.Partition
		} else {
			other = info.Partition
		}
	}
	if led < 0 || other < 0 {
		t.Fatalf("broker %d leads all or nothing of %s", node, topic)
	}
	return led, other
}

// spread makes partition p of the topic led by broker p modulo 3.
func spread(t testing.TB, c *kfake.Cluster, topic string, partitions int32) {
	t.Helper()
	for p := range partitions {
		if err := c.MoveTopicPartition(topic, p, p%3); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the values of a partition from its start to its present end.
func read(t testing.TB, c *kfake.Cluster, topic string, partition int32) [][]byte {
	t.Helper()
	end := c.PartitionInfo(topic, partition).HighWatermark
	if end == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var values [][]byte
	for next := int64(0); next < end; {
		for _, r := range client.PollFetches(ctx).Records() {
			values = append(values, r.Value)
			next = r.Offset + 1
		}
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d records", next, end)
		}
	}
	return values
}

// observe counts the metadata requests that name a topic.
func observe(c *kfake.Cluster, topic string) *kfake.FaultHandle {
	return c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: topic, Observe: true, Count: -1})
}

// refuse answers requests of one kind about a topic with an error until the handle is removed.
func refuse(c *kfake.Cluster, key kmsg.Key, topic string, err *kerr.Error) *kfake.FaultHandle {
	return c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: topic, Err: err, Count: -1})
}

func wantErr(t testing.TB, out Outcome, kind kafka.Kind, text string) {
	t.Helper()
	switch {
	case out.Err == nil:
		t.Errorf("no error but offset %d, want %q", out.Offset, text)
	case out.Err.Kind != kind || !strings.Contains(out.Err.Message, text):
		t.Errorf("error %d %q, want %d %q", out.Err.Kind, out.Err.Message, kind, text)
	case out.Offset != -1:
		t.Errorf("offset %d beside an error", out.Offset)
	}
}
