package producer

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestUnknownTopicIsOneBoundedWait(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "1200"}, Options{})
	asked := observe(c, "nope")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			took := within(t, 5*time.Second, "a send to an unknown topic", func() {
				for _, o := range send(t, p, "nope", repeat(10, record(-1, 1))...) {
					wantErr(t, o, kafka.KindNotInMetadata, "Topic nope not present in metadata after 1200 ms.")
				}
			})
			if took < 1100*time.Millisecond {
				t.Errorf("gave up after %s", took)
			}
		})
	}
	within(t, time.Second, "a send to another topic", func() { send(t, p, "t", record(0, 1)) })
	group.Wait()
	if n := asked.Hits(); n < 2 || n > 8 {
		t.Errorf("20 requests asked %d times together, want 2 to 8", n)
	}
}

func TestUnknownTopicIsRemembered(t *testing.T) {
	c := cluster(t)
	p := open(t, c, map[string]string{"max.block.ms": "1500"}, Options{})
	send(t, p, "nope", record(-1, 1))
	asked := observe(c, "nope")
	within(t, time.Second, "a second send", func() {
		out := send(t, p, "nope", record(-1, 1))
		wantErr(t, out[0], kafka.KindNotInMetadata, "Topic nope not present in metadata after 1500 ms.")
	})
	if n := asked.Hits(); n != 1 {
		t.Errorf("the second send asked %d times, want once", n)
	}
	if err := c.CreateTopic("nope", 1, nil); err != nil {
		t.Fatal(err)
	}
	if out := send(t, p, "nope", record(-1, 1)); out[0].Err != nil {
		t.Errorf("after its creation: %v", out[0].Err)
	}
}

func TestMissesAreBounded(t *testing.T) {
	k := lookups{active: map[want]*look{}, missed: map[want]time.Time{}}
	for i := range 3 * rememberAtMost {
		w := want{topic: fmt.Sprint("t", i), partitions: 1}
		k.end(w, &look{done: make(chan struct{})}, true)
		if len(k.missed) > rememberAtMost {
			t.Fatalf("%d misses are remembered", len(k.missed))
		}
		if _, ok := k.missed[w]; !ok {
			t.Fatal("the newest miss is not remembered")
		}
	}
	for w := range k.missed {
		k.missed[w] = time.Now().Add(-time.Second)
	}
	k.prune()
	if len(k.missed) != 0 {
		t.Errorf("%d expired misses are left", len(k.missed))
	}
}

func TestTopicCreatedDuringTheWait(t *testing.T) {
	c := cluster(t)
	p := open(t, c, map[string]string{"max.block.ms": "10000"}, Options{})
	asked := observe(c, "late")
	go func() {
		_ = asked.Wait(t.Context(), 1)
		_ = c.CreateTopic("late", 2, nil)
	}()
	within(t, 3*time.Second, "the send", func() {
		if out := send(t, p, "late", record(1, 1)); out[0].Err != nil || out[0].Partition != 1 {
			t.Errorf("outcome %+v", out[0])
		}
	})
}

func TestTopicIsCreatedByTheBroker(t *testing.T) {
	c := cluster(t, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	p := open(t, c, map[string]string{"max.block.ms": "300"}, Options{})
	out := send(t, p, "auto", record(1, 1), record(0, 1))
	wantErr(t, out[0], kafka.KindNotInMetadata,
		"Partition 1 of topic auto with partition count 1 is not present in metadata after 300 ms.")
	if out[1].Err != nil {
		t.Errorf("the record for partition 0: %v", out[1].Err)
	}
}

func TestPartitionOutOfRange(t *testing.T) {
	c := cluster(t, topics(2, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "300"}, Options{})
	for _, loaded := range []bool{false, true} { // before and after the client has metadata of its own
		t.Run(fmt.Sprint("loaded ", loaded), func(t *testing.T) {
			out := send(t, p, "t", record(0, 1), record(2, 1), record(1, 1), record(7, 1), record(-1, 1))
			for _, i := range []int{0, 2, 4} {
				if out[i].Err != nil {
					t.Errorf("record %d: %v", i, out[i].Err)
				}
			}
			wantErr(t, out[1], kafka.KindNotInMetadata,
				"Partition 2 of topic t with partition count 2 is not present in metadata after 300 ms.")
			wantErr(t, out[3], kafka.KindNotInMetadata,
				"Partition 7 of topic t with partition count 2 is not present in metadata after 300 ms.")
		})
	}
}

// addPartitions makes the topic n partitions wide.
func addPartitions(t *testing.T, c *kfake.Cluster, topic string, n int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrCreatePartitionsRequest()
	want := kmsg.NewCreatePartitionsRequestTopic()
	want.Topic, want.Count = topic, n
	req.Topics = append(req.Topics, want)
	resp, err := req.RequestWith(t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPartitionsAddedDuringTheWait(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "10000"}, Options{})
	send(t, p, "t", record(0, 1))
	asked := observe(c, "t")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = asked.Wait(t.Context(), 1)
		addPartitions(t, c, "t", 4)
	}()
	within(t, 5*time.Second, "the send", func() {
		if out := send(t, p, "t", record(3, 1)); out[0].Err != nil || out[0].Partition != 3 {
			t.Errorf("outcome %+v", out[0])
		}
	})
	<-done
}

func TestNewPartitionsAreNoticed(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"metadata.max.age.ms": "600"}, Options{})
	send(t, p, "t", record(-1, 1))
	addPartitions(t, c, "t", 50)
	eventually(t, "keyless records go to new partitions", func() bool {
		return send(t, p, "t", record(-1, 20_000))[0].Partition > 0
	})
}

func TestRefusedTopicsFailAtOnce(t *testing.T) {
	c := cluster(t)
	for _, tc := range []struct {
		err  *kerr.Error
		kind kafka.Kind
		text string
	}{
		{kerr.TopicAuthorizationFailed, kafka.KindAuthorization, "Not authorized to access topics: [refused]"},
		{kerr.InvalidTopicException, kafka.KindInvalidTopic, "Invalid topics: [refused]"},
	} {
		t.Run(tc.err.Message, func(t *testing.T) {
			p := open(t, c, nil, Options{})
			fault := refuse(c, kmsg.Metadata, "refused", tc.err)
			defer fault.Remove()
			within(t, time.Second, "the send", func() {
				for _, o := range send(t, p, "refused", record(-1, 1), record(3, 1)) {
					wantErr(t, o, tc.kind, tc.text)
				}
			})
			if err := p.SendAsync("refused", repeat(3, record(-1, 1)), nil); err != nil {
				t.Error(err)
			}
			if n := p.Stats().Failed; n != 3 {
				t.Errorf("%d records count as failed, want the 3 asynchronous ones", n)
			}
		})
	}
}

func TestMetadataFailing(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "400"}, Options{})
	fault := refuse(c, kmsg.Metadata, "t", kerr.LeaderNotAvailable)
	within(t, 2*time.Second, "a send without metadata", func() {
		wantErr(t, send(t, p, "t", record(-1, 1))[0], kafka.KindNotInMetadata, "Topic t not present in metadata after 400 ms.")
	})
	fault.Remove()
	if out := send(t, p, "t", record(-1, 1)); out[0].Err != nil {
		t.Errorf("when it works again: %v", out[0].Err)
	}
}

func TestNobodyThere(t *testing.T) {
	p := openAt(t, "127.0.0.1:1", map[string]string{"max.block.ms": "400"}, Options{})
	within(t, 2*time.Second, "a send without brokers", func() {
		wantErr(t, send(t, p, "t", record(-1, 1))[0], kafka.KindNotInMetadata, "Topic t not present in metadata after 400 ms.")
	})
}

func TestMaxBlockZero(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "0"}, Options{})
	out := send(t, p, "t", record(-1, 1))
	if out[0].Err != nil {
		wantErr(t, out[0], kafka.KindNotInMetadata, "Topic t not present in metadata after 0 ms.")
	}
	eventually(t, "the topic has been learnt in the background", func() bool {
		return send(t, p, "t", record(-1, 1))[0].Err == nil
	})
}

func TestDeletedAndRecreatedTopic(t *testing.T) {
	c := cluster(t, topics(2, "t"))
	p := open(t, c, map[string]string{"max.block.ms": "300", "delivery.timeout.ms": "1500"}, Options{})
	send(t, p, "t", record(0, 1), record(1, 1))
	if err := c.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deletion is noticed", func() bool {
		out := send(t, p, "t", record(-1, 1))
		return out[0].Err != nil && out[0].Err.Kind == kafka.KindNotInMetadata
	})
	if err := c.CreateTopic("t", 2, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new topic works", func() bool { return send(t, p, "t", record(1, 1))[0].Err == nil })
}

func TestLearnAnotherTopicOfTheSameName(t *testing.T) {
	c := cluster(t, topics(2, "t"))
	p := open(t, c, nil, Options{})
	send(t, p, "t", record(0, 1))
	s := p.session.Load()
	old := s.topic("t")
	if again := s.learn("t", old.id, []int32{0, 1}); again != old || !s.loaded(again) {
		t.Error("the same topic was not recognised")
	}
	other := s.learn("t", [16]byte{1}, []int32{0})
	if other == old || s.topic("t") != other || s.loaded(other) {
		t.Error("the client still knows the old topic, or we do")
	}
	if n, exists := s.count(other); n != 1 || !exists {
		t.Errorf("%d partitions, exists: %v", n, exists)
	}
}

func TestRecreatedTopicUnnoticed(t *testing.T) {
	c := cluster(t, topics(1, "t"))
	p := open(t, c, nil, Options{})
	send(t, p, "t", record(0, 1), record(0, 1))
	if err := c.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new topic works", func() bool { return send(t, p, "t", record(0, 1))[0].Err == nil })
	before := c.PartitionInfo("t", 0).HighWatermark
	for range 5 {
		send(t, p, "t", record(0, 1))
	}
	if n := c.PartitionInfo("t", 0).HighWatermark; n != before+5 {
		t.Errorf("%d of 5 acknowledged records are in the new topic", n-before)
	}
}

func TestDeletedTopicsAreForgotten(t *testing.T) {
	c := cluster(t, topics(1, "t", "kept"))
	p := open(t, c, nil, Options{})
	send(t, p, "t", record(0, 1))
	send(t, p, "kept", record(0, 1))
	if err := c.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	s := p.session.Load()
	gone := s.topic("t")
	s.client.ForceMetadataRefresh()
	eventually(t, "the client knows of the deletion", func() bool { _, exists := s.count(gone); return !exists })
	part := (*gone.parts.Load())[0]
	part.inflight.Store(1)
	now := time.Now()
	s.tend(now)
	s.tend(now.Add(2 * forgetAfter))
	if s.topic("t") == nil {
		t.Error("forgotten with a record in flight")
	}
	part.inflight.Store(0)
	s.tend(now.Add(2 * forgetAfter))
	if s.topic("t") != nil || s.topic("kept") == nil {
		t.Errorf("known are %v, want kept alone", *s.topics.Load())
	}
}
