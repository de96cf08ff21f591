package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// inTopic is how many records polls find; a consumer that has read them begins again.
const inTopic = 100_000

// measure runs one scenario: bridges and limits take turns.
func (b *bench) measure(ctx context.Context, s scenario, acks string, subjects []subject) (result, error) {
	topic, err := b.topic(ctx, s.name)
	if err != nil {
		return result{}, err
	}
	defer b.drop(ctx, topic)
	if s.consumes() {
		if err := b.fill(ctx, topic, s.format, inTopic, s.size); err != nil {
			return result{}, err
		}
	}
	t := &turns{bench: b, scenario: s, topic: topic, acks: acks}
	defer t.close()
	for _, who := range subjects {
		if err := t.add(who); err != nil {
			return result{}, fmt.Errorf("%s: %w", who.name, err)
		}
	}
	if err := t.limits(); err != nil {
		return result{}, err
	}
	for range b.pairs {
		if err := t.turn(); err != nil {
			return result{}, err
		}
	}
	r := t.result()
	if !s.consumes() {
		if r.Found, err = b.settled(ctx, topic, r.Acknowledged); err != nil {
			return r, err
		}
	}
	if b.allocs || b.profile != "" {
		r.Allocs, err = b.allocations(s, acks, topic)
	}
	return r, err
}

// party is one of those that take turns: a bridge or a limit.
type party struct {
	name    string
	run     func(warm, length time.Duration) (sample, error)
	samples []sample
	before  memory
	after   memory
	pid     int
}

// turns is a scenario under way.
type turns struct {
	*bench
	scenario
	topic, acks string
	probe       answer
	probed      int // records sent to learn the length of an answer
	parties     []*party
	closers     []func() error
}

func (t *turns) close() {
	for _, f := range t.closers {
		_ = f() // the figures are complete, or there is an error already
	}
}

// add makes a bridge one of the parties.
func (t *turns) add(who subject) error {
	workers, closers, err := t.drive(t.scenario, who.addr, t.topic)
	t.closers = append(t.closers, closers...)
	if err != nil {
		return err
	}
	if t.producers > 0 && t.probe.status == 0 {
		if err := t.learn(who.addr); err != nil {
			return err
		}
	}
	p := &party{name: who.name, pid: who.pid}
	if p.before, err = memoryOf(who.pid); err != nil {
		return err
	}
	resetPeak(who.pid)
	p.run = driven(workers, who.pid)
	t.parties = append(t.parties, p)
	return nil
}

// driven measures a process under a load.
func driven(workers []worker, pid int) func(warm, length time.Duration) (sample, error) {
	return func(warm, length time.Duration) (sample, error) {
		s, err := measure(workers, warm, length, func() (time.Duration, error) { return cpuOf(pid) })
		if err != nil {
			return s, err
		}
		m, err := memoryOf(pid)
		s.RSS = m.RSS
		return s, err
	}
}

// learn asks a bridge once, so that the bare server can answer as much.
func (t *turns) learn(addr string) error {
	on := dial(addr)
	defer on.close()
	a, err := on.ask(produceRequest(addr, t.topic, t.format, t.records, t.size, t.async))
	if err != nil {
		return err
	}
	if err := accepted(a); err != nil {
		return err
	}
	t.probe, t.probed = a, t.records
	return nil
}

// accepted judges the answer to a produce request.
func accepted(a answer) error {
	if a.status != 200 && a.status != 204 || bytes.Contains(a.body, []byte(`"error`)) {
		return fmt.Errorf("status %d: %.200s", a.status, a.body)
	}
	return nil
}

// drive returns the load of a scenario on a bridge.
func (b *bench) drive(s scenario, addr, topic string) (workers []worker, closers []func() error, err error) {
	for range s.producers {
		on := dial(addr)
		closers = append(closers, func() error { on.close(); return nil })
		workers = append(workers, worker{do: s.produce(on, topic)})
	}
	for i := range s.consumers {
		const timeout = 500 * time.Millisecond
		c, err := newConsumer(addr, fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i), topic, s.format, timeout)
		if err != nil {
			return nil, closers, err
		}
		closers = append(closers, c.close)
		c.size = s.size
		if s.consumes() {
			c.total = inTopic
			if err := c.ready(); err != nil {
				return nil, closers, err
			}
		}
		workers = append(workers, worker{do: c.next, background: !s.consumes()})
	}
	return workers, closers, nil
}

// produce returns the operation that sends the scenario's records.
func (s scenario) produce(on *conn, topic string) func() (count, error) {
	request := produceRequest(on.addr, topic, s.format, s.records, s.size, s.async)
	moved := count{records: s.records, bytes: s.records * s.size}
	return func() (count, error) {
		a, err := on.ask(request)
		if err != nil {
			return count{}, err
		}
		return moved, accepted(a)
	}
}

// limits starts the limits and makes them parties. Polls have none by HTTP.
func (t *turns) limits() error {
	if t.producers > 0 {
		if err := t.bareLimit(); err != nil {
			return err
		}
	}
	task, err := json.Marshal(rawTask{
		Bootstrap: t.bootstrap, Topic: t.topic, Acks: t.acks, Producers: t.producers, Records: t.records, Size: t.size,
		Format: t.format, Async: t.async, Consumers: t.consumers, Total: t.total(),
	})
	if err != nil {
		return err
	}
	c, err := role(roleRaw, string(task))
	if err != nil {
		return err
	}
	t.closers = append(t.closers, c.stop)
	t.parties = append(t.parties, &party{name: franz, pid: c.id(), run: func(warm, length time.Duration) (sample, error) {
		var s sample
		err := c.ask(rawRun{warm, length}, &s)
		if err == nil && s.Requests == 0 {
			err = errors.New(s.Error)
		}
		return s, err
	}})
	return nil
}

func (t *turns) total() int {
	if t.consumes() {
		return inTopic
	}
	return 0
}

// bareLimit starts the net/http limit; the load on it is that of the bridge without its consumers.
func (t *turns) bareLimit() error {
	task := bareTask{Status: t.probe.status, Bytes: len(t.probe.body)}
	if task.Bytes > 0 {
		task.Media = mediaV2
	}
	text, err := json.Marshal(task)
	if err != nil {
		return err
	}
	c, err := role(roleBare, string(text))
	if err != nil {
		return err
	}
	t.closers = append(t.closers, c.stop)
	addr, err := c.line()
	if err != nil {
		return err
	}
	alone := t.scenario
	alone.consumers = 0
	workers, closers, err := t.drive(alone, addr, t.topic)
	t.closers = append(t.closers, closers...)
	t.parties = append(t.parties, &party{name: nethttp, pid: c.id(), run: driven(workers, c.id())})
	return err
}

// turn runs each party once.
func (t *turns) turn() error {
	for _, p := range t.parties {
		s, err := p.run(t.warm, t.length)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.samples = append(p.samples, s)
		if p.after, err = memoryOf(p.pid); err != nil {
			return err
		}
	}
	return nil
}
