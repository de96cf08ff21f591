package config

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// KeyStore joins a certificate chain and its private key to the one file that Kafka's PEM key stores are. Kafka reads keys
// in PKCS#8 only (PEM type PRIVATE KEY), so that those in the older forms of RSA and EC are rewritten. An error says which
// of the two is at fault and never shows a content.
func KeyStore(certificate, key []byte) ([]byte, error) {
	block := firstBlock(key, "PRIVATE KEY")
	if block == nil {
		return nil, errors.New("the key file has no private key in PEM")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("the private key is encrypted: give it without a password")
	}
	private, err := parseKey(block)
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	leaf := firstBlock(certificate, "CERTIFICATE")
	if leaf == nil {
		return nil, errors.New("the certificate file has no certificate in PEM")
	}
	parsed, err := x509.ParseCertificate(leaf.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	public, ok := parsed.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(private.Public()) {
		return nil, errors.New("the private key is not that of the first certificate")
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be written: %w", err)
	}
	store := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for rest := certificate; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return store, nil
		}
		if b.Type == "CERTIFICATE" {
			store = append(store, pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: b.Bytes})...)
		}
	}
}

// firstBlock returns the first block whose type ends in a word, or nil.
func firstBlock(text []byte, word string) *pem.Block {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil || bytes.HasSuffix([]byte(b.Type), []byte(word)) {
			return b
		}
	}
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("it is of a kind that cannot sign")
	}
	return signer, nil
}
