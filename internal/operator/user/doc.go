// Package user decides what has to be done so that a user of Kafka is what a KafkaUser says: what is wanted ([Desired]),
// what differs ([Diff]), what the user's Secret holds ([User.Credentials]), who may use it ([ParseAllowed]), and what the
// resource's status says ([Status]). Everything is a function of values; randomness and time are arguments. Reading and
// writing Kafka is package kafkaadmin's, issuing certificates package pki's, resources and Secrets are the controller's.
//
// # Two names
//
// To Kafka a user with a certificate is User:CN=name, any other User:name. All that Kafka has under both names belongs to
// the KafkaUser called name: rights, quotas of the user (not those of a user and a client id together) and the password for
// SCRAM-SHA-512. What the resource does not say is taken away, so a user that gets another way of authentication leaves
// nothing behind.
//
// # What is touched: the mark
//
// Only names that have a KafkaUser, or once had one, are ever touched. Rights and quotas that other tools gave to other
// names stay. (The reference operator deletes what has no KafkaUser.) The mark is the [Ledger], a ConfigMap of the cluster
// that lists names: a name is written there before anything is done in Kafka for it, and goes when all of it is gone from
// Kafka. So a KafkaUser that is deleted, or given to another cluster by its label, while no operator runs is cleaned up
// later; and there is no finalizer, which would cost a write for each user and could hold a namespace. The ConfigMap
// belongs to the Kafka resource and goes with it. If it is lost, nothing is deleted that has no KafkaUser at that time.
//
// # Passwords
//
// Kafka does not tell which password a user has. So the caller remembers, for as long as it runs, what it set
// ([Credential.Known]); after a start each password is set once more, which changes nothing for the user.
package user
