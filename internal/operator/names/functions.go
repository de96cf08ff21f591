package names

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// labelLimit is the longest value of a label and the longest DNS label: names of Services, containers and volumes.
	labelLimit = 63
	// nameLimit is the longest name of any other object (a DNS subdomain).
	nameLimit = 253
	// deploymentLimit leaves room for what a Deployment adds to the names of its ReplicaSets.
	deploymentLimit = nameLimit - 11
)

// BridgeDeployment is the name of a bridge's Deployment, of its PodDisruptionBudget and of its NetworkPolicy.
func BridgeDeployment(bridge string) string { return bounded(bridge+"-bridge", deploymentLimit) }

// BridgeContainer is the name of the container of a deployed bridge.
func BridgeContainer(bridge string) string { return dnsLabel(bridge + "-bridge") }

// BridgeService is the name of a bridge's Service.
func BridgeService(bridge string) string { return dnsLabel(bridge + "-bridge-service") }

// BridgeConfigMap is the name of the ConfigMap with a bridge's properties file.
func BridgeConfigMap(bridge string) string { return bounded(bridge+"-bridge-config", nameLimit) }

// BridgeServiceAccount is the name of a bridge's ServiceAccount.
func BridgeServiceAccount(bridge string) string { return bounded(bridge+"-bridge", nameLimit) }

// SidecarVolume is the name, in a pod with a sidecar, of a volume that a KafkaBridge's template adds.
func SidecarVolume(volume string) string { return dnsLabel(VolumeExtra + volume) }

// Labels returns the labels of an object that the operator makes for a resource: its kind and name, the component (such as
// my-bridge-bridge) and the component's type (such as kafka-bridge). The map is the caller's.
func Labels(kind, cluster, component, componentType string) map[string]string {
	labels := Selector(kind, cluster, component)
	labels[LabelComponentType] = componentType
	labels[LabelName] = componentType
	labels[LabelInstance] = LabelValue(cluster)
	labels[LabelPartOf] = LabelValue("strimzi-" + cluster)
	labels[LabelManagedBy] = ManagedBy
	return labels
}

// Selector returns those of the labels by which a component's pods are found. The map is the caller's.
func Selector(kind, cluster, component string) map[string]string {
	return map[string]string{LabelKind: kind, LabelCluster: LabelValue(cluster), LabelComponent: LabelValue(component)}
}

// LabelValue returns a name of a resource as the value of a label: itself, or if it is too long a shortened one that no
// other name has.
func LabelValue(name string) string { return bounded(name, labelLimit) }

// dnsLabel returns a name as a DNS label, which has no dots: itself, or one that no other name has.
func dnsLabel(name string) string {
	if !strings.Contains(name, ".") {
		return bounded(name, labelLimit)
	}
	return marked(strings.ReplaceAll(name, ".", "-"), name, labelLimit)
}

// bounded returns a name of at most limit bytes: itself, or its beginning and a mark of the whole.
func bounded(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return marked(name, name, limit)
}

// marked cuts text so that a mark of the whole name fits behind it. Two names get the same mark once in 2^32 pairs.
func marked(text, whole string, limit int) string {
	sum := sha256.Sum256([]byte(whole))
	mark := "-" + hex.EncodeToString(sum[:4])
	if keep := limit - len(mark); len(text) > keep {
		text = text[:keep]
	}
	return strings.TrimRight(text, "-._") + mark
}
