package topic

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// ConditionUnmanaged is the condition of a resource with names.AnnotationManaged "false".
const ConditionUnmanaged = "Unmanaged"

// maxMessage bounds a condition's message in bytes: it is to be read in a terminal.
const maxMessage = 1024

// Outcome is what a pass over a resource came to.
type Outcome struct {
	Generation int64               // metadata.generation of the resource that was looked at
	Previous   v1.KafkaTopicStatus // what stands there now
	Action     Action              // what Decide said
	Topic      string              // the topic's name
	ID         string              // the topic's id, empty if it isn't known
	Err        error               // why the pass did not get through, or nil; a Problem says the reason itself
	Refused    []Problem           // of Changes
	Warnings   []Warning           // of Desired and of Changes
	Replicas   *v1.ReplicasChange  // of Changes
	Now        time.Time
}

// Status returns the status of a resource: Ready=True when all is as wanted or on its way there, else Ready=False with a
// reason (unlike the other kinds, which say NotReady=True); a Warning for each oddity. A condition that says what the
// previous status said keeps its time. A resource that isn't managed forgets its topic, so that it may be given another
// one.
func Status(o Outcome) v1.KafkaTopicStatus {
	next := v1.KafkaTopicStatus{TopicName: cmp.Or(o.Previous.TopicName, o.Topic), TopicID: cmp.Or(o.ID, o.Previous.TopicID)}
	next.ObservedGeneration = o.Generation
	switch o.Action {
	case Pause:
		next.ReplicasChange = o.Previous.ReplicasChange
		next.Conditions = []v1.Condition{{Type: v1.ConditionReconciliationPaused, Status: "True"}}
	case Unmanage:
		next.TopicName, next.TopicID = "", ""
		next.Conditions = []v1.Condition{{Type: ConditionUnmanaged, Status: "True"}}
	default:
		next.ReplicasChange = o.Replicas
		if o.Err != nil {
			next.ReplicasChange = o.Previous.ReplicasChange
		}
		if o.Action == Yield || o.Err != nil && o.Previous.TopicName == "" {
			next.TopicName, next.TopicID = "", "" // it has none, so it may still be given another name
		}
		for _, w := range o.Warnings {
			next.Conditions = append(next.Conditions, v1.Condition{Type: v1.ConditionWarning, Status: "True", Reason: w.Reason, Message: line(w.Message)})
		}
		next.Conditions = append(next.Conditions, ready(o))
	}
	stamp(next.Conditions, o.Previous.Conditions, o.Now)
	return next
}

// ready is the one condition about readiness. An error of the pass comes before what was refused.
func ready(o Outcome) v1.Condition {
	c := v1.Condition{Type: v1.ConditionReady, Status: "False", Reason: ReasonInternal}
	var p Problem
	switch {
	case errors.As(o.Err, &p):
		c.Reason, c.Message = p.Reason, line(o.Err.Error())
	case o.Err != nil:
		c.Message = line(o.Err.Error())
	case len(o.Refused) > 0:
		texts := make([]string, len(o.Refused))
		for i, r := range o.Refused {
			texts[i] = r.Message
		}
		c.Reason, c.Message = o.Refused[0].Reason, line(strings.Join(texts, "; "))
	default:
		return v1.Condition{Type: v1.ConditionReady, Status: "True"}
	}
	return c
}

// Same reports whether two statuses say the same: when they began to say so does not count.
func Same(a, b v1.KafkaTopicStatus) bool {
	return a.TopicName == b.TopicName && a.TopicID == b.TopicID && a.ObservedGeneration == b.ObservedGeneration &&
		sameChange(a.ReplicasChange, b.ReplicasChange) && slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}

func sameChange(a, b *v1.ReplicasChange) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.TargetReplicas, y.TargetReplicas = nil, nil
	return x == y && (a.TargetReplicas == b.TargetReplicas ||
		a.TargetReplicas != nil && b.TargetReplicas != nil && *a.TargetReplicas == *b.TargetReplicas)
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
func stamp(conditions, previous []v1.Condition, now time.Time) {
	for i := range conditions {
		c := &conditions[i]
		c.LastTransitionTime = now.UTC().Format(time.RFC3339)
		at := slices.IndexFunc(previous, func(p v1.Condition) bool { return sameCondition(p, *c) })
		if at >= 0 && previous[at].LastTransitionTime != "" {
			c.LastTransitionTime = previous[at].LastTransitionTime
		}
	}
}
