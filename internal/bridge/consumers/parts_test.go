package consumers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

func TestBudgetIsSharedAndNeverEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &budget{limit: rapid.Int64Range(minFetch, 1<<24).Draw(t, "limit")}
		var held []int64
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				want := rapid.Int64Range(1, 1<<25).Draw(t, "want")
				left := b.limit - b.used
				got := b.take(want)
				if got < min(want, minFetch) || got > want {
					t.Fatalf("got %d of %d", got, want)
				}
				if got > minFetch && got > left/2 {
					t.Fatalf("got %d of %d left", got, left)
				}
				held = append(held, got)
			},
			"give": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("nothing is held")
				}
				b.give(held[0])
				held = held[1:]
			},
			"": func(t *rapid.T) {
				var sum int64
				for _, h := range held {
					sum += h
				}
				if sum != b.used {
					t.Fatalf("%d held, %d used", sum, b.used)
				}
			},
		})
	})
}

func TestNoBudgetIsNoBound(t *testing.T) {
	b := &budget{}
	if got := b.take(1 << 40); got != 1<<40 {
		t.Errorf("got %d", got)
	}
	b.give(1)
	if b.used != 0 {
		t.Error("counted without a limit")
	}
}

func record(offset int64, bytes int) *kgo.Record {
	return &kgo.Record{Offset: offset, LeaderEpoch: 7, Value: make([]byte, bytes), Headers: []kgo.RecordHeader{{Key: "k", Value: []byte("v")}}}
}

func TestPartitionPositions(t *testing.T) {
	p := newPartition(TopicPartition{"t", 3})
	p.jump(atOffset, 10)
	charged := p.keep([]*kgo.Record{record(10, 5), record(12, 5)}, 20) // offsets 11 and 13 to 19 are not records
	if p.position != 10 || p.next != 20 || p.bytes != charged || charged < 14 {
		t.Fatalf("%+v", p)
	}
	freed := p.advance(1)
	if p.position != 11 || p.epoch != 7 || len(p.records) != 1 {
		t.Fatalf("after one: %+v", p)
	}
	freed += p.advance(1)
	if p.position != 20 || p.bytes != 0 || freed != charged {
		t.Fatalf("after both: %+v, freed %d of %d", p, freed, charged)
	}
	p.keep(nil, 25)
	if p.position != 25 {
		t.Errorf("control records: position %d, want 25", p.position)
	}
	p.keep([]*kgo.Record{record(25, 1)}, 26)
	version := p.version
	if p.jump(atEnd, 0) == 0 || p.version == version || len(p.records) != 0 || p.bytes != 0 {
		t.Errorf("after a jump: %+v", p)
	}
}

func TestCut(t *testing.T) {
	one := size(record(0, 100))
	for limit, want := range map[int64]int{-1: 1, 0: 1, one: 1, 2*one - 1: 1, 2 * one: 2, 10 * one: 3} {
		a := answer{records: []*kgo.Record{record(4, 100), record(5, 100), record(9, 100)}, next: 12}
		used := a.cut(limit)
		if len(a.records) != want || used != int64(want)*one {
			t.Errorf("limit %d: %d records of %d bytes, want %d", limit, len(a.records), used, want)
		}
		if next := []int64{0, 5, 9, 12}[want]; a.next != next {
			t.Errorf("limit %d: goes on at %d, want %d", limit, a.next, next)
		}
	}
}

func TestWhatPasses(t *testing.T) {
	for err, want := range map[error]bool{
		nil:                                   true,
		context.Canceled:                      true,
		io.EOF:                                true,
		&net.OpError{Op: "dial", Err: io.EOF}: true,
		kgo.ErrClientClosed:                   true,
		kerr.NotLeaderForPartition:            true,
		kerr.RebalanceInProgress:              true,
		kerr.UnknownMemberID:                  true,
		fmt.Errorf("join: %w", kerr.CoordinatorNotAvailable):      true,
		kerr.GroupAuthorizationFailed:                             false,
		kerr.TopicAuthorizationFailed:                             false,
		kerr.SaslAuthenticationFailed:                             false,
		kerr.InvalidSessionTimeout:                                false,
		kerr.FencedInstanceID:                                     false,
		&kgo.ErrGroupSession{Err: kerr.InconsistentGroupProtocol}: false,
	} {
		if got := passing(err); got != want {
			t.Errorf("%v: passing is %v, want %v", err, got, want)
		}
	}
}

func TestRefusedPositionNamesItsPartition(t *testing.T) {
	err := error(&refusedPosition{TopicPartition{"t", 4}, kerr.InvalidCommitOffsetSize})
	if !errors.Is(err, kerr.InvalidCommitOffsetSize) || err.Error() != "t-4: "+kerr.InvalidCommitOffsetSize.Error() {
		t.Error(err)
	}
}
