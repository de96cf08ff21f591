package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// LeafRequest asks for a leaf of a cluster's authority, in a Secret.
type LeafRequest struct {
	// Name is how the keys of the Secret begin: Name.crt and Name.key.
	Name string
	// Want says what the leaf is to state; see LeafTemplate.
	Want Template
	// Have is the Secret as it is.
	Have Stored
	// Trusting says that not all trust the authority's newest certificate yet: the phase of that name in package roll.
	Trusting bool
	// Closed says that this is no maintenance window.
	Closed bool
	// Bare says that the leaf stands alone in Name.crt, as in Secrets of KafkaUsers. Else its chain stands behind it.
	Bare bool
}

// Leaf is a leaf and its key as a Secret holds them.
type Leaf struct {
	Certificate *x509.Certificate
	// Data has the two keys of the request.
	Data map[string][]byte
	// Generation is that of the authority's certificate that the leaf is from: the value of Kind.GenerationAnnotation on the
	// Secret, and on pods that use it.
	Generation int64
	// Changed says that it was made just now, and Reason why; or what is Postponed.
	Changed, Postponed bool
	Reason             string
}

// LeafTemplate is the template of leaves: RSA with 2048 bits, O=io.strimzi. Numbers of days that are not positive stand for
// the defaults, 365 and 30.
func LeafTemplate(commonName string, dns []string, addresses []netip.Addr, validityDays, renewalDays int) Template {
	return Template{
		Subject:  pkix.Name{Organization: []string{organization}, CommonName: commonName},
		DNSNames: dns, Addresses: addresses, Algorithm: RSA2048,
		Validity: days(validityDays, defaultValidityDays), RenewBefore: days(renewalDays, defaultRenewalDays),
	}
}

// held is the leaf of a Secret.
type held struct {
	Pair
	// chain is what stands behind it.
	chain []*x509.Certificate
}

// Leaf returns the leaf that a Secret is to hold: the one that it holds if that is as it should be, else a new one with a new
// key. The package comment says by which key it is signed.
func (a Authority) Leaf(random io.Reader, now time.Time, r LeafRequest) (Leaf, error) {
	if a.Certificate() == nil || a.Key == nil {
		return Leaf{}, fmt.Errorf("%s, issuing %s: the authority's certificate or key is missing", a.Kind, r.certificate())
	}
	have, broken := r.read()
	by := a.signer(r.Trusting, now)
	d := a.decideLeaf(have, by, r, now)
	if d.Action == Keep {
		return Leaf{
			Certificate: have.Certificate, Data: map[string][]byte{r.certificate(): r.Have.Data[r.certificate()], r.key(): r.Have.Data[r.key()]},
			Generation: a.generationOf(have, r), Postponed: d.Postponed, Reason: d.Reason,
		}, nil
	}
	if broken != nil {
		d.Reason = broken.Error()
	}
	made, err := by.Issue(random, now, r.Want)
	if err != nil {
		return Leaf{}, fmt.Errorf("%s, issuing %s: %w", a.Kind, r.certificate(), err)
	}
	key, err := EncodeKey(made.Key)
	if err != nil {
		return Leaf{}, fmt.Errorf("%s: %w", r.key(), err)
	}
	text := EncodeCertificates(made.Certificate)
	if !r.Bare {
		text = append(text, EncodeCertificates(by.chain...)...)
	}
	return Leaf{
		Certificate: made.Certificate, Data: map[string][]byte{r.certificate(): text, r.key(): key},
		Generation: by.generation, Changed: true, Reason: d.Reason,
	}, nil
}

// decideLeaf says whether a leaf has to be made.
func (a Authority) decideLeaf(have held, by signer, r LeafRequest, now time.Time) Decision {
	lasting := r.Want
	lasting.RenewBefore = 0 // judged below: it depends on who signs
	d := DecideLeaf(have.Pair, a.Trusted(), lasting, r.Closed, now)
	if d.Action == Keep {
		d = a.decideSigner(have, r)
	}
	c := have.Certificate
	if d.Action == Keep && expiring(c, r.Want.RenewBefore, now) && by.Certificate.NotAfter.After(c.NotAfter) {
		d = Policy{Closed: r.Closed}.postpone(Decision{Action: Replace, Reason: "it expires at " + stamp(c.NotAfter)})
	}
	if d.Action != Keep && !by.sure && have.matches() && now.Before(c.NotAfter) && Verify(c, a.Trusted(), now) == nil {
		return Decision{Action: Keep, Postponed: true, Reason: d.Reason + "; it waits until all trust the new key"}
	}
	return d
}

// decideSigner says whether a good leaf has to be made anew because of who signed it. While not all trust the newest
// certificate it stays, whoever did.
func (a Authority) decideSigner(have held, r LeafRequest) Decision {
	switch {
	case r.Trusting:
		return Decision{Action: Keep}
	case !signed(have.Certificate, a.Chain[0]):
		return Decision{Action: Replace, Reason: "the certificate authority has a new key"}
	case r.Bare || sameChain(have.chain, a.Chain):
		return Decision{Action: Keep}
	case len(have.chain) == 0:
		return Decision{Action: Replace, Reason: "the certificates of the authority are missing behind it"}
	}
	return Decision{Action: Replace, Reason: "the certificate authority has a new certificate"}
}

// generationOf returns the generation that a leaf that is kept is from: by what stands behind it, else by what the Secret
// says, else by who signed it.
func (a Authority) generationOf(have held, r LeafRequest) int64 {
	if !r.Bare && sameChain(have.chain, a.Chain) {
		return a.CertGeneration
	}
	if n, err := parseGeneration(r.Have.Annotations[a.Kind.GenerationAnnotation()]); err == nil {
		return n
	}
	if signed(have.Certificate, a.Chain[0]) {
		return a.CertGeneration
	}
	for _, f := range a.Former {
		if f.Generation != unknown && signed(have.Certificate, f.Certificate) {
			return f.Generation
		}
	}
	return max(a.CertGeneration-1, 0)
}

func (r LeafRequest) certificate() string { return r.Name + ".crt" }

func (r LeafRequest) key() string { return r.Name + ".key" }

// read reads the leaf that there is. The error says why something that is there is of no use.
func (r LeafRequest) read() (held, error) {
	text, key := r.Have.Data[r.certificate()], r.Have.Data[r.key()]
	if len(text) == 0 && len(key) == 0 {
		return held{}, nil
	}
	pair, err := ParsePair(text, key)
	if err != nil {
		return held{}, fmt.Errorf("%s, %s: %w", r.certificate(), r.key(), err)
	}
	chain, err := ParseCertificates(text)
	if err != nil {
		return held{}, fmt.Errorf("%s: %w", r.certificate(), err)
	}
	return held{Pair: pair, chain: chain[1:]}, nil
}
