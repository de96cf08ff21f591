package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// validity is that of a certificate: longer than a cluster of the lab lives.
const validity = 30 * 24 * time.Hour

// authority signs certificates.
type authority struct {
	pem  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// pair is a certificate and its key in PKCS#8, as PEM.
type pair struct{ Cert, Key string }

func newAuthority(name string) (*authority, error) {
	a := &authority{cert: certificate(name, 2*validity)}
	a.cert.IsCA, a.cert.BasicConstraintsValid = true, true
	a.cert.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	p, key, err := a.sign(a.cert)
	if err != nil {
		return nil, err
	}
	a.pem, a.key = p.Cert, key
	return a, nil
}

// issue makes a certificate for CN=name, for a server too if it has DNS names. The name has no organisation, unlike the
// reference operator's brokers: a user's principal is CN=name.
func (a *authority) issue(name string, valid time.Duration, dns ...string) (pair, error) {
	c := certificate(name, valid)
	c.KeyUsage, c.ExtKeyUsage, c.DNSNames = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, dns
	if len(dns) > 0 {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	p, _, err := a.sign(c)
	return p, err
}

func certificate(name string, valid time.Duration) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text()[:16])), // RFC 5280: at most 20 bytes
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour), // clocks differ
		NotAfter:     now.Add(valid),
	}
}

// sign gives c a new key; an authority without one signs itself with it.
func (a *authority) sign(c *x509.Certificate) (pair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, nil, fmt.Errorf("key of %s: %w", c.Subject, err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), signer)
	if err != nil {
		return pair{}, nil, fmt.Errorf("certificate of %s: %w", c.Subject, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, nil, fmt.Errorf("key of %s: %w", c.Subject, err)
	}
	return pair{Cert: encode("CERTIFICATE", der), Key: encode("PRIVATE KEY", pkcs8)}, key, nil
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// password has 130 bits of chance.
func password() string { return rand.Text() }
