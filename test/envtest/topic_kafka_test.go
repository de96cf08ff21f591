//go:build envtest && kafka

package envtest

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// TestTopicReplicas changes the number of replicas of a topic with data in it on a real Kafka: with a throttle and its progress in the
// status, through the end of one operator and the start of another, and back.
func TestTopicReplicas(t *testing.T) {
	admin, namespace := cluster(t)
	rig, k := topicReal(t, kafkarig.Options{Brokers: 3})
	// Slow enough that the move is seen, and that an operator ends in the middle of it.
	slow := func(o *controller.TopicOptions) { o.Throttle = 1_000_000 }
	c := topicControllers(t, admin, namespace, k, slow)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	c.newTopic(topicOf("orders", 3, 1, ""))
	c.topicBecomes("orders", "Ready=True")
	fill(t, rig, "orders", 12<<20)

	cr := c.topicBecomes("orders", "Ready=True")
	c.patch(cr, `{"spec":{"replicas":2}}`)
	var seen *v1.ReplicasChange
	until(t, "the replicas to move", func() (bool, string) {
		if err := c.read("orders", cr); err != nil {
			return false, err.Error()
		}
		seen = cr.Status.ReplicasChange
		return seen != nil && seen.State == v1.ReplicasChangeOngoing, topicSays(cr)
	})
	if *seen.TargetReplicas != 2 || seen.SessionID == "" || !strings.Contains(seen.Message, "partitions") {
		t.Errorf("%+v", seen)
	}
	rates, err := k.admin.Throttles(deadline(t), []int32{0, 1, 2})
	if err != nil || len(rates) == 0 || rates[0]+rates[1]+rates[2] < 1_000_000 {
		t.Errorf("%v: the brokers are limited to %v", err, rates)
	}
	c.stop()

	c = topicControllers(t, admin, namespace, k, slow)
	done := func(replicas int) {
		t.Helper()
		until(t, "the move to end", func() (bool, string) {
			if err := c.read("orders", cr); err != nil {
				return false, err.Error()
			}
			message := topicSays(cr)
			if cr.Status.ReplicasChange != nil {
				message += " " + cr.Status.ReplicasChange.Message
			}
			return cr.Status.ReplicasChange == nil && cr.Status.ObservedGeneration == cr.Generation, message
		})
		for _, p := range k.has(t, "orders", 3).Partitions {
			if len(p.Replicas) != replicas {
				t.Errorf("%+v instead of %d replicas", p, replicas)
			}
		}
		until(t, "the brokers' limits to go", func() (bool, string) {
			rates, err := k.admin.Throttles(deadline(t), []int32{0, 1, 2})
			return err == nil && len(rates) == 0, "some"
		})
	}
	done(2)
	t.Log("down again")
	c.patch(cr, `{"spec":{"replicas":1}}`)
	done(1)
	t.Log("more than there are brokers")
	c.patch(cr, `{"spec":{"replicas":4}}`)
	c.topicBecomes("orders", "Ready=False KafkaError: spec.replicas: 4 replicas need as many brokers, and there are 3…")
	c.patch(cr, `{"spec":{"replicas":1}}`)
	c.topicBecomes("orders", "Ready=True")
	done(1)
}

// fill writes records into a topic, so many bytes in all.
func fill(t *testing.T, rig *kafkarig.Rig, name string, bytes int) {
	t.Helper()
	producer := rig.Client(t, kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := []byte(strings.Repeat("x", 64<<10))
	for range bytes / len(value) {
		producer.Produce(deadline(t), &kgo.Record{Value: value}, nil)
	}
	if err := producer.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
}
