package producer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestSendAnswersInRequestOrder(t *testing.T) {
	c := cluster(t, topics(5, "t"))
	p := open(t, c, nil, Options{})
	var recs []kgo.Record
	for i := range 100 {
		recs = append(recs, kgo.Record{Partition: int32(i*7) % 5, Value: fmt.Appendf(nil, "v%d", i)})
	}
	out := send(t, p, "t", recs...)
	for i, o := range out {
		want := int32(i*7) % 5
		if o.Err != nil || o.Partition != want {
			t.Fatalf("outcome %d: partition %d, error %v; want partition %d", i, o.Partition, o.Err, want)
		}
		values := read(t, c, "t", want)
		if got := string(values[o.Offset]); got != fmt.Sprintf("v%d", i) {
			t.Fatalf("record %d was answered with offset %d-%d, which holds %s", i, want, o.Offset, got)
		}
		if i == 10 { // the reading client is costly
			break
		}
	}
	if s := p.Stats(); s.Records != 0 || s.InflightBytes != 0 || s.Topics != 1 {
		t.Errorf("stats after all is done: %+v", s)
	}
}

func TestSendKeepsOrderOfCalls(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	for _, acks := range []string{"all", "1"} {
		t.Run(acks, func(t *testing.T) {
			p := open(t, c, map[string]string{"acks": acks}, Options{})
			before := c.PartitionInfo("t", 0).HighWatermark
			for i := range 500 {
				r := kgo.Record{Partition: -1, Value: fmt.Appendf(nil, "%d", i)}
				if err := p.SendAsync("t", []kgo.Record{r}, nil); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "all records are written", func() bool {
				return c.PartitionInfo("t", 0).HighWatermark == before+500
			})
			for i, v := range read(t, c, "t", 0)[before:] {
				if string(v) != fmt.Sprint(i) {
					t.Fatalf("at place %d is record %s", i, v)
				}
			}
		})
	}
}

func TestSendWritesTheWholeRecord(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	stamp := time.UnixMilli(1234567890123)
	headers := []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: nil}, {Key: "", Value: []byte{}}}
	before := time.Now().Truncate(time.Millisecond)
	send(t, p, "t",
		kgo.Record{Partition: -1, Key: []byte("k"), Value: []byte("v"), Timestamp: stamp, Headers: headers},
		kgo.Record{Partition: -1, Value: nil})
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"), kgo.DisableClientMetrics(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := client.PollFetches(t.Context()).Records()
	if len(got) != 2 {
		t.Fatalf("read %d records", len(got))
	}
	if r := got[0]; string(r.Key) != "k" || string(r.Value) != "v" || !r.Timestamp.Equal(stamp) || len(r.Headers) != 3 ||
		r.Headers[1].Value != nil || r.Headers[2].Value == nil {
		t.Errorf("read %+v", r)
	}
	if r := got[1]; r.Key != nil || r.Value != nil || r.Timestamp.Before(before) || r.Timestamp.After(time.Now()) {
		t.Errorf("read %+v, sent after %s", r, before)
	}
}

func TestSendOldTimestampSurvivesARetry(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	send(t, p, "t", record(0, 1))
	if err := c.MoveTopicPartition("t", 0, (c.LeaderFor("t", 0)+1)%3); err != nil {
		t.Fatal(err)
	}
	r := record(0, 1)
	r.Timestamp = time.UnixMilli(1000) // far older than delivery.timeout.ms
	if out := send(t, p, "t", r); out[0].Err != nil {
		t.Errorf("a record with an old timestamp failed when its partition moved: %v", out[0].Err)
	}
}

func TestSendNothing(t *testing.T) {
	p := open(t, cluster(t), nil, Options{})
	if out := send(t, p, "t"); out == nil || len(out) != 0 {
		t.Errorf("outcomes %v", out)
	}
	released := 0
	if err := p.SendAsync("t", nil, func() { released++ }); err != nil || released != 1 {
		t.Errorf("error %v, released %d times", err, released)
	}
}

func TestSendAcks(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	for acks, want := range map[string]int64{"0": -1, "1": 1, "all": 1} {
		t.Run(acks, func(t *testing.T) {
			if err := c.CreateTopic("acks"+acks, 1, nil); err != nil {
				t.Fatal(err)
			}
			p := open(t, c, map[string]string{"acks": acks}, Options{})
			send(t, p, "acks"+acks, record(0, 1))
			if out := send(t, p, "acks"+acks, record(0, 1)); out[0].Err != nil || out[0].Offset != want {
				t.Errorf("offset %d, error %v; want offset %d", out[0].Offset, out[0].Err, want)
			}
			eventually(t, "both records are written", func() bool {
				return c.PartitionInfo("acks"+acks, 0).HighWatermark == 2
			})
		})
	}
}

func TestSendTooLarge(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"max.request.size": "100000"}, Options{})
	const overhead = batchOverhead + recordOverhead + 1 + 3 + 1 // null key, length of the value, no headers
	out := send(t, p, "t", record(0, 10), record(0, 100000-overhead+1), record(0, 100000-overhead), record(0, 10))
	wantErr(t, out[1], kafka.KindTooLarge, "The message is 100001 bytes when serialized which is larger than 100000, "+
		"which is the value of the max.request.size configuration.")
	for _, i := range []int{0, 2, 3} {
		if out[i].Err != nil {
			t.Errorf("record %d: %v", i, out[i].Err)
		}
	}
	if n := c.PartitionInfo("t", 0).HighWatermark; n != 3 {
		t.Errorf("%d records were written, want 3", n)
	}
}

func TestSendManyBatchesInOneRequest(t *testing.T) {
	c := cluster(t, topics(3, "t"))
	p := open(t, c, nil, Options{})
	value := bytes.Repeat([]byte("x"), 300_000)
	recs := repeat(30, kgo.Record{Partition: -1, Value: value})
	seen := map[string]bool{}
	for i, o := range send(t, p, "t", recs...) {
		at := fmt.Sprint(o.Partition, "-", o.Offset)
		if o.Err != nil || seen[at] {
			t.Fatalf("outcome %d: %+v", i, o)
		}
		seen[at] = true
	}
}

func TestSendReusesItsRequests(t *testing.T) {
	c := cluster(t, topics(4, "t"))
	p := open(t, c, nil, Options{})
	for i := range 200 { // sizes go up and down, so that leftovers of the last use would show
		n := 1 + (i*37)%50
		for j, o := range send(t, p, "t", repeat(n, record(int32(i%4), 10))...) {
			if o.Err != nil || o.Partition != int32(i%4) {
				t.Fatalf("call %d, record %d: %+v", i, j, o)
			}
		}
	}
}

func TestHooksAreTheClients(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	h := new(countHook)
	p := open(t, c, nil, Options{Hooks: []kgo.Hook{h}})
	send(t, p, "t", record(0, 1), record(0, 1))
	if h.buffered != 2 || h.unbuffered != 2 {
		t.Errorf("%d records buffered, %d unbuffered, want 2 each: %s", h.buffered, h.unbuffered, "no other record may be seen")
	}
}

// countHook counts the records that the client sees. The client calls it for one record at a time here.
type countHook struct{ buffered, unbuffered int }

func (h *countHook) OnProduceRecordBuffered(*kgo.Record)          { h.buffered++ }
func (h *countHook) OnProduceRecordUnbuffered(*kgo.Record, error) { h.unbuffered++ }

func TestNewRefusesBadOptions(t *testing.T) {
	cfg, _ := kafka.Interpret(kafka.Producer, map[string]string{"bootstrap.servers": "127.0.0.1:1"})
	if p, err := New(cfg, []kgo.Opt{kgo.MaxConcurrentFetches(-1), kgo.BrokerMaxWriteBytes(-1)}, Options{}); err == nil {
		p.Close(t.Context())
		t.Error("no error")
	}
}
