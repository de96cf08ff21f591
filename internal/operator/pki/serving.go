package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The keys of a serving Secret. Those of the leaf are Kubernetes' kubernetes.io/tls names, so that other tools can read it.
const (
	ServingCertificate = "tls.crt"
	ServingKey         = "tls.key"
	AuthorityBundle    = "ca.crt"
	AuthorityKey       = "ca.key"
)

// Serving is a server's certificate together with the authorities that its clients are told to trust.
//
// A new authority is told to the clients before anything is signed by it, and an old one stays trusted until it expires:
//
//	near the old authority's end   Trusted = new, old   leaf signed by old
//	Settle after all have it       Trusted = new, old   leaf signed by new
//	old authority expired          Trusted = new        leaf signed by new
//
// At no time does the leaf need an authority that a client has not been told of, or no longer believes.
type Serving struct {
	// Trusted are the authorities that clients have to trust, the newest first.
	Trusted []*x509.Certificate
	// Authority is the private key of Trusted[0].
	Authority crypto.Signer
	// Leaf is what the server shows.
	Leaf Pair
}

// ServingPolicy says what authorities and leaves are to be like.
type ServingPolicy struct {
	Authority, Leaf Template
	// Settle is how long after a new authority was told to all clients the leaf is signed by it: longer than a client needs
	// to learn of it.
	Settle time.Duration
}

// ParseServing reads a serving Secret's data. An empty map gives a zero Serving; parts that are broken are left out and
// named in the error, and the rest is returned beside it, so that the caller can say what was wrong and mend it by Advance.
func ParseServing(data map[string][]byte) (Serving, error) {
	if len(data) == 0 {
		return Serving{}, nil
	}
	var s Serving
	var errs [3]error
	if s.Trusted, errs[0] = ParseCertificates(data[AuthorityBundle]); errs[0] != nil {
		errs[0] = fmt.Errorf("%s: %w", AuthorityBundle, errs[0])
	}
	if s.Authority, errs[1] = ParseKey(data[AuthorityKey]); errs[1] != nil {
		errs[1] = fmt.Errorf("%s: %w", AuthorityKey, errs[1])
	}
	if s.Leaf, errs[2] = ParsePair(data[ServingCertificate], data[ServingKey]); errs[2] != nil {
		errs[2] = fmt.Errorf("%s, %s: %w", ServingCertificate, ServingKey, errs[2])
	}
	return s, errors.Join(errs[:]...)
}

// Data is the content of the Secret.
func (s Serving) Data() (map[string][]byte, error) {
	authority, err := EncodeKey(s.Authority)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", AuthorityKey, err)
	}
	key, err := EncodeKey(s.Leaf.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ServingKey, err)
	}
	return map[string][]byte{
		AuthorityBundle: s.Bundle(), AuthorityKey: authority,
		ServingCertificate: EncodeCertificates(s.Leaf.Certificate), ServingKey: key,
	}, nil
}

// Bundle is the PEM text of all trusted authorities.
func (s Serving) Bundle() []byte { return EncodeCertificates(s.Trusted...) }

// Usable reports whether the leaf can be shown now: it is there, valid, and signed by a trusted authority.
func (s Serving) Usable(now time.Time) bool {
	return s.Leaf.matches() && Verify(s.Leaf.Certificate, s.Trusted, now) == nil
}

// Advance returns the state that should follow s at the time now, and what was done, a line each; none means that s is as
// it should be. told is since when all clients are known to have s.Trusted, zero if that isn't known.
func (p ServingPolicy) Advance(random io.Reader, s Serving, told, now time.Time) (Serving, []string, error) {
	var done []string
	next := Serving{Trusted: unexpired(s.Trusted, now), Authority: s.Authority, Leaf: s.Leaf}
	if len(next.Trusted) != len(s.Trusted) {
		done = append(done, "expired authorities are no longer trusted")
	}
	authority := Existing{Pair: Pair{Key: next.Authority}}
	if len(next.Trusted) > 0 {
		authority.Certificate = next.Trusted[0]
	}
	if d := Decide(authority, Policy{RenewBefore: p.Authority.RenewBefore, OnExpiry: Replace}, now); d.Action != Keep {
		created, err := NewAuthority(random, now, p.Authority)
		if err != nil {
			return s, nil, fmt.Errorf("making a certificate authority: %w", err)
		}
		next.Trusted, next.Authority = slices.Insert(next.Trusted, 0, created.Certificate), created.Key
		told = time.Time{}
		done = append(done, "new certificate authority: "+d.Reason)
	}
	reason := p.leafReason(next, told, now)
	if reason == "" {
		return next, done, nil
	}
	leaf, err := next.newest().Issue(random, now, p.Leaf)
	if err != nil {
		return s, nil, fmt.Errorf("issuing the serving certificate: %w", err)
	}
	next.Leaf = leaf
	return next, append(done, "new serving certificate: "+reason), nil
}

// leafReason says why the leaf has to be issued now, or nothing. A leaf that works under an older authority stays until the
// newest one is known to all clients for long enough; one that doesn't work can only become better.
func (p ServingPolicy) leafReason(s Serving, told, now time.Time) string {
	d := DecideLeaf(s.Leaf, s.Trusted, p.Leaf, false, now)
	works := s.Usable(now) && sameNames(s.Leaf.Certificate, p.Leaf)
	current := works && Verify(s.Leaf.Certificate, s.Trusted[:1], now) == nil
	settled := !told.IsZero() && now.Sub(told) >= p.Settle
	switch {
	case current && d.Action == Keep:
		return ""
	case works && !current && !settled:
		return ""
	case d.Action == Keep:
		return "the authority is a new one"
	}
	return d.Reason
}

func (s Serving) newest() Pair { return Pair{Certificate: s.Trusted[0], Key: s.Authority} }

func unexpired(in []*x509.Certificate, now time.Time) []*x509.Certificate {
	out := make([]*x509.Certificate, 0, len(in)+1)
	for _, c := range in {
		if now.Before(c.NotAfter) {
			out = append(out, c)
		}
	}
	return out
}

// Describe is one line about the certificate for logs: subject, names and end, nothing secret.
func Describe(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return fmt.Sprintf("%s for %s until %s", c.Subject, strings.Join(names, ", "), stamp(c.NotAfter))
}
