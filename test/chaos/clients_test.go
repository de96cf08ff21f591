package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/test/chaos/check"
)

func TestOutcomes(t *testing.T) {
	acknowledged := told{check.Acknowledged, 3, 7}
	failed, unknown := told{outcome: check.Failed}, told{}
	for name, c := range map[string]struct {
		answer answer
		want   [2]told
	}{
		"both":          {answer{ok: true, status: 200, body: []byte(`{"offsets":[{"partition":3,"offset":7},{"partition":3,"offset":7}]}`)}, [2]told{acknowledged, acknowledged}},
		"one fails":     {answer{ok: true, status: 200, body: []byte(`{"offsets":[{"error_code":500,"message":"x"},{"partition":3,"offset":7}]}`)}, [2]told{failed, acknowledged}},
		"too few":       {answer{ok: true, status: 200, body: []byte(`{"offsets":[{"partition":3,"offset":7}]}`)}, [2]told{failed, failed}},
		"no offset":     {answer{ok: true, status: 200, body: []byte(`{"offsets":[{"partition":3},{"partition":3,"offset":7}]}`)}, [2]told{failed, acknowledged}},
		"refused":       {answer{ok: true, status: 503, body: []byte(`{"error_code":503,"message":"x"}`)}, [2]told{failed, failed}},
		"not JSON":      {answer{ok: true, status: 200, body: []byte(`<html>`)}, [2]told{failed, failed}},
		"nothing":       {answer{}, [2]told{unknown, unknown}},
		"half a status": {answer{status: 200}, [2]told{unknown, unknown}},
	} {
		if got := outcomes(c.answer, 2); got[0] != c.want[0] || got[1] != c.want[1] {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestReceived(t *testing.T) {
	got, err := received([]byte(`[{"topic":"t","key":null,"value":{"c":4,"n":9},"partition":2,"offset":11,"timestamp":1}]`))
	want := check.Got{Place: check.Place{Topic: "t", Partition: 2}, Offset: 11, ID: check.ID{Connection: 4, Number: 9}}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := received([]byte(`[{"topic":"t"`)); err == nil {
		t.Error("half an answer was read")
	}
}

func TestOffsetsBody(t *testing.T) {
	place := check.Place{Topic: "t", Partition: 2}
	body := offsets([]check.Got{{Place: place, Offset: 4}, {Place: check.Place{Topic: "u"}, Offset: 8}, {Place: place, Offset: 5}})
	var got struct {
		Offsets []struct {
			Topic     string
			Partition int32
			Offset    int64
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Offsets) != 2 {
		t.Fatalf("%s: %v", body, err)
	}
	for _, o := range got.Offsets {
		if want := map[string]int64{"t": 6, "u": 9}[o.Topic]; o.Offset != want {
			t.Errorf("%s: %d, want %d", o.Topic, o.Offset, want)
		}
	}
}

// A writer's numbers are its connection's own: after a failure there is another connection.
func TestWriterChangesConnections(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 2 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"offsets":[{"partition":0,"offset":1}]}`)
	}))
	defer server.Close()
	j := newJournal()
	w := &writer{
		client: newClient(j, fixed{strings.TrimPrefix(server.URL, "http://"), 0}), bound: time.Second, topic: "t", batch: 1,
		random: rand.New(rand.NewPCG(1, 1)),
	}
	for range 3 {
		w.send("/topics/t", 1)
	}
	want := []check.Sent{
		{ID: check.ID{Connection: 1, Number: 1}, Outcome: check.Acknowledged},
		{ID: check.ID{Connection: 1, Number: 2}, Outcome: check.Unknown},
		{ID: check.ID{Connection: 2, Number: 3}, Outcome: check.Acknowledged},
	}
	for i, s := range j.history.Sent {
		if s.ID != want[i].ID || s.Outcome != want[i].Outcome {
			t.Errorf("record %d: %+v", i, s)
		}
	}
	if r := j.history.Requests; len(r) != 3 || r[1].Answered || !r[2].Answered {
		t.Errorf("%+v", r)
	}
}

func TestJournalKnowsWhatIsBehind(t *testing.T) {
	j := newJournal()
	place := check.Place{Topic: "t"}
	wanted := map[check.Place]int64{place: 5}
	places, changed := j.behind("g", wanted)
	if len(places) != 1 {
		t.Errorf("%v", places)
	}
	j.delivered(check.Delivery{Group: "g", Records: []check.Got{{Place: place, Offset: 5}}})
	<-changed
	if places, _ := j.behind("g", wanted); len(places) != 0 {
		t.Errorf("%v", places)
	}
	if places, _ := j.behind("another", wanted); len(places) != 1 {
		t.Errorf("%v", places)
	}
}

func TestOutageIsOpenUntilItsEnd(t *testing.T) {
	j := newJournal()
	over := j.outage(1, true)
	if o := j.history.Outages[0]; o.To < time.Hour || o.Bridge != 1 || !o.Frozen {
		t.Errorf("%+v", o)
	}
	over()
	if o := j.history.Outages[0]; o.To < o.From || o.To > j.now() {
		t.Errorf("%+v", o)
	}
}

// The watcher reads commits and generations, and nothing else; a generation counts once.
func TestWatcherSees(t *testing.T) {
	w := &watcher{journal: newJournal(), generation: make(map[string]int32)}
	commit, offset := kmsg.NewOffsetCommitKey(), kmsg.NewOffsetCommitValue()
	commit.Version, commit.Group, commit.Topic, commit.Partition = 1, "g", "t", 2
	offset.Version, offset.Offset = 3, 40
	group, generation := kmsg.NewGroupMetadataKey(), kmsg.NewGroupMetadataValue()
	group.Version, group.Group = 2, "g"
	generation.Version, generation.Generation = 3, 7
	now := time.Now()
	for _, r := range []*kgo.Record{
		{Key: commit.AppendTo(nil), Value: offset.AppendTo(nil)},
		{Key: commit.AppendTo(nil)}, // expired
		{Key: group.AppendTo(nil), Value: generation.AppendTo(nil), Timestamp: now},
		{Key: group.AppendTo(nil), Value: generation.AppendTo(nil), Timestamp: now},
		{Key: []byte{0, 3, 1}, Value: []byte("another kind")},
		{Key: []byte{0}, Value: []byte("none")},
	} {
		w.see(r)
	}
	generation.Generation = 8
	w.see(&kgo.Record{Key: group.AppendTo(nil), Value: generation.AppendTo(nil), Timestamp: now.Add(-5 * time.Hour)}) // its clock has jumped
	h := w.journal.history
	if len(h.Committed) != 1 || h.Committed[0].Offset != 40 || h.Committed[0].Place != (check.Place{Topic: "t", Partition: 2}) {
		t.Errorf("commits: %+v", h.Committed)
	}
	if len(h.Rebalances) != 2 || h.Rebalances[1].To-h.Rebalances[1].From != trusted {
		t.Errorf("generations: %+v", h.Rebalances)
	}
}

func TestReport(t *testing.T) {
	clean := func() *Report {
		return &Report{Recovery: 10 * time.Second, Verdict: &check.Verdict{Count: map[check.Kind]int{}}, Events: []Event{
			{Number: 1, Fault: "kill-all", After: Recovery{Produce: time.Second, Consume: 2 * time.Second}},
		}}
	}
	for name, c := range map[string]struct {
		change func(r *Report)
		ok     bool
		text   string
	}{
		"clean":        {func(*Report) {}, true, "clean"},
		"slow":         {func(r *Report) { r.Events[0].Without.Consume = 11 * time.Second }, false, "SLOW"},
		"incomplete":   {func(r *Report) { r.Events[0].After.Missing = "bridge 1 does not write" }, false, "bridge 1 does not write"},
		"a note":       {func(r *Report) { r.Notes = []string{"it ended by itself"} }, false, "NOTE       it ended"},
		"a problem":    {func(r *Report) { r.Events[0].Problem = "exit code 2" }, false, "exit code 2"},
		"a rule":       {func(r *Report) { r.Verdict.Count[check.Lost] = 3 }, false, "BROKEN     lost: 3"},
		"without any":  {func(r *Report) { r.Events = nil }, true, "0 faults"},
		"nobody judge": {func(r *Report) { r.Verdict = nil }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := clean()
			c.change(r)
			if r.OK() != c.ok {
				t.Errorf("OK is %t", r.OK())
			}
			var out strings.Builder
			if r.Verdict != nil {
				r.print(&out)
			}
			if !strings.Contains(out.String(), c.text) {
				t.Errorf("%q is not in %s", c.text, out.String())
			}
		})
	}
}

func TestBridgeThatCannotStart(t *testing.T) {
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := newBridge(4, binary, t.TempDir(), []string{"http.port=none"})
	if err := b.start(t.Context()); err == nil || !strings.Contains(err.Error(), "bridge 4 has ended") {
		t.Errorf("got %v", err)
	}
	silent := newBridge(5, "/bin/cat", t.TempDir(), nil)
	silent.args = nil
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := silent.start(ctx); err == nil || !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "has ended") {
		t.Errorf("got %v", err)
	}
}
