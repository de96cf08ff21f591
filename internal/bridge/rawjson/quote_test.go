package rawjson

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"
)

func TestAppendQuote(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"a\"b\\c/<&>'", `"a\"b\\c/<&>'"`},
		{"\x00\x01\b\t\n\v\f\r\x1f\x7f", `"\u0000\u0001\b\t\n\u000B\f\r\u001F` + "\x7f\""},
		{"é橋\u2028\uffff", "\"é橋\u2028\uffff\""},
		{"a😀b", `"a\uD83D\uDE00b"`},
		{"sixteen bytes of plain text \x01 and then some more of it", `"sixteen bytes of plain text \u0001 and then some more of it"`},
	} {
		if got := string(AppendQuote(nil, []byte(test.text))); got != test.want {
			t.Errorf("AppendQuote(%q) = %s, want %s", test.text, got, test.want)
		}
		if got := string(AppendQuoteString([]byte("x"), test.text)); got != "x"+test.want {
			t.Errorf("AppendQuoteString(%q) = %s, want x%s", test.text, got, test.want)
		}
	}
}

// What Java 17 makes of malformed UTF-8: new String(bytes, UTF_8). An
// exhaustive comparison over sequences of up to four bytes was made once; these
// are its kinds.
func TestAppendQuoteMalformed(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"\x80", "?"},
		{"\xbf\x80", "??"},
		{"\xc0\x80", "??"},
		{"\xc2", "?"},
		{"\xc2A", "?A"},
		{"\xe0\x80\x80", "???"},
		{"\xe0\xa0", "?"},
		{"\xe0\xa0A", "?A"},
		{"\xe1\x80", "?"},
		{"\xe1\x80A\x80", "?A?"},
		{"\xed\xa0\x80", "?"},
		{"\xed\xa0", "?"},
		{"\xed\xbf\xbfA", "?A"},
		{"\xf0\x80\x80\x80", "????"},
		{"\xf0\x90\x80", "?"},
		{"\xf0\x90\x80A", "?A"},
		{"\xf0\x90A", "?A"},
		{"\xf4\x8f\xbf", "?"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xf5\x80", "??"},
		{"\xff\xfe", "??"},
		{"é\xff橋", "é?橋"},
	} {
		want := "\"" + string(bytes.ReplaceAll([]byte(test.want), []byte("?"), []byte("\ufffd"))) + "\""
		if got := string(AppendQuote(nil, []byte(test.text))); got != want {
			t.Errorf("AppendQuote(% x) = %s, want %s", test.text, got, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{`""`, ""},
		{`"é橋😀"`, "é橋😀"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"a\u0041\u00e9\u6A4Bb"`, "aAé橋b"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\ud83d"`, "?"},
		{`"\ud83d\u0041"`, "?A"},
		{`"\ud83d\ud83d\ude00"`, "?😀"},
		{`"\ude00\n"`, "?\n"},
		{`"\ud83dx\ude00"`, "?x?"},
	} {
		got, err := Unquote([]byte(test.raw))
		if err != nil || string(got) != test.want {
			t.Errorf("Unquote(%s) = %q, %v; want %q", test.raw, got, err, test.want)
		}
		got, err = AppendUnquoted([]byte("x"), []byte(test.raw))
		if err != nil || string(got) != "x"+test.want {
			t.Errorf("AppendUnquoted(%s) = %q, %v; want x%q", test.raw, got, err, test.want)
		}
	}
}

func TestUnquoteOfSomethingElse(t *testing.T) {
	var syntax *SyntaxError
	for _, raw := range []string{``, `1`, `null`, `["a\n"]`} {
		if got, err := Unquote([]byte(raw)); !errors.As(err, &syntax) || got != nil {
			t.Errorf("Unquote(%s) = %q, %v", raw, got, err)
		}
	}
}

func TestUnquoteSharesMemory(t *testing.T) {
	raw := []byte(`"plain"`)
	got, _ := Unquote(raw)
	if &got[0] != &raw[1] {
		t.Error("Unquote copies a string without escapes")
	}
}

// FuzzQuote: any bytes quoted are a string in normal form, of the length
// foretold, that reads as the bytes did.
func FuzzQuote(f *testing.F) {
	for _, text := range append(seeds(), "\xe0\xa0\xff", "\xf0\x90\x80\xed\xa0\x80", "\x00😀\x80") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		quoted := AppendQuote(nil, text)
		if got := QuotedLen(text); got != len(quoted) {
			t.Fatalf("QuotedLen(%q) = %d, want %d", text, got, len(quoted))
		}
		if got := QuotedLenString(string(text)); got != len(quoted) {
			t.Fatalf("QuotedLenString(%q) = %d, want %d", text, got, len(quoted))
		}
		if _, normal, err := Prefix(quoted); err != nil || !normal {
			t.Fatalf("AppendQuote(%q) = %s, normal %v, %v", text, quoted, normal, err)
		}
		back, err := Unquote(quoted)
		if err != nil || utf8.Valid(text) && !bytes.Equal(back, text) {
			t.Fatalf("%q comes back as %q, %v", text, back, err)
		}
		if !utf8.Valid(back) {
			t.Fatalf("%q comes back malformed: %q", text, back)
		}
	})
}
