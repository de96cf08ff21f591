// Package v1 is the vocabulary of the custom resources: kafka.strimzi.io/v1, the version that is stored and the only one that
// the rest of the operator knows.
//
// The schema is a superset: it holds every property of the reference operator's v1 (release 1.2) and, marked as deprecated,
// every property that its v1beta2 had (releases 0.29 to 0.51). So an object written in either version passes through the other
// one without losing anything, and conversion has nothing to decide. What a property means, whether it has an effect here and
// which ones contradict each other beyond the schema's rules is decided by the package model.
//
// Free-form maps ([Config]) keep what the user wrote; everything else that the schema does not know is pruned by the API server,
// and kubectl's strict validation names it. Quantities, affinity, tolerations, security contexts and the like are Kubernetes' own
// types.
//
// The package must not read, log or decide.
//
// +kubebuilder:object:generate=true
// +groupName=kafka.strimzi.io
package v1
