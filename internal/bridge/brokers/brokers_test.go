package brokers

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// longest bounds waits that end at once unless something is broken.
const longest = 5 * time.Second

func metadata() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	return req
}

func asker(t *testing.T, c *kafkatest.Cluster) *Asker {
	t.Helper()
	client := c.Client()
	return New(client)
}

func TestHungBrokerHoldsNobodyUp(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Brokers(3))
	a := asker(t, cluster)
	if _, err := metadata().RequestWith(t.Context(), a); err != nil { // the brokers are known from here on
		t.Fatal(err)
	}
	release := cluster.Hold(0)
	defer release()
	for n := range 12 {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		_, err := metadata().RequestWith(ctx, a)
		cancel()
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		if took := time.Since(begin); took > longest/2 {
			t.Errorf("request %d took %v", n, took)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.slow) != 1 {
		t.Errorf("%d brokers are avoided, want the one that hangs", len(a.slow))
	}
}

func TestOtherRequestsGoWhereTheyBelong(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Brokers(3))
	a := asker(t, cluster)
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "orders", 1, 1
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), a)
	if err != nil || resp.Topics[0].ErrorCode != 0 {
		t.Fatalf("%v %+v", err, resp)
	}
	broker := kmsg.NewPtrDescribeConfigsRequest()
	broker.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: kmsg.ConfigResourceTypeBroker, ResourceName: "1"}}
	if copier(broker) != nil {
		t.Error("the configuration of a broker is not any broker's to tell")
	}
}

func TestBoundedEndsWithItsContext(t *testing.T) {
	leave := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Bounded(ctx, func() (int, error) {
		<-leave
		return 0, nil
	})
	close(leave)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAllBrokersAway(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1", "127.0.0.1:2"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := metadata().RequestWith(ctx, New(client)); err == nil {
		t.Error("there is no broker to answer")
	}
}
