//go:build kafka

package realkafka

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// offsetOnly is the answer to a record that was written.
var offsetOnly = regexp.MustCompile(`^\{"offsets":\[\{"partition":\d+,"offset":\d+\}\]\}$`)

// The broker is away when the bridge starts, and comes later with the stock delay of a group's first rebalance: the bridge
// starts, answers in time, recovers by itself, and one poll has the records. Then the broker is started again under load.
func TestKafkaBrokerAway(t *testing.T) {
	r := ownRig(t, kafkarig.Options{Away: true, RebalanceDelay: 3 * time.Second})
	b := start(t, append(plainWay.at(r), brief...)...)
	for _, got := range []answer{b.get("/topics"), b.get("/topics/t"), b.post("/admin/topics", asJSON, `{"topic_name":"t"}`)} {
		want(t, got, 500, `{"error_code":500,"message":"`)
		inTime(t, got)
	}
	sent := b.produce("t", `"x"`)
	want(t, sent, 200, `{"offsets":[`+failure(404, "Topic t not present in metadata after 3000 ms.")+`]}`)
	inTime(t, sent)
	b.consumer("early", "", "t")
	polled := b.do("GET", "/consumers/early/instances/c/records?timeout=1000", asJSON, "")
	want(t, polled, 200, "[]") // Java's poll does not tell that nobody is there
	inTime(t, polled)
	if got := b.at(b.manage + "/healthy"); got.status != 200 {
		t.Errorf("healthy: %s", got)
	}

	if err := r.Start(0); err != nil {
		t.Fatal(err)
	}
	b.wait("the broker", func() bool { return b.get("/topics").status == 200 })
	article(t, r, b)
	b.wait("a record", func() bool { return offsetOnly.MatchString(b.produce("t", `"x"`).body) })
	b.wait("the early consumer's record", func() bool {
		got := b.poll("early")
		return got.status == 200 && got.body != "[]"
	})
	t.Run("restart under load", func(t *testing.T) { restartUnderLoad(t, r) })
}

// restartUnderLoad stops the broker in good order and starts it again: no request fails, each waits, every record is there
// once and in order, and a consumer that was there before gets all of them.
func restartUnderLoad(t *testing.T, r *kafkarig.Rig) {
	b := start(t, plainWay.at(r)...)
	name, group := topic(t, r), fresh("group")
	b.consumer(group, "", name)
	acknowledged, stop := b.load(name)
	b.more(acknowledged)
	want(t, b.poll(group), 200, `"offset":0`)
	if err := errors.Join(r.Stop(0), r.Start(0)); err != nil {
		t.Fatal(err)
	}
	b.more(acknowledged)
	n := stop()
	records := read(t, r, name, int(n))
	if int64(len(records)) != n {
		t.Errorf("%d records, %d were acknowledged", len(records), n)
	}
	next := map[string]int{}
	for _, rec := range records {
		if got := string(rec.Value); got != `"`+itoa(next[string(rec.Key)])+`"` {
			t.Fatalf("client %s: record %s instead of %d", rec.Key, got, next[string(rec.Key)])
		}
		next[string(rec.Key)]++
	}
	last := `"offset":` + itoa(len(records)-1) + `,`
	b.wait("the last record", func() bool {
		got := b.poll(group)
		want(t, got, 200, "[")
		return regexp.MustCompile(last).MatchString(got.body)
	})
	want(t, b.remove(group), 204, "")
}

// read returns n records of partition 0 of a topic, and what is there besides.
func read(t *testing.T, r *kafkarig.Rig, topic string, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	cl := r.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var out []*kgo.Record
	for len(out) < n {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d of %d records", len(out), n)
		}
		out = append(out, fetches.Records()...)
	}
	return out
}
