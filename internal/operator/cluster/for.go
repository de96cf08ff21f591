package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// For checks a Kafka with its node pools and fills in what they leave out. The warnings are about what is ignored or not
// carried out; the error is one line, and errors.As finds a [model.Invalid] in it. The same resources always give the same
// result, and what is observed once that result has been carried out gives it again.
func For(r Resources) (Cluster, []model.Warning, error) {
	b := &builder{in: r, kafka: r.Kafka.DeepCopy(), shared: map[string]string{}, listener: map[string]string{}, fields: map[string]string{}}
	b.spec = b.kafka.Spec.Kafka
	b.metadata()
	b.version()
	b.readPools()
	b.takeVoters()
	b.assignIDs()
	b.keepOccupied()
	b.quorum()
	b.nodes()
	b.storages()
	b.pods()
	b.listeners()
	b.nameLimits()
	b.kraft()
	b.authorization()
	b.config()
	b.judgeConfig()
	b.logging()
	b.authorities()
	b.withoutEffect()
	if err := b.Err(); err != nil {
		return Cluster{}, b.Warnings(), err
	}
	b.finish()
	return b.out, b.Warnings(), nil
}

// builder is one call of For.
type builder struct {
	model.Findings
	in    Resources
	kafka *v1.Kafka
	spec  v1.KafkaClusterSpec
	out   Cluster

	pools  []*pool        // in the order of out.Pools
	voters map[int32]bool // the controllers
	// protocols say how each of the listeners is secured, NAME-PORT:PROTOCOL.
	protocols []string
	// shared and listener become the settings of all nodes and those of all brokers' listeners.
	shared, listener map[string]string
	// fields tell where a setting is from that the user wrote.
	fields map[string]string
	// jvm are properties of the Java virtual machines that listeners need.
	jvm []v1.SystemProperty
}

// metadata takes over what says nothing about Kafka.
func (b *builder) metadata() {
	meta, d := b.kafka.ObjectMeta, b.in.Defaults
	b.out.Name, b.out.Namespace, b.out.UID = meta.Name, meta.Namespace, meta.UID
	b.out.Labels = b.InheritedLabels(meta.Labels)
	b.out.ClusterID = b.in.Observed.ClusterID
	b.out.Domain = cmp.Or(d.Domain, "cluster.local")
	b.out.OperatorNamespace = d.OperatorNamespace
	b.out.NetworkPolicy, b.out.PodDisruptionBudget = !d.WithoutNetworkPolicy, !d.WithoutPodDisruptionBudget
	b.out.Paused = meta.Annotations[names.AnnotationPause] == "true"
	b.out.ResizeInPlace = meta.Annotations[names.AnnotationInPlaceResizing] == "true"
	for _, key := range []string{names.AnnotationNodePools, names.AnnotationKRaft} {
		if value, ok := meta.Annotations[key]; ok && value != "enabled" {
			b.NoEffect("metadata.annotations."+key, "KRaft and KafkaNodePools are always on")
		}
	}
}

// nameLimits refuses names that Kubernetes or X.509 would not take: Services, host names and labels have 63 characters at most
// and no dots, and the common name of a certificate has 64. Cutting them, as other names are, would break the names that
// clients depend on.
func (b *builder) nameLimits() {
	const field, limit = "metadata.name", validation.DNS1035LabelMaxLength
	if problems := validation.IsDNS1035Label(b.kafka.Name); len(problems) > 0 && len(b.kafka.Name) <= limit {
		b.Invalid(field, "%q can't be the beginning of names of Services: take lower-case letters, digits and -, with a letter first and no dots", b.kafka.Name)
		return
	}
	for _, s := range b.serviceNames() {
		if len(s.name) > limit {
			b.Invalid(field, "%s would be called %s, which has %d characters, and %d are allowed: take a name of the Kafka with at most %d, or shorter "+
				"names of pools and listeners", s.what, s.name, len(s.name), limit, max(1, len(b.kafka.Name)-len(s.name)+limit))
			return // the others have the same reason
		}
	}
	for _, p := range b.pools {
		if strings.Contains(p.name, ".") {
			b.Invalid(p.field("metadata.name"), "%q has dots, which the host names of its pods can't have", p.name)
		}
	}
}

// named is a thing with a name.
type named struct{ what, name string }

// serviceNames are all names that have to be DNS labels: of Services and pods.
func (b *builder) serviceNames() []named {
	all := []named{
		{"the Service to bootstrap from", names.KafkaBootstrapService(b.kafka.Name)},
		{"the Service of the brokers", names.KafkaBrokersService(b.kafka.Name)},
	}
	for _, l := range b.out.Listeners {
		if l.BootstrapService != "" {
			all = append(all, named{"the Service of the listener " + l.Name, l.BootstrapService})
		}
		for _, id := range slices.Sorted(maps.Keys(l.Services)) {
			all = append(all, named{fmt.Sprintf("the Service of the listener %s and node %d", l.Name, id), l.Services[id]})
		}
	}
	for _, p := range b.out.Pools {
		for _, n := range p.Nodes {
			all = append(all, named{fmt.Sprintf("the pod of node %d", n.ID), n.Pod})
		}
	}
	return all
}

func decimal(n int32) string { return fmt.Sprint(n) }
