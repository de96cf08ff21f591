package consumers

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestListingIsTheAssignment(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("a", 2), kafkatest.Topic("b", 1))
	r := newRig(t, c)
	release := c.Hold(0, kmsg.JoinGroup)
	i := r.subscriber("g", "c", []string{"b", "a", "b"})
	if got := i.Assignment(); len(got) != 0 {
		t.Errorf("before the join: %v", got)
	}
	release()
	r.assigned(i, 3)
	want := []TopicPartitions{{"a", []int32{0, 1}}, {"b", []int32{0}}}
	if got := i.Assignment(); !slices.EqualFunc(got, want, func(x, y TopicPartitions) bool {
		return x.Topic == y.Topic && slices.Equal(x.Partitions, y.Partitions)
	}) {
		t.Errorf("got %v, want %v", got, want)
	}
	r.ok(i.Unsubscribe(r.ctx()))
	if got := i.Assignment(); len(got) != 0 {
		t.Errorf("after Unsubscribe: %v", got)
	}
}

func TestModesExclude(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	assign := func(i *Instance) error { return i.Assign(r.ctx(), tps("t", 0)) }
	subscribe := func(i *Instance) error { return i.Subscribe(r.ctx(), []string{"t"}) }
	pattern := func(i *Instance) error { return i.SubscribePattern(r.ctx(), regexp.MustCompile("^t$")) }
	nothing := func(i *Instance) error { return i.Subscribe(r.ctx(), nil) }
	unassign := func(i *Instance) error { return i.Assign(r.ctx(), nil) }
	clear := func(i *Instance) error { return i.Unsubscribe(r.ctx()) }
	type op = func(*Instance) error
	for name, tc := range map[string]struct {
		before []op
		then   op
		mixed  bool
		want   error
	}{
		"assign after subscribe":           {[]op{subscribe}, assign, false, ErrExclusive},
		"assign after pattern":             {[]op{pattern}, assign, false, ErrExclusive},
		"subscribe after assign":           {[]op{assign}, subscribe, false, ErrExclusive},
		"pattern after assign":             {[]op{assign}, pattern, false, ErrExclusive},
		"assign after empty subscribe":     {[]op{subscribe, nothing}, assign, false, ErrExclusive},
		"subscribe after empty assign":     {[]op{assign, unassign}, subscribe, false, ErrExclusive},
		"assign after unsubscribe":         {[]op{subscribe, clear}, assign, false, nil},
		"subscribe after unsubscribe":      {[]op{assign, clear}, subscribe, false, nil},
		"pattern after topics":             {[]op{subscribe}, pattern, true, nil},
		"topics after pattern":             {[]op{pattern}, subscribe, true, nil},
		"pattern after topics, then empty": {[]op{subscribe, nothing}, pattern, false, nil},
		"again":                            {[]op{subscribe}, subscribe, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			i := r.create("g", "")
			for _, o := range tc.before {
				r.ok(o(i))
			}
			err := tc.then(i)
			if tc.mixed {
				r.fails(err, classIllegalState, "Subscription to topics, partitions and pattern are mutually exclusive")
			} else if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			r.ok(i.Unsubscribe(r.ctx()))
		})
	}
}

func TestBlankTopics(t *testing.T) {
	r := newRig(t, kafkatest.Start(t))
	i := r.create("g", "c")
	r.fails(i.Subscribe(r.ctx(), []string{"a", " "}), classIllegalArgument,
		"Topic collection to subscribe to cannot contain null or empty topic")
	r.fails(i.Assign(r.ctx(), tps("", 0)), classIllegalArgument,
		"Topic partitions to assign to cannot have null or empty topic")
}

func TestResubscribeChangesTopics(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("a", 1), kafkatest.Topic("b", 1), kafkatest.Topic("c", 1)))
	for _, topic := range []string{"a", "b", "c"} {
		r.produce(topic, 0, topic+"1")
	}
	i := r.subscriber("g", "c", []string{"a", "b"})
	got := r.read(i, 2)
	slices.Sort(got)
	r.equal(got, []string{"a1", "b1"})

	r.ok(i.Subscribe(r.ctx(), []string{"b", "c"}))
	r.equal(r.read(i, 1), []string{"c1"})
	r.produce("a", 0, "a2")
	r.produce("b", 0, "b2")
	r.equal(r.read(i, 1), []string{"b2"})
	r.equal(r.poll(i, 300*time.Millisecond), nil)
	if o := r.committed("g", "a", 0); o != 1 {
		t.Errorf("the position in the topic that went is committed at %d, want 1", o)
	}
}

func TestPattern(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders-eu", 1), kafkatest.Topic("my-orders-eu", 1))
	r := newRig(t, c, set("metadata.max.age.ms", "300"))
	r.produce("orders-eu", 0, "eu")
	r.produce("my-orders-eu", 0, "not this")
	i := r.create("g", "c")
	r.ok(i.SubscribePattern(r.ctx(), regexp.MustCompile(`^(?:orders-.*)$`)))
	r.equal(r.poll(i, time.Second), []string{"eu"})

	c.CreateTopic("orders-us", 1)
	r.produce("orders-us", 0, "us")
	r.equal(r.read(i, 1), []string{"us"})

	r.ok(i.SubscribePattern(r.ctx(), regexp.MustCompile(`^(?:my-.*)$`)))
	r.equal(r.read(i, 1), []string{"not this"})
}

func TestPatternWithoutTopicsDoesNotWaitForAJoin(t *testing.T) {
	r := newRig(t, kafkatest.Start(t, kafkatest.Topic("t", 1)))
	i := r.create("g", "c")
	r.ok(i.SubscribePattern(r.ctx(), regexp.MustCompile(`^nothing$`)))
	began := time.Now()
	r.equal(r.poll(i, 10*time.Millisecond), nil)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestSubscriptionToATopicThatComesLater(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.NoAutoCreate())
	r := newRig(t, c, set("allow.auto.create.topics", "false"))
	i := r.subscriber("g", "c", []string{"later"})
	began := time.Now()
	r.equal(r.poll(i, 10*time.Millisecond), nil)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a poll of a topic that does not exist took %s", took)
	}
	c.CreateTopic("later", 1)
	r.produce("later", 0, "a")
	began = time.Now()
	r.equal(r.poll(i, 8*time.Second), []string{"a"})
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %s after the topic's creation", took)
	}
}

func TestSubscriptionMayCreateItsTopic(t *testing.T) {
	c := kafkatest.Start(t)
	r := newRig(t, c)
	r.subscriber("g", "c", []string{"made"})
	r.eventually("the topic", func() bool { return c.Fake.TopicInfo("made") != nil })
	r2 := newRig(t, c, set("allow.auto.create.topics", "false"))
	i := r2.subscriber("h", "c", []string{"not-made"})
	r2.equal(r2.poll(i, 100*time.Millisecond), nil)
	if c.Fake.TopicInfo("not-made") != nil {
		t.Error("the topic was created against allow.auto.create.topics")
	}
}

func TestJoinWaitIsBounded(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	for _, wait := range []time.Duration{0, 1500 * time.Millisecond} {
		r := newRig(t, c, settings(func(s *Settings) { s.JoinWait = wait }))
		release := c.Hold(0, kmsg.JoinGroup)
		i := r.subscriber("g", "c", []string{"t"})
		began := time.Now()
		r.equal(r.poll(i, 100*time.Millisecond), nil)
		if took := time.Since(began); took < wait+100*time.Millisecond || took > wait+3*time.Second {
			t.Errorf("the first poll took %s with a join wait of %s", took, wait)
		}
		began = time.Now()
		r.equal(r.poll(i, 100*time.Millisecond), nil)
		if took := time.Since(began); took > 1400*time.Millisecond {
			t.Errorf("the second poll waited again: %s", took)
		}
		release()
		r.assigned(i, 1)
		r.ok(i.Unsubscribe(r.ctx()))
	}
}

func TestRefusedJoinsReachThePoll(t *testing.T) {
	for name, tc := range map[string]struct {
		fault          kfake.Fault
		class, message string
	}{
		"group": {
			kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.GroupAuthorizationFailed, Count: -1, TopLevel: true},
			"org.apache.kafka.common.errors.GroupAuthorizationException", "Not authorized to access group: g",
		},
		"topic": {
			kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t", Err: kerr.TopicAuthorizationFailed, Count: -1},
			"org.apache.kafka.common.errors.TopicAuthorizationException", "Not authorized to access topics: [t]",
		},
		"session timeout": {
			kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.InvalidSessionTimeout, Count: -1, TopLevel: true},
			"org.apache.kafka.common.errors.InvalidSessionTimeoutException", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := kafkatest.Start(t, kafkatest.Topic("t", 1))
			r := newRig(t, c)
			r.produce("t", 0, "a")
			fault := c.Fake.Fault(tc.fault)
			i := r.subscriber("g", "c", []string{"t"})
			began := time.Now()
			for range 2 {
				_, err := i.Poll(r.ctx(), 3*time.Second)
				r.fails(err, tc.class, tc.message)
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("took %s", took)
			}
			fault.Remove()
			r.eventually("records after the right was given", func() bool {
				b, err := i.Poll(r.ctx(), time.Second)
				if err != nil {
					return false
				}
				defer b.Accept(len(b.Records))
				return len(b.Records) == 1
			})
		})
	}
}

func TestPassingTroubleNeverSurfaces(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	r.produce("t", 0, "a")
	for _, f := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 2},
		{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition, Count: 1},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable, Count: 2},
		{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: 2, TopLevel: true},
		{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.UnstableOffsetCommit, Count: 2},
		{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorNotAvailable, Count: 1, TopLevel: true},
	} {
		c.Fake.Fault(f)
	}
	i := r.subscriber("g", "c", []string{"t"})
	r.equal(r.read(i, 1), []string{"a"})
	c.DropConnections(0)
	r.produce("t", 0, "b")
	r.equal(r.read(i, 1), []string{"b"})
}

func TestNextGenerationProtocol(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 4), kafkatest.BrokerConfig(map[string]string{
		"group.consumer.heartbeat.interval.ms": "200",
	}))
	r := newRig(t, c, func(_ *Settings, props map[string]string) {
		delete(props, "session.timeout.ms")
		delete(props, "heartbeat.interval.ms")
		props["group.protocol"] = "consumer"
	})
	for p := range int32(4) {
		r.produce("t", p, "x")
	}
	a := r.subscriber("g", "a", []string{"t"})
	r.equal(r.read(a, 4), []string{"x", "x", "x", "x"})
	r.ok(a.Commit(r.ctx(), nil))
	b := r.subscriber("g", "b", []string{"t"})
	r.eventually("two each", func() bool { return count(a) == 2 && count(b) == 2 })
	r.equal(r.poll(b, 300*time.Millisecond), nil)
	r.ok(a.Commit(r.ctx(), at("t", a.Assignment()[0].Partitions[0], 1)))
	if c.Requests(kmsg.ConsumerGroupHeartbeat) == 0 {
		t.Error("the classic protocol was used")
	}
}

func TestStaticMember(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("t", 1))
	r := newRig(t, c)
	i := r.subscriber("g", "c", []string{"t"}, "group.instance.id", "one")
	r.assigned(i, 1)
	r.ok(r.registry.Delete(r.ctx(), "g", "c"))
	if n := c.Requests(kmsg.LeaveGroup); n != 0 {
		t.Errorf("a static member sent %d LeaveGroup", n)
	}
	again := r.subscriber("g", "c", []string{"t"}, "group.instance.id", "one")
	r.assigned(again, 1)
}
