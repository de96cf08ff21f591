package user

import (
	"errors"
	"slices"
	"strings"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// maxMessage bounds a condition's message in bytes: it is to be read in a terminal.
const maxMessage = 1024

// Outcome is what a pass over a resource came to.
type Outcome struct {
	Generation int64              // metadata.generation of the resource that was looked at
	Previous   v1.KafkaUserStatus // what stands there now
	Paused     bool               // the resource says that it is not to be touched; nothing below counts then
	User       User               // of Desired; zero if it failed
	Err        error              // why the pass did not get through, or nil; a Problem says the reason itself
	Warnings   []Warning
	Now        time.Time
}

// Status returns the status of a resource: Ready=True when all is as wanted, else NotReady=True with a reason; a Warning for
// each oddity. A condition that says what the previous status said keeps its time.
func Status(o Outcome) v1.KafkaUserStatus {
	next := v1.KafkaUserStatus{Username: o.Previous.Username, Secret: o.Previous.Secret}
	next.ObservedGeneration = o.Generation
	if o.Paused {
		next.Conditions = []v1.Condition{{Type: v1.ConditionReconciliationPaused, Status: "True"}}
		stamp(next.Conditions, o)
		return next
	}
	if o.User.Name != "" {
		next.Username, next.Secret = o.User.Principal(), ""
		if o.User.Secret != nil {
			next.Secret = o.User.Secret.Name
		}
	}
	for _, w := range o.Warnings {
		next.Conditions = append(next.Conditions, v1.Condition{Type: v1.ConditionWarning, Status: "True", Reason: w.Reason, Message: line(w.Message)})
	}
	next.Conditions = append(next.Conditions, readiness(o.Err))
	stamp(next.Conditions, o)
	return next
}

func readiness(err error) v1.Condition {
	if err == nil {
		return v1.Condition{Type: v1.ConditionReady, Status: "True"}
	}
	reason := ReasonInternal
	var p Problem
	if errors.As(err, &p) {
		reason = p.Reason
	}
	return v1.Condition{Type: v1.ConditionNotReady, Status: "True", Reason: reason, Message: line(err.Error())}
}

// Same reports whether two statuses say the same: when they began to say so does not count.
func Same(a, b v1.KafkaUserStatus) bool {
	return a.Username == b.Username && a.Secret == b.Secret && a.ObservedGeneration == b.ObservedGeneration &&
		slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}

func sameCondition(a, b v1.Condition) bool {
	return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message
}

// line makes a message one line of bounded length.
func line(message string) string {
	message = strings.Join(strings.FieldsFunc(message, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return message
}

// stamp gives each condition the time of the same condition before, or now.
func stamp(conditions []v1.Condition, o Outcome) {
	for i := range conditions {
		c := &conditions[i]
		c.LastTransitionTime = o.Now.UTC().Format(time.RFC3339)
		at := slices.IndexFunc(o.Previous.Conditions, func(p v1.Condition) bool { return sameCondition(p, *c) })
		if at >= 0 && o.Previous.Conditions[at].LastTransitionTime != "" {
			c.LastTransitionTime = o.Previous.Conditions[at].LastTransitionTime
		}
	}
}
