package names

// What belongs to KafkaTopics. The first two marks are the reference operator's.
const (
	KindKafkaTopic = "KafkaTopic"
	// AnnotationManaged set to "false" on a KafkaTopic leaves the topic alone, also when the resource is deleted.
	AnnotationManaged = StrimziDomain + "managed"
	// FinalizerTopic keeps a deleted KafkaTopic until its topic is gone.
	FinalizerTopic = StrimziDomain + "topic-operator"
	// AnnotationAgreed on a KafkaTopic holds what it and its topic last agreed on, in the bidirectional mode.
	AnnotationAgreed = Domain + "agreed"
)
