package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kafka is a Kafka cluster. Its nodes are described by the KafkaNodePools that carry its name in the label strimzi.io/cluster; a
// cluster without any has one pool, called kafka, whose size and storage stand in spec.kafka.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:path=kafkas,shortName=k,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Desired Kafka replicas",type=integer,JSONPath=`.spec.kafka.replicas`,description="How many brokers are wanted, if no node pool says so"
// +kubebuilder:printcolumn:name="Desired ZK replicas",type=integer,JSONPath=`.spec.zookeeper.replicas`,description="How many ZooKeeper nodes are asked for; there are none"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
// +kubebuilder:printcolumn:name="Warnings",type=string,JSONPath=`.status.conditions[?(@.type=="Warning")].status`,description="Whether there is anything to be looked at"
// +kubebuilder:printcolumn:name="Kafka version",type=string,JSONPath=`.status.kafkaVersion`,description="The version that runs",priority=1
// +kubebuilder:printcolumn:name="Metadata version",type=string,JSONPath=`.status.kafkaMetadataVersion`,description="The metadata version that is in use",priority=1
type Kafka struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec KafkaSpec `json:"spec"`
	// What is.
	Status KafkaStatus `json:"status,omitempty"`
}

// KafkaList is a list of clusters.
//
// +kubebuilder:object:root=true
type KafkaList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Kafka `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*Kafka) Hub() {}

// KafkaSpec is what is wanted of a cluster.
type KafkaSpec struct {
	// The brokers.
	Kafka KafkaClusterSpec `json:"kafka"`
	// Deprecated. ZooKeeper's job is done by the KRaft quorum; the block is accepted and has no effect.
	Zookeeper *ZookeeperClusterSpec `json:"zookeeper,omitempty"`
	// Whether KafkaTopics and KafkaUsers of this cluster are looked after.
	EntityOperator *EntityOperatorSpec `json:"entityOperator,omitempty"`
	// The authority that signs the certificates of brokers and operators.
	ClusterCa *CertificateAuthority `json:"clusterCa,omitempty"`
	// The authority that signs the certificates of users.
	ClientsCa *CertificateAuthority `json:"clientsCa,omitempty"`
	// Accepted and without effect: Cruise Control is not deployed.
	CruiseControl *CruiseControlSpec `json:"cruiseControl,omitempty"`
	// Accepted and without effect: the exporter is not deployed.
	KafkaExporter *KafkaExporterSpec `json:"kafkaExporter,omitempty"`
	// Deprecated. Accepted and without effect.
	JmxTrans *JmxTransSpec `json:"jmxTrans,omitempty"`
	// When pods may be rolled for the renewal of certificates: cron expressions with seconds (Quartz), UTC. Always if absent.
	MaintenanceTimeWindows []string `json:"maintenanceTimeWindows,omitempty"`
}

// KafkaClusterSpec is what all nodes of a cluster have in common, and for a cluster without node pools their number and storage.
type KafkaClusterSpec struct {
	// The version of Kafka; the newest supported one if absent.
	Version string `json:"version,omitempty"`
	// The metadata version (KRaft feature level), such as 4.0-IV3; that of the Kafka version if absent.
	MetadataVersion string `json:"metadataVersion,omitempty"`
	// How many nodes a cluster without node pools has; each is controller and broker.
	// +kubebuilder:validation:Minimum=1
	Replicas *int32 `json:"replicas,omitempty"`
	// The image of the nodes; the operator's own setting for the version if absent.
	Image string `json:"image,omitempty"`
	// Where clients connect.
	// +kubebuilder:validation:MinItems=1
	// +listType=map
	// +listMapKey=name
	Listeners []Listener `json:"listeners"`
	// Kafka's settings for brokers and controllers.
	Config Config `json:"config,omitempty"`
	// The storage of the nodes of a cluster without node pools.
	Storage *Storage `json:"storage,omitempty"`
	// Who may do what.
	Authorization *KafkaAuthorization `json:"authorization,omitempty"`
	// Where brokers learn their rack.
	Rack *Rack `json:"rack,omitempty"`
	// The image of the init container that finds the node's rack and addresses; the operator's own setting if absent.
	BrokerRackInitImage string `json:"brokerRackInitImage,omitempty"`
	// When a node counts as alive.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// When a node counts as ready.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Settings of the Java virtual machine.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
	// The port for Java's management extensions, 9999.
	JmxOptions *JmxOptions `json:"jmxOptions,omitempty"`
	// CPU and memory of the nodes of a cluster without node pools.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// The nodes' metrics.
	MetricsConfig *MetricsConfig `json:"metricsConfig,omitempty"`
	// Levels of Kafka's loggers.
	Logging *Logging `json:"logging,omitempty"`
	// Changes to the objects that the operator makes.
	Template *KafkaClusterTemplate `json:"template,omitempty"`
	// Where old log segments are moved to (KIP-405).
	TieredStorage *TieredStorage `json:"tieredStorage,omitempty"`
	// Quotas that hold for everybody.
	Quotas *KafkaQuotas `json:"quotas,omitempty"`
}

// JmxOptions is the port for Java's management extensions.
type JmxOptions struct {
	// Who may use the port; everybody within the cluster if absent.
	Authentication *JmxAuthentication `json:"authentication,omitempty"`
}

// JmxAuthentication says how users of the port prove who they are.
type JmxAuthentication struct {
	// password: a generated name and password in a Secret.
	// +kubebuilder:validation:Enum=password
	Type string `json:"type"`
}

// TieredStorage says where old log segments are moved to.
type TieredStorage struct {
	// custom: a plugin in the image.
	// +kubebuilder:validation:Enum=custom
	Type string `json:"type"`
	// The plugin.
	RemoteStorageManager *RemoteStorageManager `json:"remoteStorageManager,omitempty"`
}

// RemoteStorageManager is the plugin that moves log segments.
type RemoteStorageManager struct {
	// The plugin's class.
	ClassName string `json:"className,omitempty"`
	// Where its classes are in the image.
	ClassPath string `json:"classPath,omitempty"`
	// Its settings, without the prefix rsm.config.
	Config map[string]string `json:"config,omitempty"`
}

// Values of [KafkaQuotas.Type].
const (
	QuotasKafka   = "kafka"
	QuotasStrimzi = "strimzi"
)

// KafkaQuotas are quotas that hold for everybody.
type KafkaQuotas struct {
	// kafka: Kafka's own quotas, as defaults for all users; strimzi: a plugin, which the stock image does not have.
	// +kubebuilder:validation:Enum=kafka;strimzi
	Type string `json:"type"`
	// Bytes that a client may send per second.
	// +kubebuilder:validation:Minimum=0
	ProducerByteRate *int64 `json:"producerByteRate,omitempty"`
	// Bytes that a client may fetch per second.
	// +kubebuilder:validation:Minimum=0
	ConsumerByteRate *int64 `json:"consumerByteRate,omitempty"`
	// Percent of the time of the request and network threads that a client may use.
	// +kubebuilder:validation:Minimum=0
	RequestPercentage *int32 `json:"requestPercentage,omitempty"`
	// Changes of partitions that a client may make per second.
	// +kubebuilder:validation:Minimum=0
	ControllerMutationRate *float64 `json:"controllerMutationRate,omitempty"`
	// For type strimzi: bytes that must stay free on each volume.
	// +kubebuilder:validation:Minimum=0
	MinAvailableBytesPerVolume *int64 `json:"minAvailableBytesPerVolume,omitempty"`
	// For type strimzi: the share of each volume that must stay free.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1
	MinAvailableRatioPerVolume *float64 `json:"minAvailableRatioPerVolume,omitempty"`
	// For type strimzi: principals without quotas.
	ExcludedPrincipals []string `json:"excludedPrincipals,omitempty"`
}

// KafkaClusterTemplate changes the objects of a cluster.
type KafkaClusterTemplate struct {
	// Deprecated. There are no StatefulSets.
	StatefulSet *StatefulSetTemplate `json:"statefulset,omitempty"`
	// The StrimziPodSets.
	PodSet *ResourceTemplate `json:"podSet,omitempty"`
	// The pods.
	Pod *KafkaPodTemplate `json:"pod,omitempty"`
	// The Service that clients within the cluster bootstrap from.
	BootstrapService *InternalServiceTemplate `json:"bootstrapService,omitempty"`
	// The headless Service of the brokers.
	BrokersService *InternalServiceTemplate `json:"brokersService,omitempty"`
	// The Services that clients outside the cluster bootstrap from.
	ExternalBootstrapService *ResourceTemplate `json:"externalBootstrapService,omitempty"`
	// The Services of single brokers.
	PerPodService *ResourceTemplate `json:"perPodService,omitempty"`
	// The Routes that clients bootstrap from.
	ExternalBootstrapRoute *ResourceTemplate `json:"externalBootstrapRoute,omitempty"`
	// The Routes of single brokers.
	PerPodRoute *ResourceTemplate `json:"perPodRoute,omitempty"`
	// The Ingresses that clients bootstrap from.
	ExternalBootstrapIngress *ResourceTemplate `json:"externalBootstrapIngress,omitempty"`
	// The Ingresses of single brokers.
	PerPodIngress *ResourceTemplate `json:"perPodIngress,omitempty"`
	// The persistent volume claims.
	PersistentVolumeClaim *ResourceTemplate `json:"persistentVolumeClaim,omitempty"`
	// The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// The container of Kafka.
	KafkaContainer *ContainerTemplate `json:"kafkaContainer,omitempty"`
	// The init container.
	InitContainer *ContainerTemplate `json:"initContainer,omitempty"`
	// The Secret with the certificate of the cluster's authority.
	ClusterCaCert *ResourceTemplate `json:"clusterCaCert,omitempty"`
	// The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
	// The Secret with name and password for Java's management extensions.
	JmxSecret *ResourceTemplate `json:"jmxSecret,omitempty"`
	// The ClusterRoleBinding by which the init container reads its node.
	ClusterRoleBinding *ResourceTemplate `json:"clusterRoleBinding,omitempty"`
}

// Values of [CertificateAuthority.CertificateExpirationPolicy].
const (
	ExpirationRenewCertificate = "renew-certificate"
	ExpirationReplaceKey       = "replace-key"
)

// CertificateAuthority is an authority that signs certificates.
//
// +kubebuilder:validation:XValidation:rule="(has(self.validityDays) ? self.validityDays : 365) > (has(self.renewalDays) ? self.renewalDays : 30)",message="validityDays (365 if absent) must be greater than renewalDays (30 if absent)"
type CertificateAuthority struct {
	// Whether the operator makes the authority (true, if absent) or finds it in the Secrets.
	GenerateCertificateAuthority *bool `json:"generateCertificateAuthority,omitempty"`
	// Whether the Secrets go when the cluster goes; true if absent.
	GenerateSecretOwnerReference *bool `json:"generateSecretOwnerReference,omitempty"`
	// Days that certificates are valid; 365 if absent.
	// +kubebuilder:validation:Minimum=1
	ValidityDays *int32 `json:"validityDays,omitempty"`
	// Days before its end that a certificate is renewed; 30 if absent.
	// +kubebuilder:validation:Minimum=1
	RenewalDays *int32 `json:"renewalDays,omitempty"`
	// What happens then: a new certificate for the same key (renew-certificate, if absent), or a new key too (replace-key).
	// +kubebuilder:validation:Enum=renew-certificate;replace-key
	CertificateExpirationPolicy string `json:"certificateExpirationPolicy,omitempty"`
}

// KafkaStatus is what is.
type KafkaStatus struct {
	Status `json:",inline"`

	// Where clients connect.
	Listeners []ListenerStatus `json:"listeners,omitempty"`
	// The node pools of the cluster.
	KafkaNodePools []UsedNodePool `json:"kafkaNodePools,omitempty"`
	// Deprecated. The nodes that are registered in the metadata.
	RegisteredNodeIDs []int32 `json:"registeredNodeIds,omitempty"`
	// Kafka's name for the cluster.
	ClusterID string `json:"clusterId,omitempty"`
	// The operator's version that brought everything to what is wanted last.
	OperatorLastSuccessfulVersion string `json:"operatorLastSuccessfulVersion,omitempty"`
	// The version of Kafka that runs.
	KafkaVersion string `json:"kafkaVersion,omitempty"`
	// The metadata version that is in use.
	KafkaMetadataVersion string `json:"kafkaMetadataVersion,omitempty"`
	// Deprecated. Where the metadata are kept; KRaft.
	// +kubebuilder:validation:Enum=ZooKeeper;KRaftMigration;KRaftDualWriting;KRaftPostMigration;PreKRaft;KRaft
	KafkaMetadataState string `json:"kafkaMetadataState,omitempty"`
	// How far automatic rebalancing is.
	AutoRebalance *AutoRebalanceStatus `json:"autoRebalance,omitempty"`
	// How the cluster's own connections are secured.
	ClusterSecurity Config `json:"clusterSecurity,omitempty"`
}

// UsedNodePool is a node pool of the cluster.
type UsedNodePool struct {
	// The pool's name.
	Name string `json:"name,omitempty"`
}

// ListenerStatus is where clients connect.
type ListenerStatus struct {
	// Deprecated. The listener's name, as status.listeners had it before there were names.
	Type string `json:"type,omitempty"`
	// The listener's name.
	Name string `json:"name,omitempty"`
	// Where clients bootstrap from.
	Addresses []ListenerAddress `json:"addresses,omitempty"`
	// The same, as Kafka's clients take it: host:port, separated by commas.
	BootstrapServers string `json:"bootstrapServers,omitempty"`
	// Certificates by which the brokers' ones are checked, PEM.
	Certificates []string `json:"certificates,omitempty"`
}

// ListenerAddress is a place to bootstrap from.
type ListenerAddress struct {
	// The host's name or address.
	Host string `json:"host,omitempty"`
	// The port.
	Port int32 `json:"port,omitempty"`
}

// AutoRebalanceStatus is how far automatic rebalancing is.
type AutoRebalanceStatus struct {
	// Idle, RebalanceOnScaleDown or RebalanceOnScaleUp.
	// +kubebuilder:validation:Enum=Idle;RebalanceOnScaleDown;RebalanceOnScaleUp
	State string `json:"state,omitempty"`
	// When the state changed last: RFC 3339, UTC.
	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
	// The brokers for which a rebalance waits or runs.
	Modes []AutoRebalanceModeStatus `json:"modes,omitempty"`
}

// AutoRebalanceModeStatus are the brokers that came or go.
type AutoRebalanceModeStatus struct {
	// add-brokers or remove-brokers.
	// +kubebuilder:validation:Enum=add-brokers;remove-brokers
	Mode string `json:"mode,omitempty"`
	// Their ids.
	Brokers []int32 `json:"brokers,omitempty"`
}
