package consumers

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// BenchmarkPoll reads a log again and again, in polls of max.poll.records.
func BenchmarkPoll(b *testing.B) {
	const records = 20000
	c := kafkatest.Start(b, kafkatest.Topic("t", 4))
	value := []byte(strings.Repeat("x", 100))
	for p := range int32(4) {
		batch := make([]*kgo.Record, records/4)
		for n := range batch {
			batch[n] = &kgo.Record{Topic: "t", Partition: p, Value: value}
		}
		c.Produce(batch...)
	}
	registry := New(Settings{
		Configure: configure(map[string]string{"bootstrap.servers": c.Bootstrap(), "auto.offset.reset": "earliest"}),
		Transport: func() []kgo.Opt { return nil },
		Logger:    slog.New(slog.DiscardHandler),
	})
	ctx := context.Background()
	defer func() { _ = registry.Close(ctx) }()
	i, err := registry.Create(Spec{Group: "g", Name: "c"})
	if err != nil {
		b.Fatal(err)
	}
	if err := i.Assign(ctx, tps("t", 0, 1, 2, 3)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	read := 0
	for b.Loop() {
		batch, err := i.Poll(ctx, 5*time.Second)
		if err != nil || len(batch.Records) == 0 {
			b.Fatal("nothing", err)
		}
		read += len(batch.Records)
		batch.Accept(len(batch.Records))
		if read%records == 0 {
			if err := i.SeekToBeginning(ctx, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
}
