package v1

// Values of [ClientAuthentication.Type].
const (
	AuthenticationTLS         = "tls"
	AuthenticationScramSHA256 = "scram-sha-256"
	AuthenticationScramSHA512 = "scram-sha-512"
	AuthenticationPlain       = "plain"
	AuthenticationOAuth       = "oauth"
	AuthenticationCustom      = "custom"
)

// ClientAuthentication says who a Kafka client is. Which fields count depends on the type; the others have no effect.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'tls' || has(self.certificateAndKey)",message="authentication of type tls needs certificateAndKey (secretName, certificate, key)"
// +kubebuilder:validation:XValidation:rule="!(self.type in ['scram-sha-256', 'scram-sha-512', 'plain']) || (has(self.username) && has(self.passwordSecret))",message="authentication by user name needs username and passwordSecret (secretName, password)"
// +kubebuilder:validation:XValidation:rule="self.type != 'oauth' || has(self.accessToken) || has(self.accessTokenLocation) || has(self.tokenEndpointUri)",message="authentication of type oauth needs accessToken, accessTokenLocation or tokenEndpointUri with the client's credentials"
// +kubebuilder:validation:XValidation:rule="self.type != 'custom' || !has(self.sasl) || !self.sasl || has(self.config)",message="authentication of type custom with sasl: true needs config, at least sasl.mechanism and sasl.jaas.config"
type ClientAuthentication struct {
	// tls, scram-sha-256, scram-sha-512, plain or custom; oauth is deprecated: custom says the same with Kafka's own settings.
	// +kubebuilder:validation:Enum=tls;scram-sha-256;scram-sha-512;plain;oauth;custom
	Type string `json:"type"`

	// The client's certificate and key, for type tls.
	CertificateAndKey *CertAndKeySecretSource `json:"certificateAndKey,omitempty"`

	// The user's name, for the types scram-sha-256, scram-sha-512 and plain, and for oauth with a password.
	Username string `json:"username,omitempty"`
	// The user's password, for the same types.
	PasswordSecret *PasswordSecretSource `json:"passwordSecret,omitempty"`

	// Whether SASL is used, for type custom; without it the certificate alone counts.
	SASL *bool `json:"sasl,omitempty"`
	// Kafka's settings whose names begin with sasl. or ssl.keystore., for type custom.
	Config Config `json:"config,omitempty"`

	OAuth `json:",inline"`
}

// OAuth is what the authentication type oauth of v1beta2 had. All of it is deprecated.
type OAuth struct {
	// Deprecated. The client's name at the authorization server.
	ClientID string `json:"clientId,omitempty"`
	// Deprecated. The client's secret at the authorization server.
	ClientSecret *GenericSecretSource `json:"clientSecret,omitempty"`
	// Deprecated. The scope that is asked for.
	Scope string `json:"scope,omitempty"`
	// Deprecated. The audience that is asked for.
	Audience string `json:"audience,omitempty"`
	// Deprecated. Where tokens are asked for.
	TokenEndpointURI string `json:"tokenEndpointUri,omitempty"`
	// Deprecated. The grant type of token requests; client_credentials if absent.
	GrantType string `json:"grantType,omitempty"`
	// Deprecated. A token that is used as it is.
	AccessToken *GenericSecretSource `json:"accessToken,omitempty"`
	// Deprecated. The path of a file that holds such a token, for instance of a projected volume.
	AccessTokenLocation string `json:"accessTokenLocation,omitempty"`
	// Deprecated. Whether access tokens are JSON Web Tokens; true if absent.
	AccessTokenIsJWT *bool `json:"accessTokenIsJwt,omitempty"`
	// Deprecated. A token by which access tokens are got.
	RefreshToken *GenericSecretSource `json:"refreshToken,omitempty"`
	// Deprecated. A signed assertion that proves who the client is (RFC 7523).
	ClientAssertion *GenericSecretSource `json:"clientAssertion,omitempty"`
	// Deprecated. The path of a file that holds such an assertion.
	ClientAssertionLocation string `json:"clientAssertionLocation,omitempty"`
	// Deprecated. The assertion's type; urn:ietf:params:oauth:client-assertion-type:jwt-bearer if absent.
	ClientAssertionType string `json:"clientAssertionType,omitempty"`
	// Deprecated. SASL extensions sent to the broker (RFC 7628).
	SASLExtensions map[string]string `json:"saslExtensions,omitempty"`
	// Deprecated. Certificates that the authorization server may show.
	TLSTrustedCertificates []CertSecretSource `json:"tlsTrustedCertificates,omitempty"`
	// Deprecated. Whether the authorization server's certificate may be for another host; false if absent.
	DisableTLSHostnameVerification *bool `json:"disableTlsHostnameVerification,omitempty"`
	// Deprecated. The longest life of a token in seconds, whatever the token says.
	MaxTokenExpirySeconds *int32 `json:"maxTokenExpirySeconds,omitempty"`
	// Deprecated. Seconds to connect to the authorization server; 60 if absent.
	ConnectTimeoutSeconds *int32 `json:"connectTimeoutSeconds,omitempty"`
	// Deprecated. Seconds to wait for its answer; 60 if absent.
	ReadTimeoutSeconds *int32 `json:"readTimeoutSeconds,omitempty"`
	// Deprecated. How often a failed request is tried again; 0 if absent.
	HTTPRetries *int32 `json:"httpRetries,omitempty"`
	// Deprecated. Milliseconds between two tries.
	HTTPRetryPauseMs *int32 `json:"httpRetryPauseMs,omitempty"`
	// Deprecated. Whether requests carry Accept: application/json; true if absent.
	IncludeAcceptHeader *bool `json:"includeAcceptHeader,omitempty"`
	// Deprecated. Whether metrics of the token requests are kept; false if absent.
	EnableMetrics *bool `json:"enableMetrics,omitempty"`
}
