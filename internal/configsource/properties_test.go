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

// What Java itself writes for a map must come back: keys and values escaped in the one way that always works.
func FuzzPropertiesRoundTrip(f *testing.F) {
	f.Add("key", "value")
	f.Add(" =:#!\\", "\t\n\r\f \\")
	f.Add("ü", "😀 \u0000")
	f.Fuzz(func(t *testing.T, key, value string) {
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?")
		got, err := propertyMap(escapeAll(key) + "=" + escapeAll(value) + "\n")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{key: value}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// escapeAll writes every character as \uXXXX.
func escapeAll(s string) string {
	var out strings.Builder
	for _, r := range s {
		units := []rune{r}
		if r > 0xffff {
			r -= 0x10000
			units = []rune{0xd800 + r>>10, 0xdc00 + r&0x3ff}
		}
		for _, u := range units {
			const digits = "0123456789ABCDEF"
			out.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				out.WriteByte(digits[u>>shift&15])
			}
		}
	}
	return out.String()
}

// Any text is read without a panic; the only error is that of a broken \u, and its line is one of the text.
func FuzzProperties(f *testing.F) {
	for _, seed := range []string{"a=1\n", "a\\\n b=c\\", "\\u0041=\\ud83d\\ude00", "=x\r\n:y\rz", "\\u00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := parseProperties(text)
		if err != nil {
			var syntax *syntaxError
			if !errors.As(err, &syntax) || !strings.Contains(text, `\u`) {
				t.Fatalf("%v", err)
			}
			if syntax.line < 1 || syntax.line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
				t.Fatalf("line %d", syntax.line)
			}
			return
		}
		last := 0
		for _, p := range entries {
			if p.line <= last {
				t.Fatalf("lines not ascending: %d after %d", p.line, last)
			}
			last = p.line
		}
	})
}
