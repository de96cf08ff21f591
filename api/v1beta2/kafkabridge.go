package v1beta2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// KafkaBridge says how programs that only speak HTTP reach a Kafka cluster: by a bridge of their own in the pod (label
// steg.dev/bridge on the pod), and by the bridges that the operator deploys for this resource behind one Service.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=kafkabridges,shortName=kb,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.labelSelector
// +kubebuilder:printcolumn:name="Desired replicas",type=integer,JSONPath=`.spec.replicas`,description="How many bridges are wanted"
// +kubebuilder:printcolumn:name="Bootstrap Servers",type=string,JSONPath=`.spec.bootstrapServers`,description="Where the Kafka cluster is reached",priority=1
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaBridge struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec v1.KafkaBridgeSpec `json:"spec"`
	// What is.
	Status v1.KafkaBridgeStatus `json:"status,omitempty"`
}

// KafkaBridgeList is a list of bridges.
//
// +kubebuilder:object:root=true
type KafkaBridgeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaBridge `json:"items"`
}

// ConvertTo fills dst, a *v1.KafkaBridge, with a copy. It fails for no content, only for a dst of another type.
func (o *KafkaBridge) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.KafkaBridge)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.KafkaBridge{TypeMeta: meta(v1.GroupVersion, "KafkaBridge"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.KafkaBridge. It fails for no content, only for a src of another type.
func (o *KafkaBridge) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.KafkaBridge)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = KafkaBridge{TypeMeta: meta(GroupVersion, "KafkaBridge"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
