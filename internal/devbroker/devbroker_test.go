package devbroker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func start(t *testing.T, o Options) *Broker {
	t.Helper()
	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return b
}

func client(t *testing.T, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func produce(t *testing.T, cl *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := cl.ProduceSync(bounded(t), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// values reads n values of a topic from its start.
func values(t *testing.T, addr, topic string, n int) []string {
	t.Helper()
	ctx := bounded(t)
	cl := client(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []string
	for len(got) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err0(); err != nil {
			t.Fatalf("%d of %d values: %v", len(got), n, err)
		}
		fs.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestTopicsAreCreatedOnFirstUse(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	cl := client(t, b.Addr())
	produce(t, cl, "orders", "a", "b")
	if got := values(t, b.Addr(), "orders", 2); got[0] != "a" || got[1] != "b" {
		t.Errorf("read %q", got)
	}
	topics, err := kadm.NewClient(cl).ListTopics(bounded(t), "orders")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topics["orders"].Partitions); n != 1 {
		t.Errorf("%d partitions, want 1 as in Apache Kafka's default", n)
	}
	if r := topics["orders"].Partitions.NumReplicas(); r != 1 {
		t.Errorf("%d replicas", r)
	}
	if _, err := kadm.NewClient(cl).CreateTopic(bounded(t), 3, -1, nil, "by-default"); err != nil {
		t.Errorf("a topic with the broker's replication: %v", err)
	}
}

func TestLoopbackAndTemporaryByDefault(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	host, _, err := net.SplitHostPort(b.Addr())
	if err != nil || host != "127.0.0.1" {
		t.Errorf("listens on %s", b.Addr())
	}
	produce(t, client(t, b.Addr()), "t", "v")
	if _, err := os.Stat(filepath.Join(b.Dir(), stateFile)); err != nil {
		t.Errorf("no data in the directory: %v", err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(b.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
}

func TestDataOutlivesClose(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	for i, want := range []string{"0", "0 1", "0 1 2"} {
		b := start(t, Options{Dir: dir})
		produce(t, client(t, b.Addr()), "t", fmt.Sprint(i))
		if got := strings.Join(values(t, b.Addr(), "t", i+1), " "); got != want {
			t.Errorf("start %d: read %q, want %q", i, got, want)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAdvertisedAddress(t *testing.T) {
	t.Parallel()
	loopback, wildcard := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5}, &net.TCPAddr{IP: net.IPv6zero, Port: 5}
	for _, c := range []struct {
		in        string
		bound     *net.TCPAddr
		want, err string
	}{
		{"", loopback, "127.0.0.1:5", ""},
		{"", wildcard, "", "clients cannot connect to [::]:5: an advertised address is needed"},
		{"kafka.example:9092", wildcard, "kafka.example:9092", ""},
		{"[::1]:9092", loopback, "[::1]:9092", ""},
		{"localhost:0", loopback, "localhost:5", ""},
		{"localhost", loopback, "", "missing port"},
		{":9092", loopback, "", `":9092" is not host:port`},
		{"localhost:kafka", loopback, "", `"localhost:kafka" is not host:port`},
		{"localhost:65536", loopback, "", `"localhost:65536" is not host:port`},
	} {
		got, err := advertisedAddr(c.in, c.bound)
		if string(got) != c.want || (err == nil) != (c.err == "") || !strings.Contains(errText(err), c.err) {
			t.Errorf("%q on %s: %q, %v", c.in, c.bound, got, err)
		}
	}
}

func TestClientsAreSentToTheAdvertisedAddress(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Advertised: "localhost:0"})
	if !strings.HasPrefix(b.Addr(), "localhost:") {
		t.Fatalf("advertised %s", b.Addr())
	}
	brokers, err := kadm.NewClient(client(t, b.Addr())).ListBrokers(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s:%d", brokers[0].Host, brokers[0].Port); got != b.Addr() {
		t.Errorf("metadata says %s, Addr %s", got, b.Addr())
	}
}

// lockedBuffer is a writer for logs of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestStartLogsAddressAndTime(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	b := start(t, Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	for _, want := range []string{"address=" + b.Addr(), "dir=" + b.Dir(), "start_ms=", "level=INFO"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log has no %q: %s", want, &out)
		}
	}
	if strings.Contains(out.String(), "level=WARN") {
		t.Errorf("warned without need: %s", &out)
	}
}

func TestOpenListenerIsWarnedOf(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	start(t, Options{Addr: "0.0.0.0:0", Advertised: "localhost:0", Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if !strings.Contains(out.String(), "lets anybody in") {
		t.Errorf("no warning: %s", &out)
	}
}

func TestStartErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	inUse, foreign, file := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "file")
	start(t, Options{Dir: inUse})
	for _, name := range []string{file, filepath.Join(foreign, "thesis.odt")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
		is   error
	}{
		{"port in use", Options{Addr: taken.Addr().String()}, taken.Addr().String() + ": address already in use", syscall.EADDRINUSE},
		{"no such address", Options{Addr: "127.0.0.1"}, "missing port", nil},
		{"wildcard without advertised", Options{Addr: "0.0.0.0:0"}, "an advertised address is needed", nil},
		{"directory is a file", Options{Dir: file}, file + ": not a directory", syscall.ENOTDIR},
		{"directory cannot be made", Options{Dir: "/proc/steg"}, "/proc/steg", nil},
		{"directory not writable", Options{Dir: "/proc/self"}, "/proc/self is not writable", nil},
		{"directory in use", Options{Dir: inUse}, fmt.Sprintf("%s is used by another process (pid %d)", inUse, os.Getpid()), nil},
		{"directory of somebody else", Options{Dir: foreign}, foreign + " holds other files (thesis.odt)", nil},
	} {
		_, err := Start(t.Context(), c.o)
		if err == nil {
			t.Fatalf("%s: started", c.name)
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", c.name, err, c.want)
		}
		if !strings.HasPrefix(err.Error(), "embedded broker: ") || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("start with an ended context: %v", err)
	}
}

func TestDamagedDataIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that the first gave the lock back
		_, err := Start(t.Context(), Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "data in "+dir) {
			t.Errorf("started on a damaged directory: %v", err)
		}
	}
}

func TestUnsavedStateIsReported(t *testing.T) {
	t.Parallel()
	b, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// A directory where kfake wants to rename a file to: even root cannot.
	name := filepath.Join(b.Dir(), "acls.json")
	if err := errors.Join(os.RemoveAll(name), os.MkdirAll(filepath.Join(name, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err == nil || !strings.Contains(err.Error(), "acls.json") {
		t.Errorf("close: %v", err)
	}
}

// TestBrokerOutlivesBadRequests sends what would end the process without the
// guard, and then uses the broker.
func TestBrokerOutlivesBadRequests(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	for name, in := range map[string]string{
		"unknown key": frame(10, 999, "\x00\x00\x00\x00\x00\x01\xff\xff"),
		"huge claim":  frame(1<<31, 18, "\x00\x00\x00\x00\x00\x01"),
		"HTTP":        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad body":    frame(12, 3, "\x00\x0c\x00\x00\x00\x01\x7f\xff\x7f\xff"),
	} {
		c, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(in)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: read %d bytes, %v; the broker was to hang up", name, n, err)
		}
		_ = c.Close()
	}
	produce(t, client(t, b.Addr()), "t", "v")
}

func TestRetentionIsAppliedByItself(t *testing.T) {
	t.Parallel()
	b := start(t, Options{retentionEvery: 10 * time.Millisecond})
	cl := client(t, b.Addr())
	adm := kadm.NewClient(cl)
	limit := "1"
	if _, err := adm.CreateTopic(bounded(t), 1, 1, nil, "whole"); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.AlterBrokerConfigs(bounded(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "log.retention.ms", Value: &limit}}); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, "whole", "a", "b", "c")
	ctx := bounded(t)
	for {
		starts, err := adm.ListStartOffsets(ctx, "whole")
		if err != nil {
			t.Fatal("old records are still there:", err)
		}
		if o, _ := starts.Lookup("whole", 0); o.Offset > 0 {
			return
		}
	}
}
