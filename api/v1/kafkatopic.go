package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// KafkaTopic is a topic of the Kafka cluster that the label strimzi.io/cluster names.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:path=kafkatopics,shortName=kt,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.metadata.labels.strimzi\.io/cluster`,description="The Kafka cluster"
// +kubebuilder:printcolumn:name="Partitions",type=integer,JSONPath=`.spec.partitions`,description="How many partitions are wanted"
// +kubebuilder:printcolumn:name="Replication factor",type=integer,JSONPath=`.spec.replicas`,description="How many replicas each partition is to have"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaTopic struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec KafkaTopicSpec `json:"spec"`
	// What is.
	Status KafkaTopicStatus `json:"status,omitempty"`
}

// KafkaTopicList is a list of topics.
//
// +kubebuilder:object:root=true
type KafkaTopicList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaTopic `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*KafkaTopic) Hub() {}

// KafkaTopicSpec is what is wanted of a topic.
type KafkaTopicSpec struct {
	// The topic's name; that of the resource if absent. A topic can't be given another one.
	// +kubebuilder:validation:MaxLength=249
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9._-]+$`
	TopicName string `json:"topicName,omitempty"`
	// How many partitions; the brokers' default if absent. The number can't be made smaller.
	// +kubebuilder:validation:Minimum=1
	Partitions *int32 `json:"partitions,omitempty"`
	// How many replicas of each partition; the brokers' default if absent.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32767
	Replicas *int32 `json:"replicas,omitempty"`
	// Kafka's settings of the topic.
	Config Config `json:"config,omitempty"`
}

// Values of [ReplicasChange.State].
const (
	ReplicasChangePending = "pending"
	ReplicasChangeOngoing = "ongoing"
)

// KafkaTopicStatus is what is.
type KafkaTopicStatus struct {
	Status `json:",inline"`

	// The topic's name.
	TopicName string `json:"topicName,omitempty"`
	// Kafka's id of the topic (KIP-516); a topic that was made again has another one.
	TopicID string `json:"topicId,omitempty"`
	// A change of the number of replicas that waits or runs.
	ReplicasChange *ReplicasChange `json:"replicasChange,omitempty"`
}

// ReplicasChange is a change of the number of replicas.
type ReplicasChange struct {
	// The number that is wanted.
	TargetReplicas *int32 `json:"targetReplicas,omitempty"`
	// pending or ongoing.
	// +kubebuilder:validation:Enum=pending;ongoing
	State string `json:"state,omitempty"`
	// How far it is, or what stands in its way.
	Message string `json:"message,omitempty"`
	// What the change is called where it is carried out.
	SessionID string `json:"sessionId,omitempty"`
}
