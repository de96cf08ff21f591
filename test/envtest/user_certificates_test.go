//go:build envtest

package envtest

import (
	"bytes"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"software.sslmate.com/src/go-pkcs12"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// opens checks that the PKCS#12 store of a Secret holds its certificate.
func opens(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	_, certificate, others, err := pkcs12.DecodeChain(secret.Data[user.KeyKeystore], string(secret.Data[user.KeyKeystorePassword]))
	if err != nil || len(others) != 1 || !bytes.Equal(pki.EncodeCertificates(certificate), secret.Data[user.KeyCertificate]) {
		t.Errorf("the store: %d others, %v", len(others), err)
	}
}

// TestUserCertificates follows a certificate: made, asked for anew, renewed near its end within a window only, and made by another
// authority when the clients' one changes. The key is kept all along.
func TestUserCertificates(t *testing.T) {
	at := &clock{}
	w := newUserWorld(t, userSetting{clock: at, interval: 300 * time.Millisecond}, func(k *v1.Kafka) {
		k.Spec.ClientsCa = &v1.CertificateAuthority{ValidityDays: new(int32(100)), RenewalDays: new(int32(10))}
	})
	w.newUser("my-app", "tls", nil)
	w.userIs(w.namespace, "my-app", "Ready")
	any := func(*corev1.Secret) bool { return true }
	first := w.secretIs(w.namespace, "my-app", "there", any)
	certificate := userLeaf(t, first)
	if life := time.Until(certificate.NotAfter).Round(24 * time.Hour); life != 100*24*time.Hour {
		t.Errorf("valid for %s", life)
	}
	opens(t, first)
	renewed := func(what string, before *corev1.Secret) *corev1.Secret {
		t.Helper()
		next := w.secretIs(w.namespace, "my-app", what, func(s *corev1.Secret) bool {
			return !bytes.Equal(s.Data[user.KeyCertificate], before.Data[user.KeyCertificate])
		})
		if !bytes.Equal(next.Data[user.KeyKey], first.Data[user.KeyKey]) {
			t.Errorf("%s: another key", what)
		}
		opens(t, next)
		return next
	}

	t.Log("asked for by an annotation of the Secret, which goes then")
	w.patch(first, `{"metadata":{"annotations":{"strimzi.io/force-renew":"true"}}}`)
	at.set(6 * time.Minute)
	second := renewed("renewed as asked", first)
	w.secretIs(w.namespace, "my-app", "without the annotation", func(s *corev1.Secret) bool { return s.Annotations["strimzi.io/force-renew"] == "" })
	w.says("KafkaUser", "my-app", "CertificateRenewed: the user has a new certificate: a new certificate was asked for")

	t.Log("near its end, but in no window")
	kafka := &v1.Kafka{}
	if err := w.read("my-cluster", kafka); err != nil {
		t.Fatal(err)
	}
	w.patch(kafka, `{"spec":{"maintenanceTimeWindows":["* * 0-1 1 1 ? 2099"]}}`)
	at.set(95 * 24 * time.Hour)
	from := w.metric("strimzi_reconciliations_periodical_total")
	until(t, "passes", func() (bool, string) { return w.metric("strimzi_reconciliations_periodical_total") > from+3, "fewer" })
	if now := w.secretIs(w.namespace, "my-app", "there", any); !bytes.Equal(now.Data[user.KeyCertificate], second.Data[user.KeyCertificate]) {
		t.Error("renewed in no window")
	}
	w.patch(kafka, `{"spec":{"maintenanceTimeWindows":["* * * * * ?"]}}`)
	at.set(95*24*time.Hour + 6*time.Minute)
	third := renewed("renewed in the window", second)

	t.Log("another authority: not before brokers had the time to learn of it")
	next := clientsAuthority(t, "clients-ca v1", at.now(), 5*365*24*time.Hour)
	w.patch(&corev1.Secret{ObjectMeta: metaOf(w.namespace, "my-cluster-clients-ca")}, `{"stringData":{"ca.key":`+quote(keyPEM(t, next))+`}}`)
	w.patch(&corev1.Secret{ObjectMeta: metaOf(w.namespace, "my-cluster-clients-ca-cert")},
		`{"stringData":{"ca.crt":`+quote(pki.EncodeCertificates(next.Certificate))+`,"ca-2031-01-01T00-00-00Z.crt":`+quote(pki.EncodeCertificates(w.ca.Certificate))+`}}`)
	w.touch("my-app", "one")
	if now := w.secretIs(w.namespace, "my-app", "there", any); !bytes.Equal(now.Data[user.KeyCertificate], third.Data[user.KeyCertificate]) {
		t.Error("a certificate of an authority that brokers may not know yet")
	}
	at.set(95*24*time.Hour + 12*time.Minute)
	fourth := renewed("of the new authority", third)
	if err := userLeaf(t, fourth).CheckSignatureFrom(next.Certificate); err != nil || !bytes.Equal(fourth.Data[user.KeyCA], pki.EncodeCertificates(next.Certificate)) {
		t.Error(err)
	}

	t.Log("without an authority what is there stays, and it is said")
	if err := w.Delete(deadline(t), &corev1.Secret{ObjectMeta: metaOf(w.namespace, "my-cluster-clients-ca")}); err != nil {
		t.Fatal(err)
	}
	w.newUser("other", "tls", nil)
	w.userIs(w.namespace, "other", "NotReady InvalidConfigurationException: key ca.key of Secret my-cluster-clients-ca in namespace "+w.namespace+" is not there")
	w.inKafka("other")
}

// touch has a KafkaUser looked at, and waits until it was.
func (o *userOperator) touch(name, value string) {
	o.t.Helper()
	from := o.metric("strimzi_reconciliations_successful_total")
	o.patch(kafkaUser(o.namespace, name, ""), `{"metadata":{"annotations":{"touched":"`+value+`"}}}`)
	until(o.t, "a pass", func() (bool, string) { return o.metric("strimzi_reconciliations_successful_total") > from, "none" })
}
