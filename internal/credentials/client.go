package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	truststore given
	keystore   given // PEM, PKCS12 or JKS in one file
	chain, key given // PEM texts
	base       *tls.Config
}

// planClient checks what can be checked without files.
func planClient(t kafka.TLS, keys clientKeys) (clientPlan, error) {
	plan := clientPlan{
		settings:   t,
		truststore: given{key: keys.truststore, path: t.TruststoreLocation},
		keystore:   given{key: keys.keystore, path: t.KeystoreLocation},
		chain:      given{key: keys.chain, text: t.CertificateChain},
		key:        given{key: keys.key, text: t.Key},
	}
	if t.TruststoreCertificates != "" {
		plan.truststore = given{key: keys.truststoreText, text: t.TruststoreCertificates}
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

// paths returns the files to watch.
func (p clientPlan) paths() []string {
	var paths []string
	for _, g := range []given{p.truststore, p.keystore} {
		if g.path != "" {
			paths = append(paths, g.path)
		}
	}
	return paths
}

// build makes a configuration of the settings and of the files as they are now.
func (p clientPlan) build(files snapshot) (clientTLS, error) {
	// Nil roots are the system's: Java falls back to those of the JVM.
	out := clientTLS{config: p.base.Clone()}
	if p.truststore.set() {
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
	store, err := p.truststore.read(files)
	if err != nil {
		return nil, err
	}
	kind := p.settings.TruststoreType
	if p.truststore.path == "" {
		kind = typePEM
	}
	certificates, err := trusted(kind, store, p.settings.TruststorePassword)
	if err != nil {
		return nil, p.truststore.errorf("%w", err)
	}
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool, nil
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
