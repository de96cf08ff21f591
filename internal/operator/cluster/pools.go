package cluster

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// pool is a group of nodes while it is worked out, whether a KafkaNodePool says it or the Kafka itself.
type pool struct {
	name        string
	uid         types.UID
	virtual     bool
	annotations map[string]string
	labels      map[string]string
	replicas    int
	roles       []string
	storage     v1.Storage
	resources   *corev1.ResourceRequirements
	jvm         *v1.JvmOptions
	jvmField    string
	template    *v1.KafkaNodePoolTemplate

	before, ids []int32 // ascending; those that it had and has
	// keepBrokers says that its nodes are brokers still, though its roles don't say so any more.
	keepBrokers bool
}

// field returns where something of the pool is written: a path within the Kafka, or one that names the KafkaNodePool.
func (p *pool) field(path string) string {
	if !p.virtual {
		return "KafkaNodePool " + p.name + ": " + path
	}
	switch path {
	case "spec.replicas", "spec.storage", "spec.storage.volumes", "spec.resources":
		return "spec.kafka." + path[len("spec."):]
	}
	return path
}

func (p *pool) broker() bool     { return slices.Contains(p.roles, v1.RoleBroker) || p.keepBrokers }
func (p *pool) controller() bool { return slices.Contains(p.roles, v1.RoleController) }

// readPools takes the KafkaNodePools, or the one pool that a Kafka without any has.
func (b *builder) readPools() {
	if len(b.in.Pools) == 0 {
		b.pools = []*pool{b.virtualPool()}
		return
	}
	for i := range b.in.Pools {
		b.pools = append(b.pools, b.nodePool(b.in.Pools[i].DeepCopy()))
	}
	slices.SortFunc(b.pools, func(x, y *pool) int { return cmp.Compare(x.name, y.name) })
	for _, said := range []struct {
		field string
		is    bool
	}{
		{"spec.kafka.replicas", b.spec.Replicas != nil},
		{"spec.kafka.storage", b.spec.Storage != nil},
		{"spec.kafka.resources", b.spec.Resources != nil},
	} {
		if said.is {
			b.NoEffect(said.field, "the KafkaNodePools say it")
		}
	}
	b.leftVirtualPool()
	b.bothRoles()
}

// kafkaJVM is where the Java settings are said that pools without own ones have.
const kafkaJVM = "spec.kafka.jvmOptions"

// virtualPool is the pool of a Kafka as it was written before there were KafkaNodePools: each node is controller and broker.
func (b *builder) virtualPool() *pool {
	p := &pool{
		name: VirtualPool, virtual: true, roles: []string{v1.RoleController, v1.RoleBroker},
		resources: b.spec.Resources, jvm: b.spec.JvmOptions, jvmField: kafkaJVM,
	}
	const orPools = "is missing (or make KafkaNodePools with the label " + names.LabelCluster + ")"
	switch {
	case b.spec.Replicas == nil:
		b.Invalid("spec.kafka.replicas", orPools)
	case *b.spec.Replicas < 1:
		b.Invalid("spec.kafka.replicas", "%d is not at least 1", *b.spec.Replicas)
	default:
		p.replicas = b.replicas("spec.kafka.replicas", *b.spec.Replicas)
	}
	if b.spec.Storage == nil {
		b.Invalid("spec.kafka.storage", orPools)
	} else {
		p.storage = *b.spec.Storage
	}
	return p
}

// maxNodes bounds the nodes of a pool. The largest clusters that are reported have a few hundred; a typing error should not
// take down a Kubernetes cluster.
const maxNodes = 1000

func (b *builder) replicas(field string, n int32) int {
	if n < 0 || n > maxNodes {
		b.Invalid(field, "%d is not from 0 to %d", n, maxNodes)
		return 0
	}
	return int(n)
}

// nodePool takes one KafkaNodePool.
func (b *builder) nodePool(k *v1.KafkaNodePool) *pool {
	p := &pool{
		name: k.Name, uid: k.UID, annotations: k.Annotations,
		roles: k.Spec.Roles, storage: k.Spec.Storage, resources: k.Spec.Resources, template: k.Spec.Template,
		jvm: b.spec.JvmOptions, jvmField: kafkaJVM,
	}
	if k.Spec.JvmOptions != nil {
		p.jvm, p.jvmField = k.Spec.JvmOptions, p.field("spec.jvmOptions")
	}
	p.replicas = b.replicas(p.field("spec.replicas"), k.Spec.Replicas)
	p.labels = b.poolLabels(p, k.Labels)
	if len(p.roles) == 0 {
		b.Invalid(p.field("spec.roles"), "is missing: [controller], [broker] or [controller, broker]")
	}
	for _, role := range p.roles {
		if role != v1.RoleController && role != v1.RoleBroker {
			b.Invalid(p.field("spec.roles"), "%q is not one of controller and broker", role)
		}
	}
	return p
}

// poolLabels are the labels of a KafkaNodePool that its objects carry too.
func (b *builder) poolLabels(p *pool, labels map[string]string) map[string]string {
	var own model.Findings
	kept := own.InheritedLabels(labels)
	if err := own.Err(); err != nil {
		b.Invalid(p.field("metadata.labels"), "%v", err)
	}
	return kept
}

// leftVirtualPool refuses KafkaNodePools beside which the nodes of the virtual pool would go, with their data. The one that
// goes on with them has the virtual pool's name.
func (b *builder) leftVirtualPool() {
	ids := b.in.Observed.NodeIDs[VirtualPool]
	if len(ids) == 0 || slices.ContainsFunc(b.pools, func(p *pool) bool { return p.name == VirtualPool }) {
		return
	}
	b.Invalid("KafkaNodePool "+VirtualPool, "is missing: the cluster has the nodes %v without a KafkaNodePool; make one that is called %s, "+
		"with replicas: %d, roles: [controller, broker] and the storage of spec.kafka.storage, before or beside others", ids, VirtualPool, len(ids))
}

// bothRoles wants someone who keeps the metadata and someone who keeps records.
func (b *builder) bothRoles() {
	for _, role := range []string{v1.RoleController, v1.RoleBroker} {
		if !slices.ContainsFunc(b.pools, func(p *pool) bool { return p.replicas > 0 && slices.Contains(p.roles, role) }) {
			b.Invalid("KafkaNodePools", "none of those with the label %s=%s has the role %s and more than 0 replicas", names.LabelCluster, b.kafka.Name, role)
		}
	}
}

// nodes makes the pools of the result, with their nodes.
func (b *builder) nodes() {
	for _, p := range b.pools {
		out := Pool{Name: p.name, UID: p.uid, Labels: p.labels}
		for _, id := range p.before {
			if !slices.Contains(p.ids, id) {
				out.Leaving = append(out.Leaving, id)
			}
		}
		for _, id := range p.ids {
			n := Node{
				ID: id, Pod: names.NodePod(b.kafka.Name, p.name, id), Controller: b.voters[id], Broker: p.broker(),
				Config: map[string]string{}, Advertised: map[string]Address{},
			}
			n.Host = names.NodeHost(n.Pod, b.kafka.Name, b.kafka.Namespace)
			out.Controller, out.Broker = out.Controller || n.Controller, out.Broker || n.Broker
			out.Nodes = append(out.Nodes, n)
		}
		b.out.Pools = append(b.out.Pools, out)
	}
}

// each calls do for each node, which it may change.
func (b *builder) each(do func(n *Node)) {
	for i := range b.out.Pools {
		for j := range b.out.Pools[i].Nodes {
			do(&b.out.Pools[i].Nodes[j])
		}
	}
}

// brokers counts the nodes that keep records.
func (b *builder) brokers() (n int) {
	b.each(func(node *Node) {
		if node.Broker {
			n++
		}
	})
	return n
}

// idList is ids as people write them: "1, 2".
func idList(ids []int32) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = decimal(id)
	}
	return strings.Join(texts, ", ")
}
