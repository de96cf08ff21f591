package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// KafkaUser is a user of the Kafka cluster that the label strimzi.io/cluster names: who they are, what they may do, and how much.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=kafkausers,shortName=ku,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:unservedversion
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.metadata.labels.strimzi\.io/cluster`,description="The Kafka cluster"
// +kubebuilder:printcolumn:name="Authentication",type=string,JSONPath=`.spec.authentication.type`,description="How the user proves who they are"
// +kubebuilder:printcolumn:name="Authorization",type=string,JSONPath=`.spec.authorization.type`,description="How it is said what the user may do"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaUser struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec v1.KafkaUserSpec `json:"spec"`
	// What is.
	Status v1.KafkaUserStatus `json:"status,omitempty"`
}

// KafkaUserList is a list of users.
//
// +kubebuilder:object:root=true
type KafkaUserList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaUser `json:"items"`
}

// ConvertTo fills dst, a *v1.KafkaUser, with a copy. It fails for no content, only for a dst of another type.
func (o *KafkaUser) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.KafkaUser)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.KafkaUser{TypeMeta: meta(v1.GroupVersion, "KafkaUser"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.KafkaUser. It fails for no content, only for a src of another type.
func (o *KafkaUser) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.KafkaUser)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = KafkaUser{TypeMeta: meta(GroupVersion, "KafkaUser"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
