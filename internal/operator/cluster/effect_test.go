package cluster_test

import (
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// TestWithoutEffect: what is accepted and changes nothing is named by its field, each by itself.
func TestWithoutEffect(t *testing.T) {
	process := func(do func(p *v1.EntityOperatorProcess)) func(k *v1.KafkaSpec) {
		return func(k *v1.KafkaSpec) {
			k.EntityOperator = &v1.EntityOperatorSpec{UserOperator: &v1.EntityUserOperatorSpec{}}
			do(&k.EntityOperator.UserOperator.EntityOperatorProcess)
		}
	}
	topics := func(do func(t *v1.EntityTopicOperatorSpec)) func(k *v1.KafkaSpec) {
		return func(k *v1.KafkaSpec) {
			k.EntityOperator = &v1.EntityOperatorSpec{TopicOperator: &v1.EntityTopicOperatorSpec{}}
			do(k.EntityOperator.TopicOperator)
		}
	}
	authentication := func(a v1.ListenerAuthentication) func(k *v1.KafkaSpec) {
		return func(k *v1.KafkaSpec) { k.Kafka.Listeners[0].Authentication = &a }
	}
	oauth := func(do func(o *v1.ListenerOAuth)) func(k *v1.KafkaSpec) {
		a := v1.ListenerAuthentication{Type: v1.AuthenticationOAuth}
		a.ValidIssuerURI, a.JWKSEndpointURI = "https://id.example.com", "https://id.example.com/keys"
		do(&a.ListenerOAuth)
		return authentication(a)
	}
	const at = "spec.kafka.listeners[0].authentication."
	for field, change := range map[string]func(k *v1.KafkaSpec){
		"spec.zookeeper":                 func(k *v1.KafkaSpec) { k.Zookeeper = &v1.ZookeeperClusterSpec{} },
		"spec.cruiseControl":             func(k *v1.KafkaSpec) { k.CruiseControl = &v1.CruiseControlSpec{} },
		"spec.kafkaExporter":             func(k *v1.KafkaSpec) { k.KafkaExporter = &v1.KafkaExporterSpec{} },
		"spec.jmxTrans":                  func(k *v1.KafkaSpec) { k.JmxTrans = &v1.JmxTransSpec{} },
		"spec.kafka.metricsConfig":       func(k *v1.KafkaSpec) { k.Kafka.MetricsConfig = &v1.MetricsConfig{} },
		"spec.kafka.brokerRackInitImage": func(k *v1.KafkaSpec) { k.Kafka.BrokerRackInitImage = "x" },
		"spec.kafka.storage.volumes":     func(k *v1.KafkaSpec) { k.Kafka.Storage.Volumes = []v1.JBODVolume{{}} },
		"spec.kafka.storage.size":        func(k *v1.KafkaSpec) { k.Kafka.Storage.Size = quantity("1Gi") },
		"spec.entityOperator.template": func(k *v1.KafkaSpec) {
			k.EntityOperator = &v1.EntityOperatorSpec{Template: &v1.EntityOperatorTemplate{}}
		},
		"spec.entityOperator.tlsSidecar":                  func(k *v1.KafkaSpec) { k.EntityOperator = &v1.EntityOperatorSpec{TLSSidecar: &v1.TLSSidecar{}} },
		"spec.kafka.template.statefulset":                 template(func(t *v1.KafkaClusterTemplate) { t.StatefulSet = &v1.StatefulSetTemplate{} }),
		"spec.kafka.template.clusterRoleBinding":          template(func(t *v1.KafkaClusterTemplate) { t.ClusterRoleBinding = &v1.ResourceTemplate{} }),
		"spec.entityOperator.userOperator.image":          process(func(p *v1.EntityOperatorProcess) { p.Image = "x" }),
		"spec.entityOperator.userOperator.livenessProbe":  process(func(p *v1.EntityOperatorProcess) { p.LivenessProbe = &v1.Probe{} }),
		"spec.entityOperator.userOperator.readinessProbe": process(func(p *v1.EntityOperatorProcess) { p.ReadinessProbe = &v1.Probe{} }),
		"spec.entityOperator.userOperator.logging":        process(func(p *v1.EntityOperatorProcess) { p.Logging = &v1.Logging{} }),
		"spec.entityOperator.userOperator.jvmOptions":     process(func(p *v1.EntityOperatorProcess) { p.JvmOptions = &v1.JvmOptions{} }),
		"spec.entityOperator.userOperator.zookeeperSessionTimeoutSeconds": func(k *v1.KafkaSpec) {
			k.EntityOperator = &v1.EntityOperatorSpec{UserOperator: &v1.EntityUserOperatorSpec{ZookeeperSessionTimeoutSeconds: ptr(int32(1))}}
		},
		"spec.entityOperator.topicOperator.startupProbe": topics(func(t *v1.EntityTopicOperatorSpec) { t.StartupProbe = &v1.Probe{} }),
		"spec.entityOperator.topicOperator: zookeeperSessionTimeoutSeconds and topicMetadataMaxAttempts": topics(func(t *v1.EntityTopicOperatorSpec) {
			t.TopicMetadataMaxAttempts = ptr(int32(1))
		}),
		at[:len(at)-1] + ": sasl, listenerConfig and secrets": authentication(v1.ListenerAuthentication{Type: v1.AuthenticationScramSHA512, SASL: ptr(true)}),
		at + "enablePlain":                    oauth(func(o *v1.ListenerOAuth) { o.EnablePlain = ptr(true) }),
		at + "clientId":                       oauth(func(o *v1.ListenerOAuth) { o.ClientID = "x" }),
		at + "tokenEndpointUri":               oauth(func(o *v1.ListenerOAuth) { o.TokenEndpointURI = "x" }),
		at + "disableTlsHostnameVerification": oauth(func(o *v1.ListenerOAuth) { o.DisableTLSHostnameVerification = ptr(true) }),
		at + "groupsClaim":                    oauth(func(o *v1.ListenerOAuth) { o.GroupsClaim = "x" }),
		at + "httpRetries":                    oauth(func(o *v1.ListenerOAuth) { o.HTTPRetries = ptr(int32(1)) }),
		at + "failFast":                       oauth(func(o *v1.ListenerOAuth) { o.FailFast = ptr(false) }),
	} {
		r := resources(t, small)
		change(&r.Kafka.Spec)
		_, warnings := mustFor(t, r)
		if !warned(warnings, model.ReasonNoEffect, field+" has no effect: ") {
			t.Errorf("%s: %v", field, warnings)
		}
	}
}

// template is a change of the template.
func template(do func(t *v1.KafkaClusterTemplate)) func(k *v1.KafkaSpec) {
	return func(k *v1.KafkaSpec) {
		k.Kafka.Template = &v1.KafkaClusterTemplate{}
		do(k.Kafka.Template)
	}
}

// TestTemplateMetadata: no object may carry a label that the operator finds its own by.
func TestTemplateMetadata(t *testing.T) {
	metadata := &v1.MetadataTemplate{Labels: map[string]string{"strimzi.io/cluster": "other"}}
	resource, service := &v1.ResourceTemplate{Metadata: metadata}, &v1.InternalServiceTemplate{Metadata: metadata}
	for object, do := range map[string]func(t *v1.KafkaClusterTemplate){
		"podSet":                   func(t *v1.KafkaClusterTemplate) { t.PodSet = resource },
		"bootstrapService":         func(t *v1.KafkaClusterTemplate) { t.BootstrapService = service },
		"brokersService":           func(t *v1.KafkaClusterTemplate) { t.BrokersService = service },
		"externalBootstrapService": func(t *v1.KafkaClusterTemplate) { t.ExternalBootstrapService = resource },
		"externalBootstrapRoute":   func(t *v1.KafkaClusterTemplate) { t.ExternalBootstrapRoute = resource },
		"externalBootstrapIngress": func(t *v1.KafkaClusterTemplate) { t.ExternalBootstrapIngress = resource },
		"perPodService":            func(t *v1.KafkaClusterTemplate) { t.PerPodService = resource },
		"perPodRoute":              func(t *v1.KafkaClusterTemplate) { t.PerPodRoute = resource },
		"perPodIngress":            func(t *v1.KafkaClusterTemplate) { t.PerPodIngress = resource },
		"persistentVolumeClaim":    func(t *v1.KafkaClusterTemplate) { t.PersistentVolumeClaim = resource },
		"clusterCaCert":            func(t *v1.KafkaClusterTemplate) { t.ClusterCaCert = resource },
		"serviceAccount":           func(t *v1.KafkaClusterTemplate) { t.ServiceAccount = resource },
		"jmxSecret":                func(t *v1.KafkaClusterTemplate) { t.JmxSecret = resource },
		"podDisruptionBudget": func(t *v1.KafkaClusterTemplate) {
			t.PodDisruptionBudget = &v1.PodDisruptionBudgetTemplate{Metadata: metadata}
		},
	} {
		r := resources(t, small)
		template(do)(&r.Kafka.Spec)
		_, _, err := cluster.For(r)
		refused(t, err, "spec.kafka.template."+object+".metadata.labels", "strimzi.io/cluster is a label of the operator's")
	}
	r := resources(t, pooled)
	r.Pools[1].Spec.Template = &v1.KafkaNodePoolTemplate{PodSet: resource}
	_, _, err := cluster.For(r)
	refused(t, err, "KafkaNodePool b: spec.template.podSet.metadata.labels", "remove it")
}

// Two listeners with tokens ask two servers, and each has its own trust.
func TestSeveralAuthorizationServers(t *testing.T) {
	r := resources(t, small)
	l := &r.Kafka.Spec.Kafka.Listeners
	*l = append(*l, (*l)[0])
	for i := range *l {
		one := &(*l)[i]
		one.Name, one.Port = []string{"a", "b"}[i], []int32{9092, 9093}[i]
		one.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationOAuth}
		one.Authentication.CheckIssuer, one.Authentication.JWKSEndpointURI = ptr(false), "https://"+one.Name+".example.com/keys"
		one.Authentication.ValidIssuerURI = "https://not.checked.example.com"
		one.Authentication.TLSTrustedCertificates = []v1.CertSecretSource{{SecretName: "id", Certificate: "ca.crt"}}
	}
	c, _ := mustFor(t, r)
	if got := c.Pools[0].JVM.JavaSystemProperties[0].Value; got != "https://a.example.com/keys,https://b.example.com/keys" {
		t.Error(got)
	}
	if len(c.External) != 2 || c.External[0].Name != "a-9092-id" || c.External[1].Name != "b-9093-id" {
		t.Errorf("%+v", c.External)
	}
	if _, ok := c.ListenerConfig["listener.name.a-9092.sasl.oauthbearer.expected.issuer"]; ok {
		t.Error("an issuer is expected though it is not to be checked")
	}
}

// Several keys of one Secret are one mount.
func TestSecretsOfCustomAuthentication(t *testing.T) {
	r := resources(t, small)
	r.Kafka.Spec.Kafka.Listeners[0].Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationCustom, Secrets: []v1.GenericSecretSource{
		{SecretName: "s", Key: "b"}, {SecretName: "s", Key: "a"}, {SecretName: "s", Key: "b"},
	}}
	c, _ := mustFor(t, r)
	if len(c.External) != 1 || len(c.External[0].Keys) != 2 || c.External[0].Keys[0] != "a" {
		t.Errorf("%+v", c.External)
	}
	if got := c.ListenerConfig["listener.security.protocol.map"]; got != "CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,PLAIN-9092:PLAINTEXT" {
		t.Error(got)
	}
}
