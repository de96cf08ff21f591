// Package node is the first process of a Kafka node's container: it makes server.properties and the key stores out of the
// files that the operator has mounted, formats the log directories, runs the start script of the stock Apache Kafka image
// as its child, answers the kubelet's probes and the operator's question for the broker's state, and has Kafka read
// certificates again that have changed.
//
// What can be computed is in package config; here are files, processes and connections. The package knows no Kubernetes
// client, and talks to no other Kafka process than its own, but for the quorum's leader when its own is a controller.
package node
