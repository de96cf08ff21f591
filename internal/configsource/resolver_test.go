package configsource

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// environ is the environment under which the tables of testdata/providers were made.
func environ(name string) (string, bool) {
	v, ok := map[string]string{
		"STEG_A": "alpha", "STEG_B": "b:{x}", "STEG_AB": "ab", "STEG_EMPTY": "", "STEG_REF": "${env:STEG_A}",
	}[name]
	return v, ok
}

// declarations are Kafka's own three classes under short aliases, with further settings laid over them.
func declarations(more map[string]string) map[string]string {
	const class = "org.apache.kafka.common.config.provider."
	props := map[string]string{
		"config.providers":            "env,file,dir",
		"config.providers.env.class":  class + "EnvVarConfigProvider",
		"config.providers.file.class": class + "FileConfigProvider",
		"config.providers.dir.class":  class + "DirectoryConfigProvider",
	}
	for k, v := range more {
		props[k] = v
	}
	return props
}

// resolve is what a start does for one client.
func resolve(t *testing.T, props map[string]string, s Sources) (map[string]string, error) {
	t.Helper()
	if s.LookupEnv == nil {
		s.LookupEnv = environ
	}
	r, err := NewResolver(props, s)
	if err != nil {
		return nil, err
	}
	return r.Resolve(t.Context(), props)
}

// The tables beside the files of testdata/providers are what kafka-clients 4.3.1 makes of them: a throw-away program
// gave each file to an AbstractConfig and wrote the resolved originals. @DIR@ stands for the directory place.
func TestResolveAsKafka(t *testing.T) {
	dir := sandbox(t)
	files, err := filepath.Glob("testdata/providers/*.properties")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".properties"), func(t *testing.T) {
			layer, err := ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range layer.Values {
				layer.Values[k] = strings.ReplaceAll(v, "@DIR@", dir)
			}
			want := table(t, strings.TrimSuffix(file, ".properties")+".json", dir)
			got, err := resolve(t, layer.Values, Sources{})
			if refusal, ok := want["error"]; ok {
				compareError(t, refusal, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for k := range got {
				if strings.HasPrefix(k, "config.providers") {
					delete(got, k)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-kafka +ours):\n%s", diff)
			}
		})
	}
}

// sandbox copies the files that references point to: a link, and an empty file, do not survive every way of checking out.
func sandbox(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/providers/place")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("rack.id", filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func table(t *testing.T, path, dir string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	if err := json.Unmarshal(bytes.ReplaceAll(content, []byte("@DIR@"), []byte(dir)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// compareError wants an error where Kafka has one, about the same thing: every path and class that its text names.
func compareError(t *testing.T, refusal string, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, Kafka: %s", refusal)
	}
	if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "kafka.") {
		t.Errorf("not one line that begins with the setting: %v", err)
	}
	for _, noun := range regexp.MustCompile(`/\S+|com\.example\.\w+|relative/path|invalid value '[^']*'`).FindAllString(refusal, -1) {
		noun = strings.ReplaceAll(noun, "'", `"`)
		if !strings.Contains(err.Error(), noun) {
			t.Errorf("%v\ndoes not name %s\nKafka: %s", err, noun, refusal)
		}
	}
}

func TestResolverErrorsNameTheSetting(t *testing.T) {
	for _, c := range []struct {
		name  string
		props map[string]string
		want  string
	}{
		{
			"unknown class",
			map[string]string{"config.providers": "v", "config.providers.v.class": "com.example.Vault"},
			`kafka.config.providers.v.class: "com.example.Vault" is not a config provider that is known here`,
		},
		{
			"pattern",
			declarations(map[string]string{"config.providers.env.param.allowlist.pattern": "(a"}),
			"kafka.config.providers.env.param.allowlist.pattern: ",
		},
		{
			"first setting of a place",
			declarations(map[string]string{"z": "${file:/none/f:k}", "b": "${file:/none/f:k}"}),
			"kafka.b: config provider file: /none/f: no such file or directory",
		},
		{
			"not UTF-8",
			declarations(map[string]string{"a": "${file:testdata/properties/nasty.properties:k}"}),
			"kafka.a: config provider file: testdata/properties/nasty.properties: is not UTF-8",
		},
		{
			"broken file",
			declarations(map[string]string{"a": "${file:testdata/properties/bad1.properties:k}"}),
			"kafka.a: config provider file: testdata/properties/bad1.properties: line 2: ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := resolve(t, c.props, Sources{})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// Strimzi's own class has no allow-list and takes a path without complaint.
func TestResolveStrimziEnvironment(t *testing.T) {
	got, err := resolve(t, map[string]string{
		"config.providers":                           "strimzienv",
		"config.providers.strimzienv.class":          "io.strimzi.kafka.EnvVarConfigProvider",
		"config.providers.strimzienv.param.whatever": "x",
		"a": "${strimzienv:STEG_A}",
		"b": "${strimzienv:path:STEG_A}",
		"c": "${strimzienv:STEG_NONE}",
	}, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if got["a"] != "alpha" || got["b"] != "alpha" || got["c"] != "${strimzienv:STEG_NONE}" {
		t.Errorf("%v", got)
	}
}

// Each client has its own declarations: what one declares the other does not resolve.
func TestResolverPerClient(t *testing.T) {
	admin := declarations(map[string]string{"a": "${env:STEG_A}"})
	producer := map[string]string{"a": "${env:STEG_A}"}
	for want, props := range map[string]map[string]string{"alpha": admin, "${env:STEG_A}": producer} {
		got, err := resolve(t, props, Sources{})
		if err != nil || got["a"] != want {
			t.Errorf("got %q, %v; want %q", got["a"], err, want)
		}
	}
}

// A resolver holds nothing: what has changed counts at the next call, and the map that it was given stays as it is.
func TestResolveReadsAnew(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "k")
	props := declarations(map[string]string{"a": "${dir:" + dir + ":k}"})
	r, err := NewResolver(props, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := r.Resolve(t.Context(), props)
		if err != nil || got["a"] != want {
			t.Errorf("got %q, %v; want %q", got["a"], err, want)
		}
	}
	if props["a"] != "${dir:"+dir+":k}" {
		t.Errorf("the settings were changed: %q", props["a"])
	}
}

// What stays unresolved is told, with names and without values; an alias that nobody declared may be anything.
func TestResolveWarns(t *testing.T) {
	var log bytes.Buffer
	_, err := resolve(t, declarations(map[string]string{
		"a": "${env:STEG_A}${env:STEG_NONE}",
		"b": "${other:x}",
		"c": "${file:/etc/hostname:x}",
		"config.providers.file.param.allowed.paths": "/proc",
	}), Sources{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{"setting=kafka.a reference=${env:STEG_NONE}", "path=/etc/hostname", "setting=kafka.c"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, bad := range []string{"alpha", "other"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in\n%s", bad, text)
		}
	}
}

// The parser and the expression that Kafka uses (ConfigTransformer.DEFAULT_PATTERN) cut every text alike.
func FuzzReferences(f *testing.F) {
	for _, seed := range []string{
		"${a:b}", "x${a:b:c}y${d:e}", "${a}${b:c}", "${${a:b}:c}", "${a:b", "$${:}}", "${a:b:c:d}\n${e:\nf}", "${a\x00:é}",
	} {
		f.Add(seed)
	}
	pattern := regexp.MustCompile(`\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`)
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ToValidUTF8(value, "") != value {
			t.Skip("regexp replaces broken UTF-8")
		}
		var want []reference
		for _, m := range pattern.FindAllStringSubmatch(value, -1) {
			want = append(want, reference{alias: m[1], path: m[3], key: m[4], text: m[0]})
		}
		var got []reference
		var joined strings.Builder
		for _, p := range parseReferences(value) {
			if p.ref != nil {
				got = append(got, *p.ref)
				joined.WriteString(p.ref.text)
			}
			joined.WriteString(p.literal)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(reference{})); diff != "" {
			t.Errorf("(-kafka +ours):\n%s", diff)
		}
		if joined.String() != value {
			t.Errorf("the pieces make %q", joined.String())
		}
	})
}
