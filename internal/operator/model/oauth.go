package model

import (
	"maps"
	"slices"
	"strconv"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// oauth writes the options of the login module that the reference operator's images had. Secrets are files that the bridge
// reads anew for each token.
func (b *bridgeBuilder) oauth(a v1.ClientAuthentication) {
	const field = "spec.authentication"
	o := oauthOptions{builder: b}
	o.text("oauth.client.id", a.ClientID)
	o.text("oauth.token.endpoint.uri", a.TokenEndpointURI)
	o.text("oauth.scope", a.Scope)
	o.text("oauth.audience", a.Audience)
	o.text("oauth.client.credentials.grant.type", a.GrantType)
	o.secret("oauth.client.secret.location", "clientSecret", a.ClientSecret, "")
	o.secret("oauth.access.token.location", "accessToken", a.AccessToken, a.AccessTokenLocation)
	o.secret("oauth.refresh.token.location", "refreshToken", a.RefreshToken, "")
	o.secret("oauth.client.assertion.location", "clientAssertion", a.ClientAssertion, a.ClientAssertionLocation)
	o.text("oauth.client.assertion.type", a.ClientAssertionType)
	o.passwordGrant(a)
	o.flag("oauth.access.token.is.jwt", a.AccessTokenIsJWT, true)
	o.flag("oauth.include.accept.header", a.IncludeAcceptHeader, true)
	o.number("oauth.max.token.expiry.seconds", a.MaxTokenExpirySeconds)
	o.number("oauth.connect.timeout.seconds", a.ConnectTimeoutSeconds)
	o.number("oauth.read.timeout.seconds", a.ReadTimeoutSeconds)
	o.number("oauth.http.retries", a.HTTPRetries)
	o.number("oauth.http.retry.pause.millis", a.HTTPRetryPauseMs)
	for _, name := range slices.Sorted(maps.Keys(a.SASLExtensions)) {
		o.text("oauth.sasl.extension."+name, a.SASLExtensions[name])
	}
	if location := b.trust(a.TLSTrustedCertificates, field+".tlsTrustedCertificates", names.DirOAuth, names.VolumeOAuth); location != "" {
		o.text("oauth.ssl.truststore.type", "PEM")
		o.text("oauth.ssl.truststore.location", location)
	}
	if a.DisableTLSHostnameVerification != nil && *a.DisableTLSHostnameVerification {
		o.options = append(o.options, option{"oauth.ssl.endpoint.identification.algorithm", ""})
	}
	if a.EnableMetrics != nil {
		b.NoEffect(field+".enableMetrics", "requests for tokens are not counted")
	}
	b.oauthComplete(a)
	b.set("kafka.sasl.mechanism", "OAUTHBEARER", field)
	b.set("kafka.sasl.login.callback.handler.class", "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler", field)
	b.set("kafka.sasl.jaas.config", jaas("org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule", o.options), field)
}

// oauthComplete finds out whether there is something to log in with, which the bridge would only say at its start.
func (b *bridgeBuilder) oauthComplete(a v1.ClientAuthentication) {
	const field = "spec.authentication"
	switch {
	case a.AccessToken != nil || a.AccessTokenLocation != "":
	case a.TokenEndpointURI == "":
		b.Invalid(field+".tokenEndpointUri", "is missing (or accessToken)")
	case a.ClientID == "":
		b.Invalid(field+".clientId", "is missing (or accessToken)")
	case a.ClientSecret == nil && a.RefreshToken == nil && a.ClientAssertion == nil && a.ClientAssertionLocation == "" && a.PasswordSecret == nil:
		b.Invalid(field, "has nothing to log in with: set clientSecret, refreshToken, clientAssertion, or username and passwordSecret")
	}
}

// oauthOptions collects options in a fixed order.
type oauthOptions struct {
	builder *bridgeBuilder
	options []option
}

// text adds an option that has a value: an empty one would mean something to the login module.
func (o *oauthOptions) text(name, value string) {
	if value != "" {
		o.options = append(o.options, option{name, value})
	}
}

// flag adds an option that is not what it would be anyway.
func (o *oauthOptions) flag(name string, value *bool, standard bool) {
	if value != nil && *value != standard {
		o.text(name, strconv.FormatBool(*value))
	}
}

// number leaves out what is not positive, as the reference operator does.
func (o *oauthOptions) number(name string, value *int32) {
	if value != nil && *value > 0 {
		o.text(name, decimal(*value))
	}
}

// secret names the file of a Secret's key, or the one that the user has put somewhere.
func (o *oauthOptions) secret(name, file string, source *v1.GenericSecretSource, location string) {
	if source == nil {
		o.text(name, location)
		return
	}
	field := "spec.authentication." + file
	o.builder.secretName(field+".secretName", source.SecretName)
	o.builder.secretKey(field+".key", source.Key)
	o.builder.authVolume(Source{Secret: source.SecretName, Items: []Item{{Key: source.Key, File: file}}})
	o.text(name, authFile(file))
}

// passwordGrant is a user's name and password; there is no option for a file here.
func (o *oauthOptions) passwordGrant(a v1.ClientAuthentication) {
	const field, file = "spec.authentication.passwordSecret", "password"
	if (a.Username == "") != (a.PasswordSecret == nil) {
		o.builder.Invalid(field, "username and passwordSecret need each other")
	}
	if a.PasswordSecret == nil {
		return
	}
	o.builder.secretName(field+".secretName", a.PasswordSecret.SecretName)
	o.builder.secretKey(field+".password", a.PasswordSecret.Password)
	o.builder.authVolume(Source{Secret: a.PasswordSecret.SecretName, Items: []Item{{Key: a.PasswordSecret.Password, File: file}}})
	o.text("oauth.password.grant.username", a.Username)
	o.text("oauth.password.grant.password", authReference(file))
}
