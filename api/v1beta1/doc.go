// Package v1beta1 is an older version of the custom resources for topics and users, kafka.strimzi.io/v1beta1, which the reference operator
// served until release 0.51. It has the same properties as the package v1, and conversion carries the specification and the status
// over as they are.
//
// +kubebuilder:object:generate=true
// +groupName=kafka.strimzi.io
package v1beta1
