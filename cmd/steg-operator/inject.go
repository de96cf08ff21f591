package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/conversion"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

const injectUsage = `steg-operator inject: what the operator would make of pods, without a cluster.

It reads manifests, puts the sidecar into each Pod, Deployment, StatefulSet, DaemonSet, Job and CronJob whose pods have the
label steg.dev/bridge or steg.dev/cluster, and prints them all. The KafkaBridge, or Kafka and KafkaUser, that the pods name must
be among the manifests, in version v1 or v1beta2; they are not printed. Everything else is printed as it came.

  steg-operator inject --bridge-image IMAGE -f pod.yaml -f kafkabridge.yaml | kubectl apply -f -

Flags:
`

// injectOptions is what `steg-operator inject` is told.
type injectOptions struct {
	files       files
	bridgeImage string
	native      bool
	namespace   string
}

// maxManifest bounds what is read of one file, in bytes.
const maxManifest = 64 << 20

// inject is `steg-operator inject`.
func (p program) inject(args []string) error {
	o := injectOptions{}
	f := newFlags("inject", injectUsage)
	f.Var(&o.files, "f", "`FILE` with manifests, - for standard input; may be repeated")
	f.StringVar(&o.bridgeImage, "bridge-image", "", "`IMAGE` of sidecars whose KafkaBridge names none")
	f.BoolVar(&o.native, "native", true, "native sidecars, as every kubelet since 1.29 knows them")
	f.StringVar(&o.namespace, "namespace", "default", "`NAMESPACE` of manifests that name none")
	if err := f.read(args, p.environ, p.stdout); err != nil {
		return err
	}
	if len(o.files) == 0 {
		return usageError{errors.New("no manifests: -f FILE, - for standard input (see --help)")}
	}
	m := manifests{bridges: make(map[string]*v1.KafkaBridge), kafkas: make(map[string]*v1.Kafka), users: make(map[string]*v1.KafkaUser)}
	for _, name := range o.files {
		if err := p.readManifests(name, o.namespace, &m); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return m.print(o, p.stdout, p.stderr)
}

func (p program) readManifests(name, namespace string, into *manifests) error {
	if name == "-" {
		return into.read(p.stdin, namespace)
	}
	file, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err) // without the name, which the caller adds
	}
	return errors.Join(into.read(file, namespace), file.Close())
}

// manifests is what was read: what sidecars are configured from, by namespace/name, and the rest in its order.
type manifests struct {
	bridges map[string]*v1.KafkaBridge
	kafkas  map[string]*v1.Kafka
	users   map[string]*v1.KafkaUser
	rest    []manifest
}

// manifest is one document.
type manifest struct {
	text   []byte
	kind   metav1.TypeMeta
	name   string
	inside string // its namespace
}

func (m *manifests) read(in io.Reader, namespace string) error {
	documents := yamlstream.NewYAMLReader(bufio.NewReader(io.LimitReader(in, maxManifest)))
	for n := 1; ; n++ {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = m.add(text, namespace)
		}
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
	}
}

// add takes in one document. One without content is none.
func (m *manifests) add(text []byte, namespace string) error {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return err
	}
	if head.Kind == "" && len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	d := manifest{text: text, kind: head.TypeMeta, name: head.Metadata.Name, inside: namespace}
	if head.Metadata.Namespace != "" {
		d.inside = head.Metadata.Namespace
	}
	var err error
	switch key := d.inside + "/" + d.name; head.Kind {
	case names.KindKafkaBridge:
		m.bridges[key], err = read(d, &v1.KafkaBridge{}, &v1beta2.KafkaBridge{})
	case names.KindKafka:
		m.kafkas[key], err = read(d, &v1.Kafka{}, &v1beta2.Kafka{})
	case names.KindKafkaUser:
		m.users[key], err = read(d, &v1.KafkaUser{}, &v1beta2.KafkaUser{})
	default:
		m.rest = append(m.rest, d)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", head.Kind, d.name, err)
	}
	return nil
}

// convertible is an older version of a resource.
type convertible interface {
	ConvertTo(hub conversion.Hub) error
}

// hub is a resource as the operator knows it.
type hub interface {
	conversion.Hub
	metav1.Object
}

// read decodes a resource of either version. A field that neither knows is an error: there is no API server here that would
// point it out.
func read[T hub](d manifest, into T, older convertible) (T, error) {
	switch d.kind.APIVersion {
	case v1.GroupVersion.String():
		if err := yaml.UnmarshalStrict(d.text, into); err != nil {
			return into, err
		}
	case v1beta2.GroupVersion.String():
		if err := yaml.UnmarshalStrict(d.text, older); err != nil {
			return into, err
		}
		if err := older.ConvertTo(into); err != nil {
			return into, err
		}
	default:
		return into, fmt.Errorf("apiVersion %q: %s or %s", d.kind.APIVersion, v1.GroupVersion, v1beta2.GroupVersion)
	}
	into.SetNamespace(d.inside)
	return into, nil
}

// print writes every manifest but those that sidecars are configured from, with sidecars where they are asked for.
func (m *manifests) print(o injectOptions, out, warnings io.Writer) error {
	for i, d := range m.rest {
		text, notes, err := m.convert(d, o)
		if err != nil {
			return fmt.Errorf("%s %s: %w", d.kind.Kind, d.name, err)
		}
		for _, note := range notes {
			fmt.Fprintf(warnings, "steg-operator: warning: %s %s: %s\n", d.kind.Kind, d.name, note)
		}
		if i > 0 {
			fmt.Fprintln(out, "---")
		}
		if _, err := out.Write(append(bytes.TrimSpace(text), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// convert returns the manifest with a sidecar, or as it is if it asks for none.
func (m *manifests) convert(d manifest, o injectOptions) (text []byte, warnings []string, err error) {
	object, meta, spec := workload(d.kind)
	if object == nil {
		return d.text, nil, nil
	}
	if err := yaml.UnmarshalStrict(d.text, object); err != nil {
		return nil, nil, err
	}
	wish, wants, err := inject.Wants(meta.Labels, meta.Annotations)
	if err != nil || !wants {
		return d.text, nil, err
	}
	bridge, err := m.wished(wish, d.inside)
	if err != nil {
		return nil, nil, err
	}
	checked, _, err := model.ForBridge(model.BridgeResources{Bridge: bridge, DefaultImage: o.bridgeImage})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", wish, err)
	}
	pod := &corev1.Pod{ObjectMeta: *meta, Spec: *spec}
	injected, warnings, err := inject.Pod(pod, inject.Request{Namespace: d.inside, Bridge: checked, Native: o.native})
	if err != nil {
		return nil, nil, err
	}
	*meta, *spec = injected.ObjectMeta, injected.Spec
	text, err = withoutStatus(object)
	return text, warnings, err
}

// wished returns the KafkaBridge that a pod asks for, or that stands for its wish.
func (m *manifests) wished(wish inject.Wish, namespace string) (*v1.KafkaBridge, error) {
	if wish.Bridge != "" {
		bridge, ok := m.bridges[namespace+"/"+wish.Bridge]
		if !ok {
			return nil, fmt.Errorf("KafkaBridge %s of namespace %s is not among the manifests", wish.Bridge, namespace)
		}
		return bridge, nil
	}
	home := cmp.Or(wish.UserNamespace, namespace)
	r := model.DirectResources{Namespace: namespace}
	var ok bool
	if r.Kafka, ok = m.kafkas[home+"/"+wish.Cluster]; !ok {
		return nil, fmt.Errorf("there is no Kafka %s of namespace %s among the manifests", wish.Cluster, home)
	}
	if wish.User == "" {
		return model.Direct(r)
	}
	if r.User, ok = m.users[home+"/"+wish.User]; !ok {
		return nil, fmt.Errorf("KafkaUser %s of namespace %s is not among the manifests", wish.User, home)
	}
	if home != namespace {
		allowed, err := user.ParseAllowed(r.User.Annotations[names.AnnotationAllowedNamespaces])
		if err != nil {
			return nil, fmt.Errorf("KafkaUser %s: %w", wish.User, err)
		}
		if !allowed.In(namespace) {
			return nil, fmt.Errorf("KafkaUser %s of namespace %s may not be used in namespace %s: add that to its annotation %s",
				wish.User, home, namespace, names.AnnotationAllowedNamespaces)
		}
	}
	return model.Direct(r)
}

// workload returns an empty object of a kind that has pods, and what in it describes them; nil for any other kind.
func workload(kind metav1.TypeMeta) (runtime.Object, *metav1.ObjectMeta, *corev1.PodSpec) {
	of := func(o runtime.Object, t *corev1.PodTemplateSpec) (runtime.Object, *metav1.ObjectMeta, *corev1.PodSpec) {
		return o, &t.ObjectMeta, &t.Spec
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Pod":
		o := &corev1.Pod{}
		return o, &o.ObjectMeta, &o.Spec
	case "apps/v1 Deployment":
		o := &appsv1.Deployment{}
		return of(o, &o.Spec.Template)
	case "apps/v1 StatefulSet":
		o := &appsv1.StatefulSet{}
		return of(o, &o.Spec.Template)
	case "apps/v1 DaemonSet":
		o := &appsv1.DaemonSet{}
		return of(o, &o.Spec.Template)
	case "batch/v1 Job":
		o := &batchv1.Job{}
		return of(o, &o.Spec.Template)
	case "batch/v1 CronJob":
		o := &batchv1.CronJob{}
		return of(o, &o.Spec.JobTemplate.Spec.Template)
	}
	return nil, nil, nil
}

// withoutStatus writes an object as a person would: the Go types cannot leave their empty status out.
func withoutStatus(object runtime.Object) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	dropEmptyTimes(fields)
	return yaml.Marshal(fields)
}

// dropEmptyTimes takes out the creationTimestamp that an object and its templates would carry as null.
func dropEmptyTimes(fields map[string]any) {
	for key, value := range fields {
		if key == "creationTimestamp" && value == nil {
			delete(fields, key)
		}
		if nested, ok := value.(map[string]any); ok {
			dropEmptyTimes(nested)
		}
	}
}
