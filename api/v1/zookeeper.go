package v1

import corev1 "k8s.io/api/core/v1"

// ZookeeperClusterSpec describes the ZooKeeper nodes of older clusters. All of it is deprecated: Kafka 4 has no ZooKeeper, the KRaft
// quorum does its job.
type ZookeeperClusterSpec struct {
	// Deprecated. How many nodes.
	// +kubebuilder:validation:Minimum=1
	Replicas int32 `json:"replicas"`
	// Deprecated. The image.
	Image string `json:"image,omitempty"`
	// Deprecated. The nodes' storage.
	Storage ZookeeperStorage `json:"storage"`
	// Deprecated. Settings of the nodes.
	Config Config `json:"config,omitempty"`
	// Deprecated. When a node counts as alive.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// Deprecated. When a node counts as ready.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Deprecated. Settings of the Java virtual machine.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
	// Deprecated. The port for Java's management extensions.
	JmxOptions *JmxOptions `json:"jmxOptions,omitempty"`
	// Deprecated. CPU and memory.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Deprecated. The nodes' metrics.
	MetricsConfig *MetricsConfig `json:"metricsConfig,omitempty"`
	// Deprecated. Levels of the loggers.
	Logging *Logging `json:"logging,omitempty"`
	// Deprecated. Changes to the objects.
	Template *ZookeeperClusterTemplate `json:"template,omitempty"`
}

// ZookeeperStorage is where a ZooKeeper node kept its data.
type ZookeeperStorage struct {
	// Deprecated. ephemeral or persistent-claim.
	// +kubebuilder:validation:Enum=ephemeral;persistent-claim
	Type string `json:"type"`
	// Deprecated. The volume's number.
	// +kubebuilder:validation:Minimum=0
	ID *int32 `json:"id,omitempty"`

	StorageSettings `json:",inline"`
}

// ZookeeperClusterTemplate changed the objects of the ZooKeeper nodes.
type ZookeeperClusterTemplate struct {
	// Deprecated. The StatefulSet.
	StatefulSet *StatefulSetTemplate `json:"statefulset,omitempty"`
	// Deprecated. The StrimziPodSet.
	PodSet *ResourceTemplate `json:"podSet,omitempty"`
	// Deprecated. The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// Deprecated. The Service for clients.
	ClientService *InternalServiceTemplate `json:"clientService,omitempty"`
	// Deprecated. The headless Service.
	NodesService *InternalServiceTemplate `json:"nodesService,omitempty"`
	// Deprecated. The persistent volume claims.
	PersistentVolumeClaim *ResourceTemplate `json:"persistentVolumeClaim,omitempty"`
	// Deprecated. The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// Deprecated. The container.
	ZookeeperContainer *ContainerTemplate `json:"zookeeperContainer,omitempty"`
	// Deprecated. The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
	// Deprecated. The Secret for Java's management extensions.
	JmxSecret *ResourceTemplate `json:"jmxSecret,omitempty"`
}
