package cluster

import (
	"reflect"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// withoutEffect names the fields that are accepted and change nothing, each with what does its job.
func (b *builder) withoutEffect() {
	spec := b.kafka.Spec
	template := b.out.Template
	for _, f := range []struct {
		field string
		given bool
		why   string
	}{
		{"spec.zookeeper", spec.Zookeeper != nil, "the controllers among the Kafka nodes do its job (KRaft)"},
		{"spec.cruiseControl", spec.CruiseControl != nil, "Cruise Control is not deployed"},
		{"spec.kafkaExporter", spec.KafkaExporter != nil, "the exporter is not deployed"},
		{"spec.jmxTrans", spec.JmxTrans != nil, "it is gone since release 0.35 of the reference operator"},
		{"spec.kafka.metricsConfig", b.spec.MetricsConfig != nil, "the stock image has neither the exporter nor the reporter: spec.kafka.jmxOptions opens Java's own port"},
		{"spec.kafka.brokerRackInitImage", b.spec.BrokerRackInitImage != "", "the rack is found without an image of its own"},
		{"spec.kafka.template.statefulset", template.StatefulSet != nil, "there are no StatefulSets: template.podSet changes what stands in their place"},
		{"spec.kafka.template.clusterRoleBinding", template.ClusterRoleBinding != nil, "the nodes need no right to read Kubernetes nodes"},
		{"spec.kafka.template.externalBootstrapRoute", template.ExternalBootstrapRoute != nil, noRoute},
		{"spec.kafka.template.perPodRoute", template.PerPodRoute != nil, noRoute},
	} {
		if f.given {
			b.NoEffect(f.field, f.why)
		}
	}
	for _, p := range b.pools {
		if p.template != nil && p.template.PerPodRoute != nil {
			b.NoEffect(p.field("spec.template.perPodRoute"), noRoute)
		}
	}
	b.otherTypes()
	if e := spec.EntityOperator; e != nil {
		b.entityOperator(*e)
	}
}

const noRoute = "no Route is made, only Services"

// otherTypes names fields that are for other types of what they stand in.
func (b *builder) otherTypes() {
	if r := b.spec.Rack; r != nil {
		if r.Type == v1.RackEnvironmentVariable && r.TopologyKey != "" {
			b.NoEffect("spec.kafka.rack.topologyKey", "it is for type topology-label")
		}
		if r.Type != v1.RackEnvironmentVariable && r.EnvVarName != "" {
			b.NoEffect("spec.kafka.rack.envVarName", "it is for type environment-variable")
		}
	}
	if l := b.spec.Logging; l != nil {
		if l.Type == v1.LoggingInline && l.ValueFrom != nil {
			b.NoEffect("spec.kafka.logging.valueFrom", "it is for type external")
		}
		if l.Type == v1.LoggingExternal && l.Loggers != nil {
			b.NoEffect("spec.kafka.logging.loggers", "they are for type inline")
		}
	}
	if a := b.spec.Authorization; a != nil {
		b.noEffects("spec.kafka.authorization", given(a.LegacyAuthorization), "of the types opa and keycloak, which the stock image does not have")
	}
}

// noEffects is NoEffect for several fields of one place.
func (b *builder) noEffects(field string, names []string, why string) {
	for _, name := range names {
		b.NoEffect(field+"."+name, why)
	}
}

// given are the names, in JSON, of the fields of a struct that say something.
func given(value any) []string {
	var names []string
	v := reflect.ValueOf(value)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// entityOperator names the fields of what would be separate processes.
func (b *builder) entityOperator(e v1.EntityOperatorSpec) {
	const field = "spec.entityOperator"
	if e.Template != nil {
		b.NoEffect(field+".template", sameProcess)
	}
	if e.TLSSidecar != nil {
		b.NoEffect(field+".tlsSidecar", sameProcess)
	}
	if t := e.TopicOperator; t != nil {
		b.entityProcess(field+".topicOperator", t.EntityOperatorProcess)
		if t.StartupProbe != nil {
			b.NoEffect(field+".topicOperator.startupProbe", sameProcess)
		}
		if t.ZookeeperSessionTimeoutSeconds != nil || t.TopicMetadataMaxAttempts != nil {
			b.NoEffect(field+".topicOperator: zookeeperSessionTimeoutSeconds and topicMetadataMaxAttempts", "topics are read from Kafka")
		}
	}
	if u := e.UserOperator; u != nil {
		b.entityProcess(field+".userOperator", u.EntityOperatorProcess)
		if u.ZookeeperSessionTimeoutSeconds != nil {
			b.NoEffect(field+".userOperator.zookeeperSessionTimeoutSeconds", "users are kept in Kafka")
		}
	}
}

const sameProcess = "topics and users are looked after by the operator's own process"

// entityProcess names the fields that both have.
func (b *builder) entityProcess(field string, p v1.EntityOperatorProcess) {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{".image", p.Image != ""},
		{".livenessProbe", p.LivenessProbe != nil},
		{".readinessProbe", p.ReadinessProbe != nil},
		{".resources", p.Resources != nil},
		{".logging", p.Logging != nil},
		{".jvmOptions", p.JvmOptions != nil},
	} {
		if f.given {
			b.NoEffect(field+f.name, sameProcess)
		}
	}
}
