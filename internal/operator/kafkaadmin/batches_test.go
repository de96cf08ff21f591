package kafkaadmin

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// TestBatches: every item is in one part, in order; no part is larger or heavier than allowed, unless it is one item; no more
// run at once than allowed.
func TestBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := New(nil, Limits{
			Items: rapid.IntRange(1, 5).Draw(t, "items"), Records: rapid.IntRange(1, 20).Draw(t, "records"), Concurrency: rapid.IntRange(1, 3).Draw(t, "at once"),
		})
		weights := rapid.SliceOfN(rapid.IntRange(1, 30), 0, 20).Draw(t, "weights")
		items := make([]int, len(weights))
		for i := range items {
			items[i] = i
		}
		var mu sync.Mutex
		var running atomic.Int32
		var seen []int
		batches(a, items, func(i int) int { return weights[i] }, func(part []int) {
			if n := running.Add(1); int(n) > a.limits.Concurrency {
				t.Errorf("%d at once", n)
			}
			defer running.Add(-1)
			sum := 0
			for _, i := range part {
				sum += weights[i]
			}
			if len(part) == 0 || len(part) > a.limits.Items || sum > a.limits.Records && len(part) > 1 || !slices.IsSorted(part) {
				t.Errorf("part %v of weight %d", part, sum)
			}
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, part...)
		})
		if slices.Sort(seen); !slices.Equal(seen, items) {
			t.Errorf("%v of %v", seen, items)
		}
	})
}

// The lag is what the leader's own times say, never negative, and unknown for a voter that never was caught up.
func TestQuorumOf(t *testing.T) {
	state := func(id int32, end, caughtUp int64) kmsg.DescribeQuorumResponseTopicPartitionReplicaState {
		s := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		s.ReplicaID, s.LogEndOffset, s.LastCaughtUpTimestamp = id, end, caughtUp
		return s
	}
	p := kmsg.NewDescribeQuorumResponseTopicPartition()
	p.LeaderID, p.LeaderEpoch = 1, 7
	p.CurrentVoters = append(p.CurrentVoters, state(2, 90, 8500), state(1, 100, 10000), state(0, 100, 10001), state(3, -1, -1))
	p.Observers = append(p.Observers, state(5, 100, 9999))
	want := Quorum{
		Leader: 1, Epoch: 7,
		Voters: []Replica{
			{ID: 0, EndOffset: 100, Known: true},
			{ID: 1, EndOffset: 100, Known: true},
			{ID: 2, EndOffset: 90, Lag: 1500 * time.Millisecond, Known: true},
			{ID: 3, EndOffset: -1},
		},
		Observers: []Replica{{ID: 5, EndOffset: 100, Lag: time.Millisecond, Known: true}},
	}
	if diff := cmp.Diff(want, quorumOf(p)); diff != "" {
		t.Error(diff)
	}
	p.LeaderID = -1
	if q := quorumOf(p); q.Leader != -1 || q.Voters[0].Known {
		t.Errorf("without a leader no lag is known: %+v", q)
	}
}
