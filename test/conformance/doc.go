// Package conformance is the HTTP contract of the bridge as a test suite: one
// request per row with the exact answer that is owed, sequences where it takes
// several, and every exchange held against the OpenAPI document besides.
//
// It runs against any bridge of this contract and the Kafka behind it:
//
//	go test ./test/conformance -url=http://host:8080 -management=http://host:8081 -bootstrap=host:9092
//
// Add -peer=strimzi for the Strimzi Kafka Bridge: the cases of defects that we
// mend are then skipped, each by name. Without -management the cases of that
// listener are skipped.
//
// With no flag it builds and starts our own bridge on an in-process development
// broker, and with the build tag kafka on real Apache Kafka. Only then do the
// cases run that need a bridge with other settings: CORS, switched-off sides, a
// Kafka that is away, a user without rights.
//
// A case is named by the section of the bridge contract that owes it, the
// operation and what is tried: -run 'TestConformance/all/1.3/create-consumer'.
// The package must know nothing of our bridge's inside; it imports its OpenAPI
// document and, to have a Kafka at all, the test rigs.
package conformance
