// Package controller keeps the cluster as KafkaBridge resources say: it reads what a pure function needs, calls it, and has
// the result written. It holds no rule about Kafka or about the content of an object; an `if` about content belongs to
// model, render, inject or status.
//
// Two things run here, both on the leader only:
//
//   - SetupBridge, one pass per KafkaBridge: the bridges that it deploys and its status (Options.Deploy), and the pods whose
//     sidecar was configured by an older state of it (Options.Rollout);
//   - SetupWatchdog, one look at all labelled pods at a time: which of them run without a sidecar, since the webhook was
//     away when they were made.
//
// What is watched, and so kept in memory, is little: KafkaBridges, the metadata of the objects that were made for them, and
// of labelled pods what tells whether they have a sidecar (see Cache). Secrets are read one by one, when a KafkaBridge names
// them, and never kept.
package controller
