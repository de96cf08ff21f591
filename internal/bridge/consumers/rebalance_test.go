package consumers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestMaxPollInterval(t *testing.T) {
	const interval = 400 * time.Millisecond
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("max.poll.interval.ms", "400"))
	r.produce("t", 0, "a")
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, time.Second), []string{"a"})
	r.equal(r.poll(i, 2*interval), nil) // a long poll is polling
	if n := c.Requests(kmsg.LeaveGroup); n != 0 {
		t.Fatal("the member left while it polled")
	}
	r.assigned(i, 0)
	r.eventually("the member left", func() bool { return c.Requests(kmsg.LeaveGroup) > 0 })
	r.fails(i.Commit(r.ctx(), at("t", 0, 1)), classCommitFailed, "")
	// What was delivered and not committed when it left is delivered again.
	r.equal(r.poll(i, time.Second), []string{"a"})
	r.assigned(i, 1)
}

func TestMaxPollIntervalDoesNotEndADelivery(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("max.poll.interval.ms", "200"))
	r.produce("t", 0, "a")
	i := r.subscriber("g", "c", []string{"t"})
	b, err := i.Poll(r.ctx(), time.Second)
	r.ok(err)
	time.Sleep(500 * time.Millisecond)
	if c.Requests(kmsg.LeaveGroup) != 0 {
		t.Error("the member left during a delivery")
	}
	b.Accept(len(b.Records))
	r.ok(i.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 1 {
		t.Errorf("committed %d, want 1", o)
	}
}

func TestTwoMembersShare(t *testing.T) {
	for _, strategy := range []string{
		"org.apache.kafka.clients.consumer.RangeAssignor",
		"org.apache.kafka.clients.consumer.RoundRobinAssignor",
		"org.apache.kafka.clients.consumer.StickyAssignor",
		"org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
	} {
		name := strategy[strings.LastIndex(strategy, ".")+1:]
		t.Run(name, func(t *testing.T) {
			r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 4)), set("partition.assignment.strategy", strategy))
			for p := range int32(4) {
				r.produce("t", p, fmt.Sprint(p))
			}
			a := r.subscriber("g", "a", []string{"t"})
			r.read(a, 4)
			b := r.subscriber("g", "b", []string{"t"})
			r.eventually("two each", func() bool { return count(a) == 2 && count(b) == 2 })
			r.equal(r.poll(b, 300*time.Millisecond), nil) // all of it was committed when the partitions moved
			r.ok(r.registry.Delete(r.ctx(), "g", "a"))
			r.assigned(b, 4)
		})
	}
}

func TestKeptRecordsGoWithTheirPartition(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)), set("max.poll.records", "1"))
	for p := range int32(2) {
		r.produce("t", p, fmt.Sprint(p, "a"), fmt.Sprint(p, "b"), fmt.Sprint(p, "c"))
	}
	a := r.subscriber("g", "a", []string{"t"})
	seen := map[string]int{}
	for _, v := range r.read(a, 2) { // the others are kept
		seen[v]++
	}
	b := r.subscriber("g", "b", []string{"t"})
	r.eventually("one each", func() bool { return count(a) == 1 && count(b) == 1 })
	for end := time.Now().Add(patience); len(seen) < 6; {
		for _, i := range []*Instance{a, b} {
			for _, v := range r.poll(i, 200*time.Millisecond) {
				seen[v]++
			}
		}
		if time.Now().After(end) {
			t.Fatalf("only %v", seen)
		}
	}
	for v, n := range seen {
		if n != 1 {
			t.Errorf("%s was delivered %d times", v, n)
		}
	}
}

func TestRebalanceWaitsForADelivery(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	r.produce("t", 0, "a", "b")
	first := r.subscriber("g", "z-first", []string{"t"})
	batch, err := first.Poll(r.ctx(), time.Second)
	r.ok(err)
	second := r.subscriber("g", "a-second", []string{"t"})
	time.Sleep(600 * time.Millisecond) // several heartbeats: the rebalance has begun, and waits
	batch.Accept(2)
	r.eventually("one of them has the partition", func() bool { return count(first)+count(second) == 1 })
	for _, i := range []*Instance{first, second} {
		r.equal(r.poll(i, 300*time.Millisecond), nil)
	}
}

func TestRebalanceWaitsForACommitOfTheApplication(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("enable.auto.commit", "false"))
	r.produce("t", 0, "a", "b")
	first := r.subscriber("g", "first", []string{"t"})
	r.equal(r.poll(first, time.Second), []string{"a", "b"})
	second := r.subscriber("g", "second", []string{"t"})
	time.Sleep(600 * time.Millisecond)
	r.ok(first.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 2 {
		t.Fatalf("committed %d, want 2: the rebalance took the position first", o)
	}
	r.eventually("one of them has the partition", func() bool { return count(first)+count(second) == 1 })
	for _, i := range []*Instance{first, second} {
		r.equal(r.poll(i, 300*time.Millisecond), nil)
	}
}

func TestRebalanceDoesNotWaitForever(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)), set("enable.auto.commit", "false"))
	r.produce("t", 0, "a")
	first := r.subscriber("g", "first", []string{"t"})
	batch, err := first.Poll(r.ctx(), time.Second)
	r.ok(err)
	second := r.subscriber("g", "second", []string{"t"})
	r.eventually("one partition each", func() bool { return count(first) == 1 && count(second) == 1 })
	batch.Accept(1) // too late: whoever has the partition delivers again
	var again []string
	for end := time.Now().Add(patience); len(again) == 0 && time.Now().Before(end); {
		again = append(r.poll(first, 100*time.Millisecond), r.poll(second, 100*time.Millisecond)...)
	}
	r.equal(again, []string{"a"})
}

func TestLostPartitions(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("enable.auto.commit", "false"))
	r.produce("t", 0, "a")
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, time.Second), []string{"a"})
	c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true})
	r.eventually("delivered again after the member was thrown out", func() bool {
		return len(r.poll(i, 200*time.Millisecond)) == 1
	})
}

// TestNothingIsLost has members of one group come, go and rebalance while records are written and read, with and
// without commits. Every record has to arrive; within one owner's time nothing arrives twice or out of order.
func TestNothingIsLost(t *testing.T) {
	const partitions, records = 4, 400
	for _, auto := range []string{"true", "false"} {
		t.Run("auto-commit "+auto, func(t *testing.T) {
			r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", partitions)),
				set("enable.auto.commit", auto, "max.poll.records", "7", "auto.commit.interval.ms", "100"))
			ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
			defer stop()
			j := &journal{seen: map[string]int{}, done: stop, want: partitions * records}
			var all sync.WaitGroup
			all.Go(func() {
				for n := range records / 20 {
					for p := range int32(partitions) {
						values := make([]string, 20)
						for k := range values {
							values[k] = fmt.Sprintf("%d/%d", p, 20*n+k)
						}
						r.produce("t", p, values...)
					}
				}
			})
			for m := range 3 {
				all.Go(func() { j.member(ctx, r, fmt.Sprint("m", m), auto == "false", m) })
			}
			all.Wait()
			if len(j.seen) != j.want {
				t.Errorf("%d of %d records arrived", len(j.seen), j.want)
			}
			t.Logf("%d deliveries of %d records", j.deliveries, j.want)
		})
	}
}

// journal notes what arrived.
type journal struct {
	mu         sync.Mutex
	seen       map[string]int
	deliveries int
	want       int
	done       context.CancelFunc
}

// member polls until everything arrived; it leaves and comes back now and then.
func (j *journal) member(ctx context.Context, r *rig, name string, commits bool, seed int) {
	for life := 0; ctx.Err() == nil; life++ {
		i, err := r.registry.Create(Spec{Group: "g", Name: fmt.Sprint(name, "-", life)})
		if err != nil {
			r.Error(err)
			return
		}
		if err := i.Subscribe(ctx, []string{"t"}); err != nil && ctx.Err() == nil {
			r.Error(err)
		}
		for n := range 30 + 17*seed {
			b, err := i.Poll(ctx, 50*time.Millisecond)
			if err != nil {
				break
			}
			accept := len(b.Records)
			if n%5 == seed {
				accept /= 2
			}
			j.note(b, accept)
			b.Accept(accept)
			if commits && n%3 == 0 {
				_ = i.Commit(ctx, nil) // a member that was thrown out meanwhile is refused, rightly
			}
		}
		if commits {
			_ = i.Commit(ctx, nil)
		}
		if err := r.registry.Delete(context.Background(), "g", i.Name()); err != nil {
			r.Error(err)
		}
	}
}

func (j *journal) note(b *Batch, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, rec := range b.Records[:n] {
		j.seen[string(rec.Value)]++
		j.deliveries++
	}
	if len(j.seen) == j.want {
		j.done()
	}
}
