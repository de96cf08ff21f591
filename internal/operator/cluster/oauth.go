package cluster

import (
	"strconv"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// What stock Kafka has for tokens (KIP-768), by its names.
const (
	tokenModule    = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	tokenValidator = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
	// allowedURLs is the property without which Kafka 4 asks no authorization server for anything.
	allowedURLs = "org.apache.kafka.sasl.oauthbearer.allowed.urls"
)

// oauth writes the authentication by tokens with what the stock image has: signatures of JSON Web Tokens are checked by the
// server's keys. A field that would make the check stricter than Kafka's can be, or that would give users other names, is refused:
// without it the listener would let in whom it should not. Others have no effect.
func (b *builder) oauth(field, prefix string, l Listener, o v1.ListenerOAuth) {
	b.Warn(reasonDeprecated, "%s.type oauth is deprecated: type custom says the same with Kafka's own settings", field)
	b.oauthRefused(field, o)
	b.oauthWithoutEffect(field, o)
	b.listener[prefix+"sasl.enabled.mechanisms"] = "OAUTHBEARER"
	b.listener[prefix+"oauthbearer.sasl.server.callback.handler.class"] = tokenValidator
	b.listener[prefix+"oauthbearer.sasl.jaas.config"] = tokenModule + " required" + b.oauthOptions(field, l, o) + ";"
	set := func(option, value string) {
		if value != "" {
			b.listener[prefix+option] = value
		}
	}
	set("sasl.oauthbearer.jwks.endpoint.url", o.JWKSEndpointURI)
	if is(o.CheckIssuer, true) {
		set("sasl.oauthbearer.expected.issuer", o.ValidIssuerURI)
	}
	if is(o.CheckAudience, false) {
		set("sasl.oauthbearer.expected.audience", o.ClientID)
	}
	set("sasl.oauthbearer.sub.claim.name", o.UserNameClaim)
	if o.JWKSRefreshSeconds != nil {
		set("sasl.oauthbearer.jwks.endpoint.refresh.ms", strconv.FormatInt(int64(*o.JWKSRefreshSeconds)*1000, 10))
	}
	if o.MaxSecondsWithoutReauthentication != nil {
		set("connections.max.reauth.ms", strconv.FormatInt(int64(*o.MaxSecondsWithoutReauthentication)*1000, 10))
	}
	b.allowURL(o.JWKSEndpointURI)
}

// is returns what a switch says, or what it says if it is absent.
func is(value *bool, absent bool) bool {
	if value == nil {
		return absent
	}
	return *value
}

// oauthRefused refuses what would be a hole, and what is needed and missing.
func (b *builder) oauthRefused(field string, o v1.ListenerOAuth) {
	const hole = "the stock image can't do it, and without it the listener would let in whom it should not: "
	for _, r := range []struct {
		option string
		given  bool
		text   string
	}{
		{"introspectionEndpointUri", o.IntrospectionEndpointURI != "", "the stock image checks tokens by the server's keys only: set jwksEndpointUri"},
		{"accessTokenIsJwt", !is(o.AccessTokenIsJWT, true), "the stock image checks JSON Web Tokens only: leave it out"},
		{"customClaimCheck", o.CustomClaimCheck != "", hole + "use type custom with a validator of your own in spec.kafka.image"},
		{"userNamePrefix", o.UserNamePrefix != "", hole + "users would have other names"},
		{"fallbackUserNamePrefix", o.FallbackUserNamePrefix != "", hole + "users would have other names"},
		{"enableOauthBearer", !is(o.EnableOAuthBearer, true), "nothing is left to authenticate with: leave it out"},
		{"jwksEndpointUri", o.JWKSEndpointURI == "" && o.IntrospectionEndpointURI == "", "is missing: the URL of the authorization server's keys"},
		{"validIssuerUri", o.ValidIssuerURI == "" && is(o.CheckIssuer, true), "is missing (or set checkIssuer: false, with which tokens of any issuer count whose key is known)"},
		{"clientId", o.ClientID == "" && is(o.CheckAudience, false), "is missing: with checkAudience it is the audience that tokens must have"},
	} {
		if r.given {
			b.Invalid(field+"."+r.option, "%s", r.text)
		}
	}
}

// oauthWithoutEffect names the fields that the stock image has nothing for.
func (b *builder) oauthWithoutEffect(field string, o v1.ListenerOAuth) {
	for _, f := range []struct {
		option string
		given  bool
	}{
		{"checkAccessTokenType", o.CheckAccessTokenType != nil},
		{"clientAudience", o.ClientAudience != ""},
		{"clientGrantType", o.ClientGrantType != ""},
		{"clientId", o.ClientID != "" && !is(o.CheckAudience, false)},
		{"clientScope", o.ClientScope != ""},
		{"clientSecret", o.ClientSecret != nil},
		{"connectTimeoutSeconds", o.ConnectTimeoutSeconds != nil},
		{"disableTlsHostnameVerification", is(o.DisableTLSHostnameVerification, false)},
		{"enableECDSA", o.EnableECDSA != nil},
		{"enableMetrics", o.EnableMetrics != nil},
		{"enablePlain", is(o.EnablePlain, false)},
		{"failFast", o.FailFast != nil},
		{"fallbackUserNameClaim", o.FallbackUserNameClaim != ""},
		{"groupsClaim", o.GroupsClaim != ""},
		{"groupsClaimDelimiter", o.GroupsClaimDelimiter != ""},
		{"httpRetries", o.HTTPRetries != nil},
		{"httpRetryPauseMs", o.HTTPRetryPauseMs != nil},
		{"includeAcceptHeader", o.IncludeAcceptHeader != nil},
		{"jwksExpirySeconds", o.JWKSExpirySeconds != nil},
		{"jwksIgnoreKeyUse", o.JWKSIgnoreKeyUse != nil},
		{"jwksMinRefreshPauseSeconds", o.JWKSMinRefreshPauseSeconds != nil},
		{"readTimeoutSeconds", o.ReadTimeoutSeconds != nil},
		{"serverBearerTokenLocation", o.ServerBearerTokenLocation != ""},
		{"tokenEndpointUri", o.TokenEndpointURI != ""},
		{"userInfoEndpointUri", o.UserInfoEndpointURI != ""},
		{"validTokenType", o.ValidTokenType != ""},
	} {
		if f.given {
			b.NoEffect(field+"."+f.option, "the stock image has nothing for it")
		}
	}
}

// oauthOptions are those of the login module. The first one is there because the broker logs in by it too, with a token that
// nobody asks for.
func (b *builder) oauthOptions(field string, l Listener, o v1.ListenerOAuth) string {
	options := ` unsecuredLoginStringClaim_sub="unused"`
	switch n := len(o.TLSTrustedCertificates); {
	case n == 0:
		return options
	case n > 1 || o.TLSTrustedCertificates[0].Certificate == "":
		b.Invalid(field+".tlsTrustedCertificates", "can be one key of one Secret: put all certificates into that key, one after the other")
		return options
	}
	c := o.TLSTrustedCertificates[0]
	b.secretKey(field+".tlsTrustedCertificates[0]", c.SecretName, c.Certificate)
	if strings.ContainsAny(c.Certificate, `"\`) {
		return options // no key of a Secret, and refused as such where anybody looks
	}
	return options + ` ssl.truststore.type="PEM" ssl.truststore.location="` + b.mount(l, c.SecretName, c.Certificate) + "/" + c.Certificate + `"`
}

// allowURL adds a URL to those that the brokers may ask. A list that the user has set is left alone.
func (b *builder) allowURL(url string) {
	if url == "" {
		return
	}
	for i := range b.jvm {
		if p := &b.jvm[i]; p.Name == allowedURLs {
			p.Value += "," + url
			return
		}
	}
	b.jvm = append(b.jvm, v1.SystemProperty{Name: allowedURLs, Value: url})
}
