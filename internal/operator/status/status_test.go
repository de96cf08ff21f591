package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const noonText = "2026-11-22T12:00:00Z"

// complete is a Deployment of one pod that is as wanted.
func complete() Deployment {
	return Deployment{Name: "my-bridge-bridge", Wanted: 1, Replicas: 1, Updated: 1, Available: 1, Observed: true, Serving: true}
}

// outcome is a pass without a finding.
func outcome() BridgeOutcome {
	return BridgeOutcome{
		Generation: 3, Deployment: complete(), URL: "http://my-bridge-bridge-service.ns.svc:8080", Selector: "a=b",
		Timeout: 5 * time.Minute, Now: noon,
	}
}

func TestBridgeReady(t *testing.T) {
	want := v1.KafkaBridgeStatus{URL: "http://my-bridge-bridge-service.ns.svc:8080", Replicas: 1, LabelSelector: "a=b"}
	want.ObservedGeneration = 3
	want.Conditions = []v1.Condition{{Type: "Ready", Status: "True", LastTransitionTime: noonText}}
	if diff := cmp.Diff(want, Bridge(outcome())); diff != "" {
		t.Error(diff)
	}
}

// TestBridgeConditions: what each outcome says, without its times.
func TestBridgeConditions(t *testing.T) {
	invalid := model.Invalid{Field: "spec.http.port", Message: "is taken"}
	cases := map[string]struct {
		change func(*BridgeOutcome)
		want   []string
	}{
		"ready": {func(*BridgeOutcome) {}, []string{"Ready True"}},
		"ready with warnings": {
			func(o *BridgeOutcome) {
				o.Warnings = []model.Warning{{Reason: "UnknownFields", Message: "a"}, {Reason: "DeprecatedFields", Message: "b"}}
			},
			[]string{"Warning True UnknownFields: a", "Warning True DeprecatedFields: b", "Ready True"},
		},
		"invalid": {
			func(o *BridgeOutcome) { o.Err = fmt.Errorf("model: %w", invalid) },
			[]string{"NotReady True InvalidResourceException: model: spec.http.port: is taken"},
		},
		"one of several is invalid": {
			func(o *BridgeOutcome) { o.Err = errors.Join(errors.New("first"), invalid) },
			[]string{"NotReady True InvalidResourceException: first; spec.http.port: is taken"},
		},
		"missing": {
			func(o *BridgeOutcome) { o.Err = &Missing{Message: "Secret s does not exist"} },
			[]string{"NotReady True InvalidConfigurationException: Secret s does not exist"},
		},
		"refused, and warned of": {
			func(o *BridgeOutcome) {
				o.Err = errors.New("Service x: forbidden")
				o.Warnings = []model.Warning{{Reason: "UnknownFields", Message: "a"}}
			},
			[]string{"Warning True UnknownFields: a", "NotReady True KubernetesClientException: Service x: forbidden"},
		},
		"paused, whatever else is wrong": {
			func(o *BridgeOutcome) { o.Paused, o.Err = true, errors.New("x") },
			[]string{"ReconciliationPaused True"},
		},
		"first seen": {
			func(o *BridgeOutcome) { o.Deployment = Deployment{Name: "d", Wanted: 1} },
			[]string{"NotReady True Creating: waiting for Deployment d to become available"},
		},
		"an old pod is left": {
			func(o *BridgeOutcome) { o.Deployment.Replicas = 2 },
			[]string{"NotReady True Creating: waiting for Deployment my-bridge-bridge to become available"},
		},
		"the new pod is not available": {
			func(o *BridgeOutcome) { o.Deployment.Serving = false },
			[]string{"NotReady True Creating: waiting for Deployment my-bridge-bridge to become available"},
		},
		"numbers of an older specification": {
			func(o *BridgeOutcome) { o.Deployment.Observed = false },
			[]string{"NotReady True Creating: waiting for Deployment my-bridge-bridge to become available"},
		},
		"one of two pods is away for a while": {
			func(o *BridgeOutcome) {
				o.Deployment = Deployment{Wanted: 2, Replicas: 2, Updated: 2, Available: 1, Observed: true, Serving: true}
			},
			[]string{"Ready True"},
		},
		"none wanted": {
			func(o *BridgeOutcome) { o.Deployment = Deployment{Observed: true} },
			[]string{"Ready True"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := outcome()
			c.change(&in)
			var got []string
			for _, cond := range Bridge(in).Conditions {
				text := cond.Type + " " + cond.Status
				if cond.Reason != "" {
					text += " " + cond.Reason + ": " + cond.Message
				}
				got = append(got, text)
				if cond.LastTransitionTime != noonText {
					t.Errorf("%s has time %q", cond.Type, cond.LastTransitionTime)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKept: a pass that did not get through, and a pause, leave what was known about the bridges.
func TestKept(t *testing.T) {
	known := Bridge(outcome())
	for name, change := range map[string]func(*BridgeOutcome){
		"failed": func(o *BridgeOutcome) { o.Err = errors.New("x") },
		"paused": func(o *BridgeOutcome) { o.Paused = true },
	} {
		in := BridgeOutcome{Generation: 4, Previous: known, Now: noon}
		change(&in)
		got := Bridge(in)
		if got.URL != known.URL || got.Replicas != 1 || got.LabelSelector != "a=b" || got.ObservedGeneration != 4 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestWait plays the time after a resource was made, or changed: Creating, then a timeout that stays until it is ready.
func TestWait(t *testing.T) {
	in := outcome()
	in.Deployment = Deployment{Name: "d", Wanted: 2, Observed: true, Updated: 1, Problem: "quota exceeded"}
	reasonAfter := func(d time.Duration) (reason, since, message string) {
		in.Now = noon.Add(d)
		in.Previous = Bridge(in)
		c := in.Previous.Conditions[0]
		return c.Reason, c.LastTransitionTime, c.Message
	}
	for _, step := range []struct {
		at     time.Duration
		reason string
		since  time.Duration
	}{
		{0, ReasonCreating, 0},
		{4 * time.Minute, ReasonCreating, 0},
		{5 * time.Minute, ReasonTimeout, 5 * time.Minute},
		{6 * time.Minute, ReasonTimeout, 5 * time.Minute},
	} {
		reason, since, message := reasonAfter(step.at)
		if want := noon.Add(step.since).Format(time.RFC3339); reason != step.reason || since != want {
			t.Errorf("after %s: %s since %s, want %s since %s", step.at, reason, since, step.reason, want)
		}
		if reason == ReasonTimeout && message != "Deployment d was not available after 5m0s: 1 of 2 pods are updated, 0 available: quota exceeded" {
			t.Errorf("after %s: %q", step.at, message)
		}
	}
	in.Generation++
	if reason, since, _ := reasonAfter(7 * time.Minute); reason != ReasonCreating || since != "2026-11-22T12:07:00Z" {
		t.Errorf("a new generation: %s since %s", reason, since)
	}
	in.Generation++
	if _, since, _ := reasonAfter(8 * time.Minute); since != "2026-11-22T12:08:00Z" {
		t.Errorf("a generation after one that was waited for: since %s", since)
	}
	in.Deployment = complete()
	if got := Bridge(in).Conditions[0]; got.Type != v1.ConditionReady {
		t.Errorf("complete, but %+v", got)
	}
}

// TestTimesStay: for any two passes, a condition keeps its time exactly if the one before said the same, and a status that
// says the same is the same.
func TestTimesStay(t *testing.T) {
	pass := func(rt *rapid.T, label string) BridgeOutcome {
		in := outcome()
		in.Generation = 3
		if rapid.Bool().Draw(rt, label+" fails") {
			in.Err = errors.New(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, label+" error"))
		}
		if rapid.Bool().Draw(rt, label+" warns") {
			in.Warnings = []model.Warning{{Reason: "UnknownFields", Message: rapid.SampledFrom([]string{"x", "y"}).Draw(rt, label+" warning")}}
		}
		in.Paused = rapid.Bool().Draw(rt, label+" paused")
		return in
	}
	rapid.Check(t, func(rt *rapid.T) {
		before := Bridge(pass(rt, "first"))
		second := pass(rt, "second")
		second.Previous, second.Now = before, noon.Add(time.Hour)
		after := Bridge(second)
		kept := 0
		for _, c := range after.Conditions {
			had := false
			for _, p := range before.Conditions {
				had = had || sameCondition(p, c)
			}
			if had != (c.LastTransitionTime == noonText) {
				rt.Fatalf("%+v after %+v", c, before.Conditions)
			}
			if had {
				kept++
			}
		}
		if Same(before, after) && cmp.Diff(before, after) != "" {
			rt.Fatalf("same, but %s", cmp.Diff(before, after))
		}
		if news := News(before, after); len(news)+kept != len(after.Conditions) {
			rt.Fatalf("%d kept and %d new of %d", kept, len(news), len(after.Conditions))
		}
	})
}

func TestSame(t *testing.T) {
	base := Bridge(outcome())
	later := *base.DeepCopy()
	later.Conditions[0].LastTransitionTime = "2030-01-01T00:00:00Z"
	if !Same(base, later) {
		t.Error("the time alone makes a difference")
	}
	for name, change := range map[string]func(*v1.KafkaBridgeStatus){
		"url":        func(s *v1.KafkaBridgeStatus) { s.URL = "x" },
		"replicas":   func(s *v1.KafkaBridgeStatus) { s.Replicas = 7 },
		"selector":   func(s *v1.KafkaBridgeStatus) { s.LabelSelector = "x" },
		"generation": func(s *v1.KafkaBridgeStatus) { s.ObservedGeneration = 7 },
		"message":    func(s *v1.KafkaBridgeStatus) { s.Conditions[0].Message = "x" },
		"number":     func(s *v1.KafkaBridgeStatus) { s.Conditions = nil },
	} {
		other := *base.DeepCopy()
		change(&other)
		if Same(base, other) {
			t.Errorf("%s makes no difference", name)
		}
	}
}

func TestMessagesAreOneBoundedLine(t *testing.T) {
	in := outcome()
	in.Err = errors.New("one\ntwo\r\n" + strings.Repeat("é", maxMessage))
	got := Bridge(in).Conditions[0].Message
	if !strings.HasPrefix(got, "one; two; é") || !strings.HasSuffix(got, "é…") || len(got) > maxMessage+len("…") {
		t.Errorf("%d bytes: %.40q … %q", len(got), got, got[len(got)-8:])
	}
}

func TestObserve(t *testing.T) {
	three := int32(3)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "d", Generation: 5},
		Spec:       appsv1.DeploymentSpec{Replicas: &three},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 5, Replicas: 4, UpdatedReplicas: 2, AvailableReplicas: 1,
			Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, Message: "fine"},
				{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Message: "deadline exceeded"},
			},
		},
	}
	want := Deployment{Name: "d", Wanted: 3, Replicas: 4, Updated: 2, Available: 1, Observed: true, Serving: true, Problem: "deadline exceeded"}
	if diff := cmp.Diff(want, Observe(d)); diff != "" {
		t.Error(diff)
	}
	d.Generation, d.Spec.Replicas, d.Status.Conditions = 6, nil, []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionFalse},
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Message: "on its way"},
		{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "quota exceeded"},
	}
	want.Wanted, want.Observed, want.Serving, want.Problem = 1, false, false, "quota exceeded"
	if diff := cmp.Diff(want, Observe(d)); diff != "" {
		t.Error(diff)
	}
}
