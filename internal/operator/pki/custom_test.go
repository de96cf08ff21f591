package pki

import (
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// custom is the Secrets of a user's authority with an intermediate one.
func custom(t testing.TB) (key, cert Stored) {
	t.Helper()
	chain, pair := chained(t)
	return secrets(t, Authority{Kind: ClusterCA, Chain: chain, Key: pair.Key}, false)
}

func TestJudgeCustom(t *testing.T) {
	key, cert := custom(t)
	a, err := JudgeCustom(ClusterCA, key, cert, Known{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if outline(a) != "middle, root" || a.KeyGeneration != 0 || a.CertGeneration != 0 {
		t.Errorf("%s, generations %d and %d", outline(a), a.KeyGeneration, a.CertGeneration)
	}
	if l := leafOf(t, a, LeafRequest{}, noon); l.Certificate.Issuer.CommonName != "middle" {
		t.Errorf("signed by %s", l.Certificate.Issuer)
	}
	delete(key.Annotations, AnnotationKeyGeneration)
	if _, err := JudgeCustom(ClusterCA, key, cert, Known{}, noon); err != nil {
		t.Errorf("without annotation: %v", err)
	}
}

// TestCustomReplacement: a user replaces the key, with and without keeping the former certificate. Nothing is signed by the
// new key before all trust it, and what is forgotten is told.
func TestCustomReplacement(t *testing.T) {
	key, cert := custom(t)
	a, err := JudgeCustom(ClusterCA, key, cert, Known{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	have := stored(a, leafOf(t, a, LeafRequest{}, noon))
	k := Known{Trusted: a.Trusted()}
	newKey, newCert := custom(t)
	const want = "annotation strimzi.io/ca-key-generation of Secret my-cluster-cluster-ca: 0 is what pods have or had from another key or certificate: put 1 there\n" +
		"annotation strimzi.io/ca-cert-generation of Secret my-cluster-cluster-ca-cert: 0 is what pods have or had from another key or certificate: put 1 there"
	if _, err := JudgeCustom(ClusterCA, newKey, newCert, k, noon); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	newKey.Annotations[AnnotationKeyGeneration] = "1"
	if _, err := JudgeCustom(ClusterCA, newKey, newCert, k, noon); err == nil || strings.Count(err.Error(), "put 1 there") != 1 {
		t.Errorf("error %v: the certificate's generation has to be raised too", err)
	}
	newCert.Annotations[AnnotationCertGeneration] = "1"
	b, err := JudgeCustom(ClusterCA, newKey, newCert, k, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := outline(b); got != "middle, root, former middle, former root" && got != "middle, root, former root, former middle" {
		t.Error(got)
	}
	if l := leafOf(t, b, LeafRequest{Have: have, Trusting: true}, noon); l.Changed || l.Generation != 0 {
		t.Errorf("generation %d, %q", l.Generation, l.Reason)
	}
	if l := leafOf(t, b, LeafRequest{Have: have}, noon); !l.Changed || l.Generation != 1 {
		t.Errorf("generation %d, changed %v", l.Generation, l.Changed)
	}
	clients, err := JudgeCustom(ClientsCA, newKey, newCert, k, noon)
	if err != nil || clients.HasFormer() {
		t.Errorf("%s, %v: users' former authorities are for the user to keep", outline(clients), err)
	}
	newCert.Data["ca-old.crt"] = EncodeCertificates(a.Chain...)
	newKey.Data["ca-generation-0.key"] = key.Data["ca.key"]
	kept, err := JudgeCustom(ClusterCA, newKey, newCert, k, noon)
	if err != nil {
		t.Fatal(err)
	}
	if l := leafOf(t, kept, LeafRequest{Trusting: true}, noon); l.Generation != 0 || Verify(l.Certificate, a.Trusted(), noon) != nil {
		t.Errorf("with the former key a new pod's leaf is of generation %d", l.Generation)
	}
}

func TestJudgeCustomRefuses(t *testing.T) {
	chain, middle := chained(t)
	other := stage(t, "other", Pair{}, 0)
	leaf := issue(t, other, noon, leafTemplate())
	narrow := stage(t, "narrow", Pair{}, 0)
	below := stage(t, "below", narrow, 0)
	template, err := certificate(rand.Reader, noon, Template{Validity: day})
	if err != nil {
		t.Fatal(err)
	}
	template.IsCA, template.KeyUsage = true, x509.KeyUsageDigitalSignature
	powerless, err := sign(rand.Reader, template, Pair{Certificate: template, Key: other.Key}, other.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		chain  []*x509.Certificate
		key    Pair
		change func(key, cert *Stored)
		at     time.Duration
		want   []string
	}{
		{name: "no Secrets", change: func(key, cert *Stored) { key.Data, cert.Data = nil, nil }, want: []string{
			"there is no Secret my-cluster-cluster-ca: create it with the private key of your authority as key ca.key, or let the operator make the authority (generateCertificateAuthority: true)",
			"there is no Secret my-cluster-cluster-ca-cert: create it with the certificate of your authority as key ca.crt, or",
		}},
		{name: "half", change: func(key, _ *Stored) { key.Data = nil }, want: []string{"there is no Secret my-cluster-cluster-ca: create it"}},
		{name: "no key", change: func(key, _ *Stored) { key.Data = map[string][]byte{} }, want: []string{"key ca.key of Secret my-cluster-cluster-ca is missing: put the private key of your authority there as PEM"}},
		{name: "no certificate", change: func(_, cert *Stored) { cert.Data["ca.crt"] = nil }, want: []string{"key ca.crt of Secret my-cluster-cluster-ca-cert is missing: put the certificate"}},
		{name: "broken key", change: func(key, _ *Stored) { key.Data["ca.key"] = []byte("x") }, want: []string{"key ca.key of Secret my-cluster-cluster-ca: no private key in PEM form: mend it or take it away"}},
		{name: "broken certificate", change: func(_, cert *Stored) { cert.Data["ca.crt"] = []byte("x") }, want: []string{"key ca.crt of Secret my-cluster-cluster-ca-cert: no certificate in PEM form"}},
		{name: "broken former one", change: func(_, cert *Stored) { cert.Data["ca-x.crt"] = []byte("x") }, want: []string{"key ca-x.crt of Secret my-cluster-cluster-ca-cert: no certificate in PEM form"}},
		{name: "broken generation", change: func(key, _ *Stored) { key.Annotations[AnnotationKeyGeneration] = "one" }, want: []string{`annotation strimzi.io/ca-key-generation of Secret my-cluster-cluster-ca: "one": it is no whole number`}},
		{name: "another's key", key: other, want: []string{`key ca.crt of Secret my-cluster-cluster-ca-cert: certificate 1 "CN=middle": it isn't for the key in ca.key of Secret my-cluster-cluster-ca: put the certificate of that key first`}},
		{name: "the wrong order", chain: []*x509.Certificate{chain[1], chain[0]}, want: []string{
			`certificate 1 "CN=root": it isn't for the key`, `certificate 2 "CN=middle": it didn't sign the one before it: put the certificate of the key first`,
		}},
		{name: "a stranger in the chain", chain: append(chain[:1:1], other.Certificate, chain[1]), want: []string{
			`certificate 2 "CN=other": it didn't sign the one before it`, `certificate 3 "CN=root": it didn't sign the one before it`,
		}},
		{name: "expired", at: 1000 * day, want: []string{
			`certificate 1 "CN=middle": it expired at 2029-08-18T12:00:00Z: put one there that is valid`, `certificate 2 "CN=root": it expired at`,
		}},
		{name: "not valid yet", at: -day, want: []string{`certificate 1 "CN=middle": it is valid only from 2026-11-22T11:55:00Z`}},
		{name: "a leaf", chain: []*x509.Certificate{leaf.Certificate}, key: leaf, want: []string{"it is no authority (basic constraints CA:TRUE)"}},
		{name: "it can't sign", chain: []*x509.Certificate{powerless.Certificate}, key: powerless, want: []string{"its key usage doesn't let it sign certificates: put one there with keyCertSign"}},
		{name: "path length", chain: []*x509.Certificate{below.Certificate, narrow.Certificate}, key: below, want: []string{`certificate 2 "CN=narrow": its path length 0 is less than the number of authorities below it, 1`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.chain == nil {
				c.chain = chain
			}
			if c.key.Key == nil {
				c.key = middle
			}
			key, cert := secrets(t, Authority{Kind: ClusterCA, Chain: c.chain, Key: c.key.Key}, false)
			if c.change != nil {
				c.change(&key, &cert)
			}
			a, err := JudgeCustom(ClusterCA, key, cert, Known{}, noon.Add(c.at))
			if err == nil {
				t.Fatalf("it is taken: %s", outline(a))
			}
			lines := strings.Split(err.Error(), "\n")
			for i, want := range c.want {
				if i >= len(lines) || !strings.Contains(lines[i], want) {
					t.Errorf("error %q, want %q in line %d", err, want, i+1)
				}
			}
		})
	}
}

func FuzzJudgeCustom(f *testing.F) {
	key, cert := custom(f)
	f.Add(key.Data["ca.key"], cert.Data["ca.crt"], []byte(nil), "0", "1")
	f.Add(key.Data["ca.key"], []byte("x"), cert.Data["ca.crt"], "", "x")
	f.Fuzz(func(t *testing.T, caKey, crt, former []byte, keyGeneration, certGeneration string) {
		key := Stored{Name: "k", Data: map[string][]byte{"ca.key": caKey}, Annotations: map[string]string{AnnotationKeyGeneration: keyGeneration}}
		cert := Stored{Name: "c", Data: map[string][]byte{"ca.crt": crt, "ca-x.crt": former}, Annotations: map[string]string{AnnotationCertGeneration: certGeneration}}
		a, err := JudgeCustom(ClusterCA, key, cert, Known{}, noon)
		if err != nil {
			if a.Key != nil || len(a.Chain) > 0 {
				t.Fatal("an authority beside an error")
			}
			return
		}
		l := leafOf(t, a, LeafRequest{}, noon)
		if err := Verify(l.Certificate, a.Trusted(), noon); err != nil {
			t.Fatal(err)
		}
	})
}
