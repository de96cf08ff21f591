//go:build kafka

package memory

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/test/bridgeproc"
)

// admin creates a topic.
func admin(t *testing.T, addr, topic string, partitions int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

const (
	// brokerDelay makes Kafka the bottleneck: the machine's processors, which the clients here use too, are to be none.
	brokerDelay = 50 * time.Millisecond
	// phase is how long the overload is measured, and each candidate for the peak half as long.
	phase = 6 * time.Second
	// owed is the share of the peak that has to be left under four times the load.
	owed = 0.8
)

// TestKafkaGoodputUnderOverload measures what the bridge gets done when just enough is asked of it, and then when four times as
// much is, by clients that do not wait to be asked again.
func TestKafkaGoodputUnderOverload(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Topic("load", 8))
	t.Cleanup(cluster.Delay(brokerDelay, kmsg.Produce))
	b := bridgeproc.Start(t, []string{"GOMEMLIMIT=" + limit}, "--set", "kafka.bootstrap.servers="+cluster.Bootstrap())
	body := []byte(`{"records":[{"value":"` + strings.Repeat("x", 50_000) + `"}]}`)

	peak := 0.0
	for clients := 32; clients <= 256; clients *= 2 { // the peak is where more clients bring no more
		l := newLoad(b.API)
		ctx, cancel := context.WithTimeout(t.Context(), phase/2)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() { l.post(ctx, "load", body) })
		}
		all.Wait()
		cancel()
		rate := float64(l.statuses[http.StatusOK].Load()) / (phase / 2).Seconds()
		t.Logf("%d clients: %.0f/s; %s", clients, rate, l)
		l.client.CloseIdleConnections()
		peak = max(peak, rate)
	}

	l := newLoad(b.API)
	ctx, cancel := context.WithTimeout(t.Context(), phase)
	defer cancel()
	var all sync.WaitGroup
	offered := 0
	for began := time.Now(); ctx.Err() == nil; pause(ctx, 5*time.Millisecond) {
		for due := int(4 * peak * time.Since(began).Seconds()); offered < due; offered++ {
			all.Go(func() { l.do(ctx, http.MethodPost, "/topics/load", "application/vnd.kafka.json.v2+json", body, "") })
		}
	}
	all.Wait()
	l.client.CloseIdleConnections()
	goodput := float64(l.statuses[http.StatusOK].Load()) / phase.Seconds()
	t.Logf("peak %.0f/s; offered %.0f/s, goodput %.0f/s = %.0f %%; %s", peak, float64(offered)/phase.Seconds(), goodput, 100*goodput/peak, l)
	if goodput < owed*peak {
		t.Errorf("goodput under overload is %.0f/s, less than %.0f %% of the peak of %.0f/s", goodput, 100*owed, peak)
	}
	if l.statuses[http.StatusServiceUnavailable].Load() == 0 {
		t.Error("nothing was refused: this was no overload")
	}
}
