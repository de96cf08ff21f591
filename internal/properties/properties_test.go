package properties

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// latin1 is how Java reads a file of properties.
func latin1(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// The tables beside the files of testdata are what java.util.Properties of Java 17 makes of them: a throw-away program
// loaded each file and wrote its entries as JSON.
func TestMapAsJava(t *testing.T) {
	tables, err := filepath.Glob("testdata/*.json")
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
			text, err := os.ReadFile(strings.TrimSuffix(table, ".json") + ".properties")
			if err != nil {
				t.Fatal(err)
			}
			got, err := Map(latin1(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-java +ours):\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for name, line := range map[string]int{"bad1": 2, "bad2": 3, "bad3": 1, "bad4": 2} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".properties"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(latin1(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != line {
			t.Errorf("%s: got %v, want line %d", name, err, line)
		}
	}
}

func TestText(t *testing.T) {
	settings := map[string]string{
		"b":       "plain value = with : signs # and !",
		"a key=:": "  two blanks first",
		"c":       "line\nend\\ tab\t",
		"d":       "ümlaut 😀",
		"e":       "$(NAME) $$ $x",
	}
	const want = `a\ key\=\:=\  two blanks first
b=plain value = with : signs # and !
c=line\nend\\ tab\t
d=\u00fcmlaut \ud83d\ude00
e=\u0024(NAME) \u0024$ $x
`
	if diff := cmp.Diff(want, Text(settings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is written comes back.
func FuzzTextRoundTrip(f *testing.F) {
	f.Add("key", "value")
	f.Add(" =:#!\\", "\t\n\r\f \\")
	f.Add("ü", "😀 \u0000$(x)$$")
	f.Fuzz(func(t *testing.T, key, value string) {
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?")
		if key == "" {
			return // Java writes such a key, but no setting has one
		}
		want := map[string]string{key: value, "z": "last"}
		if key == "z" {
			want = map[string]string{"z": value}
		}
		got, err := Map(Text(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Any text is read without a panic; the only error is that of a broken \u, and its line is one of the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a=1\n", "a\\\n b=c\\", "\\u0041=\\ud83d\\ude00", "=x\r\n:y\rz", "\\u00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Parse(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(text, `\u`) {
				t.Fatalf("%v", err)
			}
			if syntax.Line < 1 || syntax.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
				t.Fatalf("line %d", syntax.Line)
			}
			return
		}
		last := 0
		for _, p := range entries {
			if p.Line <= last {
				t.Fatalf("lines not ascending: %d after %d", p.Line, last)
			}
			last = p.Line
		}
	})
}
