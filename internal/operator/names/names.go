package names

// Who writes, and who is named as the writer.
const (
	// FieldOwner is the manager of the fields that the operator applies (server-side apply).
	FieldOwner = "steg-operator"
	// ManagedBy is the value of LabelManagedBy. It is the reference operator's: selectors of its users go on matching.
	ManagedBy = "strimzi-cluster-operator"
	// Operator is the value of LabelName on the operator's own pods; the webhook leaves those alone.
	Operator = "steg-operator"
)

// Labels and annotations of the reference operator.
const (
	StrimziDomain      = "strimzi.io/"
	LabelKind          = StrimziDomain + "kind"
	LabelCluster       = StrimziDomain + "cluster"
	LabelComponent     = StrimziDomain + "name"
	LabelComponentType = StrimziDomain + "component-type"
	// LabelDiscovery marks Services for clients; the annotation of the same key describes their ports as JSON.
	LabelDiscovery      = StrimziDomain + "discovery"
	AnnotationDiscovery = LabelDiscovery
	// AnnotationPause set to "true" on a resource stops its reconciliation.
	AnnotationPause = StrimziDomain + "pause-reconciliation"
	// AnnotationAuthHash is on a pod template: it changes with the passwords and tokens that the pods read.
	AnnotationAuthHash = StrimziDomain + "auth-hash"
)

// Labels that Kubernetes recommends.
const (
	KubernetesDomain = "app.kubernetes.io/"
	LabelName        = KubernetesDomain + "name"
	LabelInstance    = KubernetesDomain + "instance"
	LabelPartOf      = KubernetesDomain + "part-of"
	LabelManagedBy   = KubernetesDomain + "managed-by"
	// AnnotationDefaultContainer is the container that kubectl means when none is named.
	AnnotationDefaultContainer = "kubectl.kubernetes.io/default-container"
)

// Labels of ours, on pods.
const (
	Domain = "steg.dev/"
	// LabelBridge asks for a sidecar; its value is the name of a KafkaBridge of the pod's namespace.
	LabelBridge = Domain + "bridge"
	// LabelUsesCluster asks for a sidecar without a KafkaBridge; its value is the name of a Kafka.
	LabelUsesCluster = Domain + "cluster"
)

// Annotations that a user sets on pods with LabelBridge.
const (
	AnnotationBridgeName    = Domain + "bridge-name"
	AnnotationPort          = Domain + "port"
	AnnotationCPURequest    = Domain + "cpu-request"
	AnnotationMemoryRequest = Domain + "memory-request"
	AnnotationCPULimit      = Domain + "cpu-limit"
	AnnotationMemoryLimit   = Domain + "memory-limit"
	AnnotationLogLevel      = Domain + "log-level"
	AnnotationNative        = Domain + "native"
	AnnotationWaitForKafka  = Domain + "wait-for-kafka"
	AnnotationKafkaReady    = Domain + "kafka-ready"
	AnnotationContainerName = Domain + "container-name"
	AnnotationSocket        = Domain + "socket"
	AnnotationJSONPatch     = Domain + "json-patch"
	// AnnotationUser, with LabelUsesCluster, is the KafkaUser that the sidecar logs in as: its name, or namespace/name.
	AnnotationUser = Domain + "user"
)

// Annotations that the operator writes on pods and pod templates.
const (
	// AnnotationInjected is "namespace/name" of the KafkaBridge that a pod's sidecar is configured from, or of the Kafka with
	// LabelUsesCluster.
	AnnotationInjected = Domain + "injected"
	// AnnotationConfigHash says which generation of settings a pod with a sidecar, or of a deployed bridge, has.
	AnnotationConfigHash = Domain + "config-hash"
)

// Annotations that a user sets on a KafkaBridge.
const (
	// AnnotationRolloutStrategy says what becomes of pods with a sidecar when the KafkaBridge changes.
	AnnotationRolloutStrategy = Domain + "rollout-strategy"
	// RolloutNone leaves the pods as they are: the default.
	RolloutNone = "None"
	// RolloutWorkload restarts them as their workload's update strategy says.
	RolloutWorkload = "Workload"
)

// KeyMirroredAuthority is the key, in the mirror of a KafkaUser's Secret, of the certificates that vouch for the brokers.
const KeyMirroredAuthority = "cluster-ca.crt"

// Ports of the bridge.
const (
	PortAPI        = 8080
	PortManagement = 8081

	// PortNameAPI and PortNameManagement are the deployed bridge's, in containers and in the Service.
	PortNameAPI        = "rest-api"
	PortNameManagement = "rest-api-mgmt"
	// PortNameSidecarManagement is the only port that a sidecar declares.
	PortNameSidecarManagement = "kafka-http-mgmt"
)

// Paths on the management port.
const (
	PathStarted    = "/started"
	PathReady      = "/ready"
	PathReadyKafka = "/ready?kafka"
	PathHealthy    = "/healthy"
	PathQuit       = "/quitquitquit"
)

// Paths in the bridge's container.
const (
	// Binary is the bridge's program.
	Binary = "/steg-bridge"
	// DirSettings is above everything that is mounted; references of config providers may not leave it.
	DirSettings = "/etc/steg"
	// DirConfig holds FileConfig in a deployed bridge.
	DirConfig = DirSettings + "/config"
	// FileConfig is the bridge's properties file, and the key of the ConfigMap that it is from.
	FileConfig = "application.properties"
	// DirTrusted has a directory 0, 1, … for each of tls.trustedCertificates.
	DirTrusted = DirSettings + "/trusted"
	// DirAuth holds what the bridge authenticates with.
	DirAuth = DirSettings + "/auth"
	// DirOAuth has a directory 0, 1, … for each of authentication.tlsTrustedCertificates.
	DirOAuth = DirSettings + "/oauth"
	// DirHTTP holds the API's own certificate and key in a deployed bridge.
	DirHTTP = DirSettings + "/http"
	// DirSocket holds Socket, in the sidecar and in the application's containers.
	DirSocket = "/run/steg"
	Socket    = DirSocket + "/bridge.sock"
)

// Volumes. Those that end in a dash are followed by a number, or by the name that the user gave a volume.
const (
	VolumePrefix  = "steg-"
	VolumeConfig  = VolumePrefix + "config"
	VolumeAuth    = VolumePrefix + "auth"
	VolumeHTTP    = VolumePrefix + "http"
	VolumeSocket  = VolumePrefix + "socket"
	VolumeTrusted = VolumePrefix + "trusted-"
	VolumeOAuth   = VolumePrefix + "oauth-"
	VolumeExtra   = VolumePrefix + "mnt-"
)

// Environment variables.
const (
	// EnvProperties holds the sidecar's settings, in the syntax of a properties file.
	EnvProperties = "STEG_PROPERTIES"
	// EnvClientRack is kafka.consumer.client.rack by the bridge's rule for variables.
	EnvClientRack = "STEG_KAFKA_CONSUMER_CLIENT_RACK"
	// EnvURL tells an application where its bridge is.
	EnvURL = "KAFKA_HTTP_URL"
	// EnvSocket tells it the path of the bridge's Unix socket, if the pod asked for one.
	EnvSocket = "KAFKA_HTTP_SOCKET"
	// EnvQuitURL is where a job ends its bridge by an empty POST, where the kubelet does not.
	EnvQuitURL = "KAFKA_HTTP_QUIT_URL"
)

// Kinds, and the components made for them.
const (
	KindKafkaBridge = "KafkaBridge"
	ComponentBridge = "kafka-bridge"
	// ContainerSidecar is a sidecar's container unless AnnotationContainerName says otherwise.
	ContainerSidecar = "steg-bridge"
)

// Aliases of config providers, which references in settings begin with.
const (
	// AliasDirectory reads files below DirSettings.
	AliasDirectory = "stegdir"
	// The reference operator declares these, and resources refer to them.
	AliasStrimziEnvironment = "strimzienv"
	AliasStrimziFile        = "strimzifile"
	AliasStrimziDirectory   = "strimzidir"
	AliasStrimziSecrets     = "strimzisecrets"
)

// Paths of the operator's webhook server.
const (
	WebhookPodsBridge          = "/mutate/pods/bridge"
	WebhookValidateKafkaBridge = "/validate/kafkabridge"
	WebhookConvert             = "/convert"
)
