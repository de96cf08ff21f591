package v1beta1

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// GroupVersion is the group and the version of the kinds in this package.
var GroupVersion = schema.GroupVersion{Group: v1.Group, Version: "v1beta1"}

// AddToScheme makes the kinds of this package known to s. It returns no error today; the signature is the one that
// controller-runtime and client-go expect.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&KafkaTopic{}, &KafkaTopicList{},
		&KafkaUser{}, &KafkaUserList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

func meta(version schema.GroupVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: version.String(), Kind: kind}
}

func unexpected(hub conversion.Hub) error {
	return fmt.Errorf("conversion between versions of one kind only: got %T", hub)
}
