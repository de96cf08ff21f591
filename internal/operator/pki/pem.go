package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS#8, RFC 5958
)

// publicKey is what every public key of the standard library offers.
type publicKey interface{ Equal(crypto.PublicKey) bool }

// EncodeCertificates writes certificates as PEM, in the given order.
func EncodeCertificates(certificates ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})...)
	}
	return out
}

// EncodeKey writes a private key as PKCS#8 PEM, the form of Strimzi's ca.key and of Kafka's PEM key stores.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// ParseCertificates reads every certificate of a PEM text, in its order. Text between blocks is skipped, as openssl writes
// it; a block of another kind, or none at all, is an error.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != certificateBlock {
			return nil, fmt.Errorf("a PEM block %q stands where only certificates belong", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(found)+1, err)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return found, nil
}

// ParseKey reads the private key of a PEM text: PKCS#8, or the older forms of RSA (PKCS#1) and EC (SEC 1) keys, which
// certificate managers may write. Blocks of EC parameters before it are skipped. Encrypted keys are refused.
func ParseKey(text []byte) (crypto.Signer, error) {
	for rest := text; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			return nil, errors.New("no private key in PEM form")
		}
		var key any
		var err error
		switch block.Type {
		case "EC PARAMETERS":
			continue
		case keyBlock:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			return nil, fmt.Errorf("a PEM block %q stands where an unencrypted private key belongs", block.Type)
		}
		if err != nil {
			return nil, errors.New("the private key can't be read: its DER encoding is broken") // err may quote the key
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, errors.New("the private key can't sign")
		}
		return signer, nil
	}
}

// ParsePair reads a certificate chain and the private key of its first certificate, and checks that they belong together.
func ParsePair(chain, key []byte) (Pair, error) {
	certificates, err := ParseCertificates(chain)
	if err != nil {
		return Pair{}, err
	}
	signer, err := ParseKey(key)
	if err != nil {
		return Pair{}, err
	}
	p := Pair{Certificate: certificates[0], Key: signer}
	if !p.matches() {
		return Pair{}, fmt.Errorf("the private key isn't the one of certificate %q", p.Certificate.Subject)
	}
	return p, nil
}

// matches reports whether the key is the certificate's.
func (ca Pair) matches() bool {
	if ca.Certificate == nil || ca.Key == nil {
		return false
	}
	public, ok := ca.Key.Public().(publicKey)
	return ok && public.Equal(ca.Certificate.PublicKey)
}

// Equal reports whether both lists hold the same certificates in the same order.
func Equal(a, b []*x509.Certificate) bool {
	return bytes.Equal(EncodeCertificates(a...), EncodeCertificates(b...))
}
