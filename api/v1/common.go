package v1

import (
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Types of conditions. The reference operator reports a failure as NotReady=True, not as Ready=False, and scripts depend on it.
const (
	ConditionReady                = "Ready"
	ConditionNotReady             = "NotReady"
	ConditionWarning              = "Warning"
	ConditionReconciliationPaused = "ReconciliationPaused"
)

// Reasons of Warning conditions that every kind can have.
const (
	ReasonUnknownFields     = "UnknownFields"
	ReasonDeprecatedFields  = "DeprecatedFields"
	ReasonDeprecatedObjects = "DeprecatedObjects"
)

// Condition is one finding about the resource, in the reference operator's shape: all strings, none required.
type Condition struct {
	// Ready, NotReady, Warning or ReconciliationPaused.
	Type string `json:"type,omitempty"`
	// True, False or Unknown.
	Status string `json:"status,omitempty"`
	// When the rest of the condition changed last: RFC 3339, UTC.
	LastTransitionTime string `json:"lastTransitionTime,omitempty"`
	// One word for programs.
	Reason string `json:"reason,omitempty"`
	// One line for people.
	Message string `json:"message,omitempty"`
}

// Status is what the status of every kind begins with.
type Status struct {
	// What is known about the resource; Ready=True when it is as wanted.
	Conditions []Condition `json:"conditions,omitempty"`
	// The metadata.generation that the conditions speak about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// Config is a free-form map of settings: a value may be any JSON, since people write numbers and booleans without quotes.
type Config map[string]apiextensionsv1.JSON

// CertSecretSource names certificates in a Secret of the resource's namespace.
//
// +kubebuilder:validation:XValidation:rule="has(self.certificate) != has(self.pattern)",message="set either certificate (one key of the Secret) or pattern (a glob over its keys, such as *.crt), not both and not neither"
type CertSecretSource struct {
	// The name of the Secret.
	SecretName string `json:"secretName"`
	// The key that holds PEM certificates.
	Certificate string `json:"certificate,omitempty"`
	// A glob over the keys: each match holds PEM certificates.
	Pattern string `json:"pattern,omitempty"`
}

// CertAndKeySecretSource names a certificate and its private key in a Secret.
type CertAndKeySecretSource struct {
	// The name of the Secret.
	SecretName string `json:"secretName"`
	// The key that holds the certificate chain, PEM.
	Certificate string `json:"certificate"`
	// The key that holds the private key, PEM.
	Key string `json:"key"`
}

// PasswordSecretSource names a password in a Secret.
type PasswordSecretSource struct {
	// The name of the Secret.
	SecretName string `json:"secretName"`
	// The key that holds the password.
	Password string `json:"password"`
}

// GenericSecretSource names one value in a Secret.
type GenericSecretSource struct {
	// The name of the Secret.
	SecretName string `json:"secretName"`
	// The key that holds the value.
	Key string `json:"key"`
}

// ClientTLS says which certificates the Kafka brokers may show.
type ClientTLS struct {
	// Certificates that are trusted; none means the system's certificate authorities.
	TrustedCertificates []CertSecretSource `json:"trustedCertificates,omitempty"`
}

// Probe is the part of a container's probe that can be changed.
type Probe struct {
	// Seconds from the start of the container to the first probe.
	// +kubebuilder:validation:Minimum=0
	InitialDelaySeconds *int32 `json:"initialDelaySeconds,omitempty"`
	// Seconds that one probe may take.
	// +kubebuilder:validation:Minimum=1
	TimeoutSeconds *int32 `json:"timeoutSeconds,omitempty"`
	// Seconds between two probes.
	// +kubebuilder:validation:Minimum=1
	PeriodSeconds *int32 `json:"periodSeconds,omitempty"`
	// How many probes in a row must pass after a failed one.
	// +kubebuilder:validation:Minimum=1
	SuccessThreshold *int32 `json:"successThreshold,omitempty"`
	// How many probes in a row must fail.
	// +kubebuilder:validation:Minimum=1
	FailureThreshold *int32 `json:"failureThreshold,omitempty"`
}

// JvmOptions are settings of a Java virtual machine. They have an effect only where one runs, that is in the broker pods.
type JvmOptions struct {
	// Options of the form -XX:name=value; true and false become -XX:+name and -XX:-name.
	XX Config `json:"-XX,omitempty"`
	// The largest heap: a number with m or g for MiB or GiB, without a letter for bytes.
	// +kubebuilder:validation:Pattern=`^[0-9]+[mMgG]?$`
	Xmx string `json:"-Xmx,omitempty"`
	// The heap at start, as -Xmx.
	// +kubebuilder:validation:Pattern=`^[0-9]+[mMgG]?$`
	Xms string `json:"-Xms,omitempty"`
	// Whether the garbage collector writes a log.
	GCLoggingEnabled *bool `json:"gcLoggingEnabled,omitempty"`
	// Properties given as -Dname=value.
	JavaSystemProperties []SystemProperty `json:"javaSystemProperties,omitempty"`
}

// SystemProperty is one -Dname=value of a Java virtual machine.
type SystemProperty struct {
	// The property's name.
	Name string `json:"name,omitempty"`
	// The property's value.
	Value string `json:"value,omitempty"`
}

// Values of [Logging.Type].
const (
	LoggingInline   = "inline"
	LoggingExternal = "external"
)

// Logging says where the levels of the loggers are written.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'external' || has(self.valueFrom)",message="logging of type external needs valueFrom.configMapKeyRef (name and key of a ConfigMap)"
type Logging struct {
	// inline: in loggers; external: in a ConfigMap.
	// +kubebuilder:validation:Enum=inline;external
	Type string `json:"type"`
	// Logger names and their levels, for type inline.
	Loggers Config `json:"loggers,omitempty"`
	// The ConfigMap's key, for type external.
	ValueFrom *ExternalConfiguration `json:"valueFrom,omitempty"`
}

// ExternalConfiguration points at a key of a ConfigMap in the resource's namespace.
type ExternalConfiguration struct {
	// The ConfigMap and its key.
	ConfigMapKeyRef *corev1.ConfigMapKeySelector `json:"configMapKeyRef,omitempty"`
}

// Values of [MetricsConfig.Type].
const (
	MetricsJMXPrometheusExporter  = "jmxPrometheusExporter"
	MetricsStrimziMetricsReporter = "strimziMetricsReporter"
)

// MetricsConfig switches the metrics on and says which ones there are.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'jmxPrometheusExporter' || has(self.valueFrom)",message="metrics of type jmxPrometheusExporter need valueFrom.configMapKeyRef (name and key of a ConfigMap with the rules)"
type MetricsConfig struct {
	// jmxPrometheusExporter: rules in a ConfigMap; strimziMetricsReporter: a list of allowed names.
	// +kubebuilder:validation:Enum=jmxPrometheusExporter;strimziMetricsReporter
	Type string `json:"type"`
	// The ConfigMap's key that holds the exporter's rules.
	ValueFrom *ExternalConfiguration `json:"valueFrom,omitempty"`
	// The reporter's settings.
	Values *MetricsReporterValues `json:"values,omitempty"`
}

// MetricsReporterValues are the settings of the metrics type strimziMetricsReporter.
type MetricsReporterValues struct {
	// Regular expressions of metric names; a metric that matches none is not exported.
	AllowList []string `json:"allowList,omitempty"`
}

// Values of [Rack.Type].
const (
	RackTopologyLabel       = "topology-label"
	RackEnvironmentVariable = "environment-variable"
)

// Rack says where a pod learns its rack (Kafka's client.rack and broker.rack).
//
// +kubebuilder:validation:XValidation:rule="(has(self.type) && self.type != 'topology-label') || (has(self.topologyKey) && size(self.topologyKey) > 0)",message="a rack of type topology-label needs topologyKey, the label of the nodes, such as topology.kubernetes.io/zone"
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'environment-variable' || (has(self.envVarName) && size(self.envVarName) > 0)",message="a rack of type environment-variable needs envVarName, the variable in the container that holds the rack"
type Rack struct {
	// topology-label (if absent): a label of the node; environment-variable: a variable of the container.
	// +kubebuilder:validation:Enum=topology-label;environment-variable
	Type string `json:"type,omitempty"`
	// The node's label, for type topology-label.
	TopologyKey string `json:"topologyKey,omitempty"`
	// The variable's name, for type environment-variable.
	EnvVarName string `json:"envVarName,omitempty"`
}

// Values of [Tracing.Type].
const (
	TracingOpenTelemetry = "opentelemetry"
	TracingJaeger        = "jaeger"
)

// Tracing says whether traces are sent; where to is said by the OTEL_… variables in template.bridgeContainer.env.
type Tracing struct {
	// opentelemetry; jaeger is deprecated and has no effect, since OpenTracing is gone.
	// +kubebuilder:validation:Enum=opentelemetry;jaeger
	Type string `json:"type"`
}
