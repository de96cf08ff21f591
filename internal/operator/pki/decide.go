package pki

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Action is what has to be done with a certificate.
type Action int

// The actions, in the order of what they change.
const (
	Keep    Action = iota // nothing
	Renew                 // a new certificate for the same key
	Replace               // a new key and a new certificate
	Create                // there is none yet
)

// String names the action for logs and events.
func (a Action) String() string {
	return [...]string{"keep", "renew", "replace", "create"}[a]
}

// Existing is an authority as it was found. A nil Certificate or Key means that it is missing.
type Existing struct {
	Pair
	// ForceRenew and ForceReplace are the user's wishes (strimzi.io/force-renew, strimzi.io/force-replace).
	ForceRenew, ForceReplace bool
}

// Policy says when an authority is made anew.
type Policy struct {
	// RenewBefore is how long before its end it happens.
	RenewBefore time.Duration
	// OnExpiry is Renew or Replace: Strimzi's certificateExpirationPolicy renew-certificate and replace-key.
	OnExpiry Action
	// Closed says that this is no maintenance window: only what can't wait is done, the rest is postponed.
	Closed bool
}

// Decision is an action and why.
type Decision struct {
	Action Action
	// Reason is a text for logs and events, without a dot at its end.
	Reason string
	// Postponed says that there is a reason to act but that it has to wait for a maintenance window; Action is Keep then.
	Postponed bool
}

// Decide says what has to be done with an authority, in the order of Strimzi's operator: a missing key is created and a
// missing certificate renewed, then the user's wishes count (replacing is the larger one), then the time left. All but
// creating waits for a maintenance window; what is missing, broken or already expired does not wait, for nothing works
// without it.
func Decide(e Existing, p Policy, now time.Time) Decision {
	switch {
	case e.Key == nil:
		return Decision{Action: Create, Reason: "there is no key"}
	case e.Certificate == nil:
		return Decision{Action: Renew, Reason: "there is no certificate"}
	case !e.matches():
		return Decision{Action: Replace, Reason: "the key isn't the certificate's"}
	case !e.Certificate.IsCA:
		return Decision{Action: Renew, Reason: "the certificate is no authority"}
	case !now.Before(e.Certificate.NotAfter):
		return Decision{Action: p.onExpiry(), Reason: "it expired at " + stamp(e.Certificate.NotAfter)}
	case now.Before(e.Certificate.NotBefore):
		return Decision{Action: p.onExpiry(), Reason: "it is valid only from " + stamp(e.Certificate.NotBefore) + ": a clock was wrong"}
	case e.ForceReplace:
		return p.postpone(Decision{Action: Replace, Reason: "a new key was asked for"})
	case e.ForceRenew:
		return p.postpone(Decision{Action: Renew, Reason: "a new certificate was asked for"})
	case expiring(e.Certificate, p.RenewBefore, now):
		return p.postpone(Decision{Action: p.onExpiry(), Reason: "it expires at " + stamp(e.Certificate.NotAfter)})
	}
	return Decision{Action: Keep}
}

func (p Policy) onExpiry() Action {
	if p.OnExpiry == Replace {
		return Replace
	}
	return Renew
}

func (p Policy) postpone(d Decision) Decision {
	if p.Closed {
		return Decision{Action: Keep, Reason: d.Reason, Postponed: true}
	}
	return d
}

// DecideLeaf says what has to be done with a leaf that is to say what want says and that has to be trusted by those who
// trust the given authorities. Only a leaf near its end waits for a maintenance window (closed); the other reasons mean that
// it is of no use as it is.
func DecideLeaf(leaf Pair, trusted []*x509.Certificate, want Template, closed bool, now time.Time) Decision {
	c := leaf.Certificate
	switch {
	case c == nil || leaf.Key == nil:
		return Decision{Action: Create, Reason: "there is no certificate"}
	case !leaf.matches():
		return Decision{Action: Replace, Reason: "the key isn't the certificate's"}
	case !now.Before(c.NotAfter):
		return Decision{Action: Replace, Reason: "it expired at " + stamp(c.NotAfter)}
	case !sameNames(c, want):
		return Decision{Action: Replace, Reason: "its names are not those that are needed"}
	}
	if err := Verify(c, trusted, now); err != nil {
		return Decision{Action: Replace, Reason: "no trusted authority signed it"}
	}
	if expiring(c, want.RenewBefore, now) {
		return Policy{Closed: closed}.postpone(Decision{Action: Replace, Reason: "it expires at " + stamp(c.NotAfter)})
	}
	return Decision{Action: Keep}
}

// Verify checks that a leaf is valid now and was signed by one of the trusted authorities, for any use.
func Verify(leaf *x509.Certificate, trusted []*x509.Certificate, now time.Time) error {
	roots := x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("certificate %q: %w", leaf.Subject, err)
	}
	return nil
}

// expiring reports whether the end is nearer than before. A certificate whose whole life is shorter than that is renewed
// after two thirds of it: it would be renewed all the time otherwise.
func expiring(c *x509.Certificate, before time.Duration, now time.Time) bool {
	if life := c.NotAfter.Sub(c.NotBefore); before >= life {
		before = life / 3
	}
	return !now.Before(c.NotAfter.Add(-before))
}

// sameNames compares subject and alternative names; the order of names has no meaning.
func sameNames(c *x509.Certificate, want Template) bool {
	if c.Subject.String() != want.Subject.String() {
		return false
	}
	return slices.Equal(sorted(c.DNSNames), sorted(want.DNSNames)) &&
		slices.Equal(addresses(c.IPAddresses), sortedAddresses(want.Addresses))
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

func addresses(ips []net.IP) []netip.Addr {
	out := make([]netip.Addr, 0, len(ips))
	for _, ip := range ips {
		if a, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, a)
		}
	}
	return sortedAddresses(out)
}

func sortedAddresses(in []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, len(in))
	for _, a := range in {
		out = append(out, a.Unmap())
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
