package schema

import (
	"bytes"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
)

// document returns the one value of a text, or an error when it is not JSON.
func document(text []byte) ([]byte, error) {
	c := rawjson.NewCursor(text)
	value, _ := c.Value()
	return value, c.End()
}

// unescaped returns the characters of a member's name, given as it is spelled
// between the quotation marks.
func unescaped(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	quoted := append(append([]byte{'"'}, name...), '"')
	plain, _ := rawjson.Unquote(quoted) // a name is a string
	return plain
}

// text returns the characters of a string value.
func text(value []byte) string {
	s, _ := rawjson.Unquote(value) // the only error is that of a value of another kind
	return string(s)
}
