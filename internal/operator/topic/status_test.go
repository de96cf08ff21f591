package topic

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/steg-kafka/steg/api/v1"
)

func TestStatus(t *testing.T) {
	owned := v1.KafkaTopicStatus{TopicName: "orders", TopicID: "id"}
	target := int32(3)
	change := &v1.ReplicasChange{TargetReplicas: &target, State: v1.ReplicasChangeOngoing}
	for name, c := range map[string]struct {
		o    Outcome
		want string // conditions without their time
		is   v1.KafkaTopicStatus
	}{
		"ready":           {Outcome{Topic: "orders", ID: "id"}, "Ready=True", owned},
		"moving":          {Outcome{Topic: "orders", ID: "id", Replicas: change}, "Ready=True", v1.KafkaTopicStatus{TopicName: "orders", TopicID: "id", ReplicasChange: change}},
		"refused":         {Outcome{Previous: owned, Refused: []Problem{{ReasonNotSupported, "a"}, {ReasonKafka, "b"}}}, "Ready=False NotSupported a; b", owned},
		"Kafka's error":   {Outcome{Previous: owned, Err: fmt.Errorf("create: %w", Problem{ReasonKafka, "no\nbroker"})}, "Ready=False KafkaError create: no; broker", owned},
		"another error":   {Outcome{Previous: owned, Err: errors.New("x")}, "Ready=False InternalError x", owned},
		"never created":   {Outcome{Topic: "orders", Err: Problem{ReasonKafka, "x"}}, "Ready=False KafkaError x", v1.KafkaTopicStatus{}},
		"error in a move": {Outcome{Previous: v1.KafkaTopicStatus{ReplicasChange: change}, Err: errors.New("x")}, "Ready=False InternalError x", v1.KafkaTopicStatus{ReplicasChange: change}},
		"conflict":        {Outcome{Action: Yield, Topic: "orders", Err: Problem{ReasonConflict, "b"}}, "Ready=False ResourceConflict b", v1.KafkaTopicStatus{}},
		"paused":          {Outcome{Action: Pause, Previous: v1.KafkaTopicStatus{TopicName: "orders", ReplicasChange: change}}, "ReconciliationPaused=True", v1.KafkaTopicStatus{TopicName: "orders", ReplicasChange: change}},
		"not managed":     {Outcome{Action: Unmanage, Previous: owned}, "Unmanaged=True", v1.KafkaTopicStatus{}},
		"warning":         {Outcome{Topic: "orders", ID: "id", Warnings: []Warning{{ReasonInvalidConfig, "w"}}}, "Warning=True InvalidConfig w, Ready=True", owned},
		"made again":      {Outcome{Topic: "orders", ID: "id", Previous: v1.KafkaTopicStatus{TopicName: "orders", TopicID: "former"}}, "Ready=True", owned},
	} {
		c.o.Generation, c.o.Now = 7, noon
		got := Status(c.o)
		var texts []string
		for _, condition := range got.Conditions {
			if condition.LastTransitionTime != "2026-11-22T12:00:00Z" {
				t.Errorf("%s: %+v", name, condition)
			}
			texts = append(texts, strings.TrimSpace(condition.Type+"="+condition.Status+" "+condition.Reason+" "+condition.Message))
		}
		if text := strings.Join(texts, ", "); text != c.want || got.ObservedGeneration != 7 {
			t.Errorf("%s: %s", name, text)
		}
		got.Conditions, got.ObservedGeneration = nil, 0
		if diff := cmp.Diff(c.is, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A condition keeps its time until it says something else, and Same does not look at times.
func TestStatusTimes(t *testing.T) {
	first := Status(Outcome{Topic: "orders", Now: noon})
	second := Status(Outcome{Topic: "orders", Previous: first, Now: noon.Add(time.Hour)})
	if !cmp.Equal(first, second) || !Same(first, second) {
		t.Error(cmp.Diff(first, second))
	}
	failed := Status(Outcome{Topic: "orders", Previous: first, Err: errors.New("x"), Now: noon.Add(time.Hour)})
	if Same(first, failed) || failed.Conditions[0].LastTransitionTime != "2026-11-22T13:00:00Z" {
		t.Errorf("%+v", failed)
	}
	first.Conditions[0].LastTransitionTime = ""
	if !Same(first, second) {
		t.Error("times count")
	}
}

func TestSameSeesEverything(t *testing.T) {
	one, two := int32(1), int32(2)
	a := v1.KafkaTopicStatus{TopicName: "a", ReplicasChange: &v1.ReplicasChange{TargetReplicas: &one}}
	for _, change := range []func(*v1.KafkaTopicStatus){
		func(s *v1.KafkaTopicStatus) { s.TopicName = "b" },
		func(s *v1.KafkaTopicStatus) { s.TopicID = "b" },
		func(s *v1.KafkaTopicStatus) { s.ObservedGeneration = 2 },
		func(s *v1.KafkaTopicStatus) { s.ReplicasChange = nil },
		func(s *v1.KafkaTopicStatus) { s.ReplicasChange.TargetReplicas = &two },
		func(s *v1.KafkaTopicStatus) { s.ReplicasChange.TargetReplicas = nil },
		func(s *v1.KafkaTopicStatus) { s.ReplicasChange.Message = "x" },
	} {
		b := *a.DeepCopy()
		if !Same(a, b) {
			t.Fatal("a copy is not the same")
		}
		if change(&b); Same(a, b) || Same(b, a) {
			t.Errorf("%+v is the same as %+v", b, a)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	s := Status(Outcome{Err: errors.New(strings.Repeat("ä", 2000)), Now: noon})
	if m := s.Conditions[0].Message; len(m) > maxMessage+3 || !strings.HasSuffix(m, "ä…") {
		t.Error(len(m))
	}
}
