// Package producer is the one Kafka producer that all HTTP requests share. It turns the records of a request into
// outcomes in request order, within a bounded time and a bounded memory: a byte budget in front of the client refuses
// what does not fit, so that no call ever queues behind a partition or a broker that is stuck.
//
// Partitions are chosen here, as the Java client chooses them: murmur2 for keyed records, uniform sticky (KIP-794) for
// keyless ones. The client (franz-go) only writes what it is told to, where it is told to.
//
// Order: records that one goroutine hands over one after the other are written in that order in each partition, as
// long as none of them fails. With acks other than all, one produce request is in flight per broker.
//
// The package must not know HTTP, must not decode anything, and must not wait without a bound.
package producer
