package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"
)

// threefold is an authority with two former keys, in the middle of a replacement.
func threefold(t testing.TB) Authority {
	t.Helper()
	return replacedAt(t, replacedAt(t, created(t, ClusterCA), noon.Add(day)), noon.Add(2*day))
}

// TestSecretsRoundTrip: what is written is read again, and written again it is the same to the byte.
func TestSecretsRoundTrip(t *testing.T) {
	a := threefold(t)
	key, cert := secrets(t, a, true)
	wantKey := []string{"ca-generation-0.key", "ca-generation-1.key", "ca.key"}
	wantCert := []string{"ca-2027-11-22T12-00-00Z.crt", "ca-2027-11-23T12-00-00Z.crt", "ca.crt", "ca.p12", "ca.password"}
	if got := slices.Sorted(maps.Keys(key.Data)); !slices.Equal(got, wantKey) {
		t.Errorf("keys %q", got)
	}
	if got := slices.Sorted(maps.Keys(cert.Data)); !slices.Equal(got, wantCert) {
		t.Errorf("keys %q", got)
	}
	want := map[string]string{AnnotationKeyGeneration: "2"}
	if diff := cmp.Diff(want, key.Annotations); diff != "" {
		t.Error(diff)
	}
	want = map[string]string{AnnotationCertGeneration: "2"}
	if diff := cmp.Diff(want, cert.Annotations); diff != "" {
		t.Error(diff)
	}
	key.Annotations[AnnotationForceReplace], cert.Annotations[AnnotationForceRenew] = "true", "true"
	got, err := ParseAuthority(ClusterCA, key, cert)
	if err != nil {
		t.Fatal(err)
	}
	if !got.ForceRenew || !got.ForceReplace || outline(got) != outline(a) || got.Former[1].Generation != 0 {
		t.Errorf("%s, wishes %v %v", outline(got), got.ForceRenew, got.ForceReplace)
	}
	againKey, againCert := secrets(t, got, true)
	if diff := cmp.Diff(key.Data, againKey.Data); diff != "" {
		t.Errorf("the key's Secret changed\n%s", diff)
	}
	if diff := cmp.Diff(cert.Data, againCert.Data); diff != "" {
		t.Errorf("the certificate's Secret changed\n%s", diff)
	}
}

// TestOneEnd: two former certificates that end in one second share a key of the Secret.
func TestOneEnd(t *testing.T) {
	a := replacedAt(t, replacedAt(t, created(t, ClusterCA), noon), noon)
	_, cert := secrets(t, a, false)
	if len(cert.Data) != 2 {
		t.Errorf("keys %v", slices.Sorted(maps.Keys(cert.Data)))
	}
	if got := reread(t, a); string(got.Bundle()) != string(a.Bundle()) || got.Former[0].Key == nil || got.Former[1].Key == nil {
		t.Errorf("%s", outline(got))
	}
}

func openStore(t testing.TB, cert Stored) []*x509.Certificate {
	t.Helper()
	found, err := pkcs12.DecodeTrustStore(cert.Data[AuthorityStore], string(cert.Data[AuthorityPassword]))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestStore: the PKCS#12 store has what is trusted, stays while that does, keeps its password, and can be left out.
func TestStore(t *testing.T) {
	a := reread(t, created(t, ClusterCA))
	_, first := secrets(t, a, true)
	if !Equal(openStore(t, first), a.Trusted()) {
		t.Error("the store has other certificates")
	}
	if password := string(first.Data[AuthorityPassword]); len(password) != 32 || strings.Trim(password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("a password of %d bytes", len(password))
	}
	b := replacedAt(t, a, noon.Add(day))
	_, second := secrets(t, b, true)
	if string(second.Data[AuthorityPassword]) != string(first.Data[AuthorityPassword]) {
		t.Error("the password changed with the certificates")
	}
	if found := openStore(t, second); len(found) != 2 || !contains(found, a.Certificate()) || !contains(found, b.Certificate()) {
		t.Errorf("%d certificates", len(found))
	}
	_, none := secrets(t, b, false)
	if len(none.Data[AuthorityStore]) > 0 || len(none.Data[AuthorityPassword]) > 0 {
		t.Error("the store wasn't left out")
	}
	for name, change := range map[string]func(map[string][]byte){
		"store":    func(d map[string][]byte) { delete(d, AuthorityStore) },
		"password": func(d map[string][]byte) { delete(d, AuthorityPassword) },
	} {
		key, cert := secrets(t, b, true)
		change(cert.Data)
		got, err := ParseAuthority(ClusterCA, key, cert)
		if err != nil {
			t.Fatal(err)
		}
		if _, cert = secrets(t, got, true); len(openStore(t, cert)) != 2 {
			t.Errorf("without the %s it isn't made anew", name)
		}
	}
	if _, err := created(t, ClusterCA).CertSecret(iotest.ErrReader(rsa.ErrDecryption), true); err == nil || !strings.HasPrefix(err.Error(), "ca.p12: ") {
		t.Errorf("%v: a broken source of randomness must be told", err)
	}
}

// TestParseMends: what is broken is told, by Secret and key, and the next step mends it without ending the trust in what
// pods show.
func TestParseMends(t *testing.T) {
	good := threefold(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // too short is what is tested
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(short)
	if err != nil {
		t.Fatal(err)
	}
	other := created(t, ClusterCA)
	for _, c := range []struct {
		name    string
		change  func(key, cert *Stored)
		want    string // in the error; empty: none
		action  Action
		outline string
		gens    [2]int64
	}{
		{
			name: "nothing", change: func(*Stored, *Stored) {}, gens: [2]int64{2, 2},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "no key", change: func(key, _ *Stored) { delete(key.Data, "ca.key") }, action: Create, gens: [2]int64{3, 3},
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "no Secret of the key", change: func(key, _ *Stored) { *key = Stored{} }, action: Create, gens: [2]int64{3, 3},
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1, former cluster-ca v0",
		},
		{
			name: "broken key", change: func(key, _ *Stored) { key.Data["ca.key"] = []byte("x") }, action: Create, gens: [2]int64{3, 3},
			want:    "key ca.key of Secret my-cluster-cluster-ca: no private key in PEM form",
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "short key", change: func(key, _ *Stored) { key.Data["ca.key"] = block(keyBlock, der) }, action: Create, gens: [2]int64{3, 3},
			want:    "key ca.key of Secret my-cluster-cluster-ca: the RSA key has 1024 bits: at least 2048 are needed",
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "another key", change: func(key, _ *Stored) { key.Data["ca.key"] = encodeKey(t, Pair{Key: other.Key}) }, action: Replace, gens: [2]int64{3, 3},
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "no certificate", change: func(_, cert *Stored) { delete(cert.Data, "ca.crt") }, action: Renew, gens: [2]int64{2, 3},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "no Secret of the certificate", change: func(_, cert *Stored) { *cert = Stored{} }, action: Renew, gens: [2]int64{2, 4},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "broken certificate", change: func(_, cert *Stored) { cert.Data["ca.crt"] = []byte("x") }, action: Renew, gens: [2]int64{2, 3},
			want:    "key ca.crt of Secret my-cluster-cluster-ca-cert: no certificate in PEM form",
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "broken former certificate", change: func(_, cert *Stored) { cert.Data["ca-2027-11-22T12-00-00Z.crt"] = []byte("x") }, gens: [2]int64{2, 2},
			want:    "key ca-2027-11-22T12-00-00Z.crt of Secret my-cluster-cluster-ca-cert: no certificate in PEM form",
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "broken former key", change: func(key, _ *Stored) { key.Data["ca-generation-0.key"] = []byte("x") }, gens: [2]int64{2, 2},
			want:    "key ca-generation-0.key of Secret my-cluster-cluster-ca: no private key",
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0",
		},
		{
			name: "a former one twice", change: func(_, cert *Stored) { cert.Data["ca-old.crt"] = cert.Data["ca-2027-11-22T12-00-00Z.crt"] }, gens: [2]int64{2, 2},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "other keys", change: func(key, cert *Stored) {
				key.Data["ca-generation-x.key"], key.Data["ca-generation-1"], cert.Data["extra.crt"] = []byte("x"), []byte("x"), []byte("x")
			}, gens: [2]int64{2, 2},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "broken generations", change: func(key, cert *Stored) {
				key.Annotations[AnnotationKeyGeneration], cert.Annotations[AnnotationCertGeneration] = "-1", "2147483648"
			}, gens: [2]int64{3, 3},
			want: "annotation strimzi.io/ca-key-generation of Secret my-cluster-cluster-ca: \"-1\": it is no whole number from 0 to 2147483647\n" +
				"annotation strimzi.io/ca-cert-generation of Secret my-cluster-cluster-ca-cert: \"2147483648\": it is no whole number",
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "no annotations", change: func(key, cert *Stored) { key.Annotations, cert.Annotations = nil, nil }, gens: [2]int64{3, 3},
			outline: "cluster-ca v2, former cluster-ca v1 with key, former cluster-ca v0 with key",
		},
		{
			name: "all lost", change: func(key, cert *Stored) { *key, *cert = Stored{}, Stored{} }, action: Create, gens: [2]int64{3, 3},
			outline: "cluster-ca v3, former cluster-ca v2, former cluster-ca v1, former cluster-ca v0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, cert := secrets(t, good, true)
			c.change(&key, &cert)
			a, err := ParseAuthority(ClusterCA, key, cert)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			p := testPolicy()
			p.Known = Known{KeyGeneration: 2, CertGeneration: 2, Trusted: good.Trusted()}
			mended, out, err := a.Advance(rand.Reader, noon.Add(3*day), p)
			if err != nil {
				t.Fatal(err)
			}
			if out.Action != c.action || outline(mended) != c.outline || [2]int64{mended.KeyGeneration, mended.CertGeneration} != c.gens {
				t.Errorf("%s: %s, generations %d and %d", out.Action, outline(mended), mended.KeyGeneration, mended.CertGeneration)
			}
			for _, trusted := range good.Trusted() {
				if !known(mended.Trusted(), trusted) {
					t.Errorf("%q is no longer trusted", trusted.Subject)
				}
			}
			reread(t, mended)
		})
	}
}

// TestProblemsKeepSecrets: no message quotes a key.
func TestProblemsKeepSecrets(t *testing.T) {
	for _, text := range [][]byte{block(keyBlock, []byte("hunter2")), []byte("hunter2")} {
		_, err := ParseAuthority(ClusterCA, Stored{Data: map[string][]byte{"ca.key": text, "ca-generation-0.key": text}}, Stored{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}

// TestKeylessSecret: what has no key can't be written.
func TestKeylessSecret(t *testing.T) {
	if _, err := (Authority{}).KeySecret(); err == nil || !strings.HasPrefix(err.Error(), "ca.key: ") {
		t.Errorf("error %v", err)
	}
}

func FuzzParseAuthority(f *testing.F) {
	good := threefold(f)
	key, cert := secrets(f, good, true)
	f.Add(key.Data["ca.key"], key.Data["ca-generation-0.key"], cert.Data["ca.crt"], cert.Data["ca-2027-11-22T12-00-00Z.crt"], cert.Data["ca.p12"], "2", "2", false)
	f.Add([]byte("x"), []byte(nil), cert.Data["ca.crt"], cert.Data["ca.crt"], []byte("x"), "-2", "99999999999", true)
	f.Add(key.Data["ca.key"], key.Data["ca.key"], []byte(nil), good.Bundle(), []byte(nil), "", "0", true)
	f.Fuzz(func(t *testing.T, caKey, formerKey, crt, former, store []byte, keyGeneration, certGeneration string, lost bool) {
		key := Stored{Data: map[string][]byte{"ca.key": caKey, "ca-generation-0.key": formerKey}, Annotations: map[string]string{AnnotationKeyGeneration: keyGeneration}}
		cert := Stored{
			Data:        map[string][]byte{"ca.crt": crt, "ca-2027-11-22T12-00-00Z.crt": former, "ca.p12": store, "ca.password": []byte("x")},
			Annotations: map[string]string{AnnotationCertGeneration: certGeneration},
		}
		if lost {
			delete(key.Data, "ca.key")
		}
		a, _ := ParseAuthority(ClusterCA, key, cert)
		p := testPolicy()
		p.Known = Known{KeyGeneration: 2, CertGeneration: 2, Trusted: good.Trusted()}
		next, _, err := a.Advance(rand.Reader, noon, p)
		if err != nil {
			t.Fatal(err)
		}
		if next.KeyGeneration < 2 || next.CertGeneration < 2 || !known(next.Trusted(), good.Certificate()) {
			t.Fatalf("generations %d and %d, %s", next.KeyGeneration, next.CertGeneration, outline(next))
		}
		again := reread(t, next)
		if string(again.Bundle()) != string(next.Bundle()) {
			t.Fatalf("read again it is %s, not %s", outline(again), outline(next))
		}
		leafOf(t, again, LeafRequest{Trusting: true}, noon)
		p.Known = Known{KeyGeneration: next.KeyGeneration, CertGeneration: next.CertGeneration, Trusted: next.Trusted()}
		if _, out, err := again.Advance(rand.Reader, noon, p); err != nil || len(out.Done) > 0 {
			t.Fatalf("the next step did %q, %v", out.Done, err)
		}
	})
}
