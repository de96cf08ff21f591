package check

import (
	"fmt"
	"time"
)

// Kind is a rule that was broken.
type Kind string

// The rules.
const (
	Lost       Kind = "lost"        // acknowledged, and not in the log
	Duplicated Kind = "duplicated"  // acknowledged, and more than once in the log
	Misplaced  Kind = "misplaced"   // acknowledged with an offset that another record has, or none
	Reordered  Kind = "reordered"   // a connection's records lie in a partition in another order than they were sent
	Invented   Kind = "invented"    // in the log, and sent by nobody
	Unread     Kind = "unread"      // in the log, and delivered to no member of a group
	Garbled    Kind = "garbled"     // delivered with another content than the log has at that offset
	Skipped    Kind = "skipped"     // committed past it before anybody was given it
	Repeated   Kind = "repeated"    // delivered twice to one member without a rebalance or a seek between
	Backwards  Kind = "backwards"   // delivered out of the order of the partition
	Unanswered Kind = "unanswered"  // the bridge was there and did not answer
	Late       Kind = "late"        // answered past the bound
	Internal   Kind = "not the api" // answered with a status that the operation does not have
)

// Problem is one finding.
type Problem struct {
	Kind Kind
	Text string
}

// Verdict is the outcome of a check.
type Verdict struct {
	// Problems are the findings, in no particular order, at most a few hundred of each kind; Count has their true number.
	Problems []Problem
	Count    map[Kind]int

	Sent, Acknowledged, Failed, Unknown int
	Logged                              int // records in the logs
	Unasked                             int // records in the log whose client was not told so
	Twice                               int // records in the log more than once whose client was not told that they are there
	Delivered, Redelivered              int // records given to groups; those of them that the group had been given before
	Requests                            int
	Longest                             time.Duration // of all answers
	LongestWhat                         string
}

// OK reports that no rule was broken.
func (v *Verdict) OK() bool { return len(v.Count) == 0 }

// keepProblems bounds the findings of a kind that are kept as text.
const keepProblems = 200

func (v *Verdict) add(k Kind, format string, args ...any) {
	v.Count[k]++
	if v.Count[k] <= keepProblems {
		v.Problems = append(v.Problems, Problem{k, fmt.Sprintf(format, args...)})
	}
}

// Check applies every rule. It changes nothing in h.
func Check(h *History) *Verdict {
	v := &Verdict{Count: make(map[Kind]int)}
	produced(v, h)
	consumed(v, h)
	answered(v, h)
	return v
}
