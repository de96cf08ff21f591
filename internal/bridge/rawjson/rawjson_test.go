package rawjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// repeatText is text n times.
func repeatText(text string, n int) string { return strings.Repeat(text, n) }

func TestValid(t *testing.T) {
	depth := func(n int) string { return repeatText("[", n) + repeatText("]", n) }
	for _, test := range []struct {
		text   string
		reason string // "" for a valid text
		offset int
	}{
		{" \t\r\n1 \t\r\n", "", 0},
		{"\xef\xbb\xbf{}", "", 0},
		{depth(1000), "", 0},
		{depth(1001), reasonDepth, 1000},
		{repeatText(`{"a":`, 1000) + "1" + repeatText("}", 1000), "", 0},
		{repeatText(`{"a":`, 1001), reasonDepth, 5000},
		{"[" + depth(999) + "," + depth(999) + "]", "", 0},
		{repeatText("1", 1000), "", 0},
		{"-" + repeatText("1", 1000), reasonLong, 0},
		{"[0." + repeatText("1", 999) + "]", reasonLong, 1},
		{"", reasonEnd, 0},
		{"\xef\xbb\xbf", reasonEnd, 3},
		{"1 2", reasonTrailing, 2},
		{"01", reasonTrailing, 1},
		{"1\xef\xbb\xbf", reasonTrailing, 1},
		{"nul", reasonEnd, 3},
		{"nulL", reasonValue, 3},
		{"NaN", reasonValue, 0},
		{"-x", reasonNumber, 1},
		{"1.e1", reasonNumber, 2},
		{"[1e+]", reasonNumber, 4},
		{`{"a":1,}`, reasonName, 7},
		{`{1:2}`, reasonName, 1},
		{`{"a";1}`, reasonColon, 4},
		{`{"a":1;"b":2}`, reasonMember, 6},
		{`[1;2]`, reasonElement, 2},
		{`[1,]`, reasonValue, 3},
		{"\"a\nb\"", reasonControl, 2},
		{`"a\qb"`, reasonEscape, 3},
		{`"\u12g4"`, reasonEscape, 5},
		{"\"\xc3(\"", reasonUTF8, 1},
		{"\"橋\xed\xa0\x80\"", reasonUTF8, 4},
		{"\"\xf5\x80\x80\x80\"", reasonUTF8, 1},
		{`"abc`, reasonEnd, 4},
		{`"abc\`, reasonEnd, 5},
		{"[1\v]", reasonElement, 2},
	} {
		err := Valid([]byte(test.text))
		if test.reason == "" {
			if err != nil {
				t.Errorf("Valid(%.40q) = %v", test.text, err)
			}
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Reason != test.reason || syntax.Offset != test.offset {
			t.Errorf("Valid(%.40q) = %v, want %s at offset %d", test.text, err, test.reason, test.offset)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	err := Valid([]byte("[1;2]"))
	if err == nil || err.Error() != "expected ',' or ']' after an element at offset 2" {
		t.Errorf("error text %v", err)
	}
}

// The strings' normal forms were written by Jackson 2.21 (readTree, then
// writeValueAsBytes).
func TestNormal(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{` [ 1 , { "a" : [ ] , "b" : { } } ] `, `[1,{"a":[],"b":{}}]`},
		{`{"price":1.10,"big":123456789012345678901234567890,"huge":1E400,"zero":-0}`, `{"price":1.10,"big":123456789012345678901234567890,"huge":1E400,"zero":-0}`},
		{`"\ud83d\ude00"`, `"\uD83D\uDE00"`},
		{`"😀"`, `"\uD83D\uDE00"`},
		{`"\ud83d"`, `"\uD83D"`},
		{`"\ude00x"`, `"\uDE00x"`},
		{`"\ud83dx"`, `"\uD83Dx"`},
		{`"\u001f\u000b\u0008\u007f\u2028/\/"`, "\"\\u001F\\u000B\\b\u007f\u2028//\""},
		{`"\u0022\u005c\u000A\u000d\u0009\u000c"`, `"\"\\\n\r\t\f"`},
		{`"\u0041\u00e9\u6a4b"`, `"Aé橋"`},
		{`"\u000A"`, `"\n"`},
		{`"\u001f"`, `"\u001F"`},
		{`{"\u0061":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{`{"ab":1,"ab":2}`, `{"ab":2}`},
		{`{"a":1,"a":2,"a":3,"b":4,"b":5}`, `{"a":3,"b":5}`},
		{`[{"x":{"a":1,"a":{"b":1,"b":2}},"x":{"c":[1],"c":[{"d":1,"d":2}]}}]`, `[{"x":{"c":[{"d":2}]}}]`},
		{`{"a":{"b":1},"b":1,"c":{"a":1,"b":2}}`, `{"a":{"b":1},"b":1,"c":{"a":1,"b":2}}`},
	} {
		got, err := Normal([]byte(test.text))
		if err != nil || string(got) != test.want {
			t.Errorf("Normal(%s) = %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

func TestAppendNormalKeepsWhatIsThere(t *testing.T) {
	room := append(make([]byte, 0, 64), `["before",`...)
	got, err := AppendNormal(room, []byte(`{ "before":1, "before":2}`))
	if err != nil || string(got) != `["before",{"before":2}` {
		t.Errorf("AppendNormal = %s, %v", got, err)
	}
	if got, err = AppendNormal(room, []byte(`{ "a":}`)); err == nil || string(got) != `["before",` {
		t.Errorf("AppendNormal of nonsense = %s, %v", got, err)
	}
}

// Objects of every size that is treated differently, with the repeated name
// first, in the middle and last; and names that differ in their length only, or
// in their middle only.
func TestRepeatedNames(t *testing.T) {
	lengths := func(i int) string { return "prefix--" + repeatText("x", i) + "--suffix" }
	middles := func(i int) string { return fmt.Sprintf("prefix--%04d--suffix", i) }
	for _, n := range []int{2, 8, 9, 31, 32, 33, 34, 64, 65, 500} {
		checkRepeatedNames(t, n, lengths)
		checkRepeatedNames(t, n, middles)
	}
}

func checkRepeatedNames(t *testing.T, n int, name func(int) string) {
	t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = name(i)
	}
	object := func(names []string) string {
		return `{"` + strings.Join(names, `":1,"`) + `":2}`
	}
	unique := []byte(object(names))
	if got, err := Normal(unique); err != nil || &got[0] != &unique[0] {
		t.Errorf("%d different names: Normal copies (%v)", n, err)
	}
	for _, at := range []int{0, n / 2, n - 1} {
		got, err := Normal([]byte(object(append(names[:n:n], names[at]))))
		want := strings.Replace(object(append(names[:n:n], "")), `,"":2`, "", 1)
		want = strings.Replace(want, `"`+names[at]+`":1`, `"`+names[at]+`":2`, 1)
		if err != nil || string(got) != want {
			t.Errorf("%d names, number %d repeated:\n got %.300s (%v)\nwant %.300s", n, at, got, err, want)
		}
	}
}

// Nested objects that all repeat a name move their content once each, which
// must not become quadratic: a deep text is refused once it has cost too much.
func TestRepeatedNamesNested(t *testing.T) {
	nest := func(depth, size int) []byte {
		return []byte(repeatText(`{"a":0,"a":`, depth) + `"` + repeatText("x", size) + `"` + repeatText("}", depth))
	}
	got, err := Normal(nest(moveLimit-2, 1000))
	if want := repeatText(`{"a":`, moveLimit-2) + `"` + repeatText("x", 1000) + `"` + repeatText("}", moveLimit-2); err != nil || string(got) != want {
		t.Errorf("Normal = %.100s, %v", got, err)
	}
	var syntax *SyntaxError
	if _, err = Normal(nest(900, 1<<20)); !errors.As(err, &syntax) || syntax.Reason != reasonRepeating {
		t.Errorf("900 levels: %v", err)
	}
	if err := Valid(nest(900, 1000)); err != nil {
		t.Errorf("Valid: %v", err)
	}
}

// What follows the value, or stands instead of one, was compared with Jackson
// 2.21's readTree.
func TestPrefix(t *testing.T) {
	for _, test := range []struct {
		text, want string
		normal     bool
		bad        bool
	}{
		{text: "", want: ""},
		{text: " \n", want: ""},
		{text: "123 abc", want: "123", normal: true},
		{text: "123\n", want: "123", normal: true},
		{text: "123", want: "123", normal: true},
		{text: "123abc", bad: true},
		{text: "123,", bad: true},
		{text: "nullx", bad: true},
		{text: "null_", bad: true},
		{text: "null,", want: "null", normal: true},
		{text: "true]", want: "true", normal: true},
		{text: `"a"b`, want: `"a"`, normal: true},
		{text: `{}x`, want: `{}`, normal: true},
		{text: " [1, 2] [", want: `[1, 2]`},
		{text: `{"a":1,"a":2}}`, want: `{"a":1,"a":2}`},
		{text: "\xef\xbb\xbf1", want: "1", normal: true},
		{text: "[1", bad: true},
		{text: "tru", bad: true},
		{text: "01", bad: true},
		{text: "{a}", bad: true},
		{text: "\x00", bad: true},
		{text: "plain text", bad: true},
	} {
		got, normal, err := Prefix([]byte(test.text))
		if (err != nil) != test.bad || string(got) != test.want || normal != test.normal {
			t.Errorf("Prefix(%q) = %q, %v, %v", test.text, got, normal, err)
		}
	}
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "null", `true`: "boolean", `false`: "boolean", `-1`: "number", `0`: "number", `9.5`: "number",
		`"a"`: "string", `[]`: "array", `{}`: "object", ``: "invalid", ` 1`: "invalid", `:`: "invalid", `/`: "invalid",
	} {
		if got := KindOf([]byte(text)).String(); got != want {
			t.Errorf("KindOf(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for name, text := range samples() {
		if n := testing.AllocsPerRun(20, func() { _ = Valid(text) }); n != 0 {
			t.Errorf("%s: Valid allocates %v times", name, n)
		}
		if n := testing.AllocsPerRun(20, func() { _, _, _ = Prefix(text) }); n != 0 {
			t.Errorf("%s: Prefix allocates %v times", name, n)
		}
		room := make([]byte, 0, 4*len(text))
		if n := testing.AllocsPerRun(20, func() { _, _ = AppendNormal(room, text) }); n != 0 {
			t.Errorf("%s: AppendNormal allocates %v times", name, n)
		}
	}
}
