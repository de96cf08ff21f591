package topic

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDesired(t *testing.T) {
	cr := resource(12, 3, map[string]string{
		"text": `"as it is "`, "int": `604800000`, "large": `9223372036854775807`, "negative": `-1`, "exponent": `1e+06`, "zero": `5.0`,
		"double": `0.5`, "small": `1e-3`, "true": `true`, "list": `["compact", "delete", 3, false]`, "empty": `""`, "nothing": `[]`,
	})
	cr.Spec.TopicName = "Orders_2"
	got, warnings, err := Desired(cr)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	want := Topic{Name: "Orders_2", Partitions: 12, Replicas: 3, Config: map[string]string{
		"text": "as it is ", "int": "604800000", "large": "9223372036854775807", "negative": "-1", "exponent": "1000000", "zero": "5",
		"double": "0.5", "small": "0.001", "true": "true", "list": "compact,delete,3,false", "empty": "", "nothing": "",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, _, _ := Desired(resource(Default, Default, nil)); got.Name != "orders" || got.Partitions != Default || got.Replicas != Default {
		t.Errorf("%+v", got)
	}
}

// Each bad input has one line that names the field.
func TestDesiredRefuses(t *testing.T) {
	for text, change := range map[string]func(*arguments){
		"spec.partitions: 0 is not possible":                             func(a *arguments) { a.partitions = 0 },
		"spec.partitions: -7 is not possible":                            func(a *arguments) { a.partitions = -7 },
		"spec.replicas: 0 is not possible":                               func(a *arguments) { a.replicas = 0 },
		"spec.replicas: 40000 is not possible":                           func(a *arguments) { a.replicas = 40000 },
		`spec.topicName: no topic can be called ".."`:                    func(a *arguments) { a.topic = ".." },
		"spec.topicName: the name has 250 characters, a topic's at most": func(a *arguments) { a.topic = strings.Repeat("a", 250) },
		"metadata.name: the name has 251 characters":                     func(a *arguments) { a.name = strings.Repeat("a", 251) },
		`spec.topicName: "a/b" has a character that is not`:              func(a *arguments) { a.topic = "a/b" },
		`spec.topicName: "ä" has a character`:                            func(a *arguments) { a.topic = "ä" },
		"spec.topicName: the topic has no name":                          func(a *arguments) { a.name = "" },
		"spec.config.a: is neither a text":                               func(a *arguments) { a.config = map[string]string{"a": "null"} },
		"spec.config.b: is neither a text":                               func(a *arguments) { a.config = map[string]string{"b": `{"x":1}`} },
		"spec.config.c: is neither a text, ":                             func(a *arguments) { a.config = map[string]string{"c": `[[1]]`} },
		"spec.config.d: is not JSON":                                     func(a *arguments) { a.config = map[string]string{"d": `{`} },
		"spec.config.e: the number 1e999 is too large":                   func(a *arguments) { a.config = map[string]string{"e": `1e999`} },
		`spec.config: the key " f" is empty or has blanks`:               func(a *arguments) { a.config = map[string]string{" f": `1`} },
	} {
		a := arguments{name: "orders", partitions: 1, replicas: 1}
		change(&a)
		cr := resource(a.partitions, a.replicas, a.config)
		cr.Name, cr.Spec.TopicName = a.name, a.topic
		_, _, err := Desired(cr)
		var p Problem
		if !errors.As(err, &p) || p.Reason != ReasonInvalid || !strings.HasPrefix(p.Message, text) || strings.Contains(p.Message, "\n") {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

type arguments struct {
	name, topic          string
	partitions, replicas int32
	config               map[string]string
}

func TestDesiredWarns(t *testing.T) {
	_, warnings, err := Desired(resource(1, 2, map[string]string{"min.insync.replicas": `3`, LeaderThrottle: `"*"`}))
	if err != nil || len(warnings) != 2 {
		t.Fatal(warnings, err)
	}
	for i, part := range []string{"3 in-sync replicas are more than the 2 of spec.replicas", LeaderThrottle} {
		if warnings[i].Reason != ReasonInvalidConfig || !strings.Contains(warnings[i].Message, part) {
			t.Errorf("%+v", warnings[i])
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		t    Type
		a, b string
		want bool
	}{
		{TypeText, "a", "a", true},
		{TypeText, "a", "a ", false},
		{TypeText, "1", "1.0", false},
		{TypeBoolean, " True", "true", true},
		{TypeBoolean, "yes", "true", false},
		{TypeInteger, "+5", "05", true},
		{TypeInteger, "5", "5.0", false},
		{TypeInteger, "x", "y", false},
		{TypeDouble, "1", "1.0", true},
		{TypeDouble, "1e-1", "0.1", true},
		{TypeDouble, "0.5", "0.50001", false},
		{TypeList, "a , b", "a,b", true},
		{TypeList, "", " ", true},
		{TypeList, "a,b", "b,a", false},
	} {
		if got := same(c.t, c.a, c.b); got != c.want || same(c.t, c.b, c.a) != got {
			t.Errorf("%d %q %q: %v", c.t, c.a, c.b, got)
		}
	}
}
