package v1_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/steg-kafka/steg/internal/golden"
)

const charts = "../../charts/steg-operator/files/"

// TestProperties compares what each version of a kind has with the promised list, so that nothing is dropped silently, and the
// versions with each other: conversion relies on their being equal.
func TestProperties(t *testing.T) {
	definitions, err := filepath.Glob(charts + "crds*/*.yaml")
	if err != nil || len(definitions) == 0 {
		t.Fatalf("no definitions below %s: %v", charts, err)
	}
	for _, path := range definitions {
		crd := definition(t, path)
		t.Run(crd.Spec.Names.Singular, func(t *testing.T) {
			lists := map[string][]byte{}
			for _, version := range crd.Spec.Versions {
				lists[version.Name] = list(version.Schema.OpenAPIV3Schema)
			}
			golden.Equal(t, crd.Spec.Names.Singular+".properties.txt", lists["v1"])
			for version, got := range lists {
				if diff := cmp.Diff(string(lists["v1"]), string(got)); diff != "" {
					t.Errorf("%s has other properties than v1 (-v1 +%s):\n%s", version, version, diff)
				}
			}
		})
	}
}

// TestSizes: etcd takes requests of 1.5 MiB. kubectl apply keeps what it applied in an annotation of at most 256 KiB, so a larger
// definition must be applied by Helm, or with --server-side; only that of Kafka is.
func TestSizes(t *testing.T) {
	const annotation, request = 256 << 10, 1536 << 10
	definitions, err := filepath.Glob(charts + "crds*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range definitions {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := yaml.YAMLToJSON(raw)
		if err != nil {
			t.Fatal(err)
		}
		limit := annotation
		if filepath.Base(path) == "kafkas.yaml" {
			limit = request / 2
		}
		if len(asJSON) >= limit {
			t.Errorf("%s is %d bytes as JSON, more than %d", path, len(asJSON), limit)
		}
	}
}

func definition(t *testing.T, path string) apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &crd); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return crd
}

// list writes a line per property, its path and its type, sorted.
func list(schema *apiextensionsv1.JSONSchemaProps) []byte {
	lines := map[string]string{}
	walk(schema, "", lines)
	var b bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintln(&b, strings.TrimSpace(path+" "+lines[path]))
	}
	return b.Bytes()
}

func walk(schema *apiextensionsv1.JSONSchemaProps, path string, into map[string]string) {
	kind := schema.Type
	switch {
	case schema.XIntOrString:
		kind = "integer or string"
	case schema.XPreserveUnknownFields != nil:
		kind = "anything"
	}
	if path != "" {
		into[path] = kind
	}
	for name, property := range schema.Properties {
		walk(&property, path+"."+name, into)
	}
	if schema.Items != nil {
		walk(schema.Items.Schema, path+"[]", into)
	}
	if schema.AdditionalProperties != nil {
		walk(schema.AdditionalProperties.Schema, path+"{}", into)
	}
}
