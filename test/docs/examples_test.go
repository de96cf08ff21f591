package docs

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// document is one of an example. Each version of a kind has the properties of all versions, so that v1 reads them all.
type document struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	path string
	text []byte
}

// examples returns the documents of a folder.
func examples(t *testing.T, folder string) (all []document) {
	t.Helper()
	paths, err := filepath.Glob("../../examples/" + folder + "/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples of %s: %v", folder, err)
	}
	for _, path := range paths {
		for _, text := range bytes.Split([]byte(read(t, path)), []byte("\n---\n")) {
			d := document{path: filepath.Base(path), text: text}
			if err := yaml.Unmarshal(text, &d); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all = append(all, d)
		}
	}
	return all
}

// as reads a document as a resource of one kind, in the namespace shop.
func as[T any, P interface {
	*T
	metav1.Object
}](t *testing.T, d document, kind string) P {
	t.Helper()
	if d.Kind != kind {
		t.Fatalf("%s: a %s among those of %s", d.path, d.Kind, kind)
	}
	resource := P(new(T))
	if err := yaml.UnmarshalStrict(d.text, resource); err != nil {
		t.Fatalf("%s: %v", d.path, err)
	}
	resource.SetNamespace("shop")
	return resource
}

// Each topic is one that the operator would make, without a word about it. (Package cluster tries the Kafkas.)
func TestTopicExamples(t *testing.T) {
	for _, d := range examples(t, "topic") {
		cr := as[v1.KafkaTopic](t, d, names.KindKafkaTopic)
		if _, warnings, err := topic.Desired(cr); err != nil || len(warnings) > 0 || cr.Labels[names.LabelCluster] == "" {
			t.Errorf("%s: label %q, warnings %v, error %v", d.path, cr.Labels[names.LabelCluster], warnings, err)
		}
	}
}

// The same of users.
func TestUserExamples(t *testing.T) {
	const day = 24 * time.Hour
	for _, d := range examples(t, "user") {
		cr := as[v1.KafkaUser](t, d, names.KindKafkaUser)
		_, warnings, err := user.Desired(cr, user.Options{Validity: 365 * day, RenewBefore: 30 * day})
		if err != nil || len(warnings) > 0 || cr.Labels[names.LabelCluster] == "" {
			t.Errorf("%s: label %q, warnings %v, error %v", d.path, cr.Labels[names.LabelCluster], warnings, err)
		}
	}
}

// A pod that names Kafka and KafkaUser of the examples finds its way with what they say.
func TestPodExamples(t *testing.T) {
	var user *v1.KafkaUser
	for _, d := range examples(t, "user") {
		if d.path == "tls.yaml" {
			user = as[v1.KafkaUser](t, d, names.KindKafkaUser)
		}
	}
	var kafka *v1.Kafka
	for _, d := range examples(t, "kafka") {
		if d.path == "persistent.yaml" && d.Kind == names.KindKafka {
			kafka = as[v1.Kafka](t, d, names.KindKafka)
		}
	}
	for _, d := range examples(t, "pod") {
		pod := as[corev1.Pod](t, d, "Pod")
		if pod.Labels[names.LabelUsesCluster] != kafka.Name || pod.Annotations[names.AnnotationUser] != user.Name {
			t.Fatalf("%s: it names a Kafka or a KafkaUser that is in no example: %v %v", d.path, pod.Labels, pod.Annotations)
		}
		bridge, err := model.Direct(model.DirectResources{Namespace: pod.Namespace, Kafka: kafka, User: user})
		if err != nil {
			t.Fatalf("%s: %v", d.path, err)
		}
		if got, want := bridge.Spec.BootstrapServers, "my-cluster-kafka-bootstrap.shop.svc:9093"; got != want {
			t.Errorf("%s: it asks %s, want %s", d.path, got, want)
		}
	}
}
