package pki

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func servingPolicy() ServingPolicy {
	return ServingPolicy{
		Authority: Template{Subject: pkix.Name{CommonName: "webhook-ca"}, Validity: 700 * day, RenewBefore: 200 * day},
		Leaf: Template{
			Subject: pkix.Name{CommonName: "webhook"}, DNSNames: []string{"webhook.kafka.svc"},
			Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, Validity: 90 * day, RenewBefore: 30 * day,
		},
		Settle: time.Minute,
	}
}

func advance(t testing.TB, p ServingPolicy, s Serving, told, now time.Time) (Serving, []string) {
	t.Helper()
	next, done, err := p.Advance(rand.Reader, s, told, now)
	if err != nil {
		t.Fatal(err)
	}
	if !next.Usable(now) {
		t.Fatalf("at %s the certificate can't be used after %q", now, done)
	}
	return next, done
}

// TestServingOverTime follows one Secret from its creation to the time when its second authority is alone.
func TestServingOverTime(t *testing.T) {
	p := servingPolicy()
	s, told := Serving{}, time.Time{}
	for _, step := range []struct {
		name    string
		at      time.Duration
		told    time.Duration // how long before that all clients had the authorities; negative: they don't
		want    []string
		trusted int
	}{
		{name: "first", told: -1, want: []string{"new certificate authority: there is no key", "new serving certificate: there is no certificate"}, trusted: 1},
		{name: "the next look", at: time.Minute, told: 30 * time.Second, trusted: 1},
		{name: "leaf near its end, by a leader that has just begun", at: 60 * day, told: -1, want: []string{"new serving certificate: it expires at 2027-02-20T12:00:00Z"}, trusted: 1},
		{name: "authority near its end", at: 500 * day, told: day, want: []string{"new certificate authority: it expires at 2028-10-22T12:00:00Z", "new serving certificate: it expired at 2027-04-21T12:00:00Z"}, trusted: 2},
		{name: "not yet told", at: 500*day + time.Second, told: -1, trusted: 2},
		{name: "expired, the old authority goes", at: 700 * day, told: day, want: []string{"expired authorities are no longer trusted", "new serving certificate: it expired at 2028-07-04T12:00:00Z"}, trusted: 1},
	} {
		now := noon.Add(step.at)
		told = time.Time{}
		if step.told >= 0 {
			told = now.Add(-step.told)
		}
		next, done := advance(t, p, s, told, now)
		if diff := cmp.Diff(step.want, done); diff != "" {
			t.Errorf("%s: done (-want +got)\n%s", step.name, diff)
		}
		if len(next.Trusted) != step.trusted {
			t.Errorf("%s: %d authorities are trusted, want %d", step.name, len(next.Trusted), step.trusted)
		}
		s = next
	}
}

// TestServingOverlap: an authority is replaced while its leaf is in its best days; the leaf changes only when all clients
// have had the new authority for the settling time.
func TestServingOverlap(t *testing.T) {
	p := servingPolicy()
	s, _ := advance(t, p, Serving{}, time.Time{}, noon)
	s, _ = advance(t, p, s, noon, noon.Add(450*day)) // a fresh leaf
	change := noon.Add(500 * day)
	both, done := advance(t, p, s, noon, change)
	if diff := cmp.Diff([]string{"new certificate authority: it expires at 2028-10-22T12:00:00Z"}, done); diff != "" {
		t.Errorf("at the change (-want +got)\n%s", diff)
	}
	if !both.Leaf.Certificate.Equal(s.Leaf.Certificate) {
		t.Fatal("the leaf changed together with the authority")
	}
	for _, c := range []struct {
		name string
		told time.Time
		now  time.Time
		want []string
	}{
		{"nobody told", time.Time{}, change.Add(time.Hour), nil},
		{"told just now", change, change, nil},
		{"told a moment ago", change, change.Add(time.Minute - 1), nil},
		{"settled", change, change.Add(time.Minute), []string{"new serving certificate: the authority is a new one"}},
		{"settled when the leaf is due too", change, noon.Add(515 * day), []string{"new serving certificate: it expires at 2028-05-15T12:00:00Z"}},
	} {
		next, done := advance(t, p, both, c.told, c.now)
		if diff := cmp.Diff(c.want, done); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
		if err := Verify(next.Leaf.Certificate, both.Trusted[:1], c.now); (err == nil) != (c.want != nil) {
			t.Errorf("%s: signed by the new authority: %v", c.name, err)
		}
	}
}

// TestServingMends: whatever a Secret holds, one step makes it usable, and the next finds nothing to do.
func TestServingMends(t *testing.T) {
	p := servingPolicy()
	good, _ := advance(t, p, Serving{}, time.Time{}, noon)
	data, err := good.Data()
	if err != nil {
		t.Fatal(err)
	}
	renamed := p
	renamed.Leaf.DNSNames = []string{"webhook.other.svc"}
	other := authority(t, noon)
	for _, c := range []struct {
		name   string
		change func(map[string][]byte)
		p      ServingPolicy
		want   string
	}{
		{"no bundle", func(d map[string][]byte) { delete(d, AuthorityBundle) }, p, "ca.crt: no certificate in PEM form"},
		{"no key", func(d map[string][]byte) { delete(d, AuthorityKey) }, p, "ca.key: no private key in PEM form"},
		{"another key", func(d map[string][]byte) { d[AuthorityKey] = encodeKey(t, other) }, p, ""},
		{"another authority", func(d map[string][]byte) { d[AuthorityBundle] = EncodeCertificates(other.Certificate) }, p, ""},
		{"no leaf", func(d map[string][]byte) { delete(d, ServingCertificate) }, p, "tls.crt, tls.key: no certificate"},
		{"garbage", func(d map[string][]byte) { clear(d); d["x"] = []byte("y") }, p, "ca.crt: no certificate"},
		{"another Service", func(map[string][]byte) {}, renamed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := map[string][]byte{}
			for k, v := range data {
				broken[k] = v
			}
			c.change(broken)
			s, err := ParseServing(broken)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			mended, done := advance(t, c.p, s, time.Time{}, noon)
			if len(done) == 0 {
				t.Error("nothing was done")
			}
			if err := mended.Leaf.Certificate.VerifyHostname(c.p.Leaf.DNSNames[0]); err != nil {
				t.Error(err)
			}
			if _, done := advance(t, c.p, mended, time.Time{}, noon); len(done) != 0 {
				t.Errorf("the next step did %q", done)
			}
		})
	}
}

func TestServingDataRoundTrip(t *testing.T) {
	p := servingPolicy()
	s, _ := advance(t, p, Serving{}, time.Time{}, noon)
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseServing(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Data()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data, again); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if none, err := ParseServing(nil); err != nil || none.Usable(noon) {
		t.Errorf("of an empty Secret: usable %v, %v", none.Usable(noon), err)
	}
	p.Leaf.Addresses = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	s, _ = advance(t, p, s, noon, noon)
	if got, want := Describe(s.Leaf.Certificate), "CN=webhook for webhook.kafka.svc, 127.0.0.1 until 2027-02-20T12:00:00Z"; got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
}

// TestServingClock: after a clock was wrong by years in either direction, things come to rest again.
func TestServingClock(t *testing.T) {
	p := servingPolicy()
	s, _ := advance(t, p, Serving{}, time.Time{}, noon.Add(2000*day))
	s, done := advance(t, p, s, noon, noon)
	if len(done) != 2 {
		t.Errorf("did %q", done)
	}
	for range 3 {
		if s, done = advance(t, p, s, noon.Add(-day), noon.Add(time.Minute)); len(done) != 0 {
			t.Errorf("did %q again", done)
		}
	}
}

// TestServingIsAlwaysBelieved plays years of a leader whose installing fails now and then, a client that learns of new
// authorities late, and a replica that loads the certificate late. The client must believe both, the leader and the late
// replica, at every moment.
func TestServingIsAlwaysBelieved(t *testing.T) {
	p := servingPolicy()
	const lag = 30 * time.Second // of client and replica; less than p.Settle
	pauses := []time.Duration{time.Second, lag, time.Minute, day, 10 * day, 29 * day}
	rapid.Check(t, func(r *rapid.T) {
		now, told, issued := noon, noon, noon
		leader, _, err := p.Advance(rand.Reader, Serving{}, time.Time{}, now)
		if err != nil {
			r.Fatal(err)
		}
		client, replica := leader.Trusted, leader.Leaf
		for range 40 {
			longest := len(pauses)
			if told.IsZero() || now.Sub(told) < p.Settle {
				longest = 4 // the leader looks again soon
			}
			now = now.Add(rapid.SampledFrom(pauses[:longest]).Draw(r, "pause"))
			if !told.IsZero() && now.Sub(told) >= lag {
				client = leader.Trusted
			}
			if now.Sub(issued) >= lag {
				replica = leader.Leaf
			}
			next, _, err := p.Advance(rand.Reader, leader, told, now)
			if err != nil {
				r.Fatal(err)
			}
			if next.Leaf != leader.Leaf {
				issued = now
			}
			if !Equal(next.Trusted, leader.Trusted) {
				told = time.Time{}
			}
			if told.IsZero() && rapid.Bool().Draw(r, "installs") {
				told = now
			}
			leader = next
			believed(r, replica, client, now)
			believed(r, leader.Leaf, client, now)
		}
	})
}

func believed(r *rapid.T, leaf Pair, trusted []*x509.Certificate, now time.Time) {
	if err := Verify(leaf.Certificate, trusted, now); err != nil {
		r.Fatalf("at %s: %v", stamp(now), err)
	}
}

func FuzzParseServing(f *testing.F) {
	s, _ := advance(f, servingPolicy(), Serving{}, time.Time{}, noon)
	data, err := s.Data()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[AuthorityBundle], data[AuthorityKey], data[ServingCertificate], data[ServingKey])
	f.Add([]byte(nil), []byte("x"), data[AuthorityBundle], data[AuthorityKey])
	f.Fuzz(func(t *testing.T, bundle, authority, leaf, key []byte) {
		s, _ := ParseServing(map[string][]byte{AuthorityBundle: bundle, AuthorityKey: authority, ServingCertificate: leaf, ServingKey: key})
		next, _, err := servingPolicy().Advance(rand.Reader, s, time.Time{}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if !next.Usable(noon) {
			t.Fatal("not usable after a step")
		}
	})
}
