// Package pki makes and judges the certificates that the operator issues itself: certificate authorities, leaves signed by
// them, and the decisions when one has to be made anew. It serves two users: the operator's own webhook, and the authorities
// of Kafka clusters (RSA keys, Strimzi's subjects and Secrets).
//
// Everything here is a function of its arguments. The time and the source of randomness are given by the caller, nothing is
// read, written or logged, and the package knows no Kubernetes object. Errors name what is wrong with a certificate or a key,
// and never contain key material.
package pki
