package status

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// KafkaOutcome is what a pass over a Kafka found out.
type KafkaOutcome struct {
	Generation int64           // metadata.generation of the resource that was looked at
	Previous   v1.KafkaStatus  // what stands there now
	Warnings   []model.Warning // what is odd about the resource or about the cluster
	Err        error           // why the pass did not get through, or nil
	Paused     bool            // the resource says that it is not to be touched; nothing below counts then
	// ClusterID is written whatever else happens, unless it is empty: a cluster that forgets it can't start a node again.
	ClusterID string
	// Waiting is what keeps the cluster from being as wanted, one sentence without a dot; empty: nothing does. Overdue says that it
	// has been waited for too long, by the rules of whoever waits.
	Waiting string
	Overdue bool
	// Timeout is the time after which a cluster that has not been ready counts as failed if all the while the same is waited for;
	// zero: never.
	Timeout time.Duration
	// What follows counts if Err is nil. Observed are the Services and pods, Certificates are for the listeners.
	Want         cluster.Cluster
	Observed     cluster.Observed
	Certificates ListenerCertificates
	// MetadataVersion is the one in force; empty: nobody knows, and the previous one stays.
	MetadataVersion string
	OperatorVersion string
	Now             time.Time
}

// Kafka returns the status of a Kafka: Ready=True when all is as wanted, else NotReady=True with a reason; a Warning for each oddity.
//
// While something is brought about in a cluster that was ready, it stays ready, with the generation that it was ready for and the
// addresses that it had, as in the reference operator, whose status is written at the end of a pass. Who waits for a change compares
// observedGeneration.
func Kafka(in KafkaOutcome) v1.KafkaStatus {
	next := in.Previous
	if in.ClusterID != "" {
		next.ClusterID = in.ClusterID
	}
	p := progress{
		previous: in.Previous.Status, generation: in.Generation, warnings: in.Warnings, err: in.Err, paused: in.Paused,
		waiting: in.Waiting, overdue: in.Overdue, timeout: in.Timeout, now: in.Now,
	}
	next.Status = p.status()
	if in.Paused || in.Err != nil {
		return next
	}
	if in.MetadataVersion != "" {
		next.KafkaMetadataVersion = in.MetadataVersion
	}
	if p.changing() {
		return next
	}
	next.Listeners = listeners(in.Want, in.Observed, in.Certificates)
	next.KafkaNodePools = nodePools(in.Want)
	if in.Waiting == "" {
		next.OperatorLastSuccessfulVersion, next.KafkaVersion = in.OperatorVersion, in.Want.Version.Number
	}
	return next
}

// SameKafka tells whether two statuses say the same: when they began to say so does not count.
func SameKafka(a, b v1.KafkaStatus) bool {
	same := sameStatus(a.Status, b.Status)
	a.Status, b.Status = v1.Status{}, v1.Status{}
	return same && equality.Semantic.DeepEqual(a, b)
}

// nodePools are those that have a resource of their own.
func nodePools(c cluster.Cluster) []v1.UsedNodePool {
	var pools []v1.UsedNodePool
	for _, p := range c.Pools {
		if p.UID != "" {
			pools = append(pools, v1.UsedNodePool{Name: p.Name})
		}
	}
	return pools
}

// progress is what the conditions of a Kafka and of its node pools are made from.
type progress struct {
	previous   v1.Status
	generation int64
	warnings   []model.Warning
	err        error
	paused     bool
	waiting    string
	overdue    bool
	timeout    time.Duration
	now        time.Time
}

// status is the conditions, and the generation that they speak about.
func (p progress) status() v1.Status {
	next := v1.Status{ObservedGeneration: p.generation}
	switch {
	case p.paused:
		next.Conditions = []v1.Condition{{Type: v1.ConditionReconciliationPaused, Status: "True"}}
	case p.err != nil:
		next.Conditions = append(warnings(p.warnings), notReady(reason(p.err), p.err.Error()))
	case p.waiting == "":
		next.Conditions = append(warnings(p.warnings), v1.Condition{Type: v1.ConditionReady, Status: "True"})
	case p.changing():
		next.ObservedGeneration = p.previous.ObservedGeneration
		next.Conditions = append(warnings(p.warnings), v1.Condition{Type: v1.ConditionReady, Status: "True"})
	case p.overdue || p.late():
		next.Conditions = append(warnings(p.warnings), notReady(ReasonTimeout, p.waiting))
	default:
		next.Conditions = append(warnings(p.warnings), notReady(ReasonCreating, p.waiting))
	}
	stamp(&next, p.previous, p.now)
	return next
}

// changing tells whether something is brought about in a cluster that was ready, and not for too long yet.
func (p progress) changing() bool {
	return p.waiting != "" && !p.overdue && slices.ContainsFunc(p.previous.Conditions, func(c v1.Condition) bool { return c.Type == v1.ConditionReady })
}

// late tells whether the same has been waited for too long, which the previous status says: a condition keeps its time as long as it
// says the same. What was late before is late until something else is waited for.
func (p progress) late() bool {
	if p.timeout <= 0 || p.previous.ObservedGeneration != p.generation {
		return false
	}
	for _, c := range p.previous.Conditions {
		if c.Type != v1.ConditionNotReady || c.Message != line(p.waiting) {
			continue
		}
		since, err := time.Parse(time.RFC3339, c.LastTransitionTime)
		return c.Reason == ReasonTimeout || c.Reason == ReasonCreating && err == nil && p.now.Sub(since) >= p.timeout
	}
	return false
}
