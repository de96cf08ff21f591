package origins

import (
	"errors"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/javaregex"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		list    string
		yes, no []string
	}{
		{"*", []string{"https://a.example", "null", ""}, nil},
		{"https://strimzi.io", []string{"https://strimzi.io"}, []string{"https://strimzi.io.evil", "http://strimzi.io", "https://strimzi.io:443", ""}},
		{"https://strimzi.io, *", []string{"https://anything"}, nil},
		{
			"https://a.example,https://b.example",
			[]string{"https://a.example", "https://b.example"},
			[]string{"https://c.example", "https://a.example,https://b.example"},
		},
		{" https://a\\.example , ,", []string{"https://a.example"}, []string{"https://axexample", ""}},
		{"https?://.*\\.example", []string{"https://x.example", "http://x.y.example"}, []string{"https://x.example.org", "ftp://x.example"}},
		{"https://[a-z]{2,3}(?:,|\\.)x[,]?", []string{"https://ab.x", "https://abc,x,"}, []string{"https://a.x"}},
		{`https://a\,b`, []string{"https://a,b"}, []string{"https://a"}},
		{"(?i)https://A.example", []string{"https://a.EXAMPLE"}, nil},
	} {
		o, err := Parse(c.list)
		if err != nil {
			t.Errorf("%q: %v", c.list, err)
			continue
		}
		for _, origin := range c.yes {
			if !o.Allows(origin) {
				t.Errorf("%q does not allow %q", c.list, origin)
			}
		}
		for _, origin := range c.no {
			if o.Allows(origin) {
				t.Errorf("%q allows %q", c.list, origin)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, list := range []string{"", " ", ",,"} {
		if _, err := Parse(list); err == nil {
			t.Errorf("%q is taken", list)
		}
	}
	_, err := Parse("https://a.example,https://(?!b).example")
	var unsupported *javaregex.UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), `"https://(?!b).example"`) {
		t.Errorf("%v, want the alternative and the construct", err)
	}
	if (Set{}).Allows("https://a.example") {
		t.Error("the zero value allows an origin")
	}
}

// FuzzParse: no list makes the parser panic, and one that is taken answers.
func FuzzParse(f *testing.F) {
	f.Add("*", "https://a")
	f.Add(`https://a\,b,(c,d)[,]{1,2}`, "https://a,b")
	f.Add(`\`, "")
	f.Add("]),a", "a")
	f.Fuzz(func(t *testing.T, list, origin string) {
		o, err := Parse(list)
		if err == nil && strings.TrimSpace(list) == "*" && !o.Allows(origin) {
			t.Errorf("%q does not allow %q", list, origin)
		}
	})
}
