package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
)

// printed is what Options.java could print about a version.
const printed = "default\t1.0-IV0\nmetadata\t1.0-IV0\t1\noption\tb\tint\t1\t0\t\t\t\t\t\noption\ta\tlong\t2\t\t\t\t\tcluster-wide\t\n"

func TestParseFacts(t *testing.T) {
	got, err := parseFacts("1.0.0", printed)
	if err != nil {
		t.Fatal(err)
	}
	want := facts{metadata: "1.0-IV0", lines: map[string][]string{
		kindMetadata: {"1.0-IV0\t1"},
		kindOption:   {"b\tint\t1\t0\t\t\t\t\t", "a\tlong\t2\t\t\t\t\tcluster-wide\t"},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(facts{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, c := range map[string]struct{ out, want string }{
		"nothing":            {"", "kafka 1.0.0: it names no default"},
		"no option":          {"default\t1.0-IV0\nmetadata\t1.0-IV0\t1\n", "kafka 1.0.0: it names no default"},
		"no default":         {strings.TrimPrefix(printed, "default\t1.0-IV0\n"), "kafka 1.0.0: it names no default"},
		"a column less":      {printed + "metadata\t1.0-IV1\n", `1 columns instead of 2 in "metadata\t1.0-IV1\n"`},
		"a line of its own":  {printed + "Picked up JAVA_TOOL_OPTIONS\n", "1 columns instead of 0"},
		"half a line at end": {printed + "option\tc", "1 columns instead of 9"},
	} {
		if _, err := parseFacts("1.0.0", c.out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	numbers := []string{"1.0.0", "1.0.1", "1.1.0"}
	all := []facts{
		{metadata: "1.0-IV0", lines: map[string][]string{kindMetadata: {"1.0-IV0\t1"}, kindOption: {"b\tint", "a\tint", "c\tint"}}},
		{metadata: "1.0-IV0", lines: map[string][]string{kindMetadata: {"1.0-IV0\t1"}, kindOption: {"a\tlong", "b\tint"}}},
		{metadata: "1.1-IV0", lines: map[string][]string{kindMetadata: {"1.0-IV0\t1", "1.1-IV0\t2"}, kindOption: {"b\tint", "a\tint"}}},
	}
	got := map[string]string{}
	for name, text := range tables(numbers, all) {
		head, rest, _ := strings.Cut(string(text), "\n")
		if !strings.HasPrefix(head, "# ") || !strings.HasSuffix(head, "; written by internal/gen/kafkaconf") {
			t.Errorf("%s begins with %q", name, head)
		}
		got[name] = rest
	}
	want := map[string]string{
		"versions.tsv": "1.0.0\t1.0-IV0\n1.0.1\t1.0-IV0\n1.1.0\t1.1-IV0\n",
		"metadata.tsv": "1.0.0-1.1.0\t1.0-IV0\t1\n1.1.0\t1.1-IV0\t2\n",
		"options.tsv":  "1.0.0,1.1.0\ta\tint\n1.0.1\ta\tlong\n1.0.0-1.1.0\tb\tint\n1.0.0\tc\tint\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRanges(t *testing.T) {
	numbers := []string{"1", "2", "3", "4"}
	for want, in := range map[string][]bool{
		"":      {false, false, false, false},
		"1-4":   {true, true, true, true},
		"1":     {true, false, false, false},
		"4":     {false, false, false, true},
		"1,3-4": {true, false, true, true},
		"2-3":   {false, true, true, false},
	} {
		if got := ranges(numbers, in); got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

// TestVersionsAreThoseOfTheTables fails when a version was added here and the tables were not written again.
func TestVersionsAreThoseOfTheTables(t *testing.T) {
	var have []string
	for _, v := range kafkaconf.Versions() {
		have = append(have, v.Number)
	}
	if diff := cmp.Diff(strings.Fields(versions), have); diff != "" {
		t.Errorf("-generator +tables:\n%s", diff)
	}
}

func TestPom(t *testing.T) {
	var project struct {
		Dependency struct {
			Group   string `xml:"groupId"`
			Name    string `xml:"artifactId"`
			Version string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal(pom("4.3.1"), &project); err != nil {
		t.Fatal(err)
	}
	if d := project.Dependency; d.Group != "org.apache.kafka" || d.Name != "kafka_2.13" || d.Version != "4.3.1" {
		t.Errorf("%+v", d)
	}
}

// fake puts programs of the given texts in front of all others for a test.
func fake(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// maven writes a classpath to where it is told.
const maven = `for a; do case "$a" in -Dmdep.outputFile=*) echo a.jar:b.jar >"${a#*=}";; esac; done`

func TestWriteTables(t *testing.T) {
	fake(t, map[string]string{"mvn": maven, "java": `printf '` + strings.ReplaceAll(printed, "\n", `\n`) + `'`})
	dir, progress := t.TempDir(), new(bytes.Buffer)
	if err := writeTables(t.Context(), dir, progress); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "options.tsv"))
	if err != nil || !strings.Contains(string(text), "3.9.0-4.3.1\ta\tlong\t2\t") {
		t.Errorf("%v %s", err, text)
	}
	if got := strings.Count(progress.String(), "\n"); got != len(strings.Fields(versions)) {
		t.Errorf("%d lines of progress", got)
	}
}

func TestWriteAnswers(t *testing.T) {
	fake(t, map[string]string{"mvn": maven, "java": `echo "$*" >"$4"`})
	dir := t.TempDir()
	if err := writeAnswers(t.Context(), dir, io.Discard); err == nil {
		t.Error("nothing to answer is no error")
	}
	file := filepath.Join(dir, "testdata", "java-4.3.1.tsv")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeAnswers(t.Context(), dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "-cp a.jar:b.jar") {
		t.Errorf("%v %s", err, text)
	}
}

func TestWhatFails(t *testing.T) {
	for name, c := range map[string]struct {
		programs map[string]string
		want     []string
	}{
		"mvn":            {map[string]string{"mvn": "echo no such artifact; exit 1"}, []string{"jars of Kafka 3.9.0", "exit status 1", "no such artifact"}},
		"mvn says lies":  {map[string]string{"mvn": "true"}, []string{"jars of Kafka 3.9.0", "no such file"}},
		"java":           {map[string]string{"mvn": maven, "java": "echo too old >&2; exit 2"}, []string{"asking Kafka 3.9.0", "exit status 2", "too old"}},
		"java says lies": {map[string]string{"mvn": maven, "java": "echo hello"}, []string{"kafka 3.9.0", "columns"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake(t, c.programs)
			dir := t.TempDir()
			err := writeTables(t.Context(), dir, io.Discard)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v was written all the same", left)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake(t, map[string]string{"mvn": maven})
	if err := writeTables(ctx, t.TempDir(), io.Discard); err == nil {
		t.Error("it does not end with its context")
	}
	if _, err := command(t.Context(), "no-such-program-anywhere"); err == nil || !strings.Contains(err.Error(), "no-such-program-anywhere") {
		t.Errorf("a missing program: %v", err)
	}
}
