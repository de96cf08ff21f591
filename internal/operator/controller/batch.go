package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pauseMost is the longest pause after a pass over a group that failed as a whole. A new resource of such a group is not
// looked at before its end.
const pauseMost = 15 * time.Second

// batcher hands out what has to be looked at, many resources at a time, for work that costs one request for many. Resources
// are in groups, by their Kafka cluster. A group that nothing runs for starts at once, without waiting for more; what is added
// while it runs is its next pass. Groups do not wait for each other.
//
// What waits is bounded: by the number of resources, since none waits twice, and by batcherOptions.Bound, beyond which it
// is a look at all of them.
type batcher struct {
	o    batcherOptions
	wake chan struct{} // of size 1: something may be due

	mu     sync.Mutex
	groups map[client.ObjectKey]*queue
}

// batcherOptions is what a batcher does, and how much at a time.
type batcherOptions struct {
	// Work looks after resources of a group, and is never called twice at once for one. An error means the whole group, such as
	// a cluster that is away: after a pause that grows everything of it is looked at again.
	Work  func(ctx context.Context, group client.ObjectKey, p pass) (verdict, error)
	Most  int           // keys in a pass that is not over all
	Bound int           // keys of a group that may wait; more become a pass over all
	Limit time.Duration // of one call of Work: its context ends then
}

// pass is what Work is to look at.
type pass struct {
	Keys  []client.ObjectKey // the longest waiting first, each once
	All   bool               // everything of the group; Keys are those of it that were asked for
	Timed bool               // All, and only the time set it off
}

// verdict says when Work is needed again. What it does not name is done.
type verdict struct {
	Failed []client.ObjectKey                 // after pauses that grow, as long as they go on failing
	Later  map[client.ObjectKey]time.Duration // after a time; an add before that counts
	All    time.Duration                      // of a pass over all: the time to the next one, 0 for none
	// Rest is what remains to be done of the pass when another one may begin, nil if nothing does; what it returns is the verdict
	// then. Rests of a group follow each other, and so no more than one pass gets ahead of them.
	Rest func(ctx context.Context) verdict
}

// queue is one group.
type queue struct {
	running  bool
	turn     chan struct{}      // is taken by the Rest of a pass
	keys     []client.ObjectKey // in the order of their coming
	waiting  map[client.ObjectKey]bool
	all      bool
	later    map[client.ObjectKey]time.Time
	next     time.Time // not after the first of later
	failures map[client.ObjectKey]int
	allAt    time.Time // of the next pass over all by time
	errors   int       // passes in a row that failed as a whole
	rest     time.Time // the end of the pause after one
}

func newBatcher(o batcherOptions) *batcher {
	return &batcher{o: o, wake: make(chan struct{}, 1), groups: make(map[client.ObjectKey]*queue)}
}

// add has resources looked at. It never blocks, and may be called before run.
func (b *batcher) add(group client.ObjectKey, keys ...client.ObjectKey) {
	b.change(group, func(q *queue) {
		for _, key := range keys {
			q.add(key)
		}
		if len(q.keys) > b.o.Bound {
			q.all, q.keys, q.waiting = true, nil, nil
		}
	})
}

// addAll has everything of a group looked at, also if the last pass over it failed a moment ago. Pauses after failures begin anew.
func (b *batcher) addAll(group client.ObjectKey) {
	b.change(group, func(q *queue) {
		q.all, q.rest = true, time.Time{}
		clear(q.failures)
	})
}

func (b *batcher) change(group client.ObjectKey, change func(*queue)) {
	b.mu.Lock()
	q := b.groups[group]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1), later: make(map[client.ObjectKey]time.Time), failures: make(map[client.ObjectKey]int)}
		b.groups[group] = q
	}
	change(q)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run works until the context ends, and returns when no Work runs any more.
func (b *batcher) run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, next := b.due(time.Now())
		for group, p := range due {
			running.Go(func() { b.work(ctx, group, p) })
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-timer.C:
		}
	}
	return nil
}

// idle is how long nothing can come by time alone where nothing is due.
const idle = time.Hour

// due takes the passes to begin now, and tells when to ask again.
func (b *batcher) due(now time.Time) (due map[client.ObjectKey]pass, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due, next = make(map[client.ObjectKey]pass), now.Add(idle)
	for group, q := range b.groups {
		if q.running {
			continue // it wakes run when it ends
		}
		at := q.ready(now)
		switch {
		case at.IsZero() && len(q.turn) > 0:
		case at.IsZero():
			delete(b.groups, group) // nothing is known of it
		case at.After(now):
			next = earlier(next, at)
		default:
			due[group] = q.take(b.o.Most, now)
		}
	}
	return due, next
}

// work makes one pass and notes what comes of it.
func (b *batcher) work(ctx context.Context, group client.ObjectKey, p pass) {
	limited, cancel := context.WithTimeout(ctx, b.o.Limit)
	defer cancel()
	v, err := b.o.Work(limited, group, p)
	if err == nil && v.Rest != nil {
		turn := b.turn(group)
		turn <- struct{}{} // the Rest before this one is bounded too
		b.change(group, func(q *queue) { q.running, q.errors = false, 0 })
		v = v.Rest(limited)
		b.change(group, func(q *queue) { q.settle(p, v, time.Now()) })
		<-turn
		b.change(group, func(*queue) {})
		return
	}
	now := time.Now()
	b.change(group, func(q *queue) {
		q.running = false
		if err != nil {
			q.all, q.rest = true, now.Add(grown(q.errors, pauseMost))
			q.errors++
			return
		}
		q.errors = 0
		q.settle(p, v, now)
	})
}

// turn is that of a group's Rests. The group is there as long as it runs.
func (b *batcher) turn(group client.ObjectKey) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.groups[group].turn
}

func (q *queue) add(key client.ObjectKey) {
	delete(q.later, key)
	if q.waiting[key] {
		return
	}
	if q.waiting == nil {
		q.waiting = make(map[client.ObjectKey]bool)
	}
	q.waiting[key] = true
	q.keys = append(q.keys, key)
}

// ready tells when the next pass may begin: the zero time if there is nothing to do, ever.
func (q *queue) ready(now time.Time) time.Time {
	q.mature(now)
	at := q.allAt
	if len(q.later) > 0 {
		at = earlier(at, q.next)
	}
	if q.all || len(q.keys) > 0 {
		at = now
	}
	if !at.IsZero() && at.Before(q.rest) {
		at = q.rest
	}
	return at
}

// mature moves what was to come later, and whose time has come, to what waits.
func (q *queue) mature(now time.Time) {
	if len(q.later) == 0 || now.Before(q.next) {
		return
	}
	var ripe []client.ObjectKey
	q.next = time.Time{}
	for key, at := range q.later {
		if at.After(now) {
			q.next = earlier(q.next, at)
			continue
		}
		ripe = append(ripe, key)
	}
	slices.SortFunc(ripe, func(a, b client.ObjectKey) int { return q.later[a].Compare(q.later[b]) })
	for _, key := range ripe {
		q.add(key)
	}
}

// take begins a pass. One over all takes what waits and what was to come later with it: it is looked at too.
func (q *queue) take(most int, now time.Time) pass {
	q.running = true
	timed := !q.allAt.IsZero() && !now.Before(q.allAt)
	p := pass{All: q.all || timed, Timed: timed && !q.all && len(q.keys) == 0}
	if p.All {
		p.Keys, q.keys, q.waiting = q.keys, nil, nil
		q.all, q.allAt = false, time.Time{}
		clear(q.later)
		return p
	}
	n := min(len(q.keys), most)
	p.Keys, q.keys = slices.Clone(q.keys[:n]), q.keys[n:]
	for _, key := range p.Keys {
		delete(q.waiting, key)
	}
	return p
}

// settle notes a verdict. What was added while the pass ran comes before what the pass says of it.
func (q *queue) settle(p pass, v verdict, now time.Time) {
	before := q.failures
	if p.All {
		q.failures = make(map[client.ObjectKey]int, len(v.Failed))
		if q.allAt = (time.Time{}); v.All > 0 {
			q.allAt = now.Add(v.All)
		}
	}
	failed := make(map[client.ObjectKey]bool, len(v.Failed))
	for _, key := range v.Failed {
		failed[key] = true
		n := before[key]
		q.failures[key] = n + 1
		q.delay(key, now.Add(grown(n, retryMost)))
	}
	for key, after := range v.Later {
		q.delay(key, now.Add(after))
	}
	for _, key := range p.Keys {
		if !failed[key] {
			delete(q.failures, key)
		}
	}
}

// delay has a key come at a time, unless it comes before.
func (q *queue) delay(key client.ObjectKey, at time.Time) {
	if q.waiting[key] {
		return
	}
	q.later[key] = at
	if len(q.later) == 1 {
		q.next = at
	}
	q.next = earlier(q.next, at)
}

// earlier returns the first of two times, of which the zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// grown is the pause after n failures and one more: retryFirst, doubled each time.
func grown(n int, most time.Duration) time.Duration {
	return min(retryFirst<<min(n, 20), most)
}
