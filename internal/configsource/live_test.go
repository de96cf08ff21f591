package configsource

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inDirectory declares the providers dir (limited to allowed unless that is empty), file and env.
func inDirectory(t *testing.T, allowed string) *Resolver {
	t.Helper()
	const classes = "org.apache.kafka.common.config.provider."
	declared := map[string]string{
		"config.providers": "dir,file,env", "config.providers.dir.class": classes + "DirectoryConfigProvider",
		"config.providers.file.class": classes + "FileConfigProvider", "config.providers.env.class": classes + "EnvVarConfigProvider",
	}
	if allowed != "" {
		declared["config.providers.dir.param.allowed.paths"] = allowed
	}
	r, err := NewResolver(declared, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Only files of declared providers, that the provider would read, are to be watched.
func TestFilesOfReferences(t *testing.T) {
	dir := t.TempDir()
	props := map[string]string{
		"ssl.keystore.key":               "${dir:" + dir + ":user.key}",
		"ssl.keystore.certificate.chain": "${dir:" + dir + ":user.crt}${dir:" + dir + ":user.crt}",
		"sasl.jaas.config":               `M required username="${env:USER}" password="${file:/etc/login.properties:password}" x="${dir:/elsewhere:x}";`,
		"a":                              "${dir:" + dir + ":../b}${dir::b}${dir:" + dir + ":}${file:c}${theirs:/d:e}${dir",
		"config.providers.dir.param.x":   "${dir:" + dir + ":declared}",
	}
	got := inDirectory(t, dir).Files(props)
	want := []string{"/etc/login.properties", filepath.Join(dir, "user.crt"), filepath.Join(dir, "user.key")}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := inDirectory(t, "").Files(map[string]string{"a": "plain text"}); len(got) != 0 {
		t.Errorf("files of nothing: %q", got)
	}
}

// What had a value once is not replaced by the reference's own text.
func TestResolveAll(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := inDirectory(t, "")
	got, err := r.ResolveAll(t.Context(), map[string]string{"ssl.x": "${dir:" + dir + ":a}", "ssl.y": "${theirs:b}"})
	if err != nil || got["ssl.x"] != "1" || got["ssl.y"] != "${theirs:b}" {
		t.Errorf("%v %v", got, err)
	}
	_, err = r.ResolveAll(t.Context(), map[string]string{"ssl.x": "${dir:" + dir + ":a}", "ssl.y": "${dir:" + dir + ":b}"})
	if want := "kafka.ssl.y: the reference ${dir:" + dir + ":b} has no value"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// quoted is what Java's StreamTokenizer makes of a text behind an opening quote, and whether the quote ends at all.
func quoted(text string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return out.String(), true
		case c == '\n' || c == '\r':
			return "", false
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}

// Between quotes a value stays what Java reads wherever Java reads it at all.
func TestInsideQuotes(t *testing.T) {
	for value, want := range map[string]string{
		"plain": "plain", "with\n": "with", "with\r\n": "with", "": "",
		`a "quote"`: `a "quote"`, `"`: `"`, `back\slash and "`: `back\slash and "`,
		`escaped \" already`: `escaped " already`, `ends in \`: `ends in \`, `two \\`: `two \`,
	} {
		got, ended := quoted(insideQuotes(value) + `";`)
		if !ended || got != want {
			t.Errorf("%q became %q, read as %q", value, insideQuotes(value), got)
		}
	}
}

// Whatever a password is made of, the option ends where it should, and what Java could read is not changed.
func FuzzInsideQuotes(f *testing.F) {
	for _, seed := range []string{"", "a", `"`, `\`, `\"`, `\\"`, "a\n", "a\r\n", `a\b"c\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		made := insideQuotes(value)
		if strings.ContainsAny(made, "\r\n") {
			return // a line end in the middle stays, and is refused with the setting's name
		}
		if _, ended := quoted(made + `"`); !ended {
			t.Errorf("%q became %q, which does not end", value, made)
		}
		rest, _ := quoted(made + `" next="x"`)
		if all, _ := quoted(made + `"`); rest != all {
			t.Errorf("%q became %q, which ends early", value, made)
		}
		if !strings.ContainsAny(value, `"`) && !strings.HasSuffix(value, `\`) && made != strings.TrimRight(value, "\r\n") {
			t.Errorf("%q, which Java reads, became %q", value, made)
		}
	})
}
