package roll

import (
	"fmt"
	"strings"
	"time"
)

// Action is the kind of a step.
type Action int

// The actions. Restart and DeleteClaims are the disruptive ones.
const (
	Nothing      Action = iota // all is as wanted
	Wait                       // until Again, or until something that is watched changes
	Mark                       // copy strimzi.io/manual-rolling-update to the pods of the targets
	Unmark                     // remove it from the pod set Pool
	Reconfigure                // set the options Keys of the target through Kafka's admin protocol
	DeleteClaims               // delete the claims of the target's pod; its deletion is a later step
	Restart                    // delete the pods of the targets, each with its UID as a precondition
)

// String names the action for logs.
func (a Action) String() string {
	return [...]string{"nothing", "wait", "mark", "unmark", "reconfigure", "delete claims", "restart"}[a]
}

// Reason says why a pod is restarted, or what is waited for. It is fit for the reason of an Event and of a condition.
type Reason string

// Why a pod is restarted: the names of the reference operator (its RestartReason), which appear in its users' alerts.
const (
	ClusterCaCertKeyReplaced    Reason = "ClusterCaCertKeyReplaced"
	CaCertRenewed               Reason = "CaCertRenewed"
	CaCertRemoved               Reason = "CaCertRemoved"
	CaCertHasOldGeneration      Reason = "CaCertHasOldGeneration"
	KafkaCertificatesChanged    Reason = "KafkaCertificatesChanged"
	ConfigChangeRequiresRestart Reason = "ConfigChangeRequiresRestart"
	FileSystemResizeNeeded      Reason = "FileSystemResizeNeeded"
	ManualRollingUpdate         Reason = "ManualRollingUpdate"
	PodForceRestartOnError      Reason = "PodForceRestartOnError"
	PodHasOldRevision           Reason = "PodHasOldRevision"
	PodHasOldResourceRevision   Reason = "PodHasOldResourceRevision"
	PodResourcesChanged         Reason = "PodResourcesChanged"
	PodStuck                    Reason = "PodStuck"
	PodUnresponsive             Reason = "PodUnresponsive"
	// PodAndClaimDeletion is ours: the reference operator has no name for it.
	PodAndClaimDeletion Reason = "PodAndClaimDeletion"
)

// What is waited for, besides PodStuck.
const (
	PodMissing        Reason = "PodMissing"
	PodTerminating    Reason = "PodTerminating"
	PodNotReady       Reason = "PodNotReady"
	LogRecovery       Reason = "LogRecovery"
	QuorumAtRisk      Reason = "QuorumAtRisk"
	PartitionAtRisk   Reason = "PartitionAtRisk"
	KafkaNotReachable Reason = "KafkaNotReachable"
)

// Step is what to do next. The zero value is Nothing; with Nothing, too, there may be a Warning.
type Step struct {
	Do Action
	// Targets are the nodes that something is done to; for Wait the one that is waited for.
	Targets []Target
	// Pool is set for Unmark, Keys for Reconfigure.
	Pool string
	Keys []string
	// Reason and Why explain Wait: a name for conditions, and one sentence without a dot at its end.
	Reason Reason
	Why    string
	// Again is when to look again at the latest, set for Wait.
	Again time.Time
	// Overdue says of Wait that the pod has had its time and that somebody may have to look.
	Overdue bool
	// Forced says of Restart that Kafka could not be asked.
	Forced bool
	// Warning is a sentence for the user, empty if there is nothing to be said.
	Warning string
}

// Target is a node with its pod as it was seen. Pod and UID are empty if there is none.
type Target struct {
	Node     int32
	Pod, UID string
	Reasons  []Reason
}

// String is the step in one line, for logs and dry runs.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(s.Do.String())
	if s.Forced {
		b.WriteString(" forced")
	}
	for _, t := range s.Targets {
		fmt.Fprintf(&b, " %d", t.Node)
		if len(t.Reasons) > 0 {
			fmt.Fprintf(&b, "%v", t.Reasons)
		}
	}
	for _, more := range []string{s.Pool, strings.Join(s.Keys, ","), string(s.Reason)} {
		if more != "" {
			b.WriteString(" " + more)
		}
	}
	if s.Why != "" {
		b.WriteString(": " + s.Why)
	}
	return b.String()
}
