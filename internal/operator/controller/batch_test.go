package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	groupA = client.ObjectKey{Namespace: "ns", Name: "a"}
	groupB = client.ObjectKey{Namespace: "ns", Name: "b"}
)

func keyed(name any) client.ObjectKey {
	return client.ObjectKey{Namespace: "ns", Name: fmt.Sprint(name)}
}

func keyedMany(names ...any) (keys []client.ObjectKey) {
	for _, name := range names {
		keys = append(keys, keyed(name))
	}
	return keys
}

// workshop is a batcher whose work takes a time that is the test's, and is written down.
type workshop struct {
	*batcher
	mu      sync.Mutex
	takes   time.Duration
	verdict func(group client.ObjectKey, p pass) (verdict, error)
	began   time.Time
	diary   []string
	at      map[client.ObjectKey]int // passes that run, by group
}

// workshops runs a test with a batcher in a bubble of its own.
func workshops(t *testing.T, o batcherOptions, test func(*testing.T, *workshop)) {
	t.Helper()
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{began: time.Now(), at: make(map[client.ObjectKey]int)}
		o.Work, o.Limit = w.work, time.Hour
		if o.Most == 0 {
			o.Most, o.Bound = 100, 1000
		}
		w.batcher = newBatcher(o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.run(ctx) }()
		test(t, w)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for group, n := range w.at {
			if n != 0 {
				t.Errorf("run ended before the work of %s", group)
			}
		}
	})
}

func (w *workshop) work(ctx context.Context, group client.ObjectKey, p pass) (verdict, error) {
	w.mu.Lock()
	if w.at[group]++; w.at[group] > 1 {
		w.diary = append(w.diary, "two at once for "+group.Name)
	}
	text := fmt.Sprintf("%v %s", time.Since(w.began), group.Name)
	if p.All {
		text += " all"
	}
	if p.Timed {
		text += " timed"
	}
	for _, key := range p.Keys {
		text += " " + key.Name
	}
	w.diary = append(w.diary, text)
	takes, say := w.takes, w.verdict
	w.mu.Unlock()
	defer w.set(func() { w.at[group]-- })
	select {
	case <-time.After(takes):
	case <-ctx.Done():
	}
	if say == nil {
		return verdict{}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return say(group, p)
}

// set changes what the work does.
func (w *workshop) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// wrote waits and compares what has been done since the last time.
func (w *workshop) wrote(t *testing.T, wait time.Duration, want ...string) {
	t.Helper()
	time.Sleep(wait)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.diary, want) {
		t.Errorf("got  %q\nwant %q", w.diary, want)
	}
	w.diary = nil
}

// TestBatchAtOnce: what comes to an idle group begins without any wait; what comes meanwhile is one pass more.
func TestBatchAtOnce(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		w.set(func() { w.takes = time.Second })
		w.add(groupA, keyed(1))
		w.wrote(t, 0, "0s a 1")
		w.add(groupA, keyed(2))
		w.add(groupA, keyed(1), keyed(2), keyed(3))
		w.wrote(t, 500*time.Millisecond)
		w.wrote(t, time.Hour, "1s a 2 1 3")
	})
}

// TestBatchMost: a pass has a limited number of keys, in the order of their coming.
func TestBatchMost(t *testing.T) {
	workshops(t, batcherOptions{Most: 2, Bound: 100}, func(t *testing.T, w *workshop) {
		w.set(func() { w.takes = time.Second })
		w.add(groupA, keyedMany(1, 2, 3, 4, 5)...)
		w.wrote(t, time.Hour, "0s a 1 2", "1s a 3 4", "2s a 5")
	})
}

// TestBatchBound: more keys than may wait become a pass over all.
func TestBatchBound(t *testing.T) {
	workshops(t, batcherOptions{Most: 2, Bound: 3}, func(t *testing.T, w *workshop) {
		w.set(func() { w.takes = time.Second })
		w.add(groupA, keyed(0))
		w.wrote(t, 0, "0s a 0")
		w.add(groupA, keyedMany(1, 2, 3)...)
		w.add(groupA, keyed(4))
		w.add(groupA, keyed(5))
		w.wrote(t, time.Hour, "1s a all 5")
	})
}

// TestBatchGroups: groups do not wait for each other.
func TestBatchGroups(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		w.set(func() { w.takes = time.Minute })
		w.add(groupA, keyed(1))
		w.wrote(t, time.Second, "0s a 1")
		w.add(groupB, keyed(1))
		w.wrote(t, 0, "1s b 1")
		w.wrote(t, time.Hour)
	})
}

// TestBatchFailures: a key that fails comes again after pauses that grow up to a limit, and a good pass forgets them; it does
// not hold up others.
func TestBatchFailures(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		bad := true
		w.verdict = func(_ client.ObjectKey, p pass) (verdict, error) {
			if bad && slices.Contains(p.Keys, keyed(1)) {
				return verdict{Failed: keyedMany(1)}, nil
			}
			return verdict{}, nil
		}
		w.add(groupA, keyedMany(1, 2)...)
		w.wrote(t, 3*time.Second, "0s a 1 2", "200ms a 1", "600ms a 1", "1.4s a 1", "3s a 1")
		w.add(groupA, keyed(2))
		w.wrote(t, 0, "3s a 2")
		w.wrote(t, time.Minute, "6.2s a 1", "12.6s a 1", "25.4s a 1", "51s a 1")
		w.wrote(t, 2*time.Minute, "1m42.2s a 1", "2m42.2s a 1")
		w.set(func() { bad = false })
		w.wrote(t, time.Minute, "3m42.2s a 1")
		w.set(func() { bad = true })
		w.add(groupA, keyed(1))
		w.wrote(t, 300*time.Millisecond, "4m3s a 1", "4m3.2s a 1")
	})
}

// TestBatchLater: a key comes at its time, and at once if it is asked for before.
func TestBatchLater(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		w.verdict = func(_ client.ObjectKey, p pass) (verdict, error) {
			if len(p.Keys) == 2 {
				return verdict{Later: map[client.ObjectKey]time.Duration{keyed(1): 10 * time.Second, keyed(2): 5 * time.Second}}, nil
			}
			return verdict{}, nil
		}
		w.add(groupA, keyedMany(1, 2)...)
		w.wrote(t, 6*time.Second, "0s a 1 2", "5s a 2")
		w.add(groupA, keyed(1))
		w.wrote(t, time.Hour, "6s a 1")
	})
}

// TestBatchAddedMeanwhile: what is added while its pass runs is looked at after it, whatever the pass says.
func TestBatchAddedMeanwhile(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		w.set(func() { w.takes = time.Second })
		w.verdict = func(client.ObjectKey, pass) (verdict, error) {
			if time.Since(w.began) > time.Second {
				return verdict{}, nil
			}
			return verdict{Later: map[client.ObjectKey]time.Duration{keyed(1): time.Minute}}, nil
		}
		w.add(groupA, keyed(1))
		w.wrote(t, 500*time.Millisecond, "0s a 1")
		w.add(groupA, keyed(1))
		w.wrote(t, time.Hour, "1s a 1")
	})
}

// TestBatchAll: everything is looked at by time, as the last look said; a look over all takes along what waits.
func TestBatchAll(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		again := time.Minute
		w.verdict = func(_ client.ObjectKey, p pass) (verdict, error) {
			if !p.All {
				return verdict{Later: map[client.ObjectKey]time.Duration{keyed(7): 59 * time.Second}}, nil
			}
			return verdict{All: again}, nil
		}
		w.add(groupA, keyed(1))
		w.wrote(t, 0, "0s a 1")
		w.addAll(groupA)
		w.wrote(t, 0, "0s a all")
		w.wrote(t, 2*time.Minute, "1m0s a all timed", "2m0s a all timed")
		w.set(func() { w.takes = time.Second })
		w.add(groupA, keyed(1))
		w.wrote(t, 0, "2m0s a 1")
		w.addAll(groupA)
		w.add(groupA, keyed(2))
		w.set(func() { again = 0 })
		w.wrote(t, time.Hour, "2m1s a all 2")
		if len(w.groups) != 0 {
			t.Errorf("%d groups are remembered of which nothing is known", len(w.groups))
		}
	})
}

// TestBatchAway: a group that fails as a whole is tried again as a whole after pauses that grow; a look that is asked for
// ends the pause, a key does not; another group goes on.
func TestBatchAway(t *testing.T) {
	workshops(t, batcherOptions{}, func(t *testing.T, w *workshop) {
		bad := true
		w.verdict = func(group client.ObjectKey, _ pass) (verdict, error) {
			if bad && group == groupA {
				return verdict{}, errors.New("away")
			}
			return verdict{}, nil
		}
		w.add(groupA, keyed(1))
		w.wrote(t, time.Second, "0s a 1", "200ms a all", "600ms a all")
		w.add(groupA, keyed(2))
		w.add(groupB, keyed(1))
		w.wrote(t, time.Minute, "1s b 1", "1.4s a all 2", "3s a all", "6.2s a all", "12.6s a all", "25.4s a all", "40.4s a all", "55.4s a all")
		w.addAll(groupA)
		w.wrote(t, 0, "1m1s a all")
		w.set(func() { bad = false })
		w.wrote(t, 20*time.Second, "1m16s a all")
		w.set(func() { bad = true })
		w.add(groupA, keyed(1))
		w.wrote(t, 300*time.Millisecond, "1m21s a 1", "1m21.2s a all")
	})
}

// TestBatchRest: the rest of a pass runs beside the next one, but only one pass gets ahead, and rests follow each other; what they
// return counts.
func TestBatchRest(t *testing.T) {
	workshops(t, batcherOptions{Most: 1, Bound: 100}, func(t *testing.T, w *workshop) {
		note := func(text string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.diary = append(w.diary, fmt.Sprintf("%v %s", time.Since(w.began), text))
		}
		w.set(func() { w.takes = time.Second })
		w.verdict = func(_ client.ObjectKey, p pass) (verdict, error) {
			name := p.Keys[0].Name
			return verdict{Failed: keyedMany("not counted"), Rest: func(ctx context.Context) verdict {
				note("rest of " + name)
				time.Sleep(3 * time.Second)
				note("end of " + name)
				if ctx.Err() != nil {
					t.Error("its context has ended")
				}
				if name == "2" {
					return verdict{Later: map[client.ObjectKey]time.Duration{keyed(9): time.Minute}}
				}
				return verdict{}
			}}, nil
		}
		w.add(groupA, keyedMany(1, 2, 3)...)
		w.wrote(t, 12*time.Second,
			"0s a 1", "1s rest of 1", "1s a 2", "4s end of 1", "4s rest of 2", "4s a 3", "7s end of 2", "7s rest of 3", "10s end of 3")
		w.wrote(t, time.Hour, "1m7s a 9", "1m8s rest of 9", "1m11s end of 9")
		if len(w.groups) != 0 {
			t.Errorf("%d groups are remembered of which nothing is known", len(w.groups))
		}
		w.add(groupA, keyed(4))
		w.wrote(t, 2*time.Second, "1h0m12s a 4", "1h0m13s rest of 4")
		w.add(groupA, keyed(5)) // comes when nothing waits but a rest still runs
		w.wrote(t, 10*time.Second, "1h0m14s a 5", "1h0m16s end of 4", "1h0m16s rest of 5", "1h0m19s end of 5")
		w.set(func() { w.takes = 0 })
		w.add(groupA, keyed(6)) // run waits for it
	})
}

// TestBatchBefore: what is added before run is not lost.
func TestBatchBefore(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan pass, 1)
	b := newBatcher(batcherOptions{Most: 10, Bound: 10, Limit: time.Minute, Work: func(_ context.Context, _ client.ObjectKey, p pass) (verdict, error) {
		got <- p
		return verdict{}, nil
	}})
	b.add(groupA, keyed(1))
	ended := make(chan error)
	go func() { ended <- b.run(ctx) }()
	if p := <-got; !slices.Equal(p.Keys, keyedMany(1)) {
		t.Errorf("%+v", p)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBatchLimit: the context of work ends after the limit, and with run's.
func TestBatchLimit(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		began, took := time.Now(), make(chan time.Duration, 10)
		b := newBatcher(batcherOptions{Most: 10, Bound: 10, Limit: time.Minute, Work: func(ctx context.Context, _ client.ObjectKey, _ pass) (verdict, error) {
			<-ctx.Done()
			took <- time.Since(began)
			return verdict{}, nil
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		go func() {
			time.Sleep(70 * time.Second)
			b.add(groupA, keyed(2))
		}()
		b.add(groupA, keyed(1))
		if err := b.run(ctx); err != nil {
			t.Error(err)
		}
		if a, b := <-took, <-took; a != time.Minute || b != 90*time.Second {
			t.Error(a, b)
		}
	})
}

// TestBatchLosesNothing: whatever comes in whatever order, each key is looked at after it was added last, and failures are
// tried until they pass.
func TestBatchLosesNothing(t *testing.T) {
	for seed := range uint64(50) {
		added, seen := map[client.ObjectKey]time.Time{}, map[client.ObjectKey]time.Time{}
		random := rand.New(rand.NewPCG(seed, 1))
		workshops(t, batcherOptions{Most: 3, Bound: 8}, func(t *testing.T, w *workshop) {
			w.set(func() { w.takes = 10 * time.Millisecond })
			w.verdict = func(_ client.ObjectKey, p pass) (v verdict, err error) {
				if random.IntN(10) == 0 {
					return v, errors.New("away")
				}
				v.Later = make(map[client.ObjectKey]time.Duration)
				looked := p.Keys
				if p.All {
					looked = keyedMany(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
				}
				for _, key := range looked {
					switch random.IntN(6) {
					case 0:
						v.Failed = append(v.Failed, key)
					case 1:
						v.Later[key] = time.Second
					default:
						seen[key] = time.Now().Add(-w.takes)
					}
				}
				return v, nil
			}
			for range 200 {
				var key client.ObjectKey
				var pause time.Duration
				w.set(func() { key, pause = keyed(random.IntN(12)), time.Duration(random.IntN(20))*time.Millisecond })
				time.Sleep(pause)
				w.set(func() { added[key] = time.Now() })
				w.add(groupA, key)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			for key, at := range added {
				if seen[key].Before(at) {
					t.Errorf("seed %d: %s was added at %v and seen at %v", seed, key, at, seen[key])
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, line := range w.diary {
				if line == "two at once for a" {
					t.Errorf("seed %d: %s", seed, line)
				}
			}
		})
	}
}
