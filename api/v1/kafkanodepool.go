package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Roles of a node in the KRaft cluster.
const (
	RoleController = "controller"
	RoleBroker     = "broker"
)

// KafkaNodePool is a group of like nodes of the Kafka cluster that the label strimzi.io/cluster names.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:path=kafkanodepools,shortName=knp,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.labelSelector
// +kubebuilder:printcolumn:name="Desired replicas",type=integer,JSONPath=`.spec.replicas`,description="How many nodes are wanted"
// +kubebuilder:printcolumn:name="Roles",type=string,JSONPath=`.status.roles`,description="What the nodes are"
// +kubebuilder:printcolumn:name="NodeIds",type=string,JSONPath=`.status.nodeIds`,description="The nodes' ids"
type KafkaNodePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec KafkaNodePoolSpec `json:"spec"`
	// What is.
	Status KafkaNodePoolStatus `json:"status,omitempty"`
}

// KafkaNodePoolList is a list of node pools.
//
// +kubebuilder:object:root=true
type KafkaNodePoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaNodePool `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*KafkaNodePool) Hub() {}

// KafkaNodePoolSpec is what is wanted of a group of nodes.
type KafkaNodePoolSpec struct {
	// How many nodes.
	// +kubebuilder:validation:Minimum=0
	Replicas int32 `json:"replicas"`
	// Where each node keeps its data.
	Storage Storage `json:"storage"`
	// What the nodes are: controller, broker, or both.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Enum=controller;broker
	// +listType=set
	Roles []string `json:"roles"`
	// CPU and memory of a node.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Settings of the Java virtual machine; those of the Kafka resource if absent.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
	// Changes to the objects that the operator makes; each property wins over the one in the Kafka resource.
	Template *KafkaNodePoolTemplate `json:"template,omitempty"`
}

// KafkaNodePoolTemplate changes the objects of a group of nodes.
type KafkaNodePoolTemplate struct {
	// The StrimziPodSet.
	PodSet *ResourceTemplate `json:"podSet,omitempty"`
	// The pods.
	Pod *KafkaPodTemplate `json:"pod,omitempty"`
	// The Services of single brokers.
	PerPodService *ResourceTemplate `json:"perPodService,omitempty"`
	// The Routes of single brokers.
	PerPodRoute *ResourceTemplate `json:"perPodRoute,omitempty"`
	// The Ingresses of single brokers.
	PerPodIngress *ResourceTemplate `json:"perPodIngress,omitempty"`
	// The persistent volume claims.
	PersistentVolumeClaim *ResourceTemplate `json:"persistentVolumeClaim,omitempty"`
	// The container of Kafka.
	KafkaContainer *ContainerTemplate `json:"kafkaContainer,omitempty"`
	// The init container.
	InitContainer *ContainerTemplate `json:"initContainer,omitempty"`
}

// KafkaNodePoolStatus is what is.
type KafkaNodePoolStatus struct {
	Status `json:",inline"`

	// The nodes' ids.
	NodeIDs []int32 `json:"nodeIds,omitempty"`
	// Kafka's name for the cluster.
	ClusterID string `json:"clusterId,omitempty"`
	// What the nodes are.
	// +kubebuilder:validation:items:Enum=controller;broker
	Roles []string `json:"roles,omitempty"`
	// How many nodes there are.
	Replicas int32 `json:"replicas,omitempty"`
	// The labels by which the pods are found, for the scale subresource.
	LabelSelector string `json:"labelSelector,omitempty"`
}
