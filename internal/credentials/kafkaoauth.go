package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

const (
	assertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 2.2
	grantJWTBearer   = "urn:ietf:params:oauth:grant-type:jwt-bearer"            // RFC 7523 2.1

	tokenEndpointKey = "sasl.oauthbearer.token.endpoint.url"
)

// The retrievers of KIP-1139, by class name.
const (
	retrieverDefault     = "DefaultJwtRetriever"
	retrieverCredentials = "ClientCredentialsJwtRetriever"
	retrieverFile        = "FileJwtRetriever"
	retrieverBearer      = "JwtBearerJwtRetriever"
)

// kafkaOAuth is the meaning of Kafka's own OAUTHBEARER settings (KIP-768, KIP-1139).
type kafkaOAuth struct {
	settings  kafka.OAuth
	id        string
	secret    string
	scope     string
	assertion *assertion // nil: client id and secret
	bearer    bool       // the assertion is the grant, and not the client's identity
	endpoint  *endpoint
	now       func() time.Time
}

// kafkaLogin reads the settings of OAuthBearerLoginCallbackHandler. Client id, secret and scope stand in settings of their
// own or, in the older form, in the login module's options.
func kafkaLogin(s kafka.SASL, o Options) (login, error) {
	out := login{extensions: withPrefix(s.JAAS.Options, "extension_")}
	if err := checkExtensions("extension_", out.extensions); err != nil {
		return login{}, err
	}
	if s.OAuth.TokenEndpointURL == "" {
		return login{}, errors.New(tokenEndpointKey + ": is missing")
	}
	retriever, err := chooseRetriever(s.OAuth)
	if err != nil {
		return login{}, err
	}
	if retriever == retrieverFile {
		out.fetch, err = fileTokens(s.OAuth.TokenEndpointURL)
		return out, err
	}
	k := &kafkaOAuth{settings: s.OAuth, bearer: retriever == retrieverBearer, now: o.Now}
	k.id = either(s.OAuth.ClientID, s.JAAS.Options["clientId"])
	k.secret = either(s.OAuth.ClientSecret, s.JAAS.Options["clientSecret"])
	k.scope = strings.TrimSpace(either(s.OAuth.Scope, s.JAAS.Options["scope"]))
	if err := k.identify(); err != nil {
		return login{}, err
	}
	if out.trust, err = k.openEndpoint(s.JAAS.Options, o); err != nil {
		return login{}, err
	}
	out.fetch, out.cached = k.ask, true
	return out, nil
}

// either returns the first text unless it is empty.
func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// chooseRetriever resolves the default: a file URL is a token's file, anything else an endpoint.
func chooseRetriever(s kafka.OAuth) (string, error) {
	switch s.JWTRetriever[strings.LastIndexByte(s.JWTRetriever, '.')+1:] {
	case "", retrieverDefault:
		if strings.HasPrefix(strings.ToLower(s.TokenEndpointURL), "file:") {
			return retrieverFile, nil
		}
		return retrieverCredentials, nil
	case retrieverCredentials:
		return retrieverCredentials, nil
	case retrieverFile:
		return retrieverFile, nil
	case retrieverBearer:
		return retrieverBearer, nil
	}
	return "", fmt.Errorf("sasl.oauthbearer.jwt.retriever.class: %s is a Java class that has no counterpart here; %s, %s and %s have one",
		s.JWTRetriever, retrieverCredentials, retrieverFile, retrieverBearer)
}

// fileTokens reads a token from the file of a file: URL, anew for every session.
func fileTokens(raw string) (func(context.Context) (token, error), error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" || (u.Host != "" && u.Host != "localhost") || u.Path == "" {
		return nil, errors.New(tokenEndpointKey + ": is not the URL of a local file")
	}
	file := given{key: tokenEndpointKey, path: u.Path}
	return func(context.Context) (token, error) {
		value, err := secretText(file)
		return token{value: value}, err
	}, nil
}

// identify settles who the client says it is. As in Java, an assertion wins over a secret.
func (k *kafkaOAuth) identify() error {
	a := k.settings.Assertion
	if k.bearer || a.File != "" || a.Issuer != "" {
		var err error
		k.assertion, err = newAssertion(a, k.now)
		return err
	}
	if k.id == "" {
		return errors.New("sasl.oauthbearer.client.credentials.client.id: is missing")
	}
	if k.secret == "" {
		return errors.New("sasl.oauthbearer.client.credentials.client.secret: is missing")
	}
	return nil
}

// openEndpoint prepares the connection. Its TLS settings are ssl.* options of the login module: those of the Kafka
// connections do not count, as in Java.
func (k *kafkaOAuth) openEndpoint(options map[string]string, o Options) (*material[clientTLS], error) {
	connect, response := k.settings.ConnectTimeout, k.settings.ReadTimeout
	if connect <= 0 {
		connect = 10 * time.Second // Java waits without end
	}
	if response <= 0 {
		response = 30 * time.Second
	}
	var trust *material[clientTLS]
	var err error
	if strings.HasPrefix(k.settings.TokenEndpointURL, "https:") {
		if trust, err = endpointTLS(loginTLS(options), "", o); err != nil {
			return nil, err
		}
	}
	if k.endpoint, err = newEndpoint(k.settings.TokenEndpointURL, trust, connect, response); err != nil {
		return nil, fmt.Errorf("%s: %w", tokenEndpointKey, err)
	}
	// As in Java, sasl.login.retry.backoff.max.ms bounds the whole of the attempts and not one pause.
	pause, total := k.settings.RetryBackoff, k.settings.RetryBackoffMax
	if pause <= 0 {
		pause = 100 * time.Millisecond
	}
	if total <= 0 {
		total = 10 * time.Second
	}
	k.endpoint.retry = retryPolicy{pause: pause, double: true, total: total}
	return trust, nil
}

// loginTLS reads the ssl.* options of a login module.
func loginTLS(options map[string]string) kafka.TLS {
	algorithm, given := options["ssl.endpoint.identification.algorithm"]
	t := kafka.TLS{
		TruststoreType:         strings.ToUpper(options["ssl.truststore.type"]),
		TruststoreLocation:     options["ssl.truststore.location"],
		TruststorePassword:     options["ssl.truststore.password"],
		TruststoreCertificates: options["ssl.truststore.certificates"],
		KeystoreType:           strings.ToUpper(either(options["ssl.keystore.type"], typeJKS)),
		KeystoreLocation:       options["ssl.keystore.location"],
		KeystorePassword:       options["ssl.keystore.password"],
		KeyPassword:            options["ssl.key.password"],
		CertificateChain:       options["ssl.keystore.certificate.chain"],
		Key:                    options["ssl.keystore.key"],
		EndpointIdentification: !given || algorithm != "",
	}
	if protocols := options["ssl.enabled.protocols"]; protocols != "" {
		t.Protocols = strings.Split(protocols, ",")
	}
	return t
}

// ask gets a token from the endpoint.
func (k *kafkaOAuth) ask(ctx context.Context) (token, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if k.scope != "" {
		form.Set("scope", k.scope)
	}
	authorization := ""
	if k.assertion == nil {
		authorization = basic(k.id, k.secret, k.settings.HeaderURLEncode)
	} else {
		signed, err := k.assertion.text()
		if err != nil {
			return token{}, &TokenError{Failure: TokenUnreadable, Cause: err}
		}
		k.assert(form, signed)
	}
	t, err := k.endpoint.ask(ctx, authorization, form, k.now)
	if err != nil {
		return token{}, err
	}
	if issued, expires := claims(t.value); !expires.IsZero() {
		t.issued, t.expires = issued, expires
	}
	return t, nil
}

// assert puts an assertion into the form: as the grant itself, or as the client's identity in place of a secret.
func (k *kafkaOAuth) assert(form url.Values, signed string) {
	if k.bearer {
		form.Set("grant_type", grantJWTBearer)
		form.Set("assertion", signed)
		return
	}
	form.Set("client_assertion_type", assertionTypeJWT)
	form.Set("client_assertion", signed)
	if k.id != "" {
		form.Set("client_id", k.id)
	}
}
