package main

import (
	"bufio"
	"bytes"
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
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const injectUsage = `steg-operator inject: what the operator would make of pods, without a cluster.

It reads manifests, puts the sidecar into each Pod, Deployment, StatefulSet, DaemonSet, Job and CronJob whose pods have the
label steg.dev/bridge, and prints them all. The KafkaBridge that the label names must be among the manifests, in version v1 or
v1beta2; it is not printed. Everything else is printed as it came.

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
	m := manifests{bridges: make(map[string]*v1.KafkaBridge)}
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

// manifests is what was read: the KafkaBridges by namespace/name, and the rest in its order.
type manifests struct {
	bridges map[string]*v1.KafkaBridge
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
	if head.Kind != names.KindKafkaBridge {
		m.rest = append(m.rest, d)
		return nil
	}
	bridge, err := readBridge(d)
	if err != nil {
		return fmt.Errorf("KafkaBridge %s: %w", d.name, err)
	}
	m.bridges[d.inside+"/"+d.name] = bridge
	return nil
}

// readBridge decodes a KafkaBridge of either version. A field that neither knows is an error: there is no API server here
// that would point it out.
func readBridge(d manifest) (*v1.KafkaBridge, error) {
	bridge := &v1.KafkaBridge{}
	switch d.kind.APIVersion {
	case v1.GroupVersion.String():
		if err := yaml.UnmarshalStrict(d.text, bridge); err != nil {
			return nil, err
		}
	case v1beta2.GroupVersion.String():
		older := &v1beta2.KafkaBridge{}
		if err := yaml.UnmarshalStrict(d.text, older); err != nil {
			return nil, err
		}
		if err := older.ConvertTo(bridge); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("apiVersion %q: %s or %s", d.kind.APIVersion, v1.GroupVersion, v1beta2.GroupVersion)
	}
	bridge.Namespace = d.inside
	return bridge, nil
}

// print writes every manifest but the KafkaBridges, with sidecars where they are asked for.
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
	name, wants, err := inject.Wants(meta.Labels, meta.Annotations)
	if err != nil || !wants {
		return d.text, nil, err
	}
	bridge, ok := m.bridges[d.inside+"/"+name]
	if !ok {
		return nil, nil, fmt.Errorf("KafkaBridge %s of namespace %s is not among the manifests", name, d.inside)
	}
	checked, _, err := model.ForBridge(model.BridgeResources{Bridge: bridge, DefaultImage: o.bridgeImage})
	if err != nil {
		return nil, nil, fmt.Errorf("KafkaBridge %s: %w", name, err)
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
