// Package rawjson reads JSON without turning it into Go values: a text is
// checked once and handed on as slices of itself. The bridge needs no more,
// since the JSON of its users goes to Kafka and back as bytes, in which the
// order of members and the digits of numbers must survive.
//
// The grammar is RFC 8259 in UTF-8, with the limits of the parser that the
// bridge contract describes: nesting to MaxDepth, numbers to MaxNumber
// characters. A byte order mark at the start is tolerated. Member names may
// repeat; the last value counts and stands at the first one's place.
//
// The normal form is what Jackson's UTF-8 generator writes for the same text,
// except that numbers keep their digits: no whitespace, no repeated names, and
// every character of a string in the one spelling that Jackson has for it (see
// AppendQuote). Two texts that differ only in spelling have the same normal
// form, so keys that mean the same go to the same partition.
//
// The package does no I/O and keeps no state between calls.
package rawjson

import "strconv"

// Limits of an accepted text. They are those of Jackson's stream constraints,
// which the bridge contract (1.9a) shows from outside.
const (
	// MaxDepth is the number of arrays and objects that may be open at once.
	MaxDepth = 1000
	// MaxNumber is the length of the longest number, in characters.
	MaxNumber = 1000
	// MaxText is the size of the largest text, in bytes: positions are kept
	// in 32 bits, and the normal form can be up to three times as long.
	MaxText = 1<<30 - 1
)

// Kind is the JSON type of a value.
type Kind uint8

// The kinds, and Invalid for anything that no value starts with.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the name that JSON Schema has for the kind.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	default:
		return "invalid"
	}
}

// KindOf tells the kind of a value from its first byte. The value must have no
// whitespace in front, as in every slice that this package returns; Invalid is
// returned for an empty one.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return Invalid
	}
	switch c := value[0]; c {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	default:
		if c == '-' || isDigit(c) {
			return Number
		}
		return Invalid
	}
}

// SyntaxError says where and why a text is not accepted.
type SyntaxError struct {
	// Offset is the position of the offending byte, counted from 0; the
	// length of the text where it ends too early.
	Offset int
	// Reason is a phrase without the position.
	Reason string
}

// Error returns the reason and the offset.
func (e *SyntaxError) Error() string {
	return e.Reason + " at offset " + strconv.Itoa(e.Offset)
}

// Reasons of a SyntaxError.
const (
	reasonEnd       = "unexpected end of JSON text"
	reasonValue     = "expected a JSON value"
	reasonName      = "expected a member name in double quotes"
	reasonColon     = "expected ':' after a member name"
	reasonMember    = "expected ',' or '}' after a member"
	reasonElement   = "expected ',' or ']' after an element"
	reasonTrailing  = "unexpected text after the JSON value"
	reasonControl   = "unescaped control character in a string"
	reasonEscape    = "invalid escape in a string"
	reasonUTF8      = "invalid UTF-8 in a string"
	reasonNumber    = "invalid number"
	reasonLong      = "number of more than 1000 characters"
	reasonDepth     = "nesting deeper than 1000"
	reasonLarge     = "JSON text of more than 1 GiB"
	reasonNoString  = "expected a JSON string"
	reasonRepeating = "too many nested objects with repeated member names"
)

// Valid reports whether text is exactly one JSON value, which may have
// whitespace around and a byte order mark in front. The error is a
// *SyntaxError. It does not allocate for a valid text.
func Valid(text []byte) error {
	s := scanner{data: text} // not looking for the normal form, it keeps no names
	_, err := s.whole()
	return err
}

// Normal returns the normal form of text, which must be one JSON value, with
// or without whitespace around it. A text in normal form comes back itself
// (less surrounding whitespace), without an allocation. The error is a
// *SyntaxError.
func Normal(text []byte) ([]byte, error) {
	s := scanner{data: text, normal: true}
	value, err := s.whole()
	if err != nil || s.normal {
		return value, err
	}
	return AppendRewritten(make([]byte, 0, len(value)), value)
}

// AppendNormal appends the normal form of text, which must be one JSON value,
// to dst. The error is a *SyntaxError; dst is then returned as it was.
func AppendNormal(dst, text []byte) ([]byte, error) {
	s := scanner{data: text, normal: true}
	value, err := s.whole()
	if err != nil {
		return dst, err
	}
	if s.normal {
		return append(dst, value...), nil
	}
	return AppendRewritten(dst, value)
}

// Prefix returns the first value of text and whether it is in normal form;
// what follows it is ignored. This is how the bridge reads records back
// (contract 1.6): like Jackson it wants a number to be followed by whitespace
// or the end, and a literal by something that can't be a part of it. A text
// with nothing but whitespace has no value: nil without an error.
func Prefix(text []byte) (value []byte, normal bool, err error) {
	s := scanner{data: text, normal: true}
	start := skipSpace(text, bomLen(text))
	if start == len(text) {
		return nil, false, nil
	}
	end := s.root(start)
	if end < 0 {
		return nil, false, s.err
	}
	if end < len(text) && !separates(KindOf(text[start:]), text[end]) {
		return nil, false, &SyntaxError{Offset: end, Reason: reasonTrailing}
	}
	return text[start:end], s.normal, nil
}

// separates reports whether a root value of the given kind ends in front of c.
func separates(k Kind, c byte) bool {
	switch k {
	case Number:
		return isSpace(c)
	case Null, Bool:
		return !isDigit(c) && !isLetter(c) && c != '_' && c != '$' && c < 0x80
	default:
		return true
	}
}
