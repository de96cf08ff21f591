package kafka

import (
	"maps"
	"strings"
	"testing"
)

func TestParseJAAS(t *testing.T) {
	for _, tc := range []struct {
		text, module string
		options      map[string]string
	}{
		{`a.b.C required;`, "a.b.C", nil},
		{`a.b.C REQUISITE u="x" p='y' ;`, "a.b.C", map[string]string{"u": "x", "p": "y"}},
		{`"a.b.C" optional "u"=x.y-z_$1;`, "a.b.C", map[string]string{"u": "x.y-z_$1"}},
		{`a sufficient u="q\"q" p='it''s'=x;`, "a", map[string]string{"u": `q"q`, "p": "it", "s": "x"}},
		{`a required u="tab\there" p="\101\60\0661\400" q="\q\\";`, "a", map[string]string{"u": "tab\there", "p": "A061 0", "q": `q\`}},
		{"a required // x = y\n u=1 /* z=\n1 */ p=b;", "", nil},
		{"a required // x = y\n u=b1 /* z=\n1 */ p=b;", "a", map[string]string{"u": "b1", "p": "b"}},
		{"a required / one slash is a comment too\nu=b;", "a", map[string]string{"u": "b"}},
		{"a required /\nu=c;\nu=b;", "a", map[string]string{"u": "b"}},
		{`a required 1=x -=y u=b;`, "a", map[string]string{"u": "b"}},
		{`a required é=ü 漢=字;`, "a", map[string]string{"é": "ü", "漢": "字"}},
		{`a required u=b u=c;`, "a", map[string]string{"u": "c"}},
		{`a required u="";`, "a", map[string]string{"u": ""}},
	} {
		got, err := ParseJAAS(tc.text)
		if tc.module == "" {
			if err == nil {
				t.Errorf("%s: %s %v", tc.text, got.Module, got.Options)
			}
			continue
		}
		if err != nil || got.Module != tc.module || !maps.Equal(got.Options, tc.options) {
			t.Errorf("%s: %s %q %v", tc.text, got.Module, got.Options, err)
		}
	}
}

func TestParseJAASErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "Login module not specified in JAAS config",
		" /* nothing */ ":                  "Login module not specified in JAAS config",
		"/* never closed":                  "Login module not specified in JAAS config",
		"a":                                "Login module control flag not specified in JAAS config",
		"; required;":                      "Login module not specified in JAAS config",
		"7 required;":                      "Login module not specified in JAAS config",
		"a 7 b=c;":                         "Login module control flag is not available in the JAAS config",
		"a perhaps b=c;":                   "Invalid login module control flag in JAAS config",
		"a required b=c":                   "JAAS config entry not terminated by semi-colon",
		"a required; b required;":          "JAAS config property contains 2 login modules, should be 1 module",
		"a required username=-;":           "Value not specified for key 'username' in JAAS config",
		"a required username=5;":           "Value not specified for key 'username' in JAAS config",
		"a required password;":             "Value not specified for key 'password' in JAAS config",
		"a required oauth.client.id=;":     "Value not specified for key 'oauth.client.id' in JAAS config",
		"a required oauth.Private1 x;":     "Value not specified for a key in JAAS config",
		"a required private x;":            "Value not specified for a key in JAAS config",
		`a required username="x" "y" "z";`: "Value not specified for a key in JAAS config",
	} {
		if _, err := ParseJAAS(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParseJAAS: no text stops the parser, no error repeats more of the text than known names, and what was read can be
// written and read again.
func FuzzParseJAAS(f *testing.F) {
	for _, seed := range []string{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`,
		"a required /* */ b='c' // d\n;", `a required b="\101\n\\" c=-1.5.;`, "\"", "/", "'\n", "-", "a required b=c",
	} {
		f.Add(seed)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseJAAS(text)
		if err != nil {
			if len(err.Error()) > 120 {
				t.Errorf("%q", err)
			}
			return
		}
		var b strings.Builder
		b.WriteString(`"` + quote.Replace(got.Module) + `" required`)
		for k, v := range got.Options {
			b.WriteString(` "` + quote.Replace(k) + `"="` + quote.Replace(v) + `"`)
		}
		again, err := ParseJAAS(b.String() + ";")
		if err != nil || again.Module != got.Module || !maps.Equal(again.Options, got.Options) {
			t.Errorf("%q gave %v, written as %s gave %v %v", text, got.Options, b.String(), again.Options, err)
		}
	})
}
