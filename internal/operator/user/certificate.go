package user

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"time"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

// Issuer is the clients' authority of a cluster.
type Issuer struct {
	// Pair signs: the authority's newest certificate and its key.
	pki.Pair
	// PEM is that certificate as its Secret has it, for the users' Secrets.
	PEM []byte
	// Trusted are the certificates that brokers believe: the newest one and those before it, or will in a moment.
	Trusted []*x509.Certificate
}

// settle is how long after the beginning of a new authority's validity, which package pki dates five minutes back, users get
// certificates of it, as long as brokers believe those that they have. The kubelets bring the brokers what they trust within
// about a minute and a half.
const settle = 8 * time.Minute

// Renewal says when a certificate is looked at.
type Renewal struct {
	// Force is the user's wish for a new one (strimzi.io/force-renew).
	Force bool
	// Closed says that this is no maintenance window. What can't wait is done all the same.
	Closed bool
	Now    time.Time
}

// Renew returns the certificate that a user with TLS should have: the one that is there (pki.Keep, the same bytes), a new one
// for the same key (pki.Renew), or one with a new key, which is ECDSA on P-256 (pki.Create). A key that the reference operator
// made, RSA of 2048 bits, is kept like any other as long as it is its certificate's. The error is about the authority.
func (u User) Renew(have Leaf, by Issuer, when Renewal, random io.Reader) (Leaf, pki.Decision, error) {
	want := pki.Template{
		Subject: pkix.Name{CommonName: u.Name}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		Algorithm: pki.ECDSAP256, Validity: u.Validity, RenewBefore: u.RenewBefore,
	}
	pair, err := pki.ParsePair(have.Certificate, have.Key)
	if err != nil {
		pair = pki.Pair{}
	}
	d := decide(pair, have, by, want, when)
	var next pki.Pair
	switch d.Action {
	case pki.Keep:
		return have, d, nil
	case pki.Renew:
		next, err = by.Renew(random, when.Now, pair.Key, want)
	default:
		next, err = by.Issue(random, when.Now, want)
	}
	if err != nil {
		return Leaf{}, d, fmt.Errorf("certificate of user %s: %w", u.Name, err)
	}
	key, err := pki.EncodeKey(next.Key)
	if err != nil {
		return Leaf{}, d, fmt.Errorf("key of user %s: %w", u.Name, err)
	}
	return Leaf{CA: by.PEM, Certificate: pki.EncodeCertificates(next.Certificate), Key: key}, d, nil
}

// decide adds to pki.DecideLeaf what is particular to users: the key is kept, the authority's certificate stands beside, and
// a new certificate that would end no later is not worth making.
func decide(pair pki.Pair, have Leaf, by Issuer, want pki.Template, when Renewal) pki.Decision {
	if pair.Certificate == nil {
		return pki.Decision{Action: pki.Create, Reason: "there is no certificate"}
	}
	d := pki.DecideLeaf(pair, by.Trusted, want, when.Closed, when.Now)
	if d.Action == pki.Replace {
		d.Action = pki.Renew
		if good(pair.Certificate, by, want, when.Now) && !lasts(pair.Certificate, by, want, when.Now) {
			return pki.Decision{Action: pki.Keep, Reason: "the authority ends no later"}
		}
	}
	if d.Action != pki.Keep {
		return d
	}
	if !bytes.Equal(have.CA, by.PEM) && (by.Certificate == nil || !when.Now.Before(by.Certificate.NotBefore.Add(settle))) {
		return pki.Decision{Action: pki.Renew, Reason: "there is a new authority"}
	}
	if when.Force {
		if when.Closed {
			return pki.Decision{Action: pki.Keep, Reason: "a new certificate was asked for", Postponed: true}
		}
		return pki.Decision{Action: pki.Renew, Reason: "a new certificate was asked for"}
	}
	return d
}

// good reports whether a certificate is of use today: then only its end can be a reason for another one.
func good(c *x509.Certificate, by Issuer, want pki.Template, now time.Time) bool {
	return c.Subject.String() == want.Subject.String() && len(c.DNSNames)+len(c.IPAddresses) == 0 && pki.Verify(c, by.Trusted, now) == nil
}

// lasts reports whether a new certificate would be valid for longer than the one that is there.
func lasts(c *x509.Certificate, by Issuer, want pki.Template, now time.Time) bool {
	end := now.Add(want.Validity)
	if by.Certificate != nil && by.Certificate.NotAfter.Before(end) {
		end = by.Certificate.NotAfter
	}
	return end.After(c.NotAfter)
}
