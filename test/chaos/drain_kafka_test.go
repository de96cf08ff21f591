//go:build kafka

package chaos

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/test/chaos/check"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// TestKafkaRollingRestart restarts two bridges behind a TCP balancer, one after the other and again, under load. Every
// request has to be answered, every record acknowledged, in the log once and read by the group.
func TestKafkaRollingRestart(t *testing.T) {
	rig := kafkarig.New(t, kafkarig.Options{Heap: "256m"})
	client := rig.Client(t)
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), durablePartitions, 1, nil, durable); err != nil {
		t.Fatal(err)
	}
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bridges := []*bridge{}
	for i := range 2 {
		b := newBridge(i, binary, dir, []string{"kafka.bootstrap.servers=" + rig.Bootstrap(kafkarig.Plain)})
		if err := b.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.kill() })
		bridges = append(bridges, b)
	}
	j, limits, to := newJournal(), settingBounds(), newBalancer(t, bridges...)
	for isNext := ""; isNext == ""; isNext = to.next() {
		pause(t.Context(), lookEvery)
	}
	var writers, readers []func(context.Context)
	for i := range 8 {
		w := &writer{client: newClient(j, to), bound: limits.send, topic: durable, keyed: true, batch: 3, pace: 5 * time.Millisecond, random: rand.New(rand.NewPCG(1, uint64(i)))}
		writers = append(writers, w.run)
	}
	for range 2 {
		r := &reader{client: newClient(j, to), bounds: limits, group: "g", topics: []string{durable}, commit: automatic}
		readers = append(readers, r.run)
	}
	endWriters, endReaders := start(t.Context(), writers...), start(t.Context(), readers...)
	for round := range 4 {
		pause(t.Context(), time.Second)
		b := bridges[round%2]
		began := time.Now()
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		t.Logf("bridge %d stopped within %s", b.index, time.Since(began).Round(time.Millisecond))
		if err := b.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for !isReady(t.Context(), b.management()) {
			pause(t.Context(), lookEvery)
		}
		pause(t.Context(), 2*lookEvery) // the balancer has seen it
	}
	endWriters()
	readAll(t, j, admin)
	endReaders()
	judgeDrain(t, j, rig)
}

// readAll waits until the group has been given everything.
func readAll(t *testing.T, j *journal, admin *kadm.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ends, err := admin.ListEndOffsets(ctx, durable)
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[check.Place]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			wanted[check.Place{Topic: o.Topic, Partition: o.Partition}] = o.Offset - 1
		}
	})
	for ctx.Err() == nil {
		places, changed := j.behind("g", wanted)
		if len(places) == 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Errorf("not read to the end: %v", places)
		}
	}
}

func judgeDrain(t *testing.T, j *journal, rig *kafkarig.Rig) {
	t.Helper()
	h := &j.history
	var err error
	if h.Log, err = readLogs(t.Context(), rig.ClientOptions(kafkarig.Plain), durable); err != nil {
		t.Fatal(err)
	}
	h.Groups = []check.Group{{Name: "g", Topics: []string{durable}}}
	h.Slack = 3 * time.Second
	v := check.Check(h)
	// A consumer that comes to the other bridge joins there under another name, but may be given the same records again
	// by the same member only after a rebalance, which nobody watches here.
	delete(v.Count, check.Repeated)
	t.Logf("%d requests, %d records sent, %d acknowledged, %d delivered, %d of them again", v.Requests, v.Sent, v.Acknowledged, v.Delivered, v.Redelivered)
	if !v.OK() || v.Failed > 0 || v.Unknown > 0 {
		t.Errorf("%d records refused, %d without an answer; %v: %v", v.Failed, v.Unknown, v.Count, v.Problems[:min(5, len(v.Problems))])
	}
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Operation == "send" && r.Answered && r.Status != 200 {
			t.Errorf("a send was answered %d", r.Status)
		}
	}
	if v.Acknowledged < 1000 {
		t.Error("too little happened to judge")
	}
}
