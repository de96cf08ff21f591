// Package render computes the objects that are wanted for a resource: apply configurations with exactly the fields that the
// operator decides about, so that a server-side apply leaves everything else to others. It decides nothing about what the
// user said (package model does), and knows nothing of what exists (package apply does).
//
// A bridge is in bridge.go and pod.go. A Kafka cluster is in kafka.go and the files that begin like it, the pods of its nodes in
// kafkapod.go and kafkavolumes.go, and what makes a pod another one in podset.go.
//
// The package is pure: the same value gives the same objects, in the same order.
package render
