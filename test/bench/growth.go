package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// axis is one thing of which there may be more and more. Its steps are scenarios; each has a bridge of its own, just started.
type axis struct {
	name    string
	about   string
	steps   []step
	base    int // how many, or how large, the first step is that later ones are comparable with
	each    int // the memory of one is told from so many on; 0: never
	perByte bool
	columns []column
}

// step is a place on an axis.
type step struct {
	scenario
	at   string
	n    int      // how many, or how large
	sets []string // further settings of the bridge
}

// axisNames in the order in which they are measured.
func axisNames() []string {
	var names []string
	for _, a := range axes() {
		names = append(names, a.name)
	}
	return names
}

// busy is how many requests are under way at a time, where it is not this that is varied.
const busy = 32

// axes are what --growth measures.
//
// Connections: 32 requests are under way at a time, however many connections are open, and each connection has its turn. The
// broker, the client library and the scheduler see the same load at every step, so that what grows is what a connection
// costs: its state in the kernel, in the poller and in the bridge, none of it in a cache any more. net/http has as many.
// Below 32 connections fewer requests are under way, and what is saved by doing things together is not.
//
// Partitions and topics: records have keys that lead to all partitions in turn, or go to the topics in turn. Without a key
// both clients stay on one partition until a batch is full, and their number does not matter. The franz-go limit does the
// same, since every further partition with records under way is a batch of its own.
//
// Sizes: 4 requests under way, so that 40 MB is the most. Judged is the price of a byte beyond that of a request of 100 B, from
// 100 KB on: below, it drowns in the noise of the request's own price.
//
// Consumers: each is in a group of its own and subscribes to a topic of its own, polls for 2 s at a time, and all together get
// 1,000 records/s, evenly. So a poll returns one record whatever their number; the price of a record has in it the fetches
// that return nothing and the heartbeats, which grow with it. The franz-go limit is as many clients with the same settings.
// Memory is looked at when nobody has polled for 4 s, and that of one consumer includes its connection. One consumer alone gets
// more than a record per poll wherever the broker takes longer than a millisecond: 10 of them are the base.
func axes() []axis {
	return []axis{connectionAxis(), partitionAxis(), topicAxis(), sizeAxis(), consumerAxis()}
}

// single is the scenario of which all axes but the last are variations.
func single(name, at string) scenario {
	return scenario{name: name + "-" + at, format: "json", size: 100, records: 1, producers: busy}
}

func connectionAxis() axis {
	a := axis{
		name: "connections", base: 100, each: 1000,
		about:   "connections open, each in its turn, up to 32 requests under way",
		columns: slices.Concat(produceColumns(), memoryColumns(), verdictColumns()),
	}
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		s := single(a.name, strconv.Itoa(n))
		s.connections, s.producers = n, min(n, busy)
		a.steps = append(a.steps, step{scenario: s, at: thousands(n), n: n, sets: []string{"http.max.connections=" + strconv.Itoa(n+busy)}})
	}
	return a
}

func partitionAxis() axis {
	a := axis{
		name:    "partitions",
		about:   "partitions of one topic, records with keys to all of them, 32 connections",
		columns: slices.Concat(produceColumns(), rssColumns(), verdictColumns()),
	}
	for _, n := range []int{1, 10, 100, 1000} {
		s := single(a.name, strconv.Itoa(n))
		s.manyParts, s.keys = n, 4096
		a.steps = append(a.steps, step{scenario: s, at: thousands(n), n: n})
	}
	return a
}

func topicAxis() axis {
	a := axis{
		name:    "topics",
		about:   "topics of one partition, in turns, 32 connections",
		columns: slices.Concat(produceColumns(), rssColumns(), verdictColumns()),
	}
	for _, n := range []int{1, 10, 100, 1000} {
		s := single(a.name, strconv.Itoa(n))
		s.manyTopics, s.manyParts = n, 1
		a.steps = append(a.steps, step{scenario: s, at: thousands(n), n: n})
	}
	return a
}

func sizeAxis() axis {
	const largest, bodies = 12 << 20, 256 << 20 // a record of 10 MB with its envelope; what may be under way of them
	a := axis{
		name: "sizes", base: 100_000, perByte: true,
		about:   "bytes of a json record, one per request, 4 connections; further bytes are those beyond 100",
		columns: slices.Concat(produceColumns(), byteColumns(), rssColumns(), verdictColumns()),
	}
	for _, size := range []struct {
		at string
		n  int
	}{{"100 B", 100}, {"1 KB", 1000}, {"10 KB", 10_000}, {"100 KB", 100_000}, {"1 MB", 1_000_000}, {"10 MB", 10_000_000}} {
		s := single(a.name, strconv.Itoa(size.n))
		s.size, s.producers, s.largest = size.n, 4, largest
		a.steps = append(a.steps, step{scenario: s, at: size.at, n: size.n, sets: []string{
			fmt.Sprintf("kafka.producer.max.request.size=%d", largest), fmt.Sprintf("http.max.inflight.bytes=%d", bodies),
		}})
	}
	return a
}

func consumerAxis() axis {
	a := axis{
		name: "consumers", base: 10, each: 100,
		about:   "consumers, each with a group and a topic, 1,000 records/s for all of them together",
		columns: slices.Concat(pollColumns(), memoryColumns(), verdictColumns()),
	}
	for _, n := range []int{1, 10, 100, 1000} {
		s := scenario{name: a.name + "-" + strconv.Itoa(n), format: "json", size: 100, consumers: n, manyTopics: n, manyParts: 1, rate: 1000}
		a.steps = append(a.steps, step{scenario: s, at: thousands(n), n: n})
	}
	return a
}

// pickAxes reads a comma-separated list of axes; "true", which stands for a flag without a value, are all.
func pickAxes(list string) ([]string, error) {
	if list == "true" {
		return axisNames(), nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(axisNames(), name) {
			return nil, fmt.Errorf("%q is not one of %s", name, strings.Join(axisNames(), ","))
		}
	}
	return names, nil
}

// openFiles returns an error if this process, and its children with it, may not open what an axis needs. The bridge takes
// three quarters of its file descriptors for connections.
func (a axis) openFiles(limit uint64) error {
	most := 0
	for _, s := range a.steps {
		most = max(most, s.connections, 4*s.consumers)
	}
	const others = 512
	if need := uint64(most)*4/3 + others; limit < need {
		return fmt.Errorf("%s need %d open files, and %d are allowed: raise ulimit -n, or leave them out of --growth", a.name, need, limit)
	}
	return nil
}

// grow measures the axes that the command line picks.
func (b *bench) grow(ctx context.Context) error {
	var picked []axis
	for _, a := range axes() {
		if slices.Contains(b.growth, a.name) {
			picked = append(picked, a)
		}
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	for _, a := range picked {
		if err := a.openFiles(files.Cur); err != nil {
			return err
		}
	}
	var failed []error
	for _, a := range picked {
		failed = append(failed, b.along(ctx, a))
	}
	return errors.Join(failed...)
}

// along measures an axis; what is known of it so far is in the report. A step that fails is left out, and its error returned
// after the others.
func (b *bench) along(ctx context.Context, a axis) error {
	g := grown{Axis: a.name, About: a.about, axis: a}
	var failed []error
	for _, s := range a.steps {
		if !b.picks(s.name, true) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		began := time.Now()
		r, err := b.step(ctx, a, s)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s failed: %v\n", s.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		fmt.Fprintf(os.Stderr, "%s (%.0f s)\n", r.Result.line(), time.Since(began).Seconds())
		g.Rows = append(g.Rows, r)
		g.judge()
		b.report.setGrowth(g)
	}
	return errors.Join(failed...)
}

// step measures one step on a bridge of its own.
func (b *bench) step(ctx context.Context, a axis, s step) (row, error) {
	own := *b
	own.sets = slices.Concat(s.sets, b.sets)
	r := row{At: s.at, N: s.n}
	tell := a.each > 0 && s.n >= a.each
	if tell && s.connections > 0 {
		var err error
		if r.Each, err = own.apiece(ctx, s.connections); err != nil {
			return r, err
		}
	}
	bridge, rest, err := own.rested(ctx)
	if err != nil {
		return r, err
	}
	defer func() { _ = bridge.stop() }() // what it says at its end is no figure
	if r.Result, err = own.measure(ctx, s.scenario, b.acks[0], []subject{bridge.subject}); err != nil {
		return r, err
	}
	after := r.Result.Parties[0].After
	r.RSS, r.Peak, r.Threads = float64(after.RSS)/(1<<20), float64(after.Peak)/(1<<20), after.Threads
	if tell && s.consumers > 0 {
		r.Each = float64(after.RSS-rest.RSS) / 1024 / float64(s.consumers)
	}
	r.Cost, r.Ratio = r.of(steg, sample.perRecord), r.Result.Ratios[0].Median
	return r, nil
}

// rested starts a bridge and returns what it holds when it has given back what only its start needed.
func (b *bench) rested(ctx context.Context) (*launched, memory, error) {
	bridge, err := b.launch(ctx, b.acks[0])
	if err != nil {
		return nil, memory{}, err
	}
	time.Sleep(atRest)
	m, err := memoryOf(bridge.pid)
	if err != nil {
		return nil, m, errors.Join(err, bridge.stop())
	}
	return bridge, m, nil
}

// apiece returns by how much the resident memory of a bridge that has done nothing else grows with each of n connections that
// have had one answer, in KiB.
func (b *bench) apiece(ctx context.Context, n int) (float64, error) {
	bridge, before, err := b.rested(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = bridge.stop() }()
	l := &load{spread: true}
	defer l.rest()
	for range n {
		l.conns = append(l.conns, dial(bridge.addr))
	}
	if err := l.open(); err != nil {
		return 0, err
	}
	after, err := memoryOf(bridge.pid)
	return float64(after.RSS-before.RSS) / 1024 / float64(n), err
}

// thousands writes a number with a comma between thousands; it has at most six digits.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
