package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// JudgeCustom reads the Secrets of an authority that a user provides (generateCertificateAuthority: false). The operator
// never changes them. The error has a line for each thing that is wrong, which names Secret and key and says what belongs
// there; the authority is of no use then.
//
// A former certificate of the cluster's authority that the user didn't keep under a dated name is trusted on for as long as
// the trust bundle has it (k). A new key without higher generations is refused: pods would get certificates that others don't trust yet.
func JudgeCustom(kind Kind, key, cert Stored, k Known, now time.Time) (Authority, error) {
	if err := errors.Join(key.mustHave(AuthorityKey, "the private key"), cert.mustHave(AuthorityBundle, "the certificate")); err != nil {
		return Authority{}, err
	}
	a, err := ParseAuthority(kind, key, cert)
	if err != nil {
		return Authority{}, fmt.Errorf("%w: mend it or take it away", err)
	}
	if err := errors.Join(judgeChain(a, key, cert, now)...); err != nil {
		return Authority{}, err
	}
	leastKey, leastCert := a.least(k)
	if err := errors.Join(
		key.tooLow(AnnotationKeyGeneration, a.KeyGeneration, leastKey), cert.tooLow(AnnotationCertGeneration, a.CertGeneration, leastCert),
	); err != nil {
		return Authority{}, err
	}
	var out Outcome
	return a.dropExpired(now, &out).keep(k, now), nil
}

// tooLow is about a generation that pods have already, maybe of another authority.
func (s Stored) tooLow(annotation string, generation, least int64) error {
	if generation >= least {
		return nil
	}
	return fmt.Errorf("annotation %s of Secret %s: %d is what pods have or had from another key or certificate: put %d there",
		annotation, s.Name, generation, least)
}

// mustHave is about what has to be there.
func (s Stored) mustHave(name, what string) error {
	const instead = "or let the operator make the authority (generateCertificateAuthority: true)"
	switch {
	case s.Data == nil:
		return fmt.Errorf("there is no Secret %s: create it with %s of your authority as key %s, %s", s.Name, what, name, instead)
	case len(s.Data[name]) == 0:
		return fmt.Errorf("key %s of Secret %s is missing: put %s of your authority there as PEM, %s", name, s.Name, what, instead)
	}
	return nil
}

// judgeChain checks the certificates of ca.crt one by one, and that they are in order.
func judgeChain(a Authority, key, cert Stored, now time.Time) (errs []error) {
	wrong := func(i int, format string, args ...any) {
		which := fmt.Sprintf("certificate %d %q: ", i+1, a.Chain[i].Subject)
		errs = append(errs, cert.problem(AuthorityBundle, errors.New(which+fmt.Sprintf(format, args...))))
	}
	if !(Pair{Certificate: a.Chain[0], Key: a.Key}).matches() {
		wrong(0, "it isn't for the key in %s of Secret %s: put the certificate of that key first, behind it the one that signed it, and so on",
			AuthorityKey, key.Name)
	}
	for i, c := range a.Chain {
		// CA:FALSE would be told as the wrong order.
		if problem := judgeAuthority(c, now); problem != "" {
			wrong(i, "%s", problem)
			continue
		}
		limited := c.MaxPathLen > 0 || c.MaxPathLenZero
		switch {
		case i > 0 && !signed(a.Chain[i-1], c):
			wrong(i, "it didn't sign the one before it: put the certificate of the key first, behind it the one that signed it, and so on")
		case limited && c.MaxPathLen < i:
			wrong(i, "its path length %d is less than the number of authorities below it, %d: put one there with a longer path", c.MaxPathLen, i)
		}
	}
	return errs
}

// judgeAuthority says what is wrong with a certificate by itself.
func judgeAuthority(c *x509.Certificate, now time.Time) string {
	switch {
	case !now.Before(c.NotAfter):
		return "it expired at " + stamp(c.NotAfter) + ": put one there that is valid"
	case now.Before(c.NotBefore):
		return "it is valid only from " + stamp(c.NotBefore) + ": put one there that is valid"
	case !c.IsCA:
		return "it is no authority (basic constraints CA:TRUE): put the authority's certificate there"
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return "its key usage doesn't let it sign certificates: put one there with keyCertSign"
	}
	return ""
}
