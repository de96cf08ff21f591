//go:build envtest

package envtest

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// annotated is a KafkaTopic with an annotation.
func annotated(cr *v1.KafkaTopic, key, value string) *v1.KafkaTopic {
	cr.Annotations = map[string]string{key: value}
	return cr
}

// TestTopicLeftAlone: a KafkaTopic that is paused, or not managed, changes nothing in Kafka, also when it is deleted.
func TestTopicLeftAlone(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t, kafkatest.Topic("unmanaged", 2), kafkatest.Topic("paused", 2))
	c := topicControllers(t, admin, namespace, k, nil)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	c.newTopic(annotated(topicOf("paused", 5, 1, "retention.ms=1"), names.AnnotationPause, "true"))
	c.newTopic(annotated(topicOf("unmanaged", 5, 1, "retention.ms=1"), names.AnnotationManaged, "false"))
	paused := c.topicBecomes("paused", "ReconciliationPaused=True")
	unmanaged := c.topicBecomes("unmanaged", "Unmanaged=True")
	equal(t, 1.0, c.metric("strimzi_resources_paused"))
	k.has(t, "paused", 2)
	k.has(t, "unmanaged", 2)
	for _, cr := range []*v1.KafkaTopic{paused, unmanaged} {
		if len(cr.Finalizers) > 0 {
			t.Errorf("%s is held by %v", cr.Name, cr.Finalizers)
		}
		c.patch(cr, `{"metadata":{"annotations":null}}`)
		c.topicBecomes(cr.Name, "Ready=True")
		k.has(t, cr.Name, 5, "retention.ms=1")
	}
	c.patch(paused, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":"true"}}}`)
	c.patch(unmanaged, `{"metadata":{"annotations":{"strimzi.io/managed":"false"}}}`)
	c.topicBecomes("paused", "ReconciliationPaused=True")
	c.topicBecomes("unmanaged", "Unmanaged=True")
	for _, cr := range []*v1.KafkaTopic{paused, unmanaged} {
		if err := c.Delete(deadline(t), cr); err != nil {
			t.Fatal(err)
		}
		c.topicGone(cr.Name)
		k.has(t, cr.Name, 5, "retention.ms=1")
	}
}

// TestTopicConflict: of two KafkaTopics for one topic the older counts, and the other takes the topic over, as it is, when that goes.
func TestTopicConflict(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	older := c.newTopic(topicOf("orders", 2, 1, ""))
	c.topicBecomes("orders", "Ready=True")
	id := k.has(t, "orders", 2).ID
	time.Sleep(time.Second) // ages are told by the second
	younger := topicOf("a-second", 3, 1, "")
	younger.Spec.TopicName = "orders"
	c.newTopic(younger)
	c.topicBecomes("a-second", "Ready=False ResourceConflict: the topic orders is managed by the KafkaTopic orders in namespace "+namespace+"…")
	k.has(t, "orders", 2)
	if err := c.Delete(deadline(t), older); err != nil {
		t.Fatal(err)
	}
	c.topicGone("orders")
	cr := c.topicBecomes("a-second", "Ready=True")
	equal(t, id, k.has(t, "orders", 3).ID)
	equal(t, id, cr.Status.TopicID)

	t.Log("one that is renamed keeps its topic")
	c.patch(cr, `{"spec":{"topicName":"others"}}`)
	c.topicBecomes("a-second", "Ready=False NotSupported: spec.topicName: the resource is of the topic orders…")
	if k.state(t, "others") != nil {
		t.Error("the new name was made")
	}
	t.Log("one that is no longer managed leaves the topic to others")
	c.newTopic(topicOf("orders", 4, 1, ""))
	c.topicBecomes("orders", "Ready=False ResourceConflict…")
	c.patch(cr, `{"metadata":{"annotations":{"strimzi.io/managed":"false"}}}`)
	c.topicBecomes("orders", "Ready=True")
	equal(t, id, k.has(t, "orders", 4).ID)
}

// TestTopicRefused: what is wrong with a KafkaTopic, and what Kafka does not take, is said on that one alone.
func TestTopicRefused(t *testing.T) {
	admin, namespace := cluster(t)
	fake, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, func(o *controller.TopicOptions) {
		alterable, err := topic.ParseAlterable("retention.ms,min.insync.replicas")
		if err != nil {
			t.Fatal(err)
		}
		o.Alterable = alterable
	})
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	broken := fake.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "forbidden", Err: kerr.PolicyViolation, Count: -1})
	object := topicOf("object", 1, 1, "")
	raw := v1.Config{}["x"]
	raw.Raw = []byte(`{"a":1}`)
	object.Spec.Config = v1.Config{"retention.ms": raw}
	for _, cr := range []*v1.KafkaTopic{
		topicOf("fine", 1, 1, ""), topicOf("forbidden", 1, 1, ""), topicOf("too-many", 1, 9, ""), object,
		topicOf("odd", 1, 1, "min.insync.replicas=2"), topicOf("not-alterable", 1, 1, "cleanup.policy=compact"),
	} {
		c.newTopic(cr)
	}
	c.topicBecomes("fine", "Ready=True")
	c.topicBecomes("forbidden", "Ready=False KafkaError: create the topic: org.apache.kafka.common.errors.PolicyViolationException: …")
	c.topicBecomes("too-many", "Ready=False KafkaError: create the topic: org.apache.kafka.common.errors.InvalidReplicationFactorException: …")
	c.topicBecomes("object", "Ready=False InvalidResource: spec.config.retention.ms: is neither a text, a number, a boolean nor a list of them")
	c.topicBecomes("odd", "Warning=True InvalidConfig: spec.config.min.insync.replicas: 2 in-sync replicas are more than the 1 of spec.replicas…")
	c.topicBecomes("not-alterable", "Warning=True InvalidConfig: spec.config: the operator may not set cleanup.policy: they are left out, Ready=True")
	k.has(t, "not-alterable", 1)
	c.says("KafkaTopic", "forbidden", "KafkaError: create the topic")
	if c.metric("strimzi_reconciliations_failed_total") < 3 {
		t.Error("the passes that did not get through are not counted as such")
	}
	t.Log("what Kafka takes later is made, without anybody changing the KafkaTopic")
	broken.Remove()
	c.topicBecomes("forbidden", "Ready=True")
	k.has(t, "forbidden", 1)
}

// TestTopicOnSomeBrokers: that a broker does not know a topic yet which another one shows is tried again, and told nobody, unless it
// stays so.
func TestTopicOnSomeBrokers(t *testing.T) {
	admin, namespace := cluster(t)
	fake, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	cr := topicOf("orders", 1, 1, "")
	c.newTopic(cr)
	c.topicBecomes("orders", "Ready=True")
	unknown := kfake.Fault{
		Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "orders", Err: kerr.UnknownTopicOrPartition, Count: 2,
	}
	behind := fake.Fake.Fault(unknown)
	c.patch(cr, `{"spec":{"partitions":2}}`)
	c.topicBecomes("orders", "Ready=True")
	equal(t, 2, behind.Hits())
	k.has(t, "orders", 2)
	if said := strings.Join(c.saidIn(namespace, "KafkaTopic", "orders"), " | "); strings.Contains(said, "KafkaError") {
		t.Error(said)
	}

	unknown.Count = -1
	behind = fake.Fake.Fault(unknown)
	c.patch(cr, `{"spec":{"partitions":3}}`)
	c.topicBecomes("orders", "Ready=False KafkaError: describe the topic's settings: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: …")
	behind.Remove()
	c.topicBecomes("orders", "Ready=True")
}

// TestTopicWithoutCluster: without a Kafka that wants it nothing looks after a KafkaTopic, which says so, and does not hold one that
// is deleted.
func TestTopicWithoutCluster(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	orphan := topicOf("orphan", 1, 1, "")
	orphan.Finalizers = []string{names.FinalizerTopic}
	c.newTopic(orphan)
	c.newTopic(topicOf("orders", 1, 1, ""))
	nowhere := "Ready=False KafkaError: label strimzi.io/cluster: there is no Kafka my-cluster in namespace " + namespace + "…"
	c.topicBecomes("orders", nowhere)
	c.topicBecomes("orphan", nowhere)
	if err := c.Delete(deadline(t), orphan); err != nil {
		t.Fatal(err)
	}
	c.topicGone("orphan")

	kafka := newTopicKafka(t, admin, namespace, "my-cluster", k, func(k *v1.Kafka) { k.Spec.EntityOperator = nil })
	c.topicBecomes("orders", "Ready=False NotSupported: the Kafka my-cluster wants nobody to look after its topics…")
	c.patch(kafka, `{"spec":{"entityOperator":{"topicOperator":{}}}}`)
	c.topicBecomes("orders", "Ready=True")
	k.has(t, "orders", 1)

	t.Log("the Kafka goes, its topics stay and may be deleted")
	c.patch(kafka, `{"metadata":{"finalizers":["example.com/wait"]}}`)
	if err := c.Delete(deadline(t), kafka); err != nil {
		t.Fatal(err)
	}
	c.topicBecomes("orders", "Ready=False KafkaError: the Kafka my-cluster is being deleted")
	c.patch(kafka, `{"metadata":{"finalizers":null}}`)
	orders := c.topicBecomes("orders", nowhere)
	if err := c.Delete(deadline(t), orders); err != nil {
		t.Fatal(err)
	}
	c.topicGone("orders")
	k.has(t, "orders", 1)
}

// TestTopicClusterAway: while Kafka does not answer, what was as wanted goes on being so, what is new says why it waits, what is
// deleted waits; when it answers all is made up for. If the Kafka is deleted instead, nothing waits for it.
func TestTopicClusterAway(t *testing.T) {
	admin, namespace := cluster(t)
	fake, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	kafka := newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	for _, name := range []string{"stays", "goes", "waits"} {
		c.newTopic(topicOf(name, 1, 1, ""))
		c.topicBecomes(name, "Ready=True")
	}
	before := c.topicBecomes("stays", "Ready=True").ResourceVersion
	fake.Down(0)
	const away = "Ready=False KafkaError: the Kafka cluster my-cluster can't be reached: see the status of the Kafka, it is tried again and again"
	c.newTopic(topicOf("late", 1, 1, ""))
	c.topicBecomes("late", away)
	for _, name := range []string{"goes", "waits"} {
		cr := &v1.KafkaTopic{}
		cr.Namespace, cr.Name = namespace, name
		if err := c.Delete(deadline(t), cr); err != nil {
			t.Fatal(err)
		}
	}
	c.topicBecomes("goes", away)
	fake.Up(0)
	c.topicBecomes("late", "Ready=True")
	c.topicGone("goes")
	c.topicGone("waits")
	k.hasNot(t, "goes")
	equal(t, before, c.topicBecomes("stays", "Ready=True").ResourceVersion)

	fake.Down(0)
	cr := c.topicBecomes("late", "Ready=True")
	if err := c.Delete(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	c.topicBecomes("late", away)
	if err := c.Delete(deadline(t), kafka); err != nil {
		t.Fatal(err)
	}
	c.topicGone("late")
	fake.Up(0)
	k.has(t, "late", 1)
	if strings.Contains(c.log.String(), "PRIVATE KEY") {
		t.Error("a key was logged")
	}
}

// TestTopicAccess: the Secrets that the operator connects by are named while they are missing; when they are exchanged the new ones
// are used.
func TestTopicAccess(t *testing.T) {
	admin, namespace := cluster(t)
	fake, k := topicFake(t)
	c := topicControllers(t, admin, namespace, k, nil)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	secret := &corev1.Secret{}
	if err := c.read("my-cluster-cluster-operator-certs", secret); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(deadline(t), secret); err != nil {
		t.Fatal(err)
	}
	c.newTopic(topicOf("orders", 1, 1, ""))
	c.topicBecomes("orders", "Ready=False KafkaError: the Kafka cluster my-cluster can't be reached yet: Secret my-cluster-cluster-operator-certs does not exist")
	stranger, err := pki.NewCA("stranger")
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := stranger.Issue(pki.Subject{CommonName: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	secret = &corev1.Secret{Data: map[string][]byte{names.KeyOperatorCert: wrong.CertPEM, names.KeyOperatorKey: wrong.KeyPEM}}
	secret.Name = "my-cluster-cluster-operator-certs"
	c.make(secret)
	c.topicBecomes("orders", "Ready=False KafkaError: the Kafka cluster my-cluster can't be reached: …")
	right := fake.Issue(pki.Subject{CommonName: "admin"})
	secret.Data = map[string][]byte{names.KeyOperatorCert: right.CertPEM, names.KeyOperatorKey: right.KeyPEM}
	if err := c.Update(deadline(t), secret); err != nil {
		t.Fatal(err)
	}
	c.topicBecomes("orders", "Ready=True")
}

// TestTopicIdle: as long as nothing happens, looks at all topics ask the API server for nothing, also after a restart; what somebody
// changed in Kafka is set back by one.
func TestTopicIdle(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicFake(t)
	often := func(o *controller.TopicOptions) { o.Interval = 200 * time.Millisecond }
	c := topicControllers(t, admin, namespace, k, often)
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	for _, name := range []string{"one", "two", "three"} {
		c.newTopic(topicOf(name, 1, 1, "retention.ms=1000"))
		c.topicBecomes(name, "Ready=True")
	}
	looks := func(c *controlled) {
		t.Helper()
		from := c.metric("strimzi_reconciliations_periodical_total")
		until(t, "five looks at all", func() (bool, string) { return c.metric("strimzi_reconciliations_periodical_total") >= from+15, "fewer" })
	}
	looks(c)
	c.asked.take()
	looks(c)
	equal(t, []string(nil), c.asked.take())

	k.apply(t, topic.Changes{Name: "two", Set: map[string]string{"retention.ms": "9", "cleanup.policy": "compact"}})
	k.has(t, "two", 1, "retention.ms=1000")
	k.apply(t, topic.Delete("three"))
	id := k.has(t, "three", 1, "retention.ms=1000").ID
	until(t, "the id of the new topic", func() (bool, string) {
		got := c.topicBecomes("three", "Ready=True").Status.TopicID
		return got == id, got
	})
	c.stop()

	version := c.topicBecomes("one", "Ready=True").ResourceVersion
	again := topicControllers(t, admin, namespace, k, often)
	until(t, "a look at all", func() (bool, string) { return again.metric("strimzi_reconciliations_successful_total") >= 3, "none" })
	looks(again)
	for _, asked := range again.asked.take() {
		if !strings.HasPrefix(asked, "GET ") {
			t.Error(asked)
		}
	}
	equal(t, version, c.topicBecomes("one", "Ready=True").ResourceVersion)
}
