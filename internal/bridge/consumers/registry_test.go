package consumers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestCreateNeedsNoBroker(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Away())
	r := newRig(t, c)
	began := time.Now()
	for n := range 200 {
		r.create("g", fmt.Sprint(n))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("200 creations took %s", took)
	}
	i := r.create("g", "c")
	if i.Name() != "c" || i.Group() != "g" || i.Format() != "json" {
		t.Errorf("got %s %s %s", i.Group(), i.Name(), i.Format())
	}
}

func TestGeneratedNames(t *testing.T) {
	c := kafkatest.Start(t)
	id := `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`
	for bridge, want := range map[string]string{"": "^kafka-bridge-consumer-" + id, "my-bridge": "^my-bridge-" + id} {
		r := newRig(t, c, settings(func(s *Settings) { s.BridgeID = bridge }))
		a, b := r.create("g", ""), r.create("g", "")
		if !regexp.MustCompile(want).MatchString(a.Name()) || a.Name() == b.Name() {
			t.Errorf("names %q and %q with bridge.id %q", a.Name(), b.Name(), bridge)
		}
	}
}

func TestNamesAreUniqueInTheirGroup(t *testing.T) {
	r := newRig(t, kafkatest.Start(t))
	i := r.create("g", "c")
	if _, err := r.registry.Create(Spec{Group: "g", Name: "c"}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	r.create("other", "c")
	if got, err := r.registry.Get("g", "c"); err != nil || got != i {
		t.Errorf("Get: %v %v", got, err)
	}
	for _, id := range []identity{{"g", "x"}, {"x", "c"}} {
		if _, err := r.registry.Get(id.group, id.name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get %v: %v, want ErrNotFound", id, err)
		}
		if err := r.registry.Delete(r.ctx(), id.group, id.name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Delete %v: %v, want ErrNotFound", id, err)
		}
	}
}

func TestCreateRefusesWhatJavaRefuses(t *testing.T) {
	r := newRig(t, kafkatest.Start(t))
	_, err := r.registry.Create(Spec{Group: "g", Name: "c", Overrides: map[string]string{"isolation.level": "foo"}})
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !strings.HasPrefix(invalid.Error(), "Invalid value foo for configuration isolation.level") {
		t.Errorf("got %v", err)
	}
	if _, err := r.registry.Get("g", "c"); !errors.Is(err, ErrNotFound) {
		t.Error("the refused instance exists")
	}
}

func TestNamesGoToKafka(t *testing.T) {
	var got map[string]string
	r := New(Settings{
		Configure: func(o map[string]string) (kafka.Config, error) {
			got = o
			return kafka.Config{}, &kafka.Error{Message: "no"}
		},
		Transport: func() []kgo.Opt { return nil },
	})
	_, err := r.Create(Spec{Group: "g", Name: "c", Overrides: map[string]string{"fetch.min.bytes": "7", "client.id": "x"}})
	if err == nil || got["group.id"] != "g" || got["client.id"] != "c" || got["fetch.min.bytes"] != "7" {
		t.Errorf("%v %v", got, err)
	}
}

func TestReplaceClosesTheOldInstance(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), settings(func(s *Settings) { s.Replace = true }))
	r.produce("t", 0, "a")
	old := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(old, time.Second), []string{"a"})
	ended := make(chan error, 1)
	go func() {
		b, err := old.Poll(context.Background(), time.Minute)
		if err == nil {
			b.Accept(0)
		}
		ended <- err
	}()
	r.eventually("a poll in progress", func() bool { return busy(r, "c") })

	fresh := r.subscriber("g", "c", []string{"t"})
	select {
	case err := <-ended:
		r.ok(err, "the poll in progress ends early, and empty")
	case <-time.After(patience):
		t.Fatal("the poll of the replaced instance goes on")
	}
	r.eventually("the old one closed", func() bool {
		return errors.Is(old.Commit(r.ctx(), nil), ErrClosed)
	})
	r.produce("t", 0, "b")
	r.equal(r.read(fresh, 1), []string{"b"})
}

// busy says whether an operation of an instance of group g is in progress.
func busy(r *rig, name string) bool {
	for _, s := range r.registry.Snapshot() {
		if s.Group == "g" && s.Name == name {
			return s.Busy
		}
	}
	return false
}

func TestDeleteWaitsForThePollInProgress(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, 0), nil)

	polled := make(chan []string, 1)
	go func() { polled <- r.poll(i, 10*time.Second) }()
	r.eventually("a poll in progress", func() bool { return busy(r, "c") })
	deleted := make(chan error, 2)
	for range 2 {
		go func() { deleted <- r.registry.Delete(r.ctx(), "g", "c") }()
	}
	r.eventually("the deletions waiting", func() bool { return len(i.turn) == 1 && waiting(r) })
	behind := make(chan error, 1)
	go func() { behind <- i.Commit(r.ctx(), nil) }()

	r.produce("t", 0, "a")
	r.equal(<-polled, []string{"a"})
	for range 2 {
		r.ok(<-deleted, "delete")
	}
	if err := <-behind; err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("an operation behind the deletion: %v", err)
	}
	if err := i.Commit(r.ctx(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after the deletion: %v, want ErrClosed", err)
	}
	if err := r.registry.Delete(r.ctx(), "g", "c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a later deletion: %v, want ErrNotFound", err)
	}
	if o := r.committed("g", "t", 0); o != 1 {
		t.Errorf("committed %d, want 1", o)
	}
}

// waiting says whether somebody is blocked in Instance.close.
func waiting(*rig) bool {
	buf := make([]byte, 1<<20)
	return strings.Contains(string(buf[:runtime.Stack(buf, true)]), "(*Instance).close(")
}

func TestDeleteGoesOnWithoutItsCaller(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.subscriber("g", "c", []string{"t"})
	b, err := i.Poll(r.ctx(), 0)
	r.ok(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.registry.Delete(ctx, "g", "c"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if _, err := r.registry.Get("g", "c"); err != nil {
		t.Error("gone before the delivery ended")
	}
	b.Accept(0)
	r.eventually("deleted", func() bool {
		_, err := r.registry.Get("g", "c")
		return errors.Is(err, ErrNotFound)
	})
}

func TestEvictionOfThree(t *testing.T) {
	const idle = 400 * time.Millisecond
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), settings(func(s *Settings) { s.IdleTimeout = idle }))
	for n := range 3 {
		r.subscriber("g", fmt.Sprint(n), []string{"t"})
	}
	polled := r.create("h", "polled")
	r.ok(polled.Assign(r.ctx(), tps("t", 0)))
	r.equal(r.poll(polled, 3*idle), nil) // longer than the timeout: a poll in progress is activity
	if _, err := r.registry.Get("h", "polled"); err != nil {
		t.Error("an instance was evicted during its poll")
	}
	for n := range 3 {
		if _, err := r.registry.Get("g", fmt.Sprint(n)); !errors.Is(err, ErrNotFound) {
			t.Errorf("instance %d is still there after three times the timeout", n)
		}
	}
	r.eventually("the last one evicted too", func() bool { return len(r.registry.Snapshot()) == 0 })
}

func TestCloseEndsEverythingInTime(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 4)))
	r.produce("t", 0, "a")
	var polls sync.WaitGroup
	for n := range 10 {
		i := r.subscriber(fmt.Sprint("g", n), "c", []string{"t"})
		r.equal(r.read(i, 1), []string{"a"})
		polls.Go(func() {
			b, err := i.Poll(context.Background(), time.Minute)
			if err == nil {
				b.Accept(len(b.Records))
			} else if !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r.ok(r.registry.Close(ctx))
	polls.Wait()
	for n := range 10 {
		if o := r.committed(fmt.Sprint("g", n), "t", 0); o != 1 {
			t.Errorf("group %d committed %d, want 1", n, o)
		}
	}
	if _, err := r.registry.Create(Spec{Group: "g", Name: "c"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Create after Close: %v, want ErrClosed", err)
	}
}

func TestCloseWithBrokersGone(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, 0), nil)
	c.Down(0)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_ = r.registry.Close(ctx)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Close took %s of 300 ms", took)
	}
	c.Up(0)
}

func TestFiftyConsumersSideBySide(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	r.produce("t", 0, numbers(0, 20)...)
	var all sync.WaitGroup
	for n := range 50 {
		i := r.subscriber(fmt.Sprint("g", n), "c", []string{"t"})
		all.Go(func() {
			var got []string
			for end := time.Now().Add(patience); len(got) < 20 && time.Now().Before(end); {
				b, err := i.Poll(context.Background(), time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, strs(b.Records)...)
				b.Accept(len(b.Records))
			}
			if strings.Join(got, ",") != strings.Join(numbers(0, 20), ",") {
				t.Errorf("consumer %d got %q", n, got)
			}
		})
	}
	all.Wait()
}

func TestIdleConsumersAreCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory, which takes its time")
	}
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	const n = 40
	for k := range n {
		i := r.subscriber(fmt.Sprint("g", k), "c", []string{"t"})
		r.equal(r.poll(i, 0), nil)
		r.assigned(i, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)) / n
	per := (runtime.NumGoroutine() - goroutines) / n
	t.Logf("each: %d KiB and %d goroutines, the cluster's share included", each>>10, per)
	if each > 600<<10 {
		t.Errorf("an idle consumer costs %d KiB", each>>10)
	}
}

func TestSnapshot(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("max.poll.records", "1"))
	r.produce("t", 0, "a", "b")
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, time.Second), []string{"a"})
	all := r.registry.Snapshot()
	if len(all) != 1 {
		t.Fatal(all)
	}
	s := all[0]
	if s.Mode != "subscribed" || s.Busy || s.BufferedRecords != 1 || s.BufferedBytes == 0 || len(s.Assignment) != 1 || s.LastUsed.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestOperationsAfterTheEnd(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.assignee("g", "c", tps("t", 0))
	r.ok(r.registry.Delete(r.ctx(), "g", "c"))
	ctx := r.ctx()
	for name, err := range map[string]error{
		"subscribe":   i.Subscribe(ctx, []string{"t"}),
		"pattern":     i.SubscribePattern(ctx, regexp.MustCompile("^t$")),
		"unsubscribe": i.Unsubscribe(ctx),
		"assign":      i.Assign(ctx, tps("t", 0)),
		"commit":      i.Commit(ctx, nil),
		"seek":        i.Seek(ctx, at("t", 0, 0)),
		"beginning":   i.SeekToBeginning(ctx, nil),
		"end":         i.SeekToEnd(ctx, nil),
		"poll": func() error {
			_, err := i.Poll(ctx, time.Second)
			return err
		}(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	if got := i.Assignment(); len(got) != 0 {
		t.Errorf("assignment %v", got)
	}
}

func TestOperationsEndWithTheirContext(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.assignee("g", "c", tps("t", 0))
	b, err := i.Poll(r.ctx(), 0)
	r.ok(err)
	for name, op := range map[string]func(context.Context) error{
		"subscribe":   func(ctx context.Context) error { return i.Subscribe(ctx, []string{"t"}) },
		"unsubscribe": i.Unsubscribe,
		"assign":      func(ctx context.Context) error { return i.Assign(ctx, tps("t", 0)) },
		"commit":      func(ctx context.Context) error { return i.Commit(ctx, nil) },
		"seek":        func(ctx context.Context) error { return i.Seek(ctx, at("t", 0, 0)) },
		"end":         func(ctx context.Context) error { return i.SeekToEnd(ctx, nil) },
		"poll": func(ctx context.Context) error {
			_, err := i.Poll(ctx, time.Second)
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		if err := op(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s behind a delivery: %v", name, err)
		}
		if err := op(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s with an ended context: %v", name, err)
		}
		cancel()
	}
	b.Accept(0)
	r.equal(r.poll(i, 0), nil)
}

func TestListingDoesNotWait(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.assignee("g", "c", tps("t", 0))
	b, err := i.Poll(r.ctx(), 0)
	r.ok(err)
	defer b.Accept(0)
	if count(i) != 1 || len(r.registry.Snapshot()) != 1 {
		t.Error("no listing during a delivery")
	}
}

func TestTheClockDecidesAboutEviction(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	r := newRig(t, kafkatest.Start(t), settings(func(s *Settings) { s.IdleTimeout, s.Now = time.Hour, clock }))
	r.create("g", "old")
	forward := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	forward(50 * time.Minute)
	used := r.create("g", "used")
	forward(10 * time.Minute)
	r.registry.evict()
	if n := len(r.registry.Snapshot()); n != 2 {
		t.Fatalf("%d instances after exactly an hour, want 2", n)
	}
	r.ok(used.Commit(r.ctx(), nil))
	forward(59 * time.Minute)
	r.registry.evict()
	if all := r.registry.Snapshot(); len(all) != 1 || all[0].Name != "used" {
		t.Errorf("%v", all)
	}
}
