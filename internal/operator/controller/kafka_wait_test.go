package controller

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/events"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/roll"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// waits is a controller whose steps a test gives.
type waits struct {
	*testing.T
	r      *kafkas
	s      *scene
	at     *clock
	log    bytes.Buffer
	events *events.FakeRecorder
}

func waiting(t *testing.T) *waits {
	w := &waits{T: t, events: events.NewFakeRecorder(10)}
	w.r, w.s, _, w.at = asking(3, &brokersFake{})
	w.r.events, w.r.Timeout, w.r.Log = w.events, 5*time.Minute, slog.New(slog.NewTextHandler(&w.log, nil))
	return w
}

func wait(node int32, reason roll.Reason, why string) roll.Step {
	return roll.Step{Do: roll.Wait, Reason: reason, Why: why, Targets: []roll.Target{{Node: node, Pod: fmt.Sprintf("c-kafka-%d", node), UID: "u"}}}
}

// after has a step taken some time after the one before, and returns what it warns of.
func (w *waits) after(d time.Duration, step roll.Step) []model.Warning {
	w.Helper()
	w.at.now = w.at.now.Add(d)
	var out kafkaOutcome
	if err := w.r.take(w.Context(), w.s, &out, step, nil); err != nil {
		w.Fatal(err)
	}
	return out.warnings
}

// said returns the Events since it was asked last, each of which has to be logged too.
func (w *waits) said() (all []string) {
	w.Helper()
	for len(w.events.Events) > 0 {
		all = append(all, <-w.events.Events)
	}
	if logged := strings.Count(w.log.String(), "\n"); logged != len(all) {
		w.Errorf("%d Events, and the log says %s", len(all), w.log.String())
	}
	w.log.Reset()
	return all
}

func (w *waits) expect(want ...string) {
	w.Helper()
	if got := w.said(); !slices.Equal(got, want) {
		w.Errorf("%q is said instead of %q", got, want)
	}
}

// TestWaitIsSaidOnce: an Event and a line of the log when a wait begins or changes its reason, and not with each pass.
func TestWaitIsSaidOnce(t *testing.T) {
	w := waiting(t)
	w.after(0, wait(0, roll.PartitionAtRisk, "t-0 lags"))
	if text := w.log.String(); !strings.Contains(text, `msg="rolling update waits"`) || !strings.Contains(text, `reason=PartitionAtRisk why="t-0 lags"`) {
		t.Error(text)
	}
	w.expect("Normal PartitionAtRisk t-0 lags")
	w.after(time.Second, wait(0, roll.PartitionAtRisk, "t-0 lags"))
	w.after(time.Second, wait(0, roll.PartitionAtRisk, "t-1 lags"))
	w.expect()
	w.after(time.Second, wait(0, roll.KafkaNotReachable, "away"))
	w.expect("Normal KafkaNotReachable away")
	w.after(time.Second, wait(1, roll.KafkaNotReachable, "away"))
	w.expect("Normal KafkaNotReachable away")
	w.after(time.Second, wait(1, roll.QuorumAtRisk, "2 of 3"))
	w.expect("Normal QuorumAtRisk 2 of 3")
	w.after(time.Second, roll.Step{})
	w.after(time.Second, wait(1, roll.PodNotReady, "not ready"))
	w.expect()
	w.after(time.Second, wait(1, roll.QuorumAtRisk, "2 of 3"))
	w.expect("Normal QuorumAtRisk 2 of 3")
}

// TestWaitTooLong: a wait that has lasted as long as an operation may is a warning until it is over.
func TestWaitTooLong(t *testing.T) {
	for _, reason := range []roll.Reason{roll.PartitionAtRisk, roll.QuorumAtRisk, roll.KafkaNotReachable} {
		t.Run(string(reason), func(t *testing.T) {
			w := waiting(t)
			at := w.at.now
			if early := append(w.after(0, wait(0, reason, "why")), w.after(w.r.Timeout-1, wait(0, reason, "why"))...); len(early) > 0 {
				t.Errorf("too early: %v", early)
			}
			late := w.after(1, wait(0, reason, "why"))
			if len(late) != 1 || late[0].Reason != string(reason) || !strings.HasPrefix(late[0].Message, "why; it has been waited for since "+at.Format(time.RFC3339)+": look") {
				t.Fatalf("%v", late)
			}
			if again := w.after(time.Hour, wait(0, reason, "why")); !slices.Equal(again, late) {
				t.Errorf("%v, and then %v", late, again)
			}
			if over := w.after(time.Second, roll.Step{}); len(over) > 0 {
				t.Errorf("it is over, and yet %v", over)
			}
			if anew := w.after(time.Second, wait(0, reason, "why")); len(anew) > 0 {
				t.Errorf("the wait before counts: %v", anew)
			}
		})
	}
}

// TestWaitOfOneNode: the time counts for a node, whatever the reason is at the moment, and not for another.
func TestWaitOfOneNode(t *testing.T) {
	w := waiting(t)
	w.after(0, wait(0, roll.PartitionAtRisk, "lags"))
	w.after(w.r.Timeout-time.Second, wait(0, roll.KafkaNotReachable, "away"))
	if got := w.after(time.Second, wait(0, roll.PartitionAtRisk, "lags")); len(got) != 1 {
		t.Errorf("a moment in which Kafka could not be asked makes the wait a new one: %v", got)
	}
	if got := w.after(time.Second, wait(1, roll.PartitionAtRisk, "lags")); len(got) > 0 {
		t.Errorf("another node: %v", got)
	}
	w.r.Timeout = 0
	if got := w.after(time.Hour, wait(1, roll.PartitionAtRisk, "lags")); len(got) > 0 {
		t.Errorf("without a bound nothing lasts too long: %v", got)
	}
	w.r.Timeout = time.Minute
	w.r.memory.drop(w.s.key())
	if got := w.after(time.Hour, wait(1, roll.PartitionAtRisk, "lags")); len(got) > 0 {
		t.Errorf("a Kafka that was deleted is remembered: %v", got)
	}
}

// TestWaitInStatus: a cluster that was ready says beside Ready what its rolling update has waited for, and ceases to.
func TestWaitInStatus(t *testing.T) {
	w := waiting(t)
	ready := v1.Status{ObservedGeneration: 1, Conditions: []v1.Condition{{Type: v1.ConditionReady, Status: "True"}}}
	conditions := func(d time.Duration, step roll.Step) (all []string) {
		next := status.Kafka(status.KafkaOutcome{
			Generation: 2, Previous: v1.KafkaStatus{Status: ready}, Warnings: w.after(d, step), Waiting: step.Why, Now: w.at.now,
		})
		for _, c := range next.Conditions {
			all = append(all, c.Type+" "+c.Reason)
		}
		return all
	}
	for i, c := range []struct {
		after time.Duration
		step  roll.Step
		want  []string
	}{
		{0, wait(0, roll.PartitionAtRisk, "lags"), []string{"Ready "}},
		{w.r.Timeout, wait(0, roll.PartitionAtRisk, "lags"), []string{"Warning PartitionAtRisk", "Ready "}},
		{time.Second, wait(0, roll.PodTerminating, "is going"), []string{"Ready "}},
	} {
		if got := conditions(c.after, c.step); !slices.Equal(got, c.want) {
			t.Errorf("step %d: %q instead of %q", i, got, c.want)
		}
	}
}
