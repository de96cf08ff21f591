// Package devbroker is the development broker that the bridge can carry in its
// own process: one Kafka node on loopback, with topics created on first use and
// the data in a directory, so that a laptop needs no other service.
//
// It is kfake, which speaks Kafka's protocol but neither replicates nor
// authenticates. Everything acknowledged is in the operating system's hands and
// survives the death of the process, not of the machine. It must never be
// described or used as more than a development broker, and this package must
// not reach into the bridge: it starts, says where it listens, and stops.
package devbroker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker-wide defaults. What a topic sets for itself wins over them.
const (
	// segmentBytes keeps the memory for loading a log down: kfake reads a
	// segment as a whole, and its default of 100 MiB costs four times as much.
	segmentBytes = 8 << 20
	// retentionBytes (per partition) bounds the disk, and the memory of a start
	// after a crash, when kfake has whole partitions in memory at once.
	retentionBytes = 64 << 20
	// heapAfterLoad is how much of the heap may stay with the process after the
	// load, of which next to nothing is needed later.
	heapAfterLoad = 32 << 20
	// retention of records, as Apache Kafka's default has it.
	retention = 7 * 24 * time.Hour
	// retentionInterval is how often old segments are looked for. kfake by
	// itself looks only if a topic sets a retention of its own.
	retentionInterval = 10 * time.Second
	// cleanerBackoff is the pause between two compactions, Apache Kafka's default.
	cleanerBackoff = 15 * time.Second
	// groupHeartbeat of KIP-848 groups: a second member joins after one
	// interval, which with Apache Kafka's default of 5 s is long to watch.
	groupHeartbeat = time.Second
)

// Options says where a broker keeps its data and where it listens. The zero
// value is a broker on a free loopback port that forgets everything at Close.
type Options struct {
	// Dir holds the data and is created if need be. It must be empty or one
	// that a development broker has used before. Empty means a temporary
	// directory, removed at Close.
	Dir string
	// Addr is the host:port to listen on, port 0 meaning any free one. Empty
	// means 127.0.0.1:0. Nothing authenticates clients, so anything else than
	// loopback is logged as a warning.
	Addr string
	// Advertised is the host:port that clients are told to connect to. Empty
	// means the one listened on; it is required if that is a wildcard.
	Advertised string
	// Logger gets what the broker has to say; nil means nobody does.
	Logger *slog.Logger

	retentionEvery time.Duration // a test's, instead of retentionInterval
}

// Broker is a running development broker.
type Broker struct {
	cluster   *kfake.Cluster
	log       *brokerLog
	addr, dir string
	temporary bool
	lock      *os.File
	stop      context.CancelFunc
	done      chan struct{} // closed when the retention loop has ended
	close     func() error
}

// Start starts a broker and returns when it serves; ctx bounds the start only.
// Each error is one line that names the address or the directory: port in use,
// directory not writable, held by another process, or holding other files.
func Start(ctx context.Context, o Options) (*Broker, error) {
	began := time.Now()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.retentionEvery == 0 {
		o.retentionEvery = retentionInterval
	}
	b := &Broker{log: &brokerLog{to: o.Logger}, done: make(chan struct{})}
	b.close = sync.OnceValue(b.shutdown)
	ln, err := listen(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := b.open(o.Dir); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	b.cluster, err = kfake.NewCluster(settings(b, ln)...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: data in %s: %w", b.dir, err), ln.Close(), b.release())
	}
	returnMemory()
	RefuseBadTopicNames(b.cluster)
	createOnUse(b.cluster)
	b.addr = ln.Addr().String()
	ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	go b.retain(ctx, o.retentionEvery)
	o.Logger.Info("embedded development broker started", "address", b.addr, "dir", b.dir,
		"temporary", b.temporary, "start_ms", time.Since(began).Milliseconds())
	return b, nil
}

// Addr returns the host:port for clients, the advertised one.
func (b *Broker) Addr() string { return b.addr }

// Dir returns the directory that holds the data.
func (b *Broker) Dir() string { return b.dir }

// Close writes down what a later start reads faster, stops the broker and gives
// the directory free, or removes it if it was temporary. It returns what could
// not be written. Further calls do nothing and return the same.
func (b *Broker) Close() error { return b.close() }

func (b *Broker) shutdown() error {
	b.stop()
	<-b.done
	b.log.collect()
	b.cluster.Close()
	return errors.Join(b.log.collected(), b.release())
}

// settings are kfake's options for b on ln.
func settings(b *Broker, ln net.Listener) []kfake.Opt {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("steg-development"),
		kfake.DataDir(b.dir),
		kfake.DefaultNumPartitions(1),
		kfake.WithLogger(b.log),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return Guard(ln), nil }),
		kfake.BrokerConfigs(map[string]string{
			"default.replication.factor":           "1",
			"min.insync.replicas":                  "1",
			"log.segment.bytes":                    strconv.Itoa(segmentBytes),
			"log.retention.bytes":                  strconv.Itoa(retentionBytes),
			"log.retention.ms":                     ms(retention),
			"log.cleaner.backoff.ms":               ms(cleanerBackoff),
			"group.consumer.heartbeat.interval.ms": ms(groupHeartbeat),
		}),
	}
}

// returnMemory gives what a large load took back to the system, which the
// runtime by itself would do only as the program goes on allocating.
func returnMemory() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapInuse > heapAfterLoad {
		debug.FreeOSMemory()
	}
}

// retain applies the retention until ctx ends, once per interval.
func (b *Broker) retain(ctx context.Context, every time.Duration) {
	defer close(b.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.cluster.ApplyRetention()
		}
	}
}

// open makes the data directory ready and locks it.
func (b *Broker) open(dir string) error {
	var err error
	if b.temporary = dir == ""; b.temporary {
		dir, err = os.MkdirTemp("", "steg-embedded-")
	} else if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("embedded broker: directory for the data: %w", err)
	}
	b.dir = dir
	if b.lock, err = lockDir(dir); err != nil {
		return err
	}
	if err := checkOwn(dir); err != nil {
		return errors.Join(err, b.lock.Close())
	}
	return nil
}

// release gives the directory back. The lock goes last, so that nobody else
// uses a directory that is being removed.
func (b *Broker) release() error {
	var err error
	if b.temporary {
		err = os.RemoveAll(b.dir)
	}
	return errors.Join(err, b.lock.Close())
}

// listen opens the broker's listener, whose Addr is the advertised one: kfake
// tells clients what the listener says.
func listen(ctx context.Context, o Options) (net.Listener, error) {
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("embedded broker: %s: %w", addr, syscall.EADDRINUSE)
	case err != nil:
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	bound := ln.Addr().(*net.TCPAddr)
	if !bound.IP.IsLoopback() {
		o.Logger.Warn("the embedded broker listens beyond this machine and lets anybody in", "address", bound.String())
	}
	advertised, err := advertisedAddr(o.Advertised, bound)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return &advertisedListener{Listener: ln, addr: advertised}, nil
}

// advertisedAddr returns what clients are told. Port 0 means the bound port.
func advertisedAddr(advertised string, bound *net.TCPAddr) (hostPort, error) {
	if advertised == "" {
		if bound.IP.IsUnspecified() {
			return "", fmt.Errorf("embedded broker: clients cannot connect to %s: an advertised address is needed", bound)
		}
		return hostPort(bound.String()), nil
	}
	host, port, err := net.SplitHostPort(advertised)
	if err != nil {
		return "", fmt.Errorf("embedded broker: advertised address: %w", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" {
		return "", fmt.Errorf("embedded broker: advertised address %q is not host:port", advertised)
	}
	if n == 0 {
		port = strconv.Itoa(bound.Port)
	}
	return hostPort(net.JoinHostPort(host, port)), nil
}

type advertisedListener struct {
	net.Listener
	addr hostPort
}

func (l *advertisedListener) Addr() net.Addr { return l.addr }

// hostPort is an address of TCP whose host may be a name.
type hostPort string

func (hostPort) Network() string  { return "tcp" }
func (a hostPort) String() string { return string(a) }
