package topic

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func agreed(partitions, replicas int32, config map[string]string) *Agreed {
	return &Agreed{Partitions: partitions, Replicas: replicas, Config: config}
}

// stateOf makes a topic of the values.
func stateOf(a *Agreed) *State {
	s := &State{Name: "orders", Config: map[string]Setting{}}
	for i := range a.Partitions {
		s.Partitions = append(s.Partitions, placed(int(i), int(a.Replicas), unracked(int(a.Replicas))))
	}
	for key, value := range a.Config {
		s.Config[key] = Setting{Value: value, Type: TypeInteger}
	}
	return s
}

func TestMerge(t *testing.T) {
	type config = map[string]string
	for name, c := range map[string]struct {
		base, want, have *Agreed
		merged           *Agreed
		conflict         string
	}{
		"first sight: Kafka is right": {nil, agreed(1, 1, config{"a": "1"}), agreed(2, 1, config{"b": "1"}), agreed(2, 1, config{"b": "1"}), ""},
		"nothing changed":             {agreed(1, 1, nil), agreed(1, 1, nil), agreed(1, 1, nil), agreed(1, 1, nil), ""},
		"the resource changed":        {agreed(1, 1, config{"a": "1"}), agreed(3, 1, config{"a": "2"}), agreed(1, 1, config{"a": "1"}), agreed(3, 1, config{"a": "2"}), ""},
		"the topic changed":           {agreed(1, 1, config{"a": "1"}), agreed(1, 1, config{"a": "1"}), agreed(3, 1, config{"b": "2"}), agreed(3, 1, config{"b": "2"}), ""},
		"both, other things":          {agreed(1, 1, nil), agreed(2, 1, config{"a": "1"}), agreed(1, 1, config{"b": "2"}), agreed(2, 1, config{"a": "1", "b": "2"}), ""},
		"both, the same":              {agreed(1, 1, nil), agreed(2, 1, config{"a": "1"}), agreed(2, 1, config{"a": "1"}), agreed(2, 1, config{"a": "1"}), ""},
		"another form is no change":   {agreed(1, 1, config{"a": "1"}), agreed(1, 1, config{"a": "+1"}), agreed(1, 1, config{"a": "1"}), agreed(1, 1, config{"a": "1"}), ""},
		"default is no change":        {agreed(2, 1, nil), agreed(Default, Default, nil), agreed(3, 1, nil), agreed(3, 1, nil), ""},
		"conflict of partitions":      {agreed(1, 1, nil), agreed(2, 1, nil), agreed(3, 1, nil), nil, "spec.partitions: it was 1, the resource says 2 now and the topic 3"},
		"conflict of replicas":        {agreed(1, 1, nil), agreed(1, 2, nil), agreed(1, 3, nil), nil, "spec.replicas: it was 1, the resource says 2"},
		"conflict of a setting":       {agreed(1, 1, config{"a": "1"}), agreed(1, 1, config{"a": "2"}), agreed(1, 1, nil), nil, "spec.config.a: it was 1, the resource says 2 now and the topic none"},
	} {
		want := Topic{Name: "orders", Partitions: c.want.Partitions, Replicas: c.want.Replicas, Config: c.want.Config}
		got, err := Merge(c.base, want, stateOf(c.have))
		if c.conflict != "" {
			var p Problem
			if !errors.As(err, &p) || p.Reason != ReasonConflict || !strings.HasPrefix(p.Message, c.conflict) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if diff := cmp.Diff(*c.merged, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// TestMergeSettles: what was merged and written to both sides merges with itself to itself, and both sides say the same.
func TestMergeSettles(t *testing.T) {
	draw := func(t *rapid.T, label string) *Agreed {
		return agreed(rapid.Int32Range(1, 2).Draw(t, label), rapid.Int32Range(1, 2).Draw(t, label), randomConfig(t, label))
	}
	merged := 0
	rapid.Check(t, func(t *rapid.T) {
		base, side, have := draw(t, "base"), draw(t, "resource"), draw(t, "topic")
		m, err := Merge(base, Topic{Partitions: side.Partitions, Replicas: side.Replicas, Config: side.Config}, stateOf(have))
		if err != nil {
			return
		}
		merged++
		cr := resource(side.Partitions, side.Replicas, nil)
		for key, value := range side.Config {
			cr.Spec.Config[key] = resource(1, 1, map[string]string{key: value}).Spec.Config[key] // a number, not a text
		}
		cr.Spec = m.Write(cr.Spec)
		written, _, err := Desired(cr)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Merge(&m, written, stateOf(&m))
		if diff := cmp.Diff(m, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if c := Diff(written, stateOf(&m), Options{}); !c.Empty() {
			t.Fatal(c)
		}
	})
	if merged < 10 {
		t.Error("hardly anything could be merged")
	}
}

func TestAgreedText(t *testing.T) {
	a := agreed(3, 2, map[string]string{"b": "2", "a": "1"})
	if got := a.String(); got != `{"partitions":3,"replicas":2,"config":{"a":"1","b":"2"}}` {
		t.Error(got)
	}
	back, err := ParseAgreed(a.String())
	if diff := cmp.Diff(a, back); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if none, err := ParseAgreed(""); none != nil || err != nil {
		t.Error(none, err)
	}
	if _, err := ParseAgreed("{"); err == nil || !strings.HasPrefix(err.Error(), "annotation steg.dev/agreed: ") {
		t.Error(err)
	}
}

// What the resource says already stays as its author wrote it, throttles stay in any case.
func TestWriteKeepsForms(t *testing.T) {
	cr := resource(2, 1, map[string]string{"a": `1e1`, "b": `true`, LeaderThrottle: `"*"`})
	spec := agreed(2, 1, map[string]string{"a": "10", "b": "false", "c": `x"y`}).Write(cr.Spec)
	for key, want := range map[string]string{"a": `1e1`, "b": `"false"`, "c": `"x\"y"`, LeaderThrottle: `"*"`} {
		if got := string(spec.Config[key].Raw); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
	if spec.Partitions != cr.Spec.Partitions || *spec.Replicas != 1 || len(spec.Config) != 4 {
		t.Errorf("%+v", spec)
	}
}

func TestPair(t *testing.T) {
	for _, c := range []struct {
		resource, topic, agreed bool
		want                    Pairing
	}{
		{false, false, false, PairNothing},
		{true, false, false, PairCreateTopic},
		{false, true, false, PairCreateResource},
		{true, false, true, PairDeleteResource},
		{true, true, false, PairMerge},
		{true, true, true, PairMerge},
	} {
		if got := Pair(c.resource, c.topic, c.agreed); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
