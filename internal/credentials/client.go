package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// clientTLS is one state of what a TLS client uses.
type clientTLS struct {
	config   *tls.Config
	notAfter time.Time // zero without an own certificate
}

// clientKeys names the settings that clientPlan reads, so that errors name them as the user wrote them.
type clientKeys struct {
	truststore, truststoreText, keystore, chain, key string
}

// kafkaKeys are the names that kafka-clients gives the settings.
func kafkaKeys() clientKeys {
	return clientKeys{
		truststore:     "ssl.truststore.location",
		truststoreText: "ssl.truststore.certificates",
		keystore:       "ssl.keystore.location",
		chain:          "ssl.keystore.certificate.chain",
		key:            "ssl.keystore.key",
	}
}

// clientPlan is the settings of a TLS client, ready to be built from files again and again.
type clientPlan struct {
	settings   kafka.TLS
	truststore []given // of PEM it may be several files, and patterns; else one, or none
	keystore   given   // PEM, PKCS12 or JKS in one file
	chain, key given   // PEM texts
	base       *tls.Config
}

// planClient checks what can be checked without files.
func planClient(t kafka.TLS, keys clientKeys) (clientPlan, error) {
	plan := clientPlan{
		settings: t,
		keystore: given{key: keys.keystore, path: t.KeystoreLocation},
		chain:    given{key: keys.chain, text: t.CertificateChain},
		key:      given{key: keys.key, text: t.Key},
	}
	var err error
	if plan.truststore, err = trustStores(t, keys); err != nil {
		return clientPlan{}, err
	}
	if plan.chain.set() != plan.key.set() {
		missing := plan.key
		if plan.key.set() {
			missing = plan.chain
		}
		return clientPlan{}, missing.errorf("is missing, %s and %s go together", keys.chain, keys.key)
	}
	minimum, maximum, suites, err := kafka.TLSLimits(t.Protocols, t.CipherSuites)
	if err != nil {
		return clientPlan{}, fmt.Errorf("ssl.enabled.protocols, ssl.cipher.suites: %w", err)
	}
	plan.base = &tls.Config{MinVersion: minimum, MaxVersion: maximum, CipherSuites: suites}
	return plan, nil
}

// trustStores lists what the settings name as trust store. The Java clients take one file; here the location of a PEM
// store is a comma-separated list of files, and of patterns such as /etc/trusted/*.crt: authorities that are kept in
// several Secrets need nobody who joins them.
func trustStores(t kafka.TLS, keys clientKeys) ([]given, error) {
	switch {
	case t.TruststoreCertificates != "":
		return []given{{key: keys.truststoreText, text: t.TruststoreCertificates}}, nil
	case t.TruststoreLocation == "":
		return nil, nil
	case t.TruststoreType != typePEM:
		return []given{{key: keys.truststore, path: t.TruststoreLocation}}, nil
	}
	var stores []given
	for path := range strings.SplitSeq(t.TruststoreLocation, ",") {
		g := given{key: keys.truststore, path: strings.TrimSpace(path)}
		if g.path == "" {
			return nil, fmt.Errorf("%s: %s: has an empty path between commas", g.key, t.TruststoreLocation)
		}
		var err error
		if g.pattern, err = isPattern(g.path); err != nil {
			return nil, g.errorf("%w", err)
		}
		stores = append(stores, g)
	}
	return stores, nil
}

// material is what the plan builds, not read yet.
func (p clientPlan) material(name string, o Options) *material[clientTLS] {
	m := &material[clientTLS]{name: name, build: p.build, changes: o.Changes, log: o.Logger}
	for _, g := range append(p.truststore[:len(p.truststore):len(p.truststore)], p.keystore) {
		switch {
		case g.pattern:
			m.patterns = append(m.patterns, g.path)
		case g.path != "":
			m.paths = append(m.paths, g.path)
		}
	}
	return m
}

// build makes a configuration of the settings and of the files as they are now.
func (p clientPlan) build(files snapshot) (clientTLS, error) {
	// Nil roots are the system's: Java falls back to those of the JVM.
	out := clientTLS{config: p.base.Clone()}
	if len(p.truststore) > 0 {
		pool, err := p.trust(files)
		if err != nil {
			return clientTLS{}, err
		}
		out.config.RootCAs = pool
	}
	if p.keystore.set() || p.chain.set() {
		own, err := p.own(files)
		if err != nil {
			return clientTLS{}, err
		}
		// As in Java, the certificate is shown only to servers that accept its issuer (or name none).
		out.config.Certificates = []tls.Certificate{own}
		out.notAfter = expiry(own)
	}
	if !p.settings.EndpointIdentification {
		anyName(out.config)
	}
	return out, nil
}

// trust reads the trust store. Its certificates are anchors whatever they are: authorities, intermediates, or the
// server's own certificate, as with Java's trust managers.
func (p clientPlan) trust(files snapshot) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, stores := range p.truststore {
		all, err := stores.matched(files)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			certificates, err := p.trustOf(one, files)
			if err != nil {
				return nil, err
			}
			for _, c := range certificates {
				pool.AddCert(c)
			}
		}
	}
	return pool, nil
}

// trustOf reads one trust store.
func (p clientPlan) trustOf(store given, files snapshot) ([]*x509.Certificate, error) {
	text, err := store.read(files)
	if err != nil {
		return nil, err
	}
	kind := p.settings.TruststoreType
	if store.path == "" {
		kind = typePEM
	}
	certificates, err := trusted(kind, text, p.settings.TruststorePassword)
	if err != nil {
		return nil, store.errorf("%w", err)
	}
	return certificates, nil
}

// own reads the key with its chain, from texts if those are set.
func (p clientPlan) own(files snapshot) (tls.Certificate, error) {
	if p.chain.set() {
		own, err := identityPEM([]byte(p.chain.text), []byte(p.key.text), p.settings.KeyPassword)
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("%s, %s: %w", p.chain.key, p.key.key, err)
		}
		return own, nil
	}
	store, err := p.keystore.read(files)
	if err != nil {
		return tls.Certificate{}, err
	}
	own, err := identity(p.settings.KeystoreType, store, p.settings.KeystorePassword, p.settings.KeyPassword)
	if err != nil {
		return tls.Certificate{}, p.keystore.errorf("%w", err)
	}
	return own, nil
}

// anyName makes a client accept a trusted certificate of whatever name: ssl.endpoint.identification.algorithm left
// empty turns off the comparison of names in Java, and not the check of the chain.
func anyName(config *tls.Config) {
	roots := config.RootCAs
	config.InsecureSkipVerify = true // the check below stands for it
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		if _, err := state.PeerCertificates[0].Verify(options); err != nil {
			// The same wrapping as in crypto/tls, so that callers tell both apart from other failures in one way.
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}
