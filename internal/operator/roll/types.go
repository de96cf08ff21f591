package roll

import (
	"cmp"
	"time"
)

// None is no node: the leader of a partition or a quorum without one.
const None int32 = -1

// The bounds that hold where Want leaves them out.
const (
	DefaultStartTimeout = 5 * time.Minute // Strimzi's STRIMZI_OPERATION_TIMEOUT_MS
	DefaultAdminTimeout = 2 * time.Minute // about the sum of the reference operator's ten attempts
	DefaultFetchTimeout = 2 * time.Second // Kafka's controller.quorum.fetch.timeout.ms
)

// Want is the cluster as it should be.
type Want struct {
	// Nodes are all nodes, in any order. Of two with one id the first counts.
	Nodes []Node
	// Batch is how many brokers may be restarted at once. Below two it is one by one.
	Batch int
	// StartTimeout is how long a pod may be unready before it is restarted, if there is a reason for that.
	StartTimeout time.Duration
	// AdminTimeout is how long Kafka, or one broker, may give no answer before that forces restarts.
	AdminTimeout time.Duration
	// FetchTimeout is the lag up to which a voter counts as caught up.
	FetchTimeout time.Duration
}

// Node is one wanted node.
type Node struct {
	ID int32
	// Pool names the pod set that its pod belongs to.
	Pool string
	// Rack is empty if the cluster knows no racks.
	Rack string
	// Controller says that it has the controller role, alone or beside the broker's.
	Controller bool
	// ResizeInPlace says that other resources are given to the running pod, without a restart as long as the kubelet can.
	ResizeInPlace bool
	// Options is a hash of the options that Kafka changes at run time.
	Options string
	Marks
}

// Marks are what a pod is made from. On a pod they are annotations: a mark that is missing there (an empty string, a 0)
// differs from what is wanted.
type Marks struct {
	// Revision is of the pod's template without resources, ResourceRevision of the resources.
	Revision, ResourceRevision string
	// Configuration is a hash of the options that need a restart.
	Configuration string
	// Certificates is a hash of the certificates that Kafka can't reload.
	Certificates string
	// Trust is a hash of all authorities that are trusted.
	Trust string
	// ClusterCAKey, ClusterCACert and ClientsCACert are generations.
	ClusterCAKey, ClusterCACert, ClientsCACert int64
}

// Seen is the cluster as it is. The pods have to be read before Kafka is asked, and not earlier than the last restart.
type Seen struct {
	// Pods and Brokers are by node id.
	Pods    map[int32]Pod
	Brokers map[int32]Broker
	// RollPools names the pod sets that strimzi.io/manual-rolling-update is on.
	RollPools []string
	// Kafka is nil unless all of it could be read.
	Kafka *Kafka
	// BlindSince is since when Kafka is nil or its quorum has no leader, zero if that isn't known. The caller may forget it,
	// which puts off a forced restart and never hastens one.
	BlindSince time.Time
}

// Pod is what Kubernetes says of a node.
type Pod struct {
	// UID goes into the Step, so that the deletion hits this pod only and not its successor.
	Name, UID string
	Marks
	// Options is Node.Options as it was when the pod was made.
	Options string
	Created time.Time
	// Ready is the pod's condition, Since when it last changed; Created if it never did.
	Ready bool
	Since time.Time
	// Deleting says that the pod has a deletion timestamp.
	Deleting bool
	// Waiting says why Kafka's container doesn't run: the reason of its waiting state, or Unschedulable. Empty if it runs.
	Waiting string
	// Roll and DropClaims are strimzi.io/manual-rolling-update and strimzi.io/delete-pod-and-pvc.
	Roll, DropClaims bool
	// Claims counts its claims that stay, ClaimsDeleting says that one has a deletion timestamp: it goes with the pod, whoever
	// deleted it.
	Claims         int
	ClaimsDeleting bool
	// ResizePending is when one of its claims began to wait for a restart to grow its file system, zero if none does.
	ResizePending time.Time
	// ResizeInfeasible says that the kubelet can't give the pod its wanted resources in place.
	ResizeInfeasible bool
}

// Broker is what the Kafka of one node says of itself, as broker or as controller.
type Broker struct {
	// Unreachable is since when no admin connection could be made to it, zero if it answers.
	Unreachable time.Time
	// Recovering says that it reads its logs after a hard stop; Logs and Segments are what is left of that.
	Recovering     bool
	Logs, Segments int
	// Drift names the options, out of those that Kafka changes at run time, whose values aren't those wanted.
	Drift []string
	// Refused says that this broker refused these very values, or has others after taking them. The caller may forget it: it
	// is tried once more then.
	Refused bool
}

// Kafka is what the cluster says of itself.
type Kafka struct {
	// Leader is the active controller, or None.
	Leader     int32
	Voters     []Voter
	Partitions []Partition
}

// Voter is a controller with a vote, wanted or not.
type Voter struct {
	ID int32
	// Lag is how long ago it was caught up with the leader.
	Lag time.Duration
}

// Partition is a partition of any topic, internal ones included.
type Partition struct {
	Topic  string
	Number int32
	// Leader is None while the partition is offline.
	Leader        int32
	Replicas, ISR []int32
	// MinISR is min.insync.replicas of the topic.
	MinISR int
}

func (w Want) withDefaults() Want {
	w.StartTimeout = cmp.Or(w.StartTimeout, DefaultStartTimeout)
	w.AdminTimeout = cmp.Or(w.AdminTimeout, DefaultAdminTimeout)
	w.FetchTimeout = cmp.Or(w.FetchTimeout, DefaultFetchTimeout)
	return w
}
