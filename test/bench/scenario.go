package main

// scenario is one kind of load, and what its CPU time may be against the sum of the limits.
type scenario struct {
	name      string
	about     string
	format    string
	size      int // bytes of a record's value
	records   int // of one produce request
	producers int // connections that produce
	async     bool
	consumers int // connections that poll, each with a consumer in a group of its own
	owed, aim float64
	p50       bool // p50 against franz-go's has a goal

	// What --growth varies. 0 stands for as many connections as producers, one topic, partitions of it, and no keys.
	connections int // open at once; each producer has its share of them, and takes them in turns
	manyTopics  int // in turns
	manyParts   int // of each topic
	keys        int // of records, in turns
	largest     int // bytes of a record that topics and limit must take, where their defaults do not
	rate        int // records/s that others send to all topics in turns; consumers are in groups, and follow
}

// consumes tells that polling is what is measured; beside producers it is their company.
func (s scenario) consumes() bool { return s.producers == 0 }

// scenarios are all kinds of load. The goals are those of docs/performance.md.
func scenarios() []scenario {
	return []scenario{
		{name: "single-c1", about: "one 100 B json record per request, 1 connection", format: "json", size: 100, records: 1, producers: 1, p50: true},
		{name: "single-c32", about: "the same, 32 connections", format: "json", size: 100, records: 1, producers: 32, owed: 1.25, aim: 0.8},
		{name: "single-c256", about: "the same, 256 connections", format: "json", size: 100, records: 1, producers: 256},
		{name: "batch-json", about: "100 json records of 1 KiB per request, 32 connections", format: "json", size: 1024, records: 100, producers: 32, owed: 1.8, aim: 1.4},
		{name: "batch-text", about: "the same in text", format: "text", size: 1024, records: 100, producers: 32},
		{name: "batch-binary", about: "the same in base64", format: "binary", size: 1024, records: 100, producers: 32, owed: 1.9, aim: 1.5},
		{name: "async", about: "one 100 B json record per request, async=true, 32 connections", format: "json", size: 100, records: 1, producers: 32, async: true},
		{name: "poll-json", about: "polls of 1 KiB json records, 4 consumers in 4 groups", format: "json", size: 1024, consumers: 4, owed: 2.2, aim: 1.8},
		{name: "poll-binary", about: "the same in base64", format: "binary", size: 1024, consumers: 4, owed: 2.4, aim: 1.9},
		{name: "mixed", about: "28 connections produce 100 B json records, 4 consumers follow", format: "json", size: 100, records: 1, producers: 28, consumers: 4},
	}
}
