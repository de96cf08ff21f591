//go:build envtest

package envtest

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// TestUserRefused: what can't be had is said with what to do, and nothing is done in Kafka.
func TestUserRefused(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	w.make(&corev1.Secret{ObjectMeta: metaOf("", "taken"), StringData: map[string]string{"password": "theirs"}})
	long := strings.Repeat("u", 65)
	for name, refused := range map[string]struct {
		authentication string
		change         func(*v1.KafkaUser)
		want           string
	}{
		"no-label": {"tls", func(cr *v1.KafkaUser) { cr.Labels = nil }, "InvalidResourceException: metadata.labels[strimzi.io/cluster]: it is missing: give the name of the Kafka that the user is for"},
		"no-kafka": {"tls", func(cr *v1.KafkaUser) { cr.Labels[names.LabelCluster] = "none" }, "InvalidConfigurationException: metadata.labels[strimzi.io/cluster]: there is no Kafka none in namespace " + w.namespace + ": create it, or correct the label"},
		long:       {"tls", nil, "InvalidResourceException: metadata.name: it has 65 characters, and a certificate's name at most 64: call the user something shorter"},
		"taken":    {"scram-sha-512", nil, "ResourceConflict: Secret taken exists and was not made for this resource: delete it, or call the user something else"},
		"no-password": {"scram-sha-512", func(cr *v1.KafkaUser) {
			cr.Spec.Authentication.Password = &v1.UserPassword{ValueFrom: v1.SecretKeySource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "mine"}, Key: "pw",
			}}}
		}, "InvalidConfigurationException: spec.authentication.password: key pw of Secret mine is not there: create it, in the namespace of the KafkaUser"},
	} {
		w.newUser(name, refused.authentication, refused.change)
		w.userIs(w.namespace, name, "NotReady "+refused.want)
		if got := w.has(name); len(got) > 0 {
			t.Errorf("%s: Kafka has %v", name, got)
		}
	}
	w.secretIs(w.namespace, "taken", "untouched", func(s *corev1.Secret) bool { return string(s.Data["password"]) == "theirs" })
	w.make(&corev1.Secret{ObjectMeta: metaOf("", "mine"), StringData: map[string]string{"pw": "my-own-secret"}})
	w.userIs(w.namespace, "no-password", "Ready")
	w.secretIs(w.namespace, "no-password", "with the password", func(s *corev1.Secret) bool { return string(s.Data["password"]) == "my-own-secret" })
	w.inKafka("no-password", "no-password ALLOW READ on TOPIC orders", "password")
	w.stop()
	if strings.Contains(w.log.String(), "my-own-secret") {
		t.Error("the password was logged")
	}
}

// TestUserKafka: what a Kafka says, or that there is none, decides whether its users are looked after.
func TestUserKafka(t *testing.T) {
	w := newUserWorld(t, userSetting{}, func(k *v1.Kafka) { k.Spec.EntityOperator, k.Spec.Kafka.Authorization = nil, nil })
	w.newUser("my-app", "scram-sha-512", nil)
	w.userIs(w.namespace, "my-app", "NotReady InvalidConfigurationException: KafkaUsers of the Kafka my-cluster are not looked after: add spec.entityOperator.userOperator: {} to it")
	kafka := &v1.Kafka{}
	if err := w.read("my-cluster", kafka); err != nil {
		t.Fatal(err)
	}
	w.patch(kafka, `{"spec":{"entityOperator":{"userOperator":{"secretPrefix":"kafka-"}}}}`)
	w.userIs(w.namespace, "my-app", "NotReady InvalidResourceException: spec.authorization: the cluster has none…")
	w.patch(kafka, `{"spec":{"kafka":{"authorization":{"type":"simple"}}}}`)
	equal(t, "kafka-my-app", w.userIs(w.namespace, "my-app", "Ready").Status.Secret)
	w.secretIs(w.namespace, "kafka-my-app", "there", func(*corev1.Secret) bool { return true })

	t.Log("another prefix: another Secret, and the one before goes")
	w.patch(kafka, `{"spec":{"entityOperator":{"userOperator":{"secretPrefix":null}}}}`)
	w.secretIs(w.namespace, "my-app", "there", func(*corev1.Secret) bool { return true })
	w.without(w.namespace, "kafka-my-app")

	t.Log("the Kafka goes: the users stay as they are, and say so")
	if err := w.Delete(deadline(t), kafka); err != nil {
		t.Fatal(err)
	}
	w.userIs(w.namespace, "my-app", "NotReady InvalidConfigurationException: metadata.labels[strimzi.io/cluster]: there is no Kafka my-cluster…")
	w.secretIs(w.namespace, "my-app", "there", func(*corev1.Secret) bool { return true })
	w.inKafka("my-app", "my-app ALLOW READ on TOPIC orders", "password")
}

// TestUserAway: while Kafka is away Secrets are made, and users that are deleted are not held; all is done when it is back.
func TestUserAway(t *testing.T) {
	w := newUserWorld(t, userSetting{timeout: 500 * time.Millisecond}, nil)
	w.newUser("first", "scram-sha-512", nil)
	w.userIs(w.namespace, "first", "Ready")
	w.kafka.Down(0)
	cr := w.newUser("my-app", "scram-sha-512", nil)
	w.userIs(w.namespace, "my-app", "NotReady KafkaError: the Kafka cluster my-cluster can't be asked: …")
	w.secretIs(w.namespace, "my-app", "there", func(*corev1.Secret) bool { return true })
	if err := w.Delete(deadline(t), kafkaUser(w.namespace, "first", "")); err != nil {
		t.Fatal(err)
	}
	w.without(w.namespace, "first")
	w.kafka.Up(0)
	w.userIs(w.namespace, cr.Name, "Ready")
	w.inKafka("my-app", "my-app ALLOW READ on TOPIC orders", "password")
	w.inKafka("first")
	w.ledger("my-app")
}

// TestUserNamespaces: a Kafka that names namespaces has its KafkaUsers there, if the operator lets it; of two of one name the
// older one counts, and the other one as soon as that is gone.
func TestUserNamespaces(t *testing.T) {
	w := newUserWorld(t, userSetting{watched: true}, func(k *v1.Kafka) {
		k.Spec.EntityOperator.UserOperator.WatchedNamespace = "to be replaced"
	})
	kafka := &v1.Kafka{}
	if err := w.read("my-cluster", kafka); err != nil {
		t.Fatal(err)
	}
	w.patch(kafka, `{"spec":{"entityOperator":{"userOperator":{"watchedNamespace":"`+w.namespace+`, `+w.other+`"}}}}`)
	first := w.newUser("my-app", "scram-sha-512", nil)
	w.userIs(w.namespace, "my-app", "Ready")
	until(t, "the next second", func() (bool, string) { return time.Since(first.CreationTimestamp.Time) > time.Second, "" })
	w.make(kafkaUser(w.other, "my-app", "scram-sha-512"))
	w.userIs(w.other, "my-app", "NotReady ResourceConflict: metadata.name: the user my-app is managed by the KafkaUser of that name in namespace "+w.namespace+"…")
	if err := w.Delete(deadline(t), first); err != nil {
		t.Fatal(err)
	}
	w.userIs(w.other, "my-app", "Ready")
	secret := w.secretIs(w.other, "my-app", "there", func(*corev1.Secret) bool { return true })
	equal(t, w.other, secret.Namespace)
	w.without(w.namespace, "my-app")
	w.ledger("my-app")

	t.Log("named no more: it is nobody's")
	w.patch(kafka, `{"spec":{"entityOperator":{"userOperator":{"watchedNamespace":null}}}}`)
	w.userIs(w.other, "my-app", "NotReady InvalidConfigurationException: metadata.labels[strimzi.io/cluster]: there is no Kafka my-cluster in namespace "+w.other+"…")
	w.inKafka("my-app")
	if err := w.Get(deadline(t), client.ObjectKeyFromObject(secret), secret); err != nil {
		t.Error(err)
	}
}
