package user

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
	u := User{Name: "my-app", Authentication: TLS, Secret: &Secret{Name: "s"}}
	was := v1.KafkaUserStatus{Username: "my-app", Secret: "old"}
	for name, c := range map[string]struct {
		o                 Outcome
		want, name, where string
	}{
		"ready":       {Outcome{User: u}, "Ready=True", "CN=my-app", "s"},
		"external":    {Outcome{User: User{Name: "a", Authentication: TLSExternal}, Previous: was}, "Ready=True", "CN=a", ""},
		"invalid":     {Outcome{Previous: was, Err: invalid("spec: no")}, "NotReady=True InvalidResourceException spec: no", "my-app", "old"},
		"wrapped":     {Outcome{User: u, Err: fmt.Errorf("user: %w", Problem{ReasonKafka, "a\nb"})}, "NotReady=True KafkaError user: a; b", "CN=my-app", "s"},
		"other error": {Outcome{User: u, Err: errors.New("x")}, "NotReady=True InternalError x", "CN=my-app", "s"},
		"paused":      {Outcome{Paused: true, Previous: was}, "ReconciliationPaused=True", "my-app", "old"},
		"warning":     {Outcome{User: u, Warnings: []Warning{{ReasonNoEffect, "w"}}}, "Warning=True FieldsWithoutEffect w, Ready=True", "CN=my-app", "s"},
	} {
		c.o.Generation, c.o.Now = 5, noon
		got := Status(c.o)
		var texts []string
		for _, condition := range got.Conditions {
			if condition.LastTransitionTime != "2026-11-22T12:00:00Z" {
				t.Errorf("%s: %+v", name, condition)
			}
			texts = append(texts, strings.TrimSpace(condition.Type+"="+condition.Status+" "+condition.Reason+" "+condition.Message))
		}
		if text := strings.Join(texts, ", "); text != c.want || got.Username != c.name || got.Secret != c.where || got.ObservedGeneration != 5 {
			t.Errorf("%s: %s, %+v", name, text, got)
		}
	}
}

func TestStatusTimes(t *testing.T) {
	first := Status(Outcome{User: User{Name: "a"}, Now: noon})
	second := Status(Outcome{User: User{Name: "a"}, Previous: first, Now: noon.Add(time.Hour)})
	if !cmp.Equal(first, second) || !Same(first, second) {
		t.Error(cmp.Diff(first, second))
	}
	failed := Status(Outcome{User: User{Name: "a"}, Previous: first, Err: errors.New(strings.Repeat("ä", 2000)), Now: noon.Add(time.Hour)})
	if Same(first, failed) || failed.Conditions[0].LastTransitionTime != "2026-11-22T13:00:00Z" || len(failed.Conditions[0].Message) > maxMessage+3 {
		t.Errorf("%+v", failed)
	}
	for _, change := range []func(*v1.KafkaUserStatus){
		func(s *v1.KafkaUserStatus) { s.Username = "b" },
		func(s *v1.KafkaUserStatus) { s.Secret = "b" },
		func(s *v1.KafkaUserStatus) { s.ObservedGeneration = 2 },
	} {
		other := *first.DeepCopy()
		if change(&other); Same(first, other) {
			t.Errorf("%+v", other)
		}
	}
}
