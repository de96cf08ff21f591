// Package e2e tries Steg on a real Kubernetes as its users do: with helm, kubectl, and programs in pods that know nothing
// but HTTP. test/e2e/run makes the cluster (test/lab), a Kafka in it, the images and the chart, and then runs the tests of
// this package (build tag e2e) in the cluster's network. They must not run against a cluster that is used for anything
// else: they kill brokers, operators and containers.
package e2e
