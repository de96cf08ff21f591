package producer

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// spoilt is what a released value is overwritten with.
const spoilt = 0xee

// spoil sends n values from one piece of memory, which is overwritten as soon as it is released and then used for the next
// request, as those of the bridge's callers are.
func spoil(t *testing.T, p *Producer, worker byte, n int) (written int) {
	const size = 4 << 10
	memory := make([]byte, size)
	for range n {
		for i := range memory {
			memory[i] = worker
		}
		recs := []kgo.Record{{Partition: -1, Value: memory[:size/2]}, {Partition: 0, Value: memory[size/2:]}}
		free := make(chan struct{})
		out, err := p.Send("t", recs, func() {
			for i := range memory {
				memory[i] = spoilt
			}
			close(free)
		})
		if err != nil {
			t.Error(err)
			return written
		}
		<-free
		for _, o := range out {
			if o.Err == nil {
				written++
			}
		}
	}
	return written
}

// Nothing reads a record once it is released: neither when all goes well, nor while batches are tried again, nor when the
// client gives up on a broker that hangs. Under the race detector a late reader is seen even where it does no harm.
func TestNothingReadsWhatIsReleased(t *testing.T) {
	const workers, requests = 8, 30
	for _, acks := range []string{"all", "1"} {
		t.Run("acks="+acks, func(t *testing.T) {
			c, g := gated(t, topics(3, "t"))
			spread(t, c, "t", 3)
			p := open(t, c, map[string]string{"acks": acks, "delivery.timeout.ms": "700", "request.timeout.ms": "300"}, Options{})
			retried := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotEnoughReplicas, Count: 20})
			var written atomic.Int64
			var all sync.WaitGroup
			for worker := range byte(workers) {
				all.Go(func() { written.Add(int64(spoil(t, p, worker, requests))) })
			}
			all.Wait()
			retried.Remove()
			g.close(0)
			for worker := range byte(workers) {
				all.Go(func() { written.Add(int64(spoil(t, p, worker, 1))) })
			}
			all.Wait()
			g.openAll()
			checkIntact(t, c, int(written.Load()), workers)
		})
	}
}

// checkIntact looks for values in the log that are not of one worker from end to end, and for at least as many as were
// acknowledged: what was given up on may have been written all the same.
func checkIntact(t *testing.T, c *kfake.Cluster, acknowledged, workers int) {
	t.Helper()
	found := 0
	for partition := range int32(3) {
		for _, value := range read(t, c, "t", partition) {
			found++
			if first := value[0]; int(first) >= workers || bytes.Count(value, value[:1]) != len(value) {
				t.Fatalf("partition %d has %x…, which was changed on its way", partition, value[:16])
			}
		}
	}
	if found < acknowledged || acknowledged == 0 {
		t.Errorf("%d values, %d acknowledged", found, acknowledged)
	}
}
