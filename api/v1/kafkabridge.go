package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KafkaBridge says how programs that only speak HTTP reach a Kafka cluster: by a bridge of their own in the pod (label
// steg.dev/bridge on the pod), and by the bridges that the operator deploys for this resource behind one Service.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
// +kubebuilder:resource:path=kafkabridges,shortName=kb,categories=strimzi
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.labelSelector
// +kubebuilder:printcolumn:name="Desired replicas",type=integer,JSONPath=`.spec.replicas`,description="How many bridges are wanted"
// +kubebuilder:printcolumn:name="Bootstrap Servers",type=string,JSONPath=`.spec.bootstrapServers`,description="Where the Kafka cluster is reached",priority=1
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether everything is as wanted"
type KafkaBridge struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is wanted.
	Spec KafkaBridgeSpec `json:"spec"`
	// What is.
	Status KafkaBridgeStatus `json:"status,omitempty"`
}

// KafkaBridgeList is a list of bridges.
//
// +kubebuilder:object:root=true
type KafkaBridgeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KafkaBridge `json:"items"`
}

// Hub marks this version as the one that the others convert to.
func (*KafkaBridge) Hub() {}

// KafkaBridgeSpec is what is wanted of a bridge.
type KafkaBridgeSpec struct {
	// How many bridges the operator deploys; 0 keeps the objects and serves sidecars only.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:default=1
	Replicas *int32 `json:"replicas,omitempty"`
	// Brokers to begin with: host:port, separated by commas.
	// +kubebuilder:validation:MinLength=1
	BootstrapServers string `json:"bootstrapServers"`
	// The image of the deployed bridges and of the sidecars; the operator's own setting if absent.
	Image string `json:"image,omitempty"`
	// TLS towards Kafka; absent means plain text.
	TLS *ClientTLS `json:"tls,omitempty"`
	// Who the bridge is towards Kafka; absent means nobody.
	Authentication *ClientAuthentication `json:"authentication,omitempty"`
	// The HTTP side.
	HTTP *BridgeHTTP `json:"http,omitempty"`
	// Settings of the client that manages topics.
	AdminClient *BridgeAdminClient `json:"adminClient,omitempty"`
	// Settings of the consumers.
	Consumer *BridgeConsumer `json:"consumer,omitempty"`
	// Settings of the producer.
	Producer *BridgeProducer `json:"producer,omitempty"`
	// Settings of the bridge itself, by the names of its properties file. Those that other fields stand for can't be set here:
	// kafka.…, http.…, bridge.metrics.…, bridge.id, bridge.metrics and bridge.tracing.
	Config Config `json:"config,omitempty"`
	// CPU and memory of the bridge's container.
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Accepted and without effect: the bridge is no Java program.
	JvmOptions *JvmOptions `json:"jvmOptions,omitempty"`
	// Levels of the bridge's loggers.
	Logging *Logging `json:"logging,omitempty"`
	// The image of the init container that finds the node's rack; the operator's own setting if absent.
	ClientRackInitImage string `json:"clientRackInitImage,omitempty"`
	// Where the bridge learns its rack, so that consumers read from the nearest replica.
	Rack *Rack `json:"rack,omitempty"`
	// Deprecated. Whether the bridge has metrics; metricsConfig says more.
	EnableMetrics *bool `json:"enableMetrics,omitempty"`
	// The bridge's metrics.
	MetricsConfig *MetricsConfig `json:"metricsConfig,omitempty"`
	// When the bridge counts as alive.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// When the bridge counts as ready.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// Changes to the objects that the operator makes.
	Template *BridgeTemplate `json:"template,omitempty"`
	// Traces of requests.
	Tracing *Tracing `json:"tracing,omitempty"`
}

// BridgeHTTP is the side of the bridge that applications see.
type BridgeHTTP struct {
	// The port of the API; 8080 if absent. A sidecar moves away from a port that the pod uses.
	// +kubebuilder:validation:Minimum=1023
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// HTTPS instead of HTTP, for the deployed bridges.
	TLS *BridgeHTTPTLS `json:"tls,omitempty"`
	// Which pages of other origins may call the API.
	CORS *BridgeCORS `json:"cors,omitempty"`
}

// BridgeHTTPTLS is the certificate of the API.
type BridgeHTTPTLS struct {
	// The certificate and its key.
	CertificateAndKey CertAndKeySecretSource `json:"certificateAndKey"`
	// Settings of the HTTPS side: ssl.enabled.protocols and ssl.enabled.cipher.suites.
	Config Config `json:"config,omitempty"`
}

// BridgeCORS is the cross-origin policy of the API (Fetch standard).
type BridgeCORS struct {
	// Origins that may call, or regular expressions for them.
	AllowedOrigins []string `json:"allowedOrigins"`
	// Methods that they may use.
	AllowedMethods []string `json:"allowedMethods"`
}

// BridgeAdminClient are settings of the client that manages topics.
type BridgeAdminClient struct {
	// Kafka's settings of admin clients.
	Config Config `json:"config,omitempty"`
}

// BridgeConsumer are settings of the consumers.
type BridgeConsumer struct {
	// Whether consumers can be created; true if absent.
	Enabled *bool `json:"enabled,omitempty"`
	// Seconds without a request after which a consumer is closed; -1 for never. If absent: never for the deployed bridges, 60
	// for sidecars.
	TimeoutSeconds *int64 `json:"timeoutSeconds,omitempty"`
	// Kafka's settings of consumers.
	Config Config `json:"config,omitempty"`
}

// BridgeProducer are settings of the producer.
type BridgeProducer struct {
	// Whether records can be sent; true if absent.
	Enabled *bool `json:"enabled,omitempty"`
	// Kafka's settings of producers.
	Config Config `json:"config,omitempty"`
}

// BridgeTemplate changes the objects of a bridge.
type BridgeTemplate struct {
	// The Deployment.
	Deployment *DeploymentTemplate `json:"deployment,omitempty"`
	// The pods.
	Pod *PodTemplate `json:"pod,omitempty"`
	// The Service.
	APIService *InternalServiceTemplate `json:"apiService,omitempty"`
	// The PodDisruptionBudget.
	PodDisruptionBudget *PodDisruptionBudgetTemplate `json:"podDisruptionBudget,omitempty"`
	// The bridge's container; its env is that of sidecars too.
	BridgeContainer *ContainerTemplate `json:"bridgeContainer,omitempty"`
	// The ClusterRoleBinding by which the init container reads its node.
	ClusterRoleBinding *ResourceTemplate `json:"clusterRoleBinding,omitempty"`
	// The ServiceAccount.
	ServiceAccount *ResourceTemplate `json:"serviceAccount,omitempty"`
	// The init container that finds the rack.
	InitContainer *ContainerTemplate `json:"initContainer,omitempty"`
}

// KafkaBridgeStatus is what is.
type KafkaBridgeStatus struct {
	Status `json:",inline"`

	// Where the deployed bridges are reached within the cluster.
	URL string `json:"url,omitempty"`
	// How many bridges there are.
	Replicas int32 `json:"replicas,omitempty"`
	// The labels by which the pods are found, for the scale subresource.
	LabelSelector string `json:"labelSelector,omitempty"`
}
