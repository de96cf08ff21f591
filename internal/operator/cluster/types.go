package cluster

import (
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/window"
)

// Resources is a Kafka with the observed facts that its meaning depends on.
type Resources struct {
	Kafka *v1.Kafka
	// Pools are those that name the Kafka by their label. Without any the Kafka has the virtual pool VirtualPool.
	Pools    []v1.KafkaNodePool
	Defaults Defaults
	Observed Observed
}

// Defaults are the operator's own settings.
type Defaults struct {
	// Images are those of Kafka by version, such as docker.io/apache/kafka:4.3.1; Image(version) when one is missing.
	Images map[string]string
	// ImageRepository is that of versions that Images lacks; the version is the tag.
	ImageRepository string
	// NodeImage holds steg-node.
	NodeImage        string
	ImagePullPolicy  corev1.PullPolicy
	ImagePullSecrets []corev1.LocalObjectReference
	// Domain is the cluster's DNS domain, cluster.local.
	Domain string
	// WithoutNetworkPolicy, WithoutPodDisruptionBudget and WithoutPKCS12 leave those objects and keys out.
	WithoutNetworkPolicy, WithoutPodDisruptionBudget, WithoutPKCS12 bool
	// OperatorNamespace is for the NetworkPolicy: the operator's pods there have names.LabelName=names.Operator.
	OperatorNamespace string
}

// Observed is what was seen of the cluster.
type Observed struct {
	// ClusterID is that of the status, or a new one that the controller made up.
	ClusterID string
	// Pods are the cluster's, by node id.
	Pods map[int32]PodFacts
	// Storage is the storage that each pool's pod set was made with (names.AnnotationStorage), by pool.
	Storage map[string]v1.Storage
	// NodeIDs are the ids of each pool's status, or of its pod set.
	NodeIDs map[string][]int32
	// Voters are the controllers of the quorum that runs, [Voters] of the shared ConfigMap's data; empty: there is no cluster yet.
	Voters []int32
	// MetadataVersion is the one in force, empty if it isn't known.
	MetadataVersion string
	// Occupied are the brokers that have replicas, by id; nil if Kafka could not be asked, which forbids scaling brokers down.
	Occupied map[int32]bool
	// Services are ports and addresses that Kubernetes chose, by name of the Service.
	Services map[string]ServiceFacts
	// ConfigMaps are the data of the ConfigMaps that [Refers] names, by name; one that is missing there is left out, which is
	// refused; nil: nobody looked.
	ConfigMaps map[string]map[string]string
	// SecretHashes are model.HashSecret of the values that [Refers] names, by "secret/key". A key that is missing here is missing
	// there, which is refused; nil: nobody looked.
	SecretHashes map[string]string
	// Expandable says of each storage class whether claims of it may grow.
	Expandable map[string]bool
	// Claims are the sizes that the claims have, by name.
	Claims map[string]corev1.PersistentVolumeClaim
}

// PodFacts is what a pod says of the node that it runs.
type PodFacts struct {
	// Version is names.AnnotationKafkaVersion, empty if missing.
	Version string
	// Broker is names.LabelBrokerRole.
	Broker bool
	// HostName and Addresses are the Kubernetes node's.
	HostName  string
	Addresses []corev1.NodeAddress
}

// ServiceFacts is what Kubernetes chose for a Service.
type ServiceFacts struct {
	// NodePorts are by the name of the Service's port.
	NodePorts map[string]int32
	// Ingress are a load balancer's host names and addresses.
	Ingress []string
}

// VirtualPool is the pool of a Kafka without KafkaNodePools; its pods are CLUSTER-kafka-0 and so on.
const VirtualPool = "kafka"

// Cluster is a checked Kafka with its node pools: everything that is wanted. It is never modified.
type Cluster struct {
	Name, Namespace string
	UID             types.UID
	Labels          map[string]string // that the user gave the Kafka and that its objects carry too

	Version kafkaconf.Version
	// From is the version that the oldest pod runs, equal to Version unless it is being changed.
	From kafkaconf.Version
	// Metadata is the metadata version that is wanted once all nodes run Version; FormatMetadata that of new nodes' directories.
	Metadata, FormatMetadata string
	ClusterID                string

	Pools     []Pool // by name
	Listeners []Listener
	// Pending has one line for each address that Kubernetes has not chosen yet. Until it is empty, Advertised of some nodes is
	// incomplete, and only the Services may be made.
	Pending []string
	// AskOccupied says that brokers were kept only because Observed.Occupied is nil.
	AskOccupied bool
	// NodeAddressTypes is the order in which an address of a Kubernetes node is looked for, for NodeAddress; nil: nobody asks.
	NodeAddressTypes []corev1.NodeAddressType
	// External are Secrets that all brokers mount at names.DirExternal/NAME, by name.
	External []External
	// Authorizer says that rights are checked and that ACLs can be given.
	Authorizer bool

	// Shared are the settings of every node; ListenerConfig those of the listeners that all brokers have. Without secrets.
	Shared, ListenerConfig map[string]string
	// ClusterWide are settings, out of Shared and ListenerConfig, that Kafka changes at run time for all brokers at once, PerBroker
	// those for one broker at a time. DynamicHash is of both, for names.AnnotationDynamicHash; what needs a restart is in
	// Node.ConfigurationHash.
	ClusterWide, PerBroker map[string]string
	DynamicHash            string
	// Log4j is the content of the logging file LogFile: names.FileLog4j2 or, for 3.9, names.FileLog4j.
	LogFile, Log4j string

	ClusterCA, ClientsCA Authority
	Windows              window.Windows // maintenance windows; none: always open

	Image, NodeImage string
	ImagePullPolicy  corev1.PullPolicy
	ImagePullSecrets []corev1.LocalObjectReference
	Domain           string
	Template         v1.KafkaClusterTemplate
	Liveness         v1.Probe
	Readiness        v1.Probe
	// RackKey is the label of Kubernetes' nodes that is the rack; empty: none. RackEnv is a variable of the container instead.
	RackKey, RackEnv string

	// ResizeInPlace gives running pods other resources without a restart, as far as the kubelet can.
	ResizeInPlace bool
	// JMX has the port 9999; JMXPassword says that it wants name and password.
	JMX, JMXPassword bool
	Quotas           *v1.KafkaQuotas // defaults for all users, set by the admin protocol; nil: left alone

	NetworkPolicy, PodDisruptionBudget bool
	OperatorNamespace                  string

	// Paused says that the user has stopped the reconciliation.
	Paused bool
}

// Authority says what is wanted of a certificate authority.
type Authority struct {
	Generate, Own         bool // made by the operator; its Secrets belong to the Kafka
	Validity, RenewBefore time.Duration
	Replace               bool // a new key, too, when it ends
	PKCS12                bool
}

// Pool is a group of like nodes: one StrimziPodSet.
type Pool struct {
	Name string
	// UID is the KafkaNodePool's; empty for the virtual pool, whose objects belong to the Kafka.
	UID types.UID
	// Controller and Broker are the roles of its nodes, or of some of them: the controllers of a running cluster stay as they are.
	Controller, Broker bool
	Nodes              []Node // by id
	// Leaving are ids that the pool had and has no longer.
	Leaving   []int32
	Volumes   []Volume
	Storage   v1.Storage // as it is carried out, for names.AnnotationStorage
	Resources corev1.ResourceRequirements
	JVM       *v1.JvmOptions
	// Template is the pool's, merged over the Kafka's property by property.
	Template v1.KafkaNodePoolTemplate
	Labels   map[string]string
}

// Node is one broker, controller or both.
type Node struct {
	ID                 int32
	Pod                string // its name, of its ConfigMap and of its Secret too
	Controller, Broker bool
	// Host is the pod's name in DNS within the headless Service: POD.CLUSTER-kafka-brokers.NAMESPACE.svc
	Host string
	// Config are the settings of this node alone.
	Config map[string]string
	// ConfigurationHash changes with everything in its settings, and in what they refer to, that needs a restart.
	ConfigurationHash string
	// Advertised are the addresses that clients are told, by the name of the listener in Kafka (EXTERNAL-9094).
	Advertised map[string]Address
	// DNSNames and Addresses are what its certificate is for.
	DNSNames  []string
	Addresses []netip.Addr
	Claims    []Claim
}

// Address is where a listener is reached. Host may be NodeAddress.
type Address struct {
	Host string
	Port int32
}

// NodeAddress stands for the address of the Kubernetes node that a pod runs on; steg-node puts it in.
const NodeAddress = "${node.address}"

// NodeRack stands for the rack of that node.
const NodeRack = "${node.rack}"

// Volume is where the nodes of a pool keep data.
type Volume struct {
	Name, Path string // data or data-0; /var/lib/kafka/data or /var/lib/kafka/data-0
	// Claim says that each node has a claim, else it is an emptyDir.
	Claim    bool
	Settings v1.StorageSettings
}

// Claim is a persistent volume claim of a node.
type Claim struct {
	Name, Volume string
	Settings     v1.StorageSettings
	// Delete says that it goes with the node.
	Delete bool
	Labels map[string]string
}

// Listener is where clients connect.
type Listener struct {
	Name string // as in the Kafka
	Port int32
	Type string // v1.ListenerInternal and so on
	TLS  bool
	// Kafka is its name in Kafka's settings: PLAIN-9092.
	Kafka string
	// PortName is the name of the port in Services and containers: tcp-clients, tcp-clientstls, tcp-external or tcp-NAME.
	PortName string
	// Auth is the type of authentication, empty for none; "tls", "scram-sha-512", "custom", "oauth".
	Auth string
	// Certificate is nil unless the listener has its own.
	Certificate *v1.CertAndKeySecretSource
	// Spec is the listener as the user wrote it, for what only one kind of object has.
	Spec v1.Listener
	// BootstrapService is empty if the Service is the common one of the internal listeners or if there is none; Services has
	// the brokers' ones by node id.
	BootstrapService string
	Services         map[int32]string
	// BootstrapHost and Hosts are those of Routes, TLSRoutes and Ingresses: the bootstrap's and, by node id, the brokers'.
	BootstrapHost string
	Hosts         map[int32]string
	// Metadata are labels and annotations of the brokers' objects, by node id: templates are filled in.
	Metadata map[int32]v1.MetadataTemplate
}

// External is a Secret that brokers mount.
type External struct {
	Name, Secret string
	Keys         []string // sorted, each a file of its name; none: all
}

// Certificates are what the authorities made, as far as the objects of a cluster depend on it.
type Certificates struct {
	// Marks for the pods' annotations. ClusterCAKey and ClusterCACert are the generations that a pod made now has.
	ClusterCAKey, ClusterCACert, ClientsCACert int64
	// TrustHash changes with everything that brokers trust; ServerHashes, by node, with what Kafka can't read again.
	TrustHash    string
	ServerHashes map[int32]string
	// Secrets are the data of the Secrets by name, made by the controller with package pki: the authorities', the trust
	// bundle, the operator's own, one of each node. Only those that the operator writes.
	Secrets map[string]Secret
}

// Secret is a Secret that the operator writes.
type Secret struct {
	Data        map[string][]byte
	Annotations map[string]string
	// Ownerless ones stay when the Kafka goes.
	Ownerless bool
	// Template adds to the metadata.
	Template *v1.MetadataTemplate
}
