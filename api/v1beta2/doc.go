// Package v1beta2 is the older version of the custom resources, kafka.strimzi.io/v1beta2. Both versions are served, with the same
// properties: the package v1 holds the legacy ones too, and v1beta2 the newer ones. They differ in name only, so that an object
// can be written in one version and read in the other without a loss, and conversion carries the specification and the status
// over as they are. What a legacy property means is decided by the package model.
//
// +kubebuilder:object:generate=true
// +groupName=kafka.strimzi.io
package v1beta2
