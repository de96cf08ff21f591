package kafka

import "time"

// Security is how a client proves who it is and checks who the broker is. It holds secrets: it is never printed.
type Security struct {
	hidden
	Protocol string // PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
	TLS      TLS
	SASL     SASL
}

// UsesTLS reports whether connections are encrypted.
func (s Security) UsesTLS() bool { return s.Protocol == "SSL" || s.Protocol == "SASL_SSL" }

// UsesSASL reports whether connections authenticate by SASL.
func (s Security) UsesSASL() bool { return s.Protocol == "SASL_PLAINTEXT" || s.Protocol == "SASL_SSL" }

// TLS is the ssl.* part of the properties. Types are JKS, PKCS12 or PEM, in upper case. Locations are paths; the other
// texts are PEM. Both a location and an inline text of the same store are refused by Interpret, as Java does.
type TLS struct {
	hidden
	TruststoreType         string
	TruststoreLocation     string
	TruststorePassword     string
	TruststoreCertificates string

	KeystoreType     string
	KeystoreLocation string
	KeystorePassword string
	KeyPassword      string
	CertificateChain string
	Key              string // PKCS#8 PEM, encrypted when KeyPassword is set

	EndpointIdentification bool     // the certificate's names must match the broker's host
	Protocols              []string // TLSv1.2, TLSv1.3; see TLSLimits
	CipherSuites           []string // JSSE names, empty: the library's choice; see TLSLimits
}

// SASL is the sasl.* part of the properties.
type SASL struct {
	hidden
	Mechanism string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER
	JAAS      JAAS
	// LoginCallbackHandler is sasl.login.callback.handler.class, a Java class name or empty.
	LoginCallbackHandler string
	OAuth                OAuth
	RefreshWindow        RefreshWindow
}

// JAAS is one login module of sasl.jaas.config with its options.
type JAAS struct {
	hidden
	Module  string // Java class name
	Options map[string]string
}

// OAuth is the sasl.oauthbearer.* and sasl.login.* part of the properties, KIP-768 and KIP-1139. Strimzi's own options
// are JAAS options (oauth.*) and stay in JAAS.Options.
type OAuth struct {
	hidden
	TokenEndpointURL string // https, http, or file: a token read from a file
	ClientID         string
	ClientSecret     string
	Scope            string
	HeaderURLEncode  bool // client id and secret are URL-encoded inside the authorization header, RFC 6749 2.3.1
	// JWTRetriever is sasl.oauthbearer.jwt.retriever.class, by its simple class name; empty: the default one.
	JWTRetriever string
	Assertion    Assertion

	ConnectTimeout  time.Duration // 0: none given
	ReadTimeout     time.Duration // 0: none given
	RetryBackoff    time.Duration
	RetryBackoffMax time.Duration
}

// Assertion is what the JWT-bearer grant (RFC 7523) signs or sends.
type Assertion struct {
	hidden
	File              string // a ready assertion
	TemplateFile      string
	PrivateKeyFile    string
	PrivateKeyPass    string
	Algorithm         string // RS256 or ES256
	Audience          string
	Issuer            string
	Subject           string
	ExpirySeconds     int
	NotBeforeSeconds  int
	IncludeIdentifier bool // claim jti
}

// RefreshWindow says when a token is renewed: at Factor (plus up to Jitter) of its lifetime, but at least MinPeriod after
// the last renewal and Buffer before its end.
type RefreshWindow struct {
	Factor, Jitter    float64
	MinPeriod, Buffer time.Duration
}

// hidden keeps a struct with secrets out of every text: fmt, log/slog and encoding/json all write [hidden] for it.
type hidden struct{}

func (hidden) String() string               { return "[hidden]" }
func (hidden) GoString() string             { return "[hidden]" }
func (hidden) MarshalText() ([]byte, error) { return []byte("[hidden]"), nil }
