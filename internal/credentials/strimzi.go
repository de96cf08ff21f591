package credentials

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// strimziOptions looks options up as Strimzi's OAuth library does: the environment under the option's name in upper case
// with underscores, then under its literal name, and only then the login module's options.
type strimziOptions struct {
	env  func(string) (string, bool)
	jaas map[string]string
	err  error // the first option that can't be read
}

// fail keeps the first error, so that a reader meets them in the order of the options.
func (o *strimziOptions) fail(name, format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %s %w", jaasKey, name, fmt.Errorf(format, args...))
	}
}

// lookup returns an option and whether it is set at all: an empty text can mean something. Java's system properties,
// which upstream looks at first, have no counterpart.
func (o *strimziOptions) lookup(name string) (string, bool) {
	if v, ok := o.env(strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(name))); ok {
		return v, true
	}
	if v, ok := o.env(name); ok {
		return v, true
	}
	v, ok := o.jaas[name]
	return v, ok
}

// text is an option for which empty and left out are the same.
func (o *strimziOptions) text(name string) string {
	v, _ := o.lookup(name)
	return v
}

// given is the option itself, or the file that the option with .location names; the file wins, as upstream.
func (o *strimziOptions) given(name string) given {
	if path := o.text(name + ".location"); path != "" {
		return given{key: name + ".location", path: path}
	}
	return given{key: name, text: o.text(name)}
}

// number is at least least; an option left out is the fallback.
func (o *strimziOptions) number(name string, fallback, least int) int {
	v, ok := o.lookup(name)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < least {
		o.fail(name, "is not a number of at least %d", least)
		return fallback
	}
	return n
}

// seconds is a timeout; upstream replaces what is not positive by the default.
func (o *strimziOptions) seconds(name string) time.Duration {
	const fallback = 60
	n := o.number(name, fallback, -1<<31)
	if n <= 0 {
		n = fallback
	}
	return time.Duration(n) * time.Second
}

// flag reads the eight words that upstream knows, in any case.
func (o *strimziOptions) flag(name string, fallback bool) bool {
	v, ok := o.lookup(name)
	if !ok {
		return fallback
	}
	switch strings.ToLower(v) {
	case "true", "yes", "y", "1":
		return true
	case "false", "no", "n", "0":
		return false
	}
	o.fail(name, "is neither true nor false")
	return fallback
}

// strimzi is the meaning of Strimzi's options (bridge contract 5).
type strimzi struct {
	accessToken, refreshToken, secret, assertion, password given
	clientID, username, assertionType, grantType           string
	scope, audience                                        string
	isJWT                                                  bool
	longest                                                time.Duration // of a token's life as far as we are concerned, 0: no bound
	endpoint                                               *endpoint
	now                                                    func() time.Time
}

// strimziLogin reads the options of io.strimzi.kafka.oauth's client handler. The order in which it looks for a way in is
// upstream's: access token, refresh token, password, client secret, client assertion.
func strimziLogin(jaas map[string]string, o Options) (login, error) {
	opts := &strimziOptions{env: o.LookupEnv, jaas: jaas}
	s := &strimzi{
		accessToken:   opts.given("oauth.access.token"),
		refreshToken:  opts.given("oauth.refresh.token"),
		secret:        opts.given("oauth.client.secret"),
		assertion:     opts.given("oauth.client.assertion"),
		password:      given{key: "oauth.password.grant.password", text: opts.text("oauth.password.grant.password")},
		clientID:      opts.text("oauth.client.id"),
		username:      opts.text("oauth.password.grant.username"),
		assertionType: opts.text("oauth.client.assertion.type"),
		grantType:     opts.text("oauth.client.credentials.grant.type"),
		scope:         opts.text("oauth.scope"),
		audience:      opts.text("oauth.audience"),
		isJWT:         opts.flag("oauth.access.token.is.jwt", true),
		longest:       time.Duration(max(0, opts.number("oauth.max.token.expiry.seconds", -1, -1<<31))) * time.Second,
		now:           o.Now,
	}
	if s.longest > 0 && s.longest < time.Minute {
		opts.fail("oauth.max.token.expiry.seconds", "is less than 60")
	}
	if s.assertionType == "" {
		s.assertionType = assertionTypeJWT
	}
	if s.grantType == "" {
		s.grantType = "client_credentials"
	}
	out := login{extensions: strimziExtensions(opts), fetch: s.static}
	if opts.err != nil {
		return login{}, opts.err
	}
	if err := checkExtensions("oauth.sasl.extension.", out.extensions); err != nil {
		return login{}, err
	}
	if s.accessToken.set() {
		return out, nil
	}
	if err := s.complete(); err != nil {
		return login{}, err
	}
	trust, err := s.openEndpoint(opts, o)
	if err != nil {
		return login{}, err
	}
	out.fetch, out.cached, out.trust = s.ask, true, trust
	return out, nil
}

// strimziExtensions are named by the login module's options alone; the environment may give them another value.
func strimziExtensions(opts *strimziOptions) map[string]string {
	const prefix = "oauth.sasl.extension."
	extensions := map[string]string{}
	for name := range withPrefix(opts.jaas, prefix) {
		extensions[name] = opts.text(prefix + name)
	}
	return extensions
}

// complete checks that the endpoint can be asked for something.
func (s *strimzi) complete() error {
	switch {
	case s.clientID == "":
		return fmt.Errorf("%s: oauth.client.id is missing (or oauth.access.token)", jaasKey)
	case s.username != "" && !s.password.set():
		return fmt.Errorf("%s: oauth.password.grant.username needs oauth.password.grant.password", jaasKey)
	case !s.refreshToken.set() && s.username == "" && !s.secret.set() && !s.assertion.set():
		return fmt.Errorf("%s: nothing to log in with: set oauth.access.token, oauth.refresh.token, oauth.password.grant.username, "+
			"oauth.client.secret or oauth.client.assertion, or one of them with .location", jaasKey)
	}
	return nil
}

// openEndpoint reads the options of the token endpoint's connection.
func (s *strimzi) openEndpoint(opts *strimziOptions, o Options) (*material[clientTLS], error) {
	const uriName = "oauth.token.endpoint.uri"
	uri := opts.text(uriName)
	if uri == "" {
		return nil, fmt.Errorf("%s: %s is missing (or oauth.access.token)", jaasKey, uriName)
	}
	connect, response := opts.seconds("oauth.connect.timeout.seconds"), opts.seconds("oauth.read.timeout.seconds")
	retries := opts.number("oauth.http.retries", 0, 0)
	pause := max(0, opts.number("oauth.http.retry.pause.millis", 0, -1<<31))
	accept := opts.flag("oauth.include.accept.header", true)
	if opts.err != nil {
		return nil, opts.err
	}
	var trust *material[clientTLS]
	if strings.HasPrefix(uri, "https:") {
		algorithm, given := opts.lookup("oauth.ssl.endpoint.identification.algorithm")
		settings := kafka.TLS{
			TruststoreType:         strings.ToUpper(opts.text("oauth.ssl.truststore.type")),
			TruststoreLocation:     opts.text("oauth.ssl.truststore.location"),
			TruststorePassword:     opts.text("oauth.ssl.truststore.password"),
			TruststoreCertificates: opts.text("oauth.ssl.truststore.certificates"),
			EndpointIdentification: !given || algorithm != "",
		}
		var err error
		if trust, err = endpointTLS(settings, "oauth.", o); err != nil {
			return nil, err
		}
	}
	var err error
	if s.endpoint, err = newEndpoint(uri, trust, connect, response); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", jaasKey, uriName, err)
	}
	s.endpoint.accept = accept
	s.endpoint.retry = retryPolicy{attempts: retries + 1, pause: time.Duration(pause) * time.Millisecond}
	return trust, nil
}

// endpointTLS prepares the TLS side of a token endpoint. prefix is put before the names of ssl.* options in errors.
func endpointTLS(settings kafka.TLS, prefix string, o Options) (*material[clientTLS], error) {
	if settings.TruststoreType == "" {
		settings.TruststoreType = typePKCS12
	}
	if len(settings.Protocols) == 0 {
		settings.Protocols = []string{"TLSv1.2", "TLSv1.3"}
	}
	keys := kafkaKeys()
	for _, key := range []*string{&keys.truststore, &keys.truststoreText, &keys.keystore, &keys.chain, &keys.key} {
		*key = jaasKey + ": " + prefix + *key
	}
	plan, err := planClient(settings, keys)
	if err != nil {
		return nil, err
	}
	return plan.material("token endpoint tls", o), nil
}

// secretText reads a setting, or its file now: a changed file counts from the next token on. Line ends around the text
// are an editor's and no part of it.
func secretText(g given) (string, error) {
	if g.path == "" {
		return g.text, nil
	}
	b, err := readFile(g.path)
	if err != nil {
		return "", &TokenError{Failure: TokenUnreadable, Cause: g.errorf("%w", err)}
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", &TokenError{Failure: TokenUnreadable, Cause: g.errorf("is empty")}
	}
	return text, nil
}

// static returns the configured access token.
func (s *strimzi) static(context.Context) (token, error) {
	value, err := secretText(s.accessToken)
	return token{value: value}, err
}

// ask gets a token from the endpoint.
func (s *strimzi) ask(ctx context.Context) (token, error) {
	form := url.Values{}
	if s.scope != "" {
		form.Set("scope", s.scope)
	}
	if s.audience != "" {
		form.Set("audience", s.audience)
	}
	authorization, err := s.fill(form)
	if err != nil {
		return token{}, err
	}
	t, err := s.endpoint.ask(ctx, authorization, form, s.now)
	if err != nil {
		return token{}, err
	}
	return s.dated(t), nil
}

// fill puts the grant into the form and returns the authorization header's value.
func (s *strimzi) fill(form url.Values) (authorization string, err error) {
	secret, err := secretText(s.secret)
	if err != nil {
		return "", err
	}
	switch {
	case s.refreshToken.set():
		refresh, err := secretText(s.refreshToken)
		if err != nil {
			return "", err
		}
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", refresh)
		form.Set("client_id", s.clientID)
		if secret == "" {
			return "", nil
		}
	case s.username != "":
		form.Set("grant_type", "password")
		form.Set("username", s.username)
		form.Set("password", s.password.text)
	case s.secret.set():
		form.Set("grant_type", s.grantType)
	default:
		assertion, err := secretText(s.assertion)
		if err != nil {
			return "", err
		}
		form.Set("grant_type", s.grantType)
		form.Set("client_id", s.clientID)
		form.Set("client_assertion", assertion)
		form.Set("client_assertion_type", s.assertionType)
		return "", nil
	}
	return basic(s.clientID, secret, true), nil
}

// dated settles a token's end: what the token says if it is a JWT, otherwise the answer's expires_in; neither beyond
// oauth.max.token.expiry.seconds.
func (s *strimzi) dated(t token) token {
	if issued, expires := claims(t.value); s.isJWT && !expires.IsZero() {
		t.issued, t.expires = issued, expires
	}
	if t.issued.IsZero() {
		t.issued = s.now()
	}
	if s.longest > 0 && (t.expires.IsZero() || t.expires.Sub(t.issued) > s.longest) {
		t.expires = t.issued.Add(s.longest)
	}
	return t
}

// basic is the authorization header of RFC 6749 2.3.1; encoded says whether id and secret are form-encoded first, as
// the RFC wants and many endpoints do not.
func basic(id, secret string, encoded bool) string {
	if encoded {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}
