package consumers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestFirstPollAfterSubscribeReturnsRecords(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 3)))
	r.produce("t", 1, "a", "b")
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, 500*time.Millisecond), []string{"a", "b"})
	if n := count(i); n != 3 {
		t.Errorf("assignment after the poll has %d partitions, want 3", n)
	}
}

func TestPollReturnsAtMostMaxPollRecords(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("max.poll.records", "4"))
	r.produce("t", 0, numbers(0, 10)...)
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, time.Second), numbers(0, 4))
	r.equal(r.poll(i, time.Second), numbers(4, 8))
	r.equal(r.poll(i, time.Second), numbers(8, 10))
}

func TestWhatIsNotAcceptedComesAgain(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("enable.auto.commit", "false"))
	r.produce("t", 0, numbers(0, 5)...)
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.pollSome(i, time.Second, 0), numbers(0, 5))
	r.equal(r.pollSome(i, time.Second, 2), numbers(0, 5))
	r.ok(i.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 2 {
		t.Errorf("committed %d, want 2: what was not accepted was not delivered", o)
	}
	r.equal(r.poll(i, time.Second), numbers(2, 5))
}

func TestEmptyPollTakesItsTimeout(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.create("g", "c")
	r.ok(i.Assign(r.ctx(), tps("t", 0)))
	r.equal(r.poll(i, time.Second), nil) // positions are known after this
	for _, timeout := range []time.Duration{0, 50 * time.Millisecond, 700 * time.Millisecond} {
		began := time.Now()
		r.equal(r.poll(i, timeout), nil)
		if took := time.Since(began); took < timeout || took > timeout+2*time.Second {
			t.Errorf("an empty poll of %s took %s", timeout, took)
		}
	}
}

func TestLongPollReturnsAsSoonAsThereIsARecord(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, 0), nil)
	began := time.Now()
	produced := make(chan struct{})
	time.AfterFunc(300*time.Millisecond, func() {
		defer close(produced)
		r.produce("t", 0, "late")
	})
	r.equal(r.poll(i, 10*time.Second), []string{"late"})
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	<-produced // a record is polled before its producer hears of it, and the broker goes with the test
}

func TestPollWithoutSubscription(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.create("g", "c")
	poll := func() error {
		_, err := i.Poll(r.ctx(), 0)
		return err
	}
	if err := poll(); !errors.Is(err, ErrNotSubscribed) {
		t.Errorf("got %v, want ErrNotSubscribed", err)
	}
	r.ok(i.Subscribe(r.ctx(), []string{"t"}))
	r.ok(i.Subscribe(r.ctx(), nil))
	r.fails(poll(), classIllegalState, "Consumer is not subscribed to any topics or assigned any partitions")
	r.ok(i.Unsubscribe(r.ctx()))
	if err := poll(); !errors.Is(err, ErrNotSubscribed) {
		t.Errorf("got %v, want ErrNotSubscribed", err)
	}
	_, err := i.Poll(r.ctx(), -time.Millisecond)
	r.fails(err, classIllegalArgument, "Invalid negative timeout -1")
}

func TestVanishedClientLosesNothing(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, 0), nil)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	if _, err := i.Poll(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the poll went on for %s", took)
	}
	r.produce("t", 0, "a")
	r.equal(r.poll(i, 5*time.Second), []string{"a"})
}

func TestOperationsQueueAndPollTimeoutCountsFromItsTurn(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.create("g", "c")
	r.ok(i.Assign(r.ctx(), tps("t", 0)))
	r.equal(r.poll(i, time.Second), nil)

	began := time.Now()
	done := make(chan time.Duration, 2)
	for range 2 {
		go func() {
			r.poll(i, 400*time.Millisecond)
			done <- time.Since(began)
		}()
	}
	<-done
	if second := <-done; second < 800*time.Millisecond {
		t.Errorf("two polls of 400 ms at once were over after %s", second)
	}

	long, err := i.Poll(r.ctx(), 0)
	r.ok(err)
	waiting, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := i.Commit(waiting, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an operation behind a delivery got %v, want to wait until its context ends", err)
	}
	long.Accept(0)
	r.ok(i.Commit(r.ctx(), nil))
}

func TestLongPollDoesNotSpin(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("fetch.max.wait.ms", "300"))
	i := r.create("g", "c")
	r.ok(i.Assign(r.ctx(), tps("t", 0)))
	r.poll(i, 100*time.Millisecond)
	before := c.Requests(kmsg.Fetch)
	r.poll(i, 1500*time.Millisecond)
	if n := c.Requests(kmsg.Fetch) - before; n < 2 || n > 7 {
		t.Errorf("%d fetches in 1.5 s, want about 5", n)
	}
	before = c.Requests(kmsg.Fetch)
	time.Sleep(700 * time.Millisecond)
	if n := c.Requests(kmsg.Fetch) - before; n > 1 {
		t.Errorf("%d fetches while nobody polled", n)
	}
}

func TestSeveralBrokersDoNotWaitForEachOther(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Topic("t", 6))
	r := newRig(t, c, set("fetch.max.wait.ms", "5000"))
	i := r.create("g", "c")
	r.ok(i.Assign(r.ctx(), tps("t", 0, 1, 2, 3, 4, 5)))
	for p := range int32(6) {
		r.produce("t", p, "x")
		began := time.Now()
		r.equal(r.read(i, 1), []string{"x"})
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the record of partition %d took %s", p, took)
		}
	}
}
