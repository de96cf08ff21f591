package status

import (
	"fmt"
	"time"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
)

// PodSetOutcome is what a pass over a StrimziPodSet found out.
type PodSetOutcome struct {
	Generation int64                     // metadata.generation of the resource that was looked at
	Previous   setv1.StrimziPodSetStatus // what stands there now
	Err        error                     // why the pass did not get through, or nil
	Paused     bool                      // the cluster is not to be touched
	// Pods are wanted; Ready of them are ready, and Current of them were made from what is wanted now.
	Pods, Ready, Current int32
	Now                  time.Time
}

// PodSet returns the status of a StrimziPodSet: Ready=True when all pods are ready and as wanted, else NotReady=True. The numbers are
// those that were counted, also when something failed.
func PodSet(in PodSetOutcome) setv1.StrimziPodSetStatus {
	waiting := ""
	if in.Ready < in.Pods || in.Current < in.Pods {
		waiting = fmt.Sprintf("%d of %d pods are ready, %d are as wanted", in.Ready, in.Pods, in.Current)
	}
	next := setv1.StrimziPodSetStatus{Pods: in.Pods, ReadyPods: in.Ready, CurrentPods: in.Current}
	next.ObservedGeneration = in.Generation
	switch {
	case in.Paused:
		next.Conditions = []v1.Condition{{Type: v1.ConditionReconciliationPaused, Status: "True"}}
	case in.Err != nil:
		next.Conditions = []v1.Condition{notReady(reason(in.Err), in.Err.Error())}
	case waiting != "":
		next.Conditions = []v1.Condition{notReady(ReasonCreating, waiting)}
	default:
		next.Conditions = []v1.Condition{{Type: v1.ConditionReady, Status: "True"}}
	}
	stamp(&next.Status, in.Previous.Status, in.Now)
	return next
}

// SamePodSet tells whether two statuses say the same: when they began to say so does not count.
func SamePodSet(a, b setv1.StrimziPodSetStatus) bool {
	return a.Pods == b.Pods && a.ReadyPods == b.ReadyPods && a.CurrentPods == b.CurrentPods && sameStatus(a.Status, b.Status)
}
