//go:build envtest

package envtest

import (
	"testing"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// TestTopicLife follows a KafkaTopic and its topic from their making to their end.
func TestTopicLife(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	c.newTopic(topicOf("orders", 3, 1, "retention.ms=1000"))
	cr := c.topicBecomes("orders", "Ready=True")
	equal(t, []string{names.FinalizerTopic}, cr.Finalizers)
	equal(t, "orders", cr.Status.TopicName)
	equal(t, k.has(t, "orders", 3, "retention.ms=1000").ID, cr.Status.TopicID)

	c.patch(cr, `{"spec":{"partitions":4,"config":{"retention.ms":2000,"cleanup.policy":"compact"}}}`)
	c.topicBecomes("orders", "Ready=True")
	k.has(t, "orders", 4, "cleanup.policy=compact", "retention.ms=2000")

	t.Log("a setting that is taken from the spec is reset")
	c.patch(cr, `{"spec":{"config":null}}`)
	c.topicBecomes("orders", "Ready=True")
	k.has(t, "orders", 4)

	t.Log("what can't be is said, and the rest is done")
	c.patch(cr, `{"spec":{"partitions":2,"config":{"retention.ms":3000}}}`)
	c.topicBecomes("orders", "Ready=False NotSupported: spec.partitions: the topic has 4 partitions and can't have fewer…")
	c.says("KafkaTopic", "orders", "NotSupported: spec.partitions")
	k.has(t, "orders", 4, "retention.ms=3000")
	c.patch(cr, `{"spec":{"partitions":4}}`)
	c.topicBecomes("orders", "Ready=True")
	equal(t, 1.0, c.metric("strimzi_resources"))
	equal(t, 0.0, c.metric("strimzi_reconciliations_failed_total"))

	if err := c.Delete(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	c.topicGone("orders")
	k.hasNot(t, "orders")
	c.measures("strimzi_resources", 0)
}
