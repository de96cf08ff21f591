package producer

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// cpuTime returns the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// run measures op in 32 goroutines: wall and processor time, the broker's included, per record.
func run(b *testing.B, perOp int, op func() error) {
	if err := op(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	before := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N*perOp), "cpu-ns/record")
}

// BenchmarkSend compares Send with the client's own ProduceSync, which chooses partitions by the same rules, on the
// same broker.
func BenchmarkSend(b *testing.B) {
	for _, shape := range []struct {
		name       string
		count, len int
	}{{"1x100", 1, 100}, {"100x1KiB", 100, 1024}} {
		c := cluster(b, topics(4, "t"), kfake.BlackholeProduce())
		value := make([]byte, shape.len)
		b.Run(shape.name+"/steg", func(b *testing.B) {
			p := open(b, c, map[string]string{"delivery.timeout.ms": "120000"}, Options{InflightBytes: 256 << 20})
			run(b, shape.count, func() error {
				recs := make([]kgo.Record, shape.count)
				for i := range recs {
					recs[i] = kgo.Record{Partition: -1, Value: value}
				}
				out, err := p.Send("t", recs, nil)
				if err == nil && out[0].Err != nil {
					err = out[0].Err
				}
				return err
			})
		})
		b.Run(shape.name+"/kgo", func(b *testing.B) {
			client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...),
				kgo.DisableClientMetrics(), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0),
				kgo.RecordPartitioner(kgo.UniformBytesPartitioner(16384, false, true, nil)))
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			run(b, shape.count, func() error {
				slab := make([]kgo.Record, shape.count)
				recs := make([]*kgo.Record, shape.count)
				for i := range recs {
					slab[i] = kgo.Record{Topic: "t", Value: value}
					recs[i] = &slab[i]
				}
				return client.ProduceSync(b.Context(), recs...).FirstErr()
			})
		})
		c.Close()
	}
}
