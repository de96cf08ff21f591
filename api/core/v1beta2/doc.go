// Package v1beta2 is the older version of the custom resources of the group core.strimzi.io. It has the same properties as the
// package v1 beside it, and conversion carries the specification and the status over as they are.
//
// +kubebuilder:object:generate=true
// +groupName=core.strimzi.io
package v1beta2
