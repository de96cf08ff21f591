// Package model turns what a user asked for, and the few facts that were observed, into one checked value per kind: defaults
// are filled in, contradictions are found, and the bridge's settings are tried on the bridge's own parser. The controllers,
// the webhook and the command line all call it, so that they judge alike. A rule about user input that is not here is in the
// wrong place.
//
// # How a KafkaBridge becomes settings
//
// Every part of the specification writes keys of the bridge's properties file, each with the field that it is from. Free-form
// maps go last, without the keys that the operator writes itself; which those are is the reference operator's list. Then the
// whole is given to packages bridgeconfig and kafka, as the bridge will do: what they refuse is Invalid and names the field,
// what they warn of is left out and becomes a Warning. So a bridge that starts with the result has nothing to complain about,
// and what is wrong is said where it was written and not in the log of a pod.
//
// Settings hold no value of a Secret. Credentials are volumes, and settings name their files: as paths where the bridge takes
// paths, otherwise as references to a config provider that reads files. A key or a password that changes reaches the bridge
// by the kubelet, without a restart.
//
// # What changes what
//
// Bridge.ConfigHash is the generation of a sidecar's settings, Bridge.DeploymentHash that of a deployed bridge's, and
// Bridge.AuthHash that of its passwords. Only things that the KafkaBridge says are in the first two, so that the webhook and
// the controller, which see different facts, come to the same hash.
//
// The package is pure, and what it returns is never modified afterwards. It builds no Kubernetes objects; package render and
// package inject do.
package model
