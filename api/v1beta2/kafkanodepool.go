package v1beta2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// KafkaNodePool is a group of like nodes of the Kafka cluster that the label strimzi.io/cluster names.
//
// +kubebuilder:object:root=true
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
	Spec v1.KafkaNodePoolSpec `json:"spec"`
	// What is.
	Status v1.KafkaNodePoolStatus `json:"status,omitempty"`
}

// KafkaNodePoolList is a list of node pools.
//
// +kubebuilder:object:root=true
type KafkaNodePoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaNodePool `json:"items"`
}

// ConvertTo fills dst, a *v1.KafkaNodePool, with a copy. It fails for no content, only for a dst of another type.
func (o *KafkaNodePool) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.KafkaNodePool)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.KafkaNodePool{TypeMeta: meta(v1.GroupVersion, "KafkaNodePool"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.KafkaNodePool. It fails for no content, only for a src of another type.
func (o *KafkaNodePool) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.KafkaNodePool)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = KafkaNodePool{TypeMeta: meta(GroupVersion, "KafkaNodePool"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
