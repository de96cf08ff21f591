package rawjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// AppendQuote appends text to dst as a JSON string, spelled as Jackson's UTF-8
// generator does: the quote, the backslash and the five controls that have a
// letter get the short escape, other controls and both halves of a character
// outside the basic plane the form \uXXXX in upper case, everything else
// stands for itself (no HTML escaping; U+007F and U+2028 are literal).
// Malformed UTF-8 becomes U+FFFD as in Java's String constructor.
func AppendQuote(dst, text []byte) []byte {
	dst = append(dst, '"')
	for start, i := 0, 0; ; {
		i = skipPlain(text, i)
		if i < len(text) && text[i] >= utf8.RuneSelf && text[i] < 0xf0 {
			if n := wideLen(text[i:]); n > 0 {
				i += n
				continue
			}
		}
		dst = append(dst, text[start:i]...)
		if i == len(text) {
			return append(dst, '"')
		}
		n := 0
		dst, n = appendSpecial(dst, text[i:])
		i += n
		start = i
	}
}

// AppendQuoteString is AppendQuote for a string.
func AppendQuoteString(dst []byte, text string) []byte {
	if skipPlain([]byte(text), 0) < len(text) {
		return AppendQuote(dst, []byte(text))
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// QuotedLen returns the length of what AppendQuote appends for text.
func QuotedLen(text []byte) int {
	n := len(`""`) + len(text)
	for i := 0; ; {
		i = skipPlain(text, i)
		if i == len(text) {
			return n
		}
		if text[i] >= utf8.RuneSelf && text[i] < 0xf0 {
			if k := wideLen(text[i:]); k > 0 {
				i += k
				continue
			}
		}
		var room [2 * len(`\uXXXX`)]byte
		written, k := appendSpecial(room[:0], text[i:])
		n += len(written) - k
		i += k
	}
}

// QuotedLenString is QuotedLen for a string: the length of what AppendQuoteString
// appends.
func QuotedLenString(text string) int {
	return QuotedLen([]byte(text))
}

// appendSpecial appends what stands for the first character of text, which
// can't be copied, and returns how many bytes of text that was.
func appendSpecial(dst, text []byte) ([]byte, int) {
	if c := text[0]; c < utf8.RuneSelf {
		return appendUnit(dst, uint16(c)), 1
	}
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError && n == 1 {
		return utf8.AppendRune(dst, utf8.RuneError), malformedLen(text)
	}
	return appendPair(dst, r), n
}

// appendUnit appends one UTF-16 unit as a part of a string in normal form.
func appendUnit(dst []byte, u uint16) []byte {
	switch {
	case u < utf8.RuneSelf && isPlain(byte(u)):
		return append(dst, byte(u))
	case u < utf8.RuneSelf && shortEscape(byte(u)) != 0:
		return append(dst, '\\', shortEscape(byte(u)))
	case u < ' ' || isSurrogate(u):
		return append(dst, '\\', 'u', upperHex[u>>12], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
	default:
		return utf8.AppendRune(dst, rune(u))
	}
}

// appendPair appends a character outside the basic plane as two escapes.
func appendPair(dst []byte, r rune) []byte {
	high, low := utf16.EncodeRune(r)
	return appendUnit(appendUnit(dst, uint16(high)), uint16(low))
}

// malformedLen returns how many bytes of text, which starts with malformed
// UTF-8, Java's decoder replaces by one U+FFFD. It takes as much as could
// begin a character, and an encoded surrogate whole.
func malformedLen(text []byte) int {
	low, high := secondByte(text[0])
	switch {
	case len(text) < 2 || text[1] < low || text[1] > high:
		return 1
	case len(text) < 3 || text[2]&0xc0 != 0x80:
		return 2
	default:
		return 3
	}
}

// secondByte returns the range of the bytes that may follow a byte that begins
// a character of three or four, to Java; an empty range for any other byte.
func secondByte(lead byte) (low, high byte) {
	switch {
	case lead == 0xe0:
		return 0xa0, 0xbf
	case lead == 0xf0:
		return 0x90, 0xbf
	case lead == 0xf4:
		return 0x80, 0x8f
	case lead > 0xe0 && lead < 0xf4:
		return 0x80, 0xbf
	default:
		return 1, 0
	}
}

// Unquote returns the characters of a JSON string that this package accepted,
// in UTF-8. A string without escapes is returned as a slice of raw. Half a
// surrogate pair becomes a question mark, as in Java's String.getBytes. The
// only error is a *SyntaxError for a value that is not a string.
func Unquote(raw []byte) ([]byte, error) {
	if KindOf(raw) == String && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	return AppendUnquoted(nil, raw)
}

// AppendUnquoted appends what Unquote returns to dst.
func AppendUnquoted(dst, raw []byte) ([]byte, error) {
	if KindOf(raw) != String {
		return dst, &SyntaxError{Reason: reasonNoString}
	}
	for raw = raw[1 : len(raw)-1]; ; {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...), nil
		}
		dst = append(dst, raw[:i]...)
		n := 0
		dst, n = appendUnescaped(dst, raw[i:])
		raw = raw[i+n:]
	}
}

// appendUnescaped appends the character of the escape, or of the two escapes
// of a surrogate pair, that b starts with, and returns their length.
func appendUnescaped(dst, b []byte) ([]byte, int) {
	switch c := b[1]; c {
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		return appendUnescapedUnit(dst, b)
	default:
		return append(dst, c), 2
	}
}

func appendUnescapedUnit(dst, b []byte) ([]byte, int) {
	u, _ := hex4(b, 2)
	if !isSurrogate(u) {
		return utf8.AppendRune(dst, rune(u)), 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		low, _ := hex4(b, 8)
		if r := utf16.DecodeRune(rune(u), rune(low)); r != utf8.RuneError {
			return utf8.AppendRune(dst, r), 12
		}
	}
	return append(dst, '?'), 6
}
