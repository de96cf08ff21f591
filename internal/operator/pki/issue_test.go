package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// noon is the time at which the certificates of these tests are made.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func authorityTemplate() Template {
	return Template{Subject: pkix.Name{Organization: []string{"io.strimzi"}, CommonName: "cluster-ca v0"}, Validity: 365 * day, RenewBefore: 30 * day}
}

func leafTemplate() Template {
	return Template{
		Subject:   pkix.Name{Organization: []string{"io.strimzi"}, CommonName: "my-cluster-kafka"},
		DNSNames:  []string{"my-cluster-kafka-bootstrap", "my-cluster-kafka-bootstrap.kafka.svc"},
		Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("fd00::7")},
		Validity:  90 * day, RenewBefore: 30 * day,
	}
}

func authority(t testing.TB, now time.Time) Pair {
	t.Helper()
	ca, err := NewAuthority(rand.Reader, now, authorityTemplate())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t testing.TB, ca Pair, now time.Time, template Template) Pair {
	t.Helper()
	leaf, err := ca.Issue(rand.Reader, now, template)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func TestAuthority(t *testing.T) {
	c := authority(t, noon).Certificate
	if got, want := c.Subject.String(), "CN=cluster-ca v0,O=io.strimzi"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	if !c.IsCA || !c.BasicConstraintsValid || c.MaxPathLen != 0 || !c.MaxPathLenZero {
		t.Errorf("basic constraints: CA %v, path length %d (zero stated: %v)", c.IsCA, c.MaxPathLen, c.MaxPathLenZero)
	}
	if c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("key usage %b", c.KeyUsage)
	}
	if want := noon.Add(365 * day); !c.NotAfter.Equal(want) {
		t.Errorf("ends at %s, want %s", c.NotAfter, want)
	}
	if want := noon.Add(-5 * time.Minute); !c.NotBefore.Equal(want) {
		t.Errorf("begins at %s, want %s", c.NotBefore, want)
	}
	for _, e := range c.Extensions {
		if e.Id.String() == "2.5.29.19" && !e.Critical {
			t.Error("basic constraints aren't critical")
		}
	}
}

func TestLeaf(t *testing.T) {
	ca := authority(t, noon)
	c := issue(t, ca, noon, leafTemplate()).Certificate
	if err := Verify(c, []*x509.Certificate{ca.Certificate}, noon); err != nil {
		t.Error(err)
	}
	for _, host := range []string{"my-cluster-kafka-bootstrap", "10.0.0.7", "fd00::7"} {
		if err := c.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if c.VerifyHostname("elsewhere") == nil {
		t.Error("the certificate is good for a name it wasn't asked for")
	}
	if c.IsCA || c.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %v, key usage %b", c.IsCA, c.KeyUsage)
	}
	if want := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}; !slices.Equal(c.ExtKeyUsage, want) {
		t.Errorf("extended key usage %v, want %v", c.ExtKeyUsage, want)
	}
	if c.SerialNumber.Sign() <= 0 || c.SerialNumber.BitLen() > 127 {
		t.Errorf("serial number %s: %d bits", c.SerialNumber, c.SerialNumber.BitLen())
	}
	server := leafTemplate()
	server.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if got := issue(t, ca, noon, server).Certificate.ExtKeyUsage; !slices.Equal(got, server.Usages) {
		t.Errorf("extended key usage %v, want %v", got, server.Usages)
	}
}

// TestRSA: clusters' authorities and leaves have RSA keys and SHA-512 signatures, as Strimzi's.
func TestRSA(t *testing.T) {
	template := authorityTemplate()
	template.Algorithm = RSA4096
	ca, err := NewAuthority(rand.Reader, noon, template)
	if err != nil {
		t.Fatal(err)
	}
	if key := ca.Key.(*rsa.PrivateKey); key.N.BitLen() != 4096 {
		t.Errorf("%d bits", key.N.BitLen())
	}
	if ca.Certificate.SignatureAlgorithm != x509.SHA512WithRSA {
		t.Errorf("signature %s", ca.Certificate.SignatureAlgorithm)
	}
	want := leafTemplate()
	want.Algorithm = RSA2048
	leaf := issue(t, ca, noon, want)
	if leaf.Certificate.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment {
		t.Errorf("key usage %b", leaf.Certificate.KeyUsage)
	}
	if leaf.Certificate.SignatureAlgorithm != x509.SHA512WithRSA {
		t.Errorf("signature %s", leaf.Certificate.SignatureAlgorithm)
	}
	text, err := EncodeKey(leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("-----BEGIN PRIVATE KEY-----")) {
		t.Errorf("key form: %.30s", text)
	}
}

// TestRenewedAuthority: with the same key and subject, leaves of the old certificate are believed under the new one.
func TestRenewedAuthority(t *testing.T) {
	old := authority(t, noon)
	leaf := issue(t, old, noon, leafTemplate())
	later := noon.Add(10 * day)
	renewed, err := RenewAuthority(rand.Reader, later, old.Key, authorityTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(leaf.Certificate, []*x509.Certificate{renewed.Certificate}, later); err != nil {
		t.Error(err)
	}
	if renewed.Certificate.SerialNumber.Cmp(old.Certificate.SerialNumber) == 0 {
		t.Error("two certificates with one serial number")
	}
	again, err := renewed.Renew(rand.Reader, later, leaf.Key, leafTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if !again.Key.Public().(*ecdsa.PublicKey).Equal(leaf.Certificate.PublicKey) {
		t.Error("a renewed leaf has another key")
	}
}

func TestLeafEndsWithItsAuthority(t *testing.T) {
	ca := authority(t, noon)
	leaf := issue(t, ca, noon.Add(360*day), leafTemplate())
	if !leaf.Certificate.NotAfter.Equal(ca.Certificate.NotAfter) {
		t.Errorf("the leaf ends at %s, its authority at %s", leaf.Certificate.NotAfter, ca.Certificate.NotAfter)
	}
}

func TestIssueRefuses(t *testing.T) {
	ca := authority(t, noon)
	leaf := issue(t, ca, noon, leafTemplate())
	endless := leafTemplate()
	endless.Validity = 0
	unknown := leafTemplate()
	unknown.Algorithm = 99
	for _, c := range []struct {
		name     string
		ca       Pair
		template Template
		now      time.Time
		want     string
	}{
		{"no authority", Pair{}, leafTemplate(), noon, "certificate or key is missing"},
		{"a leaf as authority", leaf, leafTemplate(), noon, "is no authority"},
		{"an expired authority", ca, leafTemplate(), noon.Add(366 * day), "expired at 2027-11-22T12:00:00Z"},
		{"no validity", ca, endless, noon, "can't be valid for 0s"},
		{"unknown algorithm", ca, unknown, noon, "no key algorithm 99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.ca.Issue(rand.Reader, c.now, c.template); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	broken := iotest.ErrReader(errors.New("no randomness"))
	if _, err := NewAuthority(broken, noon, authorityTemplate()); err == nil || !strings.Contains(err.Error(), "no randomness") {
		t.Errorf("error %v: a broken source of randomness must be told", err)
	}
}

// TestHandshake has a client of the standard library believe a server that shows an issued leaf.
func TestHandshake(t *testing.T) {
	ca := authority(t, time.Now())
	leaf := issue(t, ca, time.Now(), leafTemplate())
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	near, far := net.Pipe()
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Certificate.Raw}, PrivateKey: leaf.Key}}})
	client := tls.Client(far, &tls.Config{RootCAs: roots, ServerName: "my-cluster-kafka-bootstrap"})
	failed := make(chan error, 1)
	go func() { failed <- server.HandshakeContext(t.Context()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}
