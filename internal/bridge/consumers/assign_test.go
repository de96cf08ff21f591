package consumers

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// assigned creates an instance with partitions assigned by hand.
func (r *rig) assignee(group, name string, partitions []TopicPartition, overrides ...string) *Instance {
	r.Helper()
	i := r.create(group, name, overrides...)
	r.ok(i.Assign(r.ctx(), partitions), "assign")
	return i
}

func TestAssignStartsAtTheCommittedOffset(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 2)))
	r.produce("t", 0, numbers(0, 5)...)
	r.produce("t", 1, "x")
	first := r.create("g", "first")
	r.ok(first.Commit(r.ctx(), at("t", 0, 3)), "a commit without subscription")

	i := r.assignee("g", "c", tps("t", 0, 1))
	if n := count(i); n != 2 {
		t.Errorf("the listing has %d partitions at once, want 2", n)
	}
	got := map[string]bool{}
	for _, v := range r.read(i, 3) {
		got[v] = true
	}
	if !got["3"] || !got["4"] || !got["x"] {
		t.Errorf("got %v", got)
	}
}

func TestAssignCommitsWithoutMembership(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, set("enable.auto.commit", "false"))
	r.produce("t", 0, "a", "b")
	i := r.assignee("g", "c", tps("t", 0))
	r.equal(r.poll(i, time.Second), []string{"a", "b"})
	r.ok(i.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 2 {
		t.Errorf("committed %d, want 2", o)
	}
	if n := c.Requests(kmsg.JoinGroup); n != 0 {
		t.Errorf("%d joins", n)
	}
}

func TestAssignedTopicThatComesLater(t *testing.T) {
	c := kafkatest.Start(t) // which creates topics when asked to
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("later", 0))
	r.equal(r.poll(i, 1500*time.Millisecond), nil)
	if c.Fake.TopicInfo("later") != nil {
		t.Fatal("the assignment created its topic")
	}
	c.CreateTopic("later", 1)
	r.produce("later", 0, "a")
	r.equal(r.poll(i, 4*time.Second), []string{"a"})
}

func TestAssignReplaces(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 3))
	r := newRig(t, c, set("max.poll.records", "2"))
	for p := range int32(3) {
		r.produce("t", p, numbers(int(10*p), int(10*p+4))...)
	}
	i := r.assignee("g", "c", tps("t", 0))
	r.equal(r.poll(i, time.Second), []string{"0", "1"})
	r.ok(i.Assign(r.ctx(), tps("t", 0, 1)))
	r.equal(r.read(i, 2), []string{"2", "3"}) // partition 0 goes on where it was
	r.equal(r.read(i, 2), []string{"10", "11"})
	r.ok(i.Assign(r.ctx(), tps("t", 2)))
	r.equal(r.read(i, 2), []string{"20", "21"})
	r.eventually("the positions left behind are committed", func() bool {
		return r.committed("g", "t", 0) == 4 && r.committed("g", "t", 1) == 2
	})
	r.ok(i.Assign(r.ctx(), nil))
	if n := count(i); n != 0 {
		t.Errorf("%d partitions after an empty assignment", n)
	}
	_, err := i.Poll(r.ctx(), 0)
	r.fails(err, classIllegalState, "Consumer is not subscribed to any topics or assigned any partitions")
}

func TestLeaderChange(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("t", 0))
	for n := range 5 {
		r.produce("t", 0, numbers(n, n+1)...)
		r.equal(r.read(i, 1), numbers(n, n+1))
		r.ok(c.Fake.MoveTopicPartition("t", 0, int32(n%3)))
	}
}

func TestBrokerGoneAndBack(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("t", 0))
	r.produce("t", 0, "a")
	r.equal(r.read(i, 1), []string{"a"})
	c.Down(0)
	r.equal(r.poll(i, 500*time.Millisecond), nil)
	c.Up(0)
	r.produce("t", 0, "b")
	r.equal(r.read(i, 1), []string{"b"})
}

func TestOneSickPartitionDoesNotStopTheOthers(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(2), kafkatest.Topic("t", 2))
	r := newRig(t, c)
	i := r.assignee("g", "c", tps("t", 0, 1))
	r.ok(c.Fake.MoveTopicPartition("t", 0, 0))
	r.ok(c.Fake.MoveTopicPartition("t", 1, 1))
	r.produce("t", 0, "a")
	r.produce("t", 1, "b")
	if got := r.read(i, 2); len(got) != 2 {
		t.Fatal(got)
	}
	c.Hold(0, kmsg.Fetch, kmsg.ListOffsets)
	r.produce("t", 0, "d")
	r.produce("t", 1, "c")
	r.equal(r.poll(i, 5*time.Second), []string{"c"})
}

// TestNewMemberBesideAHungBroker: a member that is admitted while a broker hangs, be it with reads only or with all that it
// is asked, is given the records of the others.
func TestNewMemberBesideAHungBroker(t *testing.T) {
	for name, keys := range map[string][]kmsg.Key{"reads": {kmsg.Fetch, kmsg.ListOffsets}, "everything": nil} {
		t.Run(name, func(t *testing.T) {
			c := kafkatest.Start(t, kafkatest.Brokers(2), kafkatest.Topic("t", 2))
			r := newRig(t, c, set("request.timeout.ms", "2000"))
			sound := c.Fake.CoordinatorFor("g")
			hung := 1 - sound
			r.ok(c.Fake.MoveTopicPartition("t", 0, hung))
			r.ok(c.Fake.MoveTopicPartition("t", 1, sound))
			r.produce("t", 0, "a")
			r.produce("t", 1, "b")
			release := c.Hold(int(hung), keys...)
			i := r.subscriber("g", "c", []string{"t"})
			r.equal(r.read(i, 1), []string{"b"})
			release()
			r.equal(r.read(i, 1), []string{"a"})
		})
	}
}

func TestFetchErrorsReachThePoll(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	r.produce("t", 0, "a")
	i := r.assignee("g", "c", tps("t", 0))
	fault := c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: kerr.TopicAuthorizationFailed, Count: -1})
	for range 2 {
		_, err := i.Poll(r.ctx(), 3*time.Second)
		r.fails(err, "org.apache.kafka.common.errors.TopicAuthorizationException", "Not authorized to access topics: [t]")
	}
	fault.Remove()
	r.equal(r.read(i, 1), []string{"a"})
}

func TestUnreadableBatchIsSoughtPast(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	r.produce("t", 0, "a")
	r.produce("t", 0, "b")
	stop := c.Rewrite(kmsg.Fetch, func(resp kmsg.Response) {
		for _, topic := range resp.(*kmsg.FetchResponse).Topics {
			for _, p := range topic.Partitions {
				if len(p.RecordBatches) > 70 && p.RecordBatches[7] == 0 {
					p.RecordBatches[65] ^= 0xff // a byte of the batch at offset 0, under its checksum
				}
			}
		}
	})
	defer stop()
	i := r.assignee("g", "c", tps("t", 0))
	for range 2 {
		_, err := i.Poll(r.ctx(), 3*time.Second)
		r.fails(err, classKafka, "Received exception when fetching the next record from t-0. "+
			"If needed, please seek past the record to continue consumption.")
	}
	r.ok(i.Seek(r.ctx(), at("t", 0, 1)))
	r.equal(r.read(i, 1), []string{"b"})
}

func TestReadCommitted(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	cl := c.Client(transactional("tx")...)
	transaction(t, cl, "t", "aborted", false)
	transaction(t, cl, "t", "committed", true)
	strict := r.assignee("g", "strict", tps("t", 0), "isolation.level", "read_committed")
	r.equal(r.read(strict, 1), []string{"committed"})
	r.equal(r.poll(strict, 200*time.Millisecond), nil)
	r.ok(strict.Commit(r.ctx(), nil))
	if o := r.committed("g", "t", 0); o != 4 {
		t.Errorf("committed %d, want 4: behind the marker of the second transaction", o)
	}
	loose := r.assignee("h", "loose", tps("t", 0))
	r.equal(r.read(loose, 2), []string{"aborted", "committed"})
}

func TestFetchLimits(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c, settings(func(s *Settings) { s.FetchBytes = 200 << 10 }))
	big := make([]byte, 50<<10)
	for range 20 {
		r.produce("t", 0, string(big))
	}
	i := r.assignee("g", "c", tps("t", 0), "max.poll.records", "1")
	for n := range 20 {
		b, err := i.Poll(r.ctx(), 5*time.Second)
		r.ok(err)
		if len(b.Records) != 1 || len(b.Records[0].Value) != len(big) {
			t.Fatalf("record %d: %d records", n, len(b.Records))
		}
		if held := r.registry.Snapshot()[0].BufferedBytes; held > 200<<10 {
			t.Errorf("%d bytes held of 204800", held)
		}
		b.Accept(1)
	}
	r.ok(i.Unsubscribe(context.Background()))
	if r.registry.budget.used != 0 {
		t.Errorf("%d bytes of the budget are lost", r.registry.budget.used)
	}
}

func TestFetchFromTheNearestReplica(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(2), kafkatest.Topic("t", 1))
	r := newRig(t, c, set("client.rack", "here"))
	r.ok(c.Fake.MoveTopicPartition("t", 0, 0))
	c.Fake.SetFollowers("t", 0, []int32{1})
	r.produce("t", 0, "a", "b")
	sent := false
	stop := c.Rewrite(kmsg.Fetch, func(resp kmsg.Response) {
		for i := range resp.(*kmsg.FetchResponse).Topics {
			for j := range resp.(*kmsg.FetchResponse).Topics[i].Partitions {
				p := &resp.(*kmsg.FetchResponse).Topics[i].Partitions[j]
				if !sent && p.ErrorCode == 0 {
					sent, p.PreferredReadReplica, p.RecordBatches = true, 1, nil
				}
			}
		}
	})
	defer stop()
	i := r.assignee("g", "c", tps("t", 0))
	r.equal(r.read(i, 2), []string{"a", "b"})
	s := i.current()
	s.mu.Lock()
	replica := s.partitions[TopicPartition{"t", 0}].replica
	s.mu.Unlock()
	if !sent || replica != 1 {
		t.Errorf("read from replica %d, want 1", replica)
	}
	r.ok(i.Seek(r.ctx(), at("t", 0, 500))) // what is out of range, the leader decides
	r.equal(r.read(i, 2), []string{"a", "b"})
}
