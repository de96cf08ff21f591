package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// MetadataTemplate is what can be added to the metadata of an object that the operator makes.
type MetadataTemplate struct {
	// Labels that are added.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations that are added.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ResourceTemplate changes an object of which only the metadata can be changed.
type ResourceTemplate struct {
	// Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
}

// Values of [DeploymentTemplate.DeploymentStrategy].
const (
	StrategyRollingUpdate = "RollingUpdate"
	StrategyRecreate      = "Recreate"
)

// DeploymentTemplate changes a Deployment.
type DeploymentTemplate struct {
	// Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
	// RollingUpdate (if absent) or Recreate.
	// +kubebuilder:validation:Enum=RollingUpdate;Recreate
	DeploymentStrategy string `json:"deploymentStrategy,omitempty"`
}

// InternalServiceTemplate changes a Service that is reached from within the cluster.
type InternalServiceTemplate struct {
	// Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
	// SingleStack, PreferDualStack or RequireDualStack.
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	IPFamilyPolicy *corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`
	// IPv4 and IPv6, the first one first.
	// +kubebuilder:validation:items:Enum=IPv4;IPv6
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`
}

// PodDisruptionBudgetTemplate changes a PodDisruptionBudget.
type PodDisruptionBudgetTemplate struct {
	// Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
	// How many pods may be away at once; 1 if absent.
	// +kubebuilder:validation:Minimum=0
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty"`
}

// ContainerTemplate changes a container.
type ContainerTemplate struct {
	// Variables that are added; those of the operator win.
	Env []ContainerEnvVar `json:"env,omitempty"`
	// The container's security context.
	SecurityContext *corev1.SecurityContext `json:"securityContext,omitempty"`
	// Where volumes of template.pod.volumes are mounted; the path must be below /mnt.
	VolumeMounts []corev1.VolumeMount `json:"volumeMounts,omitempty"`
}

// ContainerEnvVar is a variable of a container.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.value) && has(self.valueFrom))",message="an environment variable has either value or valueFrom, not both"
type ContainerEnvVar struct {
	// The variable's name.
	Name string `json:"name,omitempty"`
	// The variable's value.
	Value string `json:"value,omitempty"`
	// Where the value is read.
	ValueFrom *ContainerEnvVarSource `json:"valueFrom,omitempty"`
}

// ContainerEnvVarSource is where the value of a variable is read.
//
// +kubebuilder:validation:XValidation:rule="has(self.secretKeyRef) != has(self.configMapKeyRef)",message="valueFrom has either secretKeyRef or configMapKeyRef"
type ContainerEnvVarSource struct {
	// A key of a Secret.
	SecretKeyRef *corev1.SecretKeySelector `json:"secretKeyRef,omitempty"`
	// A key of a ConfigMap.
	ConfigMapKeyRef *corev1.ConfigMapKeySelector `json:"configMapKeyRef,omitempty"`
}

// PodTemplate changes the pods.
type PodTemplate struct {
	// Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
	// Secrets by which images are pulled; instead of the operator's own setting.
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	// The pods' security context.
	SecurityContext *corev1.PodSecurityContext `json:"securityContext,omitempty"`
	// Seconds from the request to stop to the kill; 30 if absent.
	// +kubebuilder:validation:Minimum=0
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// Where pods may run, and beside which others.
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// Taints that are tolerated.
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// How pods are spread over zones and nodes.
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// The pods' priority class.
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// The scheduler that places the pods.
	SchedulerName string `json:"schedulerName,omitempty"`
	// Lines of /etc/hosts.
	HostAliases []corev1.HostAlias `json:"hostAliases,omitempty"`
	// Whether the pods share the user namespace of the host, as Kubernetes does if absent; false gives each pod its own.
	HostUsers *bool `json:"hostUsers,omitempty"`
	// How names are resolved.
	// +kubebuilder:validation:Enum=ClusterFirst;ClusterFirstWithHostNet;Default;None
	DNSPolicy corev1.DNSPolicy `json:"dnsPolicy,omitempty"`
	// Name servers, search domains and options of the resolver.
	DNSConfig *corev1.PodDNSConfig `json:"dnsConfig,omitempty"`
	// Whether the containers get a variable per Service of the namespace.
	EnableServiceLinks *bool `json:"enableServiceLinks,omitempty"`
	// The size of /tmp, which is in memory; 5Mi if absent.
	TmpDirSizeLimit *resource.Quantity `json:"tmpDirSizeLimit,omitempty"`
	// Volumes that containers can mount by volumeMounts, 256 at most (the API server bounds what rules may cost).
	// +kubebuilder:validation:MaxItems=256
	Volumes []AdditionalVolume `json:"volumes,omitempty"`
}

// AdditionalVolume is a volume that containers can mount below /mnt.
//
// +kubebuilder:validation:XValidation:rule="[has(self.secret), has(self.configMap), has(self.emptyDir), has(self.persistentVolumeClaim), has(self.csi), has(self.image)].exists_one(x, x)",message="a volume has exactly one of secret, configMap, emptyDir, persistentVolumeClaim, csi and image"
type AdditionalVolume struct {
	// The name that volumeMounts uses.
	Name string `json:"name"`
	// Keys of a Secret as files.
	Secret *corev1.SecretVolumeSource `json:"secret,omitempty"`
	// Keys of a ConfigMap as files.
	ConfigMap *corev1.ConfigMapVolumeSource `json:"configMap,omitempty"`
	// An empty directory that lives as long as the pod.
	EmptyDir *corev1.EmptyDirVolumeSource `json:"emptyDir,omitempty"`
	// A persistent volume claim.
	PersistentVolumeClaim *corev1.PersistentVolumeClaimVolumeSource `json:"persistentVolumeClaim,omitempty"`
	// A volume of a CSI driver that lives as long as the pod.
	CSI *corev1.CSIVolumeSource `json:"csi,omitempty"`
	// The files of an OCI image.
	Image *corev1.ImageVolumeSource `json:"image,omitempty"`
}

// KafkaPodTemplate changes the pods of Kafka.
type KafkaPodTemplate struct {
	PodTemplate `json:",inline"`

	// Volumes that differ from node to node, 256 at most: {nodeId} and {nodePodName} are replaced in their names.
	// +kubebuilder:validation:MaxItems=256
	TemplatedVolumes []TemplatedVolume `json:"templatedVolumes,omitempty"`
}

// TemplatedVolume is a volume that differs from node to node.
//
// +kubebuilder:validation:XValidation:rule="[has(self.secret), has(self.configMap), has(self.persistentVolumeClaim)].exists_one(x, x)",message="a templated volume has exactly one of secret, configMap and persistentVolumeClaim"
type TemplatedVolume struct {
	// The name that volumeMounts uses.
	Name string `json:"name"`
	// Keys of a Secret as files.
	Secret *corev1.SecretVolumeSource `json:"secret,omitempty"`
	// Keys of a ConfigMap as files.
	ConfigMap *corev1.ConfigMapVolumeSource `json:"configMap,omitempty"`
	// A persistent volume claim.
	PersistentVolumeClaim *corev1.PersistentVolumeClaimVolumeSource `json:"persistentVolumeClaim,omitempty"`
}

// StatefulSetTemplate changed a StatefulSet.
type StatefulSetTemplate struct {
	// Deprecated. Labels and annotations.
	Metadata *MetadataTemplate `json:"metadata,omitempty"`
	// Deprecated. OrderedReady or Parallel.
	// +kubebuilder:validation:Enum=OrderedReady;Parallel
	PodManagementPolicy string `json:"podManagementPolicy,omitempty"`
}
