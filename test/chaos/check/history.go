// Package check judges a run of the bridge under faults: it holds what HTTP clients were told against what Kafka has.
//
// It is pure: a History in, a Verdict out, no clock and no I/O, so that every rule can be shown to fail on a history
// that was spoilt on purpose. It knows nothing of the faults; what they excuse is in the history.
package check

import (
	"fmt"
	"time"
)

// Time is a moment of the run, counted from its start on the clock of the clients.
type Time = time.Duration

// ID is a record's unique number: the connection that sent it (a connection's number is never used again) and its place
// among that connection's records.
type ID struct{ Connection, Number int64 }

// String returns connection/number.
func (i ID) String() string { return fmt.Sprintf("%d/%d", i.Connection, i.Number) }

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// String returns topic-partition.
func (p Place) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Partition) }

// MarshalText makes a Place a key in JSON; the form is String's.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Outcome is what a client was told about a record.
type Outcome uint8

// The three things that a client can know.
const (
	// Unknown means that no answer came, or one that says nothing about the record.
	Unknown Outcome = iota
	// Acknowledged means that an offset was answered.
	Acknowledged
	// Failed means that an error was answered for this record, or for its whole request.
	Failed
)

// Sent is a record that a client sent.
type Sent struct {
	ID         ID
	Topic      string
	Start, End Time // of the request
	Outcome    Outcome
	Partition  int32 // with Acknowledged
	Offset     int64 // with Acknowledged
}

// Logged is a record as Kafka has it. ID is the zero value for a record that no client of the run can have sent.
type Logged struct {
	ID     ID
	Offset int64
}

// Got is a record that a consumer was given.
type Got struct {
	Place  Place
	Offset int64
	ID     ID
}

// Delivery is a poll whose answer arrived whole.
type Delivery struct {
	Group, Member string // a member's name is never used again
	Start, End    Time
	Seeks         int // how often the member had been told to seek before
	Records       []Got
}

// Committed is an offset that a group has stored: the next record to read.
type Committed struct {
	Group  string
	Place  Place
	Offset int64
	Seen   Time // the latest moment at which it can have been stored
}

// Rebalance is a new generation of a group, which came about between two moments.
type Rebalance struct {
	Group    string
	From, To Time
}

// Request is any request of any client.
type Request struct {
	Operation  string
	Bridge     int
	Start, End Time
	Bound      time.Duration // how long it may take by the settings
	Answered   bool          // an answer arrived whole
	Status     int           // with Answered
	Abandoned  bool          // the client went away on purpose
}

// Outage is a time in which a bridge was not there by the nemesis's doing. Requests that overlap it may stay without an
// answer; those that overlap a Frozen one may also take longer.
type Outage struct {
	Bridge   int
	From, To Time
	Frozen   bool
}

// Group is a consumer group that is held to everything: each record of its topics was delivered.
type Group struct {
	Name   string
	Topics []string
}

// History is everything that is known of a run.
type History struct {
	Sent       []Sent
	Log        map[Place][]Logged // in the order of the log
	Deliveries []Delivery
	Committed  []Committed
	Rebalances []Rebalance
	Requests   []Request
	Outages    []Outage
	Groups     []Group
	// Since says, by topic, from which moment on a request's records have to be in the log: that of the topic's last
	// creation. Topics that were never deleted are not in it.
	Since map[string]Time
	// Slack is added to each request's bound: what the machine may take on top.
	Slack time.Duration
}
