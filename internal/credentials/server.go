package credentials

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

// The settings of the HTTP listener's certificate.
const (
	httpCertificateLocation = "http.ssl.certificate.location"
	httpKeyLocation         = "http.ssl.key.location"
	httpCertificate         = "http.ssl.certificate"
	httpKey                 = "http.ssl.key"
)

// Server is the certificate of the bridge's HTTP listener, exchanged while it is served. It is safe for concurrent use.
type Server struct {
	config   *tls.Config
	material *material[serverTLS]
	own      *Changes // nil: the caller's are used
}

// serverTLS is one state of what the listener shows.
type serverTLS struct {
	certificate tls.Certificate
	notAfter    time.Time
}

// OpenServer reads the certificate that http.ssl.* names, and reads it again whenever its files change, until ctx ends or
// Close is called. The file pair wins over the texts, as upstream (bridge contract 3.2). Unlike upstream, which starts
// without one, a missing certificate is an error; so is a key that does not fit. Errors are one line and name settings
// and files.
func OpenServer(ctx context.Context, s bridgeconfig.HTTPTLS, o Options) (*Server, error) {
	certificate, key, err := serverPair(s)
	if err != nil {
		return nil, err
	}
	minimum, maximum, suites, err := kafka.TLSLimits(s.Protocols, s.CipherSuites)
	if err != nil {
		return nil, fmt.Errorf("http.ssl.enabled.protocols, http.ssl.enabled.cipher.suites: %w", err)
	}
	o, own := o.withDefaults()
	var paths []string
	if certificate.path != "" {
		paths = []string{certificate.path, key.path}
	}
	server := &Server{material: &material[serverTLS]{
		name:    "http tls",
		paths:   paths,
		build:   func(files snapshot) (serverTLS, error) { return buildServer(certificate, key, files) },
		changes: o.Changes,
		log:     o.Logger,
	}, own: own}
	if err := server.material.open(ctx, o.Poll); err != nil {
		own.Close()
		return nil, err
	}
	limits := &tls.Config{
		MinVersion:   minimum,
		MaxVersion:   maximum,
		CipherSuites: suites,
		NextProtos:   []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			current := server.material.get().certificate
			return &current, nil
		},
	}
	if suitsHTTP2(suites) {
		limits.NextProtos = []string{"h2", "http/1.1"}
	}
	// The limits are not in the outer configuration: net/http refuses to serve one whose suites are not those that
	// HTTP/2 demands, even to clients of HTTP/1.1.
	server.config = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return limits, nil }}
	return server, nil
}

// suitsHTTP2 reports whether HTTP/2 may be offered with these suites of TLS 1.2: RFC 9113 forbids most old ones, and a
// client that was offered HTTP/2 would fail instead of falling back. An empty list is the library's, which has good ones.
func suitsHTTP2(suites []uint16) bool {
	good := []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	return !slices.ContainsFunc(suites, func(id uint16) bool { return !slices.Contains(good, id) })
}

// serverPair chooses where certificate and key come from: two files, or two texts.
func serverPair(s bridgeconfig.HTTPTLS) (certificate, key given, err error) {
	if s.CertificateLocation != "" && s.KeyLocation != "" {
		return given{key: httpCertificateLocation, path: s.CertificateLocation}, given{key: httpKeyLocation, path: s.KeyLocation}, nil
	}
	if s.Certificate != "" && s.Key != "" {
		return given{key: httpCertificate, text: s.Certificate}, given{key: httpKey, text: s.Key}, nil
	}
	return given{}, given{}, errors.New("http.ssl.enable is true, but there is no certificate: set " + httpCertificateLocation + " and " +
		httpKeyLocation + ", or " + httpCertificate + " and " + httpKey)
}

// buildServer makes the pair of the files as they are now. A key with a password is refused: http.ssl.* has no setting
// for one.
func buildServer(certificate, key given, files snapshot) (serverTLS, error) {
	chainText, err := certificate.read(files)
	if err != nil {
		return serverTLS{}, err
	}
	keyText, err := key.read(files)
	if err != nil {
		return serverTLS{}, err
	}
	chain, err := parseCertificates(chainText)
	if err != nil {
		return serverTLS{}, certificate.errorf("%w", err)
	}
	signer, err := parseKey(keyText, "")
	if err != nil {
		return serverTLS{}, key.errorf("%w", err)
	}
	own, err := pair(signer, chain)
	if err != nil {
		return serverTLS{}, key.errorf("%w (the certificate is that of %s)", err, certificate.name())
	}
	return serverTLS{certificate: own, notAfter: expiry(own)}, nil
}

// TLSConfig returns the configuration to listen with. It stays valid for all exchanges: each handshake takes the
// certificate of its moment.
func (s *Server) TLSConfig() *tls.Config { return s.config }

// NotAfter returns when the certificate, or one of its chain, ends: that of the files as they are now.
func (s *Server) NotAfter() time.Time { return s.material.get().notAfter }

// Close ends the watching of the files. The configuration stays usable.
func (s *Server) Close() {
	s.material.close()
	s.own.Close()
}
