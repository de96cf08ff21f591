package v1beta2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Kafka is a Kafka cluster. Its nodes are described by the KafkaNodePools that carry its name in the label strimzi.io/cluster; a
// cluster without any has one pool, called kafka, whose size and storage stand in spec.kafka.
//
// +kubebuilder:object:root=true
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
	Spec v1.KafkaSpec `json:"spec"`
	// What is.
	Status v1.KafkaStatus `json:"status,omitempty"`
}

// KafkaList is a list of clusters.
//
// +kubebuilder:object:root=true
type KafkaList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Kafka `json:"items"`
}

// ConvertTo fills dst, a *v1.Kafka, with a copy. It fails for no content, only for a dst of another type.
func (o *Kafka) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.Kafka)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.Kafka{TypeMeta: meta(v1.GroupVersion, "Kafka"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.Kafka. It fails for no content, only for a src of another type.
func (o *Kafka) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.Kafka)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = Kafka{TypeMeta: meta(GroupVersion, "Kafka"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
