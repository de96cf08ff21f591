package pki

import (
	"crypto/rand"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	ca, other := authority(t, noon), authority(t, noon)
	leaf := issue(t, ca, noon, leafTemplate())
	renew := Policy{RenewBefore: 30 * day, OnExpiry: Renew}
	replace := Policy{RenewBefore: 30 * day, OnExpiry: Replace}
	closed := Policy{RenewBefore: 30 * day, OnExpiry: Renew, Closed: true}
	end := ca.Certificate.NotAfter
	for _, c := range []struct {
		name   string
		e      Existing
		p      Policy
		now    time.Time
		want   Action
		reason string
		waits  bool
	}{
		{name: "nothing", want: Create, reason: "there is no key"},
		{name: "nothing, closed", p: closed, want: Create, reason: "there is no key"},
		{name: "certificate without key", e: Existing{Pair: Pair{Certificate: ca.Certificate}}, want: Create, reason: "there is no key"},
		{name: "key without certificate", e: Existing{Pair: Pair{Key: ca.Key}}, p: closed, want: Renew, reason: "there is no certificate"},
		{name: "another's key", e: Existing{Pair: Pair{Certificate: ca.Certificate, Key: other.Key}}, p: closed, want: Replace, reason: "the key isn't the certificate's"},
		{name: "a leaf", e: Existing{Pair: leaf}, p: renew, want: Renew, reason: "the certificate is no authority"},
		{name: "new", e: Existing{Pair: ca}, p: renew, want: Keep},
		{name: "a second before the window", e: Existing{Pair: ca}, p: renew, now: end.Add(-30*day - time.Second), want: Keep},
		{name: "at the window", e: Existing{Pair: ca}, p: renew, now: end.Add(-30 * day), want: Renew, reason: "it expires at 2027-11-22T12:00:00Z"},
		{name: "at the window, new keys", e: Existing{Pair: ca}, p: replace, now: end.Add(-30 * day), want: Replace, reason: "it expires at 2027-11-22T12:00:00Z"},
		{name: "at the window, closed", e: Existing{Pair: ca}, p: closed, now: end.Add(-30 * day), want: Keep, reason: "it expires at 2027-11-22T12:00:00Z", waits: true},
		{name: "expired, closed", e: Existing{Pair: ca}, p: closed, now: end, want: Renew, reason: "it expired at 2027-11-22T12:00:00Z"},
		{name: "expired, new keys", e: Existing{Pair: ca}, p: replace, now: end.Add(day), want: Replace, reason: "it expired at 2027-11-22T12:00:00Z"},
		{name: "from the future", e: Existing{Pair: ca}, p: renew, now: noon.Add(-day), want: Renew, reason: "it is valid only from 2026-11-22T11:55:00Z: a clock was wrong"},
		{name: "forced to renew", e: Existing{Pair: ca, ForceRenew: true}, p: replace, want: Renew, reason: "a new certificate was asked for"},
		{name: "forced to replace", e: Existing{Pair: ca, ForceReplace: true}, p: renew, want: Replace, reason: "a new key was asked for"},
		{name: "forced both", e: Existing{Pair: ca, ForceRenew: true, ForceReplace: true}, p: renew, want: Replace, reason: "a new key was asked for"},
		{name: "forced, closed", e: Existing{Pair: ca, ForceReplace: true}, p: closed, want: Keep, reason: "a new key was asked for", waits: true},
		{name: "window longer than its life", e: Existing{Pair: ca}, p: Policy{RenewBefore: 400 * day}, want: Keep},
		{name: "window longer than its life, late", e: Existing{Pair: ca}, p: Policy{RenewBefore: 400 * day}, now: noon.Add(300 * day), want: Renew, reason: "it expires at 2027-11-22T12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.now.IsZero() {
				c.now = noon
			}
			want := Decision{Action: c.want, Reason: c.reason, Postponed: c.waits}
			if got := Decide(c.e, c.p, c.now); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestDecideLeaf(t *testing.T) {
	ca, other := authority(t, noon), authority(t, noon)
	leaf := issue(t, ca, noon, leafTemplate())
	trusted := []*x509.Certificate{ca.Certificate}
	reordered, fewer, renamed, moved := leafTemplate(), leafTemplate(), leafTemplate(), leafTemplate()
	reordered.DNSNames = []string{reordered.DNSNames[1], reordered.DNSNames[0], reordered.DNSNames[0]}
	reordered.Addresses = []netip.Addr{reordered.Addresses[1], netip.MustParseAddr("::ffff:10.0.0.7")}
	fewer.DNSNames = fewer.DNSNames[:1]
	renamed.Subject.CommonName = "other"
	moved.Addresses = moved.Addresses[:1]
	renamedOnly := "its names are not those that are needed"
	for _, c := range []struct {
		name    string
		leaf    Pair
		trusted []*x509.Certificate
		want    Template
		closed  bool
		at      time.Duration
		action  Action
		reason  string
		waits   bool
	}{
		{name: "none", trusted: trusted, want: leafTemplate(), action: Create, reason: "there is no certificate"},
		{name: "key lost", leaf: Pair{Certificate: leaf.Certificate}, trusted: trusted, want: leafTemplate(), action: Create, reason: "there is no certificate"},
		{name: "another's key", leaf: Pair{Certificate: leaf.Certificate, Key: ca.Key}, trusted: trusted, want: leafTemplate(), action: Replace, reason: "the key isn't the certificate's"},
		{name: "good", leaf: leaf, trusted: trusted, want: leafTemplate(), action: Keep},
		{name: "names in another order", leaf: leaf, trusted: trusted, want: reordered, action: Keep},
		{name: "fewer names", leaf: leaf, trusted: trusted, want: fewer, closed: true, action: Replace, reason: renamedOnly},
		{name: "another subject", leaf: leaf, trusted: trusted, want: renamed, action: Replace, reason: renamedOnly},
		{name: "fewer addresses", leaf: leaf, trusted: trusted, want: moved, action: Replace, reason: renamedOnly},
		{name: "old and new authority", leaf: leaf, trusted: []*x509.Certificate{other.Certificate, ca.Certificate}, want: leafTemplate(), action: Keep},
		{name: "another authority", leaf: leaf, trusted: []*x509.Certificate{other.Certificate}, want: leafTemplate(), closed: true, action: Replace, reason: "no trusted authority signed it"},
		{name: "nobody trusted", leaf: leaf, want: leafTemplate(), action: Replace, reason: "no trusted authority signed it"},
		{name: "before the window", leaf: leaf, trusted: trusted, want: leafTemplate(), at: 60*day - time.Second, action: Keep},
		{name: "in the window", leaf: leaf, trusted: trusted, want: leafTemplate(), at: 60 * day, action: Replace, reason: "it expires at 2027-02-20T12:00:00Z"},
		{name: "in the window, closed", leaf: leaf, trusted: trusted, want: leafTemplate(), closed: true, at: 60 * day, action: Keep, reason: "it expires at 2027-02-20T12:00:00Z", waits: true},
		{name: "expired, closed", leaf: leaf, trusted: trusted, want: leafTemplate(), closed: true, at: 90 * day, action: Replace, reason: "it expired at 2027-02-20T12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := Decision{Action: c.action, Reason: c.reason, Postponed: c.waits}
			if got := DecideLeaf(c.leaf, c.trusted, c.want, c.closed, noon.Add(c.at)); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestDecidesAreObeyed: doing what was decided leaves nothing to do.
func TestDecidesAreObeyed(t *testing.T) {
	p := Policy{RenewBefore: 30 * day, OnExpiry: Renew}
	ca := authority(t, noon)
	late := noon.Add(340 * day)
	if got := Decide(Existing{Pair: ca}, p, late).Action; got != Renew {
		t.Fatalf("%s, want renew", got)
	}
	renewed, err := RenewAuthority(rand.Reader, late, ca.Key, authorityTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if got := Decide(Existing{Pair: renewed}, p, late).Action; got != Keep {
		t.Errorf("%s after renewing, want keep", got)
	}
}
