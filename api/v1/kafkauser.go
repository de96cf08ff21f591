package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// KafkaUser is a user of the Kafka cluster that the label strimzi.io/cluster names: who they are, what they may do, and how much.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:path=kafkausers,shortName=ku,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.metadata.labels.strimzi\.io/cluster`,description="The Kafka cluster"
// +kubebuilder:printcolumn:name="Authentication",type=string,JSONPath=`.spec.authentication.type`,description="How the user proves who they are"
// +kubebuilder:printcolumn:name="Authorization",type=string,JSONPath=`.spec.authorization.type`,description="How it is said what the user may do"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaUser struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec KafkaUserSpec `json:"spec"`
	// What is.
	Status KafkaUserStatus `json:"status,omitempty"`
}

// KafkaUserList is a list of users.
//
// +kubebuilder:object:root=true
type KafkaUserList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaUser `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*KafkaUser) Hub() {}

// KafkaUserSpec is what is wanted of a user.
type KafkaUserSpec struct {
	// How the user proves who they are; no credentials are made if absent.
	Authentication *KafkaUserAuthentication `json:"authentication,omitempty"`
	// What the user may do; nothing is said if absent.
	Authorization *KafkaUserAuthorization `json:"authorization,omitempty"`
	// How much the user may do.
	Quotas *KafkaUserQuotas `json:"quotas,omitempty"`
	// Changes to the Secret.
	Template *KafkaUserTemplate `json:"template,omitempty"`
}

// AuthenticationTLSExternal is the authentication of a user whose certificate somebody else signs.
const AuthenticationTLSExternal = "tls-external"

// KafkaUserAuthentication says how the user proves who they are.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'tls' || (!has(self.validityDays) && !has(self.renewalDays))",message="validityDays and renewalDays are for authentication of type tls only"
// +kubebuilder:validation:XValidation:rule="has(self.validityDays) == has(self.renewalDays)",message="set both validityDays and renewalDays, or neither"
// +kubebuilder:validation:XValidation:rule="!has(self.validityDays) || !has(self.renewalDays) || self.renewalDays < self.validityDays",message="renewalDays must be smaller than validityDays"
type KafkaUserAuthentication struct {
	// tls: a certificate that the operator makes; tls-external: one that somebody else makes; scram-sha-512: a password.
	// +kubebuilder:validation:Enum=tls;tls-external;scram-sha-512
	Type string `json:"type"`
	// For scram-sha-512: where the password is read; it is made up if absent.
	Password *UserPassword `json:"password,omitempty"`
	// For tls: days that the certificate is valid; those of the clients' authority if absent.
	// +kubebuilder:validation:Minimum=1
	ValidityDays *int32 `json:"validityDays,omitempty"`
	// For tls: days before its end that the certificate is renewed; those of the clients' authority if absent.
	// +kubebuilder:validation:Minimum=1
	RenewalDays *int32 `json:"renewalDays,omitempty"`
}

// UserPassword is where a password is read.
type UserPassword struct {
	// The place.
	ValueFrom SecretKeySource `json:"valueFrom"`
}

// KafkaUserAuthorization says what the user may do.
type KafkaUserAuthorization struct {
	// simple: Kafka's own access control lists.
	// +kubebuilder:validation:Enum=simple
	Type string `json:"type"`
	// What the user may do.
	ACLs []ACLRule `json:"acls"`
}

// ACLRule allows or denies operations on a resource.
//
// +kubebuilder:validation:XValidation:rule="has(self.operation) || has(self.operations)",message="a rule needs operations, a list such as [Read, Describe]"
type ACLRule struct {
	// allow (if absent) or deny.
	// +kubebuilder:validation:Enum=allow;deny
	Type string `json:"type,omitempty"`
	// What the rule is about.
	Resource ACLResource `json:"resource"`
	// The host that the user must come from; any if absent or *.
	Host string `json:"host,omitempty"`
	// Deprecated. One operation; operations says several.
	// +kubebuilder:validation:Enum=Read;Write;Create;Delete;Alter;Describe;ClusterAction;AlterConfigs;DescribeConfigs;IdempotentWrite;All
	Operation string `json:"operation,omitempty"`
	// The operations.
	// +kubebuilder:validation:items:Enum=Read;Write;Create;Delete;Alter;Describe;ClusterAction;AlterConfigs;DescribeConfigs;IdempotentWrite;All
	Operations []string `json:"operations,omitempty"`
}

// ACLResource is what a rule is about.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'cluster' || has(self.name)",message="a resource of type topic, group or transactionalId needs name, which may be *"
type ACLResource struct {
	// topic, group, cluster or transactionalId.
	// +kubebuilder:validation:Enum=topic;group;cluster;transactionalId
	Type string `json:"type"`
	// The resource's name, or what it begins with.
	Name string `json:"name,omitempty"`
	// literal (if absent): name is the name; prefix: name is what it begins with.
	// +kubebuilder:validation:Enum=literal;prefix
	PatternType string `json:"patternType,omitempty"`
}

// KafkaUserQuotas is how much the user may do, counted by each broker for itself.
type KafkaUserQuotas struct {
	// Bytes that a client may send per second.
	// +kubebuilder:validation:Minimum=0
	ProducerByteRate *int64 `json:"producerByteRate,omitempty"`
	// Bytes that a client may fetch per second.
	// +kubebuilder:validation:Minimum=0
	ConsumerByteRate *int64 `json:"consumerByteRate,omitempty"`
	// Percent of the time of the request and network threads that a client may use.
	// +kubebuilder:validation:Minimum=0
	RequestPercentage *int32 `json:"requestPercentage,omitempty"`
	// Changes of partitions that a client may make per second.
	// +kubebuilder:validation:Minimum=0
	ControllerMutationRate *float64 `json:"controllerMutationRate,omitempty"`
}

// KafkaUserTemplate changes the objects of a user.
type KafkaUserTemplate struct {
	// The Secret with the credentials.
	Secret *ResourceTemplate `json:"secret,omitempty"`
}

// KafkaUserStatus is what is.
type KafkaUserStatus struct {
	Status `json:",inline"`

	// The user's name towards Kafka.
	Username string `json:"username,omitempty"`
	// The Secret with the credentials.
	Secret string `json:"secret,omitempty"`
}
