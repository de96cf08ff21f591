package topic

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Converged input gives no change, also where Kafka shows a value in another form.
func TestConvergedGivesNoChange(t *testing.T) {
	cr := resource(2, 2, map[string]string{
		"retention.ms": `"0007200000"`, "min.cleanable.dirty.ratio": `1`, "cleanup.policy": `"compact, delete"`,
		"unclean.leader.election.enable": `"TRUE"`, "segment.bytes": `1.073741824e9`, "compression.type": `"zstd"`,
	})
	want, warnings, err := Desired(cr)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	have := state(map[string]Setting{
		"retention.ms": {"7200000", TypeInteger}, "min.cleanable.dirty.ratio": {"1.0", TypeDouble},
		"cleanup.policy": {"compact,delete", TypeList}, "unclean.leader.election.enable": {"true", TypeBoolean},
		"segment.bytes": {"1073741824", TypeInteger}, "compression.type": {"zstd", TypeText},
		LeaderThrottle: {"0:1", TypeList},
	}, []int32{0, 1}, []int32{1, 0})
	c := Diff(want, have, Options{Brokers: unracked(3), Status: v1.KafkaTopicStatus{TopicName: "orders"}})
	if !c.Empty() || c.Replicas != nil || len(c.Refused)+len(c.Warnings) > 0 {
		t.Errorf("%v %+v", c, c)
	}
	want.Partitions, want.Replicas = Default, Default
	if c = Diff(want, have, Options{}); !c.Empty() {
		t.Errorf("the brokers' defaults are no difference: %v", c)
	}
}

func TestDiff(t *testing.T) {
	two := [][]int32{{0, 1}, {1, 2}}
	for name, c := range map[string]struct {
		cr   *v1.KafkaTopic
		have *State
		o    Options
		want string // of String, without the name
		says string // in the refusal or the warning
	}{
		"create":            {cr: resource(3, 2, map[string]string{"retention.ms": "5", "a": `"x"`}), want: "create with 3 partitions and 2 replicas, a=x, retention.ms=5"},
		"create by default": {cr: resource(Default, Default, nil), want: "create with default partitions and default replicas"},
		"create, limited": {
			cr: resource(1, 1, map[string]string{"retention.ms": "5", "a": `"x"`}), o: Options{Alterable: alterable(t, "retention.ms")},
			want: "create with 1 partitions and 1 replicas, retention.ms=5", says: "a: they are left out",
		},
		"more partitions":  {cr: resource(5, 2, nil), have: state(nil, two...), want: "5 partitions"},
		"fewer partitions": {cr: resource(1, 2, map[string]string{"a": "1"}), have: state(nil, two...), want: "a=1", says: "can't have fewer"},
		"renamed": {
			cr: resource(5, 2, nil), have: state(nil, two...), o: Options{Status: v1.KafkaTopicStatus{TopicName: "was"}},
			want: "nothing", says: "spec.topicName: the resource is of the topic was",
		},
		"set and reset": {
			cr: resource(2, 2, map[string]string{"a": "1", "b": "2"}), have: state(map[string]Setting{"a": {"1", 0}, "b": {"3", 0}, "c": {"4", 0}}, two...),
			want: "b=2, reset c",
		},
		"throttles of others stay": {cr: resource(2, 2, nil), have: state(map[string]Setting{LeaderThrottle: {"0:1", TypeList}, FollowerThrottle: {"*", TypeList}}, two...), want: "nothing"},
		"throttles that are wanted": {
			cr: resource(2, 2, map[string]string{LeaderThrottle: `"*"`}), have: state(nil, two...), want: LeaderThrottle + "=*",
		},
		"nothing alterable": {
			cr: resource(2, 2, map[string]string{"a": "1"}), have: state(map[string]Setting{"c": {"4", 0}}, two...), o: Options{Alterable: alterable(t, "NONE")},
			want: "nothing", says: "may not set a",
		},
		"replicas are noted first":  {cr: resource(2, 3, nil), have: state(nil, two...), o: Options{Brokers: unracked(3)}, want: "nothing"},
		"replicas wait for brokers": {cr: resource(2, 4, nil), have: state(nil, two...), o: noted(4, v1.ReplicasChangePending, 3), want: "nothing", says: "4 replicas need as many brokers, and there are 3"},
		"replicas move":             {cr: resource(2, 3, nil), have: state(nil, two...), o: noted(3, v1.ReplicasChangePending, 3), want: "move 2 partitions, cancel 0 moves"},
		"partitions before replicas": {
			cr: resource(3, 3, nil), have: state(nil, two...), o: noted(3, v1.ReplicasChangePending, 3), want: "3 partitions",
		},
		"somebody else moves": {
			cr: resource(1, 3, nil), have: &State{Name: "orders", Partitions: []Partition{{Replicas: []int32{2, 0, 1}, Adding: []int32{2}, Removing: []int32{0}}}},
			o: noted(3, v1.ReplicasChangePending, 3), want: "nothing",
		},
		"throttles that are wanted wait for the move": {
			cr: resource(1, 3, map[string]string{LeaderThrottle: `"*"`}), have: &State{Name: "orders", Partitions: []Partition{{Replicas: []int32{0, 1, 2}, Adding: []int32{2}}}},
			o: noted(3, v1.ReplicasChangeOngoing, 3), want: "nothing", says: "",
		},
		"changed back": {
			cr: resource(1, 2, nil), have: &State{Name: "orders", Partitions: []Partition{{Replicas: []int32{0, 1, 2}, Adding: []int32{2}}}},
			o: noted(3, v1.ReplicasChangeOngoing, 3), want: "move 0 partitions, cancel 1 moves",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, _, err := Desired(c.cr)
			if err != nil {
				t.Fatal(err)
			}
			got := Diff(want, c.have, c.o)
			if text := strings.TrimPrefix(got.String(), "orders: "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			said := ""
			for _, r := range got.Refused {
				said += r.Message
			}
			for _, w := range got.Warnings {
				said += w.Message
			}
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
		})
	}
}

func alterable(t *testing.T, text string) Alterable {
	a, err := ParseAlterable(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func noted(target int32, phase string, n int) Options {
	return Options{Brokers: unracked(n), Status: v1.KafkaTopicStatus{ReplicasChange: &v1.ReplicasChange{TargetReplicas: &target, State: phase}}}
}

func TestParseAlterable(t *testing.T) {
	for text, want := range map[string]string{
		"": "abc", "ALL": "abc", " NONE ": "", "a, b": "ab", "c": "c",
		"a,": "refused", "ALL,a": "refused", "a b": "refused", ",": "refused",
	} {
		a, err := ParseAlterable(text)
		got := ""
		for _, key := range []string{"a", "b", "c"} {
			if a.allows(key) {
				got += key
			}
		}
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A change of the number of replicas, phase by phase, with a throttle that goes at its end.
func TestReplicasPhases(t *testing.T) {
	all := brokers("a", "b", "c")
	s := state(map[string]Setting{}, []int32{0}, []int32{1})
	o := Options{Brokers: all, Rate: 1 << 20}
	want, _, err := Desired(resource(2, 2, nil))
	if err != nil {
		t.Fatal(err)
	}
	pass := func(does, phase, message string) Changes {
		t.Helper()
		c := Diff(want, s, o)
		if got := strings.TrimPrefix(c.String(), "orders: "); got != does {
			t.Errorf("got %q, want %q", got, does)
		}
		switch {
		case c.Replicas == nil && phase != "":
			t.Error("no phase instead of", phase)
		case c.Replicas != nil && (c.Replicas.State != phase || c.Replicas.Message != message):
			t.Errorf("%+v", c.Replicas)
		}
		s = apply(t, s, c, all)
		o.Status.ReplicasChange = c.Replicas
		return c
	}
	pass("nothing", "pending", "2 of 2 partitions are to be changed")
	c := pass("follower.replication.throttled.replicas=0:2,1:2, leader.replication.throttled.replicas=0:0,1:1, move 2 partitions, cancel 0 moves", "ongoing", "the replicas of 2 partitions move")
	if c.Move.Rate != 1<<20 || !slices.Equal(c.Move.Brokers, []int32{0, 1, 2}) {
		t.Errorf("%+v", c.Move)
	}
	pass("nothing", "ongoing", "0 of 2 partitions have their replicas")
	arrive(s, 1)
	pass("nothing", "ongoing", "1 of 2 partitions have their replicas")
	want.Replicas = Default // what runs goes on
	pass("nothing", "ongoing", "1 of 2 partitions have their replicas")
	arrive(s, 1)
	pass("reset follower.replication.throttled.replicas, reset leader.replication.throttled.replicas", "ongoing", "the replicas are there, the throttle is taken away")
	pass("nothing", "", "")
}

func TestUnthrottle(t *testing.T) {
	rates := map[int32]int64{2: 100, 1: 100, 3: 7}
	if got := Unthrottle(rates, 100, 0); !slices.Equal(got, []int32{1, 2}) {
		t.Error(got)
	}
	if got := append(Unthrottle(rates, 100, 1), Unthrottle(map[int32]int64{1: 0}, 0, 0)...); len(got) > 0 {
		t.Error(got)
	}
}

// TestApplyingEnds: whatever is wanted and whatever is there, doing what Diff says until it says nothing ends, with the
// topic as wanted; the operator may be killed between doing something and writing the status.
func TestApplyingEnds(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		all := randomBrokers(t)
		want, s := randomTopic(t, len(all)), randomState(t, all)
		o := Options{Brokers: all, Rate: rapid.SampledFrom([]int64{0, 1000}).Draw(t, "rate")}
		var last Changes
		for pass := 0; ; pass++ {
			if pass > 60 {
				t.Fatalf("no end: %v", last)
			}
			last = Diff(want, s, o)
			if last.Move != nil {
				moved++
			}
			s = apply(t, s, last, all)
			if killed := pass < 20 && rapid.IntRange(0, 4).Draw(t, "killed") == 0; !killed {
				o.Status.ReplicasChange = last.Replicas
				if last.Empty() && last.Replicas == nil {
					break
				}
			}
			arrive(s, rapid.IntRange(0, 3).Draw(t, "arrived"))
		}
		reached(t, want, s)
		if again := Diff(want, s, o); !again.Empty() {
			t.Errorf("and again: %v", again)
		}
	})
	if moved == 0 {
		t.Error("nothing was ever moved")
	}
}

func reached(t *rapid.T, want Topic, s *State) {
	if n := int32(len(s.Partitions)); want.Partitions != Default && n < want.Partitions {
		t.Errorf("%d partitions instead of %d", n, want.Partitions)
	}
	for n, p := range s.Partitions {
		if p.moving() || want.Replicas != Default && len(p.Replicas) != int(want.Replicas) {
			t.Errorf("partition %d: %+v instead of %d replicas", n, p, want.Replicas)
		}
	}
	config := map[string]string{}
	for key, value := range s.Config {
		config[key] = value.Value
	}
	if diff := cmp.Diff(want.Config, config, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func randomBrokers(t *rapid.T) []Broker {
	racks := rapid.SampledFrom([][]string{{"", "", ""}, {"a", "b", "c"}, {"a", "b"}, {"a", ""}}).Draw(t, "racks")
	var all []Broker
	for id := range rapid.IntRange(3, 6).Draw(t, "brokers") {
		all = append(all, Broker{ID: int32(id), Rack: racks[id%len(racks)]})
	}
	return all
}

func randomTopic(t *rapid.T, most int) Topic {
	return Topic{
		Name:       "orders",
		Partitions: rapid.Int32Range(1, 9).Draw(t, "partitions"),
		Replicas:   rapid.Int32Range(1, int32(most)).Draw(t, "replicas"),
		Config:     maps.Collect(maps.All(randomConfig(t, "config"))),
	}
}

func randomConfig(t *rapid.T, label string) map[string]string {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SampledFrom([]string{"1", "2"}), 0, 3).Draw(t, label)
}

func randomState(t *rapid.T, all []Broker) *State {
	s := &State{Name: "orders", Config: map[string]Setting{}}
	for key, value := range randomConfig(t, "config that is") {
		s.Config[key] = Setting{Value: value}
	}
	for range rapid.IntRange(1, 8).Draw(t, "partitions that are") {
		ids := rapid.Permutation(all).Draw(t, "brokers")
		var p Partition
		for _, b := range ids[:rapid.IntRange(1, len(ids)).Draw(t, "replicas that are")] {
			p.Replicas = append(p.Replicas, b.ID)
		}
		p.ISR = p.Replicas[:rapid.IntRange(0, len(p.Replicas)).Draw(t, "in sync")]
		s.Partitions = append(s.Partitions, p)
	}
	return s
}
