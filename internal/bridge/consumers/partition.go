package consumers

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// origin says how the position of a partition is found.
type origin uint8

const (
	atCommitted origin = iota // the group's committed offset, or else the reset policy
	atPolicy                  // auto.offset.reset
	atBeginning
	atEnd
	atOffset // known: position and next hold
)

// partition is the state of one assigned partition; session.mu guards it. A partition that is taken away and comes back
// is another one: who holds a pointer compares it with session.partitions before using what was learned meanwhile.
type partition struct {
	TopicPartition

	origin   origin
	position int64 // the next record to deliver
	next     int64 // the next record to fetch; position and the kept records lie before it
	epoch    int32 // leader epoch of the record before position, −1 unknown; goes into commits
	// version changes with every jump: an answer to a request from before it is dropped.
	version uint64
	// committed is the group's offset as far as known, −1 otherwise: auto-commit skips what did not move.
	committed int64

	records []*kgo.Record // fetched, not delivered
	bytes   int64         // what they hold of the budget

	leader      int32 // −1 unknown
	leaderEpoch int32
	replica     int32 // a nearer replica that the leader sent us to (KIP-392), −1 none
	replicaEnd  time.Time
	end         int64     // of the log, as the last fetch saw it; −1 unknown
	retry       time.Time // not before
	muted       bool      // its topic is not subscribed any more, and a rebalance will take it away
}

func newPartition(tp TopicPartition) *partition {
	return &partition{TopicPartition: tp, epoch: -1, committed: -1, leader: -1, leaderEpoch: -1, replica: -1, end: -1}
}

// jump moves the partition, to a known offset or to where from says, and returns the bytes of the records it drops.
func (p *partition) jump(from origin, offset int64) int64 {
	p.version++
	p.origin, p.position, p.next, p.epoch = from, offset, offset, -1
	p.retry = time.Time{}
	return p.clear()
}

// clear drops the kept records and returns their bytes. The position stays, so they would be fetched again.
func (p *partition) clear() int64 {
	freed := p.bytes
	p.records, p.bytes, p.next = nil, 0, p.position
	return freed
}

// keep takes over fetched records and the offset behind them; there are no others. Without records, control records for
// instance, the position moves at once.
func (p *partition) keep(records []*kgo.Record, next int64) (charged int64) {
	for _, r := range records {
		charged += size(r)
	}
	p.records = records
	p.bytes += charged
	p.next = next
	if len(p.records) == 0 {
		p.position = next
	}
	return charged
}

// advance passes over the first n kept records, and returns their bytes.
func (p *partition) advance(n int) int64 {
	if n == 0 {
		return 0
	}
	var freed int64
	for k := range n {
		freed += size(p.records[k])
		p.epoch = p.records[k].LeaderEpoch
		p.position = p.records[k].Offset + 1
		p.records[k] = nil // the slice keeps its start
	}
	p.records = p.records[n:]
	p.bytes -= freed
	if len(p.records) == 0 {
		p.records, p.position = nil, p.next
	}
	return freed
}

// source returns the broker to fetch from.
func (p *partition) source(now time.Time) int32 {
	if p.replica >= 0 && now.Before(p.replicaEnd) {
		return p.replica
	}
	return p.leader
}

// lost forgets the leader, so that the next poll looks it up.
func (p *partition) lost() { p.leader, p.leaderEpoch, p.replica = -1, -1, -1 }
