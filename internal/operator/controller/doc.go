// Package controller keeps the cluster as the custom resources say: it reads what a pure function needs, calls it, and has
// the result written. It holds no rule about Kafka or about the content of an object; an `if` about content belongs to
// model, cluster, render, inject, roll, pki or status.
//
// What runs here runs on the leader only:
//
//   - SetupBridge, one pass per KafkaBridge: the bridges that it deploys and its status (Options.Deploy), and the pods whose
//     sidecar was configured by an older state of it (Options.Rollout);
//   - SetupDirect, one pass per Kafka that pods ask for without a KafkaBridge: which of them have a sidecar that a new pod would
//     not get;
//   - SetupWatchdog, one look at all labelled pods at a time: which of them run without a sidecar, since the webhook was
//     away when they were made;
//   - SetupKafka, one pass per Kafka with its KafkaNodePools: certificates, objects, one step of a roll, statuses;
//   - SetupPodSet, one pass per StrimziPodSet: pods that are missing are made, and pods that are not wanted deleted.
//
// # A pass over a Kafka
//
// It reads everything anew, computes everything, and remembers nothing that matters: killed anywhere, it goes on where it was.
// What must not be lost is written before anything is made of it: the cluster's id into the status of the Kafka, the ids of nodes
// into those of the KafkaNodePools, authorities into their Secrets. Each of these writes fails if somebody wrote in between, so
// that of two operators one gives way.
//
// At most one disruptive step of package roll is taken in a pass, and nothing is waited for: watches tell when to look again.
// Before pods are deleted they are read past the cache, and Kafka is asked after that; a deletion hits only the very pod that
// was seen. Pods are made only by the pass over their StrimziPodSet, from that as it stands at that moment.
//
// What is watched, and so kept in memory, is little: KafkaBridges, the metadata of the objects that were made for them, and
// of labelled pods what tells whether they have a sidecar (see Cache). Secrets are read one by one, when a KafkaBridge names
// them, and never kept.
package controller
