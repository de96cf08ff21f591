package v1beta2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/core/v1"
)

// StrimziPodSet is a group of pods, each with a specification of its own. It is made by the operator, and not meant to be written
// by hand.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=strimzipodsets,shortName=sps,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Pods",type=integer,JSONPath=`.status.pods`,description="How many pods are wanted"
// +kubebuilder:printcolumn:name="Ready Pods",type=integer,JSONPath=`.status.readyPods`,description="How many of them are ready"
// +kubebuilder:printcolumn:name="Current Pods",type=integer,JSONPath=`.status.currentPods`,description="How many of them are as wanted"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,description="How long it has been there"
type StrimziPodSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec v1.StrimziPodSetSpec `json:"spec"`
	// What is.
	Status v1.StrimziPodSetStatus `json:"status,omitempty"`
}

// StrimziPodSetList is a list of groups of pods.
//
// +kubebuilder:object:root=true
type StrimziPodSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrimziPodSet `json:"items"`
}

// ConvertTo fills dst, a *v1.StrimziPodSet, with a copy. It fails for no content, only for a dst of another type.
func (o *StrimziPodSet) ConvertTo(dst conversion.Hub) error {
	to, ok := dst.(*v1.StrimziPodSet)
	if !ok {
		return unexpected(dst)
	}
	from := o.DeepCopy()
	*to = v1.StrimziPodSet{TypeMeta: meta(v1.GroupVersion, "StrimziPodSet"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}

// ConvertFrom fills o with a copy of src, a *v1.StrimziPodSet. It fails for no content, only for a src of another type.
func (o *StrimziPodSet) ConvertFrom(src conversion.Hub) error {
	from, ok := src.(*v1.StrimziPodSet)
	if !ok {
		return unexpected(src)
	}
	from = from.DeepCopy()
	*o = StrimziPodSet{TypeMeta: meta(GroupVersion, "StrimziPodSet"), ObjectMeta: from.ObjectMeta, Spec: from.Spec, Status: from.Status}
	return nil
}
