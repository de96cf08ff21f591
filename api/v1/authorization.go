package v1

// Values of [KafkaAuthorization.Type].
const (
	AuthorizationSimple   = "simple"
	AuthorizationCustom   = "custom"
	AuthorizationOPA      = "opa"
	AuthorizationKeycloak = "keycloak"
)

// KafkaAuthorization says who may do what.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'custom' || has(self.authorizerClass)",message="authorization of type custom needs authorizerClass, a Java class in the image"
type KafkaAuthorization struct {
	// simple: Kafka's own access control lists; custom: a class in the image; opa and keycloak are deprecated, and the stock image
	// does not have their classes.
	// +kubebuilder:validation:Enum=simple;opa;keycloak;custom
	Type string `json:"type"`
	// Principals that may do everything, such as CN=admin or User:admin.
	SuperUsers []string `json:"superUsers,omitempty"`
	// The class, for type custom.
	AuthorizerClass string `json:"authorizerClass,omitempty"`
	// Whether that class takes access control lists from Kafka's admin API, so that KafkaUsers can have some; false if absent.
	SupportsAdminAPI *bool `json:"supportsAdminApi,omitempty"`

	LegacyAuthorization `json:",inline"`
}

// LegacyAuthorization is what the authorization types opa and keycloak of v1beta2 had. All of it is deprecated.
type LegacyAuthorization struct {
	// Deprecated. Where decisions are asked for.
	URL string `json:"url,omitempty"`
	// Deprecated. Whether everything is allowed while no decision can be had; false if absent.
	AllowOnError *bool `json:"allowOnError,omitempty"`
	// Deprecated. How many decisions are kept at first.
	InitialCacheCapacity *int32 `json:"initialCacheCapacity,omitempty"`
	// Deprecated. How many decisions are kept at most.
	MaximumCacheSize *int32 `json:"maximumCacheSize,omitempty"`
	// Deprecated. Milliseconds that a decision is kept.
	ExpireAfterMs *int64 `json:"expireAfterMs,omitempty"`
	// Deprecated. The broker's name at the authorization server.
	ClientID string `json:"clientId,omitempty"`
	// Deprecated. Where tokens are asked for.
	TokenEndpointURI string `json:"tokenEndpointUri,omitempty"`
	// Deprecated. Certificates that the server may show.
	TLSTrustedCertificates []CertSecretSource `json:"tlsTrustedCertificates,omitempty"`
	// Deprecated. Whether the server's certificate may be for another host; false if absent.
	DisableTLSHostnameVerification *bool `json:"disableTlsHostnameVerification,omitempty"`
	// Deprecated. Whether access control lists are asked where the server denies; false if absent.
	DelegateToKafkaACLs *bool `json:"delegateToKafkaAcls,omitempty"`
	// Deprecated. Seconds between two requests for the grants of a session.
	// +kubebuilder:validation:Minimum=0
	GrantsRefreshPeriodSeconds *int32 `json:"grantsRefreshPeriodSeconds,omitempty"`
	// Deprecated. Threads that ask for grants.
	// +kubebuilder:validation:Minimum=1
	GrantsRefreshPoolSize *int32 `json:"grantsRefreshPoolSize,omitempty"`
	// Deprecated. Seconds after which unused grants are forgotten.
	// +kubebuilder:validation:Minimum=1
	GrantsMaxIdleTimeSeconds *int32 `json:"grantsMaxIdleTimeSeconds,omitempty"`
	// Deprecated. Seconds between two looks for unused grants.
	// +kubebuilder:validation:Minimum=1
	GrantsGCPeriodSeconds *int32 `json:"grantsGcPeriodSeconds,omitempty"`
	// Deprecated. Whether grants are asked for again with each new session; false if absent.
	GrantsAlwaysLatest *bool `json:"grantsAlwaysLatest,omitempty"`
	// Deprecated. Seconds to connect to the server.
	// +kubebuilder:validation:Minimum=1
	ConnectTimeoutSeconds *int32 `json:"connectTimeoutSeconds,omitempty"`
	// Deprecated. Seconds to wait for its answer.
	// +kubebuilder:validation:Minimum=1
	ReadTimeoutSeconds *int32 `json:"readTimeoutSeconds,omitempty"`
	// Deprecated. How often a failed request is tried again.
	// +kubebuilder:validation:Minimum=0
	HTTPRetries *int32 `json:"httpRetries,omitempty"`
	// Deprecated. Whether metrics of the decisions are kept; false if absent.
	EnableMetrics *bool `json:"enableMetrics,omitempty"`
	// Deprecated. Whether requests carry Accept: application/json; true if absent.
	IncludeAcceptHeader *bool `json:"includeAcceptHeader,omitempty"`
}
