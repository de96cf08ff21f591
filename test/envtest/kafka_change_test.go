//go:build envtest

package envtest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// smallCluster is a ready Kafka of three ephemeral nodes, and what runs it.
func smallCluster(t *testing.T, change func(*v1.Kafka)) (*controlled, *broker) {
	t.Helper()
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	b := brokers(3)
	c := kafkaClusters(t, admin, namespace, b, nil)
	kafka := small(3)
	if change != nil {
		change(kafka)
	}
	c.make(kafka)
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	c.stateIs("c", v1.ConditionReady, "")
	return c, b
}

// look has the Kafka looked at: Secrets are not watched.
func (c *controlled) look() {
	c.t.Helper()
	c.patch(&v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}, fmt.Sprintf(`{"metadata":{"annotations":{"look":"%d"}}}`, time.Now().UnixNano()))
}

// uids are those of the Kafka's pods that aren't going, by name.
func (c *controlled) uids() map[string]types.UID {
	c.t.Helper()
	list := &corev1.PodList{}
	if err := c.List(deadline(c.t), list, client.InNamespace(c.namespace), client.MatchingLabels{names.LabelKind: names.KindKafka}); err != nil {
		c.t.Fatal(err)
	}
	uids := make(map[string]types.UID)
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			uids[pod.Name] = pod.UID
		}
	}
	return uids
}

// rolled waits until all these pods have been made anew, and that is over; a pass may have to be asked for.
func (c *controlled) rolled(before map[string]types.UID, ask func()) {
	c.t.Helper()
	until(c.t, "all pods to be new", func() (bool, string) {
		if ask != nil {
			ask()
		}
		now := c.uids()
		for name, uid := range before {
			if now[name] == "" || now[name] == uid {
				return false, fmt.Sprint(now)
			}
		}
		return true, ""
	})
	c.podsAre(slices.Sorted(maps.Keys(c.uids()))...)
}

// restarts returns the reasons of the Events about restarts, by pod.
func (c *controlled) restarts() map[string][]string {
	c.t.Helper()
	list := &eventsv1.EventList{}
	if err := c.List(deadline(c.t), list, client.InNamespace(c.namespace)); err != nil {
		c.t.Fatal(err)
	}
	all := make(map[string][]string)
	for _, e := range list.Items {
		if e.Action == "Restart" && e.Related != nil && e.Regarding.Kind == "Kafka" {
			all[e.Related.Name] = append(all[e.Related.Name], e.Reason)
		}
	}
	return all
}

// TestKafkaPaused: a paused Kafka keeps everything, and nothing else is looked at.
func TestKafkaPaused(t *testing.T) {
	c, _ := smallCluster(t, nil)
	kafka := &v1.Kafka{}
	if err := c.read("c", kafka); err != nil {
		t.Fatal(err)
	}
	before := c.uids()
	c.patch(kafka, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":"true"}},"spec":{"kafka":{"replicas":4,"version":"4.0.0"}}}`)
	c.stateIs("c", v1.ConditionReconciliationPaused, "")
	c.settled()
	equal(t, before, c.uids())
	equal(t, 1.0, c.metric("strimzi_resources_paused"))
}

// TestKafkaScale: a new node is added without a restart of others, and taken away when it has no replicas; it is forgotten then.
func TestKafkaScale(t *testing.T) {
	c, b := smallCluster(t, nil)
	b.set(func(b *broker) { b.configs[3] = b.configs[0] })
	before := c.uids()
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"replicas":4}}}`)
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2", "c-kafka-3")
	kafka = c.stateIs("c", v1.ConditionReady, "")
	equal(t, []int32{0, 1, 2, 3}, kafka.Status.RegisteredNodeIDs)
	after := c.uids()
	delete(after, "c-kafka-3")
	equal(t, before, after)

	t.Log("a broker with replicas stays")
	b.set(func(b *broker) {
		b.partitions = []roll.Partition{{Topic: "t", Leader: 3, Replicas: []int32{3}, ISR: []int32{3}, MinISR: 1}}
	})
	c.patch(kafka, `{"spec":{"kafka":{"replicas":3}}}`)
	c.stateIs("c", v1.ConditionWarning, "ScaleDownPreventionCheck")
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2", "c-kafka-3")

	t.Log("one without goes, with all that it had")
	b.set(func(b *broker) { b.partitions = nil })
	c.look()
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	until(t, "node 3 to be forgotten", func() (bool, string) {
		err := c.read("c", kafka)
		return err == nil && slices.Equal(kafka.Status.RegisteredNodeIDs, []int32{0, 1, 2}), fmt.Sprint(err, kafka.Status.RegisteredNodeIDs)
	})
	b.set(func(b *broker) { equal(t, []int32{3}, b.unregistered) })
	for _, list := range []client.ObjectList{&corev1.SecretList{}, &corev1.ConfigMapList{}} {
		if all := c.named(list); slices.Contains(all, "c-kafka-3") {
			t.Errorf("left: %s", all)
		}
	}
}

// TestKafkaRestarts: pods are restarted one by one for a setting that Kafka can't change at run time, by hand, and with their
// claims; never more than one is away.
func TestKafkaRestarts(t *testing.T) {
	c, b := smallCluster(t, func(k *v1.Kafka) {
		size := resource.MustParse("1Gi")
		k.Spec.Kafka.Storage = &v1.Storage{Type: v1.StorageJBOD, Volumes: []v1.JBODVolume{
			{Type: v1.StoragePersistentClaim, ID: 0, StorageSettings: v1.StorageSettings{Size: &size, DeleteClaim: new(true)}},
		}}
	})
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	before := c.uids()
	c.patch(kafka, `{"spec":{"kafka":{"config":{"auto.create.topics.enable":"false"}}}}`)
	c.rolled(before, nil)
	c.stateIs("c", v1.ConditionReady, "")
	for pod, reasons := range c.restarts() {
		equal(t, []string{string(roll.ConfigChangeRequiresRestart)}, reasons)
		if before[pod] == "" {
			t.Errorf("%s was restarted", pod)
		}
	}
	equal(t, 3, len(c.restarts()))

	t.Log("a setting that Kafka changes at run time restarts nothing")
	before = c.uids()
	c.patch(kafka, `{"spec":{"kafka":{"config":{"log.cleaner.threads":"2"}}}}`)
	until(t, "the brokers to be told", func() (bool, string) {
		var told string
		b.set(func(b *broker) { told = strings.Join(b.told, " | ") })
		return strings.Contains(told, "log.cleaner.threads:2"), told
	})
	c.stateIs("c", v1.ConditionReady, "")
	c.settled()
	equal(t, before, c.uids())

	t.Log("by hand")
	set := &podsetv1.StrimziPodSet{ObjectMeta: metav1.ObjectMeta{Name: "c-kafka", Namespace: c.namespace}}
	c.patch(set, `{"metadata":{"annotations":{"strimzi.io/manual-rolling-update":"true"}}}`)
	c.rolled(before, nil)
	until(t, "the wish to be gone", func() (bool, string) {
		err := c.read("c-kafka", set)
		return err == nil && set.Annotations[names.AnnotationManualRollingUpdate] == "", fmt.Sprint(err, set.Annotations)
	})

	t.Log("with its claim")
	claim := &corev1.PersistentVolumeClaim{}
	if err := c.read("data-0-c-kafka-1", claim); err != nil {
		t.Fatal(err)
	}
	lost := claim.UID
	before = c.uids()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "c-kafka-1", Namespace: c.namespace}}
	c.patch(pod, `{"metadata":{"annotations":{"strimzi.io/delete-pod-and-pvc":"true"}}}`)
	until(t, "another claim", func() (bool, string) {
		err := c.read("data-0-c-kafka-1", claim)
		if err == nil && claim.DeletionTimestamp != nil { // Kubernetes' controller that protects claims in use is not there
			_ = c.Patch(deadline(t), claim, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
		}
		return err == nil && claim.UID != lost && claim.DeletionTimestamp == nil, fmt.Sprint(err, claim.UID)
	})
	c.rolled(map[string]types.UID{"c-kafka-1": before["c-kafka-1"]}, nil)
	equal(t, before["c-kafka-0"], c.uids()["c-kafka-0"])
}

// TestKafkaAuthorities: a certificate is renewed and a key replaced as the user asks, in the phases that never break a connection, and
// the wish is taken away.
func TestKafkaAuthorities(t *testing.T) {
	c, _ := smallCluster(t, nil)
	secret := func(name string) *corev1.Secret {
		t.Helper()
		found := &corev1.Secret{}
		if err := c.read(name, found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	first, leaf := secret("c-cluster-ca-cert"), secret("c-kafka-0")
	if first.Data["ca.crt"] == nil || first.Data["ca.p12"] == nil || leaf.Data["c-kafka-0.crt"] == nil || leaf.Data["c-kafka-0.key"] == nil {
		t.Fatal("keys are missing")
	}
	before := c.uids()
	c.patch(first, `{"metadata":{"annotations":{"strimzi.io/force-renew":"true"}}}`)
	c.look()
	c.rolled(before, c.look)
	renewed := secret("c-cluster-ca-cert")
	equal(t, "1", renewed.Annotations[names.AnnotationCACertGeneration])
	if _, left := renewed.Annotations["strimzi.io/force-renew"]; left {
		t.Error("the wish is still there")
	}
	if bytes.Equal(first.Data["ca.crt"], renewed.Data["ca.crt"]) {
		t.Error("the certificate is the same")
	}
	c.stateIs("c", v1.ConditionReady, "")

	t.Log("another key")
	c.patch(secret("c-cluster-ca"), `{"metadata":{"annotations":{"strimzi.io/force-replace":"true"}}}`)
	until(t, "three rolls", func() (bool, string) {
		c.look()
		restarts := c.restarts()
		done := true
		for _, pod := range []string{"c-kafka-0", "c-kafka-1", "c-kafka-2"} {
			for _, reason := range []roll.Reason{roll.ClusterCaCertKeyReplaced, roll.CaCertRemoved} {
				done = done && slices.Contains(restarts[pod], string(reason))
			}
		}
		return done, fmt.Sprint(restarts)
	})
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	replaced := secret("c-cluster-ca-cert")
	equal(t, "2", replaced.Annotations[names.AnnotationCACertGeneration])
	equal(t, "1", secret("c-cluster-ca").Annotations[names.AnnotationCAKeyGeneration])
	for key := range replaced.Data {
		if strings.HasPrefix(key, "ca-") {
			t.Errorf("the former certificate %s is still trusted", key)
		}
	}
	c.stateIs("c", v1.ConditionReady, "")
}

// TestKafkaOwnAuthority: an authority that the user keeps is never written, and what it lacks is named.
func TestKafkaOwnAuthority(t *testing.T) {
	admin, namespace := cluster(t)
	c := kafkaClusters(t, admin, namespace, brokers(3), nil)
	kafka := small(3)
	kafka.Spec.ClusterCa = &v1.CertificateAuthority{GenerateCertificateAuthority: new(false)}
	c.make(kafka)
	c.stateIs("c", v1.ConditionNotReady, "InvalidConfigurationException")
	message := c.stateIs("c", v1.ConditionNotReady, "").Status.Conditions
	if !slices.ContainsFunc(message, func(at v1.Condition) bool { return strings.Contains(at.Message, "c-cluster-ca-cert") }) {
		t.Errorf("%+v", message)
	}
	if err := c.read("c-cluster-ca", &corev1.Secret{}); !apierrors.IsNotFound(err) {
		t.Errorf("the operator made the Secret: %v", err)
	}
	equal(t, 0, len(c.uids()))
}

// TestKafkaInvalid: what can't be is named, and the cluster that runs is left as it is.
func TestKafkaInvalid(t *testing.T) {
	c, _ := smallCluster(t, nil)
	before := c.uids()
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"version":"2.8.0"}}}`)
	c.stateIs("c", v1.ConditionNotReady, "InvalidResourceException")
	c.settled()
	equal(t, before, c.uids())
	c.patch(kafka, `{"spec":{"kafka":{"version":null}}}`)
	c.stateIs("c", v1.ConditionReady, "")
	equal(t, before, c.uids())
}

// TestKafkaRefusedPods: pods that Kubernetes would refuse are found out before any broker is taken down, and before what its pod would
// be made from anew is another one.
func TestKafkaRefusedPods(t *testing.T) {
	c, _ := smallCluster(t, nil)
	before := c.uids()
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"template":{"pod":{"hostAliases":[{"ip":"nowhere","hostnames":["kafka"]}]}}}}}`)
	said := c.stateIs("c", v1.ConditionNotReady, "InvalidResourceException")
	if text := fmt.Sprint(said.Status.Conditions); !strings.Contains(text, "template.pod: no pod is made anew") || !strings.Contains(text, "hostAliases[0].ip") {
		t.Errorf("it says %q", text)
	}
	c.settled()
	equal(t, before, c.uids())
	set := &podsetv1.StrimziPodSet{}
	if err := c.read("c-kafka", set); err != nil {
		t.Fatal(err)
	}
	for _, pod := range set.Spec.Pods {
		if strings.Contains(string(pod.Raw), "nowhere") {
			t.Error("the StrimziPodSet wants what Kubernetes refuses")
		}
	}
	c.patch(kafka, `{"spec":{"kafka":{"template":{"pod":{"hostAliases":[{"ip":"192.0.2.1","hostnames":["kafka"]}]}}}}}`)
	c.rolled(before, nil)
	c.stateIs("c", v1.ConditionReady, "")
}

// TestKafkaAnotherOperator: an operator that knows nothing of the cluster finds it as it is, and changes nothing.
func TestKafkaAnotherOperator(t *testing.T) {
	c, b := smallCluster(t, nil)
	before := c.uids()
	kafka := c.stateIs("c", v1.ConditionReady, "")
	c.settled()
	c.stop()
	next := kafkaClusters(t, c.Client, c.namespace, b, nil)
	until(t, "a pass", func() (bool, string) {
		return next.metric("strimzi_reconciliations_successful_total") >= 2, "none"
	})
	next.settled()
	equal(t, before, c.uids())
	equal(t, kafka.Status.ClusterID, next.stateIs("c", v1.ConditionReady, "").Status.ClusterID)
	for _, asked := range next.asked.take() {
		if strings.HasPrefix(asked, "POST ") || strings.HasPrefix(asked, "PUT ") || strings.HasPrefix(asked, "DELETE ") {
			t.Errorf("the next operator asked %s", asked)
		}
	}
}
