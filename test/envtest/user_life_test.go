//go:build envtest

package envtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// TestUserLife follows a KafkaUser through every way of authentication, from its making to its end.
func TestUserLife(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	cr := w.newUser("my-app", "scram-sha-512", func(cr *v1.KafkaUser) {
		cr.Spec.Quotas = &v1.KafkaUserQuotas{ProducerByteRate: new(int64(1000))}
		cr.Spec.Template = &v1.KafkaUserTemplate{Secret: &v1.ResourceTemplate{Metadata: &v1.MetadataTemplate{Labels: map[string]string{"team": "shop"}}}}
	})
	ready := w.userIs(w.namespace, "my-app", "Ready")
	equal(t, []string{"my-app", "my-app"}, []string{ready.Status.Username, ready.Status.Secret})
	w.inKafka("my-app", "my-app ALLOW READ on TOPIC orders", "my-app quota producer_byte_rate=1000", "password")
	secret := w.secretIs(w.namespace, "my-app", "with a password", func(s *corev1.Secret) bool { return len(s.Data[user.KeyPassword]) == 32 })
	equal(t, []string{"password", "sasl.jaas.config"}, slices.Sorted(keysOf(secret.Data)))
	equal(t, map[string]string{
		"team": "shop", "strimzi.io/kind": "KafkaUser", "strimzi.io/cluster": "my-cluster", "app.kubernetes.io/name": "strimzi-user-operator",
		"app.kubernetes.io/instance": "my-app", "app.kubernetes.io/managed-by": "strimzi-user-operator", "app.kubernetes.io/part-of": "strimzi-my-app",
	}, secret.Labels)
	equal(t, []metav1.OwnerReference{{APIVersion: "kafka.strimzi.io/v1", Kind: "KafkaUser", Name: "my-app", UID: cr.UID}}, secret.OwnerReferences)
	w.ledger("my-app")
	equal(t, 1.0, w.metric("strimzi_resources"))

	t.Log("other rights, no quotas, no template: the password stays")
	w.patch(cr, `{"spec":{"quotas":null,"template":null,"authorization":{"acls":[{"resource":{"type":"group","name":"g","patternType":"prefix"},"operation":"Read"}]}}}`)
	w.inKafka("my-app", "my-app ALLOW READ on GROUP g…", "password")
	again := w.secretIs(w.namespace, "my-app", "without the label", func(s *corev1.Secret) bool { return s.Labels["team"] == "" })
	equal(t, secret.Data, again.Data)

	t.Log("a certificate")
	w.patch(cr, `{"spec":{"authentication":{"type":"tls"}}}`)
	secret = w.secretIs(w.namespace, "my-app", "with a certificate", func(s *corev1.Secret) bool { return len(s.Data) == 5 })
	equal(t, []string{"ca.crt", "user.crt", "user.key", "user.p12", "user.password"}, slices.Sorted(keysOf(secret.Data)))
	equal(t, "CN=my-app", userLeaf(t, secret).Subject.String())
	w.inKafka("my-app", "CN=my-app ALLOW READ on GROUP g…")
	equal(t, "CN=my-app", w.userIs(w.namespace, "my-app", "Ready").Status.Username)

	t.Log("somebody else's certificate: there is no Secret")
	w.patch(cr, `{"spec":{"authentication":{"type":"tls-external"}}}`)
	w.without(w.namespace, "my-app")
	until(t, "the status to name no Secret", func() (bool, string) {
		s := w.userIs(w.namespace, "my-app", "Ready").Status
		return s.Secret == "" && s.Username == "CN=my-app", s.Secret
	})

	t.Log("paused: nothing is done but to say so")
	w.patch(cr, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":"true"}},"spec":{"authorization":null}}`)
	w.userIs(w.namespace, "my-app", "ReconciliationPaused")
	equal(t, 1.0, w.metric("strimzi_resources_paused"))
	w.inKafka("my-app", "CN=my-app ALLOW READ on GROUP g…")
	w.patch(cr, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":null}},"spec":{"authentication":{"type":"scram-sha-512"}}}`)
	w.inKafka("my-app", "password")
	w.userIs(w.namespace, "my-app", "Ready")
	equal(t, 0.0, w.metric("strimzi_resources_paused"))

	if err := w.Delete(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	w.inKafka("my-app")
	w.without(w.namespace, "my-app")
	w.ledger()
	w.measures("strimzi_resources", 0)
	equal(t, 0.0, w.metric("strimzi_reconciliations_failed_total"))
	w.stop()
	for _, word := range []string{string(secret.Data[user.KeyKeystorePassword]), string(again.Data[user.KeyPassword])} {
		if strings.Contains(w.log.String(), word) {
			t.Error("a password was logged")
		}
	}
}

// TestUserOrphans: what a KafkaUser left behind while no operator ran is cleaned up by the next one; a KafkaUser that was given
// to another cluster by its label counts as gone; what never had a KafkaUser stays.
func TestUserOrphans(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	failures := w.admin.ApplyUsers(deadline(t), []user.Changes{user.Diff(user.User{Name: "stranger", Authentication: user.SCRAM, ACLs: []user.ACL{
		{Resource: "TOPIC", Name: "orders", Pattern: user.PatternLiteral, Operation: "READ", Permission: user.PermissionAllow, Host: "*"},
	}}, user.State{}, user.Credential{Password: "pw"})})
	if len(failures) > 0 {
		t.Fatal(failures)
	}
	gone, moved := w.newUser("gone", "scram-sha-512", nil), w.newUser("moved", "scram-sha-512", nil)
	w.newUser("stays", "tls", nil)
	for _, name := range []string{"gone", "moved", "stays"} {
		w.userIs(w.namespace, name, "Ready")
	}
	w.ledger("gone", "moved", "stays")
	w.stop()
	if err := w.Delete(deadline(t), gone); err != nil {
		t.Fatal(err)
	}
	next := userControllers(t, w.Client, w.namespace, w.other, userSetting{bootstrap: w.kafka.Bootstrap()})
	w.inKafka("gone")
	next.ledger("moved", "stays")
	next.patch(moved, `{"metadata":{"labels":{"strimzi.io/cluster":"other"}}}`)
	w.inKafka("moved")
	next.ledger("stays")
	next.userIs(w.namespace, "moved", "NotReady InvalidConfigurationException: metadata.labels[strimzi.io/cluster]: there is no Kafka other in namespace "+w.namespace+"…")
	w.inKafka("stays", "CN=stays ALLOW READ on TOPIC orders")
	w.inKafka("stranger", "password", "stranger ALLOW READ on TOPIC orders")
	next.says("KafkaUser", "moved", "InvalidConfigurationException: metadata.labels[strimzi.io/cluster]")
}

// TestUserDrift: what somebody changes in Kafka, or does to a Secret, is set right by the next look at everything.
func TestUserDrift(t *testing.T) {
	at := &clock{}
	w := newUserWorld(t, userSetting{interval: 300 * time.Millisecond, clock: at}, nil)
	w.newUser("my-app", "scram-sha-512", nil)
	w.userIs(w.namespace, "my-app", "Ready")
	want := []string{"my-app ALLOW READ on TOPIC orders", "password"}
	w.inKafka("my-app", want...)
	states, err := w.admin.ReadUsers(deadline(t), []string{"my-app"})
	if err != nil {
		t.Fatal(err)
	}
	if failures := w.admin.ApplyUsers(deadline(t), []user.Changes{user.Remove("my-app", states["my-app"])}); len(failures) > 0 {
		t.Fatal(failures)
	}
	w.inKafka("my-app", want...)

	t.Log("a Secret that is deleted is made again, with another password, which Kafka gets")
	secret := w.secretIs(w.namespace, "my-app", "with a password", func(s *corev1.Secret) bool { return len(s.Data) == 2 })
	if err := w.Delete(deadline(t), secret); err != nil {
		t.Fatal(err)
	}
	at.set(6 * time.Minute)
	told := strings.Count(w.log.String(), "changed in Kafka")
	again := w.secretIs(w.namespace, "my-app", "made again", func(s *corev1.Secret) bool { return s.UID != secret.UID })
	if string(again.Data["password"]) == string(secret.Data["password"]) {
		t.Error("the same password")
	}
	until(t, "Kafka to be told", func() (bool, string) { return strings.Count(w.log.String(), "changed in Kafka") > told, "it is not" })

	t.Log("a label of ours that is taken off comes back; somebody else's stays")
	w.patch(again, `{"metadata":{"labels":{"strimzi.io/cluster":"x","theirs":"y"}}}`)
	at.set(12 * time.Minute)
	w.secretIs(w.namespace, "my-app", "with its labels", func(s *corev1.Secret) bool {
		return s.Labels["strimzi.io/cluster"] == "my-cluster" && s.Labels["theirs"] == "y"
	})
}

// TestUserTimed: a cluster that had no users at first is looked at by time as well.
func TestUserTimed(t *testing.T) {
	w := newUserWorld(t, userSetting{interval: 200 * time.Millisecond}, nil)
	until(t, "the first look", func() (bool, string) {
		return slices.ContainsFunc(w.asked.take(), func(a string) bool { return strings.HasSuffix(a, "/configmaps/my-cluster-kafka-users") }), "none"
	})
	w.newUser("my-app", "tls", nil)
	w.userIs(w.namespace, "my-app", "Ready")
	until(t, "looks by time", func() (bool, string) { return w.metric("strimzi_reconciliations_periodical_total") >= 3, "fewer" })
}

// TestUserIdle: looks at everything that find nothing to do ask nothing of the API server.
func TestUserIdle(t *testing.T) {
	w := newUserWorld(t, userSetting{interval: 200 * time.Millisecond}, nil)
	for _, name := range []string{"one", "two"} {
		w.newUser(name, "scram-sha-512", nil)
	}
	w.newUser("three", "tls", nil)
	var before []string
	for _, name := range []string{"one", "two", "three"} {
		before = append(before, w.userIs(w.namespace, name, "Ready").ResourceVersion)
	}
	passes := func(n float64) {
		from := w.metric("strimzi_reconciliations_periodical_total")
		until(t, "passes", func() (bool, string) { return w.metric("strimzi_reconciliations_periodical_total") >= from+n, "fewer" })
	}
	passes(6)
	w.asked.take()
	passes(15)
	if asked := w.asked.take(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
	for i, name := range []string{"one", "two", "three"} {
		if now := w.userIs(w.namespace, name, "Ready"); now.ResourceVersion != before[i] {
			t.Errorf("%s was written", name)
		}
	}
}

// TestUserRestart: a new operator sets each password once more, and writes nothing.
func TestUserRestart(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	w.newUser("one", "scram-sha-512", nil)
	w.newUser("two", "tls", nil)
	w.userIs(w.namespace, "one", "Ready")
	w.userIs(w.namespace, "two", "Ready")
	w.stop()
	next := userControllers(t, w.Client, w.namespace, w.other, userSetting{bootstrap: w.kafka.Bootstrap()})
	next.measures("strimzi_reconciliations_successful_total", 2)
	for _, asked := range next.asked.take() {
		if !strings.HasPrefix(asked, "GET ") {
			t.Errorf("asked %s", asked)
		}
	}
}

// TestUserTwoOperators: the ledger of another operator is not overwritten.
func TestUserTwoOperators(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	w.newUser("one", "scram-sha-512", nil)
	w.userIs(w.namespace, "one", "Ready")
	w.ledger("one")
	theirs := &corev1.ConfigMap{}
	if err := w.read("my-cluster-kafka-users", theirs); err != nil {
		t.Fatal(err)
	}
	theirs.Data[user.LedgerKey] = "one\ntheirs\n"
	if err := w.Update(deadline(t), theirs, client.FieldOwner("other")); err != nil {
		t.Fatal(err)
	}
	w.newUser("two", "scram-sha-512", nil)
	w.userIs(w.namespace, "two", "Ready")
	w.ledger("one", "two") // theirs has no KafkaUser, and Kafka knows nothing of it
}
