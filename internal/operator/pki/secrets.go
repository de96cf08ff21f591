package pki

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// Keys of an authority's Secrets besides AuthorityKey and AuthorityBundle: the PKCS#12 store of what is trusted, and its
// password.
const (
	AuthorityStore    = "ca.p12"
	AuthorityPassword = "ca.password"
)

// Annotations of an authority's Secrets.
const (
	AnnotationKeyGeneration  = "strimzi.io/ca-key-generation"  // on the key's
	AnnotationForceReplace   = "strimzi.io/force-replace"      // on the key's: asks for a new key
	AnnotationCertGeneration = "strimzi.io/ca-cert-generation" // on the certificate's
	AnnotationForceRenew     = "strimzi.io/force-renew"        // on the certificate's: asks for a new certificate
)

// Names of what is kept of former authorities: certificates by their end, as Strimzi's operator names them, and keys by the
// generation of their certificate.
const (
	formerPrefix    = "ca-"
	formerSuffix    = ".crt"
	formerTime      = "2006-01-02T15-04-05Z"
	formerKeyPrefix = "ca-generation-"
	formerKeySuffix = ".key"
)

// minBits is the least that RSA keys have: Java and Go refuse less, or are about to.
const minBits = 2048

// Stored is a Secret as it is or as it is to be. Without Data there is none. The name is for messages.
type Stored struct {
	Name        string
	Data        map[string][]byte
	Annotations map[string]string
}

// ParseAuthority reads both Secrets of an authority. What is broken is left out and named in the error, a line each, and the
// rest is returned beside it: Advance mends what is missing then.
func ParseAuthority(kind Kind, key, cert Stored) (Authority, error) {
	a := Authority{Kind: kind, KeyGeneration: unknown, CertGeneration: unknown}
	if key.Data == nil && cert.Data == nil {
		return a, nil
	}
	a.store, a.password = cert.Data[AuthorityStore], cert.Data[AuthorityPassword]
	a.storeOf = certificateEntries(cert.Data)
	a.ForceReplace = key.Annotations[AnnotationForceReplace] == "true"
	a.ForceRenew = cert.Annotations[AnnotationForceRenew] == "true"
	var errs []error
	var err error
	if a.KeyGeneration, err = key.generation(AnnotationKeyGeneration); err != nil {
		errs = append(errs, err)
	}
	if a.CertGeneration, err = cert.generation(AnnotationCertGeneration); err != nil {
		errs = append(errs, err)
	}
	if a.Key, err = key.signer(AuthorityKey); err != nil {
		errs = append(errs, err)
	}
	if a.Chain, err = cert.certificates(AuthorityBundle); err != nil {
		errs = append(errs, err)
	}
	return a, errors.Join(append(errs, a.readFormer(key, cert)...)...)
}

// readFormer reads the former certificates and the former keys.
func (a *Authority) readFormer(key, cert Stored) (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(cert.Data)) {
		if !isFormer(name) {
			continue
		}
		found, err := cert.certificates(name)
		if err != nil {
			errs = append(errs, err)
		}
		for _, c := range found {
			if c.IsCA && !contains(a.Trusted(), c) {
				a.Former = append(a.Former, Former{Certificate: c, Generation: unknown})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(key.Data)) {
		generation, ok := formerGeneration(name)
		if !ok {
			continue
		}
		signer, err := key.signer(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		a.spare = append(a.spare, Former{Key: signer, Generation: generation})
	}
	*a = a.arranged()
	return errs
}

// KeySecret is the Secret of the private key. It holds former keys too while they may be needed to sign.
func (a Authority) KeySecret() (Stored, error) {
	data := map[string][]byte{}
	text, err := EncodeKey(a.Key)
	if err != nil {
		return Stored{}, fmt.Errorf("%s: %w", AuthorityKey, err)
	}
	data[AuthorityKey] = text
	for _, f := range a.Former {
		if f.Key == nil {
			continue
		}
		name := formerKeyPrefix + strconv.FormatInt(f.Generation, 10) + formerKeySuffix
		if data[name], err = EncodeKey(f.Key); err != nil {
			return Stored{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return Stored{Data: data, Annotations: map[string]string{AnnotationKeyGeneration: strconv.FormatInt(a.KeyGeneration, 10)}}, nil
}

// CertSecret is the Secret of what is trusted. With store it has that as PKCS#12 too, and the password; both stay as they are
// while the certificates do, since each store that is made has other bytes.
func (a Authority) CertSecret(random io.Reader, store bool) (Stored, error) {
	data := map[string][]byte{AuthorityBundle: EncodeCertificates(a.Chain...)}
	for _, f := range a.Former {
		if contains(a.Chain, f.Certificate) {
			continue
		}
		name := formerPrefix + f.Certificate.NotAfter.UTC().Format(formerTime) + formerSuffix
		data[name] = append(data[name], EncodeCertificates(f.Certificate)...)
	}
	if store {
		file, password, err := a.pkcs12(random, data)
		if err != nil {
			return Stored{}, fmt.Errorf("%s: %w", AuthorityStore, err)
		}
		data[AuthorityStore], data[AuthorityPassword] = file, password
	}
	return Stored{Data: data, Annotations: map[string]string{AnnotationCertGeneration: strconv.FormatInt(a.CertGeneration, 10)}}, nil
}

// passwordBytes is the randomness of a store's password. In base 32 it has twice as many letters as passwords of Strimzi's
// operator, from half as many signs.
const passwordBytes = 20

// pkcs12 returns the store of the certificates and its password: those that were found, or new ones. The ciphers are those
// that Java has read since 8u301. Each entry is called as its key in the Secret is, which Java shows as its alias.
func (a Authority) pkcs12(random io.Reader, data map[string][]byte) (store, password []byte, err error) {
	if len(a.store) > 0 && len(a.password) > 0 && maps.EqualFunc(data, a.storeOf, bytes.Equal) {
		return a.store, a.password, nil
	}
	if password = a.password; len(password) == 0 {
		octets := make([]byte, passwordBytes)
		if _, err := io.ReadFull(random, octets); err != nil {
			return nil, nil, fmt.Errorf("randomness for a password: %w", err)
		}
		password = []byte(base32.StdEncoding.EncodeToString(octets))
	}
	var entries []pkcs12.TrustStoreEntry
	for _, name := range slices.Sorted(maps.Keys(data)) {
		found, err := ParseCertificates(data[name])
		if err != nil {
			return nil, nil, err
		}
		for i, c := range found {
			alias := name
			if i > 0 {
				alias += "-" + strconv.Itoa(i)
			}
			entries = append(entries, pkcs12.TrustStoreEntry{Cert: c, FriendlyName: alias})
		}
	}
	store, err = pkcs12.Modern.WithRand(random).EncodeTrustStoreEntries(entries, string(password))
	return store, password, err
}

// certificateEntries are those of the data that hold certificates.
func certificateEntries(data map[string][]byte) map[string][]byte {
	entries := map[string][]byte{}
	for name, text := range data {
		if name == AuthorityBundle || isFormer(name) {
			entries[name] = text
		}
	}
	return entries
}

func isFormer(name string) bool {
	return strings.HasPrefix(name, formerPrefix) && strings.HasSuffix(name, formerSuffix)
}

// formerGeneration reads the name of a former key.
func formerGeneration(name string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, formerKeyPrefix)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, formerKeySuffix); !ok {
		return 0, false
	}
	n, err := parseGeneration(digits)
	return n, err == nil
}

// parseGeneration reads a generation, which is no larger than fits into 31 bits: Strimzi's operator reads them as int.
func parseGeneration(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errors.New("it is no whole number from 0 to 2147483647")
	}
	return int64(n), nil
}

// generation reads an annotation; without it the generation is the first one, as Strimzi's operator reads it.
func (s Stored) generation(annotation string) (int64, error) {
	text, ok := s.Annotations[annotation]
	if !ok {
		return 0, nil
	}
	n, err := parseGeneration(text)
	if err != nil {
		return 0, fmt.Errorf("annotation %s of Secret %s: %q: %w", annotation, s.Name, text, err)
	}
	return n, nil
}

// signer reads a private key, nil if it isn't there. Keys that are too short to be of use are refused.
func (s Stored) signer(name string) (crypto.Signer, error) {
	text, ok := s.Data[name]
	if !ok {
		return nil, nil
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, s.problem(name, err)
	}
	if short, ok := key.(*rsa.PrivateKey); ok && short.N.BitLen() < minBits {
		return nil, s.problem(name, fmt.Errorf("the RSA key has %d bits: at least %d are needed", short.N.BitLen(), minBits))
	}
	return key, nil
}

// certificates reads the certificates of a key, none if it isn't there.
func (s Stored) certificates(name string) ([]*x509.Certificate, error) {
	text, ok := s.Data[name]
	if !ok {
		return nil, nil
	}
	found, err := ParseCertificates(text)
	if err != nil {
		return nil, s.problem(name, err)
	}
	return found, nil
}

func (s Stored) problem(name string, err error) error {
	return fmt.Errorf("key %s of Secret %s: %w", name, s.Name, err)
}
