package consumers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestCommitOfWhatWasPolled(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("enable.auto.commit", "false", "max.poll.records", "2"))
	r.produce("t", 0, numbers(0, 5)...)
	i := r.subscriber("g", "c", []string{"t"})
	r.ok(i.Commit(r.ctx(), nil), "before anything was polled")
	r.equal(r.poll(i, time.Second), numbers(0, 2))
	r.ok(i.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 2 {
		t.Errorf("committed %d, want 2", o)
	}
	r.ok(i.Commit(r.ctx(), at("t", 0, 4)))
	if o := r.committed("g", "t", 0); o != 4 {
		t.Errorf("committed %d, want 4", o)
	}
	r.ok(i.Commit(r.ctx(), []TopicPartitionOffset{}))
	r.equal(r.poll(i, time.Second), numbers(2, 4)) // an explicit commit moves no position
	r.ok(i.Commit(r.ctx(), []TopicPartitionOffset{{"t", 0, 1}, {"t", 0, 3}}))
	if o := r.committed("g", "t", 0); o != 3 {
		t.Errorf("committed %d, want 3: the last one of a partition counts", o)
	}
	r.ok(r.registry.Delete(r.ctx(), "g", "c"))
	if o := r.committed("g", "t", 0); o != 3 {
		t.Errorf("committed %d at the end without auto-commit", o)
	}
}

func TestCommitOfAnUnknownPartitionFailsAtOnce(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	subscribed := r.subscriber("g", "c", []string{"t"})
	r.assigned(subscribed, 1)
	for _, i := range []*Instance{subscribed, r.assignee("h", "c", tps("t", 0))} {
		began := time.Now()
		err := i.Commit(r.ctx(), at("nope", 7, 1))
		r.fails(err, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException", "")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	}
}

func TestCommitIsBoundedAndDelaysNobodyElse(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("default.api.timeout.ms", "700", "request.timeout.ms", "600"))
	r.produce("t", 0, "a")
	slow, other := r.assignee("g", "c", tps("t", 0)), r.assignee("h", "c", tps("t", 0))
	c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "g", Err: kerr.CoordinatorLoadInProgress, Count: -1})
	failed := make(chan error, 1)
	began := time.Now()
	go func() { failed <- slow.Commit(r.ctx(), at("t", 0, 1)) }()
	r.equal(r.read(other, 1), []string{"a"})
	r.ok(other.Commit(r.ctx(), nil))
	r.fails(<-failed, classTimeout,
		"Timeout of 700ms expired before successfully committing offsets {t-0=OffsetAndMetadata{offset=1, leaderEpoch=null, metadata=''}}")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestCommitErrors(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	member := r.subscriber("g", "c", []string{"t"})
	r.assigned(member, 1)
	refuse := func(e *kerr.Error, n int) *kfake.FaultHandle {
		return c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: e, Count: n})
	}
	fault := refuse(kerr.GroupAuthorizationFailed, -1)
	r.fails(member.Commit(r.ctx(), at("t", 0, 1)),
		"org.apache.kafka.common.errors.GroupAuthorizationException", "Not authorized to access group: g")
	fault.Remove()
	fault = refuse(kerr.TopicAuthorizationFailed, -1)
	r.fails(member.Commit(r.ctx(), at("t", 0, 1)),
		"org.apache.kafka.common.errors.TopicAuthorizationException", "Not authorized to access topics: [t]")
	fault.Remove()
	for _, e := range []*kerr.Error{kerr.IllegalGeneration, kerr.UnknownMemberID} {
		fault = refuse(e, -1)
		r.fails(member.Commit(r.ctx(), at("t", 0, 1)), classCommitFailed, "")
		fault.Remove()
	}
	refuse(kerr.RebalanceInProgress, 2)
	r.ok(member.Commit(r.ctx(), at("t", 0, 1)), "a rebalance is waited for")

	// the group has a member: somebody without membership may not commit
	r.fails(r.assignee("g", "other", tps("t", 0)).Commit(r.ctx(), at("t", 0, 1)), classCommitFailed, "")

	r.fails(member.Commit(r.ctx(), at("t", 0, -1)), classIllegalArgument, "Invalid negative offset")

	release := c.Hold(0, kmsg.JoinGroup)
	early := r.subscriber("early", "c", []string{"t"})
	r.fails(early.Commit(r.ctx(), at("t", 0, 1)), classCommitFailed,
		"Offset commit cannot be completed since the consumer is not part of an active group "+
			"for auto partition assignment; it is likely that the consumer was kicked out of the group.")
	release()
}

func TestCommitEndsWithItsCaller(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("t", 0))
	c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := i.Commit(ctx, at("t", 0, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAutoCommit(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)), set("auto.commit.interval.ms", "200", "max.poll.records", "2"))
	r.produce("t", 0, numbers(0, 8)...)
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.poll(i, time.Second), numbers(0, 2))
	time.Sleep(300 * time.Millisecond)
	if o := r.committed("g", "t", 0); o >= 0 {
		t.Errorf("committed %d outside of a poll", o)
	}
	r.equal(r.poll(i, time.Second), numbers(2, 4))
	r.eventually("a commit of what the poll before returned", func() bool { return r.committed("g", "t", 0) == 2 })
	b, err := i.Poll(r.ctx(), time.Second)
	r.ok(err)
	b.Accept(1)
	r.ok(i.Unsubscribe(r.ctx()))
	if o := r.committed("g", "t", 0); o != 5 {
		t.Errorf("committed %d at the end, want 5", o)
	}
	r.ok(i.Subscribe(r.ctx(), []string{"t"}))
	r.equal(r.read(i, 2), numbers(5, 7))
}
