package consumers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// transactional returns the options of a producer with transactions.
func transactional(id string) []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner())}
}

// transaction writes one record in a transaction of its own.
func transaction(t *testing.T, cl *kgo.Client, topic, value string, commit bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
}

func TestSeekBeforeTheFirstPoll(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("auto.offset.reset", "latest"))
	r.produce("t", 0, numbers(0, 5)...)
	for name, start := range map[string]func(i *Instance){
		"subscribed": func(i *Instance) {
			r.ok(i.Subscribe(r.ctx(), []string{"t"}))
			r.assigned(i, 1)
		},
		"assigned": func(i *Instance) { r.ok(i.Assign(r.ctx(), tps("t", 0))) },
	} {
		t.Run(name, func(t *testing.T) {
			i := r.create("g-"+name, "c")
			start(i)
			r.ok(i.Seek(r.ctx(), at("t", 0, 3)))
			r.equal(r.poll(i, 2*time.Second), []string{"3", "4"})
			r.ok(i.SeekToBeginning(r.ctx(), tps("t", 0)))
			r.equal(r.poll(i, 2*time.Second), numbers(0, 5))
			r.ok(i.SeekToEnd(r.ctx(), nil))
			r.equal(r.poll(i, 200*time.Millisecond), nil)
			r.ok(i.SeekToBeginning(r.ctx(), nil))
			r.equal(r.poll(i, 2*time.Second), numbers(0, 5))
			r.ok(i.Unsubscribe(r.ctx()))
		})
	}
}

func TestSeekToEndCountsAtTheNextPoll(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	r.produce("t", 0, "a")
	i := r.assignee("g", "c", tps("t", 0))
	r.ok(i.SeekToEnd(r.ctx(), tps("t", 0)))
	r.produce("t", 0, "b")
	r.equal(r.poll(i, 300*time.Millisecond), nil)
	r.produce("t", 0, "c")
	r.equal(r.poll(i, 2*time.Second), []string{"c"})
}

func TestSeekDropsWhatWasKept(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("max.poll.records", "2"))
	r.produce("t", 0, numbers(0, 10)...)
	i := r.assignee("g", "c", tps("t", 0))
	r.equal(r.poll(i, time.Second), numbers(0, 2))
	r.ok(i.Seek(r.ctx(), at("t", 0, 7)))
	r.equal(r.poll(i, time.Second), numbers(7, 9))
}

func TestSeekWhileAFetchIsUnderWay(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("t", 0))
	r.produce("t", 0, numbers(0, 4)...)
	r.equal(r.read(i, 4), numbers(0, 4))
	before := c.Requests(kmsg.Fetch)
	release := c.Hold(0, kmsg.Fetch)
	r.equal(r.poll(i, 50*time.Millisecond), nil)
	r.eventually("a fetch under way", func() bool { return c.Requests(kmsg.Fetch) > before })
	r.produce("t", 0, "4")
	r.ok(i.Seek(r.ctx(), at("t", 0, 2)))
	release()
	r.equal(r.read(i, 3), numbers(2, 5))
}

// What is fetched ahead for a partition without records holds up neither a seek nor the next records of another one, even
// if the broker may take its time.
func TestAnEmptyPartitionHoldsNothingUp(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)), set("fetch.max.wait.ms", "60000"))
	r.produce("t", 0, numbers(0, 3)...)
	i := r.assignee("g", "c", tps("t", 0, 1))
	began := time.Now()
	r.equal(r.poll(i, patience), numbers(0, 3))
	r.ok(i.Seek(r.ctx(), at("t", 0, 1)))
	r.equal(r.poll(i, patience), numbers(1, 3))
	r.produce("t", 0, "3")
	r.equal(r.poll(i, patience), []string{"3"})
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %s", took)
	}
}

func TestSeekInWhatIsNotAssigned(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)))
	r.produce("t", 0, numbers(0, 5)...)
	seekers := map[string]func(i *Instance, topic string, p int32) error{
		"seek":      func(i *Instance, topic string, p int32) error { return i.Seek(r.ctx(), at(topic, p, 1)) },
		"beginning": func(i *Instance, topic string, p int32) error { return i.SeekToBeginning(r.ctx(), tps(topic, p)) },
		"end":       func(i *Instance, topic string, p int32) error { return i.SeekToEnd(r.ctx(), tps(topic, p)) },
	}
	idle, held := r.create("g", "idle"), r.assignee("g", "held", tps("t", 0))
	for name, seek := range seekers {
		for _, i := range []*Instance{idle, held} {
			err := seek(i, "t", 1)
			var missing *NotAssignedError
			if !errors.As(err, &missing) || err.Error() != "No current assignment for partition t-1" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	r.ok(idle.SeekToEnd(r.ctx(), nil), "no partitions at all")
	r.fails(held.Seek(r.ctx(), at("t", 0, -1)), classIllegalArgument, "seek offset must not be a negative number")

	if err := held.Seek(r.ctx(), append(at("t", 0, 4), at("t", 9, 0)...)); err == nil {
		t.Error("no error for t-9")
	}
	r.equal(r.poll(held, time.Second), []string{"4"}) // what came before the bad one stays applied
}

func TestResetPolicies(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	now := time.Now()
	old := &kgo.Record{Topic: "t", Value: []byte("old"), Timestamp: now.Add(-3 * time.Hour)}
	fresh := &kgo.Record{Topic: "t", Value: []byte("fresh"), Timestamp: now.Add(-time.Minute)}
	c.Produce(old)
	c.Produce(fresh)
	for policy, want := range map[string][]string{
		"earliest":          {"old", "fresh"},
		"latest":            nil,
		"by_duration:PT1H":  {"fresh"},
		"by_duration:PT10H": {"old", "fresh"},
		"by_duration:PT1S":  nil,
	} {
		t.Run(policy, func(t *testing.T) {
			i := r.assignee("g-"+policy, "c", tps("t", 0), "auto.offset.reset", policy)
			if want == nil {
				r.equal(r.poll(i, 300*time.Millisecond), nil)
				return
			}
			r.equal(r.read(i, len(want)), want)
			// beyond the log: the policy decides again, at the next poll
			r.ok(i.Seek(r.ctx(), at("t", 0, 1000)))
			r.equal(r.read(i, len(want)), want)
		})
	}
}

func TestResetPolicyNone(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)), set("auto.offset.reset", "none"))
	r.produce("t", 0, "a", "b")
	i := r.assignee("g", "c", tps("t", 0, 1))
	for range 2 {
		_, err := i.Poll(r.ctx(), time.Second)
		r.fails(err, classNoOffset, "Undefined offset with no reset policy for partitions: [t-0, t-1]")
	}
	r.ok(i.Assign(r.ctx(), tps("t", 0)))
	r.ok(i.Seek(r.ctx(), at("t", 0, 1)))
	r.equal(r.read(i, 1), []string{"b"})
	r.ok(i.Seek(r.ctx(), at("t", 0, 77)))
	_, err := i.Poll(r.ctx(), time.Second)
	r.fails(err, classOutOfRange, "Fetch position FetchPosition{offset=77, offsetEpoch=Optional.empty} is out of range for partition t-0")
	r.ok(i.SeekToBeginning(r.ctx(), nil))
	r.equal(r.read(i, 2), []string{"a", "b"})
}

func TestRecordsDeletedUnderTheConsumer(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("max.poll.records", "1", "max.partition.fetch.bytes", "1"))
	for n := range 6 {
		r.produce("t", 0, fmt.Sprint(n))
	}
	i := r.assignee("g", "c", tps("t", 0))
	r.equal(r.read(i, 1), []string{"0"})
	r.ok(c.Fake.DeleteRecords("t", 0, 4))
	got := r.read(i, 2)
	if got[len(got)-1] != "5" && got[len(got)-1] != "4" {
		t.Errorf("got %q", got)
	}
}
