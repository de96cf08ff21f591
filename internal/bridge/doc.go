// Package bridge answers the HTTP contract: it reads a request with wire and records, calls the producer, the consumers
// or the admin client, and writes the answer. It holds no rule about Kafka, and none about the contract's texts that
// wire could hold. Its reading order is routes.go (the whole API on one screen), call.go (one request), reply.go (one
// place that answers errors), then a file per operation group.
package bridge
