package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
)

type (
	inner struct {
		Text string `json:"text"`
	}
	inlined struct {
		Below string `json:"below"`
	}
	sample struct {
		metav1.TypeMeta `json:",inline"`
		inlined         `json:",inline"`
		Inner           *inner                     `json:"inner,omitempty"`
		List            []inner                    `json:"list,omitempty"`
		Map             map[string]inner           `json:"map"`
		Free            v1.Config                  `json:"free"`
		Theirs          []corev1.SecretKeySelector `json:"theirs"`
	}
)

// generated is a definition as controller-gen writes it.
const generated = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: samples.example.com
  annotations: {controller-gen.kubebuilder.io/version: any}
spec:
  group: example.com
  names: {kind: Sample, plural: samples}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        description: ours
        type: object
        properties:
          apiVersion: {description: theirs, type: string}
          kind: {description: theirs, type: string}
          below: {description: ours, default: ours, type: string}
          inner: {type: object, description: ours, properties: {text: {description: ours, type: string}}}
          list: {type: array, items: {type: object, description: ours, properties: {text: {description: ours, type: string}}}}
          map: {type: object, additionalProperties: {type: object, properties: {text: {description: ours, type: string}}}}
          free: {type: object, description: ours, additionalProperties: {x-kubernetes-preserve-unknown-fields: true}}
          theirs:
            description: ours
            type: array
            items: {type: object, description: theirs, properties: {name: {description: theirs, default: theirs, type: string}}}
`

const trimmed = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: samples.example.com
  annotations: {helm.sh/resource-policy: keep}
spec:
  group: example.com
  names: {kind: Sample, plural: samples}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        description: ours
        type: object
        properties:
          apiVersion: {type: string}
          kind: {type: string}
          below: {description: ours, default: ours, type: string}
          inner: {type: object, description: ours, properties: {text: {description: ours, type: string}}}
          list: {type: array, items: {type: object, description: ours, properties: {text: {description: ours, type: string}}}}
          map: {type: object, additionalProperties: {type: object, properties: {text: {description: ours, type: string}}}}
          free: {type: object, description: ours, x-kubernetes-preserve-unknown-fields: true}
          theirs:
            description: ours
            type: array
            items: {type: object, properties: {name: {type: string}}}
`

func samples(t reflect.Type) kind {
	return kind{"example.com", "samples", map[string]reflect.Type{"v1": t}}
}

func TestTrim(t *testing.T) {
	got, err := trim([]byte(generated), samples(reflect.TypeFor[sample]()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(got), header) {
		t.Errorf("no line says that the file is generated:\n%s", got)
	}
	if diff := cmp.Diff(parsed(t, trimmed), parsed(t, string(got))); diff != "" {
		t.Errorf("trimmed (-want +got):\n%s", diff)
	}
}

func parsed(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestTrimRefusesWhatDoesNotFit(t *testing.T) {
	two := samples(reflect.TypeFor[sample]())
	two.versions["v2"] = two.versions["v1"]
	other := samples(reflect.TypeFor[sample]())
	other.versions = map[string]reflect.Type{"v2": other.versions["v1"]}
	for name, tc := range map[string]struct {
		raw  string
		kind kind
		says string
	}{
		"another type":      {generated, samples(reflect.TypeFor[inlined]()), "is in the schema but not in the type"},
		"a version missing": {generated, two, "1 versions instead of 2"},
		"another version":   {generated, other, "no type for version v1"},
		"no definition":     {"spec: {versionz: []}", two, "versionz"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := trim([]byte(tc.raw), tc.kind); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("the error is %v, it should say %q", err, tc.says)
			}
		})
	}
}

// TestFiles: what is out of date is named, written, and removed when nothing generates it.
func TestFiles(t *testing.T) {
	root := t.TempDir()
	want := map[string][]byte{definitions + "/a.yaml": []byte("a"), "api/v1/" + deepCopies: []byte("b")}
	old := filepath.Join(root, definitions, "old.yaml")
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	stale, err := leftovers(root, want)
	if err != nil {
		t.Fatal(err)
	}
	err = compare(root, want, stale)
	for _, name := range []string{"old.yaml", "a.yaml", deepCopies, "go run ./internal/gen/crds"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
	if err := write(root, want, stale); err != nil {
		t.Fatal(err)
	}
	if stale, err = leftovers(root, want); err != nil || stale != nil {
		t.Errorf("left over: %v, %v", stale, err)
	}
	if err := compare(root, want, stale); err != nil {
		t.Errorf("after writing: %v", err)
	}
}
