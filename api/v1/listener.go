package v1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Values of [Listener.Type].
const (
	ListenerInternal     = "internal"
	ListenerRoute        = "route"
	ListenerTLSRoute     = "tlsroute"
	ListenerLoadBalancer = "loadbalancer"
	ListenerNodePort     = "nodeport"
	ListenerIngress      = "ingress"
	ListenerClusterIP    = "cluster-ip"
)

// Listener is a place where clients connect.
//
// +kubebuilder:validation:XValidation:rule="!(self.port in [9404, 9999])",message="port can't be 9404 or 9999, which are for metrics and Java's management extensions"
// +kubebuilder:validation:XValidation:rule="self.tls || !has(self.authentication) || self.authentication.type != 'tls'",message="authentication of type tls needs tls: true on the listener"
// +kubebuilder:validation:XValidation:rule="self.tls || !(self.type in ['route', 'tlsroute', 'ingress'])",message="a listener of type route, tlsroute or ingress needs tls: true"
type Listener struct {
	// The listener's name, which appears in the names of Services.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]{1,11}$`
	Name string `json:"name"`
	// The port in the pods and of the Services.
	// +kubebuilder:validation:Minimum=9092
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// How the listener is reached.
	// +kubebuilder:validation:Enum=internal;route;tlsroute;loadbalancer;nodeport;ingress;cluster-ip
	Type string `json:"type"`
	// Whether connections are encrypted.
	TLS bool `json:"tls"`
	// How clients prove who they are; they need not if absent.
	Authentication *ListenerAuthentication `json:"authentication,omitempty"`
	// What depends on the type.
	Configuration *ListenerConfiguration `json:"configuration,omitempty"`
	// Who may connect (NetworkPolicy); everybody if absent, nobody if empty.
	// +optional
	NetworkPolicyPeers []networkingv1.NetworkPolicyPeer `json:"networkPolicyPeers,omitzero"`
}

// ListenerAuthentication says how clients prove who they are.
type ListenerAuthentication struct {
	// tls, scram-sha-512 or custom; oauth is deprecated: custom says the same with Kafka's own settings.
	// +kubebuilder:validation:Enum=tls;scram-sha-512;oauth;custom
	Type string `json:"type"`
	// Whether SASL is used, for type custom.
	SASL *bool `json:"sasl,omitempty"`
	// Kafka's settings of the listener, for type custom.
	ListenerConfig Config `json:"listenerConfig,omitempty"`
	// Deprecated. Secrets mounted into the pods, for type custom; template.pod.volumes does it.
	Secrets []GenericSecretSource `json:"secrets,omitempty"`

	ListenerOAuth `json:",inline"`
}

// ListenerOAuth is what the authentication type oauth of v1beta2 had. All of it is deprecated.
type ListenerOAuth struct {
	// Deprecated. Whether access tokens are JSON Web Tokens; true if absent.
	AccessTokenIsJWT *bool `json:"accessTokenIsJwt,omitempty"`
	// Deprecated. Whether the token's type is checked; true if absent.
	CheckAccessTokenType *bool `json:"checkAccessTokenType,omitempty"`
	// Deprecated. Whether the token must be for the broker's client id; false if absent.
	CheckAudience *bool `json:"checkAudience,omitempty"`
	// Deprecated. Whether the token's issuer is checked; true if absent.
	CheckIssuer *bool `json:"checkIssuer,omitempty"`
	// Deprecated. The audience asked for on behalf of clients with name and password.
	ClientAudience string `json:"clientAudience,omitempty"`
	// Deprecated. The grant type used on behalf of clients with name and password.
	ClientGrantType string `json:"clientGrantType,omitempty"`
	// Deprecated. The broker's name at the authorization server.
	ClientID string `json:"clientId,omitempty"`
	// Deprecated. The scope asked for on behalf of clients with name and password.
	ClientScope string `json:"clientScope,omitempty"`
	// Deprecated. The broker's secret at the authorization server.
	ClientSecret *GenericSecretSource `json:"clientSecret,omitempty"`
	// Deprecated. Seconds to connect to the authorization server.
	ConnectTimeoutSeconds *int32 `json:"connectTimeoutSeconds,omitempty"`
	// Deprecated. A JSONPath condition on the token.
	CustomClaimCheck string `json:"customClaimCheck,omitempty"`
	// Deprecated. Whether the authorization server's certificate may be for another host; false if absent.
	DisableTLSHostnameVerification *bool `json:"disableTlsHostnameVerification,omitempty"`
	// Deprecated. Without effect: elliptic curves are always known.
	EnableECDSA *bool `json:"enableECDSA,omitempty"`
	// Deprecated. Whether metrics of the checks are kept; false if absent.
	EnableMetrics *bool `json:"enableMetrics,omitempty"`
	// Deprecated. Whether tokens are taken by SASL OAUTHBEARER; true if absent.
	EnableOAuthBearer *bool `json:"enableOauthBearer,omitempty"`
	// Deprecated. Whether names and passwords are taken by SASL PLAIN; false if absent.
	EnablePlain *bool `json:"enablePlain,omitempty"`
	// Deprecated. Whether a broker ends when it can't get the keys at its start; true if absent.
	FailFast *bool `json:"failFast,omitempty"`
	// Deprecated. The claim that is the user's name where userNameClaim is missing.
	FallbackUserNameClaim string `json:"fallbackUserNameClaim,omitempty"`
	// Deprecated. What stands before such a name.
	FallbackUserNamePrefix string `json:"fallbackUserNamePrefix,omitempty"`
	// Deprecated. A JSONPath query for the user's groups.
	GroupsClaim string `json:"groupsClaim,omitempty"`
	// Deprecated. What separates groups in one text.
	GroupsClaimDelimiter string `json:"groupsClaimDelimiter,omitempty"`
	// Deprecated. How often a failed request is tried again.
	HTTPRetries *int32 `json:"httpRetries,omitempty"`
	// Deprecated. Milliseconds between two tries.
	HTTPRetryPauseMs *int32 `json:"httpRetryPauseMs,omitempty"`
	// Deprecated. Whether requests carry Accept: application/json; true if absent.
	IncludeAcceptHeader *bool `json:"includeAcceptHeader,omitempty"`
	// Deprecated. Where opaque tokens are checked.
	IntrospectionEndpointURI string `json:"introspectionEndpointUri,omitempty"`
	// Deprecated. Where the keys are got that tokens are signed by.
	JWKSEndpointURI string `json:"jwksEndpointUri,omitempty"`
	// Deprecated. Seconds that keys are valid.
	// +kubebuilder:validation:Minimum=1
	JWKSExpirySeconds *int32 `json:"jwksExpirySeconds,omitempty"`
	// Deprecated. Whether the use of a key is not looked at; false if absent.
	JWKSIgnoreKeyUse *bool `json:"jwksIgnoreKeyUse,omitempty"`
	// Deprecated. Seconds between two requests for keys at least.
	// +kubebuilder:validation:Minimum=0
	JWKSMinRefreshPauseSeconds *int32 `json:"jwksMinRefreshPauseSeconds,omitempty"`
	// Deprecated. Seconds between two requests for keys.
	// +kubebuilder:validation:Minimum=1
	JWKSRefreshSeconds *int32 `json:"jwksRefreshSeconds,omitempty"`
	// Deprecated. Seconds after which a client must prove who it is again.
	MaxSecondsWithoutReauthentication *int32 `json:"maxSecondsWithoutReauthentication,omitempty"`
	// Deprecated. Seconds to wait for the authorization server's answer.
	ReadTimeoutSeconds *int32 `json:"readTimeoutSeconds,omitempty"`
	// Deprecated. The path of a file with the token by which the broker asks the authorization server.
	ServerBearerTokenLocation string `json:"serverBearerTokenLocation,omitempty"`
	// Deprecated. Certificates that the authorization server may show.
	TLSTrustedCertificates []CertSecretSource `json:"tlsTrustedCertificates,omitempty"`
	// Deprecated. Where tokens are asked for on behalf of clients with name and password.
	TokenEndpointURI string `json:"tokenEndpointUri,omitempty"`
	// Deprecated. Where the user's name is asked for.
	UserInfoEndpointURI string `json:"userInfoEndpointUri,omitempty"`
	// Deprecated. The claim that is the user's name; sub if absent.
	UserNameClaim string `json:"userNameClaim,omitempty"`
	// Deprecated. What stands before the user's name.
	UserNamePrefix string `json:"userNamePrefix,omitempty"`
	// Deprecated. The issuer that tokens must have.
	ValidIssuerURI string `json:"validIssuerUri,omitempty"`
	// Deprecated. The type that opaque tokens must have.
	ValidTokenType string `json:"validTokenType,omitempty"`
}

// ListenerConfiguration is what depends on the listener's type.
type ListenerConfiguration struct {
	// A certificate of one's own for the brokers, instead of those that the cluster's authority signs.
	BrokerCertChainAndKey *CertAndKeySecretSource `json:"brokerCertChainAndKey,omitempty"`
	// The class of the Ingress, or of the load balancer.
	Class string `json:"class,omitempty"`
	// For loadbalancer and nodeport: Local keeps the client's address, Cluster (if absent) spreads over all nodes.
	// +kubebuilder:validation:Enum=Local;Cluster
	ExternalTrafficPolicy corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`
	// For loadbalancer: networks that may connect, as a.b.c.d/n.
	LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges,omitempty"`
	// What clients bootstrap from.
	Bootstrap *ListenerBootstrap `json:"bootstrap,omitempty"`
	// What differs from broker to broker.
	Brokers []ListenerBroker `json:"brokers,omitempty"`
	// For internal and cluster-ip: SingleStack, PreferDualStack or RequireDualStack.
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	IPFamilyPolicy *corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`
	// IPv4 and IPv6, the first one first.
	// +kubebuilder:validation:items:Enum=IPv4;IPv6
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`
	// For loadbalancer: whether there is a Service to bootstrap from; true if absent.
	CreateBootstrapService *bool `json:"createBootstrapService,omitempty"`
	// For loadbalancer: finalizers of the Services.
	Finalizers []string `json:"finalizers,omitempty"`
	// For internal and cluster-ip: whether advertised names end in the cluster's domain; false if absent.
	UseServiceDNSDomain *bool `json:"useServiceDnsDomain,omitempty"`
	// Connections that one broker takes at most.
	MaxConnections *int32 `json:"maxConnections,omitempty"`
	// Connections that one broker takes per second at most.
	MaxConnectionCreationRate *int32 `json:"maxConnectionCreationRate,omitempty"`
	// For nodeport: which address of the node is advertised, if there is one.
	// +kubebuilder:validation:Enum=ExternalIP;ExternalDNS;InternalIP;InternalDNS;Hostname
	PreferredNodePortAddressType corev1.NodeAddressType `json:"preferredNodePortAddressType,omitempty"`
	// Whether brokers are found before they are ready; false if absent.
	PublishNotReadyAddresses *bool `json:"publishNotReadyAddresses,omitempty"`
	// For route, tlsroute and ingress: the brokers' host names; {nodeId} and {nodePodName} are replaced.
	HostTemplate string `json:"hostTemplate,omitempty"`
	// The advertised host names; {nodeId} and {nodePodName} are replaced.
	AdvertisedHostTemplate string `json:"advertisedHostTemplate,omitempty"`
	// The advertised ports: numbers and {nodeId}, joined by +, - and *.
	AdvertisedPortTemplate string `json:"advertisedPortTemplate,omitempty"`
	// For loadbalancer: whether the Services have node ports too; true if absent.
	AllocateLoadBalancerNodePorts *bool `json:"allocateLoadBalancerNodePorts,omitempty"`
	// For tlsroute: the Gateways.
	ParentRefs []GatewayParentRef `json:"parentRefs,omitempty"`
	// Labels of the brokers' objects; {nodeId} and {nodePodName} are replaced.
	PerBrokerLabelsTemplate map[string]string `json:"perBrokerLabelsTemplate,omitempty"`
	// Annotations of the brokers' objects; {nodeId} and {nodePodName} are replaced.
	PerBrokerAnnotationsTemplate map[string]string `json:"perBrokerAnnotationsTemplate,omitempty"`
}

// GatewayParentRef names a Gateway (Gateway API, ParentReference).
type GatewayParentRef struct {
	// The group of the parent's kind.
	Group string `json:"group,omitempty"`
	// The parent's kind.
	Kind string `json:"kind,omitempty"`
	// The parent's namespace.
	Namespace string `json:"namespace,omitempty"`
	// The parent's name.
	Name string `json:"name,omitempty"`
	// The section of the parent.
	SectionName string `json:"sectionName,omitempty"`
	// The port of the parent.
	Port *int32 `json:"port,omitempty"`
}

// ListenerBootstrap is what clients bootstrap from.
type ListenerBootstrap struct {
	// For route, tlsroute and ingress: the host's name.
	Host string `json:"host,omitempty"`
	// For loadbalancer: the address that is asked for.
	LoadBalancerIP string `json:"loadBalancerIP,omitempty"`
	// For nodeport and loadbalancer: the node port.
	NodePort *int32 `json:"nodePort,omitempty"`
	// More names and addresses for the brokers' certificates.
	AlternativeNames []string `json:"alternativeNames,omitempty"`
	// Annotations of the Service, Route or Ingress.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Labels of the Service, Route or Ingress.
	Labels map[string]string `json:"labels,omitempty"`
	// For nodeport: external addresses of the Service.
	ExternalIPs []string `json:"externalIPs,omitempty"`
}

// ListenerBroker is what differs from broker to broker.
type ListenerBroker struct {
	// The broker's id.
	Broker int32 `json:"broker"`
	// The advertised host.
	AdvertisedHost string `json:"advertisedHost,omitempty"`
	// The advertised port.
	AdvertisedPort *int32 `json:"advertisedPort,omitempty"`
	// For route, tlsroute and ingress: the host's name.
	Host string `json:"host,omitempty"`
	// For loadbalancer: the address that is asked for.
	LoadBalancerIP string `json:"loadBalancerIP,omitempty"`
	// For nodeport and loadbalancer: the node port.
	NodePort *int32 `json:"nodePort,omitempty"`
	// Annotations of the Service, Route or Ingress.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Labels of the Service, Route or Ingress.
	Labels map[string]string `json:"labels,omitempty"`
	// For nodeport: external addresses of the Service.
	ExternalIPs []string `json:"externalIPs,omitempty"`
}
