package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of the kinds in this package.
const Group = "kafka.strimzi.io"

// GroupVersion is the group and the version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: Group, Version: "v1"}

// AddToScheme makes the kinds of this package known to s. It returns no error today; the signature is the one that
// controller-runtime and client-go expect.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Kafka{}, &KafkaList{},
		&KafkaBridge{}, &KafkaBridgeList{},
		&KafkaNodePool{}, &KafkaNodePoolList{},
		&KafkaTopic{}, &KafkaTopicList{},
		&KafkaUser{}, &KafkaUserList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
