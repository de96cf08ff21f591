package cluster_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

const small = `
kind: Kafka
metadata: {name: my-cluster}
spec:
  kafka:
    replicas: 3
    storage: {type: ephemeral}
    listeners: [{name: plain, port: 9092, type: internal, tls: false}]
    config: {default.replication.factor: 3, min.insync.replicas: 2}
`

// pooled is the same in pools: controllers 0-2 and brokers 3-5.
const pooled = `
kind: KafkaNodePool
metadata: {name: a}
spec: {replicas: 3, roles: [controller], storage: {type: ephemeral}}
---
kind: KafkaNodePool
metadata: {name: b}
spec: {replicas: 3, roles: [broker], storage: {type: ephemeral}}
---
kind: Kafka
metadata: {name: my-cluster}
spec:
  kafka:
    listeners: [{name: plain, port: 9092, type: internal, tls: false}]
    config: {default.replication.factor: 3, min.insync.replicas: 2}
`

func ptr[T any](v T) *T { return &v }

func quantity(text string) *resource.Quantity { return ptr(resource.MustParse(text)) }

// setting is a free-form map of one entry.
func setting(key, value string) v1.Config {
	config := v1.Config{}
	if err := json.Unmarshal([]byte(`{"`+key+`":`+value+`}`), &config); err != nil {
		panic(err)
	}
	return config
}

// kafka is a change of the cluster small.
type change = func(k *v1.KafkaClusterSpec)

// listener is a change of its first listener.
func listener(do func(l *v1.Listener)) change {
	return func(k *v1.KafkaClusterSpec) { do(&k.Listeners[0]) }
}

// configured is a change of the first listener's configuration, of a type.
func configured(kind string, do func(c *v1.ListenerConfiguration)) change {
	return listener(func(l *v1.Listener) {
		l.Type, l.TLS = kind, true
		l.Configuration = &v1.ListenerConfiguration{}
		do(l.Configuration)
	})
}

// refusal is something that can't be, and what is said of it.
type refusal struct {
	name   string
	change change
	field  string // of the Invalid
	text   string // that its message has
}

func listenerRefusals() []refusal {
	return []refusal{
		{"none", func(k *v1.KafkaClusterSpec) { k.Listeners = nil }, "spec.kafka.listeners", "is missing: write at least one"},
		{"name twice", func(k *v1.KafkaClusterSpec) {
			k.Listeners = append(k.Listeners, v1.Listener{Name: "plain", Port: 9093, Type: "internal"})
		}, "spec.kafka.listeners[1].name", `"plain" is there twice`},
		{"port twice", func(k *v1.KafkaClusterSpec) {
			k.Listeners = append(k.Listeners, v1.Listener{Name: "other", Port: 9092, Type: "internal"})
		}, "spec.kafka.listeners[1].port", "9092 is the port of the listener plain already"},
		{"bad name", listener(func(l *v1.Listener) { l.Name = "Not-good" }), "spec.kafka.listeners[0].name", "1 to 11 lower-case letters"},
		{"low port", listener(func(l *v1.Listener) { l.Port = 9091 }), "spec.kafka.listeners[0].port", "9091 is not from 9092 to 65535"},
		{"port of metrics", listener(func(l *v1.Listener) { l.Port = 9404 }), "spec.kafka.listeners[0].port", "take another one"},
		{"unknown type", listener(func(l *v1.Listener) { l.Type = "magic" }), "spec.kafka.listeners[0].type", `"magic" is not one of internal, cluster-ip`},
		{"ingress without tls", listener(func(l *v1.Listener) { l.Type = v1.ListenerIngress }), "spec.kafka.listeners[0].tls", "has to be true"},
		{"tls authentication without tls", listener(func(l *v1.Listener) {
			l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationTLS}
		}), "spec.kafka.listeners[0].authentication.type", "tls needs tls: true"},
		{"unknown authentication", listener(func(l *v1.Listener) { l.Authentication = &v1.ListenerAuthentication{Type: "magic"} }), "spec.kafka.listeners[0].authentication.type", `"magic" is not one of`},
		{"no authentication type", listener(func(l *v1.Listener) { l.Authentication = &v1.ListenerAuthentication{} }), "spec.kafka.listeners[0].authentication.type", "is missing"},
		{"certificate without tls", listener(func(l *v1.Listener) {
			l.Configuration = &v1.ListenerConfiguration{BrokerCertChainAndKey: &v1.CertAndKeySecretSource{SecretName: "s", Certificate: "c", Key: "k"}}
		}), "spec.kafka.listeners[0].configuration.brokerCertChainAndKey", "needs tls: true"},
		{"certificate without key", configured(v1.ListenerInternal, func(c *v1.ListenerConfiguration) {
			c.BrokerCertChainAndKey = &v1.CertAndKeySecretSource{SecretName: "s", Certificate: "c"}
		}), "spec.kafka.listeners[0].configuration.brokerCertChainAndKey.key", "needs the name of a Secret and one of its keys"},
		{"ingress without hosts", configured(v1.ListenerIngress, func(c *v1.ListenerConfiguration) {
			c.Bootstrap = &v1.ListenerBootstrap{Host: "b.example.com"}
		}), "spec.kafka.listeners[0].configuration.hostTemplate", "broker-{nodeId}.example.com"},
		{"ingress without bootstrap", configured(v1.ListenerIngress, func(c *v1.ListenerConfiguration) { c.HostTemplate = "b{nodeId}.example.com" }), "spec.kafka.listeners[0].configuration.bootstrap.host", "is missing"},
		{"ingress with a bad bootstrap", configured(v1.ListenerIngress, func(c *v1.ListenerConfiguration) {
			c.HostTemplate, c.Bootstrap = "b{nodeId}.example.com", &v1.ListenerBootstrap{Host: "not good"}
		}), "spec.kafka.listeners[0].configuration.bootstrap.host", "is no name of a host"},
		{"bad host of a broker", configured(v1.ListenerIngress, func(c *v1.ListenerConfiguration) {
			c.HostTemplate, c.Bootstrap = "b_{nodeId}", &v1.ListenerBootstrap{Host: "b.example.com"}
		}), "spec.kafka.listeners[0].configuration", `"b_0" of node 0 is no name of a host`},
		{"tlsroute without a gateway", configured(v1.ListenerTLSRoute, func(c *v1.ListenerConfiguration) {
			c.HostTemplate, c.Bootstrap = "b{nodeId}.example.com", &v1.ListenerBootstrap{Host: "b.example.com"}
		}), "spec.kafka.listeners[0].configuration.parentRefs", "name the Gateway"},
		{"unknown placeholder", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.AdvertisedHostTemplate = "b{id}.example.com" }), "spec.kafka.listeners[0].configuration.advertisedHostTemplate", "{id} is not one of {nodeId} and {nodePodName}"},
		{"bad expression", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.AdvertisedPortTemplate = "9000 + " }), "spec.kafka.listeners[0].configuration.advertisedPortTemplate", "a number is missing at the end"},
		{"port out of range", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.AdvertisedPortTemplate = "65534 + {nodeId}" }), "spec.kafka.listeners[0].configuration.advertisedPortTemplate", "is 65536 for node 2"},
		{"bad advertised host", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 0, AdvertisedHost: "not good"}}
		}), "spec.kafka.listeners[0].configuration", `the advertised host "not good" of node 0`},
		{"bad advertised port", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 0, AdvertisedPort: ptr(int32(70000))}}
		}), "spec.kafka.listeners[0].configuration.brokers[0].advertisedPort", "70000 is not from 1 to 65535"},
		{"broker twice", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.Brokers = []v1.ListenerBroker{{Broker: 1}, {Broker: 1}} }), "spec.kafka.listeners[0].configuration.brokers[1].broker", "1 is there twice"},
		{"negative limit", configured(v1.ListenerInternal, func(c *v1.ListenerConfiguration) { c.MaxConnections = ptr(int32(-1)) }), "spec.kafka.listeners[0].configuration.maxConnections", "-1 is negative"},
		{"label that is none", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.PerBrokerLabelsTemplate = map[string]string{"a": "no value {nodeId}"}
		}), "spec.kafka.listeners[0].configuration", `the label a of node 0 would be "no value 0"`},
		{"label of the operator's", configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.PerBrokerLabelsTemplate = map[string]string{"strimzi.io/cluster": "x"}
		}), "spec.kafka.listeners[0].configuration.brokers.labels", "is a label of the operator's"},
	}
}

func clusterRefusals() []refusal {
	cores := func(request, limit string) *corev1.ResourceRequirements {
		return &corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(request)}, Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)},
		}
	}
	return []refusal{
		{"version", func(k *v1.KafkaClusterSpec) { k.Version = "3.1.1" }, "spec.kafka.version", `"3.1.1" is not supported: write one of 3.9`},
		{"metadata version", func(k *v1.KafkaClusterSpec) { k.MetadataVersion = "9.9-IV9" }, "spec.kafka.metadataVersion", "9.9-IV9"},
		{"no replicas", func(k *v1.KafkaClusterSpec) { k.Replicas = nil }, "spec.kafka.replicas", "or make KafkaNodePools"},
		{"0 replicas", func(k *v1.KafkaClusterSpec) { k.Replicas = ptr(int32(0)) }, "spec.kafka.replicas", "0 is not at least 1"},
		{"replicas beyond reason", func(k *v1.KafkaClusterSpec) { k.Replicas = ptr(int32(100000)) }, "spec.kafka.replicas", "not from 0 to 1000"},
		{"factor above brokers", func(k *v1.KafkaClusterSpec) { k.Config = setting("offsets.topic.replication.factor", "4") }, "spec.kafka.config.offsets.topic.replication.factor", "more than the number of brokers, which is 3"},
		{"factor in quotes", func(k *v1.KafkaClusterSpec) { k.Config = setting("default.replication.factor", `"5"`) }, "spec.kafka.config.default.replication.factor", "5 is more than"},
		{"bad number", func(k *v1.KafkaClusterSpec) { k.Config = setting("num.io.threads", "0") }, "spec.kafka.config.num.io.threads", "1"},
		{"bad word", func(k *v1.KafkaClusterSpec) { k.Config = setting("compression.type", `"zip"`) }, "spec.kafka.config.compression.type", "zstd"},
		{"object", func(k *v1.KafkaClusterSpec) { k.Config = setting("num.io.threads", `{"a":1}`) }, "spec.kafka.config.num.io.threads", "is neither a text"},
		{"secrets provider", func(k *v1.KafkaClusterSpec) { k.Config = setting("my.password", `"${strimzisecrets:ns/s:k}"`) }, "spec.kafka", "mount the Secret by spec.kafka.template.pod.volumes"},
		{"opa", func(k *v1.KafkaClusterSpec) { k.Authorization = &v1.KafkaAuthorization{Type: "opa"} }, "spec.kafka.authorization.type", "the stock image does not have: write simple"},
		{"keycloak", func(k *v1.KafkaClusterSpec) { k.Authorization = &v1.KafkaAuthorization{Type: "keycloak"} }, "spec.kafka.authorization.type", "the stock image does not have: write simple"},
		{"unknown authorization", func(k *v1.KafkaClusterSpec) { k.Authorization = &v1.KafkaAuthorization{Type: "x"} }, "spec.kafka.authorization.type", "is not one of simple and custom"},
		{"custom without class", func(k *v1.KafkaClusterSpec) { k.Authorization = &v1.KafkaAuthorization{Type: "custom"} }, "spec.kafka.authorization.authorizerClass", "is missing"},
		{"two super users in one", func(k *v1.KafkaClusterSpec) {
			k.Authorization = &v1.KafkaAuthorization{Type: "simple", SuperUsers: []string{"CN=a;User:b"}}
		}, "spec.kafka.authorization.superUsers[0]", "is no principal"},
		{"requests above limits", func(k *v1.KafkaClusterSpec) { k.Resources = cores("2", "1") }, "spec.kafka.resources.requests.cpu", "2 is more than the limit 1"},
		{"limit of nothing", func(k *v1.KafkaClusterSpec) { k.Resources = cores("0", "1") }, "spec.kafka.resources.requests.cpu", "0 is not more than 0"},
		{"heap", func(k *v1.KafkaClusterSpec) { k.JvmOptions = &v1.JvmOptions{Xmx: "lots"} }, "spec.kafka.jvmOptions.-Xmx", "is not a size such as 512m"},
		{"heaps", func(k *v1.KafkaClusterSpec) { k.JvmOptions = &v1.JvmOptions{Xms: "2g", Xmx: "1024m"} }, "spec.kafka.jvmOptions.-Xms", "2g is more than -Xmx"},
		{"java option", func(k *v1.KafkaClusterSpec) {
			k.JvmOptions = &v1.JvmOptions{XX: setting("Use G1", `"true"`)}
		}, "spec.kafka.jvmOptions.-XX", "is not a name and a value of an option"},
		{"list of a java option", func(k *v1.KafkaClusterSpec) {
			k.JvmOptions = &v1.JvmOptions{XX: setting("MaxGCPauseMillis", `[1,2]`)}
		}, "spec.kafka.jvmOptions.-XX", "is not a name and a value of an option"},
		{"java property", func(k *v1.KafkaClusterSpec) {
			k.JvmOptions = &v1.JvmOptions{JavaSystemProperties: []v1.SystemProperty{{Name: "a b"}}}
		}, "spec.kafka.jvmOptions.javaSystemProperties", "is not a name of a property"},
		{"probe", func(k *v1.KafkaClusterSpec) { k.LivenessProbe = &v1.Probe{SuccessThreshold: ptr(int32(2))} }, "spec.kafka.livenessProbe.successThreshold", "2 is not 1"},
		{"rack", func(k *v1.KafkaClusterSpec) { k.Rack = &v1.Rack{} }, "spec.kafka.rack.topologyKey", "is no label of nodes"},
		{"rack variable", func(k *v1.KafkaClusterSpec) { k.Rack = &v1.Rack{Type: "environment-variable"} }, "spec.kafka.rack.envVarName", "is not a name of a variable"},
		{"rack type", func(k *v1.KafkaClusterSpec) { k.Rack = &v1.Rack{Type: "x"} }, "spec.kafka.rack.type", "is not one of"},
		{"logging type", func(k *v1.KafkaClusterSpec) { k.Logging = &v1.Logging{Type: "x"} }, "spec.kafka.logging.type", "is not one of"},
		{"level", func(k *v1.KafkaClusterSpec) {
			k.Logging = &v1.Logging{Type: "inline", Loggers: setting("rootLogger.level", `"LOUD"`)}
		}, "spec.kafka.logging.loggers.rootLogger.level", `"LOUD" is not one of OFF, FATAL`},
		{"logging of two lines", func(k *v1.KafkaClusterSpec) {
			k.Logging = &v1.Logging{Type: "inline", Loggers: setting("appender.x.type", `"a\nb"`)}
		}, "spec.kafka.logging.loggers.appender.x.type", "has several lines"},
		{"no ConfigMap named", func(k *v1.KafkaClusterSpec) { k.Logging = &v1.Logging{Type: "external"} }, "spec.kafka.logging.valueFrom.configMapKeyRef", "is missing"},
		{"no ConfigMap there", func(k *v1.KafkaClusterSpec) {
			k.Logging = &v1.Logging{Type: "external", ValueFrom: &v1.ExternalConfiguration{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{Key: "k"}}}
		}, "spec.kafka.logging.valueFrom.configMapKeyRef", "in the namespace shop: make it"},
		{"quotas", func(k *v1.KafkaClusterSpec) { k.Quotas = &v1.KafkaQuotas{Type: "x"} }, "spec.kafka.quotas.type", "is not kafka"},
		{"tiered storage", func(k *v1.KafkaClusterSpec) { k.TieredStorage = &v1.TieredStorage{Type: "custom"} }, "spec.kafka.tieredStorage.remoteStorageManager.className", "is missing"},
		{"tiered storage type", func(k *v1.KafkaClusterSpec) { k.TieredStorage = &v1.TieredStorage{Type: "x"} }, "spec.kafka.tieredStorage.type", "is not custom"},
		{"pod label", func(k *v1.KafkaClusterSpec) {
			pod := &v1.KafkaPodTemplate{}
			pod.Metadata = &v1.MetadataTemplate{Labels: map[string]string{"strimzi.io/x": "y"}}
			k.Template = &v1.KafkaClusterTemplate{Pod: pod}
		}, "spec.kafka.template.pod.metadata.labels", "is a label of the operator's"},
		{"mount", func(k *v1.KafkaClusterSpec) {
			k.Template = &v1.KafkaClusterTemplate{KafkaContainer: &v1.ContainerTemplate{VolumeMounts: []corev1.VolumeMount{{Name: "x", MountPath: "/etc"}}}}
		}, "spec.kafka.template.kafkaContainer.volumeMounts", "/etc is not below /mnt"},
		{"/tmp of nothing", func(k *v1.KafkaClusterSpec) {
			pod := &v1.KafkaPodTemplate{}
			pod.TmpDirSizeLimit = quantity("0")
			k.Template = &v1.KafkaClusterTemplate{Pod: pod}
		}, "spec.kafka.template.pod.tmpDirSizeLimit", "0 is not more than 0"},
	}
}

func storageRefusals() []refusal {
	jbod := func(volumes ...v1.JBODVolume) change {
		return func(k *v1.KafkaClusterSpec) { k.Storage = &v1.Storage{Type: v1.StorageJBOD, Volumes: volumes} }
	}
	ephemeral := func(id int32, s v1.StorageSettings) v1.JBODVolume {
		return v1.JBODVolume{Type: v1.StorageEphemeral, ID: id, StorageSettings: s}
	}
	claim := func(size *resource.Quantity) change {
		return func(k *v1.KafkaClusterSpec) {
			k.Storage = &v1.Storage{Type: v1.StoragePersistentClaim, StorageSettings: v1.StorageSettings{Size: size}}
		}
	}
	shared := v1.StorageSettings{KraftMetadata: v1.KraftMetadataShared}
	return []refusal{
		{"none", func(k *v1.KafkaClusterSpec) { k.Storage = nil }, "spec.kafka.storage", "or make KafkaNodePools"},
		{"type", func(k *v1.KafkaClusterSpec) { k.Storage.Type = "tape" }, "spec.kafka.storage.type", `"tape" is not one of`},
		{"no size", claim(nil), "spec.kafka.storage.size", "such as 10Gi"},
		{"size of nothing", claim(quantity("0")), "spec.kafka.storage.size", "0 is not more than 0"},
		{"no volumes", jbod(), "spec.kafka.storage.volumes", "is missing"},
		{"id twice", jbod(ephemeral(1, v1.StorageSettings{}), ephemeral(1, v1.StorageSettings{})), "spec.kafka.storage.volumes[1].id", "1 is there twice"},
		{"negative id", jbod(ephemeral(-1, v1.StorageSettings{})), "spec.kafka.storage.volumes[0].id", "-1 is negative"},
		{"type of a volume", jbod(v1.JBODVolume{Type: "jbod"}), "spec.kafka.storage.volumes[0].type", `"jbod" is not one of`},
		{"metadata twice", jbod(ephemeral(0, shared), ephemeral(1, shared)), "spec.kafka.storage.volumes", "2 have kraftMetadata: shared"},
		{"metadata word", jbod(ephemeral(0, v1.StorageSettings{KraftMetadata: "own"})), "spec.kafka.storage.volumes[0].kraftMetadata", `"own" is not shared`},
		{"limit of nothing", jbod(ephemeral(0, v1.StorageSettings{SizeLimit: quantity("0")})), "spec.kafka.storage.volumes[0].sizeLimit", "0 is not more than 0"},
		{"volumes at an old metadata version", func(k *v1.KafkaClusterSpec) {
			jbod(ephemeral(0, v1.StorageSettings{}), ephemeral(1, v1.StorageSettings{}))(k)
			k.Version, k.MetadataVersion = "3.9.1", "3.6-IV2"
		}, "spec.kafka.storage.volumes", "metadata version 3.6-IV2 allows one"},
	}
}

// TestRefusals: what can't be is refused by an Invalid that names the field, in one line that says what to do.
func TestRefusals(t *testing.T) {
	for group, all := range map[string][]refusal{"listeners": listenerRefusals(), "cluster": clusterRefusals(), "storage": storageRefusals(), "oauth": oauthRefusals()} {
		for _, r := range all {
			t.Run(group+"/"+r.name, func(t *testing.T) {
				in := resources(t, small)
				in.Observed.ConfigMaps = map[string]map[string]string{"other": {"k": "v"}}
				r.change(&in.Kafka.Spec.Kafka)
				_, _, err := cluster.For(in)
				refused(t, err, r.field, r.text)
			})
		}
	}
}

// refused fails the test unless an error has an Invalid of a field with a text.
func refused(t *testing.T, err error, field, text string) {
	t.Helper()
	var first model.Invalid
	if !errors.As(err, &first) {
		t.Fatalf("it is not refused: %v", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
	joined, _ := err.(interface{ Unwrap() []error })
	for _, one := range joined.Unwrap() {
		if i := (model.Invalid{}); errors.As(one, &i) && i.Field == field && strings.Contains(i.Message, text) {
			return
		}
	}
	t.Errorf("%s with %q is not among %v", field, text, err)
}

func oauthRefusals() []refusal {
	with := func(do func(o *v1.ListenerOAuth)) change {
		return listener(func(l *v1.Listener) {
			l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationOAuth}
			l.Authentication.ValidIssuerURI, l.Authentication.JWKSEndpointURI = "https://id.example.com", "https://id.example.com/keys"
			do(&l.Authentication.ListenerOAuth)
		})
	}
	const at = "spec.kafka.listeners[0].authentication."
	return []refusal{
		{"introspection", with(func(o *v1.ListenerOAuth) { o.IntrospectionEndpointURI = "x" }), at + "introspectionEndpointUri", "set jwksEndpointUri"},
		{"opaque tokens", with(func(o *v1.ListenerOAuth) { o.AccessTokenIsJWT = ptr(false) }), at + "accessTokenIsJwt", "JSON Web Tokens only"},
		{"claims", with(func(o *v1.ListenerOAuth) { o.CustomClaimCheck = "@.x == 1" }), at + "customClaimCheck", "would let in whom it should not"},
		{"prefix", with(func(o *v1.ListenerOAuth) { o.UserNamePrefix = "x" }), at + "userNamePrefix", "users would have other names"},
		{"other prefix", with(func(o *v1.ListenerOAuth) { o.FallbackUserNamePrefix = "x" }), at + "fallbackUserNamePrefix", "users would have other names"},
		{"nothing left", with(func(o *v1.ListenerOAuth) { o.EnableOAuthBearer = ptr(false) }), at + "enableOauthBearer", "nothing is left"},
		{"no keys", with(func(o *v1.ListenerOAuth) { o.JWKSEndpointURI = "" }), at + "jwksEndpointUri", "is missing"},
		{"no issuer", with(func(o *v1.ListenerOAuth) { o.ValidIssuerURI = "" }), at + "validIssuerUri", "is missing"},
		{"no audience", with(func(o *v1.ListenerOAuth) { o.CheckAudience = ptr(true) }), at + "clientId", "is missing"},
		{"several certificates", with(func(o *v1.ListenerOAuth) {
			o.TLSTrustedCertificates = []v1.CertSecretSource{{SecretName: "s", Pattern: "*.crt"}}
		}), at + "tlsTrustedCertificates", "one key of one Secret"},
	}
}

// TestOptionsOfOtherTypes: each option is taken by the listeners that it is for, and refused by the others.
func TestOptionsOfOtherTypes(t *testing.T) {
	all := []string{
		v1.ListenerInternal, v1.ListenerClusterIP, v1.ListenerNodePort, v1.ListenerLoadBalancer, v1.ListenerIngress, v1.ListenerRoute, v1.ListenerTLSRoute,
	}
	services := all[1:]
	nodePort, loadBalancer := []string{v1.ListenerNodePort}, []string{v1.ListenerLoadBalancer}
	balanced, hosted := all[2:4], all[4:]
	metadata := map[string]string{"a": "b"}
	for _, o := range []struct {
		field string
		set   func(c *v1.ListenerConfiguration)
		fits  []string
	}{
		{"class", func(c *v1.ListenerConfiguration) { c.Class = "x" }, []string{v1.ListenerIngress, v1.ListenerLoadBalancer}},
		{"externalTrafficPolicy", func(c *v1.ListenerConfiguration) { c.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal }, balanced},
		{"loadBalancerSourceRanges", func(c *v1.ListenerConfiguration) { c.LoadBalancerSourceRanges = []string{"10.0.0.0/8"} }, loadBalancer},
		{"ipFamilyPolicy", func(c *v1.ListenerConfiguration) { c.IPFamilyPolicy = ptr(corev1.IPFamilyPolicySingleStack) }, services},
		{"ipFamilies", func(c *v1.ListenerConfiguration) { c.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol} }, services},
		{"createBootstrapService", func(c *v1.ListenerConfiguration) { c.CreateBootstrapService = ptr(false) }, loadBalancer},
		{"finalizers", func(c *v1.ListenerConfiguration) { c.Finalizers = []string{"x"} }, loadBalancer},
		{"useServiceDnsDomain", func(c *v1.ListenerConfiguration) { c.UseServiceDNSDomain = ptr(true) }, all[:2]},
		{"preferredNodePortAddressType", func(c *v1.ListenerConfiguration) { c.PreferredNodePortAddressType = corev1.NodeInternalIP }, nodePort},
		{"publishNotReadyAddresses", func(c *v1.ListenerConfiguration) { c.PublishNotReadyAddresses = ptr(true) }, services},
		{"hostTemplate", func(c *v1.ListenerConfiguration) { c.HostTemplate = "b{nodeId}.example.com" }, hosted},
		{"allocateLoadBalancerNodePorts", func(c *v1.ListenerConfiguration) { c.AllocateLoadBalancerNodePorts = ptr(false) }, loadBalancer},
		{"parentRefs", func(c *v1.ListenerConfiguration) { c.ParentRefs = []v1.GatewayParentRef{{Name: "g"}} }, []string{v1.ListenerTLSRoute}},
		{"perBrokerLabelsTemplate", func(c *v1.ListenerConfiguration) { c.PerBrokerLabelsTemplate = metadata }, services},
		{"perBrokerAnnotationsTemplate", func(c *v1.ListenerConfiguration) { c.PerBrokerAnnotationsTemplate = metadata }, services},
		{"bootstrap.host", func(c *v1.ListenerConfiguration) { c.Bootstrap = &v1.ListenerBootstrap{Host: "x"} }, hosted},
		{"bootstrap.loadBalancerIP", func(c *v1.ListenerConfiguration) { c.Bootstrap = &v1.ListenerBootstrap{LoadBalancerIP: "10.0.0.1"} }, loadBalancer},
		{"bootstrap.nodePort", func(c *v1.ListenerConfiguration) { c.Bootstrap = &v1.ListenerBootstrap{NodePort: ptr(int32(31000))} }, balanced},
		{"bootstrap.externalIPs", func(c *v1.ListenerConfiguration) {
			c.Bootstrap = &v1.ListenerBootstrap{ExternalIPs: []string{"10.0.0.1"}}
		}, nodePort},
		{"bootstrap.labels", func(c *v1.ListenerConfiguration) { c.Bootstrap = &v1.ListenerBootstrap{Labels: metadata} }, services},
		{"bootstrap.annotations", func(c *v1.ListenerConfiguration) { c.Bootstrap = &v1.ListenerBootstrap{Annotations: metadata} }, services},
		{"brokers[0].host", func(c *v1.ListenerConfiguration) { c.Brokers = []v1.ListenerBroker{{Host: "x"}} }, hosted},
		{"brokers[0].nodePort", func(c *v1.ListenerConfiguration) { c.Brokers = []v1.ListenerBroker{{NodePort: ptr(int32(31000))}} }, balanced},
		{"brokers[0].loadBalancerIP", func(c *v1.ListenerConfiguration) { c.Brokers = []v1.ListenerBroker{{LoadBalancerIP: "10.0.0.1"}} }, loadBalancer},
		{"brokers[0].labels", func(c *v1.ListenerConfiguration) { c.Brokers = []v1.ListenerBroker{{Labels: metadata}} }, services},
	} {
		for _, kind := range all {
			in := resources(t, small)
			configured(kind, o.set)(&in.Kafka.Spec.Kafka)
			_, _, err := cluster.For(in)
			said := err != nil && strings.Contains(err.Error(), ".configuration."+o.field+": is for type ")
			if fits := strings.Contains(" "+strings.Join(o.fits, " ")+" ", " "+kind+" "); said == fits {
				t.Errorf("%s of a listener of type %s: %v", o.field, kind, err)
			}
		}
	}
}
