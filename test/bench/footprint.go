package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// allocated is what one request allocates.
type allocated struct {
	Objects float64 `json:"objects_per_request"`
	Bytes   float64 `json:"bytes_per_request"`
	CPU     float64 `json:"cpu_microseconds_per_record"` // of the process that was profiled
}

// twin starts a bridge with a profiler and returns its address.
func (b *bench) twin(acks string) (*child, string, error) {
	args := bridgeArgs(b.options, b.bootstrap, acks, 0)
	var sets []string
	for i := 1; i < len(args); i += 2 {
		sets = append(sets, args[i])
	}
	c, err := role(roleTwin, sets...)
	if err != nil {
		return nil, "", err
	}
	addr, err := c.line()
	if err != nil {
		return nil, "", errors.Join(err, c.stop())
	}
	return c, addr, nil
}

// allocations runs a scenario once more, on the twin, and profiles it if that is wanted.
func (b *bench) allocations(s scenario, acks string, topics []string) (*allocated, error) {
	c, addr, err := b.twin(acks)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.stop() }()
	l, err := b.drive(s, addr, topics)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.open(); err != nil {
		return nil, err
	}
	var asks [2]twinAsk
	if b.profile != "" {
		name := filepath.Join(b.profile, s.name+"-acks-"+acks)
		asks[0].Start, asks[1].Stop = name+".cpu.pb.gz", name+".allocs.pb.gz"
	}
	var says [2]twinSays
	n := 0
	got, err := measure(l.workers, b.warm, b.length, func() (time.Duration, error) {
		err := c.ask(asks[n], &says[n])
		n++
		return says[n-1].CPU, err
	})
	if err != nil {
		return nil, err
	}
	per := func(after, before uint64) float64 { return float64(after-before) / float64(got.Requests) }
	return &allocated{
		Objects: per(says[1].Objects, says[0].Objects), Bytes: per(says[1].Bytes, says[0].Bytes), CPU: got.perRecord(),
	}, nil
}

// add notes a figure.
func (b *bench) add(name string, value float64, unit string, owed, aim float64) {
	b.report.Figures = append(b.report.Figures, figure{Name: name, Value: value, Unit: unit, Owed: owed, Aim: aim})
}

// atRest is how long after its start a bridge has given back what only that needed.
const atRest = time.Second

// starts measures processes that are started one after the other.
func (b *bench) starts(ctx context.Context) error {
	const times = 7
	var wall, cpu, rest []float64
	for range times {
		l, err := b.launch(ctx, b.acks[0])
		if err != nil {
			return err
		}
		time.Sleep(atRest)
		m, err := memoryOf(l.pid)
		if err = errors.Join(err, l.stop()); err != nil {
			return err
		}
		wall = append(wall, l.answered.Seconds()*1e3)
		cpu = append(cpu, l.cpu.Seconds()*1e3)
		rest = append(rest, float64(m.RSS)/(1<<20))
	}
	b.add("start to first 200", median(wall), "ms", 40, 15)
	b.add("CPU until then", median(cpu), "ms", 30, 15)
	b.add("RSS at rest", median(rest), "MiB", 16, 12)
	return nil
}

// laterMemory is what a bridge holds when the load is over.
func (b *bench) laterMemory(who subject) error {
	time.Sleep(restTime)
	m, err := memoryOf(who.pid)
	b.add("RSS after the scenarios", float64(m.RSS)/(1<<20), "MiB", 40, 32)
	b.add("RSS, highest since the last scenario began", float64(m.Peak)/(1<<20), "MiB", 0, 0)
	return err
}

// pending holds produce requests beside waiting polls against the same without them.
func (b *bench) pending(ctx context.Context, who subject) error {
	const aimed50, aimed99 = 1.1, 1.5
	for _, c := range []struct {
		polls          int
		owed50, owed99 float64
	}{
		{64, aimed50, aimed99},
		{1000, 0, 0}, // only aimed at
	} {
		p50, p99, err := b.beside(ctx, who, c.polls)
		if err != nil {
			return fmt.Errorf("%d polls: %w", c.polls, err)
		}
		b.add(fmt.Sprintf("%d polls pending: p50 of a produce", c.polls), p50, "× without", c.owed50, aimed50)
		b.add(fmt.Sprintf("%d polls pending: p99 of a produce", c.polls), p99, "× without", c.owed99, aimed99)
	}
	return nil
}

// beside returns what waiting polls do to the p50 and the p99 of produce requests, the medians of the runs.
func (b *bench) beside(ctx context.Context, who subject, polls int) (p50, p99 float64, err error) {
	s := scenario{name: "pending", format: "json", size: 100, records: 1, producers: 32}
	topic, err := b.topic(ctx, s.name)
	if err != nil {
		return 0, 0, err
	}
	defer b.drop(ctx, topic)
	empty, err := b.topic(ctx, "empty")
	if err != nil {
		return 0, 0, err
	}
	defer b.drop(ctx, empty)
	alone, err := b.drive(s, who.addr, []string{topic})
	if err != nil {
		return 0, 0, err
	}
	defer alone.close()
	company := s
	company.consumers, company.rate = polls, 1 // which makes their polls long
	beside := &load{workers: alone.workers}
	defer beside.close()
	if err := beside.consumers(company, who.addr, []string{empty}); err != nil {
		return 0, 0, err
	}
	var each50, each99 []float64
	for range max(b.pairs, 3) {
		without, err := driven(alone, who.pid)(b.warm, b.length)
		if err != nil {
			return 0, 0, err
		}
		with, err := driven(beside, who.pid)(b.warm, b.length)
		if err != nil {
			return 0, 0, err
		}
		each50, each99 = append(each50, with.P50/without.P50), append(each99, with.P99/without.P99)
	}
	return median(each50), median(each99), nil
}

// footprint measures what idle things cost, on a twin, whose heap can be looked at.
func (b *bench) footprint(ctx context.Context) error {
	for name, f := range map[string]func(context.Context) error{"idle-connections": b.idleConnections, "idle-consumers": b.idleConsumers} {
		if !b.picks(name, true) {
			continue
		}
		if err := f(ctx); err != nil {
			return fmt.Errorf("%s: %w", strings.ReplaceAll(name, "-", " "), err)
		}
	}
	return nil
}

// held is the twin's memory at one moment.
type held struct {
	twinSays
	memory
}

func look(c *child) (held, error) {
	var h held
	err := c.ask(twinAsk{Collect: true}, &h.twinSays)
	if err != nil {
		return h, err
	}
	h.memory, err = memoryOf(c.id())
	return h, err
}

// cost notes what n things cost between two looks.
func (b *bench) cost(what string, before, after held, n int, owed, aim float64) {
	each := func(after, before int64) float64 { return float64(after-before) / 1024 / float64(n) }
	b.add(fmt.Sprintf("%d idle %ss, heap and stack of one", n, what), each(int64(after.Held), int64(before.Held)), "KiB", owed, aim)
	b.add(fmt.Sprintf("%d idle %ss, RSS of one", n, what), each(after.RSS, before.RSS), "KiB", 0, 0)
	b.add(fmt.Sprintf("%d idle %ss, threads more", n, what), float64(after.Threads-before.Threads), "", 0, 0)
}

// idleConnections opens connections that have each asked once, and lets them rest.
func (b *bench) idleConnections(context.Context) error {
	const n = 1000
	c, addr, err := b.twin(b.acks[0])
	if err != nil {
		return err
	}
	defer func() { _ = c.stop() }()
	if !answers(addr) {
		return errors.New("the bridge does not answer")
	}
	before, err := look(c)
	if err != nil {
		return err
	}
	for range n {
		on := dial(addr)
		defer on.close()
		if _, err := on.ask(request(addr, "GET", "/", "application/json", nil)); err != nil {
			return err
		}
	}
	after, err := look(c)
	b.cost("connection", before, after, n, 20, 8)
	return err
}

// idleConsumers subscribes consumers that have each read, and lets them rest.
func (b *bench) idleConsumers(ctx context.Context) error {
	const n = 200
	topic, err := b.topic(ctx, "resting")
	if err != nil {
		return err
	}
	defer b.drop(ctx, topic)
	if err := b.fill(ctx, topic, "json", partitions, 100); err != nil {
		return err
	}
	c, addr, err := b.twin(b.acks[0])
	if err != nil {
		return err
	}
	defer func() { _ = c.stop() }()
	before, err := look(c)
	if err != nil {
		return err
	}
	for i := range n {
		one, err := newConsumer(addr, fmt.Sprintf("resting-%d-%d", time.Now().UnixNano(), i), topic, "json", time.Second)
		if err != nil {
			return err
		}
		defer func() { _ = one.close() }()
		if err := one.ready(); err != nil {
			return err
		}
		one.on.close() // the connection is not part of the consumer
	}
	after, err := look(c)
	if err != nil {
		return err
	}
	b.cost("consumer", before, after, n, 250, 150)
	const rest = 5 * time.Second
	time.Sleep(rest)
	var later twinSays
	if err := c.ask(twinAsk{}, &later); err != nil {
		return err
	}
	b.add(fmt.Sprintf("%d idle consumers, CPU", n), 100*(later.CPU-after.CPU).Seconds()/rest.Seconds(), "% of one core", 0, 0)
	return nil
}
