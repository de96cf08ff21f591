package pki

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Kind is which of its two authorities a Kafka cluster has something from. It is the end of the Secret's name too.
type Kind string

// The authorities of a cluster: of its own parts, and of its users.
const (
	ClusterCA Kind = "cluster-ca"
	ClientsCA Kind = "clients-ca"
)

// GenerationAnnotation is the annotation, on a Secret with a leaf and on a pod, of the generation of the authority's
// certificate that it is from: strimzi.io/cluster-ca-cert-generation for one.
func (k Kind) GenerationAnnotation() string { return "strimzi.io/" + string(k) + "-cert-generation" }

// organization is the O of all subjects, as Strimzi's operator has it: super users are named with it.
const organization = "io.strimzi"

// subject is what Strimzi's operator calls its authorities: by the generation of the key, so that two keys have two names.
func (k Kind) subject(generation int64) pkix.Name {
	return pkix.Name{Organization: []string{organization}, CommonName: fmt.Sprintf("%s v%d", k, generation)}
}

// unknown is a generation that isn't known, and that of an authority that doesn't exist yet: the first one is 0.
const unknown int64 = -1

// Authority is an authority of a Kafka cluster: what its two Secrets hold. The zero value of all but Kind stands for one that
// doesn't exist. Methods change nothing of it; they return what it becomes.
type Authority struct {
	Kind Kind
	// Chain are the certificates of ca.crt: the authority's own, and if others have signed that one, theirs, each behind the
	// one that it signed.
	Chain []*x509.Certificate
	Key   crypto.Signer
	// Former are the certificates of the keys that it had before, the newest first.
	Former []Former
	// KeyGeneration and CertGeneration count the keys and the certificates, from 0 on; -1 if there is none yet.
	KeyGeneration, CertGeneration int64
	// ForceRenew and ForceReplace are the user's wishes: annotations of the certificate's and of the key's Secret.
	ForceRenew, ForceReplace bool

	// store and password are the PKCS#12 store as it was found, and storeOf what it was made of.
	store, password []byte
	storeOf         map[string][]byte
	// spare are the former keys that were found, whether or not their certificates were.
	spare []Former
}

// Former is an authority that is still trusted.
type Former struct {
	Certificate *x509.Certificate
	// Key is nil unless it may still be needed to sign.
	Key crypto.Signer
	// Generation is that of the certificate, -1 if it isn't known. Who has a Key has a Generation.
	Generation int64
}

// Certificate is the authority's own one, nil if there is none.
func (a Authority) Certificate() *x509.Certificate {
	if len(a.Chain) == 0 {
		return nil
	}
	return a.Chain[0]
}

// HasFormer reports whether certificates of former keys are still trusted.
func (a Authority) HasFormer() bool { return len(a.Former) > 0 }

// WithoutFormerKeys returns the authority without the private keys of former ones. It is due as soon as all trust the newest
// one: then nothing is signed by a former key any more.
func (a Authority) WithoutFormerKeys() Authority {
	a.spare = nil
	a.Former = slices.Clone(a.Former)
	for i := range a.Former {
		a.Former[i].Key = nil
	}
	return a
}

// WithoutFormer returns the authority with nobody but itself to be trusted. It is due when nobody shows a certificate of a
// former key. For the clients' authority that isn't known: its former certificates go when they expire.
func (a Authority) WithoutFormer() Authority {
	a.Former, a.spare = nil, nil
	return a
}

// Trusted are the certificates that who has to do with the authority has to trust: its chain, then the former ones.
func (a Authority) Trusted() []*x509.Certificate {
	all := slices.Clone(a.Chain)
	for _, f := range a.Former {
		if !contains(all, f.Certificate) {
			all = append(all, f.Certificate)
		}
	}
	return all
}

// Bundle is Trusted as PEM, for cluster-ca.crt or clients-ca.crt of the trust bundle. It is the same text for the same
// certificates.
func (a Authority) Bundle() []byte { return EncodeCertificates(a.Trusted()...) }

// TrustHash is the hash of trust bundles for an annotation, 16 hexadecimal digits.
func TrustHash(bundles ...[]byte) string { return hash(bundles) }

// CertificateHash is the hash of certificates, or of any other texts, for an annotation: 16 hexadecimal digits.
func CertificateHash(texts ...[]byte) string { return hash(texts) }

func hash(texts [][]byte) string {
	sum := sha256.New()
	for _, text := range texts { // with their lengths: where one ends must count
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		sum.Write(length[:])
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// ExpiryMillis is the earliest end of the certificates in milliseconds since 1970, the unit of Strimzi's metric
// strimzi_certificate_expiration_timestamp_ms. It is 0 for none.
func ExpiryMillis(certificates ...*x509.Certificate) int64 {
	var first time.Time
	for _, c := range certificates {
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	if first.IsZero() {
		return 0
	}
	return first.UnixMilli()
}

// signer is who signs a leaf.
type signer struct {
	Pair
	// chain is what stands behind the leaf: the signer's certificate and those that signed it.
	chain      []*x509.Certificate
	generation int64
	// sure says that all trust it.
	sure bool
}

// signer returns who signs. While not all trust the newest certificate (trusting), that is the oldest key that there still
// is: all trusted it before there was a newer one, and nobody ceases to before Removing. Without that key there is only the
// newest.
func (a Authority) signer(trusting bool, now time.Time) signer {
	newest := signer{
		Pair: Pair{Certificate: a.Certificate(), Key: a.Key}, chain: a.Chain, generation: a.CertGeneration,
		sure: !trusting || !a.HasFormer(),
	}
	if newest.sure {
		return newest
	}
	oldest := Former{}
	for _, f := range a.Former {
		usable := f.Key != nil && now.Before(f.Certificate.NotAfter)
		if usable && (oldest.Key == nil || f.Generation < oldest.Generation) {
			oldest = f
		}
	}
	if oldest.Key == nil {
		return newest
	}
	return signer{
		Pair: Pair{Certificate: oldest.Certificate, Key: oldest.Key}, chain: chainOf(oldest.Certificate, a.Trusted()),
		generation: oldest.Generation, sure: true,
	}
}

// chainOf returns a certificate and those of the pool that signed it, each behind the one that it signed.
func chainOf(c *x509.Certificate, pool []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{c}
	for i := 0; i < len(chain); i++ {
		for _, issuer := range pool {
			if !contains(chain, issuer) && signed(chain[i], issuer) {
				chain = append(chain, issuer)
				break
			}
		}
	}
	return chain
}

// signed reports whether issuer signed c, by name and by key.
func signed(c, issuer *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, issuer.RawSubject) && c.CheckSignatureFrom(issuer) == nil
}

func contains(all []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(all, c.Equal)
}

// known reports whether one of the certificates is for the same authority: the same key under the same name. A leaf names its
// issuer, so the same key under another name is of no use to it.
func known(all []*x509.Certificate, c *x509.Certificate) bool {
	public, ok := c.PublicKey.(publicKey)
	return ok && slices.ContainsFunc(all, func(other *x509.Certificate) bool {
		return public.Equal(other.PublicKey) && bytes.Equal(c.RawSubject, other.RawSubject)
	})
}

// remember returns the authority with those of the certificates as former ones that are for none of the authorities that it
// knows, and haven't expired.
func (a Authority) remember(certificates []*x509.Certificate, now time.Time) Authority {
	trusted := a.Trusted()
	for _, c := range certificates {
		if c.IsCA && now.Before(c.NotAfter) && !known(trusted, c) {
			trusted = append(trusted, c)
			a.Former = append(slices.Clone(a.Former), Former{Certificate: c, Generation: unknown})
		}
	}
	return a.arranged()
}

// arranged returns the authority with each former certificate at its key, and the newest ones first. A certificate's
// beginning is when it was made.
func (a Authority) arranged() Authority {
	a.Former = slices.Clone(a.Former)
	for i, f := range a.Former {
		for _, s := range a.spare {
			if (Pair{Certificate: f.Certificate, Key: s.Key}).matches() {
				a.Former[i].Key, a.Former[i].Generation = s.Key, s.Generation
			}
		}
	}
	slices.SortFunc(a.Former, func(x, y Former) int {
		return cmp.Or(
			y.Certificate.NotBefore.Compare(x.Certificate.NotBefore),
			bytes.Compare(x.Certificate.Raw, y.Certificate.Raw),
		)
	})
	return a
}
