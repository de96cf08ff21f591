package kafka

import (
	"slices"
	"strings"
)

// tlsDecisions are security.protocol and the settings that begin with ssl.
func tlsDecisions() []Decision {
	text := func(field func(*TLS) *string) func(*draft, value) {
		return func(c *draft, v value) { *field(&c.Security.TLS) = v.text }
	}
	return slices.Concat([]Decision{
		option("security.protocol", func(c *draft, v value) { c.Security.Protocol = strings.ToUpper(v.text) }),
		differs("ssl.truststore.type", "JKS, PKCS12 or PEM", func(c *draft, v value) { c.Security.TLS.TruststoreType = storeType(v.text) }),
		differs("ssl.truststore.location", "of PEM a comma-separated list of files, and of patterns in last elements: /a/ca.crt,/b/*.crt", text(func(t *TLS) *string { return &t.TruststoreLocation })),
		option("ssl.truststore.password", text(func(t *TLS) *string { return &t.TruststorePassword })),
		option("ssl.truststore.certificates", text(func(t *TLS) *string { return &t.TruststoreCertificates })),
		differs("ssl.keystore.type", "JKS, PKCS12 or PEM", func(c *draft, v value) { c.Security.TLS.KeystoreType = storeType(v.text) }),
		option("ssl.keystore.location", text(func(t *TLS) *string { return &t.KeystoreLocation })),
		option("ssl.keystore.password", text(func(t *TLS) *string { return &t.KeystorePassword })),
		option("ssl.keystore.certificate.chain", text(func(t *TLS) *string { return &t.CertificateChain })),
		option("ssl.keystore.key", text(func(t *TLS) *string { return &t.Key })),
		option("ssl.key.password", text(func(t *TLS) *string { return &t.KeyPassword })),
		notSupported("ssl.endpoint.identification.algorithm", "host names are checked as https does, or not at all (empty value)").
			accepting("", "https", "HTTPS").
			taking(func(c *draft, v value) { c.Security.TLS.EndpointIdentification = v.text != "" }),
		differs("ssl.enabled.protocols", "versions without a gap between them", func(c *draft, v value) { c.Security.TLS.Protocols = slices.Clone(v.list) }),
		differs("ssl.cipher.suites", "of TLS 1.3 all suites or none; the order has no meaning",
			func(c *draft, v value) { c.Security.TLS.CipherSuites = slices.Clone(v.list) }),
		notSupported("ssl.engine.factory.class", "a factory of TLS engines is Java code"),
		notSupported("ssl.provider", "the only provider of TLS is Go's own library"),
		notSupported("security.providers", "a security provider is Java code"),
	},
		noEffect("ssl.enabled.protocols decides", "ssl.protocol"),
		noEffect("it names a Java implementation, and Go's own is used",
			"ssl.keymanager.algorithm", "ssl.trustmanager.algorithm", "ssl.secure.random.implementation"),
	)
}

// storeType writes a store's type in upper case where Java takes any case. PEM is not among them: Java compares it.
func storeType(text string) string {
	if upper := strings.ToUpper(text); upper == "JKS" || upper == "PKCS12" {
		return upper
	}
	return text
}

// oauthHandlers are the login callback handlers that fetch a token: Kafka's own, by its name and by the one it had before
// Kafka 3.4, and Strimzi's.
func oauthHandlers() []string {
	return []string{
		"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
		"org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
		"io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler",
	}
}

// oauthPackage is where Kafka's token retrievers are.
const oauthPackage = "org.apache.kafka.common.security.oauthbearer."

// saslDecisions are the settings that begin with sasl. Those of a token's checking are the broker's, although every client
// has them: the Java client only reads expiry and principal from a token.
func saslDecisions() []Decision {
	const brokers = "the broker checks tokens; the client only passes them on"
	return slices.Concat([]Decision{
		differs("sasl.mechanism", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER",
			func(c *draft, v value) { c.Security.SASL.Mechanism = v.text }),
		differs("sasl.jaas.config", "login modules of Kafka's own: PLAIN, SCRAM, OAUTHBEARER",
			func(c *draft, v value) { c.jaas = v.text }),
		notSupported("sasl.login.callback.handler.class", "a callback handler is Java code; Kafka's and Strimzi's OAuth handlers are known").
			accepting(oauthHandlers()...).
			taking(func(c *draft, v value) { c.Security.SASL.LoginCallbackHandler = v.text }),
		notSupported("sasl.client.callback.handler.class", "a callback handler is Java code"),
		notSupported("sasl.login.class", "a login is Java code"),
		notSupported("sasl.oauthbearer.jwt.retriever.class", "a token retriever is Java code; Kafka's own are known").
			accepting(oauthPackage+"DefaultJwtRetriever", oauthPackage+"ClientCredentialsJwtRetriever", oauthPackage+"FileJwtRetriever",
				oauthPackage+"JwtBearerJwtRetriever").
			taking(func(c *draft, v value) { c.Security.SASL.OAuth.JWTRetriever = strings.TrimPrefix(v.text, oauthPackage) }),
	},
		oauthDecisions(),
		noEffect("Kerberos is not supported", "sasl.kerberos.kinit.cmd", "sasl.kerberos.min.time.before.relogin",
			"sasl.kerberos.service.name", "sasl.kerberos.ticket.renew.jitter", "sasl.kerberos.ticket.renew.window.factor"),
		noEffect(brokers, "sasl.oauthbearer.clock.skew.seconds", "sasl.oauthbearer.expected.audience",
			"sasl.oauthbearer.expected.issuer", "sasl.oauthbearer.jwks.endpoint.refresh.ms",
			"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
			"sasl.oauthbearer.jwks.endpoint.url", "sasl.oauthbearer.jwt.validator.class", "sasl.oauthbearer.scope.claim.name",
			"sasl.oauthbearer.sub.claim.name"),
	)
}

// oauthDecisions are the settings that fill SASL.OAuth and SASL.RefreshWindow.
func oauthDecisions() []Decision {
	oauth := func(name string, take func(*OAuth, value)) Decision {
		return option(name, func(c *draft, v value) { take(&c.Security.SASL.OAuth, v) })
	}
	assertion := func(name string, take func(*Assertion, value)) Decision {
		return option("sasl.oauthbearer.assertion."+name, func(c *draft, v value) { take(&c.Security.SASL.OAuth.Assertion, v) })
	}
	window := func(name string, take func(*RefreshWindow, value)) Decision {
		return option("sasl.login.refresh."+name, func(c *draft, v value) { take(&c.Security.SASL.RefreshWindow, v) })
	}
	return []Decision{
		oauth("sasl.oauthbearer.token.endpoint.url", func(o *OAuth, v value) { o.TokenEndpointURL = v.text }),
		oauth("sasl.oauthbearer.client.credentials.client.id", func(o *OAuth, v value) { o.ClientID = v.text }),
		oauth("sasl.oauthbearer.client.credentials.client.secret", func(o *OAuth, v value) { o.ClientSecret = v.text }),
		oauth("sasl.oauthbearer.scope", func(o *OAuth, v value) { o.Scope = v.text }),
		oauth("sasl.oauthbearer.header.urlencode", func(o *OAuth, v value) { o.HeaderURLEncode = v.flag }),
		oauth("sasl.login.connect.timeout.ms", func(o *OAuth, v value) { o.ConnectTimeout = v.millis() }),
		oauth("sasl.login.read.timeout.ms", func(o *OAuth, v value) { o.ReadTimeout = v.millis() }),
		oauth("sasl.login.retry.backoff.ms", func(o *OAuth, v value) { o.RetryBackoff = v.millis() }),
		oauth("sasl.login.retry.backoff.max.ms", func(o *OAuth, v value) { o.RetryBackoffMax = v.millis() }),

		assertion("file", func(a *Assertion, v value) { a.File = v.text }),
		assertion("template.file", func(a *Assertion, v value) { a.TemplateFile = v.text }),
		assertion("private.key.file", func(a *Assertion, v value) { a.PrivateKeyFile = v.text }),
		assertion("private.key.passphrase", func(a *Assertion, v value) { a.PrivateKeyPass = v.text }),
		assertion("algorithm", func(a *Assertion, v value) { a.Algorithm = strings.ToUpper(v.text) }),
		assertion("claim.aud", func(a *Assertion, v value) { a.Audience = v.text }),
		assertion("claim.iss", func(a *Assertion, v value) { a.Issuer = v.text }),
		assertion("claim.sub", func(a *Assertion, v value) { a.Subject = v.text }),
		assertion("claim.exp.seconds", func(a *Assertion, v value) { a.ExpirySeconds = int(v.whole) }),
		assertion("claim.nbf.seconds", func(a *Assertion, v value) { a.NotBeforeSeconds = int(v.whole) }),
		assertion("claim.jti.include", func(a *Assertion, v value) { a.IncludeIdentifier = v.flag }),

		window("window.factor", func(w *RefreshWindow, v value) { w.Factor = v.float }),
		window("window.jitter", func(w *RefreshWindow, v value) { w.Jitter = v.float }),
		window("min.period.seconds", func(w *RefreshWindow, v value) { w.MinPeriod = v.seconds() }),
		window("buffer.seconds", func(w *RefreshWindow, v value) { w.Buffer = v.seconds() }),
	}
}
