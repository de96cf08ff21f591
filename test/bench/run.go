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
	topics, err := b.topics(ctx, s)
	if err != nil {
		return result{}, err
	}
	defer b.drop(ctx, topics...)
	if s.consumes() {
		stop, err := b.supply(ctx, s, topics)
		if err != nil {
			return result{}, err
		}
		defer stop()
	}
	t := &turns{bench: b, scenario: s, topics: topics, acks: acks}
	defer t.close()
	for _, who := range subjects {
		if err := t.add(who); err != nil {
			return result{}, fmt.Errorf("%s: %w", who.name, err)
		}
	}
	if err := t.limits(); err != nil {
		return result{}, err
	}
	if err := t.take(); err != nil {
		return result{}, err
	}
	nearby, err := t.latencies()
	if err != nil {
		return result{}, err
	}
	r := t.result()
	r.Latencies = nearby
	if !s.consumes() {
		if r.Found, err = b.settled(ctx, r.Acknowledged, topics...); err != nil {
			return r, err
		}
	}
	if b.allocs || b.profile != "" {
		r.Allocs, err = b.allocations(s, acks, topics)
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
	topics  []string
	acks    string
	probe   answer
	probed  int // records sent in advance of the turns
	parties []*party
	closers []func() error
}

func (t *turns) close() {
	for _, f := range t.closers {
		_ = f() // the figures are complete, or there is an error already
	}
}

// add makes a bridge one of the parties.
func (t *turns) add(who subject) error {
	l, err := t.drive(t.scenario, who.addr, t.topics)
	if err != nil {
		return err
	}
	t.closers = append(t.closers, func() error { l.close(); return nil })
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
	p.run = driven(l, who.pid)
	t.parties = append(t.parties, p)
	return nil
}

// learn asks a bridge once, so that the bare server can answer as much.
func (t *turns) learn(addr string) error {
	on := dial(addr)
	defer on.close()
	a, err := on.ask(t.produceRequest(addr, targets(t.topics, t.keys, 0, 1)[0]))
	if err != nil {
		return err
	}
	if err := accepted(a); err != nil {
		return err
	}
	t.probe, t.probed = a, t.probed+t.records
	return nil
}

// accepted judges the answer to a produce request.
func accepted(a answer) error {
	if a.status != 200 && a.status != 204 || bytes.Contains(a.body, []byte(`"error`)) {
		return fmt.Errorf("status %d: %.200s", a.status, a.body)
	}
	return nil
}

// produce returns the operation that sends the scenario's records, to each target in its turn and on each connection in
// its turn, all of which are to one server.
func (s scenario) produce(conns []*conn, to []target) func() (count, error) {
	var requests [][]byte
	for _, t := range to {
		requests = append(requests, s.produceRequest(conns[0].addr, t))
	}
	moved := count{records: s.records, bytes: s.records * s.size}
	turn := 0
	return func() (count, error) {
		on, request := conns[turn%len(conns)], requests[turn%len(requests)]
		turn++
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
		Bootstrap: t.bootstrap, Topics: t.topics, Keys: t.keys, Acks: t.acks, Producers: t.producers, Records: t.records,
		Size: t.size, Largest: t.largest, Format: t.format, Async: t.async, Consumers: t.consumers, Total: t.total(),
		Group: t.group(),
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
	if t.consumes() && t.rate == 0 {
		return inTopic
	}
	return 0
}

// group is how the names of the limit's groups begin, where its consumers are in groups.
func (t *turns) group() string {
	if t.rate == 0 {
		return ""
	}
	return fmt.Sprintf("bench-%s-%d", franz, time.Now().UnixNano())
}

// bareLimit starts the net/http limit; the load on it is that of the bridge without its consumers.
func (t *turns) bareLimit() error {
	task := bareTask{Status: t.probe.status, Bytes: len(t.probe.body)}
	if task.Bytes > 0 {
		task.Media = mediaV2
	}
	p, err := t.serving(nethttp, task)
	if err == nil {
		t.parties = append(t.parties, p)
	}
	return err
}

// serving starts a net/http server and drives it with the scenario's producers.
func (t *turns) serving(name string, task bareTask) (*party, error) {
	text, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	c, err := role(roleBare, string(text))
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, c.stop)
	addr, err := c.line()
	if err != nil {
		return nil, err
	}
	alone := t.scenario
	alone.consumers = 0
	l, err := t.drive(alone, addr, t.topics)
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, func() error { l.close(); return nil })
	return &party{name: name, pid: c.id(), run: driven(l, c.id())}, nil
}

// meet lets the parties see all of many topics or partitions before the first turn: what they cost when they are new, to the
// broker above all, is another figure.
func (t *turns) meet() error {
	all := max(t.manyTopics, t.keys)
	if all == 0 {
		return nil
	}
	for _, p := range t.parties {
		for seen, end := 0, time.Now().Add(meetPatience); seen < all && time.Now().Before(end); {
			s, err := p.run(0, meetTime)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			seen += s.Moved
			if p.name != nethttp && !t.consumes() {
				t.probed += s.Moved
			}
		}
	}
	return nil
}

const (
	// meetTime is how long parties are run that have to see things, until they have seen enough, at most meetPatience.
	meetTime, meetPatience = time.Second, 10 * time.Second
	// restTime is how long it takes a bridge without work to give back what it does not need.
	restTime = 4 * time.Second
)

// rest looks at the parties' memory once more, where it is that of consumers which are not polled any more.
func (t *turns) rest() error {
	if t.rate == 0 {
		return nil
	}
	time.Sleep(restTime)
	for _, p := range t.parties {
		var err error
		if p.after, err = memoryOf(p.pid); err != nil {
			return err
		}
	}
	return nil
}

// take runs all turns, and what belongs before and after them.
func (t *turns) take() error {
	if err := t.meet(); err != nil {
		return err
	}
	for range t.pairs {
		if err := t.turn(); err != nil {
			return err
		}
	}
	return t.rest()
}

// lengths are how long a run takes, and the load before it. Consumers begin with what has come while others had their turn, and
// records of megabytes are few.
func (t *turns) lengths() (warm, length time.Duration) {
	warm, length = t.warm, t.length
	if t.rate > 0 {
		warm *= 2
	}
	if t.size >= 1_000_000 {
		length *= 2
	}
	return warm, length
}

// turn runs each party once.
func (t *turns) turn() error {
	warm, length := t.lengths()
	for _, p := range t.parties {
		s, err := p.run(warm, length)
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
