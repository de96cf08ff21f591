package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func encodeKey(t testing.TB, p Pair) []byte {
	t.Helper()
	text, err := EncodeKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPairRoundTrip(t *testing.T) {
	ca := authority(t, noon)
	leaf := issue(t, ca, noon, leafTemplate())
	chain := EncodeCertificates(leaf.Certificate, ca.Certificate)
	got, err := ParsePair(chain, encodeKey(t, leaf))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Certificate.Equal(leaf.Certificate) || !got.matches() {
		t.Errorf("read back: %s", got.Certificate.Subject)
	}
	all, err := ParseCertificates(append([]byte("subject=/CN=x\n"), chain...))
	if err != nil || !Equal(all, []*x509.Certificate{leaf.Certificate, ca.Certificate}) {
		t.Errorf("%d certificates, %v", len(all), err)
	}
	if Equal(all, []*x509.Certificate{ca.Certificate, leaf.Certificate}) {
		t.Error("the order of a chain is said not to matter")
	}
}

// TestOlderKeyForms: what openssl and cert-manager write besides PKCS#8.
func TestOlderKeyForms(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"SEC 1":                 block("EC PRIVATE KEY", sec1),
		"SEC 1 with parameters": append(block("EC PARAMETERS", []byte{6, 0}), block("EC PRIVATE KEY", sec1)...),
		"PKCS#1":                block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(old)),
	} {
		if _, err := ParseKey(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ca := authority(t, noon)
	leaf := issue(t, ca, noon, leafTemplate())
	cert, key := EncodeCertificates(leaf.Certificate), encodeKey(t, leaf)
	for _, c := range []struct {
		name      string
		cert, key []byte
		want      string
	}{
		{"empty", nil, key, "no certificate in PEM form"},
		{"no PEM", []byte("hello"), key, "no certificate in PEM form"},
		{"a key among certificates", append(bytes.Clone(cert), key...), key, `"PRIVATE KEY" stands where only certificates belong`},
		{"broken certificate", append(bytes.Clone(cert), block(certificateBlock, []byte{1, 2, 3})...), key, "certificate 2: "},
		{"no key", cert, nil, "no private key in PEM form"},
		{"certificate as key", cert, cert, `"CERTIFICATE" stands where an unencrypted private key belongs`},
		{"encrypted key", cert, block("ENCRYPTED PRIVATE KEY", []byte{1}), `"ENCRYPTED PRIVATE KEY" stands where`},
		{"broken key", cert, block(keyBlock, []byte{1, 2, 3}), "DER encoding is broken"},
		{"another's key", cert, encodeKey(t, ca), `isn't the one of certificate "CN=my-cluster-kafka,O=io.strimzi"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParsePair(c.cert, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestErrorsKeepSecrets: an error about a broken key quotes nothing of it.
func TestErrorsKeepSecrets(t *testing.T) {
	secret := []byte("hunter2-is-the-password")
	for _, kind := range []string{keyBlock, "EC PRIVATE KEY", "RSA PRIVATE KEY"} {
		_, err := ParseKey(block(kind, secret))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func FuzzParseCertificates(f *testing.F) {
	ca := authority(f, noon)
	f.Add(EncodeCertificates(ca.Certificate))
	f.Add(EncodeCertificates(ca.Certificate, ca.Certificate))
	f.Add(block("PRIVATE KEY", nil))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := ParseCertificates(text)
		if (err == nil) != (len(found) > 0) {
			t.Fatalf("%d certificates with error %v", len(found), err)
		}
		if err != nil {
			return
		}
		again, err := ParseCertificates(EncodeCertificates(found...))
		if err != nil || !Equal(found, again) {
			t.Fatalf("not the same when written and read again: %v", err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	ca := authority(f, noon)
	f.Add(encodeKey(f, ca))
	f.Add(block("EC PARAMETERS", []byte{6, 8}))
	f.Add(block("RSA PRIVATE KEY", []byte{0x30, 0}))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		again, err := EncodeKey(key)
		if err != nil {
			t.Skip("a key that can be read but not written, X25519 say, is of no use here")
		}
		if _, err := ParseKey(again); err != nil {
			t.Fatalf("not readable when written again: %v", err)
		}
	})
}
