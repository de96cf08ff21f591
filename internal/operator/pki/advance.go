package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"time"
)

// Known is what the cluster shows of an authority apart from its Secrets. The zero value says nothing.
type Known struct {
	// KeyGeneration and CertGeneration are the highest ones that are said by annotations of pods and of Secrets with leaves.
	KeyGeneration, CertGeneration int64
	// Trusted is what the cluster's trust bundle says of this authority now, in its order.
	Trusted []*x509.Certificate
}

// AuthorityPolicy says how an authority of a cluster is to be.
type AuthorityPolicy struct {
	// Template says all but the subject, which is Strimzi's.
	Template Template
	// OnExpiry is Renew or Replace: certificateExpirationPolicy renew-certificate and replace-key.
	OnExpiry Action
	// Closed says that this is no maintenance window.
	Closed bool
	Known  Known
}

// Defaults of validityDays and renewalDays.
const (
	defaultValidityDays = 365
	defaultRenewalDays  = 30
)

// AuthorityTemplate is the template of authorities: RSA with 4096 bits. Numbers of days that are not positive stand for the
// defaults, 365 and 30.
func AuthorityTemplate(validityDays, renewalDays int) Template {
	return Template{
		Algorithm: RSA4096, Validity: days(validityDays, defaultValidityDays), RenewBefore: days(renewalDays, defaultRenewalDays),
	}
}

func days(n, otherwise int) time.Duration {
	if n <= 0 {
		n = otherwise
	}
	return time.Duration(n) * 24 * time.Hour
}

// Outcome is what Advance did.
type Outcome struct {
	Action Action
	// Done are lines for logs and Events, none if the authority is as it should be.
	Done []string
	// Postponed says what waits for a maintenance window; it is empty if nothing does.
	Postponed string
	// RemoveFromKey and RemoveFromCert are annotations to be removed from the two Secrets: wishes that were fulfilled.
	RemoveFromKey, RemoveFromCert []string
}

func (o *Outcome) did(format string, args ...any) {
	o.Done = append(o.Done, fmt.Sprintf(format, args...))
}

// Advance returns the authority as it should be at the time now. A new key makes the certificate of the one before it a
// former one, which stays trusted, and keeps its private key for the time until all trust the new one. Former certificates
// that have expired are dropped. On an error nothing was done.
func (a Authority) Advance(random io.Reader, now time.Time, p AuthorityPolicy) (Authority, Outcome, error) {
	var out Outcome
	next := a.dropExpired(now, &out).adopt(p.Known, now, &out)
	d := Decide(
		Existing{Pair: Pair{Certificate: next.Certificate(), Key: next.Key}, ForceRenew: a.ForceRenew, ForceReplace: a.ForceReplace},
		Policy{RenewBefore: p.Template.RenewBefore, OnExpiry: p.OnExpiry, Closed: p.Closed}, now)
	out.Action = d.Action
	var err error
	switch d.Action {
	case Keep:
		out.Postponed = d.Reason
		return next, out, nil
	case Renew:
		next, err = next.renewed(random, now, p)
	default:
		next, err = next.replaced(random, now, p)
	}
	if err != nil {
		return a, Outcome{}, fmt.Errorf("%s: %w", a.Kind, err)
	}
	out.did("%s: %s, %s", a.Kind, map[Action]string{
		Renew: "new certificate", Replace: "new key and certificate", Create: "new certificate authority",
	}[d.Action], d.Reason)
	next.fulfil(d.Action, &out)
	return next, out, nil
}

// dropExpired removes the former certificates that nothing can verify against any more.
func (a Authority) dropExpired(now time.Time, out *Outcome) Authority {
	former := a.Former
	a.Former = nil
	for _, f := range former {
		if now.Before(f.Certificate.NotAfter) {
			a.Former = append(a.Former, f)
			continue
		}
		out.did("%s: the former certificate %q has expired and is no longer trusted", a.Kind, f.Certificate.Subject)
	}
	return a
}

// adopt compares the authority with what the cluster knows of it. Generations never go back, whatever happened to the
// annotations; and an authority that isn't the one that the trust bundle says first, as after Secrets were restored from an
// old copy, is treated as its successor: it is trusted everywhere before anything is signed by it.
func (a Authority) adopt(k Known, now time.Time, out *Outcome) Authority {
	if a.Key == nil {
		return a // there will be a new one
	}
	key, cert := a.least(k)
	if a.KeyGeneration < key {
		a.KeyGeneration, a.CertGeneration = k.KeyGeneration+1, max(a.CertGeneration, k.CertGeneration+1)
		out.did("%s: it is not the authority that pods have: it gets generation %d of the key", a.Kind, a.KeyGeneration)
	}
	if a.CertGeneration < cert {
		a.CertGeneration = k.CertGeneration + 1
		out.did("%s: pods have a higher generation of the certificate: it is %d now", a.Kind, a.CertGeneration)
	}
	return a.keep(k, now)
}

// least returns the generations of key and certificate that the authority has at least: what is known, and one more if it is
// another authority.
func (a Authority) least(k Known) (key, cert int64) {
	c := a.Certificate()
	if c == nil || len(k.Trusted) == 0 || known(k.Trusted[:1], c) {
		return k.KeyGeneration, k.CertGeneration
	}
	return k.KeyGeneration + 1, k.CertGeneration + 1
}

// keep returns the authority with all that the cluster's trust bundle says, which only Removing may shorten. For the clients'
// authority that is for the user to say, who takes a dated certificate away and thereby ends the trust in it.
func (a Authority) keep(k Known, now time.Time) Authority {
	if a.Kind != ClusterCA || a.Certificate() == nil {
		return a
	}
	return a.remember(k.Trusted, now)
}

// renewed makes a new certificate for the key. Its subject stays to the byte: leaves name it as their issuer. If the Secret of
// the certificate was lost, what the trust bundle still says is trusted on.
func (a Authority) renewed(random io.Reader, now time.Time, p AuthorityPolicy) (Authority, error) {
	t := p.Template
	t.Subject = a.Kind.subject(a.KeyGeneration)
	var raw []byte
	for _, c := range append(slices.Clone(a.Chain), p.Known.Trusted...) {
		if c.IsCA && (Pair{Certificate: c, Key: a.Key}).matches() {
			raw = c.RawSubject
			break
		}
	}
	made, err := renewAuthority(random, now, a.Key, t, raw)
	if err != nil {
		return a, err
	}
	lost := len(a.Chain) == 0
	a.Chain = []*x509.Certificate{made.Certificate}
	a.CertGeneration++
	if lost {
		a = a.remember(p.Known.Trusted, now)
	}
	return a, nil
}

// replaced makes a new key and its certificate.
func (a Authority) replaced(random io.Reader, now time.Time, p AuthorityPolicy) (Authority, error) {
	next := a
	next.Chain, next.Key = nil, nil
	if c := a.Certificate(); c != nil && c.IsCA && now.Before(c.NotAfter) {
		f := Former{Certificate: c, Generation: a.CertGeneration}
		if (Pair{Certificate: c, Key: a.Key}).matches() {
			f.Key = a.Key
		}
		next.Former = append(slices.Clone(a.Former), f)
	}
	next = next.remember(a.Chain, now).remember(p.Known.Trusted, now)
	if p.Known.KeyGeneration > 0 || p.Known.CertGeneration > 0 || len(p.Known.Trusted) > 0 { // there was one
		next.KeyGeneration = max(a.KeyGeneration, p.Known.KeyGeneration)
		next.CertGeneration = max(a.CertGeneration, p.Known.CertGeneration)
	}
	next.KeyGeneration++
	next.CertGeneration++
	t := p.Template
	t.Subject = a.Kind.subject(next.KeyGeneration)
	made, err := NewAuthority(random, now, t)
	if err != nil {
		return a, err
	}
	next.Chain, next.Key = []*x509.Certificate{made.Certificate}, made.Key
	return next, nil
}

// fulfil forgets the wishes that an action has fulfilled: a new key has a new certificate.
func (a *Authority) fulfil(done Action, out *Outcome) {
	if a.ForceRenew {
		a.ForceRenew = false
		out.RemoveFromCert = []string{AnnotationForceRenew}
	}
	if a.ForceReplace && done != Renew {
		a.ForceReplace = false
		out.RemoveFromKey = []string{AnnotationForceReplace}
	}
}

// sameChain reports whether the chains are the same to the byte.
func sameChain(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, func(x, y *x509.Certificate) bool { return bytes.Equal(x.Raw, y.Raw) })
}
