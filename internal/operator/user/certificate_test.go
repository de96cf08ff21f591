package user

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

const day = 24 * time.Hour

// issuer makes an authority that is valid from a moment on.
func issuer(t *testing.T, name string, seed byte, from time.Time, validity time.Duration, before ...Issuer) Issuer {
	t.Helper()
	pair, err := pki.NewAuthority(fixed(seed), from, pki.Template{Subject: pkix.Name{CommonName: name}, Validity: validity})
	if err != nil {
		t.Fatal(err)
	}
	by := Issuer{Pair: pair, PEM: pki.EncodeCertificates(pair.Certificate), Trusted: []*x509.Certificate{pair.Certificate}}
	for _, b := range before {
		by.Trusted = append(by.Trusted, b.Trusted...)
	}
	return by
}

func leafPair(t *testing.T, l Leaf) pki.Pair {
	t.Helper()
	pair, err := pki.ParsePair(l.Certificate, l.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// TestRenew follows the certificate of a user through its life.
func TestRenew(t *testing.T) {
	u := User{Name: "my-app", Authentication: TLS, Validity: 365 * day, RenewBefore: 30 * day}
	old := issuer(t, "clients-ca v0", 1, noon, 5*365*day)
	first, d, err := u.Renew(Leaf{}, old, Renewal{Now: noon}, fixed(2))
	if err != nil || d.Action != pki.Create {
		t.Fatal(d, err)
	}
	c := leafPair(t, first)
	if c.Certificate.Subject.String() != "CN=my-app" || !c.Certificate.NotAfter.Equal(noon.Add(365*day)) || !bytes.Equal(first.CA, old.PEM) {
		t.Error(c.Certificate.Subject, c.Certificate.NotAfter)
	}
	if _, isEC := c.Key.(*ecdsa.PrivateKey); !isEC || !cmp.Equal(c.Certificate.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) {
		t.Errorf("%T %v", c.Key, c.Certificate.ExtKeyUsage)
	}
	next := issuer(t, "clients-ca v1", 3, noon.Add(100*day), 5*365*day, old)
	for name, step := range map[string]struct {
		by     Issuer
		when   Renewal
		action pki.Action
		reason string
	}{
		"young":                         {old, Renewal{Now: noon.Add(time.Hour)}, pki.Keep, ""},
		"a window does not matter":      {old, Renewal{Now: noon.Add(time.Hour), Closed: true}, pki.Keep, ""},
		"a day before it is time":       {old, Renewal{Now: noon.Add(334 * day)}, pki.Keep, ""},
		"it is time":                    {old, Renewal{Now: noon.Add(336 * day)}, pki.Renew, "it expires at 2027-11-22T12:00:00Z"},
		"it is time and no window":      {old, Renewal{Now: noon.Add(336 * day), Closed: true}, pki.Keep, "it expires at 2027-11-22T12:00:00Z"},
		"expired in no window":          {old, Renewal{Now: noon.Add(366 * day), Closed: true}, pki.Renew, "it expired at 2027-11-22T12:00:00Z"},
		"asked for":                     {old, Renewal{Now: noon.Add(time.Hour), Force: true}, pki.Renew, "a new certificate was asked for"},
		"asked for in no window":        {old, Renewal{Now: noon.Add(time.Hour), Force: true, Closed: true}, pki.Keep, "a new certificate was asked for"},
		"a new authority a moment ago":  {next, Renewal{Now: noon.Add(100*day + time.Minute)}, pki.Keep, ""},
		"a new authority, known to all": {next, Renewal{Now: noon.Add(100*day + 4*time.Minute), Closed: true}, pki.Renew, "there is a new authority"},
		"an authority of somebody else": {issuer(t, "other", 9, noon, 365*day), Renewal{Now: noon.Add(time.Hour)}, pki.Renew, "no trusted authority signed it"},
	} {
		got, d, err := u.Renew(first, step.by, step.when, fixed(4))
		if err != nil || d.Action != step.action || d.Reason != step.reason {
			t.Errorf("%s: %v %v", name, d, err)
			continue
		}
		if d.Action == pki.Keep {
			if !cmp.Equal(got, first) {
				t.Errorf("%s: changed", name)
			}
			continue
		}
		renewed := leafPair(t, got)
		if !bytes.Equal(got.Key, first.Key) || !bytes.Equal(got.CA, step.by.PEM) || pki.Verify(renewed.Certificate, step.by.Trusted[:1], step.when.Now) != nil {
			t.Errorf("%s: another key, or not signed by the newest authority", name)
		}
		if again, d, err := u.Renew(got, step.by, Renewal{Now: step.when.Now}, fixed(5)); err != nil || d.Action != pki.Keep || !cmp.Equal(again, got) {
			t.Errorf("%s: renewed twice: %v %v", name, d, err)
		}
	}
}

// A certificate that its authority's end has cut short is not made again and again.
func TestRenewAtTheAuthoritysEnd(t *testing.T) {
	u := User{Name: "my-app", Authentication: TLS, Validity: 365 * day, RenewBefore: 30 * day}
	by := issuer(t, "clients-ca v0", 1, noon, 365*day)
	have, _, err := u.Renew(Leaf{}, by, Renewal{Now: noon.Add(100 * day)}, fixed(2))
	if err != nil {
		t.Fatal(err)
	}
	if end := leafPair(t, have).Certificate.NotAfter; !end.Equal(by.Certificate.NotAfter) {
		t.Fatal(end)
	}
	for name, now := range map[string]time.Time{"near": noon.Add(340 * day), "at the end": noon.Add(365*day - time.Second)} {
		if _, d, err := u.Renew(have, by, Renewal{Now: now}, fixed(3)); err != nil || d.Action != pki.Keep || d.Reason != "the authority ends no later" {
			t.Errorf("%s: %v %v", name, d, err)
		}
	}
}

// A key that another operator made is kept; one that is not the certificate's, or that can't be read, is made anew.
func TestRenewKeys(t *testing.T) {
	u := User{Name: "my-app", Authentication: TLS, Validity: 365 * day, RenewBefore: 30 * day}
	by := issuer(t, "clients-ca v0", 1, noon, 5*365*day)
	pair, err := by.Issue(fixed(2), noon, pki.Template{Subject: pkix.Name{CommonName: "my-app"}, Algorithm: pki.RSA2048, Validity: 365 * day})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	theirs := Leaf{CA: by.PEM, Certificate: pki.EncodeCertificates(pair.Certificate), Key: key}
	if _, d, err := u.Renew(theirs, by, Renewal{Now: noon.Add(time.Hour)}, fixed(3)); err != nil || d.Action != pki.Keep {
		t.Error(d, err)
	}
	renewed, d, err := u.Renew(theirs, by, Renewal{Now: noon.Add(340 * day)}, fixed(3))
	if _, isRSA := leafPair(t, renewed).Key.(*rsa.PrivateKey); err != nil || d.Action != pki.Renew || !isRSA {
		t.Error(d, err)
	}
	other := User{Name: "other", Validity: 365 * day, RenewBefore: 30 * day}
	stranger, _, err := other.Renew(Leaf{}, by, Renewal{Now: noon}, fixed(4))
	if err != nil {
		t.Fatal(err)
	}
	for name, have := range map[string]Leaf{
		"another's key":   {CA: theirs.CA, Certificate: theirs.Certificate, Key: stranger.Key},
		"no key":          {CA: theirs.CA, Certificate: theirs.Certificate},
		"rubbish":         {CA: theirs.CA, Certificate: []byte("x"), Key: theirs.Key},
		"nothing but CA":  {CA: theirs.CA},
		"key in the cert": {CA: theirs.CA, Certificate: theirs.Key, Key: theirs.Key},
	} {
		made, d, err := u.Renew(have, by, Renewal{Now: noon}, fixed(5))
		if err != nil || d.Action != pki.Create {
			t.Errorf("%s: %v %v", name, d, err)
			continue
		}
		leafPair(t, made)
	}
	if made, d, err := u.Renew(stranger, by, Renewal{Now: noon}, fixed(5)); err != nil || d.Action != pki.Renew || leafPair(t, made).Certificate.Subject.String() != "CN=my-app" {
		t.Error("a certificate for another name was kept", d, err)
	}
}

// Without an authority that can sign there is an error, which tells no key.
func TestRenewFails(t *testing.T) {
	u := User{Name: "my-app", Authentication: TLS, Validity: 365 * day, RenewBefore: 30 * day}
	by := issuer(t, "clients-ca v0", 1, noon, day)
	noKey := by
	noKey.Key = nil
	for want, tried := range map[string]struct {
		by  Issuer
		now time.Time
	}{
		"certificate of user my-app: the authority's certificate or key is missing":                    {noKey, noon},
		`certificate of user my-app: the authority "CN=clients-ca v0" expired at 2026-11-23T12:00:00Z`: {by, noon.Add(2 * day)},
	} {
		if _, _, err := u.Renew(Leaf{}, tried.by, Renewal{Now: tried.now}, fixed(1)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := u.Renew(Leaf{}, by, Renewal{Now: noon}, strings.NewReader("")); err == nil {
		t.Error("made without randomness")
	}
}
