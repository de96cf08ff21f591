// Package v1 is the vocabulary of the custom resources in the group core.strimzi.io: core.strimzi.io/v1, the version that is stored
// and the only one that the rest of the operator knows. Conditions are those of the group kafka.strimzi.io.
//
// The package must not read, log or decide.
//
// +kubebuilder:object:generate=true
// +groupName=core.strimzi.io
package v1
