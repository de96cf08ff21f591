package pki

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testPolicy is like production's, but for the kind of key.
func testPolicy() AuthorityPolicy {
	t := AuthorityTemplate(0, 0)
	t.Algorithm = ECDSAP256
	return AuthorityPolicy{Template: t, OnExpiry: Renew}
}

// step advances an authority that must be usable afterwards, and have nothing more to do.
func step(t testing.TB, a Authority, p AuthorityPolicy, now time.Time) (Authority, Outcome) {
	t.Helper()
	next, out, err := a.Advance(rand.Reader, now, p)
	if err != nil {
		t.Fatal(err)
	}
	if p.Closed {
		return next, out
	}
	if c := next.Certificate(); c == nil || !now.Before(c.NotAfter) || !(Pair{Certificate: c, Key: next.Key}).matches() {
		t.Fatalf("of no use after %q", out.Done)
	}
	if next.ForceReplace {
		return next, out // it takes one more step
	}
	if _, again, err := next.Advance(rand.Reader, now, p); err != nil || len(again.Done) > 0 || again.Action != Keep {
		t.Fatalf("the next step did %q, %v", again.Done, err)
	}
	return next, out
}

func created(t testing.TB, kind Kind) Authority {
	t.Helper()
	a, err := ParseAuthority(kind, Stored{}, Stored{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ = step(t, a, testPolicy(), noon)
	return a
}

// replacedAt returns an authority with a new key.
func replacedAt(t testing.TB, a Authority, now time.Time) Authority {
	t.Helper()
	a.ForceReplace = true
	a, _ = step(t, a, testPolicy(), now)
	return a
}

// secrets returns both Secrets as a cluster called my-cluster has them.
func secrets(t testing.TB, a Authority, store bool) (key, cert Stored) {
	t.Helper()
	key, err := a.KeySecret()
	if err != nil {
		t.Fatal(err)
	}
	cert, err = a.CertSecret(rand.Reader, store)
	if err != nil {
		t.Fatal(err)
	}
	key.Name, cert.Name = "my-cluster-"+string(a.Kind), "my-cluster-"+string(a.Kind)+"-cert"
	return key, cert
}

// reread writes an authority and reads it again.
func reread(t testing.TB, a Authority) Authority {
	t.Helper()
	key, cert := secrets(t, a, true)
	got, err := ParseAuthority(a.Kind, key, cert)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// outline is an authority in a few words: what its certificates are called, and whose keys are kept.
func outline(a Authority) string {
	var words []string
	for _, c := range a.Chain {
		words = append(words, c.Subject.CommonName)
	}
	for _, f := range a.Former {
		word := "former " + f.Certificate.Subject.CommonName
		if f.Key != nil {
			word += " with key"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// TestFirstAuthority: what a new cluster gets.
func TestFirstAuthority(t *testing.T) {
	for kind, want := range map[Kind]string{ClusterCA: "CN=cluster-ca v0,O=io.strimzi", ClientsCA: "CN=clients-ca v0,O=io.strimzi"} {
		a := created(t, kind)
		if got := a.Certificate().Subject.String(); got != want {
			t.Errorf("subject %q, want %q", got, want)
		}
		if a.KeyGeneration != 0 || a.CertGeneration != 0 || a.HasFormer() {
			t.Errorf("generations %d and %d, former %v", a.KeyGeneration, a.CertGeneration, a.HasFormer())
		}
		if end := noon.Add(365 * day); !a.Certificate().NotAfter.Equal(end) {
			t.Errorf("ends at %s", a.Certificate().NotAfter)
		}
		key, cert := secrets(t, a, false)
		if got := slices.Collect(maps.Keys(key.Data)); !slices.Equal(got, []string{"ca.key"}) || key.Annotations["strimzi.io/ca-key-generation"] != "0" {
			t.Errorf("%v %v", got, key.Annotations)
		}
		if got := slices.Collect(maps.Keys(cert.Data)); !slices.Equal(got, []string{"ca.crt"}) || cert.Annotations["strimzi.io/ca-cert-generation"] != "0" {
			t.Errorf("%v %v", got, cert.Annotations)
		}
	}
	if got := (Authority{}).Certificate(); got != nil {
		t.Error("nothing has a certificate")
	}
}

// TestProductionTemplates: what differs from the templates that tests use.
func TestProductionTemplates(t *testing.T) {
	ca, leaf := AuthorityTemplate(0, -1), LeafTemplate("my-cluster-kafka", []string{"a"}, nil, 90, 10)
	if ca.Algorithm != RSA4096 || ca.Validity != 365*day || ca.RenewBefore != 30*day {
		t.Errorf("%+v", ca)
	}
	if leaf.Algorithm != RSA2048 || leaf.Validity != 90*day || leaf.RenewBefore != 10*day || leaf.Subject.String() != "CN=my-cluster-kafka,O=io.strimzi" {
		t.Errorf("%+v", leaf)
	}
}

// TestAuthorityOverTime follows one authority for years.
func TestAuthorityOverTime(t *testing.T) {
	a := Authority{Kind: ClusterCA, KeyGeneration: -1, CertGeneration: -1}
	closed, replace := testPolicy(), testPolicy()
	closed.Closed, replace.OnExpiry = true, Replace
	for _, s := range []struct {
		name      string
		at        time.Duration
		p         AuthorityPolicy
		change    func(*Authority)
		action    Action
		done      []string
		postponed string
		remove    [2][]string
		outline   string
		gens      [2]int64
	}{
		{name: "first, closed", p: closed, action: Create, done: []string{"cluster-ca: new certificate authority, there is no key"}, outline: "cluster-ca v0"},
		{name: "quiet", at: 334 * day, p: testPolicy(), outline: "cluster-ca v0"},
		{name: "due, closed", at: 335 * day, p: closed, postponed: "it expires at 2027-11-22T12:00:00Z", outline: "cluster-ca v0"},
		{
			name: "due", at: 336 * day, p: testPolicy(), action: Renew,
			done:    []string{"cluster-ca: new certificate, it expires at 2027-11-22T12:00:00Z"},
			outline: "cluster-ca v0", gens: [2]int64{0, 1},
		},
		{
			name: "a wish, closed", at: 337 * day, p: closed, change: func(a *Authority) { a.ForceRenew = true },
			postponed: "a new certificate was asked for", outline: "cluster-ca v0", gens: [2]int64{0, 1},
		},
		{
			name: "the wish is remembered", at: 338 * day, p: testPolicy(), action: Renew,
			done:   []string{"cluster-ca: new certificate, a new certificate was asked for"},
			remove: [2][]string{nil, {"strimzi.io/force-renew"}}, outline: "cluster-ca v0", gens: [2]int64{0, 2},
		},
		{
			name: "both wishes", at: 339 * day, p: testPolicy(), change: func(a *Authority) { a.ForceRenew, a.ForceReplace = true, true }, action: Replace,
			done:   []string{"cluster-ca: new key and certificate, a new key was asked for"},
			remove: [2][]string{{"strimzi.io/force-replace"}, {"strimzi.io/force-renew"}}, outline: "cluster-ca v1, former cluster-ca v0 with key", gens: [2]int64{1, 3},
		},
		{
			name: "once more", at: 340 * day, p: testPolicy(), change: func(a *Authority) { a.ForceReplace = true }, action: Replace,
			done:   []string{"cluster-ca: new key and certificate, a new key was asked for"},
			remove: [2][]string{{"strimzi.io/force-replace"}, nil}, outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key", gens: [2]int64{2, 4},
		},
		{
			name: "due, and the key with it", at: 680 * day, p: replace, change: func(a *Authority) { *a = a.WithoutFormerKeys() }, action: Replace,
			done:    []string{"cluster-ca: new key and certificate, it expires at 2028-10-27T12:00:00Z"},
			outline: "cluster-ca v3, former cluster-ca v2 with key, former cluster-ca v1, former cluster-ca v0", gens: [2]int64{3, 5},
		},
		{
			name: "former ones expire", at: 705 * day, p: closed,
			done: []string{
				`cluster-ca: the former certificate "CN=cluster-ca v2,O=io.strimzi" has expired and is no longer trusted`,
				`cluster-ca: the former certificate "CN=cluster-ca v1,O=io.strimzi" has expired and is no longer trusted`,
				`cluster-ca: the former certificate "CN=cluster-ca v0,O=io.strimzi" has expired and is no longer trusted`,
			}, outline: "cluster-ca v3", gens: [2]int64{3, 5},
		},
		{
			name: "expired, closed, a wish that waits", at: 1100 * day, p: closed, change: func(a *Authority) { a.ForceReplace = true }, action: Renew,
			done:    []string{"cluster-ca: new certificate, it expired at 2029-10-02T12:00:00Z"},
			outline: "cluster-ca v3", gens: [2]int64{3, 6},
		},
	} {
		if s.change != nil {
			s.change(&a)
		}
		next, got := step(t, a, s.p, noon.Add(s.at))
		want := Outcome{Action: s.action, Done: s.done, Postponed: s.postponed, RemoveFromKey: s.remove[0], RemoveFromCert: s.remove[1]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", s.name, diff)
		}
		if outline(next) != s.outline || [2]int64{next.KeyGeneration, next.CertGeneration} != s.gens {
			t.Errorf("%s: %s, generations %d and %d", s.name, outline(next), next.KeyGeneration, next.CertGeneration)
		}
		a = reread(t, next)
		a.ForceRenew, a.ForceReplace = next.ForceRenew, next.ForceReplace
		if outline(a) != s.outline {
			t.Errorf("%s: read again it is %s", s.name, outline(a))
		}
	}
	if !a.ForceReplace {
		t.Error("a wish that wasn't fulfilled is forgotten")
	}
}

// utf8Name is a subject as openssl encodes it, which Strimzi's operator calls.
func utf8Name(t testing.TB, common string) []byte {
	t.Helper()
	text := func(oid asn1.ObjectIdentifier, value string) any {
		type attribute struct {
			Type  asn1.ObjectIdentifier
			Value string `asn1:"utf8"`
		}
		return []any{attribute{oid, value}}
	}
	var parts []asn1.RawValue
	for _, p := range []any{text(asn1.ObjectIdentifier{2, 5, 4, 10}, "io.strimzi"), text(asn1.ObjectIdentifier{2, 5, 4, 3}, common)} {
		inner, err := asn1.Marshal(p.([]any)[0])
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: inner})
	}
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestForeignEncodingOfNames: an authority that openssl made is renewed, and leaves of both are believed under both.
func TestForeignEncodingOfNames(t *testing.T) {
	a := created(t, ClusterCA)
	raw := utf8Name(t, "cluster-ca v0")
	made, err := renewAuthority(rand.Reader, noon, a.Key, testPolicy().Template, raw)
	if err != nil {
		t.Fatal(err)
	}
	if made.Certificate.Subject.String() != a.Certificate().Subject.String() || string(made.Certificate.RawSubject) == string(a.Certificate().RawSubject) {
		t.Fatal("the test needs one name in two encodings")
	}
	a.Chain = []*x509.Certificate{made.Certificate}
	a = reread(t, a)
	before := leafOf(t, a, LeafRequest{}, noon)
	a.ForceRenew = true
	renewed, _ := step(t, a, testPolicy(), noon.Add(day))
	after := leafOf(t, renewed, LeafRequest{}, noon.Add(day))
	for name, c := range map[string]*x509.Certificate{"before": before.Certificate, "after": after.Certificate} {
		for which, ca := range map[string]Authority{"old": a, "new": renewed} {
			if err := Verify(c, ca.Trusted(), noon.Add(day)); err != nil {
				t.Errorf("the leaf of %s renewing under the %s certificate: %v", name, which, err)
			}
		}
	}
	// The Secret of the certificate is lost: the name is found in the trust bundle.
	lost := reread(t, renewed)
	lost.Chain = nil
	p := testPolicy()
	p.Known = Known{Trusted: renewed.Trusted()}
	again, _ := step(t, lost, p, noon.Add(2*day))
	if err := Verify(after.Certificate, again.Trusted()[:1], noon.Add(2*day)); err != nil {
		t.Error(err)
	}
}

// TestKnown: what is lost of the Secrets, or older than what pods have, begins no generation anew, and the trust in what
// pods show goes on.
func TestKnown(t *testing.T) {
	a := created(t, ClusterCA)
	b := replacedAt(t, a, noon.Add(day))
	now := noon.Add(2 * day)
	other := created(t, ClusterCA)
	for _, c := range []struct {
		name    string
		a       Authority
		known   Known
		outline string
		gens    [2]int64
		done    string
	}{
		{name: "nothing is wrong", a: b, known: Known{1, 1, b.Trusted()}, outline: "cluster-ca v1, former cluster-ca v0 with key", gens: [2]int64{1, 1}},
		{name: "the bundle isn't written yet", a: b, known: Known{0, 0, a.Trusted()}, outline: "cluster-ca v1, former cluster-ca v0 with key", gens: [2]int64{1, 1}},
		{name: "all lost", a: Authority{KeyGeneration: -1, CertGeneration: -1}, known: Known{1, 4, b.Trusted()}, outline: "cluster-ca v2, former cluster-ca v1, former cluster-ca v0", gens: [2]int64{2, 5}, done: "there is no key"},
		{name: "all lost but a bundle", a: Authority{KeyGeneration: -1, CertGeneration: -1}, known: Known{0, 0, a.Trusted()}, outline: "cluster-ca v1, former cluster-ca v0", gens: [2]int64{1, 1}, done: "there is no key"},
		{name: "all lost but pods", a: Authority{KeyGeneration: -1, CertGeneration: -1}, known: Known{KeyGeneration: 3, CertGeneration: 4}, outline: "cluster-ca v4", gens: [2]int64{4, 5}, done: "there is no key"},
		{name: "key lost", a: Authority{Chain: b.Chain, Former: b.Former, KeyGeneration: 0, CertGeneration: 1}, known: Known{1, 1, b.Trusted()}, outline: "cluster-ca v2, former cluster-ca v1, former cluster-ca v0 with key", gens: [2]int64{2, 2}, done: "there is no key"},
		{name: "certificate lost", a: Authority{Key: b.Key, KeyGeneration: 1, CertGeneration: 0}, known: Known{1, 4, b.Trusted()}, outline: "cluster-ca v1, former cluster-ca v0", gens: [2]int64{1, 6}, done: "there is no certificate"},
		{name: "restored", a: a, known: Known{1, 1, b.Trusted()[:1]}, outline: "cluster-ca v0, former cluster-ca v1", gens: [2]int64{2, 2}, done: "it is not the authority that pods have: it gets generation 2 of the key"},
		{name: "another one with the same generations", a: other, known: Known{0, 0, a.Trusted()}, outline: "cluster-ca v0, former cluster-ca v0", gens: [2]int64{1, 1}, done: "it gets generation 1 of the key"},
		{name: "generations lost", a: a, known: Known{0, 3, a.Trusted()}, outline: "cluster-ca v0", gens: [2]int64{0, 4}, done: "pods have a higher generation of the certificate: it is 4 now"},
		{name: "a former one is still told", a: b.WithoutFormer(), known: Known{1, 1, b.Trusted()}, outline: "cluster-ca v1, former cluster-ca v0", gens: [2]int64{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.a.Kind = ClusterCA
			p := testPolicy()
			p.Known = c.known
			got, out, err := c.a.Advance(rand.Reader, now, p)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(out.Done, "\n"); (text == "") != (c.done == "") || !strings.Contains(text, c.done) {
				t.Errorf("done %q, want %q", text, c.done)
			}
			if outline(got) != c.outline || [2]int64{got.KeyGeneration, got.CertGeneration} != c.gens {
				t.Errorf("%s, generations %d and %d", outline(got), got.KeyGeneration, got.CertGeneration)
			}
		})
	}
}

// TestUserEndsTrust: a dated certificate that a user takes out of the clients' Secret stays out, whatever the bundle says.
func TestUserEndsTrust(t *testing.T) {
	a := replacedAt(t, created(t, ClientsCA), noon.Add(day))
	p := testPolicy()
	p.Known = Known{KeyGeneration: 1, CertGeneration: 1, Trusted: a.Trusted()}
	got, _ := step(t, a.WithoutFormer(), p, noon.Add(2*day))
	if got.HasFormer() {
		t.Errorf("%s", outline(got))
	}
}

func TestTrusted(t *testing.T) {
	a := replacedAt(t, replacedAt(t, created(t, ClusterCA), noon.Add(day)), noon.Add(2*day))
	bundle := a.Bundle()
	found, err := ParseCertificates(bundle)
	if err != nil || !Equal(found, a.Trusted()) || len(found) != 3 || !found[0].Equal(a.Certificate()) {
		t.Fatalf("%d certificates, %v", len(found), err)
	}
	if again := reread(t, a).Bundle(); string(again) != string(bundle) {
		t.Error("the bundle depends on whether the authority was just made")
	}
	other := a.WithoutFormerKeys() // generations are forgotten with the keys
	slices.Reverse(other.Former)
	for i := range other.Former {
		other.Former[i].Generation = int64(i)
	}
	if again := other.arranged().Bundle(); string(again) != string(bundle) {
		t.Error("the bundle depends on the order in which former ones were found, or on their generations")
	}
	without := a.WithoutFormer()
	if without.HasFormer() || !a.HasFormer() || !Equal(without.Trusted(), a.Chain) {
		t.Error("former ones are left, or taken from the original")
	}
	keyless := a.WithoutFormerKeys()
	if outline(keyless) != "cluster-ca v2, former cluster-ca v1, former cluster-ca v0" || a.Former[0].Key == nil {
		t.Errorf("%s; before %s", outline(keyless), outline(a))
	}
	if key, _ := secrets(t, keyless, false); len(key.Data) != 1 {
		t.Errorf("%d keys are kept", len(key.Data))
	}
}

func TestHashes(t *testing.T) {
	a, b := []byte("a"), []byte("b")
	if got := TrustHash(a, b); len(got) != 16 || got != CertificateHash(a, b) {
		t.Errorf("%q", got)
	}
	if TrustHash(a, b) == TrustHash(b, a) || TrustHash([]byte("ab")) == TrustHash(a, b) || TrustHash(a, nil) == TrustHash(nil, a) {
		t.Error("two bundles have one hash")
	}
}

func TestExpiryMillis(t *testing.T) {
	a, b := authority(t, noon).Certificate, authority(t, noon.Add(day)).Certificate
	if got, want := ExpiryMillis(b, a), noon.Add(365*day).UnixMilli(); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if ExpiryMillis() != 0 {
		t.Error("nothing has an end")
	}
}

// TestAdvanceFails: without randomness, or with a template that makes no sense, nothing is done.
func TestAdvanceFails(t *testing.T) {
	a := created(t, ClusterCA)
	p := testPolicy()
	p.Template.Validity = 0
	for _, force := range []func(*Authority){func(a *Authority) { a.ForceRenew = true }, func(a *Authority) { a.ForceReplace = true }} {
		b := a
		force(&b)
		got, out, err := b.Advance(rand.Reader, noon, p)
		if err == nil || !strings.HasPrefix(err.Error(), "cluster-ca: ") || out.Action != Keep || outline(got) != outline(a) {
			t.Errorf("%v, %+v, %s", err, out, outline(got))
		}
	}
}

// chained is an authority with a root and an intermediate of a user.
func chained(t testing.TB) (chain []*x509.Certificate, key Pair) {
	t.Helper()
	root := stage(t, "root", Pair{}, 1)
	middle := stage(t, "middle", root, 0)
	return []*x509.Certificate{middle.Certificate, root.Certificate}, middle
}

// stage makes an authority that another one signed, itself if that is the zero one.
func stage(t testing.TB, name string, by Pair, length int) Pair {
	t.Helper()
	key, err := newKey(rand.Reader, ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate(rand.Reader, noon, Template{Subject: pkix.Name{CommonName: name}, Validity: 1000 * day})
	if err != nil {
		t.Fatal(err)
	}
	c.IsCA, c.MaxPathLen, c.MaxPathLenZero, c.KeyUsage = true, length, length == 0, x509.KeyUsageCertSign
	if by.Key == nil {
		by = Pair{Certificate: c, Key: key}
	}
	made, err := sign(rand.Reader, c, by, key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
