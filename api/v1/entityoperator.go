package v1

import corev1 "k8s.io/api/core/v1"

// EntityOperatorSpec says which of KafkaTopics and KafkaUsers are looked after. Both are by the operator's own process: images,
// resources, probes, Java settings and templates of separate ones are accepted and have no effect.
type EntityOperatorSpec struct {
	// KafkaTopics are looked after if present.
	TopicOperator *EntityTopicOperatorSpec `json:"topicOperator,omitempty"`
	// KafkaUsers are looked after if present.
	UserOperator *EntityUserOperatorSpec `json:"userOperator,omitempty"`
	// Deprecated. Accepted and without effect.
	TLSSidecar *TLSSidecar `json:"tlsSidecar,omitempty"`
	// Accepted and without effect.
	Template *EntityOperatorTemplate `json:"template,omitempty"`
}

// EntityTopicOperatorSpec says how KafkaTopics are looked after.
type EntityTopicOperatorSpec struct {
	// The namespace of the KafkaTopics; the cluster's own one if absent.
	WatchedNamespace string `json:"watchedNamespace,omitempty"`
	// Milliseconds between two looks at everything.
	// +kubebuilder:validation:Minimum=0
	ReconciliationIntervalMs *int64 `json:"reconciliationIntervalMs,omitempty"`
	// Deprecated. Seconds between two looks at everything; reconciliationIntervalMs wins.
	// +kubebuilder:validation:Minimum=0
	ReconciliationIntervalSeconds *int32 `json:"reconciliationIntervalSeconds,omitempty"`
	// Deprecated. Accepted and without effect.
	// +kubebuilder:validation:Minimum=0
	ZookeeperSessionTimeoutSeconds *int32 `json:"zookeeperSessionTimeoutSeconds,omitempty"`
	// Deprecated. Accepted and without effect.
	// +kubebuilder:validation:Minimum=0
	TopicMetadataMaxAttempts *int32 `json:"topicMetadataMaxAttempts,omitempty"`
	// Accepted and without effect.
	StartupProbe *Probe `json:"startupProbe,omitempty"`

	EntityOperatorProcess `json:",inline"`
}

// EntityUserOperatorSpec says how KafkaUsers are looked after.
type EntityUserOperatorSpec struct {
	// The namespace of the KafkaUsers; the cluster's own one if absent.
	WatchedNamespace string `json:"watchedNamespace,omitempty"`
	// Milliseconds between two looks at everything.
	// +kubebuilder:validation:Minimum=0
	ReconciliationIntervalMs *int64 `json:"reconciliationIntervalMs,omitempty"`
	// Deprecated. Seconds between two looks at everything; reconciliationIntervalMs wins.
	// +kubebuilder:validation:Minimum=0
	ReconciliationIntervalSeconds *int32 `json:"reconciliationIntervalSeconds,omitempty"`
	// Deprecated. Accepted and without effect.
	// +kubebuilder:validation:Minimum=0
	ZookeeperSessionTimeoutSeconds *int32 `json:"zookeeperSessionTimeoutSeconds,omitempty"`
	// What stands before the user's name in the names of Secrets.
	SecretPrefix string `json:"secretPrefix,omitempty"`

	EntityOperatorProcess `json:",inline"`
}

// EntityOperatorProcess is what a process of its own would have.
type EntityOperatorProcess struct {
	// Accepted and without effect.
	Image string `json:"image,omitempty"`
	// Accepted and without effect.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// Accepted and without effect.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Accepted and without effect.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Accepted and without effect.
	Logging *Logging `json:"logging,omitempty"`
	// Accepted and without effect.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
}

// TLSSidecar is a container that older releases needed.
type TLSSidecar struct {
	// Accepted and without effect.
	Image string `json:"image,omitempty"`
	// Accepted and without effect.
	// +kubebuilder:validation:Enum=emerg;alert;crit;err;warning;notice;info;debug
	LogLevel string `json:"logLevel,omitempty"`
	// Accepted and without effect.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// Accepted and without effect.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Accepted and without effect.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}

// EntityOperatorTemplate would change the objects of a Deployment of its own.
type EntityOperatorTemplate struct {
	// The Deployment.
	Deployment *DeploymentTemplate `json:"deployment,omitempty"`
	// The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// The container for topics.
	TopicOperatorContainer *ContainerTemplate `json:"topicOperatorContainer,omitempty"`
	// The container for users.
	UserOperatorContainer *ContainerTemplate `json:"userOperatorContainer,omitempty"`
	// Deprecated. The container of older releases.
	TLSSidecarContainer *ContainerTemplate `json:"tlsSidecarContainer,omitempty"`
	// The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
	// The Role.
	EntityOperatorRole *ResourceTemplate `json:"entityOperatorRole,omitempty"`
	// The RoleBinding for topics.
	TopicOperatorRoleBinding *ResourceTemplate `json:"topicOperatorRoleBinding,omitempty"`
	// The RoleBinding for users.
	UserOperatorRoleBinding *ResourceTemplate `json:"userOperatorRoleBinding,omitempty"`
}
