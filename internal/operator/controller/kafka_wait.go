package controller

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// heldUp sees to the waits that no pod tells of: Kafka's own state holds up a rolling update, maybe for ever, while all pods are
// ready, and so is the Kafka. Such a wait is logged and an Event when it begins. When it has lasted as long as an operation may,
// it is a warning, until it is over.
func (r *kafkas) heldUp(s *scene, out *kafkaOutcome, step roll.Step) {
	memory := r.memory.of(s.key())
	remedy := remedyOf(step.Reason)
	if step.Do != roll.Wait || remedy == "" || len(step.Targets) == 0 {
		memory.blocked = blocked{}
		return
	}
	target, now := step.Targets[0], r.Now()
	since, news := memory.hold(target.Node, step.Reason, now)
	if news {
		r.Log.Info("rolling update waits", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name,
			"node", target.Node, "reason", step.Reason, "why", step.Why)
		r.event(s.kafka, podReference(s, target), corev1.EventTypeNormal, string(step.Reason), "Wait", "%s", step.Why)
	}
	if r.Timeout > 0 && now.Sub(since) >= r.Timeout {
		out.warnings = append(out.warnings, model.Warning{
			Reason:  string(step.Reason),
			Message: fmt.Sprintf("%s; it has been waited for since %s: %s", step.Why, since.UTC().Format(time.RFC3339), remedy),
		})
	}
}

// remedyOf says what to do about what a rolling update waits for, empty if the pods tell of it: then it is theirs to be late.
func remedyOf(reason roll.Reason) string {
	switch reason {
	case roll.PartitionAtRisk:
		return "look for a broker that is away or behind, by kafka-topics.sh --describe --under-replicated-partitions"
	case roll.QuorumAtRisk:
		return "look for a controller that is away or behind, by kafka-metadata-quorum.sh describe --replication"
	case roll.KafkaNotReachable:
		return "look at the operator's log, at NetworkPolicies for port 9091, and whether the controllers have a leader"
	}
	return ""
}

// podReference is a pod that an Event is related to.
func podReference(s *scene, target roll.Target) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: s.kafka.Namespace, Name: target.Pod, UID: types.UID(target.UID),
	}
}
