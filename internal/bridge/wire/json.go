package wire

import (
	"bytes"
	"iter"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
)

// document returns the one value of a JSON text, without what surrounds it, and
// whether the text is JSON.
func document(text string) (string, bool) {
	c := rawjson.NewCursor([]byte(text))
	value, _ := c.Value()
	return string(value), c.End() == nil
}

// members goes through the members of an object that its schema has admitted:
// unquoted names and raw values, in order, duplicates included.
func members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(name string, value []byte) bool) {
		for raw, value := range rawjson.Members(object) {
			name := string(raw)
			if bytes.IndexByte(raw, '\\') >= 0 {
				name = text(append(append([]byte{'"'}, raw...), '"'))
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// text returns the characters of a string that its schema has admitted.
func text(value []byte) string {
	s, _ := rawjson.Unquote(value) // the only error is that of a value of another kind
	return string(s)
}
