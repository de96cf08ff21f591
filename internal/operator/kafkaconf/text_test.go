package kafkaconf

import (
	"errors"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/steg-kafka/steg/internal/golden"
)

// units is a text in Java's characters.
func units(text string) []uint16 { return utf16.Encode([]rune(text)) }

// readProperties reads what Text writes: lines of key=value with escapes, no comments and no continued lines.
func readProperties(text string) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		var parts [2][]uint16
		at, rest := 0, strings.TrimSuffix(line, "\n")
		for rest != "" {
			c := rest[0]
			switch {
			case c >= utf8.RuneSelf || c < ' ':
				return nil, errors.New("a character that is not ASCII, or not printable")
			case c == '=' && at == 0:
				at, rest = 1, rest[1:]
			case c != '\\':
				if at == 0 && strings.IndexByte(" :#!", c) >= 0 || at == 1 && c == ' ' && len(parts[1]) == 0 {
					return nil, errors.New("a character that ends a key, starts a comment or is skipped")
				}
				parts[at], rest = append(parts[at], uint16(c)), rest[1:]
			case len(rest) >= 6 && rest[1] == 'u':
				n, err := strconv.ParseUint(rest[2:6], 16, 16)
				if err != nil {
					return nil, err
				}
				parts[at], rest = append(parts[at], uint16(n)), rest[6:]
			case len(rest) >= 2:
				c := rest[1]
				if i := strings.IndexByte("nrtf", c); i >= 0 {
					c = "\n\r\t\f"[i]
				}
				parts[at], rest = append(parts[at], uint16(c)), rest[2:]
			default:
				return nil, errors.New("a line that ends in a backslash")
			}
		}
		out[string(utf16.Decode(parts[0]))] = string(utf16.Decode(parts[1]))
	}
	return out, nil
}

// awkward is a configuration with everything that needs an escape.
var awkward = map[string]string{
	"plain":                "value",
	"b":                    "2",
	"a":                    "1",
	"empty":                "",
	"key with blanks":      "value with blanks ",
	"leading":              "  two",
	"tab":                  "\tx\ty",
	"#comment":             "#x",
	"!comment":             "!x",
	"k=v":                  "a=b",
	"k:v":                  "a:b",
	`back\slash`:           `c:\temp\new`,
	"lines":                "one\ntwo\r\nthree\f",
	"control":              "\x00\x01\x7f",
	"umlaut ä":             "Größe",
	"face":                 "😀",
	"listener.name.a-1.x":  "y",
	"reference":            "${node.rack} $(HOME) $$",
	"principal.rules":      `RULE:^CN=(.*?),.*$/$1/L,DEFAULT`,
	"sasl.jaas.config":     `org.example.Login required user="a" password="b c";`,
	"invalid utf-8":        "a\xffb",
	"":                     "no key",
	"zzz.trailing.newline": "x\n",
}

func TestText(t *testing.T) {
	golden.Equal(t, "server.properties", []byte(Text(awkward)))
	if got := Text(nil); got != "" {
		t.Errorf("nothing is %q", got)
	}
}

func TestTextIsReadBack(t *testing.T) {
	got, err := readProperties(Text(awkward))
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(awkward)
	want["invalid utf-8"] = "a\uFFFDb"
	if !maps.Equal(got, want) {
		t.Errorf("read back: %q, want %q", got, want)
	}
}

func TestHash(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]string{}
	for name, config := range map[string]map[string]string{
		"none":      {},
		"one":       {"a": "1"},
		"other":     {"a": "2"},
		"two":       {"a": "1", "b": "2"},
		"swapped":   {"a": "2", "b": "1"},
		"joined":    {"a": "1\nb=2"},
		"key joint": {"a=1\nb": "2"},
		"empty":     {"a": ""},
		"blank":     {"a": " "},
	} {
		hash := Hash(config)
		if !form.MatchString(hash) {
			t.Errorf("%s: %q", name, hash)
		}
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[hash] = name
		if again := Hash(maps.Clone(config)); again != hash {
			t.Errorf("%s: %s, then %s", name, hash, again)
		}
	}
	// Pods carry the hash: another one for the same configuration would restart every broker.
	if got := Hash(map[string]string{"a": "1", "b": "2"}); got != "4a73850fde34aad4" {
		t.Errorf("the hash of two settings became %s", got)
	}
	if Hash(nil) != Hash(map[string]string{}) {
		t.Error("nil is not empty")
	}
}

func FuzzText(f *testing.F) {
	for key, value := range awkward {
		f.Add(key, value, "other", value)
	}
	f.Fuzz(func(t *testing.T, key, value, key2, value2 string) {
		config := map[string]string{key: value, key2: value2}
		text := Text(config)
		for i := range len(text) {
			if c := text[i]; c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("byte %#x in %q", c, text)
			}
		}
		if n := strings.Count(text, "\n"); n != len(config) {
			t.Fatalf("%d lines for %d settings: %q", n, len(config), text)
		}
		got, err := readProperties(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if utf8.ValidString(key+"\x00"+key2+"\x00"+value+"\x00"+value2) && !maps.Equal(got, config) {
			t.Fatalf("%q became %q through %q", config, got, text)
		}
	})
}
