package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	kafkav1 "github.com/steg-kafka/steg/api/v1"
)

// StrimziPodSet is a group of pods, each with a specification of its own. It is made by the operator, and not meant to be written
// by hand.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
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
	Spec StrimziPodSetSpec `json:"spec"`
	// What is.
	Status StrimziPodSetStatus `json:"status,omitempty"`
}

// StrimziPodSetList is a list of groups of pods.
//
// +kubebuilder:object:root=true
type StrimziPodSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StrimziPodSet `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*StrimziPodSet) Hub() {}

// StrimziPodSetSpec is what is wanted of a group of pods.
type StrimziPodSetSpec struct {
	// The labels by which the pods are found.
	Selector metav1.LabelSelector `json:"selector"`
	// The pods, each a whole Pod of the core API.
	Pods []runtime.RawExtension `json:"pods"`
}

// StrimziPodSetStatus is what is.
type StrimziPodSetStatus struct {
	kafkav1.Status `json:",inline"`

	// How many pods are wanted.
	Pods int32 `json:"pods,omitempty"`
	// How many of them are ready.
	ReadyPods int32 `json:"readyPods,omitempty"`
	// How many of them are as wanted.
	CurrentPods int32 `json:"currentPods,omitempty"`
}
