package names

// What belongs to KafkaUsers.
const (
	KindKafkaUser = "KafkaUser"
	// ManagedByUsers is the value of LabelManagedBy on what is made for a KafkaUser. It is the reference operator's.
	ManagedByUsers = "strimzi-user-operator"
	// AnnotationAllowedNamespaces on a KafkaUser lists the namespaces whose pods may use it besides its own: names with
	// commas, or * for all. Its Secret is mirrored there.
	AnnotationAllowedNamespaces = Domain + "allowed-namespaces"
	// AnnotationMirrorOf is on a mirrored Secret, and on the ConfigMap of its name that says so: "namespace/name" of the
	// KafkaUser whose Secret it repeats.
	AnnotationMirrorOf = Domain + "mirror-of"
	// LabelMirror, with the value "true", is on the same objects.
	LabelMirror = Domain + "mirror"
	// AnnotationForceRenew set to "true" on a KafkaUser's Secret asks for a new certificate.
	AnnotationForceRenew = StrimziDomain + "force-renew"
)

// KafkaUserLedger is the name of the ConfigMap that lists the users which the operator may touch in a cluster. It stands in
// the namespace of the Kafka resource and belongs to it.
func KafkaUserLedger(cluster string) string { return bounded(cluster+"-kafka-users", nameLimit) }

// KafkaUserMirror is the name, in another namespace, of the mirror of a KafkaUser's Secret that stands in a namespace under a
// name. Two users never share one.
func KafkaUserMirror(namespace, secret string) string {
	return marked(secret+"."+namespace, namespace+"/"+secret, nameLimit)
}
