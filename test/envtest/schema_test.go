//go:build envtest

package envtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	sigsyaml "sigs.k8s.io/yaml"
)

const group = "kafka.strimzi.io"

// groupOf returns the API group of one of our kinds.
func groupOf(kind string) string {
	if kind == "StrimziPodSet" {
		return "core.strimzi.io"
	}
	return group
}

// object reads one YAML document, with numbers as the API server gives them.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	asJSON, err := sigsyaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	o := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(asJSON, &o.Object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return o
}

// documents reads every document of the file at path.
func documents(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw))); ; {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, object(t, string(text)))
	}
}

// content is what the user wrote: without what the API server adds to the metadata, and without a version.
func content(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	spec := map[string]any{"metadata": map[string]any{"labels": o.GetLabels(), "annotations": o.GetAnnotations()}}
	for name, value := range o.Object {
		if name != "metadata" && name != "apiVersion" {
			spec[name] = value
		}
	}
	return spec
}

// in returns an empty object of the same kind and name in the given version.
func in(version string, o *unstructured.Unstructured) *unstructured.Unstructured {
	other := &unstructured.Unstructured{}
	kind := o.GroupVersionKind()
	other.SetGroupVersionKind(schema.GroupVersionKind{Group: kind.Group, Version: version, Kind: kind.Kind})
	other.SetNamespace(o.GetNamespace())
	other.SetName(o.GetName())
	return other
}

// definitions lists the custom resource definitions of the chart.
func definitions(t *testing.T, c client.Client) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var list apiextensionsv1.CustomResourceDefinitionList
	if err := c.List(deadline(t), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		t.Fatal("no definitions are installed")
	}
	return list.Items
}

// serveOlder has the API server serve the versions that are served on demand only, as the chart's crds.olderVersions does, until
// the test ends.
func serveOlder(t *testing.T, c client.Client) {
	t.Helper()
	for _, crd := range definitions(t, c) {
		var older []string
		changed := crd.DeepCopy()
		for i := range changed.Spec.Versions {
			if v := &changed.Spec.Versions[i]; !v.Served {
				older, v.Served = append(older, v.Name), true
			}
		}
		if len(older) == 0 {
			continue
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: crd.Spec.Group, Version: older[0], Kind: crd.Spec.Names.ListKind})
		if err := c.Patch(deadline(t), changed.DeepCopy(), client.MergeFrom(&crd)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
			defer cancel()
			if err := c.Patch(ctx, crd.DeepCopy(), client.MergeFrom(changed)); err != nil {
				t.Error(err)
			}
		})
		until(t, crd.Name+" in "+older[0], func() (bool, string) {
			err := c.List(deadline(t), list)
			return err == nil, fmt.Sprint(err)
		})
	}
}

// servedVersions lists, by kind, the versions that the API server knows.
func servedVersions(t *testing.T, c client.Client) map[string][]string {
	t.Helper()
	versions := map[string][]string{}
	for _, crd := range definitions(t, c) {
		for _, version := range crd.Spec.Versions {
			versions[crd.Spec.Names.Kind] = append(versions[crd.Spec.Names.Kind], version.Name)
		}
	}
	return versions
}

// TestExamples: each example is accepted, strictly, in the version that it names, stored as it was written, and the same in
// every other version.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	admin := clientFor(t, server)
	serveOlder(t, admin)
	versions := servedVersions(t, admin)
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			c, namespace := cluster(t)
			for _, o := range documents(t, path) {
				if !strings.HasSuffix(o.GroupVersionKind().Group, "strimzi.io") {
					continue
				}
				o.SetNamespace(namespace)
				wrote := content(o)
				if err := c.Create(deadline(t), o, client.FieldValidation("Strict")); err != nil {
					t.Fatal(err)
				}
				for _, version := range versions[o.GetKind()] {
					read := in(version, o)
					if err := c.Get(deadline(t), client.ObjectKeyFromObject(o), read); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(wrote, content(read)); diff != "" {
						t.Errorf("%s in %s is not what was written (-wrote +read):\n%s", path, version, diff)
					}
				}
			}
		})
	}
}

// TestStoredVersion: v1 is what is stored, and it and v1beta2 are served; older ones are known.
func TestStoredVersion(t *testing.T) {
	c, _ := cluster(t)
	for _, crd := range definitions(t, c) {
		for _, version := range crd.Spec.Versions {
			if version.Storage != (version.Name == "v1") || version.Served != slices.Contains([]string{"v1", "v1beta2"}, version.Name) {
				t.Errorf("%s %s: stored %v, served %v", crd.Name, version.Name, version.Storage, version.Served)
			}
		}
		if diff := cmp.Diff([]string{"v1"}, crd.Status.StoredVersions); diff != "" {
			t.Errorf("%s stores (-want +got):\n%s", crd.Name, diff)
		}
	}
}

// refusal is an object that the schema must refuse, and what the answer must say.
type refusal struct {
	name, spec string
	says       []string // each of them
}

// refuse tries to create each of the refused in every version.
func refuse(t *testing.T, kind string, cases []refusal) {
	c, namespace := cluster(t)
	serveOlder(t, c)
	versions := servedVersions(t, c)[kind]
	if len(versions) < 2 {
		t.Fatalf("%s is served in %v", kind, versions)
	}
	for _, tc := range cases {
		for _, version := range versions {
			t.Run(tc.name+"/"+version, func(t *testing.T) {
				o := object(t, tc.spec)
				o.SetGroupVersionKind(schema.GroupVersionKind{Group: groupOf(kind), Version: version, Kind: kind})
				o.SetNamespace(namespace)
				o.SetName("bad")
				err := c.Create(deadline(t), o, client.FieldValidation("Strict"))
				if err == nil {
					if err := c.Delete(deadline(t), o); err != nil {
						t.Error(err)
					}
					t.Fatal("it was accepted")
				}
				for _, text := range tc.says {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("the answer does not say %q:\n%v", text, err)
					}
				}
			})
		}
	}
}

// warnings collects what the API server warns of.
type warnings struct {
	mu   sync.Mutex
	text []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

// listening returns a client whose warnings are collected.
func listening(t *testing.T) (client.Client, *warnings) {
	t.Helper()
	heard := &warnings{}
	config := rest.CopyConfig(server)
	config.WarningHandler = heard
	return clientFor(t, config), heard
}

// table asks for the resources as kubectl get does, and returns the columns' names and the cells of the only row.
func table(t *testing.T, version schema.GroupVersion, plural, namespace string) (columns []metav1.TableColumnDefinition, cells []any) {
	t.Helper()
	config := rest.CopyConfig(server)
	config.GroupVersion = &version
	config.APIPath = "/apis"
	config.NegotiatedSerializer = serializer.WithoutConversionCodecFactory{CodecFactory: clientgoscheme.Codecs}
	c, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Get().Namespace(namespace).Resource(plural).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	var answer metav1.Table
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Rows) != 1 {
		t.Fatalf("%d rows instead of one", len(answer.Rows))
	}
	return answer.ColumnDefinitions, answer.Rows[0].Cells
}
