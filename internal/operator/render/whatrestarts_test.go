package render_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/properties"
)

// rolled is a cluster of three that runs, with much said about it.
const rolled = `
metadata: {name: my-cluster, namespace: kafka, uid: 5a8c1f0e-0000-4000-8000-00000000000a}
spec:
  kafka:
    replicas: 3
    version: VERSION
    storage: {type: jbod, volumes: [{id: 0, type: persistent-claim, size: 10Gi}, {id: 1, type: persistent-claim, size: 10Gi}]}
    listeners:
    - {name: plain, port: 9092, type: internal, tls: false}
    - {name: edge, port: 9093, type: nodeport, tls: true, configuration: {brokers: [{broker: 1}]}}
    config: {default.replication.factor: 3, min.insync.replicas: 2}
    authorization: {type: simple}
    resources: {limits: {memory: 4Gi, cpu: 2}}
    logging: {type: inline, loggers: {rootLogger.level: INFO}}
    template: {pod: {metadata: {}}, kafkaContainer: {}}
`

// at is a cluster that runs as it is wanted, of a version of Kafka.
func at(t testing.TB, version string) cluster.Resources {
	t.Helper()
	k := &v1.Kafka{}
	if err := yaml.UnmarshalStrict([]byte(strings.Replace(rolled, "VERSION", version, 1)), k); err != nil {
		t.Fatal(err)
	}
	r := observed(k, addressed(t, k))
	c := forCluster(t, r)
	r.Observed.Voters = cluster.Voters(map[string]string{names.FileServerConfig: properties.Text(c.Shared)})
	r.Observed.NodeIDs, r.Observed.Occupied = map[string][]int32{cluster.VirtualPool: {0, 1, 2}}, map[int32]bool{}
	r.Observed.Storage = map[string]v1.Storage{cluster.VirtualPool: *k.Spec.Kafka.Storage}
	r.Observed.MetadataVersion, r.Observed.Pods = c.Metadata, map[int32]cluster.PodFacts{}
	r.Observed.Expandable = map[string]bool{"": true}
	for id := range int32(3) {
		r.Observed.Pods[id] = cluster.PodFacts{Version: c.Version.Number, Broker: true}
	}
	return r
}

// changed says which marks of which pods differ, in the words of TestWhatRestarts.
func changed(before, after map[int32]corev1.Pod) string {
	var all []string
	for id := range int32(3) {
		var marks []string
		for _, m := range []struct{ word, annotation string }{
			{"revision", names.AnnotationRevision},
			{"settings", names.AnnotationConfigurationHash},
			{"dynamic", names.AnnotationDynamicHash},
			{"resources", names.AnnotationResourceRevision},
		} {
			if before[id].Annotations[m.annotation] != after[id].Annotations[m.annotation] {
				marks = append(marks, m.word)
			}
		}
		if len(marks) > 0 {
			all = append(all, fmt.Sprint(id, ":", strings.Join(marks, "+")))
		}
	}
	return strings.Join(all, " ")
}

// onAll is the same of each pod.
func onAll(marks string) string { return fmt.Sprintf("0:%s 1:%s 2:%s", marks, marks, marks) }

// settings sets one key of spec.kafka.config.
func settings(key, value string) func(r *cluster.Resources) {
	return spec(func(k *v1.KafkaClusterSpec) {
		one := k.Config[key]
		if err := json.Unmarshal([]byte(value), &one); err != nil {
			panic(err)
		}
		k.Config[key] = one
	})
}

// spec is a change of spec.kafka.
func spec(do func(k *v1.KafkaClusterSpec)) func(r *cluster.Resources) {
	return func(r *cluster.Resources) { do(&r.Kafka.Spec.Kafka) }
}

// TestWhatRestarts: each change marks those pods, and no others, that have to be made again (revision), started again (settings),
// given other settings (dynamic) or resized (resources). What concerns no running node marks nothing.
func TestWhatRestarts(t *testing.T) {
	meta := &v1.MetadataTemplate{Labels: map[string]string{"team": "a"}}
	for _, c := range []struct {
		name   string
		change func(r *cluster.Resources)
		want   string
	}{
		{"nothing", func(*cluster.Resources) {}, ""},
		{"a setting that Kafka changes at run time", settings("num.io.threads", "9"), onAll("dynamic")},
		{"a setting that it reads at its start", settings("num.partitions", "9"), onAll("settings")},
		{"a setting that it does not know", settings("my.plugin", `"x"`), onAll("settings")},
		{"a setting as its default", settings("unclean.leader.election.enable", "false"), onAll("dynamic")},
		{"image", spec(func(k *v1.KafkaClusterSpec) { k.Image = "mine" }), onAll("revision")},
		{"memory", spec(func(k *v1.KafkaClusterSpec) { k.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("6Gi") }), onAll("resources")},
		{"CPU", spec(func(k *v1.KafkaClusterSpec) { k.Resources.Limits[corev1.ResourceCPU] = resource.MustParse("3") }), onAll("resources")},
		{"options of Java", spec(func(k *v1.KafkaClusterSpec) { k.JvmOptions = &v1.JvmOptions{Xmx: "2g"} }), onAll("revision")},
		{"levels of loggers", spec(func(k *v1.KafkaClusterSpec) { k.Logging.Loggers["rootLogger.level"] = text("WARN") }), ""},
		{"labels of pods", spec(func(k *v1.KafkaClusterSpec) { k.Template.Pod.Metadata = meta }), onAll("revision")},
		{"labels of other objects", spec(func(k *v1.KafkaClusterSpec) {
			k.Template.ServiceAccount, k.Template.PodSet, k.Template.PerPodService = &v1.ResourceTemplate{Metadata: meta}, &v1.ResourceTemplate{Metadata: meta}, &v1.ResourceTemplate{Metadata: meta}
		}), ""},
		{"labels of the Kafka", func(r *cluster.Resources) { r.Kafka.Labels = meta.Labels }, onAll("revision")},
		{"annotations of the Kafka", func(r *cluster.Resources) { r.Kafka.Annotations = map[string]string{"a": "b"} }, ""},
		{"variables", spec(func(k *v1.KafkaClusterSpec) {
			k.Template.KafkaContainer.Env = []v1.ContainerEnvVar{{Name: "A", Value: "b"}}
		}), onAll("revision")},
		{"how many may be away", spec(func(k *v1.KafkaClusterSpec) {
			k.Template.PodDisruptionBudget = &v1.PodDisruptionBudgetTemplate{MaxUnavailable: new(int32(2))}
		}), ""},
		{"limit of a listener", spec(func(k *v1.KafkaClusterSpec) {
			k.Listeners[0].Configuration = &v1.ListenerConfiguration{MaxConnections: new(int32(9))}
		}), onAll("dynamic")},
		{"a new listener", spec(func(k *v1.KafkaClusterSpec) {
			k.Listeners = append(k.Listeners, v1.Listener{Name: "more", Port: 9095, Type: v1.ListenerInternal})
		}), onAll("revision+settings")},
		{"how clients are let in", spec(func(k *v1.KafkaClusterSpec) {
			k.Listeners[0].Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationScramSHA512}
		}), onAll("settings")},
		{"who may connect", spec(func(k *v1.KafkaClusterSpec) { k.Listeners[0].NetworkPolicyPeers = []networkingv1.NetworkPolicyPeer{} }), ""},
		{"address of one broker", spec(func(k *v1.KafkaClusterSpec) {
			k.Listeners[1].Configuration.Brokers[0].AdvertisedHost = "one.example.com"
		}), "1:settings"},
		{"labels of one broker's Service", spec(func(k *v1.KafkaClusterSpec) { k.Listeners[1].Configuration.Brokers[0].Labels = meta.Labels }), ""},
		{"another node port of one broker", func(r *cluster.Resources) {
			r.Observed.Services["my-cluster-kafka-edge-2"] = cluster.ServiceFacts{NodePorts: map[string]int32{"tcp-edge": 32767}}
		}, "2:settings"},
		{"another node port to bootstrap from", func(r *cluster.Resources) {
			r.Observed.Services["my-cluster-kafka-edge-bootstrap"] = cluster.ServiceFacts{NodePorts: map[string]int32{"tcp-edge": 32766}}
		}, ""},
		{"names of certificates", spec(func(k *v1.KafkaClusterSpec) {
			k.Listeners[1].Configuration.Bootstrap = &v1.ListenerBootstrap{AlternativeNames: []string{"k.example.com"}}
		}), ""},
		{"super users", spec(func(k *v1.KafkaClusterSpec) { k.Authorization.SuperUsers = []string{"CN=admin"} }), onAll("settings")},
		{"quotas", spec(func(k *v1.KafkaClusterSpec) {
			k.Quotas = &v1.KafkaQuotas{Type: v1.QuotasKafka, ProducerByteRate: new(int64(9))}
		}), ""},
		{"probes", spec(func(k *v1.KafkaClusterSpec) { k.ReadinessProbe = &v1.Probe{PeriodSeconds: new(int32(9))} }), onAll("revision")},
		{"rack", spec(func(k *v1.KafkaClusterSpec) { k.Rack = &v1.Rack{TopologyKey: "zone"} }), onAll("revision+settings")},
		{"Java's own port", spec(func(k *v1.KafkaClusterSpec) { k.JmxOptions = &v1.JmxOptions{} }), onAll("revision")},
		{"tiered storage", spec(func(k *v1.KafkaClusterSpec) {
			k.TieredStorage = &v1.TieredStorage{Type: "custom", RemoteStorageManager: &v1.RemoteStorageManager{ClassName: "C"}}
		}), onAll("settings")},
		{"larger disks", spec(func(k *v1.KafkaClusterSpec) { k.Storage.Volumes[0].Size = new(resource.MustParse("20Gi")) }), ""},
		{"disks that go with the cluster", spec(func(k *v1.KafkaClusterSpec) { k.Storage.Volumes[0].DeleteClaim = new(true) }), ""},
		{"metadata on another disk", spec(func(k *v1.KafkaClusterSpec) { k.Storage.Volumes[1].KraftMetadata = v1.KraftMetadataShared }), onAll("settings")},
		{"a disk more", spec(func(k *v1.KafkaClusterSpec) {
			k.Storage.Volumes = append(k.Storage.Volumes, v1.JBODVolume{ID: 2, Type: v1.StorageEphemeral})
		}), onAll("revision+settings")},
		{"a disk less", spec(func(k *v1.KafkaClusterSpec) { k.Storage.Volumes = k.Storage.Volumes[:1] }), onAll("revision+settings")},
		{"disks in another order", spec(func(k *v1.KafkaClusterSpec) { slices.Reverse(k.Storage.Volumes) }), ""},
		{"a broker more", spec(func(k *v1.KafkaClusterSpec) { k.Replicas = new(int32(4)) }), ""},
		{"older metadata", spec(func(k *v1.KafkaClusterSpec) { k.MetadataVersion = "4.0" }), ""},
		{"when certificates may be renewed", func(r *cluster.Resources) { r.Kafka.Spec.MaintenanceTimeWindows = []string{"* * 1-3 * * ?"} }, ""},
		{"how long they last", func(r *cluster.Resources) {
			r.Kafka.Spec.ClusterCa = &v1.CertificateAuthority{ValidityDays: new(int32(700))}
		}, ""},
		{"topics and users", func(r *cluster.Resources) { r.Kafka.Spec.EntityOperator = &v1.EntityOperatorSpec{} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := at(t, "4.3.1")
			before := forCluster(t, r)
			c.change(&r)
			after := forCluster(t, r)
			if got := changed(render.Pods(before, issued(before)), render.Pods(after, issued(after))); got != c.want {
				t.Errorf("marked are %q instead of %q", got, c.want)
			}
		})
	}
}

// TestWhatRestartsInOldKafka: log4j 1 reads its file once.
func TestWhatRestartsInOldKafka(t *testing.T) {
	r := at(t, "3.9.1")
	before := forCluster(t, r)
	r.Kafka.Spec.Kafka.Logging.Loggers["rootLogger.level"] = text("WARN")
	after := forCluster(t, r)
	if got := changed(render.Pods(before, issued(before)), render.Pods(after, issued(after))); got != onAll("settings") {
		t.Errorf("marked are %q", got)
	}
	r.Kafka.Spec.Kafka.Version = "4.3.1"
	newer := forCluster(t, r)
	if got := changed(render.Pods(after, issued(after)), render.Pods(newer, issued(newer))); !strings.Contains(got, "0:revision") {
		t.Errorf("another version marks %q", got)
	}
}

// TestCertificateMarks: what the authorities made is in marks of its own, of the node alone where it is the node's.
func TestCertificateMarks(t *testing.T) {
	r := at(t, "4.3.1")
	c := forCluster(t, r)
	base := render.Pods(c, issued(c))
	for name, change := range map[string]func(k *cluster.Certificates){
		names.AnnotationServerCertHash:          func(k *cluster.Certificates) { k.ServerHashes[1] = "other" },
		names.AnnotationTrustHash:               func(k *cluster.Certificates) { k.TrustHash = "other" },
		names.AnnotationClusterCAKeyGeneration:  func(k *cluster.Certificates) { k.ClusterCAKey++ },
		names.AnnotationClusterCACertGeneration: func(k *cluster.Certificates) { k.ClusterCACert++ },
		names.AnnotationClientsCACertGeneration: func(k *cluster.Certificates) { k.ClientsCACert++ },
	} {
		k := issued(c)
		change(&k)
		pods := render.Pods(c, k)
		for id, pod := range pods {
			for _, mark := range marks() {
				same := pod.Annotations[mark] == base[id].Annotations[mark]
				if want := mark != name || name == names.AnnotationServerCertHash && id != 1; same != want {
					t.Errorf("%s: the mark %s of node %d: the same=%t", name, mark, id, same)
				}
			}
		}
	}
}

// text is a value of a free-form map.
func text(value string) apiextensionsv1.JSON {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return apiextensionsv1.JSON{Raw: raw}
}
