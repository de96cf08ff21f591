package producer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestLeaderMoves(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	for i := range 6 {
		if err := c.MoveTopicPartition("t", 0, int32(i%3)); err != nil {
			t.Fatal(err)
		}
		if out := send(t, p, "t", record(0, 1)); out[0].Err != nil || out[0].Offset != int64(i) {
			t.Errorf("after move %d: %+v", i, out[0])
		}
	}
}

func TestRetriedAndRefusedByTheBroker(t *testing.T) {
	for _, tc := range []struct {
		err  *kerr.Error
		kind kafka.Kind
		text string // empty: it is asked again, and succeeds
		hits int
	}{
		{kerr.NotLeaderForPartition, 0, "", 2},
		{kerr.NotEnoughReplicas, 0, "", 2},
		{kerr.UnknownTopicOrPartition, 0, "", 6},
		{kerr.RequestTimedOut, 0, "", 2},
		{kerr.TopicAuthorizationFailed, kafka.KindAuthorization, "Not authorized to access topics: [t]", 1},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			c := cluster(t, topics(1, "t"))
			p := open(t, c, nil, Options{})
			send(t, p, "t", record(0, 1))
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: tc.err, Count: tc.hits})
			out := send(t, p, "t", record(0, 1), record(0, 1))
			for i := range out {
				if tc.text != "" {
					wantErr(t, out[i], tc.kind, tc.text)
				} else if out[i].Err != nil {
					t.Errorf("record %d: %v", i, out[i].Err)
				}
			}
		})
	}
}

func TestHungBrokerDelaysOnlyItsOwn(t *testing.T) {
	c, g := gated(t, topics(6, "t"))
	spread(t, c, "t", 6)
	p := open(t, c, map[string]string{"request.timeout.ms": "4000"}, Options{InflightBytes: 1 << 20})
	for i := range int32(6) {
		send(t, p, "t", record(i, 1))
	}
	g.close(1)
	stuck, fine := on(t, c, "t", 1)
	var full *Overload
	for range 1000 {
		err := p.SendAsync("t", []kgo.Record{record(stuck, 10_000)}, nil)
		if errors.As(err, &full) {
			break
		}
	}
	if full == nil || full.Leader != 1 || full.RetryAfter < time.Second {
		t.Fatalf("the stuck leader's budget is used up with %v", full)
	}
	s := p.Stats()
	if s.Leaders[1] < s.LimitBytes/4 || s.Leaders[1] > s.LimitBytes/2 || s.Refused != 1 {
		t.Errorf("stats %+v", s)
	}
	if _, released, err := trySend(t, p, "t", record(fine, 1), record(stuck, 10_000)); err == nil || released.Load() != 1 {
		t.Errorf("a request that touches the stuck leader: error %v, released %d times", err, released.Load())
	}
	for range 20 {
		within(t, 500*time.Millisecond, "a send to another broker", func() {
			if out := send(t, p, "t", record(fine, 1000)); out[0].Err != nil {
				t.Error(out[0].Err)
			}
		})
	}
	eventually(t, "the leader's silence is noticed", func() bool {
		_, _, _ = trySend(t, p, "t", record(stuck, 10_000))
		return p.budget.leader(1).silent.Load()
	})
	for range 20 { // a third of them would be drawn for a stuck partition otherwise
		if out := send(t, p, "t", record(-1, 20_000)); out[0].Err != nil || c.LeaderFor("t", out[0].Partition) == 1 {
			t.Errorf("a keyless record: %+v", out[0])
		}
	}
	g.open(1)
	eventually(t, "the budget is empty again", func() bool { return p.Stats().InflightBytes == 0 })
	if out := send(t, p, "t", record(stuck, 1)); out[0].Err != nil {
		t.Errorf("after the broker has come back: %v", out[0].Err)
	}
}

func TestOneRequestBeyondTheBudget(t *testing.T) {
	c, g := gated(t, topics(1, "t"))
	p := open(t, c, nil, Options{InflightBytes: 10_000})
	if out := send(t, p, "t", repeat(10, record(0, 5000))...); out[9].Err != nil {
		t.Error(out[9].Err)
	}
	g.close(c.LeaderFor("t", 0))
	if err := p.SendAsync("t", repeat(10, record(0, 5000)), nil); err != nil {
		t.Fatal(err)
	}
	var full *Overload
	if _, _, err := trySend(t, p, "t", record(0, 1)); !errors.As(err, &full) {
		t.Errorf("beside a request beyond the budget: %v", err)
	}
	g.openAll()
}

func TestDeliveryTimeout(t *testing.T) {
	for _, acks := range []string{"all", "1"} {
		t.Run(acks, func(t *testing.T) {
			c, g := gated(t, topics(2, "t"))
			p := open(t, c, map[string]string{
				"acks": acks, "delivery.timeout.ms": "700", "request.timeout.ms": "300",
			}, Options{})
			send(t, p, "t", record(0, 1), record(1, 1))
			g.close(c.LeaderFor("t", 0))
			var released atomic.Int32
			var out []Outcome
			took := within(t, 2*time.Second, "a send to a hung broker", func() {
				out, _ = p.Send("t", repeat(3, record(0, 1)), func() { released.Add(1) })
			})
			if took < 650*time.Millisecond {
				t.Errorf("gave up after %s", took)
			}
			for _, o := range out {
				wantErr(t, o, kafka.KindTimeout, "Expiring 3 record(s) for t-0:")
				wantErr(t, o, kafka.KindTimeout, " ms has passed since batch creation")
			}
			eventually(t, "the client lets go although the broker still hangs", func() bool {
				return released.Load() == 1 && p.Stats().InflightBytes == 0
			})
			g.openAll()
			eventually(t, "the partition works again", func() bool { return send(t, p, "t", record(0, 1))[0].Err == nil })
			if released.Load() != 1 {
				t.Errorf("released %d times", released.Load())
			}
		})
	}
}

func TestProducerIDRefusedIsNotForEver(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	fault := c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.ClusterAuthorizationFailed, Count: -1,
	})
	within(t, time.Second, "a send without a producer ID", func() {
		if out := send(t, p, "t", record(0, 1)); out[0].Err == nil {
			t.Error("no error")
		}
	})
	fault.Remove()
	eventually(t, "the right is noticed", func() bool { return send(t, p, "t", record(0, 1))[0].Err == nil })
}

// TestRenewalsAreSpaced: a right that stays missing costs a new client a second, however many requests ask for one.
func TestRenewalsAreSpaced(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: kerr.ClusterAuthorizationFailed, Count: -1,
	})
	sessions := []*session{p.session.Load()}
	eventually(t, "the producer is replaced twice", func() bool {
		if out := send(t, p, "t", record(0, 1)); out[0].Err == nil {
			t.Error("a record without a producer ID was written")
		}
		if now := p.session.Load(); now != sessions[len(sessions)-1] {
			sessions = append(sessions, now)
		}
		return len(sessions) == 3
	})
	for i, next := range sessions[1:] {
		if after := next.born.Sub(sessions[i].born); after < renewEvery {
			t.Errorf("a client was replaced %s after it was made, want at least %s", after, renewEvery)
		}
	}
}

func TestClose(t *testing.T) {
	c, g := gated(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	send(t, p, "t", record(0, 1))
	g.close(c.LeaderFor("t", 0))
	type answer struct {
		topic string
		out   []Outcome
	}
	answers := make(chan answer, 2)
	var released atomic.Int32
	for _, topic := range []string{"t", "unknown"} {
		go func() {
			out, _ := p.Send(topic, repeat(2, record(0, 1)), func() { released.Add(1) })
			answers <- answer{topic, out}
		}()
	}
	eventually(t, "both requests are under way", func() bool {
		p.lookups.mu.Lock()
		defer p.lookups.mu.Unlock()
		return p.Stats().Records == 2 && len(p.lookups.active) == 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	within(t, 3*time.Second, "Close", func() { p.Close(ctx) })
	for range 2 {
		select {
		case a := <-answers:
			for _, o := range a.out {
				wantErr(t, o, kafka.KindClosed, "")
			}
		case <-time.After(patience):
			t.Fatal("a request hangs after Close")
		}
	}
	eventually(t, "both requests are released", func() bool { return released.Load() == 2 })
	for _, topic := range []string{"t", "never seen"} {
		wantErr(t, send(t, p, topic, record(-1, 1))[0], kafka.KindClosed, "")
	}
	p.Close(ctx) // once more does no harm
}

func TestCloseFlushes(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	for range 100 {
		if err := p.SendAsync("t", []kgo.Record{record(0, 100)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	p.Close(t.Context())
	if n := c.PartitionInfo("t", 0).HighWatermark; n != 100 {
		t.Errorf("%d of 100 records were written", n)
	}
}

func TestBrokersGoneForEver(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"delivery.timeout.ms": "600", "request.timeout.ms": "200"}, Options{})
	send(t, p, "t", record(0, 1))
	c.Close()
	within(t, 2*time.Second, "a send to nobody", func() {
		wantErr(t, send(t, p, "t", record(0, 1))[0], kafka.KindTimeout, "Expiring 1 record(s) for t-0:")
	})
}

// TestEveryRecordIsAnsweredOnce sends from many goroutines while brokers fail in every way that the development broker
// can be made to: each Send has one outcome per record and one release, an acknowledged record is where its outcome
// says, and nothing stays charged.
func TestEveryRecordIsAnsweredOnce(t *testing.T) {
	for _, acks := range []string{"all", "1"} {
		t.Run("acks "+acks, func(t *testing.T) { nemesis(t, acks) })
	}
}

func nemesis(t *testing.T, acks string) {
	const partitions, workers, length = 6, 8, 3 * time.Second
	c, g := gated(t, topics(partitions, "t"))
	spread(t, c, "t", partitions)
	p := open(t, c, map[string]string{
		"acks": acks, "delivery.timeout.ms": "1500", "request.timeout.ms": "300", "max.block.ms": "500",
	}, Options{InflightBytes: 200_000})

	start := time.Now()
	stop := make(chan struct{})
	var faults, group sync.WaitGroup
	faults.Go(func() { torment(c, g, partitions, stop) })

	var sent, released atomic.Int64
	var mu sync.Mutex
	acked := map[string]string{} // where → value
	for w := range workers {
		group.Go(func() {
			for call := 0; time.Since(start) < length; call++ {
				n := 1 + rand.IntN(20)
				recs := make([]kgo.Record, n)
				for i := range recs {
					recs[i] = kgo.Record{
						Partition: rand.Int32N(partitions+1) - 1, Value: fmt.Appendf(nil, "%d/%d/%d", w, call, i),
					}
				}
				sent.Add(1)
				once := new(atomic.Bool)
				release := func() {
					if once.Swap(true) {
						t.Error("released twice")
					}
					released.Add(1)
				}
				if call%4 == 3 {
					_ = p.SendAsync("t", recs, release)
					continue
				}
				out, err := p.Send("t", recs, release)
				if err != nil {
					continue
				}
				mu.Lock()
				for i, o := range out {
					if o.Err != nil {
						continue
					}
					at := fmt.Sprint(o.Partition, "-", o.Offset)
					if other := acked[at]; other != "" {
						t.Errorf("two records were answered with %s", at)
					}
					acked[at] = fmt.Sprintf("%d/%d/%d", w, call, i)
				}
				mu.Unlock()
			}
		})
	}
	within(t, time.Minute, "the nemesis run", group.Wait)
	close(stop)
	faults.Wait()
	eventually(t, "every request is released", func() bool { return released.Load() == sent.Load() })
	eventually(t, "nothing is charged", func() bool { s := p.Stats(); return s.InflightBytes == 0 && s.Records == 0 })
	t.Logf("%d requests, %d records acknowledged, %d failed, %d requests refused", sent.Load(), len(acked),
		p.Stats().Failed, p.Stats().Refused)
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	for part := range int32(partitions) {
		for offset, v := range read(t, c, "t", part) {
			at := fmt.Sprint(part, "-", offset)
			if want, ok := acked[at]; ok && want != string(v) {
				t.Errorf("at %s is %s, which was acknowledged as %s", at, v, want)
			}
			delete(acked, at)
		}
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged records are not there", len(acked))
	}
}

// torment breaks something at random, and mends it, until stop.
func torment(c *kfake.Cluster, g *gates, partitions int32, stop <-chan struct{}) {
	errs := []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.RequestTimedOut, kerr.UnknownTopicOrPartition,
		kerr.TopicAuthorizationFailed, kerr.NotEnoughReplicasAfterAppend, kerr.OutOfOrderSequenceNumber,
	}
	mend := func() {}
	for {
		select {
		case <-stop:
			mend()
			return
		case <-time.After(10 * time.Millisecond):
			mend()
		}
		mend = func() {}
		switch rand.IntN(5) {
		case 0:
			_ = c.MoveTopicPartition("t", rand.Int32N(partitions), rand.Int32N(3))
		case 1:
			mend = c.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: errs[rand.IntN(len(errs))], Count: 1 + rand.IntN(3),
			}).Remove
		case 2: // connections break before the broker has done anything
			mend = breakConnection(c)
		case 3: // a broker is slow, sometimes beyond the request's timeout
			node := rand.Int32N(3)
			g.close(node)
			time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
			g.open(node)
		case 4:
			mend = c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t", Err: kerr.LeaderNotAvailable}).Remove
		}
	}
}

// breakConnection does so at the next produce request, unless it is mended before.
func breakConnection(c *kfake.Cluster) (mend func()) {
	var off atomic.Bool
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.DropControl()
		if off.Load() {
			return nil, nil, false
		}
		return nil, errors.New("connection broken by the test"), true
	})
	return func() { off.Store(true) }
}
