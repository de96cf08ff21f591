//go:build envtest

package envtest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// userAuthority is an authority as a user would make it, or the next one after it.
func userAuthority(t *testing.T, of pki.Authority) pki.Authority {
	t.Helper()
	of.ForceReplace = true
	made, _, err := of.Advance(rand.Reader, time.Now(), pki.AuthorityPolicy{Template: pki.Template{Validity: 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return made.WithoutFormerKeys()
}

// userSecrets are the two Secrets of a user's authority.
func (c *controlled) userSecrets(of pki.Authority) []*corev1.Secret {
	c.t.Helper()
	key, err := of.KeySecret()
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := of.CertSecret(rand.Reader, false)
	if err != nil {
		c.t.Fatal(err)
	}
	name := "c-" + string(of.Kind)
	return []*corev1.Secret{
		{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name, Annotations: key.Annotations}, Data: key.Data},
		{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name + "-cert", Annotations: cert.Annotations}, Data: cert.Data},
	}
}

// TestKafkaOwnAuthorityExchanged: a new key of an authority that the user keeps goes through the three rolls of any other. At the end
// nodes don't trust the former one, and what the user wrote stands there as it was written.
func TestKafkaOwnAuthorityExchanged(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	c := kafkaClusters(t, admin, namespace, brokers(3), nil)
	first := userAuthority(t, pki.Authority{Kind: pki.ClusterCA, KeyGeneration: -1, CertGeneration: -1})
	for _, secret := range c.userSecrets(first) {
		c.make(secret)
	}
	kafka := small(3)
	kafka.Spec.ClusterCa = &v1.CertificateAuthority{GenerateCertificateAuthority: new(false)}
	c.make(kafka)
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	c.stateIs("c", v1.ConditionReady, "")

	second := userAuthority(t, first)
	written := make(map[string]string)
	for _, secret := range slices.Backward(c.userSecrets(second)) { // a key without its certificate is refused in between
		if err := c.Update(deadline(t), secret); err != nil {
			t.Fatal(err)
		}
		written[secret.Name] = secret.ResourceVersion
	}
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
	c.stateIs("c", v1.ConditionReady, "")
	bundle := &corev1.Secret{}
	if err := c.read(names.TrustBundle("c"), bundle); err != nil {
		t.Fatal(err)
	}
	equal(t, string(pki.EncodeCertificates(second.Certificate())), string(bundle.Data[names.KeyClusterCA]))
	for name, version := range written {
		secret := &corev1.Secret{}
		if err := c.read(name, secret); err != nil || secret.ResourceVersion != version {
			t.Errorf("%s was written: %v", name, err)
		}
		if dated := slices.ContainsFunc(slices.Collect(maps.Keys(secret.Data)), func(key string) bool { return strings.HasPrefix(key, "ca-2") }); name == "c-cluster-ca-cert" && !dated {
			t.Error("the test is about a former certificate that the user keeps")
		}
	}
}
