package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// KafkaTopic is a topic of the Kafka cluster that the label strimzi.io/cluster names.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=kafkatopics,shortName=kt,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:unservedversion
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.metadata.labels.strimzi\.io/cluster`,description="The Kafka cluster"
// +kubebuilder:printcolumn:name="Partitions",type=integer,JSONPath=`.spec.partitions`,description="How many partitions are wanted"
// +kubebuilder:printcolumn:name="Replication factor",type=integer,JSONPath=`.spec.replicas`,description="How many replicas each partition is to have"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaTopic struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec v1.KafkaTopicSpec `json:"spec"`
	// What is.
	Status v1.KafkaTopicStatus `json:"status,omitempty"`
}

// KafkaTopicList is a list of topics.
//
// +kubebuilder:object:root=true
type KafkaTopicList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaTopic `json:"items"`
}

// ConvertTo fills dst, a *v1.KafkaTopic, with a copy. It fails for no content, only for a dst of another type.
func (o *KafkaTopic) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.KafkaTopic)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.KafkaTopic{TypeMeta: meta(v1.GroupVersion, "KafkaTopic"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.KafkaTopic. It fails for no content, only for a src of another type.
func (o *KafkaTopic) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.KafkaTopic)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = KafkaTopic{TypeMeta: meta(GroupVersion, "KafkaTopic"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
