// Package status makes the status of a resource from what a pass found out, always from scratch: no condition of an earlier
// pass survives unless this one says it again. It takes values and returns values; reading and writing are the controller's.
package status

import (
	"errors"
	"slices"
	"strings"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// Reasons of a NotReady condition. Where the reference operator puts the name of a Java exception, the name stands here too:
// scripts and alerts compare it.
const (
	// ReasonInvalid: the resource says something that cannot be; only a change of it helps.
	ReasonInvalid = "InvalidResourceException"
	// ReasonMissing: a Secret, a ConfigMap or a key that the resource names is not there.
	ReasonMissing = "InvalidConfigurationException"
	// ReasonTimeout: what was made did not become available in time.
	ReasonTimeout = "TimeoutException"
	// ReasonFailed: the API server refused something, or could not be reached.
	ReasonFailed = "KubernetesClientException"
	// ReasonCreating: what was made is not available yet. The reference operator's first status of a new resource.
	ReasonCreating = "Creating"
)

// maxMessage bounds a condition's message in bytes: it is to be read in a terminal.
const maxMessage = 1024

// Missing is the error for something that the resource names and that is not there.
type Missing struct{ Message string }

func (e *Missing) Error() string { return e.Message }

// BridgeOutcome is what a pass over a KafkaBridge found out.
type BridgeOutcome struct {
	Generation int64                // metadata.generation of the resource that was looked at
	Previous   v1.KafkaBridgeStatus // what stands there now
	Warnings   []model.Warning      // what is odd about the resource
	Err        error                // why the pass did not get through, or nil
	Paused     bool                 // the resource says that it is not to be touched; nothing below counts then
	Deployment Deployment           // what became of the bridges; counts if Err is nil
	URL        string               // where they are reached
	Selector   string               // their labels, for the scale subresource
	Timeout    time.Duration        // after which a Deployment that is not available counts as failed
	Now        time.Time
}

// Bridge returns the status of a KafkaBridge: Ready=True when all is as wanted, else NotReady=True with a reason; a Warning
// for each oddity. A condition that says what the previous status said keeps its time.
func Bridge(in BridgeOutcome) v1.KafkaBridgeStatus {
	next := v1.KafkaBridgeStatus{URL: in.Previous.URL, Replicas: in.Previous.Replicas, LabelSelector: in.Previous.LabelSelector}
	next.ObservedGeneration = in.Generation
	switch {
	case in.Paused:
		next.Conditions = []v1.Condition{{Type: v1.ConditionReconciliationPaused, Status: "True"}}
	case in.Err != nil:
		next.Conditions = append(warnings(in.Warnings), notReady(reason(in.Err), in.Err.Error()))
	default:
		next.URL, next.LabelSelector, next.Replicas = in.URL, in.Selector, in.Deployment.Replicas
		next.Conditions = append(warnings(in.Warnings), readiness(in))
	}
	stamp(&next.Status, in.Previous.Status, in.Now)
	return next
}

// Same tells whether two statuses say the same: when they began to say so does not count.
func Same(a, b v1.KafkaBridgeStatus) bool {
	return a.URL == b.URL && a.Replicas == b.Replicas && a.LabelSelector == b.LabelSelector && sameStatus(a.Status, b.Status)
}

func sameCondition(a, b v1.Condition) bool {
	return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message
}

// readiness is the condition of a pass that got through: what is left is to wait for the pods, for a bounded time.
func readiness(in BridgeOutcome) v1.Condition {
	if in.Deployment.complete() {
		return v1.Condition{Type: v1.ConditionReady, Status: "True"}
	}
	waiting := notReady(ReasonCreating, "waiting for Deployment "+in.Deployment.Name+" to become available")
	since, last := waitingSince(in)
	if last == ReasonTimeout || !since.IsZero() && in.Now.Sub(since) >= in.Timeout {
		return notReady(ReasonTimeout, in.Deployment.shortcoming(in.Timeout))
	}
	return waiting
}

// waitingSince reads from the previous status since when this generation has been waited for, and for what reason it was
// not ready. A new generation waits anew.
func waitingSince(in BridgeOutcome) (since time.Time, reason string) {
	if in.Previous.ObservedGeneration != in.Generation {
		return time.Time{}, ""
	}
	for _, c := range in.Previous.Conditions {
		if c.Type != v1.ConditionNotReady || c.Reason != ReasonCreating && c.Reason != ReasonTimeout {
			continue
		}
		if at, err := time.Parse(time.RFC3339, c.LastTransitionTime); err == nil {
			since = at
		}
		return since, c.Reason
	}
	return time.Time{}, ""
}

// reason is the word for an error.
func reason(err error) string {
	var (
		invalid model.Invalid
		missing *Missing
	)
	switch {
	case errors.As(err, &invalid):
		return ReasonInvalid
	case errors.As(err, &missing):
		return ReasonMissing
	}
	return ReasonFailed
}

func notReady(reason, message string) v1.Condition {
	return v1.Condition{Type: v1.ConditionNotReady, Status: "True", Reason: reason, Message: line(message)}
}

func warnings(list []model.Warning) []v1.Condition {
	conditions := make([]v1.Condition, 0, len(list)+1)
	for _, w := range list {
		conditions = append(conditions, v1.Condition{Type: v1.ConditionWarning, Status: "True", Reason: w.Reason, Message: line(w.Message)})
	}
	return conditions
}

// line makes a message one line of bounded length.
func line(message string) string {
	message = strings.Join(strings.FieldsFunc(message, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return message
}

// stamp gives each condition the time at which its content came up: that of the same condition before, or now. Waiting for a
// new generation is not the same condition, whatever it says.
func stamp(next *v1.Status, previous v1.Status, now time.Time) {
	for i := range next.Conditions {
		c := &next.Conditions[i]
		c.LastTransitionTime = now.UTC().Format(time.RFC3339)
		if c.Reason == ReasonCreating && previous.ObservedGeneration != next.ObservedGeneration {
			continue
		}
		at := slices.IndexFunc(previous.Conditions, func(p v1.Condition) bool { return sameCondition(p, *c) })
		if at >= 0 && previous.Conditions[at].LastTransitionTime != "" {
			c.LastTransitionTime = previous.Conditions[at].LastTransitionTime
		}
	}
}

// News returns the conditions of next that previous had not.
func News(previous, next v1.KafkaBridgeStatus) []v1.Condition {
	return NewConditions(previous.Status, next.Status)
}

// NewConditions is News for any kind.
func NewConditions(previous, next v1.Status) []v1.Condition {
	return slices.DeleteFunc(slices.Clone(next.Conditions), func(c v1.Condition) bool {
		return slices.ContainsFunc(previous.Conditions, func(p v1.Condition) bool { return sameCondition(p, c) })
	})
}

// sameStatus tells whether two statuses of any kind say the same in what all kinds have.
func sameStatus(a, b v1.Status) bool {
	return a.ObservedGeneration == b.ObservedGeneration && slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}
