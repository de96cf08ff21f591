// Package cluster turns a Kafka with its KafkaNodePools, and the facts that were observed of the cluster that runs, into one
// checked value that says everything that is wanted: nodes with their ids and roles, the settings of each, listeners with
// their addresses, volumes, certificates. The controller, the webhook and the renderer all go by it.
//
// # What the user said wrong
//
// What can't be is refused with a [model.Invalid] that names the field and what to write instead. What would harm the cluster
// that runs is not carried out, and a warning says so: it keeps its storage, its controllers and its occupied brokers. What is
// accepted and has no effect is named by a warning too.
//
// # Which nodes there are
//
// A node's id is unique in the cluster and is kept by the pool's status. A new node gets the first free id of the pool's
// annotation names.AnnotationNextNodeIDs, or the smallest free one; a pool that shrinks loses the first of
// names.AnnotationRemoveNodeIDs, or the highest. An id that is given up in one pass is not given again in the same one. Brokers
// that hold replicas do not leave.
//
// # The controllers
//
// The quorum is static (controller.quorum.voters), and its members are chosen once: all nodes with the role controller that
// the cluster has when it is made. Kafka's static quorum can't be changed while it runs without a moment in which nodes
// disagree about what a majority is, so afterwards a node that is added to a pool with both roles is a broker only, and a
// controller stays whatever the pools say. Pools of controllers only can't grow or shrink. A cluster is scaled by its brokers.
//
// # Settings
//
// There are three files, of which a later one wins: what all nodes share, what all brokers' listeners share, and the node's
// own. None holds a secret; what is secret is a file in the pod that a placeholder of steg-node's names. Of what the user sets,
// keys that would contradict other fields are left out with a warning, and values are judged by Kafka's own table of options of
// that version.
//
// The package is pure, and what it returns is never modified afterwards. It builds no Kubernetes objects.
package cluster
