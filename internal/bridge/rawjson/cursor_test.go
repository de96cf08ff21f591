package rawjson

import (
	"fmt"
	"strings"
	"testing"
)

// trace walks a whole text with a cursor, opening everything, and writes down
// what it met.
func trace(text string) (string, error) {
	c := NewCursor([]byte(text))
	var b strings.Builder
	traceValue(&c, &b)
	return b.String(), c.End()
}

func traceValue(c *Cursor, b *strings.Builder) {
	switch {
	case c.OpenObject():
		b.WriteString("{")
		for name, ok := c.Member(); ok; name, ok = c.Member() {
			fmt.Fprintf(b, " %s=", name)
			traceValue(c, b)
		}
		b.WriteString(" }")
	case c.OpenArray():
		b.WriteString("[")
		for c.Element() {
			b.WriteString(" ")
			traceValue(c, b)
		}
		b.WriteString(" ]")
	default:
		raw, _ := c.Value()
		b.Write(raw)
	}
}

func TestCursorWalks(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:            `{ }`,
		" [ ] \n":       `[ ]`,
		`[[],{},[{}]]`:  `[ [ ] { } [ { } ] ]`,
		`{"a":1,"b":2}`: `{ a=1 b=2 }`,
		"\xef\xbb\xbf { \"a\" : [ 1 , \"x\" , null ] , \"b\" : { \"c\" : true } } ": `{ a=[ 1 "x" null ] b={ c=true } }`,
		`{"a\"\\":{"":[]},"a":1}`: `{ a\"\\={ =[ ] } a=1 }`,
		`17`:                      `17`,
	} {
		got, err := trace(text)
		if err != nil || got != want {
			t.Errorf("walking %s gives %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestCursorRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                              reasonEnd + " at offset 0",
		`{`:                             reasonEnd + " at offset 1",
		`[`:                             reasonEnd + " at offset 1",
		`[1`:                            reasonEnd + " at offset 2",
		`[1,`:                           reasonEnd + " at offset 3",
		`[1,]`:                          reasonValue + " at offset 3",
		`[,1]`:                          reasonValue + " at offset 1",
		`[1 2]`:                         reasonElement + " at offset 3",
		`{"a":1 "b":2}`:                 reasonMember + " at offset 7",
		`{"a":1,}`:                      reasonName + " at offset 7",
		`{"a"}`:                         reasonColon + " at offset 4",
		`{"a":}`:                        reasonValue + " at offset 5",
		`{"a":1]`:                       reasonMember + " at offset 6",
		`[1}`:                           reasonElement + " at offset 2",
		`[] x`:                          reasonTrailing + " at offset 3",
		`{"a` + "\x00" + `":1}`:         reasonControl + " at offset 3",
		strings.Repeat("[", MaxDepth+1): reasonDepth + " at offset 1000",
	} {
		if got, err := trace(text); err == nil || err.Error() != want {
			t.Errorf("walking %.20s gives %.20s, %v; want %s", text, got, err, want)
		}
	}
}

// After an error nothing moves any more.
func TestCursorStaysFailed(t *testing.T) {
	c := NewCursor([]byte(`[x, 1]`))
	if !c.OpenArray() || !c.Element() {
		t.Fatal("the array does not open")
	}
	if raw, normal := c.Value(); raw != nil || normal {
		t.Fatalf("Value = %q, %v", raw, normal)
	}
	if _, ok := c.Member(); ok || c.Element() || c.OpenArray() || c.OpenObject() || c.Kind() != Invalid || c.Offset() != -1 {
		t.Error("the cursor moves after an error")
	}
	if raw, _ := c.Value(); raw != nil {
		t.Errorf("Value after an error: %q", raw)
	}
	if err := c.End(); err == nil || err.Error() != reasonValue+" at offset 1" {
		t.Errorf("End = %v", err)
	}
}

// Each value is judged on its own, whatever surrounds it.
func TestCursorNormal(t *testing.T) {
	c := NewCursor([]byte(`{ "a" : {"x":1} , "a" : [1, 2] , "b":"\/", "c":{"y":1,"y":1}, "d":0}`))
	if !c.OpenObject() {
		t.Fatal("not an object")
	}
	var got []string
	for name, ok := c.Member(); ok; name, ok = c.Member() {
		raw, normal := c.Value()
		got = append(got, fmt.Sprintf("%s %s %v", name, raw, normal))
	}
	want := `a {"x":1} true; a [1, 2] false; b "\/" false; c {"y":1,"y":1} false; d 0 true`
	if err := c.End(); err != nil || strings.Join(got, "; ") != want {
		t.Errorf("got %s, %v", strings.Join(got, "; "), err)
	}
}

// The depth of what is opened counts for the values inside.
func TestCursorDepth(t *testing.T) {
	inner := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct {
		depth int
		ok    bool
	}{{MaxDepth - 1, true}, {MaxDepth, false}} {
		c := NewCursor([]byte(`{"a":` + inner(test.depth) + `,"b":` + inner(test.depth) + `}`))
		c.OpenObject()
		for _, ok := c.Member(); ok; _, ok = c.Member() {
			c.Value()
		}
		if err := c.End(); (err == nil) != test.ok {
			t.Errorf("depth %d: %v", test.depth, err)
		}
	}
}

// Only what is open at once counts.
func TestCursorManySiblings(t *testing.T) {
	text := "[" + strings.Repeat("[],{},", MaxDepth) + "[{}]]"
	if _, err := trace(text); err != nil {
		t.Error(err)
	}
}

func TestWalkStopsEarly(t *testing.T) {
	n := 0
	for range Elements([]byte(`[1,2,3]`)) {
		n++
		break
	}
	for range Members([]byte(`{"a":1,"b":2}`)) {
		n++
		break
	}
	if n != 2 {
		t.Errorf("%d steps", n)
	}
}

func TestWalkOfSomethingElse(t *testing.T) {
	for _, text := range []string{``, `null`, `"a"`, `1`, `[`, `{`, `{"a"`} {
		for range Elements([]byte(text)) {
			t.Errorf("Elements of %s yields", text)
		}
		for range Members([]byte(text)) {
			t.Errorf("Members of %s yields", text)
		}
	}
}

// FuzzCursor opens everything it can and must come to the verdict of Valid.
func FuzzCursor(f *testing.F) {
	for _, text := range seeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := trace(text)
		valid := Valid([]byte(text))
		switch {
		case (err == nil) != (valid == nil):
			t.Fatalf("walking %q: %v, Valid: %v", text, err, valid)
		case err != nil && err.Error() != valid.Error():
			t.Fatalf("walking %q: %v, Valid: %v", text, err, valid)
		}
	})
}
