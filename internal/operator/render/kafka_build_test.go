package render_test

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	kafkaUID = types.UID("5a8c1f0e-0000-4000-8000-00000000000a")
	poolUID  = types.UID("5a8c1f0e-0000-4000-8000-0000000000b0")
)

// lab is the cluster of the lab's own manifest: three nodes of both roles, a disk each, and three listeners.
func lab() cluster.Cluster {
	c := cluster.Cluster{
		Name: "my-cluster", Namespace: "kafka", UID: kafkaUID, Version: kafkaconf.Default(), From: kafkaconf.Default(),
		Metadata: "4.3-IV0", FormatMetadata: "4.3-IV0", ClusterID: "Zm9vYmFyYmF6cXV4cXV1eA",
		Shared:         map[string]string{"min.insync.replicas": "2", "default.replication.factor": "3"},
		ListenerConfig: map[string]string{"listener.security.protocol.map": "PLAIN-9092:PLAINTEXT"},
		ClusterWide:    map[string]string{"min.insync.replicas": "2"}, DynamicHash: "d1",
		LogFile: names.FileLog4j2, Log4j: "rootLogger.level = INFO\n",
		Image: "docker.io/apache/kafka:4.3.1", NodeImage: "registry.example.com/steg-node:1", Domain: "cluster.local",
		NetworkPolicy: true, PodDisruptionBudget: true, OperatorNamespace: "kafka",
		Listeners: []cluster.Listener{
			listener("plain", 9092, v1.ListenerInternal), listener("tls", 9093, v1.ListenerInternal), listener("external", 9094,
				v1.ListenerNodePort),
		},
	}
	size := resource.MustParse("10Gi")
	settings := v1.StorageSettings{Size: &size, DeleteClaim: new(true)}
	p := cluster.Pool{
		Name: cluster.VirtualPool, Controller: true, Broker: true,
		Storage: v1.Storage{Type: v1.StorageJBOD, Volumes: []v1.JBODVolume{{Type: v1.StoragePersistentClaim, StorageSettings: settings}}},
		Volumes: []cluster.Volume{{Name: "data-0", Path: "/var/lib/kafka/data-0", Claim: true, Settings: settings}},
	}
	for id := range int32(3) {
		p.Nodes = append(p.Nodes, node(&p, id))
	}
	c.Pools = []cluster.Pool{p}
	served(&c)
	return c
}

// listener is one without TLS and without anything that the user could add.
func listener(name string, port int32, kind string) cluster.Listener {
	return cluster.Listener{
		Name: name, Port: port, Type: kind, Kafka: names.KafkaListener(name, port), PortName: names.ListenerPort(name, port),
		Spec: v1.Listener{Name: name, Port: port, Type: kind},
	}
}

// node is one of a pool, with the pool's roles and a claim for each of its volumes that has one.
func node(p *cluster.Pool, id int32) cluster.Node {
	pod := names.NodePod("my-cluster", p.Name, id)
	n := cluster.Node{
		ID: id, Pod: pod, Controller: p.Controller, Broker: p.Broker, Host: names.NodeHost(pod, "my-cluster", "kafka"),
		Config: map[string]string{"node.id": fmt.Sprint(id)}, ConfigurationHash: fmt.Sprint("c", id),
		DNSNames: []string{pod}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
	}
	for _, v := range p.Volumes {
		if v.Claim {
			n.Claims = append(n.Claims, cluster.Claim{
				Name: names.DataClaim(v.Name, pod), Volume: v.Name, Settings: v.Settings, Delete: v.Settings.DeleteClaim != nil &&
					*v.Settings.DeleteClaim,
			})
		}
	}
	return n
}

// served gives each listener its Services and hosts, and each broker its addresses.
func served(c *cluster.Cluster) {
	for i := range c.Listeners {
		l := &c.Listeners[i]
		if l.Type != v1.ListenerInternal {
			l.BootstrapService, l.Services, l.Hosts = names.KafkaListenerService(c.Name, l.Name), map[int32]string{}, map[int32]string{}
			l.BootstrapHost = "bootstrap." + l.Name + ".example.com"
		}
		for _, p := range c.Pools {
			for j := range p.Nodes {
				n := &p.Nodes[j]
				if !n.Broker {
					continue
				}
				if n.Advertised == nil {
					n.Advertised = map[string]cluster.Address{names.ListenerReplication: {Host: n.Host, Port: names.PortReplication}}
				}
				n.Advertised[l.Kafka] = cluster.Address{Host: n.Host, Port: l.Port}
				if l.Type != v1.ListenerInternal {
					l.Services[n.ID] = names.NodeListener(c.Name, p.Name, l.Name, l.Port, n.ID)
					l.Hosts[n.ID] = fmt.Sprintf("broker-%d.%s.example.com", n.ID, l.Name)
				}
				if l.Type == v1.ListenerNodePort {
					n.Advertised[l.Kafka] = cluster.Address{Host: cluster.NodeAddress, Port: 31000 + n.ID}
				}
			}
		}
	}
}

// separated is a cluster with node pools: three controllers without disks and two brokers with two disks each, one of which stays.
func separated() cluster.Cluster {
	c := lab()
	size, limit := resource.MustParse("5Gi"), resource.MustParse("1Gi")
	controllers := cluster.Pool{
		Name: "controllers", UID: poolUID, Controller: true,
		Storage: v1.Storage{Type: v1.StorageEphemeral, StorageSettings: v1.StorageSettings{SizeLimit: &limit}},
		Volumes: []cluster.Volume{{Name: "data", Path: "/var/lib/kafka/data", Settings: v1.StorageSettings{SizeLimit: &limit}}},
	}
	brokers := cluster.Pool{
		Name: "brokers", UID: poolUID + "b", Broker: true,
		Storage: v1.Storage{Type: v1.StorageJBOD, Volumes: []v1.JBODVolume{
			{Type: v1.StoragePersistentClaim},
			{Type: v1.StoragePersistentClaim, ID: 7},
		}},
		Volumes: []cluster.Volume{
			{Name: "data-0", Path: "/var/lib/kafka/data-0", Claim: true, Settings: v1.StorageSettings{Size: &size, DeleteClaim: new(true)}},
			{Name: "data-7", Path: "/var/lib/kafka/data-7", Claim: true, Settings: v1.StorageSettings{
				Size: &size, Class: "fast", Selector: map[string]string{"disk": "ssd"}, VolumeAttributesClass: "gold",
			}},
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("4Gi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")},
		},
		JVM: &v1.JvmOptions{Xms: "1g", Xmx: "2g", GCLoggingEnabled: new(true)},
	}
	for id := range int32(3) {
		controllers.Nodes = append(controllers.Nodes, node(&controllers, id))
	}
	for id := range int32(2) {
		brokers.Nodes = append(brokers.Nodes, node(&brokers, 10+id))
	}
	c.Pools = []cluster.Pool{brokers, controllers}
	served(&c)
	return c
}

// issued are the certificates and Secrets of a cluster, with contents that can be found again.
func issued(c cluster.Cluster) cluster.Certificates {
	k := cluster.Certificates{
		ClusterCAKey: 1, ClusterCACert: 2, ClientsCACert: 3, TrustHash: "t1", ServerHashes: map[int32]string{},
		Secrets: map[string]cluster.Secret{
			names.ClusterCA(c.Name):           secret("ca.key"),
			names.ClusterCACert(c.Name):       secret("ca.crt"),
			names.ClientsCA(c.Name):           secret("ca.key"),
			names.ClientsCACert(c.Name):       secret("ca.crt"),
			names.OperatorCertificate(c.Name): secret("cluster-operator.crt", "cluster-operator.key"),
			names.TrustBundle(c.Name):         secret("cluster-ca.crt", "clients-ca.crt"),
		},
	}
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			k.Secrets[n.Pod] = secret(n.Pod+".crt", n.Pod+".key")
			k.ServerHashes[n.ID] = fmt.Sprint("s", n.ID)
		}
	}
	if c.JMXPassword {
		k.Secrets[names.KafkaJMX(c.Name)] = secret(names.KeyJMXUsername, names.KeyJMXPassword)
	}
	return k
}

const hidden = "must not be seen"

func secret(keys ...string) cluster.Secret {
	s := cluster.Secret{Data: map[string][]byte{}, Annotations: map[string]string{"strimzi.io/ca-cert-generation": "2"}}
	for _, key := range keys {
		s.Data[key] = []byte(hidden)
	}
	return s
}

// everything is a cluster in which all that a value can say is said.
func everything() cluster.Cluster {
	c := separated()
	c.Labels = map[string]string{"team": "orders"}
	c.Listeners = append(c.Listeners,
		listener("lb", 9095, v1.ListenerLoadBalancer), listener("web", 9096, v1.ListenerIngress), listener("mesh", 9097,
			v1.ListenerClusterIP),
		listener("shift", 9098, v1.ListenerRoute), listener("gate", 9099, v1.ListenerTLSRoute),
	)
	c.Listeners[1].TLS, c.Listeners[1].Auth = true, "tls"
	for i := range c.Listeners[3:] {
		c.Listeners[3+i].TLS = true
	}
	c.Listeners[2].Spec.Configuration = &v1.ListenerConfiguration{
		ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
		Bootstrap:             &v1.ListenerBootstrap{NodePort: new(int32(31094)), ExternalIPs: []string{"192.0.2.10"}},
		Brokers:               []v1.ListenerBroker{{Broker: 10, NodePort: new(int32(31250)), ExternalIPs: []string{"192.0.2.11"}}},
	}
	c.Listeners[3].Spec.Configuration = &v1.ListenerConfiguration{
		Class: "example.com/lb", LoadBalancerSourceRanges: []string{"198.51.100.0/24"}, Finalizers: []string{"example.com/lb"},
		AllocateLoadBalancerNodePorts: new(false), IPFamilyPolicy: new(corev1.IPFamilyPolicyPreferDualStack),
		IPFamilies: []corev1.IPFamily{corev1.IPv6Protocol, corev1.IPv4Protocol},
		Bootstrap: &v1.ListenerBootstrap{
			LoadBalancerIP: "192.0.2.20", Labels: map[string]string{"lb": "all"},
			Annotations: map[string]string{"dns": "bootstrap"},
		},
		Brokers: []v1.ListenerBroker{{Broker: 11, LoadBalancerIP: "192.0.2.21"}},
	}
	c.Listeners[3].Metadata = map[int32]v1.MetadataTemplate{10: {
		Labels:      map[string]string{"lb": "ten"},
		Annotations: map[string]string{"dns": "broker-10"},
	}}
	c.Listeners[4].Spec.Configuration = &v1.ListenerConfiguration{Class: "nginx"}
	c.Listeners[5].Spec.Configuration = &v1.ListenerConfiguration{PublishNotReadyAddresses: new(true)}
	c.JMX, c.JMXPassword, c.ResizeInPlace, c.RackKey, c.OperatorNamespace = true, true, true, "topology.kubernetes.io/zone", "operators"
	c.ImagePullPolicy, c.ImagePullSecrets = corev1.PullAlways, []corev1.LocalObjectReference{{Name: "registry"}}
	c.External = []cluster.External{{Name: "oauth-0", Secret: "keycloak", Keys: []string{"tls.crt"}}, {Name: "own", Secret: "own"}}
	meta := func(of string) *v1.MetadataTemplate {
		return &v1.MetadataTemplate{Labels: map[string]string{"of": of}, Annotations: map[string]string{"note": of}}
	}
	object := func(of string) *v1.ResourceTemplate { return &v1.ResourceTemplate{Metadata: meta(of)} }
	c.Template = v1.KafkaClusterTemplate{
		ServiceAccount: object("account"), ExternalBootstrapService: object("external"), ExternalBootstrapIngress: object("ingress"),
		BootstrapService: &v1.InternalServiceTemplate{
			Metadata:       meta("bootstrap"),
			IPFamilyPolicy: new(corev1.IPFamilyPolicySingleStack),
		},
		BrokersService:      &v1.InternalServiceTemplate{Metadata: meta("brokers"), IPFamilies: []corev1.IPFamily{corev1.IPv6Protocol}},
		PodDisruptionBudget: &v1.PodDisruptionBudgetTemplate{Metadata: meta("budget"), MaxUnavailable: new(int32(2))},
	}
	limit := resource.MustParse("64Mi")
	for i := range c.Pools {
		p := &c.Pools[i]
		p.Labels = map[string]string{"pool": p.Name}
		p.Template = v1.KafkaNodePoolTemplate{
			PodSet: object("set"), PerPodService: object("service"), PerPodIngress: object("way"), PersistentVolumeClaim: object("claim"),
			Pod: &v1.KafkaPodTemplate{
				PodTemplate: v1.PodTemplate{
					Metadata: meta("pod"), TerminationGracePeriodSeconds: new(int64(300)), TmpDirSizeLimit: &limit,
					PriorityClassName: "high",
					Tolerations:       []corev1.Toleration{{Key: "kafka", Operator: corev1.TolerationOpExists}},
					Volumes:           []v1.AdditionalVolume{{Name: "plugins", EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				},
				TemplatedVolumes: []v1.TemplatedVolume{
					{Name: "mine", ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "of-{nodeId}"}}},
					{Name: "key", Secret: &corev1.SecretVolumeSource{SecretName: "key-{nodePodName}"}},
					{Name: "disk", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "disk-{nodeId}"}},
				},
			},
			KafkaContainer: &v1.ContainerTemplate{
				Env: []v1.ContainerEnvVar{{Name: "ZONE", Value: "a"}, {Name: names.EnvNodeID, Value: "99"}},
				VolumeMounts: []corev1.VolumeMount{{Name: "plugins", MountPath: "/mnt/plugins"}, {
					Name:      "mine",
					MountPath: "/mnt/mine",
				}, {Name: "key", MountPath: "/mnt/key"}, {Name: "disk", MountPath: "/mnt/disk"}},
			},
			InitContainer: &v1.ContainerTemplate{Env: []v1.ContainerEnvVar{{Name: "EARLY", Value: "1"}}},
		}
	}
	served(&c)
	return c
}
