package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chart = "../../../charts/steg-operator"

func TestFilesAreFresh(t *testing.T) {
	if err := run(chart, true); err != nil {
		t.Error(err)
	}
}

func TestStaleFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(dir, true)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "README.md")+" is out of date") {
		t.Fatal(err)
	}
	if err := run(dir, false); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, true); err != nil {
		t.Error(err)
	}
	if err := run(t.TempDir(), true); err == nil {
		t.Error("a folder without a chart is taken")
	}
}

func TestParseValues(t *testing.T) {
	values, err := parseValues("# About\n# a.\na:\n  # About b.\n  b: [1]\n# About c.\nc:\n  d:\n    e: x\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []value{
		{path: []string{"a"}, text: "About a.", group: true}, {path: []string{"a", "b"}, text: "About b."}, {path: []string{"c"}, text: "About c."},
	}
	if len(values) != len(want) {
		t.Fatalf("got %+v", values)
	}
	for i, w := range want {
		if got := values[i]; got.name() != w.name() || got.text != w.text || got.group != w.group {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	for text, want := range map[string]string{
		"a: 1\n":                       "line 1: a has no comment",
		"# A\na: 1\na: 2\n":            `"a" already set`,
		"# A\na:\n    # B\n    b: 1\n": "line 4: b is indented too far",
		"\t":                           "cannot start any token",
	} {
		if _, err := parseValues(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	for text, want := range map[string]string{
		"# A\na: null\n": "a: what may stand in place of <nil>?",
		"# A\na: x\n":    "is no value", // the rest of the special ones
	} {
		values, err := parseValues(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := schemaOf(values, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Every value has its default's type, and every key of the values is in the schema.
func TestSchemaHasAllValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := parseValues(string(text))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(content, &root); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		s := &root
		for _, key := range v.path {
			if s = s.Properties[key]; s == nil {
				t.Fatalf("%s is not in the schema", v.name())
			}
		}
		if s.Description != v.text || !strings.HasSuffix(v.text, ".") {
			t.Errorf("%s is described as %q", v.name(), s.Description)
		}
	}
	if len(values) < 60 {
		t.Errorf("%d values: most were not found", len(values))
	}
}
