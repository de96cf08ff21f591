package config

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

func pair(t *testing.T) *pki.Pair {
	t.Helper()
	ca, err := pki.NewCA("ca")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ca.Issue(pki.Subject{CommonName: "my-cluster-kafka", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKeyStore(t *testing.T) {
	p := pair(t)
	chain := bytes.Join([][]byte{[]byte("Bag Attributes\n"), p.CertPEM, pair(t).CertPEM}, nil)
	store, err := KeyStore(chain, p.KeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(store, []byte("-----BEGIN PRIVATE KEY-----")) || bytes.Contains(store, []byte("Bag")) || bytes.Count(store, []byte("BEGIN CERTIFICATE")) != 2 {
		t.Errorf("the store has another shape")
	}
	if _, err := tls.X509KeyPair(store, store); err != nil {
		t.Error(err)
	}
}

// Keys in the older forms come out in the one that Kafka reads.
func TestKeyStoreOldForms(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	store, err := KeyStore(certificate, old)
	if err != nil || !bytes.HasPrefix(store, []byte("-----BEGIN PRIVATE KEY-----")) {
		t.Errorf("%v", err)
	}
}

func TestKeyStoreRefuses(t *testing.T) {
	p, other := pair(t), pair(t)
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES"}, Bytes: []byte("x")})
	for _, c := range []struct {
		name             string
		certificate, key []byte
		want             string
	}{
		{"no key", p.CertPEM, p.CertPEM, "the key file has no private key in PEM"},
		{"no certificate", p.KeyPEM, p.KeyPEM, "the certificate file has no certificate in PEM"},
		{"encrypted", p.CertPEM, encrypted, "the private key is encrypted: give it without a password"},
		{"encrypted in the old way", p.CertPEM, old, "the private key is encrypted: give it without a password"},
		{"another's", p.CertPEM, other.KeyPEM, "the private key is not that of the first certificate"},
		{"broken key", p.CertPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "the private key cannot be read: "},
		{"broken EC key", p.CertPEM, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")}), "the private key cannot be read: "},
		{"broken certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), p.KeyPEM, "the certificate cannot be read: "},
	} {
		if _, err := KeyStore(c.certificate, c.key); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzKeyStore(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, certificate, key []byte) {
		if store, err := KeyStore(certificate, key); err == nil && len(store) == 0 {
			t.Error("an empty store")
		}
	})
}
