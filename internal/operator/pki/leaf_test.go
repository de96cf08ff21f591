package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pod is what is asked for the Secret of a pod.
func podRequest(r LeafRequest) LeafRequest {
	if r.Name == "" {
		r.Name = "my-cluster-kafka-0"
	}
	if r.Want.Validity == 0 {
		r.Want = LeafTemplate("my-cluster-kafka", []string{"my-cluster-kafka-0.kafka.svc"}, []netip.Addr{netip.MustParseAddr("10.0.0.7")}, 0, 0)
		r.Want.Algorithm = ECDSAP256
	}
	return r
}

func leafOf(t testing.TB, a Authority, r LeafRequest, now time.Time) Leaf {
	t.Helper()
	got, err := a.Leaf(rand.Reader, now, podRequest(r))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// stored is a leaf as a Secret has it.
func stored(a Authority, l Leaf) Stored {
	return Stored{Data: l.Data, Annotations: map[string]string{a.Kind.GenerationAnnotation(): strconv.FormatInt(l.Generation, 10)}}
}

// TestNewLeaf: what the Secret of a broker gets.
func TestNewLeaf(t *testing.T) {
	a := created(t, ClusterCA)
	l := leafOf(t, a, LeafRequest{}, noon)
	if !l.Changed || l.Postponed || l.Reason != "there is no certificate" || l.Generation != 0 {
		t.Errorf("%+v", l)
	}
	if got := slices.Sorted(maps.Keys(l.Data)); !slices.Equal(got, []string{"my-cluster-kafka-0.crt", "my-cluster-kafka-0.key"}) {
		t.Errorf("keys %v", got)
	}
	found, err := ParseCertificates(l.Data["my-cluster-kafka-0.crt"])
	if err != nil || !Equal(found, []*x509.Certificate{l.Certificate, a.Certificate()}) {
		t.Errorf("%d certificates, %v: the leaf and its authority are wanted", len(found), err)
	}
	if p, err := ParsePair(l.Data["my-cluster-kafka-0.crt"], l.Data["my-cluster-kafka-0.key"]); err != nil || !p.Certificate.Equal(l.Certificate) {
		t.Errorf("%v", err)
	}
	for _, host := range []string{"my-cluster-kafka-0.kafka.svc", "10.0.0.7"} {
		if err := l.Certificate.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	bare := leafOf(t, a, LeafRequest{Name: "user", Bare: true}, noon)
	if found, err := ParseCertificates(bare.Data["user.crt"]); err != nil || len(found) != 1 {
		t.Errorf("%d certificates of a user, %v", len(found), err)
	}
	if got := ClientsCA.GenerationAnnotation(); got != "strimzi.io/clients-ca-cert-generation" {
		t.Error(got)
	}
}

// TestLeafDecisions has one leaf of one authority, and what may have become of both.
func TestLeafDecisions(t *testing.T) {
	old := created(t, ClusterCA)
	first := leafOf(t, old, LeafRequest{}, noon)
	have := stored(old, first)
	now := noon.Add(day)
	renewing := old
	renewing.ForceRenew = true
	renewed, _ := step(t, renewing, testPolicy(), now)
	replaced := reread(t, replacedAt(t, old, now))
	lost := replaced.WithoutFormerKeys() // in Trusting that means that somebody else took it away
	without := Stored{Data: map[string][]byte{
		"my-cluster-kafka-0.crt": EncodeCertificates(first.Certificate), "my-cluster-kafka-0.key": first.Data["my-cluster-kafka-0.key"],
	}}
	broken := Stored{Data: map[string][]byte{"my-cluster-kafka-0.crt": []byte("x"), "my-cluster-kafka-0.key": first.Data["my-cluster-kafka-0.key"]}}
	late := Stored{Data: leafOf(t, old, LeafRequest{}, noon.Add(364*day)).Data}
	more := podRequest(LeafRequest{}).Want
	more.DNSNames = append(more.DNSNames, "more.kafka.svc")
	const names = "its names are not those that are needed"
	for _, c := range []struct {
		name   string
		a      Authority
		r      LeafRequest
		at     time.Duration
		by     string // who signed the result
		gen    int64
		reason string // empty: kept
		waits  bool
	}{
		{name: "good", a: old, r: LeafRequest{Have: have}, by: "cluster-ca v0"},
		{name: "good, without annotation", a: old, r: LeafRequest{Have: Stored{Data: have.Data}}, by: "cluster-ca v0"},
		{name: "good, with a wrong annotation", a: old, r: LeafRequest{Have: Stored{Data: have.Data, Annotations: map[string]string{"strimzi.io/cluster-ca-cert-generation": "7"}}}, by: "cluster-ca v0"},
		{name: "closed", a: old, r: LeafRequest{Closed: true}, by: "cluster-ca v0", reason: "there is no certificate"},
		{name: "another name", a: old, r: LeafRequest{Have: have, Want: more, Closed: true}, by: "cluster-ca v0", reason: names},
		{name: "broken", a: old, r: LeafRequest{Have: broken}, by: "cluster-ca v0", reason: "my-cluster-kafka-0.crt, my-cluster-kafka-0.key: no certificate in PEM form"},
		{name: "without chain", a: old, r: LeafRequest{Have: without}, by: "cluster-ca v0", reason: "the certificates of the authority are missing behind it"},
		{name: "without chain, as it should be", a: old, r: LeafRequest{Have: without, Bare: true}, by: "cluster-ca v0"},
		{name: "renewed authority", a: renewed, r: LeafRequest{Have: have, Closed: true}, by: "cluster-ca v0", gen: 1, reason: "the certificate authority has a new certificate"},
		{name: "renewed authority, bare", a: renewed, r: LeafRequest{Have: have, Bare: true}, by: "cluster-ca v0", gen: 0},
		{name: "renewed authority, bare, unknown", a: renewed, r: LeafRequest{Have: without, Bare: true}, by: "cluster-ca v0", gen: 1},
		{name: "trusting", a: replaced, r: LeafRequest{Have: have, Trusting: true}, by: "cluster-ca v0"},
		{name: "trusting, without annotation", a: replaced, r: LeafRequest{Have: Stored{Data: have.Data}, Trusting: true}, by: "cluster-ca v0"},
		{name: "trusting, without annotation or former key", a: lost, r: LeafRequest{Have: Stored{Data: have.Data}, Trusting: true}, by: "cluster-ca v0"},
		{name: "trusting, new", a: replaced, r: LeafRequest{Trusting: true}, by: "cluster-ca v0", reason: "there is no certificate"},
		{name: "trusting, another name", a: replaced, r: LeafRequest{Have: have, Want: more, Trusting: true}, by: "cluster-ca v0", reason: names},
		{name: "trusting, another name, former key lost", a: lost, r: LeafRequest{Have: have, Want: more, Trusting: true}, by: "cluster-ca v0", reason: names + "; it waits until all trust the new key", waits: true},
		{name: "trusting, new, former key lost", a: lost, r: LeafRequest{Trusting: true}, by: "cluster-ca v1", gen: 1, reason: "there is no certificate"},
		{name: "signing", a: lost, r: LeafRequest{Have: have, Closed: true}, by: "cluster-ca v1", gen: 1, reason: "the certificate authority has a new key"},
		{name: "signing, bare", a: lost, r: LeafRequest{Have: have, Bare: true}, by: "cluster-ca v1", gen: 1, reason: "the certificate authority has a new key"},
		{name: "removed", a: replaced.WithoutFormer(), r: LeafRequest{Have: have}, by: "cluster-ca v1", gen: 1, reason: "no trusted authority signed it"},
		{name: "removed, still trusting", a: replaced.WithoutFormer(), r: LeafRequest{Have: have, Trusting: true}, by: "cluster-ca v1", gen: 1, reason: "no trusted authority signed it"},
		{name: "near its end, and its authority's", a: old, r: LeafRequest{Have: have}, at: 350 * day, by: "cluster-ca v0"},
		{name: "near its end", a: renewed, r: LeafRequest{Have: have, Bare: true}, at: 350 * day, by: "cluster-ca v0", gen: 1, reason: "it expires at 2027-11-22T12:00:00Z"},
		{name: "near its end, closed", a: renewed, r: LeafRequest{Have: have, Bare: true, Closed: true}, at: 350 * day, by: "cluster-ca v0", reason: "it expires at 2027-11-22T12:00:00Z", waits: true},
		{name: "near its end, trusting, former key lost", a: lost, r: LeafRequest{Have: have, Trusting: true}, at: 350 * day, by: "cluster-ca v0", reason: "it expires at 2027-11-22T12:00:00Z; it waits until all trust the new key", waits: true},
		{name: "expired, trusting, former key lost", a: lost, r: LeafRequest{Have: have, Trusting: true}, at: 365 * day, by: "cluster-ca v1", gen: 1, reason: "it expired at 2027-11-22T12:00:00Z"},
		{name: "the former authority expired, trusting", a: replaced, r: LeafRequest{Have: have, Trusting: true}, at: 365 * day, by: "cluster-ca v1", gen: 1, reason: "it expired at 2027-11-22T12:00:00Z"},
		{name: "short, and it can't be longer", a: old, r: LeafRequest{Have: late}, at: 364*day + 23*time.Hour, by: "cluster-ca v0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := now
			if c.at > 0 {
				at = noon.Add(c.at)
			}
			l := leafOf(t, c.a, c.r, at)
			changed := c.reason != "" && !c.waits
			if l.Changed != changed || l.Postponed != c.waits || l.Reason != c.reason {
				t.Errorf("changed %v, postponed %v, %q", l.Changed, l.Postponed, l.Reason)
			}
			if got := l.Certificate.Issuer.CommonName; got != c.by || l.Generation != c.gen {
				t.Errorf("signed by %s, generation %d", got, l.Generation)
			}
			if !changed && !cmp.Equal(l.Data, c.r.Have.Data) {
				t.Error("it is kept, but its text isn't")
			}
			c.r.Have = stored(c.a, l)
			if again := leafOf(t, c.a, c.r, at); again.Changed || again.Generation != l.Generation || !again.Certificate.Equal(l.Certificate) {
				t.Errorf("asked again it changed: %q, generation %d", again.Reason, again.Generation)
			}
		})
	}
}

// TestWhoSignsWhileTrusting: with several former keys it is the oldest, which all trust.
func TestWhoSignsWhileTrusting(t *testing.T) {
	a := reread(t, replacedAt(t, replacedAt(t, created(t, ClusterCA), noon.Add(day)), noon.Add(2*day)))
	for _, c := range []struct {
		name     string
		a        Authority
		trusting bool
		at       time.Duration
		by       string
		sure     bool
	}{
		{"settled", a, false, 3 * day, "cluster-ca v2", true},
		{"trusting", a, true, 3 * day, "cluster-ca v0", true},
		{"the oldest expired", a, true, 365 * day, "cluster-ca v1", true},
		{"all former ones expired", a, true, 366 * day, "cluster-ca v2", false},
		{"keys are gone", a.WithoutFormerKeys(), true, 3 * day, "cluster-ca v2", false},
		{"none is former", a.WithoutFormer(), true, 3 * day, "cluster-ca v2", true},
	} {
		s := c.a.signer(c.trusting, noon.Add(c.at))
		if got := s.Certificate.Subject.CommonName; got != c.by || s.sure != c.sure || !s.matches() {
			t.Errorf("%s: %s, sure %v", c.name, got, s.sure)
		}
		if len(s.chain) != 1 || !s.chain[0].Equal(s.Certificate) {
			t.Errorf("%s: a chain of %d", c.name, len(s.chain))
		}
	}
}

// TestChain: the leaf of a user's intermediate authority brings all that is above it, and is believed by who knows the root
// only. So does one that is signed by such an authority when it is a former one.
func TestChain(t *testing.T) {
	chain, key := chained(t)
	a := Authority{Kind: ClusterCA, Chain: chain, Key: key.Key}
	l := leafOf(t, a, LeafRequest{}, noon)
	check := func(l Leaf) {
		t.Helper()
		found, err := ParseCertificates(l.Data["my-cluster-kafka-0.crt"])
		if err != nil || !Equal(found[1:], chain) {
			t.Fatalf("behind the leaf are %d certificates, %v", len(found)-1, err)
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(chain[1])
		between.AddCert(found[1])
		if _, err := l.Certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: noon}); err != nil {
			t.Error(err)
		}
	}
	check(l)
	next := replacedAt(t, a, noon)
	if outline(next) != "cluster-ca v1, former middle with key, former root" && outline(next) != "cluster-ca v1, former root, former middle with key" {
		t.Fatal(outline(next))
	}
	check(leafOf(t, reread(t, next), LeafRequest{Trusting: true}, noon))
}

func TestLeafRefuses(t *testing.T) {
	a := created(t, ClusterCA)
	for _, c := range []struct {
		name   string
		a      Authority
		change func(*LeafRequest)
		at     time.Duration
		want   string
	}{
		{name: "no authority", a: Authority{Kind: ClusterCA}, want: "cluster-ca, issuing my-cluster-kafka-0.crt: the authority's certificate or key is missing"},
		{name: "expired authority", a: a, at: 365 * day, want: "cluster-ca, issuing my-cluster-kafka-0.crt: the authority"},
		{name: "a name that is none", a: a, change: func(r *LeafRequest) { r.Want.DNSNames = []string{"ä"} }, want: "my-cluster-kafka-0.crt: signing the certificate"},
	} {
		r := podRequest(LeafRequest{})
		if c.change != nil {
			c.change(&r)
		}
		if _, err := c.a.Leaf(rand.Reader, noon.Add(c.at), r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := a.Leaf(iotest.ErrReader(bytes.ErrTooLarge), noon, podRequest(LeafRequest{})); err == nil {
		t.Error("a broken source of randomness must be told")
	}
}

func FuzzLeaf(f *testing.F) {
	a := replacedAt(f, created(f, ClusterCA), noon)
	good := leafOf(f, a, LeafRequest{}, noon)
	f.Add(good.Data["my-cluster-kafka-0.crt"], good.Data["my-cluster-kafka-0.key"], "1", true, false)
	f.Add(good.Data["my-cluster-kafka-0.crt"], []byte("x"), "-1", false, true)
	f.Add(a.Bundle(), good.Data["my-cluster-kafka-0.key"], "", true, true)
	f.Fuzz(func(t *testing.T, crt, key []byte, generation string, trusting, bare bool) {
		have := Stored{
			Data:        map[string][]byte{"my-cluster-kafka-0.crt": crt, "my-cluster-kafka-0.key": key},
			Annotations: map[string]string{"strimzi.io/cluster-ca-cert-generation": generation},
		}
		l := leafOf(t, a, LeafRequest{Have: have, Trusting: trusting, Bare: bare}, noon)
		if err := Verify(l.Certificate, a.Trusted(), noon); err != nil {
			t.Fatal(err)
		}
		if l.Generation < 0 {
			t.Fatalf("generation %d", l.Generation)
		}
		if p, err := ParsePair(l.Data["my-cluster-kafka-0.crt"], l.Data["my-cluster-kafka-0.key"]); err != nil || !p.Certificate.Equal(l.Certificate) {
			t.Fatalf("the Secret doesn't hold it: %v", err)
		}
	})
}
