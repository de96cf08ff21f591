package proxy

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

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that sends back what it gets, and half-closes when its client has.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return ln.Addr().String()
}

func open(t *testing.T, target string) *Proxy {
	t.Helper()
	p, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.Forward(target)
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// say sends text and expects it back.
func say(c net.Conn, text string, within time.Duration) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	return hear(c, text, within)
}

func hear(c net.Conn, text string, within time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != text {
		return errors.New("something else came back")
	}
	return nil
}

const (
	long = 5 * time.Second
	// short is how long nothing is watched to happen.
	short = 100 * time.Millisecond
)

func TestForwards(t *testing.T) {
	c := dial(t, open(t, echo(t)))
	for range 3 {
		if err := say(c, "through the proxy", long); err != nil {
			t.Fatal(err)
		}
	}
	// The end of one direction is passed on, and the other one goes on until it ends.
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestStall(t *testing.T) {
	p := open(t, echo(t))
	c := dial(t, p)
	if err := say(c, "before", long); err != nil {
		t.Fatal(err)
	}
	p.Set(Mode{Stall: true})
	if err := say(c, "during", short); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while stalled: %v", err)
	}
	p.Set(Mode{})
	if err := hear(c, "during", long); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestStallAnswers(t *testing.T) {
	reached := make(chan string, 1)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 100)
		n, _ := c.Read(b)
		reached <- string(b[:n])
		_, _ = c.Write(b[:n])
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}()
	p := open(t, ln.Addr().String())
	p.Set(Mode{StallAnswers: true})
	c := dial(t, p)
	if err := say(c, "request", short); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an answer came: %v", err)
	}
	if got := <-reached; got != "request" {
		t.Errorf("the server got %q", got)
	}
	p.Cut()
	if err := hear(c, "request", long); err == nil {
		t.Error("the answer outlived its connection")
	}
}

func TestDelay(t *testing.T) {
	p := open(t, echo(t))
	p.Set(Mode{Delay: short})
	c := dial(t, p)
	begin := time.Now()
	if err := say(c, "slowly", long); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 2*short {
		t.Errorf("took %s", took)
	}
}

func TestRefuse(t *testing.T) {
	p := open(t, echo(t))
	old := dial(t, p)
	if err := say(old, "before", long); err != nil {
		t.Fatal(err)
	}
	p.Set(Mode{Refuse: true})
	refused := func(err error) bool {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
	}
	if err := say(old, "x", long); !refused(err) {
		t.Errorf("an old connection: %v", err)
	}
	fresh, err := (&net.Dialer{Timeout: long}).DialContext(t.Context(), "tcp", p.Addr())
	if err == nil {
		err = say(fresh, "x", long)
		_ = fresh.Close()
	}
	if !refused(err) {
		t.Errorf("a new connection: %v", err)
	}
	if n := p.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	p.Set(Mode{})
	if err := say(dial(t, p), "after", long); err != nil {
		t.Error(err)
	}
}

func TestHalfClose(t *testing.T) {
	p := open(t, echo(t))
	c := dial(t, p)
	if err := say(c, "before", long); err != nil {
		t.Fatal(err)
	}
	p.HalfClose()
	if err := c.SetReadDeadline(time.Now().Add(long)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := io.WriteString(c, "the other direction"); err != nil {
		t.Error(err)
	}
}

// A real client works through a proxy, gets KAFKA_STORAGE_ERROR while the disk is full, and nothing of what was
// answered so is in the log.
func TestDiskFull(t *testing.T) {
	cluster := kafkatest.Start(t)
	p := open(t, cluster.Addrs()[0])
	client := directed(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	produce := func(value string) error {
		return client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr()
	}
	if err := produce("one"); err != nil {
		t.Fatal(err)
	}
	p.Set(Mode{Answer: DiskFull})
	if err := produce("two"); !errors.Is(err, kerr.KafkaStorageError) {
		t.Fatalf("while the disk is full: %v", err)
	}
	p.Set(Mode{})
	if err := produce("three"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < 2 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if want := []string{"one", "three"}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("the log has %q", got)
	}
}

// directed returns a client that takes the proxy for every broker.
func directed(t *testing.T, p *Proxy) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Addr()), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("t"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableIdempotentWrite(), kgo.RecordRetries(1),
		kgo.UnknownTopicRetries(20),
		kgo.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.Addr())
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// A request that is answered here waits for the answers to those before it.
func TestAnswersInOrder(t *testing.T) {
	server, far := net.Pipe()
	client, near := net.Pipe()
	for _, c := range []net.Conn{server, far, client, near} {
		defer func() { _ = c.Close() }()
	}
	f := newFrames(&link{client: near, server: server})
	ours := func(r Request) (kmsg.Response, bool) {
		return kmsg.NewPtrApiVersionsResponse(), r.Correlation == 2
	}
	frame := func(correlation byte) []byte {
		return []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, correlation, 0xff, 0xff}
	}
	passed := make(chan []byte, 2)
	go func() {
		b := make([]byte, 100)
		n, _ := far.Read(b)
		passed <- bytes.Clone(b[:n])
	}()
	// The two requests come cut at any byte.
	all := append(frame(1), frame(2)...)
	if err := errors.Join(f.fromClient(Mode{Answer: ours}, all[:17]), f.fromClient(Mode{Answer: ours}, all[17:])); err != nil {
		t.Fatal(err)
	}
	if got := <-passed; !bytes.Equal(got, frame(1)) {
		t.Errorf("the server got %v", got)
	}
	answers := make(chan []byte, 1)
	go func() {
		b := make([]byte, 28)
		n, _ := io.ReadFull(client, b[:12])
		m, _ := client.Read(b[n:])
		answers <- b[:n+m]
	}()
	if err := f.fromServer(Mode{}, []byte{0, 0, 0, 8, 0, 0, 0, 1, 1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	if got := <-answers; got[7] != 1 || len(got) < 20 || got[19] != 2 {
		t.Errorf("the client got %v", got)
	}
}
