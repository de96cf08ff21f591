package main

import (
	"reflect"

	corev1 "github.com/steg-kafka/steg/api/core/v1"
	corev1beta2 "github.com/steg-kafka/steg/api/core/v1beta2"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1alpha1"
	"github.com/steg-kafka/steg/api/v1beta1"
	"github.com/steg-kafka/steg/api/v1beta2"
)

// deepCopies is the name that controller-gen gives to its file in each package.
const deepCopies = "zz_generated.deepcopy.go"

// definitions is where the generated files go.
const definitions = "charts/steg-operator/files/crds"

// packages are those with types of custom resources.
var packages = []string{"api/v1", "api/v1beta2", "api/v1beta1", "api/v1alpha1", "api/core/v1", "api/core/v1beta2"}

// kind is one custom resource definition.
type kind struct {
	group, plural string
	versions      map[string]reflect.Type
}

var kinds = []kind{
	{v1.Group, "kafkabridges", map[string]reflect.Type{
		"v1": reflect.TypeFor[v1.KafkaBridge](), "v1beta2": reflect.TypeFor[v1beta2.KafkaBridge](),
	}},
	{v1.Group, "kafkas", map[string]reflect.Type{
		"v1": reflect.TypeFor[v1.Kafka](), "v1beta2": reflect.TypeFor[v1beta2.Kafka](),
	}},
	{v1.Group, "kafkanodepools", map[string]reflect.Type{
		"v1": reflect.TypeFor[v1.KafkaNodePool](), "v1beta2": reflect.TypeFor[v1beta2.KafkaNodePool](),
	}},
	{v1.Group, "kafkatopics", map[string]reflect.Type{
		"v1": reflect.TypeFor[v1.KafkaTopic](), "v1beta2": reflect.TypeFor[v1beta2.KafkaTopic](),
		"v1beta1": reflect.TypeFor[v1beta1.KafkaTopic](), "v1alpha1": reflect.TypeFor[v1alpha1.KafkaTopic](),
	}},
	{v1.Group, "kafkausers", map[string]reflect.Type{
		"v1": reflect.TypeFor[v1.KafkaUser](), "v1beta2": reflect.TypeFor[v1beta2.KafkaUser](),
		"v1beta1": reflect.TypeFor[v1beta1.KafkaUser](), "v1alpha1": reflect.TypeFor[v1alpha1.KafkaUser](),
	}},
	{corev1.Group, "strimzipodsets", map[string]reflect.Type{
		"v1": reflect.TypeFor[corev1.StrimziPodSet](), "v1beta2": reflect.TypeFor[corev1beta2.StrimziPodSet](),
	}},
}
