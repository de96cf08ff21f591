package v1

import corev1 "k8s.io/api/core/v1"

// The programs in this file stand beside a cluster and are not deployed: their blocks are accepted, kept and without effect, so
// that manifests written for them can be used as they are.

// CruiseControlSpec describes Cruise Control.
type CruiseControlSpec struct {
	// The image.
	Image string `json:"image,omitempty"`
	// CPU and memory.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// When it counts as alive.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// When it counts as ready.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Settings of the Java virtual machine.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
	// Levels of its loggers.
	Logging *Logging `json:"logging,omitempty"`
	// Changes to its objects.
	Template *CruiseControlTemplate `json:"template,omitempty"`
	// What the brokers can do.
	BrokerCapacity *BrokerCapacity `json:"brokerCapacity,omitempty"`
	// Its settings.
	Config Config `json:"config,omitempty"`
	// Its metrics.
	MetricsConfig *MetricsConfig `json:"metricsConfig,omitempty"`
	// Users of its API.
	APIUsers *CruiseControlAPIUsers `json:"apiUsers,omitempty"`
	// What is rebalanced when brokers come or go.
	// +kubebuilder:validation:MinItems=1
	AutoRebalance []AutoRebalance `json:"autoRebalance,omitempty"`
	// Deprecated. A container of older releases.
	TLSSidecar *TLSSidecar `json:"tlsSidecar,omitempty"`
}

// CruiseControlTemplate changes the objects of Cruise Control.
type CruiseControlTemplate struct {
	// The Deployment.
	Deployment *DeploymentTemplate `json:"deployment,omitempty"`
	// The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// The Service of its API.
	APIService *InternalServiceTemplate `json:"apiService,omitempty"`
	// The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// The container.
	CruiseControlContainer *ContainerTemplate `json:"cruiseControlContainer,omitempty"`
	// Deprecated. The container of older releases.
	TLSSidecarContainer *ContainerTemplate `json:"tlsSidecarContainer,omitempty"`
	// The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
}

// BrokerCapacity is what the brokers can do.
type BrokerCapacity struct {
	// Deprecated. The disk's size.
	// +kubebuilder:validation:Pattern=`^[0-9]+([.][0-9]*)?([KMGTPE]i?|e[0-9]+)?$`
	Disk string `json:"disk,omitempty"`
	// Deprecated. Percent of the CPU.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	CPUUtilization *int32 `json:"cpuUtilization,omitempty"`
	// Cores, as 1.5 or 1500m.
	// +kubebuilder:validation:Pattern=`^[0-9]+([.][0-9]{0,3}|[m]?)$`
	CPU string `json:"cpu,omitempty"`
	// What comes in per second, as 10000KiB/s.
	// +kubebuilder:validation:Pattern=`^[0-9]+([KMG]i?)?B/s$`
	InboundNetwork string `json:"inboundNetwork,omitempty"`
	// What goes out per second.
	// +kubebuilder:validation:Pattern=`^[0-9]+([KMG]i?)?B/s$`
	OutboundNetwork string `json:"outboundNetwork,omitempty"`
	// What differs from broker to broker.
	Overrides []BrokerCapacityOverride `json:"overrides,omitempty"`
}

// BrokerCapacityOverride is what some brokers can do.
type BrokerCapacityOverride struct {
	// Their ids.
	Brokers []int32 `json:"brokers"`
	// Cores, as 1.5 or 1500m.
	// +kubebuilder:validation:Pattern=`^[0-9]+([.][0-9]{0,3}|[m]?)$`
	CPU string `json:"cpu,omitempty"`
	// What comes in per second.
	// +kubebuilder:validation:Pattern=`^[0-9]+([KMG]i?)?B/s$`
	InboundNetwork string `json:"inboundNetwork,omitempty"`
	// What goes out per second.
	// +kubebuilder:validation:Pattern=`^[0-9]+([KMG]i?)?B/s$`
	OutboundNetwork string `json:"outboundNetwork,omitempty"`
}

// CruiseControlAPIUsers are the users of Cruise Control's API.
type CruiseControlAPIUsers struct {
	// hashLoginService: Jetty's format.
	// +kubebuilder:validation:Enum=hashLoginService
	Type string `json:"type"`
	// Where they stand.
	ValueFrom SecretKeySource `json:"valueFrom"`
}

// SecretKeySource points at a key of a Secret in the resource's namespace.
type SecretKeySource struct {
	// The Secret and its key.
	SecretKeyRef *corev1.SecretKeySelector `json:"secretKeyRef,omitempty"`
}

// AutoRebalance is what is rebalanced when brokers come or go.
type AutoRebalance struct {
	// add-brokers or remove-brokers.
	// +kubebuilder:validation:Enum=add-brokers;remove-brokers
	Mode string `json:"mode"`
	// The KafkaRebalance to go by.
	Template *corev1.LocalObjectReference `json:"template,omitempty"`
}

// KafkaExporterSpec describes the exporter of consumer lag.
type KafkaExporterSpec struct {
	// The image.
	Image string `json:"image,omitempty"`
	// Groups to look at: a regular expression.
	GroupRegex string `json:"groupRegex,omitempty"`
	// Topics to look at: a regular expression.
	TopicRegex string `json:"topicRegex,omitempty"`
	// Groups to leave out: a regular expression.
	GroupExcludeRegex string `json:"groupExcludeRegex,omitempty"`
	// Topics to leave out: a regular expression.
	TopicExcludeRegex string `json:"topicExcludeRegex,omitempty"`
	// CPU and memory.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// The log's level.
	Logging string `json:"logging,omitempty"`
	// When it counts as alive.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// When it counts as ready.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Whether the log of its Kafka client is written; false if absent.
	EnableSaramaLogging *bool `json:"enableSaramaLogging,omitempty"`
	// Whether groups without members are shown too; true if absent.
	ShowAllOffsets *bool `json:"showAllOffsets,omitempty"`
	// Changes to its objects.
	Template *KafkaExporterTemplate `json:"template,omitempty"`
}

// KafkaExporterTemplate changes the objects of the exporter.
type KafkaExporterTemplate struct {
	// The Deployment.
	Deployment *DeploymentTemplate `json:"deployment,omitempty"`
	// The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// Deprecated. There is no Service.
	Service *ResourceTemplate `json:"service,omitempty"`
	// The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// The container.
	Container *ContainerTemplate `json:"container,omitempty"`
	// The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
}

// JmxTransSpec describes JmxTrans, which the reference operator dropped in release 0.35. All of it is deprecated.
type JmxTransSpec struct {
	// Deprecated. The image.
	Image string `json:"image,omitempty"`
	// Deprecated. Where values are sent.
	OutputDefinitions []JmxTransOutput `json:"outputDefinitions"`
	// Deprecated. The log's level.
	LogLevel string `json:"logLevel,omitempty"`
	// Deprecated. Which values are sent.
	KafkaQueries []JmxTransQuery `json:"kafkaQueries"`
	// Deprecated. CPU and memory.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Deprecated. Changes to its objects.
	Template *JmxTransTemplate `json:"template,omitempty"`
}

// JmxTransOutput is where values are sent.
type JmxTransOutput struct {
	// Deprecated. The writer's class.
	OutputType string `json:"outputType"`
	// Deprecated. The host.
	Host string `json:"host,omitempty"`
	// Deprecated. The port.
	Port *int32 `json:"port,omitempty"`
	// Deprecated. Seconds between two sendings.
	FlushDelayInSeconds *int32 `json:"flushDelayInSeconds,omitempty"`
	// Deprecated. Properties of the beans that name a value.
	TypeNames []string `json:"typeNames,omitempty"`
	// Deprecated. The name that queries use.
	Name string `json:"name"`
}

// JmxTransQuery is which values are sent.
type JmxTransQuery struct {
	// Deprecated. The beans.
	TargetMBean string `json:"targetMBean"`
	// Deprecated. Their attributes.
	Attributes []string `json:"attributes"`
	// Deprecated. Names of outputDefinitions.
	Outputs []string `json:"outputs"`
}

// JmxTransTemplate changes the objects of JmxTrans.
type JmxTransTemplate struct {
	// Deprecated. The Deployment.
	Deployment *DeploymentTemplate `json:"deployment,omitempty"`
	// Deprecated. The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// Deprecated. The container.
	Container *ContainerTemplate `json:"container,omitempty"`
	// Deprecated. The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
}
