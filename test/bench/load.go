package main

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is what drives one server: workers, and what they work with.
type load struct {
	workers []worker
	conns   []*conn // of the producers
	spread  bool    // more connections than producers: they are opened before a run, and closed after it
	joined  time.Duration
	closers []func() error
}

// target is where a produce request goes.
type target struct{ topic, key string }

// targets are one worker's share of all targets of a scenario: every topic, or every key, belongs to one worker; where
// there are more workers than targets they share them. keys of 0 means records without a key.
func targets(topics []string, keys, which, workers int) []target {
	n := max(len(topics), keys)
	var own []target
	for i := which % n; i < n; i += workers {
		to := target{topic: topics[i%len(topics)]}
		if keys > 0 {
			to.key = "k" + strconv.Itoa(i)
		}
		own = append(own, to)
	}
	return own
}

// drive returns the load of a scenario on a server. Consumers need a bridge, and have joined their groups.
func (b *bench) drive(s scenario, addr string, topics []string) (*load, error) {
	l := &load{spread: s.connections > s.producers}
	for which := range s.producers {
		own := make([]*conn, 0, 1)
		for i := which; i < max(s.connections, s.producers); i += s.producers {
			own = append(own, dial(addr))
		}
		l.conns = append(l.conns, own...)
		l.workers = append(l.workers, worker{do: s.produce(own, targets(topics, s.keys, which, s.producers))})
	}
	l.closers = append(l.closers, func() error { l.rest(); return nil })
	if err := l.consumers(s, addr, topics); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// consumers adds the scenario's consumers, each in a group of its own.
func (l *load) consumers(s scenario, addr string, topics []string) error {
	timeout := 500 * time.Millisecond
	if s.rate > 0 {
		timeout = longPoll
	}
	began := time.Now().UnixNano()
	all := make([]*consumer, s.consumers)
	var err error
	l.joined, err = join(s.consumers, func(i int) error {
		c, err := newConsumer(addr, fmt.Sprintf("bench-%d-%d", began, i), topics[i%len(topics)], s.format, timeout)
		if err != nil {
			return err
		}
		all[i], c.size = c, s.size
		if !s.consumes() {
			return nil
		}
		if s.rate == 0 {
			c.total = inTopic
		}
		return c.ready()
	})
	l.closers = append(l.closers, func() error {
		return each(len(all), func(i int) error {
			if all[i] == nil {
				return nil
			}
			return all[i].close()
		})
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		l.workers = append(l.workers, worker{do: c.next, background: !s.consumes()})
	}
	return nil
}

// close ends what the load holds. The figures are complete by then, or there is an error already.
func (l *load) close() {
	for _, f := range l.closers {
		_ = f()
	}
}

// open opens the connections of a load that has more of them than run at a time, each with a first exchange.
func (l *load) open() error {
	if !l.spread {
		return nil
	}
	return each(len(l.conns), func(i int) error {
		on := l.conns[i]
		_, err := on.ask(request(on.addr, "GET", "/", "application/json", nil))
		return err
	})
}

// rest closes the producers' connections; they are opened again by their next request.
func (l *load) rest() {
	for _, on := range l.conns {
		on.close()
	}
}

// driven measures a process under a load.
func driven(l *load, pid int) func(warm, length time.Duration) (sample, error) {
	return func(warm, length time.Duration) (sample, error) {
		if err := l.open(); err != nil {
			return sample{}, err
		}
		s, err := measure(l.workers, warm, length, func() (time.Duration, error) { return cpuOf(pid) })
		if err != nil {
			return s, err
		}
		m, err := memoryOf(pid)
		s.RSS, s.Joined = m.RSS, milliseconds(l.joined)
		if l.spread {
			l.rest()
		}
		return s, err
	}
}

// atOnce is how many of many like things are done side by side.
const atOnce = 16

// each calls f for 0 to n-1, some at a time, until one fails, and returns the first error.
func each(n int, f func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range min(n, atOnce) {
		group.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// join is each for consumers that join their groups. It returns how long one of them takes, the median.
func join(n int, f func(i int) error) (time.Duration, error) {
	took := make([]float64, n)
	err := each(n, func(i int) error {
		began := time.Now()
		err := f(i)
		took[i] = float64(time.Since(began))
		return err
	})
	if err != nil || n == 0 {
		return 0, err
	}
	return time.Duration(median(took)), nil
}
