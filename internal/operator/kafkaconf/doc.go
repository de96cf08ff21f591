// Package kafkaconf is what Steg knows about the configuration of a Kafka server: which versions there are, which metadata
// versions each of them can run, every option with its type, its range and whether a running broker takes a new value, and
// which options belong to the operator.
//
// The knowledge is data, the three tables beside this file, which internal/gen/kafkaconf reads from Kafka's own jars. What
// comes from elsewhere, the options that a Kafka resource may not set, is in forbidden.go.
//
// The package is pure. It knows nothing of resources, Pods or connections: what a rule
// needs besides one configuration, such as the number of brokers, is decided by its callers.
package kafkaconf
