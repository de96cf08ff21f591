package credentials

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// The types of stores, as the settings name them.
const (
	typePEM    = "PEM"
	typePKCS12 = "PKCS12"
	typeJKS    = "JKS"
)

// jksMagic starts every JKS file. Which of JKS and PKCS12 a store is decides its content and not its type setting: Java
// reads either under both names (keystore.type.compat).
const jksMagic = 0xfeedfeed

// isJKS looks at the first four bytes.
func isJKS(store []byte) bool {
	return len(store) > 4 && binary.BigEndian.Uint32(store) == jksMagic
}

// trusted returns the certificates that a trust store holds, at least one.
func trusted(kind string, store []byte, password string) ([]*x509.Certificate, error) {
	switch {
	case kind == typePEM:
		return parseCertificates(store)
	case kind != typePKCS12 && kind != typeJKS:
		return nil, fmt.Errorf("is of type %s, which is not supported; %s, %s and %s are", kind, typePEM, typePKCS12, typeJKS)
	case isJKS(store):
		return trustedJKS(store, password)
	}
	certificates, err := pkcs12.DecodeTrustStore(store, password)
	if err != nil {
		return nil, pkcs12Error(err)
	}
	if len(certificates) == 0 {
		return nil, errors.New("holds no trusted certificate")
	}
	return certificates, nil
}

// identity returns the key of a key store with its chain.
func identity(kind string, store []byte, password, keyPassword string) (tls.Certificate, error) {
	switch {
	case kind == typePEM:
		return identityPEM(store, store, keyPassword)
	case kind != typePKCS12 && kind != typeJKS:
		return tls.Certificate{}, fmt.Errorf("is of type %s, which is not supported; %s, %s and %s are", kind, typePEM, typePKCS12, typeJKS)
	case isJKS(store):
		return identityJKS(store, password, keyPassword)
	}
	key, leaf, others, err := pkcs12.DecodeChain(store, password)
	if err != nil {
		return tls.Certificate{}, pkcs12Error(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, fmt.Errorf("holds a key that can't sign (%T)", key)
	}
	return pair(signer, append([]*x509.Certificate{leaf}, others...))
}

// identityPEM makes a pair of a chain and a key in PEM; both may be the same text.
func identityPEM(chain, key []byte, keyPassword string) (tls.Certificate, error) {
	certificates, err := parseCertificates(chain)
	if err != nil {
		return tls.Certificate{}, err
	}
	signer, err := parseKey(key, keyPassword)
	if err != nil {
		return tls.Certificate{}, err
	}
	return pair(signer, certificates)
}

// errMismatch says that key and certificate are not of one pair.
var errMismatch = errors.New("key and certificate do not belong together")

// pair puts the certificate of the key first and its issuers after it; stores hold them in any order, and brokers in
// Java expect this one.
func pair(key crypto.Signer, certificates []*x509.Certificate) (tls.Certificate, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return tls.Certificate{}, fmt.Errorf("holds a key of an unknown kind (%T)", key)
	}
	leaf := -1
	for i, c := range certificates {
		if public.Equal(c.PublicKey) {
			leaf = i
			break
		}
	}
	if leaf < 0 {
		return tls.Certificate{}, errMismatch
	}
	out := tls.Certificate{PrivateKey: key, Leaf: certificates[leaf]}
	last := leaf
	used := make([]bool, len(certificates))
	for last >= 0 {
		used[last] = true
		out.Certificate = append(out.Certificate, certificates[last].Raw)
		last = issuer(certificates, used, certificates[last])
	}
	for i, c := range certificates {
		if !used[i] {
			out.Certificate = append(out.Certificate, c.Raw)
		}
	}
	return out, nil
}

// issuer returns the index of the unused certificate that issued c, −1 if there is none.
func issuer(certificates []*x509.Certificate, used []bool, c *x509.Certificate) int {
	for i, candidate := range certificates {
		if !used[i] && bytes.Equal(candidate.RawSubject, c.RawIssuer) {
			return i
		}
	}
	return -1
}

// expiry returns when the first certificate of the chain ends: the chain is worth nothing from then on.
func expiry(chain tls.Certificate) time.Time {
	var first time.Time
	for _, der := range chain.Certificate {
		c, err := x509.ParseCertificate(der)
		if err == nil && (first.IsZero() || c.NotAfter.Before(first)) {
			first = c.NotAfter
		}
	}
	return first
}

// pkcs12Error tells a wrong password from a broken file: the first is a setting to mend, the second a file.
func pkcs12Error(err error) error {
	if errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption) {
		return errors.New("does not open with its password")
	}
	return fmt.Errorf("is not a usable PKCS12 store: %w", err)
}

// trustedJKS returns the trusted entries in the order of their aliases.
func trustedJKS(store []byte, password string) ([]*x509.Certificate, error) {
	loaded, err := loadJKS(store, password)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for _, alias := range loaded.Aliases() {
		entry, err := loaded.GetTrustedCertificateEntry(alias)
		if err != nil {
			continue // a private key among them is no trust anchor
		}
		c, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			return nil, fmt.Errorf("certificate %q is not usable: %w", alias, err)
		}
		certificates = append(certificates, c)
	}
	if len(certificates) == 0 {
		return nil, errors.New("holds no trusted certificate")
	}
	return certificates, nil
}

// identityJKS returns the first key by alias. A key has a password of its own in JKS; left out, it is the store's.
func identityJKS(store []byte, password, keyPassword string) (tls.Certificate, error) {
	loaded, err := loadJKS(store, password)
	if err != nil {
		return tls.Certificate{}, err
	}
	if keyPassword == "" {
		keyPassword = password
	}
	for _, alias := range loaded.Aliases() {
		if !loaded.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := loaded.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return tls.Certificate{}, errPassword
		}
		return pairJKS(entry)
	}
	return tls.Certificate{}, errors.New("holds no private key")
}

// pairJKS parses an entry that has been decrypted.
func pairJKS(entry keystore.PrivateKeyEntry) (tls.Certificate, error) {
	key, err := parseKeyBlock(block{label: "PRIVATE KEY", der: entry.PrivateKey}, "")
	if err != nil {
		return tls.Certificate{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, fmt.Errorf("holds a key that can't sign (%T)", key)
	}
	var certificates []*x509.Certificate
	for _, c := range entry.CertificateChain {
		parsed, err := x509.ParseCertificate(c.Content)
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("a certificate of the chain is not usable: %w", err)
		}
		certificates = append(certificates, parsed)
	}
	return pair(signer, certificates)
}

// loadJKS reads a store after checking its seal: the library allocates what the lengths inside say, so that it should
// see no half-written file, and it knows passwords of Latin-1 only. Hence it is given the seal of an empty password.
// Without a password the check is skipped, as in Java.
func loadJKS(store []byte, password string) (keystore.KeyStore, error) {
	loaded := keystore.New(keystore.WithOrderedAliases())
	if len(store) <= sha1.Size {
		return loaded, errors.New("is not a complete JKS store")
	}
	body, seal := store[:len(store)-sha1.Size], store[len(store)-sha1.Size:]
	if password != "" && subtle.ConstantTimeCompare(jksSeal(body, password), seal) != 1 {
		return loaded, errors.New("does not open with its password, or is incomplete")
	}
	resealed := append(bytes.Clone(body), jksSeal(body, "")...)
	if err := loaded.Load(bytes.NewReader(resealed), nil); err != nil {
		return loaded, fmt.Errorf("is not a usable JKS store: %w", err)
	}
	return loaded, nil
}

// jksSeal computes the integrity check at the end of a JKS file, as defined by Sun's implementation.
func jksSeal(body []byte, password string) []byte {
	h := sha1.New()
	for _, unit := range utf16.Encode([]rune(password)) {
		h.Write(binary.BigEndian.AppendUint16(nil, unit))
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(body)
	return h.Sum(nil)
}
