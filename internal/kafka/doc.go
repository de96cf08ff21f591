// Package kafka is the vocabulary that the commands share with Kafka: the settings of the Java clients (kafka-clients
// 4.3.1) read by their own names, with their own parsing rules, defaults and error texts; what each of them becomes in
// franz-go; and every failure of a client named as the Java client names it (class and message), since those texts are
// part of the bridge contract.
//
// The package is pure: it opens no connection, reads no file and no environment, has no clock and writes no log. It
// builds options; who uses them opens the client. Key material, dialers and SASL mechanisms are package credentials'
// work, group membership package consumers', partitioning package producer's.
package kafka
