package configsource

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tables beside the files of testdata/properties are what java.util.Properties of Java 17 makes of them: a throw-away
// program loaded each file and wrote its entries as JSON.
func TestReadFileAsJava(t *testing.T) {
	tables, err := filepath.Glob("testdata/properties/*.json")
	if err != nil || len(tables) < 8 {
		t.Fatalf("tables: %d, %v", len(tables), err)
	}
	for _, table := range tables {
		t.Run(filepath.Base(table), func(t *testing.T) {
			content, err := os.ReadFile(table)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			if err := json.Unmarshal(content, &want); err != nil {
				t.Fatal(err)
			}
			path := strings.TrimSuffix(table, ".json") + ".properties"
			layer, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if layer.Origin != path {
				t.Errorf("origin %q", layer.Origin)
			}
			if diff := cmp.Diff(want, layer.Values); diff != "" {
				t.Errorf("(-java +ours):\n%s", diff)
			}
		})
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.properties")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"testdata/properties/bad1.properties", `line 2: \u is not followed by four hexadecimal digits`},
		{"testdata/properties/bad2.properties", `line 3: \u is not followed by four hexadecimal digits`},
		{"testdata/properties/bad3.properties", `line 1: \u is not followed by four hexadecimal digits`},
		{"testdata/properties/bad4.properties", `line 2: \u is not followed by four hexadecimal digits`},
		{filepath.Join(dir, "missing"), "no such file or directory"},
		{dir, "is a directory"},
		{large, "is larger than 4 MiB"},
	} {
		_, err := ReadFile(c.path)
		if err == nil || err.Error() != c.path+": "+c.want {
			t.Errorf("%s: got %v, want %s", c.path, err, c.want)
		}
	}
	_, err := ReadFile(filepath.Join(dir, "missing"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file is not os.ErrNotExist: %v", err)
	}
}

func TestReadFileLargestAllowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("#"+strings.Repeat("x", maxFile-5)+"\na=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	layer, err := ReadFile(path)
	if err != nil || layer.Values["a"] != "1" {
		t.Errorf("%v, %v", layer.Values, err)
	}
}

func TestSets(t *testing.T) {
	layer, err := Sets([]string{"a=1", "b = x=y ", "c=", "a=2"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "2", "b": " x=y ", "c": ""}
	if diff := cmp.Diff(want, layer.Values); diff != "" || layer.Origin != "--set" {
		t.Errorf("origin %q (-want +got):\n%s", layer.Origin, diff)
	}
	for _, bad := range []string{"s3cret", "=s3cret", "  =s3cret"} {
		_, err := Sets([]string{"a=1", bad})
		if err == nil || !strings.HasPrefix(err.Error(), "--set number 2 has no ") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
