// Package topic decides what has to be done so that a topic of Kafka is what a KafkaTopic says: what is wanted ([Desired]),
// what differs ([Diff]), which resource may speak for a topic ([Owners]), what becomes of it when the resource goes
// ([Decide]), and what the resource's status says then ([Status]). Everything is a function of values; reading and writing
// Kafka is package kafkaadmin's, reading and writing resources the controller's. Nothing here looks at more than one topic
// at a time but [Owners], so that a controller may take topics in batches of any size.
//
// # One direction
//
// Unless the bidirectional mode is on ([Merge]), the resource is right and Kafka is changed. A setting that stands on the
// topic itself and not in the resource is reset. The lists of throttled replicas are left alone, since whoever moves
// partitions writes them. A setting of the resource is put on the topic even if the brokers' default is the same: the
// default may change.
//
// # Changing the number of replicas
//
// Kafka moves replicas by reassignments (KIP-455), and this package plans them ([Plan]). The phases live in
// status.replicasChange:
//
//	none    → pending  the difference was seen; nothing is moved before that is written down
//	pending → ongoing  the reassignment was handed to Kafka, with the throttle if one is wanted
//	ongoing → none     no partition moves any more; the throttle's lists are taken from the topic
//
// So an operator that is killed anywhere knows which reassignment is its own: what moves without a note in the status is
// somebody else's, and is waited for. A resource that is changed back while replicas move has the rest cancelled.
package topic
