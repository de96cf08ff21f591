package names

import (
	"strconv"
	"strings"
)

// Kinds, components and their values on objects of a Kafka cluster.
const (
	KindKafka         = "Kafka"
	KindKafkaNodePool = "KafkaNodePool"
	KindStrimziPodSet = "StrimziPodSet"
	// KindOperator is the value of LabelKind by which NetworkPolicies of the reference operator find the operator's pods.
	KindOperator   = "cluster-operator"
	ComponentKafka = "kafka"
	// PodSetController is the value of LabelController on pods of a StrimziPodSet.
	PodSetController = "strimzipodset"
	// Organization is O in the subject of each certificate of a cluster, as in the reference operator.
	Organization = "io.strimzi"
	// OperatorCommonName is CN in the subject of the certificate by which the operator connects to Kafka.
	OperatorCommonName = "cluster-operator"
)

// Labels on pods and per-pool objects.
const (
	LabelPodName        = StrimziDomain + "pod-name"
	LabelController     = StrimziDomain + "controller"
	LabelControllerName = StrimziDomain + "controller-name"
	LabelPoolName       = StrimziDomain + "pool-name"
	// LabelBrokerRole and LabelControllerRole are "true" or "false".
	LabelBrokerRole     = StrimziDomain + "broker-role"
	LabelControllerRole = StrimziDomain + "controller-role"
)

// Annotations that a user sets.
const (
	// AnnotationManualRollingUpdate set to "true" on a StrimziPodSet or on a pod asks for a restart.
	AnnotationManualRollingUpdate = StrimziDomain + "manual-rolling-update"
	// AnnotationDeletePodAndPVC set to "true" on a pod asks for a new one with empty volumes.
	AnnotationDeletePodAndPVC = StrimziDomain + "delete-pod-and-pvc"
	// AnnotationForceReplace set to "true" on the Secret of an authority's key asks for a new key. On that of its certificate
	// AnnotationForceRenew asks for a new certificate of the same key.
	AnnotationForceReplace = StrimziDomain + "force-replace"
	// AnnotationNextNodeIDs and AnnotationRemoveNodeIDs on a KafkaNodePool say which ids come and go: "[0-2,10]".
	AnnotationNextNodeIDs   = StrimziDomain + "next-node-ids"
	AnnotationRemoveNodeIDs = StrimziDomain + "remove-node-ids"
	// AnnotationSkipScaleDownCheck set to "true" on a Kafka lets brokers go that have replicas.
	AnnotationSkipScaleDownCheck = StrimziDomain + "skip-broker-scaledown-check"
	// AnnotationNodePools and AnnotationKRaft were switches of older releases of the reference operator.
	AnnotationNodePools = StrimziDomain + "node-pools"
	AnnotationKRaft     = StrimziDomain + "kraft"
	// AnnotationInPlaceResizing set to "true" on a Kafka gives running pods other resources without a restart.
	AnnotationInPlaceResizing = StrimziDomain + "in-place-resizing"
)

// Annotations that the operator writes. What each of those on pods says stands in the comment of package roll.
const (
	AnnotationRevision                = StrimziDomain + "revision"
	AnnotationResourceRevision        = StrimziDomain + "resource-revision"
	AnnotationConfigurationHash       = StrimziDomain + "configuration-hash"
	AnnotationDynamicHash             = Domain + "dynamic-configuration-hash"
	AnnotationServerCertHash          = StrimziDomain + "server-cert-hash"
	AnnotationClusterCAKeyGeneration  = StrimziDomain + "cluster-ca-key-generation"
	AnnotationClusterCACertGeneration = StrimziDomain + "cluster-ca-cert-generation"
	AnnotationClientsCACertGeneration = StrimziDomain + "clients-ca-cert-generation"
	AnnotationTrustHash               = Domain + "trusted-ca-hash"
	// AnnotationKafkaVersion on a pod is the version of Kafka that it runs.
	AnnotationKafkaVersion = StrimziDomain + "kafka-version"
	// AnnotationNodeAddress and AnnotationRack are put on a running pod once it has a Kubernetes node: that node's address for
	// node ports, and its rack.
	AnnotationNodeAddress = Domain + "node-address"
	AnnotationRack        = Domain + "rack"
	// AnnotationStorage on a StrimziPodSet is the storage of its pods: a storage of the API as JSON.
	AnnotationStorage = StrimziDomain + "storage"
	// AnnotationDeleteClaim on a claim is "true" if it goes with its node.
	AnnotationDeleteClaim = StrimziDomain + "delete-claim"
	// AnnotationCACertGeneration and AnnotationCAKeyGeneration on the Secrets of an authority count its certificates and keys.
	AnnotationCACertGeneration = StrimziDomain + "ca-cert-generation"
	AnnotationCAKeyGeneration  = StrimziDomain + "ca-key-generation"
)

// Ports of a node.
const (
	PortControlPlane = 9090
	PortReplication  = 9091
	PortAgent        = 8443
	PortJMX          = 9999
	// PortMetrics is kept free: it is the reference operator's for metrics.
	PortMetrics = 9404

	PortNameControlPlane = "tcp-ctrlplane"
	PortNameReplication  = "tcp-replication"
	PortNameAgent        = "tcp-kafkaagent"
	PortNameJMX          = "jmx"
)

// Listeners of a node by which nodes and the operator talk, as Kafka's settings name them.
const (
	ListenerControlPlane = "CONTROLPLANE-9090"
	ListenerReplication  = "REPLICATION-9091"
)

// Containers and volumes of a node's pod. Those that end in a dash are followed by a name.
const (
	ContainerKafka   = "kafka"
	ContainerInstall = "steg-node"

	VolumeStegNode     = VolumePrefix + "node"
	VolumeNodeConfig   = VolumePrefix + "node-config"
	VolumeSharedConfig = VolumePrefix + "shared-config"
	VolumeCertificates = VolumePrefix + "certs"
	VolumeTrust        = VolumePrefix + "trust"
	VolumePod          = VolumePrefix + "pod"
	VolumeRun          = VolumePrefix + "run"
	VolumeExternal     = VolumePrefix + "external-"
	VolumeJMX          = VolumePrefix + "jmx"
	VolumeTmp          = "strimzi-tmp"
	// VolumeData is the volume of a node's data, or with a dash and a number one of several.
	VolumeData = "data"
)

// Paths in a node's container.
const (
	// DirStegNode is where the init container puts steg-node, which stands at NodeImageBinary in its own image.
	DirStegNode     = "/opt/steg"
	NodeBinary      = DirStegNode + "/steg-node"
	NodeImageBinary = "/steg-node"
	// DirNodeConfig holds the node's own ConfigMap, DirSharedConfig the one that all nodes have.
	DirNodeConfig   = DirSettings + "/node"
	DirSharedConfig = DirSettings + "/shared"
	// DirCertificates holds the node's Secret, DirTrust the trust bundle.
	DirCertificates = DirSettings + "/certs"
	DirTrust        = DirSettings + "/trust"
	// DirPod holds the pod's own labels and annotations.
	DirPod = DirSettings + "/pod"
	// DirExternal is above the Secrets of listeners.
	DirExternal = DirSettings + "/external"
	// DirJMX holds the name and the password of Java's management extensions.
	DirJMX = DirSettings + "/jmx"
	// DirRun holds what steg-node writes: key stores, the final settings, its socket.
	DirRun = "/run/steg"
	// DirData is above everything that is kept: /var/lib/kafka/data, or /var/lib/kafka/data-0 and so on.
	DirData = "/var/lib/kafka"
	DirTmp  = "/tmp"
	// DirMounts is above the volumes that users add.
	DirMounts = "/mnt"
)

// Keys of ConfigMaps, which are files in a node's container.
const (
	FileServerConfig        = "server.config"
	FileListenersConfig     = "listeners.config"
	FileAdvertisedHostnames = "advertised-hostnames.config"
	FileAdvertisedPorts     = "advertised-ports.config"
	FileLog4j2              = "log4j2.properties"
	FileLog4j               = "log4j.properties"
	FileClusterID           = "cluster.id"
	FileMetadataVersion     = "metadata.version"
)

// Keys of Secrets.
const (
	KeyCACertificate    = "ca.crt"
	KeyCAKey            = "ca.key"
	KeyCAStore          = "ca.p12"
	KeyCAStorePassword  = "ca.password"
	KeyClusterCA        = "cluster-ca.crt"
	KeyClientsCA        = "clients-ca.crt"
	KeyOperatorCert     = "cluster-operator.crt"
	KeyOperatorKey      = "cluster-operator.key"
	KeyJMXUsername      = "jmx-username"
	KeyJMXPassword      = "jmx-password"
	SuffixCertificate   = ".crt"
	SuffixKey           = ".key"
	SuffixCombinedStore = ".pem"
)

// Environment variables of a node's container.
const (
	EnvNodeID     = "STEG_NODE_ID"
	EnvCluster    = "STEG_CLUSTER"
	EnvPodName    = "STEG_POD_NAME"
	EnvNamespace  = "STEG_NAMESPACE"
	EnvHostIP     = "STEG_HOST_IP"
	EnvDomain     = "STEG_DOMAIN"
	EnvJVMOptions = "STEG_JVM_OPTIONS"
	// EnvJMX is "open" or "password" if there are Java's management extensions.
	EnvJMX = "STEG_JMX"
)

// The names below are the reference operator's, so that manifests of clients, dashboards and scripts find what they expect. None
// is cut: a cluster whose names would be too long is refused by package cluster.

// KafkaComponent is the component of a Kafka cluster: the value of LabelComponent, the name of its ServiceAccount and of its
// PodDisruptionBudget, and CN in the subject of its nodes' certificates.
func KafkaComponent(cluster string) string { return cluster + "-kafka" }

// KafkaServiceAccount is the name of the ServiceAccount of a cluster's pods.
func KafkaServiceAccount(cluster string) string { return KafkaComponent(cluster) }

// KafkaPodDisruptionBudget is the name of a cluster's PodDisruptionBudget.
func KafkaPodDisruptionBudget(cluster string) string { return KafkaComponent(cluster) }

// KafkaNetworkPolicy is the name of a cluster's NetworkPolicy.
func KafkaNetworkPolicy(cluster string) string { return cluster + "-network-policy-kafka" }

// KafkaConfigMap is the name of the ConfigMap with the settings that all nodes of a cluster have.
func KafkaConfigMap(cluster string) string { return cluster + "-kafka-config" }

// KafkaBootstrapService is the name of the Service that clients within Kubernetes, and the operator, bootstrap from.
func KafkaBootstrapService(cluster string) string { return cluster + "-kafka-bootstrap" }

// KafkaBrokersService is the name of the headless Service that gives pods their names in DNS.
func KafkaBrokersService(cluster string) string { return cluster + "-kafka-brokers" }

// KafkaListenerService is the name of the Service that clients of a listener with Services of its own bootstrap from.
func KafkaListenerService(cluster, listener string) string {
	return cluster + "-kafka-" + listener + "-bootstrap"
}

// KafkaListenerRoute is the name of the Route, TLSRoute or Ingress that clients of a listener bootstrap from. The listener external
// on 9094 is from a time when there was only one.
func KafkaListenerRoute(cluster, listener string, port int32) string {
	if isOldExternal(listener, port) {
		return cluster + "-kafka-bootstrap"
	}
	return KafkaListenerService(cluster, listener)
}

// NodeListener is the name of the Service, Route, TLSRoute or Ingress of one broker and listener. The listener external on 9094 is
// from a time when there was only one.
func NodeListener(cluster, pool, listener string, port, id int32) string {
	if isOldExternal(listener, port) {
		return NodePod(cluster, pool, id)
	}
	return cluster + "-" + pool + "-" + listener + "-" + decimal(id)
}

func isOldExternal(listener string, port int32) bool { return listener == "external" && port == 9094 }

// ListenerPort is the name of a listener's port in Services and containers. Three have names from a time when listeners had none.
func ListenerPort(listener string, port int32) string {
	switch {
	case listener == "plain" && port == 9092:
		return "tcp-clients"
	case listener == "tls" && port == 9093:
		return "tcp-clientstls"
	}
	return "tcp-" + listener
}

// KafkaListener is a listener's name in Kafka's settings.
func KafkaListener(listener string, port int32) string {
	return strings.ToUpper(listener) + "-" + decimal(port)
}

// PodSet is the name of the StrimziPodSet of a pool.
func PodSet(cluster, pool string) string { return cluster + "-" + pool }

// NodePod is the name of a node's pod, of its ConfigMap and of its Secret.
func NodePod(cluster, pool string, id int32) string { return PodSet(cluster, pool) + "-" + decimal(id) }

// NodeID returns the id of the node that a pod runs, from the pod's name.
func NodeID(pod string) (id int32, ok bool) {
	dash := strings.LastIndexByte(pod, '-')
	n, err := strconv.ParseUint(pod[dash+1:], 10, 31)
	if err != nil || dash < 1 || decimal(int32(n)) != pod[dash+1:] {
		return 0, false
	}
	return int32(n), true
}

// NodeHost is the name of a node's pod in DNS, without the domain of the Kubernetes cluster.
func NodeHost(pod, cluster, namespace string) string {
	return pod + "." + KafkaBrokersService(cluster) + "." + namespace + ".svc"
}

// DataVolume is the name of one of several volumes of a node.
func DataVolume(volume int32) string { return VolumeData + "-" + decimal(volume) }

// DataClaim is the name of the claim of a node's volume, such as VolumeData or DataVolume(0).
func DataClaim(volume, pod string) string { return volume + "-" + pod }

// ListenerCertificate is the name, without suffix, of the files of a listener's own certificate and key in the node's Secret.
func ListenerCertificate(listener string, port int32) string { return listener + "-" + decimal(port) }

// ClusterCA is the name of the Secret with the key of the authority that signs the nodes' certificates.
func ClusterCA(cluster string) string { return cluster + "-cluster-ca" }

// ClusterCACert is the name of the Secret with that authority's certificates.
func ClusterCACert(cluster string) string { return cluster + "-cluster-ca-cert" }

// ClientsCA is the name of the Secret with the key of the authority that signs the certificates of KafkaUsers.
func ClientsCA(cluster string) string { return cluster + "-clients-ca" }

// ClientsCACert is the name of the Secret with that authority's certificates.
func ClientsCACert(cluster string) string { return cluster + "-clients-ca-cert" }

// OperatorCertificate is the name of the Secret with the certificate and key by which the operator connects to a cluster.
func OperatorCertificate(cluster string) string { return cluster + "-cluster-operator-certs" }

// TrustBundle is the name of the Secret with everything that a cluster's nodes trust.
func TrustBundle(cluster string) string { return cluster + "-trustbundle" }

// KafkaJMX is the name of the Secret with the name and the password of Java's management extensions.
func KafkaJMX(cluster string) string { return cluster + "-kafka-jmx" }

func decimal(n int32) string { return strconv.Itoa(int(n)) }
