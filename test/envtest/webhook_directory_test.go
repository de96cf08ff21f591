//go:build envtest

package envtest

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

// TestCertificateOfOthers: with a certificate that somebody else keeps in a directory, the operator issues nothing and writes
// no trust, and takes up a certificate of another authority when the files are exchanged.
func TestCertificateOfOthers(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	c, namespace := cluster(t)
	hooks(t, c, namespace, "https://127.0.0.1:"+strconv.Itoa(port))
	first := keepCertificate(t, dir)
	op := start(t, c, namespace, operatorOptions{directory: dir, port: port})
	if bundle := caBundle(t, c, namespace); bundle != nil {
		t.Errorf("the operator installed %s", bundle)
	}
	trust(t, c, namespace, first)
	eventually(t, "a KafkaBridge is judged", func() error {
		out, err := kubectl(t, bridge(namespace, "my-bridge"), "apply", "-f", "-")
		if err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
		return nil
	})
	second := keepCertificate(t, dir)
	trust(t, c, namespace, second)
	eventually(t, "pods are admitted by the second certificate", func() error {
		return c.Create(deadline(t), labelled(namespace, "x"), client.DryRunAll)
	})
	if err := op.certificates.Ready(nil); err != nil {
		t.Error(err)
	}
	secret := &corev1.Secret{}
	if err := c.Get(deadline(t), client.ObjectKey{Namespace: namespace, Name: "serving"}, secret); !apierrors.IsNotFound(err) {
		t.Errorf("the operator issued a certificate of its own: %v", err)
	}
}

// keepCertificate writes a certificate of a new authority into the directory, and returns the authority's.
func keepCertificate(t *testing.T, dir string) []byte {
	t.Helper()
	ca, err := pki.NewAuthority(rand.Reader, time.Now(), pki.Template{Subject: pkix.Name{CommonName: "company"}, Validity: day})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(rand.Reader, time.Now(), pki.Template{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Validity: day})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"tls.crt": pki.EncodeCertificates(leaf.Certificate), "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pki.EncodeCertificates(ca.Certificate)
}

// trust does what cert-manager's injector does.
func trust(t *testing.T, c client.Client, name string, bundle []byte) {
	t.Helper()
	mutating, validating := &admissionregistrationv1.MutatingWebhookConfiguration{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}
	for _, o := range []client.Object{mutating, validating} {
		if err := c.Get(deadline(t), client.ObjectKey{Name: name}, o); err != nil {
			t.Fatal(err)
		}
	}
	for i := range mutating.Webhooks {
		mutating.Webhooks[i].ClientConfig.CABundle = bundle
	}
	for i := range validating.Webhooks {
		validating.Webhooks[i].ClientConfig.CABundle = bundle
	}
	for _, o := range []client.Object{mutating, validating} {
		if err := c.Update(deadline(t), o); err != nil {
			t.Fatal(err)
		}
	}
}
