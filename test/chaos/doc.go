// Package chaos runs bridges in front of a real three-broker Kafka while a nemesis breaks things, and has package check
// judge afterwards what the HTTP clients were told.
//
// The bridges are processes of their own and reach the brokers through proxies; HTTP clients are goroutines that write
// numbered records and read them back as consumer groups; a run is reproduced by its seed as far as the order, the
// targets and the lengths of the faults go. Nothing here may excuse the bridge: what a fault excuses is part of the
// history (an outage of a bridge, a topic's re-creation), and package check alone decides.
package chaos
