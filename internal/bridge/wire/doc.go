// Package wire holds the words of the bridge contract: what a request may say
// and how every answer is spelled. It decodes the bodies and parameters of the
// consumer, topic and admin operations, and it appends answers byte by byte, so
// that member order, number spelling and escaping are those that clients of the
// Strimzi Kafka Bridge have always seen.
//
// It must stay pure: bytes in, values or bytes out. It opens no connection,
// reads no clock, no environment and no file, knows neither net/http nor a
// Kafka client, and keeps no state. The embedded formats of records (produce
// bodies, poll answers) belong to package records, the routing to package
// bridge.
//
// One file per group of operations; each begins with its part of the contract.
package wire
