package cluster

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// pods takes what belongs to Kubernetes and to Java and not to Kafka.
func (b *builder) pods() {
	if b.spec.Template != nil {
		b.out.Template = *b.spec.Template
	}
	b.clusterTemplate(b.out.Template)
	for i, p := range b.pools {
		out := &b.out.Pools[i]
		if p.resources != nil {
			out.Resources = *p.resources
			b.resources(p.field("spec.resources"), out.Resources)
		}
		out.Template = b.poolTemplate(p, out.Volumes)
		out.JVM = b.javaOptions(p)
		b.smallHeap(out)
	}
	b.out.Liveness = b.LivenessProbe("spec.kafka.livenessProbe", b.spec.LivenessProbe)
	b.out.Readiness = b.Probe("spec.kafka.readinessProbe", b.spec.ReadinessProbe)
	b.rack()
	if j := b.spec.JmxOptions; j != nil {
		b.out.JMX, b.out.JMXPassword = true, j.Authentication != nil
	}
}

// resources refuses amounts that nothing could run with.
func (b *builder) resources(field string, r corev1.ResourceRequirements) {
	b.Resources(field, r)
	for _, list := range []struct {
		name    string
		amounts corev1.ResourceList
	}{{".requests.", r.Requests}, {".limits.", r.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(list.amounts)) {
			if amount := list.amounts[name]; amount.Sign() <= 0 {
				b.Invalid(field+list.name+string(name), "%s is not more than 0", amount.String())
			}
		}
	}
}

// poolTemplate is the pool's template with what it leaves out from the Kafka's, one kind of object after the other.
func (b *builder) poolTemplate(p *pool, data []Volume) v1.KafkaNodePoolTemplate {
	all := b.out.Template
	own := v1.KafkaNodePoolTemplate{}
	if p.template != nil {
		own = *p.template
		b.checkTemplate(p.field("spec.template"), own)
	}
	merged := v1.KafkaNodePoolTemplate{
		PodSet: cmp.Or(own.PodSet, all.PodSet), Pod: cmp.Or(own.Pod, all.Pod), PerPodService: cmp.Or(own.PerPodService, all.PerPodService),
		PerPodRoute: cmp.Or(own.PerPodRoute, all.PerPodRoute), PerPodIngress: cmp.Or(own.PerPodIngress, all.PerPodIngress),
		PersistentVolumeClaim: cmp.Or(own.PersistentVolumeClaim, all.PersistentVolumeClaim),
		KafkaContainer:        cmp.Or(own.KafkaContainer, all.KafkaContainer), InitContainer: cmp.Or(own.InitContainer, all.InitContainer),
	}
	said := func(part string, isOwn bool) string { // where a part is written
		if isOwn {
			return p.field("spec.template") + part
		}
		return "spec.kafka.template" + part
	}
	var volumes []string
	pod := said(".pod", own.Pod != nil)
	if merged.Pod != nil {
		volumes = b.podVolumes(pod, *merged.Pod, data)
	}
	merged.KafkaContainer = b.container(said(".kafkaContainer", own.KafkaContainer != nil), pod+".volumes", merged.KafkaContainer, volumes)
	merged.InitContainer = b.container(said(".initContainer", own.InitContainer != nil), pod+".volumes", merged.InitContainer, volumes)
	return merged
}

// container checks a container's template and drops variables that the operator writes itself.
func (b *builder) container(field, source string, c *v1.ContainerTemplate, volumes []string) *v1.ContainerTemplate {
	if c == nil {
		return nil
	}
	out := *c
	b.TemplateMounts(field+".volumeMounts", c.VolumeMounts, source, volumes)
	out.Env = b.TemplateEnv(field+".env", c.Env, func(name string) bool { return strings.HasPrefix(name, "STEG_") })
	return &out
}

// clusterTemplate checks the Kafka's template.
func (b *builder) clusterTemplate(t v1.KafkaClusterTemplate) {
	const field = "spec.kafka.template"
	b.checkTemplate(field, v1.KafkaNodePoolTemplate{
		PodSet: t.PodSet, Pod: t.Pod, PerPodService: t.PerPodService, PerPodRoute: t.PerPodRoute, PerPodIngress: t.PerPodIngress,
		PersistentVolumeClaim: t.PersistentVolumeClaim,
	})
	for _, s := range []struct {
		name     string
		template *v1.InternalServiceTemplate
	}{{"bootstrapService", t.BootstrapService}, {"brokersService", t.BrokersService}} {
		if s.template != nil {
			b.TemplateMetadata(field+"."+s.name+".metadata", s.template.Metadata)
		}
	}
	if t.PodDisruptionBudget != nil {
		b.TemplateMetadata(field+".podDisruptionBudget.metadata", t.PodDisruptionBudget.Metadata)
	}
	b.objectTemplates(field, []objectTemplate{
		{"externalBootstrapService", t.ExternalBootstrapService},
		{"externalBootstrapRoute", t.ExternalBootstrapRoute},
		{"externalBootstrapIngress", t.ExternalBootstrapIngress},
		{"clusterCaCert", t.ClusterCaCert},
		{"serviceAccount", t.ServiceAccount},
		{"jmxSecret", t.JmxSecret},
	})
}

// objectTemplate is a template that can change metadata only.
type objectTemplate struct {
	name     string
	template *v1.ResourceTemplate
}

func (b *builder) objectTemplates(field string, all []objectTemplate) {
	for _, o := range all {
		if o.template != nil {
			b.TemplateMetadata(field+"."+o.name+".metadata", o.template.Metadata)
		}
	}
}

// checkTemplate checks what pools have templates of.
func (b *builder) checkTemplate(field string, t v1.KafkaNodePoolTemplate) {
	b.objectTemplates(field, []objectTemplate{
		{"podSet", t.PodSet},
		{"perPodService", t.PerPodService},
		{"perPodRoute", t.PerPodRoute},
		{"perPodIngress", t.PerPodIngress},
		{"persistentVolumeClaim", t.PersistentVolumeClaim},
	})
	if t.Pod != nil {
		b.TemplateMetadata(field+".pod.metadata", t.Pod.Metadata)
		if limit := t.Pod.TmpDirSizeLimit; limit != nil && limit.Sign() <= 0 {
			b.Invalid(field+".pod.tmpDirSizeLimit", "%s is not more than 0", limit)
		}
	}
}

// rack tells brokers where they are, so that replicas are spread over racks and consumers read near them (KIP-392).
func (b *builder) rack() {
	r := b.spec.Rack
	if r == nil {
		return
	}
	const field = "spec.kafka.rack"
	switch r.Type {
	case "", v1.RackTopologyLabel:
		if len(validation.IsQualifiedName(r.TopologyKey)) > 0 {
			b.Invalid(field+".topologyKey", "%q is no label of nodes, such as %s", r.TopologyKey, corev1.LabelTopologyZone)
		}
		b.out.RackKey = r.TopologyKey
	case v1.RackEnvironmentVariable:
		if len(validation.IsRelaxedEnvVarName(r.EnvVarName)) > 0 {
			b.Invalid(field+".envVarName", "%q is not a name of a variable", r.EnvVarName)
		}
		b.out.RackEnv = r.EnvVarName
	default:
		b.Invalid(field+".type", "%q is not one of topology-label and environment-variable", r.Type)
	}
}

// rackOf writes the rack of a broker, which is known in the pod only.
func (b *builder) rackOf(n *Node) {
	switch {
	case b.out.RackKey != "":
		n.Config["broker.rack"] = NodeRack
	case b.out.RackEnv != "":
		n.Config["broker.rack"] = "${" + names.AliasStrimziEnvironment + ":" + b.out.RackEnv + "}"
	}
}
