// Package pki makes certificate authorities and certificates for tests, in
// memory and in the file formats that Kafka's Java clients read: PEM, PKCS12,
// JKS.
//
// It is for tests only: keys are small, names are not checked, and nothing can
// be revoked.
package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// CA is a certificate authority valid from an hour ago for ten years.
type CA struct {
	// Certificate is the authority's own, self-signed.
	Certificate *x509.Certificate
	// PEM is the same as text.
	PEM []byte

	key *ecdsa.PrivateKey
}

// Subject says what a certificate is for. The zero value of everything but
// CommonName is a client's certificate, valid as long as the authority.
type Subject struct {
	// CommonName becomes the only part of the distinguished name, CN=….
	CommonName string
	// Server makes it a certificate for localhost, 127.0.0.1 and ::1 too.
	Server bool
	// NotBefore and NotAfter narrow the time of validity.
	NotBefore, NotAfter time.Time
}

// Pair is a certificate and its private key.
type Pair struct {
	// TLS has both, with the parsed certificate as Leaf.
	TLS tls.Certificate
	// CertPEM is the certificate, KeyPEM the key in PKCS#8, unencrypted.
	CertPEM, KeyPEM []byte

	ca *CA
}

// NewCA makes an authority with the distinguished name CN=name.
func NewCA(name string) (*CA, error) {
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca := &CA{Certificate: cert}
	pair, err := ca.sign(cert)
	if err != nil {
		return nil, err
	}
	ca.PEM, ca.Certificate = pair.CertPEM, pair.TLS.Leaf
	return ca, nil
}

// Pool returns a pool with the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.Certificate)
	return p
}

// Issue makes a key and a certificate signed by ca, with a serial number of its own.
func (ca *CA) Issue(s Subject) (*Pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	cert := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.CommonName},
		NotBefore:    ca.Certificate.NotBefore,
		NotAfter:     ca.Certificate.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if !s.NotBefore.IsZero() {
		cert.NotBefore = s.NotBefore
	}
	if !s.NotAfter.IsZero() {
		cert.NotAfter = s.NotAfter
	}
	if s.Server {
		cert.ExtKeyUsage = append(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		cert.DNSNames = []string{"localhost"}
		cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	return ca.sign(cert)
}

// sign completes cert with a new key; the authority's own becomes its key.
func (ca *CA) sign(cert *x509.Certificate) (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if ca.key == nil {
		ca.key = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, ca.Certificate, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", cert.Subject, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", cert.Subject, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return &Pair{
		TLS:     tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		ca:      ca,
	}, nil
}

// StorePEM is key and certificate in the one file that Kafka's PEM keystores are.
func (p *Pair) StorePEM() []byte { return append(bytes.Clone(p.KeyPEM), p.CertPEM...) }

// PKCS12 is a keystore with key, certificate and authority.
func (p *Pair) PKCS12(password string) ([]byte, error) {
	b, err := pkcs12.Modern.Encode(p.TLS.PrivateKey, p.TLS.Leaf, []*x509.Certificate{p.ca.Certificate}, password)
	if err != nil {
		return nil, fmt.Errorf("PKCS12 keystore: %w", err)
	}
	return b, nil
}

// JKS is a Java keystore with key, certificate and authority under the alias
// "key"; the key has the store's password.
func (p *Pair) JKS(password string) ([]byte, error) {
	block, _ := pem.Decode(p.KeyPEM)
	ks := keystore.New()
	err := ks.SetPrivateKeyEntry("key", keystore.PrivateKeyEntry{
		CreationTime: time.Now(),
		PrivateKey:   block.Bytes,
		CertificateChain: []keystore.Certificate{
			{Type: "X509", Content: p.TLS.Leaf.Raw},
			{Type: "X509", Content: p.ca.Certificate.Raw},
		},
	}, []byte(password))
	if err != nil {
		return nil, fmt.Errorf("JKS keystore: %w", err)
	}
	return storeJKS(ks, password)
}

// PKCS12 is a truststore with the authority, as keytool makes it.
func (ca *CA) PKCS12(password string) ([]byte, error) {
	b, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{ca.Certificate}, password)
	if err != nil {
		return nil, fmt.Errorf("PKCS12 truststore: %w", err)
	}
	return b, nil
}

// JKS is a Java truststore with the authority under the alias "ca".
func (ca *CA) JKS(password string) ([]byte, error) {
	ks := keystore.New()
	err := ks.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{
		CreationTime: time.Now(),
		Certificate:  keystore.Certificate{Type: "X509", Content: ca.Certificate.Raw},
	})
	if err != nil {
		return nil, fmt.Errorf("JKS truststore: %w", err)
	}
	return storeJKS(ks, password)
}

func storeJKS(ks keystore.KeyStore, password string) ([]byte, error) {
	var b bytes.Buffer
	if err := ks.Store(&b, []byte(password)); err != nil {
		return nil, fmt.Errorf("JKS store: %w", err)
	}
	return b.Bytes(), nil
}

// Files are the paths that WriteFiles has written.
type Files struct {
	// Cert and Key are PEM; Store is both in one file.
	Cert, Key, Store string
	// PKCS12 and JKS are keystores.
	PKCS12, JKS string
}

// WriteFiles writes the pair into dir as name.crt, name.key, name.pem, name.p12
// and name.jks, over what is there. password protects the last two.
func (p *Pair) WriteFiles(dir, name, password string) (Files, error) {
	p12, err := p.PKCS12(password)
	if err != nil {
		return Files{}, err
	}
	jks, err := p.JKS(password)
	if err != nil {
		return Files{}, err
	}
	base := filepath.Join(dir, name)
	f := Files{Cert: base + ".crt", Key: base + ".key", Store: base + ".pem", PKCS12: base + ".p12", JKS: base + ".jks"}
	for path, data := range map[string][]byte{f.Cert: p.CertPEM, f.Key: p.KeyPEM, f.Store: p.StorePEM(), f.PKCS12: p12, f.JKS: jks} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return Files{}, fmt.Errorf("certificate files: %w", err)
		}
	}
	return f, nil
}

// WriteFiles writes the authority into dir as name.crt, name.p12 and name.jks,
// truststores with the given password. Key and Store of the result are empty.
func (ca *CA) WriteFiles(dir, name, password string) (Files, error) {
	p12, err := ca.PKCS12(password)
	if err != nil {
		return Files{}, err
	}
	jks, err := ca.JKS(password)
	if err != nil {
		return Files{}, err
	}
	base := filepath.Join(dir, name)
	f := Files{Cert: base + ".crt", PKCS12: base + ".p12", JKS: base + ".jks"}
	for path, data := range map[string][]byte{f.Cert: ca.PEM, f.PKCS12: p12, f.JKS: jks} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return Files{}, fmt.Errorf("certificate files: %w", err)
		}
	}
	return f, nil
}
