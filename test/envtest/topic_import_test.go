//go:build envtest

package envtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// settingsOf are the settings of a KafkaTopic as "key=value", sorted.
func settingsOf(cr *v1.KafkaTopic) (all []string) {
	for key, value := range cr.Spec.Config {
		all = append(all, key+"="+strings.Trim(string(value.Raw), `"`))
	}
	slices.Sort(all)
	return all
}

// TestTopicImport: with the option on, each topic without a KafkaTopic gets one, by the names of the reference operator; Kafka's own
// are not deleted with theirs.
func TestTopicImport(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t, kafkatest.Topic("__consumer_offsets", 3), kafkatest.Topic("payments", 2), kafkatest.Topic("Upper_Case", 1))
	k.apply(t, topic.Changes{Name: "payments", Set: map[string]string{"retention.ms": "5000"}})
	c := topicControllers(t, admin, namespace, k, func(o *controller.TopicOptions) {
		o.Import, o.Interval = true, 200*time.Millisecond
	})
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	cr := c.topicBecomes("payments", "Ready=True")
	equal(t, []string{"retention.ms=5000"}, settingsOf(cr))
	equal(t, int32(2), *cr.Spec.Partitions)
	equal(t, "", cr.Spec.TopicName)
	const offsets = "consumer-offsets---84e7a678d08f4bd226872e5cdd4eb527fadc1c6a"
	own := c.topicBecomes(offsets, "Ready=True")
	equal(t, "__consumer_offsets", own.Spec.TopicName)
	upper := c.topicBecomes(topic.ResourceName("Upper_Case"), "Ready=True")
	equal(t, "Upper_Case", upper.Spec.TopicName)

	t.Log("deleted like any other, and not made again; but Kafka's own is")
	for _, gone := range []*v1.KafkaTopic{cr, own} {
		if err := c.Delete(deadline(t), gone); err != nil {
			t.Fatal(err)
		}
	}
	c.topicGone("payments")
	k.hasNot(t, "payments")
	until(t, "the KafkaTopic of Kafka's own topic to be another one", func() (bool, string) {
		again := &v1.KafkaTopic{}
		err := c.read(offsets, again)
		return err == nil && again.UID != own.UID, "the same"
	})
	k.has(t, "__consumer_offsets", 3)
	c.topicGone("payments")
	list := &v1.KafkaTopicList{}
	if err := c.List(deadline(t), list, client.InNamespace(namespace)); err != nil || len(list.Items) != 2 {
		t.Errorf("%v: %d KafkaTopics", err, len(list.Items))
	}
}

// TestTopicBidirectional: what was changed last counts, in Kafka or in the KafkaTopic; who deletes either deletes both.
func TestTopicBidirectional(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t, kafkatest.Topic("theirs", 2))
	c := topicControllers(t, admin, namespace, k, func(o *controller.TopicOptions) {
		o.Bidirectional, o.Interval = true, 200*time.Millisecond
	})
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	becomes := func(name string, partitions int32, settings ...string) *v1.KafkaTopic {
		t.Helper()
		var cr *v1.KafkaTopic
		until(t, "the KafkaTopic "+name, func() (bool, string) {
			cr = &v1.KafkaTopic{}
			if err := c.read(name, cr); err != nil {
				return false, err.Error()
			}
			agreed, err := topic.ParseAgreed(cr.Annotations[names.AnnotationAgreed])
			return err == nil && agreed != nil && agreed.Partitions == partitions && *cr.Spec.Partitions == partitions &&
				slices.Equal(settingsOf(cr), settings) && topicSays(cr) == "Ready=True", topicSays(cr) + strings.Join(settingsOf(cr), " ")
		})
		return cr
	}
	becomes("theirs", 2)
	c.newTopic(topicOf("ours", 1, 1, "retention.ms=1000"))
	ours := becomes("ours", 1, "retention.ms=1000")

	t.Log("changed in Kafka")
	k.apply(t, topic.Changes{Name: "ours", Partitions: 3, Set: map[string]string{"cleanup.policy": "compact"}})
	becomes("ours", 3, "cleanup.policy=compact", "retention.ms=1000")
	t.Log("changed in both")
	c.patch(ours, `{"spec":{"config":{"retention.ms":"2000"}}}`)
	k.apply(t, topic.Changes{Name: "ours", Reset: []string{"cleanup.policy"}})
	becomes("ours", 3, "retention.ms=2000")
	k.has(t, "ours", 3, "retention.ms=2000")
	t.Log("deleted in Kafka")
	k.apply(t, topic.Delete("theirs"))
	c.topicGone("theirs")
	t.Log("deleted in Kubernetes")
	if err := c.Delete(deadline(t), ours); err != nil {
		t.Fatal(err)
	}
	c.topicGone("ours")
	k.hasNot(t, "ours")
}

// TestTopicNamespaces: a Kafka has the KafkaTopics of the namespaces that it names, if the operator allows that; otherwise those of its
// own.
func TestTopicNamespaces(t *testing.T) {
	admin, namespace := cluster(t)
	_, other := cluster(t)
	_, k := topicFake(t)
	elsewhere := func(kafka *v1.Kafka) {
		kafka.Spec.EntityOperator.TopicOperator.WatchedNamespace = namespace + ", " + other
	}
	newTopicKafka(t, admin, namespace, "my-cluster", k, elsewhere)
	created := func(in, name string) *controlled {
		cr := topicOf(name, 1, 1, "")
		cr.Namespace = in
		if err := admin.Create(deadline(t), cr); err != nil {
			t.Fatal(err)
		}
		return &controlled{Client: admin, t: t, namespace: in}
	}
	free := rest.CopyConfig(server)
	free.QPS = -1
	strict := topicControllersAt(t, free, admin, []string{namespace, other}, k, nil)
	created(namespace, "here").topicBecomes("here", "Ready=True")
	created(other, "there").topicBecomes("there", "Ready=False KafkaError: label strimzi.io/cluster: there is no Kafka my-cluster in namespace "+other+"…")
	strict.stop()

	topicControllersAt(t, free, admin, []string{namespace, other}, k, func(o *controller.TopicOptions) { o.WatchedNamespace = true })
	there := &controlled{Client: admin, t: t, namespace: other}
	there.topicBecomes("there", "Ready=True")
	k.has(t, "there", 1)
	t.Log("who is older is told across namespaces")
	time.Sleep(time.Second)
	created(other, "here").topicBecomes("here", "Ready=False ResourceConflict: the topic here is managed by the KafkaTopic here in namespace "+namespace+"…")
	t.Log("a Kafka of the namespace itself comes first")
	nearer := newTopicKafka(t, admin, other, "my-cluster", k, nil)
	there.topicBecomes("here", "Ready=True")
	if err := admin.Delete(deadline(t), nearer); err != nil {
		t.Fatal(err)
	}
	there.topicBecomes("here", "Ready=False ResourceConflict…")
	if err := admin.Delete(deadline(t), &v1.KafkaTopic{ObjectMeta: metav1.ObjectMeta{Namespace: other, Name: "there"}}); err != nil {
		t.Fatal(err)
	}
	there.topicGone("there")
	k.hasNot(t, "there")
}
