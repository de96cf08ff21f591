package rawjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// node is a JSON value as a reader understands it: what two spellings of the
// same value have in common. A number is its literal.
type node struct {
	Kind    Kind
	Text    string
	Items   []node
	Members []member
}

type member struct {
	Name  string
	Value node
}

// peerTree reads text with an independent parser. Lone surrogates become
// U+FFFD; repeated names collapse to the last value at the first one's place.
func peerTree(text []byte) (node, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	tree, err := peerValue(dec)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return node{}, fmt.Errorf("text after the value: %w", err)
	}
	return tree, nil
}

func peerValue(dec *jsontext.Decoder) (node, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return node{}, err
	}
	switch token.Kind() {
	case '[':
		n := node{Kind: Array}
		for dec.PeekKind() != ']' {
			item, err := peerValue(dec)
			if err != nil {
				return node{}, err
			}
			n.Items = append(n.Items, item)
		}
		_, err := dec.ReadToken()
		return n, err
	case '{':
		n := node{Kind: Object}
		places := map[string]int{}
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return node{}, err
			}
			key := name.String()
			value, err := peerValue(dec)
			if err != nil {
				return node{}, err
			}
			if at, ok := places[key]; ok {
				n.Members[at].Value = value
				continue
			}
			places[key] = len(n.Members)
			n.Members = append(n.Members, member{key, value})
		}
		_, err := dec.ReadToken()
		return n, err
	case '"':
		return node{Kind: String, Text: token.String()}, nil
	case '0':
		return node{Kind: Number, Text: token.String()}, nil
	case 't', 'f':
		return node{Kind: Bool, Text: token.String()}, nil
	default:
		return node{Kind: Null}, nil
	}
}

// walkTree reads an accepted text with this package's own iterators.
func walkTree(t *testing.T, value []byte) node {
	t.Helper()
	n := node{Kind: KindOf(value)}
	switch n.Kind {
	case Object:
		places := map[string]int{}
		for name, v := range Members(value) {
			quoted := append(append([]byte{'"'}, name...), '"')
			key, err := Unquote(quoted)
			if err != nil {
				t.Fatalf("Unquote(%q): %v", quoted, err)
			}
			tree := walkTree(t, v)
			if at, ok := places[string(key)]; ok {
				n.Members[at].Value = tree
				continue
			}
			places[string(key)] = len(n.Members)
			n.Members = append(n.Members, member{string(key), tree})
		}
	case Array:
		for v := range Elements(value) {
			n.Items = append(n.Items, walkTree(t, v))
		}
	case String:
		s, err := Unquote(value)
		if err != nil {
			t.Fatalf("Unquote(%q): %v", value, err)
		}
		n.Text = string(s)
	case Number, Bool:
		n.Text = string(value)
	}
	return n
}

// limited reports whether err is one of the limits that the peer does not have.
func limited(err error) bool {
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		return false
	}
	switch syntax.Reason {
	case reasonDepth, reasonLong, reasonLarge, reasonRepeating:
		return true
	default:
		return false
	}
}

// loneSurrogates reports whether a valid text has half a surrogate pair, which
// the peer can't tell from other halves.
func loneSurrogates(text []byte) bool {
	return !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true))
}

// checkAgainstPeer holds everything that must be true of any text.
func checkAgainstPeer(t *testing.T, text []byte) {
	t.Helper()
	err := Valid(text)
	if limited(err) {
		return
	}
	plain := bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	want, peerErr := peerTree(plain)
	if accepted := peerErr == nil && utf8.Valid(plain); accepted != (err == nil) {
		t.Fatalf("Valid(%q) = %v, the peer says %v", text, err, peerErr)
	}
	normal, normalErr := Normal(text)
	if limited(normalErr) {
		return
	}
	if (normalErr == nil) != (err == nil) {
		t.Fatalf("Normal(%q) = %v, Valid %v", text, normalErr, err)
	}
	appended, appendErr := AppendNormal([]byte("kept"), text)
	if (appendErr == nil) != (err == nil) || string(appended) != "kept"+string(normal) {
		t.Fatalf("AppendNormal(%q) = %q, %v; Normal %q", text, appended, appendErr, normal)
	}
	if err != nil {
		return
	}
	checkNormal(t, text, normal)
	if loneSurrogates(plain) {
		return
	}
	got, err := peerTree(normal)
	if err != nil {
		t.Fatalf("the peer refuses %q, the normal form of %q: %v", normal, text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q and its normal form %q differ (-want +got):\n%s", text, normal, diff)
	}
	if diff := cmp.Diff(want, walkTree(t, bytes.Trim(plain, " \t\r\n"))); diff != "" {
		t.Fatalf("walking %q (-want +got):\n%s", text, diff)
	}
}

// checkNormal checks that a normal form is one: it is its own, and is not
// rewritten to find that out.
func checkNormal(t *testing.T, text, normal []byte) {
	t.Helper()
	again, err := Normal(normal)
	if err != nil || !bytes.Equal(again, normal) {
		t.Fatalf("Normal(%q) = %q, whose normal form is %q (%v)", text, normal, again, err)
	}
	if &again[0] != &normal[0] {
		t.Fatalf("Normal copies %q, which is in normal form", normal)
	}
	prefix, isNormal, err := Prefix(normal)
	if err != nil || !isNormal || !bytes.Equal(prefix, normal) {
		t.Fatalf("Prefix(%q) = %q, %v, %v", normal, prefix, isNormal, err)
	}
}

func seeds() []string {
	many := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"member %d":%d,`, i, i)
		}
		return "{" + b.String() + last + "}"
	}
	return []string{
		``, ` `, `null`, `true`, `false`, `tru`, `nullx`, `0`, `-0`, `01`, `-`, `1.`, `1.5e+3`, `1e`, `.5`, `1E400`,
		`""`, `"a"`, `"`, `"\`, `"\u12`, `"\x"`, "\"\x01\"", "\"\xff\"", "\"\xed\xa0\x80\"", `"é橋😀"`, "\xef\xbb\xbf1", "\xef\xbb",
		`"\u0041\u00e9\u6a4b\ud83d\ude00\/\b\u0008\u001f\u001F\u007f\u2028"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\uDE00\uD83D"`,
		`"plain text that is longer than sixteen bytes \n and goes on"`, `"ABCDEFGé"`, `"ABCDEFGHIJKLMNO\""`,
		`[]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[ 1 , [ ] ]`, `[`, `[1`, `]`, `[1]]`,
		`{}`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{`, `{"a`, `{"a":1`, `}`,
		`{"a":1,"b":2,"a":3}`, `{"a":{"b":1,"b":[2]},"a":{"c":1,"c":2}}`, `{"a":1,"\u0061":2}`, `{ "a" : 1 , "b" : 2 , "a" : 3 }`,
		`{"":1,"":2}`, `{"abcdefghijklmnop":1,"abcdefgh-ijklmnop":2,"abcdefghXijklmnop":3}`,
		many(8, `"member 7":0`), many(9, `"member 0":0`), many(31, `"member 9":0`), many(40, `"member 30":{"x":1,"x":2}`),
		many(200, `"member 199":0`), many(33, `"z":`+many(3, `"member 1":0`)),
	}
}

func TestSeedsAgainstPeer(t *testing.T) {
	for _, text := range seeds() {
		checkAgainstPeer(t, []byte(text))
		checkAgainstPeer(t, []byte(" \r\n\t"+text+"\n"))
	}
}

func FuzzAgainstPeer(f *testing.F) {
	for _, text := range seeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(checkAgainstPeer)
}
