package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// NodePoolOutcome is what a pass over a Kafka found out about one of its KafkaNodePools.
type NodePoolOutcome struct {
	Generation int64                  // metadata.generation of the pool that was looked at
	Previous   v1.KafkaNodePoolStatus // what stands there now
	Warnings   []model.Warning        // what is odd about the pool
	Err        error                  // why the pass did not get through, or nil
	Paused     bool                   // the Kafka says that it is not to be touched; nothing below counts then
	// Waiting, Overdue and Timeout are as in KafkaOutcome.
	Waiting string
	Overdue bool
	Timeout time.Duration
	// Cluster is the name of the Kafka, ClusterID Kafka's own name for it; empty: not known, and the previous one stays.
	Cluster, ClusterID string
	// Pool is what is wanted. If it is nil, the nodes stay as they stand there: their ids are remembered nowhere else.
	Pool *cluster.Pool
	Now  time.Time
}

// NodePool returns the status of a KafkaNodePool. Its conditions are like those of a Kafka; the reference operator only has warnings
// there.
func NodePool(in NodePoolOutcome) v1.KafkaNodePoolStatus {
	next := in.Previous
	next.Status = progress{
		previous: in.Previous.Status, generation: in.Generation, warnings: in.Warnings, err: in.Err, paused: in.Paused,
		waiting: in.Waiting, overdue: in.Overdue, timeout: in.Timeout, now: in.Now,
	}.status()
	if in.Paused {
		return next
	}
	if in.ClusterID != "" {
		next.ClusterID = in.ClusterID
	}
	if in.Pool == nil {
		return next
	}
	next.NodeIDs, next.Roles = nil, nil
	for _, n := range in.Pool.Nodes {
		next.NodeIDs = append(next.NodeIDs, n.ID)
	}
	if in.Pool.Controller {
		next.Roles = append(next.Roles, v1.RoleController)
	}
	if in.Pool.Broker {
		next.Roles = append(next.Roles, v1.RoleBroker)
	}
	next.Replicas = int32(len(in.Pool.Nodes))
	selector := names.Selector(names.KindKafka, in.Cluster, names.KafkaComponent(in.Cluster))
	selector[names.LabelPoolName] = in.Pool.Name
	next.LabelSelector = labels.SelectorFromSet(selector).String()
	return next
}

// SameNodePool tells whether two statuses say the same: when they began to say so does not count.
func SameNodePool(a, b v1.KafkaNodePoolStatus) bool {
	same := sameStatus(a.Status, b.Status)
	a.Status, b.Status = v1.Status{}, v1.Status{}
	return same && equality.Semantic.DeepEqual(a, b)
}
