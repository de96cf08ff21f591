package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// Algorithm is the kind of a new key.
type Algorithm int

// The keys that can be made. ECDSA on P-256 is the default: small, and made in well under a millisecond. RSA is what Strimzi's
// operator uses: 4096 bits for authorities, 2048 for leaves.
const (
	ECDSAP256 Algorithm = iota
	RSA2048
	RSA4096
)

// backdate is how long before now a certificate becomes valid, so that a machine whose clock is a little late believes it too.
const backdate = 5 * time.Minute

// serialBits is the length of serial numbers: RFC 5280 4.1.2.2 allows 20 octets with the sign, CA/Browser Forum asks for at
// least 64 random bits.
const serialBits = 128

// Template says what a certificate is to state, and how long it lives.
type Template struct {
	Subject pkix.Name
	// DNSNames and Addresses become subject alternative names; authorities have none.
	DNSNames  []string
	Addresses []netip.Addr
	// Algorithm is the kind of key made when none is kept.
	Algorithm Algorithm
	// Usages are the extended key usages of a leaf; without any it is good for server and client authentication, as
	// Strimzi's leaves are.
	Usages []x509.ExtKeyUsage
	// Validity is the time from now to the certificate's end; a leaf never outlives its authority.
	Validity time.Duration
	// RenewBefore is how long before its end a certificate is renewed.
	RenewBefore time.Duration
}

// Pair is a certificate and its private key. A zero Pair stands for "there is none".
type Pair struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// NewAuthority makes a self-signed authority with a new key: basic constraints critical with path length 0 (it signs leaves
// only), key usages certificate and CRL signing.
func NewAuthority(random io.Reader, now time.Time, t Template) (Pair, error) {
	key, err := newKey(random, t.Algorithm)
	if err != nil {
		return Pair{}, err
	}
	return RenewAuthority(random, now, key, t)
}

// RenewAuthority makes a new self-signed certificate for the key of an authority. Leaves that were signed by this key verify
// against the new certificate as well, as long as the subject is the same.
func RenewAuthority(random io.Reader, now time.Time, key crypto.Signer, t Template) (Pair, error) {
	return renewAuthority(random, now, key, t, nil)
}

// renewAuthority takes the subject as DER, if it is given: Go compares issuers and subjects by their bytes, and the same name
// can be encoded in several ways (openssl writes UTF8String where Go writes PrintableString).
func renewAuthority(random io.Reader, now time.Time, key crypto.Signer, t Template, subject []byte) (Pair, error) {
	c, err := certificate(random, now, t)
	if err != nil {
		return Pair{}, err
	}
	c.RawSubject = subject
	c.IsCA, c.MaxPathLenZero = true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	c.SignatureAlgorithm = signature(key)
	return sign(random, c, Pair{Certificate: c, Key: key}, key)
}

// Issue makes a leaf with a new key, signed by the authority ca.
func (ca Pair) Issue(random io.Reader, now time.Time, t Template) (Pair, error) {
	key, err := newKey(random, t.Algorithm)
	if err != nil {
		return Pair{}, err
	}
	return ca.Renew(random, now, key, t)
}

// Renew makes a new leaf for a key that is kept, signed by the authority ca.
func (ca Pair) Renew(random io.Reader, now time.Time, key crypto.Signer, t Template) (Pair, error) {
	if ca.Certificate == nil || ca.Key == nil {
		return Pair{}, errors.New("the authority's certificate or key is missing")
	}
	if !ca.Certificate.IsCA {
		return Pair{}, fmt.Errorf("certificate %q is no authority: it can't sign others", ca.Certificate.Subject)
	}
	if !ca.Certificate.NotAfter.After(now) {
		return Pair{}, fmt.Errorf("the authority %q expired at %s", ca.Certificate.Subject, stamp(ca.Certificate.NotAfter))
	}
	c, err := certificate(random, now, t)
	if err != nil {
		return Pair{}, err
	}
	if c.NotAfter.After(ca.Certificate.NotAfter) {
		c.NotAfter = ca.Certificate.NotAfter
	}
	c.DNSNames = t.DNSNames
	for _, a := range t.Addresses {
		c.IPAddresses = append(c.IPAddresses, net.IP(a.Unmap().AsSlice()))
	}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	if _, isRSA := key.(*rsa.PrivateKey); isRSA {
		c.KeyUsage |= x509.KeyUsageKeyEncipherment // for the key exchange of TLS 1.2 without forward secrecy
	}
	c.ExtKeyUsage = t.Usages
	if len(c.ExtKeyUsage) == 0 {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	c.SignatureAlgorithm = signature(ca.Key)
	return sign(random, c, ca, key)
}

// certificate fills in what authorities and leaves share.
func certificate(random io.Reader, now time.Time, t Template) (*x509.Certificate, error) {
	if t.Validity <= 0 {
		return nil, fmt.Errorf("a certificate can't be valid for %s", t.Validity)
	}
	octets := make([]byte, serialBits/8)
	if _, err := io.ReadFull(random, octets); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	octets[0] &= 0x7f // positive
	octets[len(octets)-1] |= 1
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(octets),
		Subject:               t.Subject,
		NotBefore:             now.Add(-backdate).UTC().Truncate(time.Second),
		NotAfter:              now.Add(t.Validity).UTC().Truncate(time.Second),
		BasicConstraintsValid: true,
	}, nil
}

func sign(random io.Reader, c *x509.Certificate, issuer Pair, key crypto.Signer) (Pair, error) {
	der, err := x509.CreateCertificate(random, c, issuer.Certificate, key.Public(), issuer.Key)
	if err != nil {
		return Pair{}, fmt.Errorf("signing the certificate of %q: %w", c.Subject, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return Pair{}, fmt.Errorf("reading the new certificate of %q: %w", c.Subject, err)
	}
	return Pair{Certificate: parsed, Key: key}, nil
}

// newKey makes a private key. Since Go 1.26 the standard library takes the key's bits from the system's generator whatever
// reader it is given.
func newKey(random io.Reader, a Algorithm) (key crypto.Signer, err error) {
	switch a {
	case ECDSAP256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case RSA2048:
		key, err = rsa.GenerateKey(random, 2048)
	case RSA4096:
		key, err = rsa.GenerateKey(random, 4096)
	default:
		return nil, fmt.Errorf("there is no key algorithm %d", a)
	}
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// signature chooses SHA-512 for RSA, as Strimzi's operator does; the others follow from the curve.
func signature(key crypto.Signer) x509.SignatureAlgorithm {
	if _, isRSA := key.(*rsa.PrivateKey); isRSA {
		return x509.SHA512WithRSA
	}
	return x509.UnknownSignatureAlgorithm
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
