package records

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"

	vector "github.com/segmentio/asm/base64"
)

// base64Error is a text of java.util.Base64's basic decoder, as it is.
type base64Error string

func (e base64Error) Error() string { return string(e) }

// The texts without a variable part.
const (
	errBase64Short  base64Error = "Input byte[] should at least have 2 bytes for base64 bytes"
	errBase64Ending base64Error = "Input byte array has wrong 4-byte ending unit"
	errBase64Bits   base64Error = "Last unit does not have enough valid bits"
)

// appendBase64 appends what text encodes, read as java.util.Base64's basic
// decoder reads it: the standard alphabet, padding optional, trailing bits
// ignored. The error is a base64Error.
func appendBase64(dst, text []byte) ([]byte, error) {
	if n := len(text) / 4 * 3; len(text)%4 == 0 {
		dst = slices.Grow(dst, n)
		got, err := vector.StdEncoding.Decode(dst[len(dst):len(dst)+n], text)
		// Padding leaves at most two bytes out. Line breaks, which the library skips and Java refuses, come in fours where
		// the rest are whole units, and leave out three.
		if err == nil && got > n-3 {
			return dst[:len(dst)+got], nil
		}
	}
	return appendJavaBase64(dst, text)
}

// encodeBase64 appends b in base64 with padding.
func encodeBase64(dst, b []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(b))
	dst = slices.Grow(dst, n)
	text := dst[len(dst) : len(dst)+n]
	done := encodeUnits(text, b)
	base64.StdEncoding.Encode(text[done/3*4:], b[done:])
	return dst[:len(dst)+n]
}

// appendJavaBase64 is appendBase64 without the fast path. Its odd corners are
// Java's: one padding character is enough for a unit of three characters, two
// are needed for one of two, and none may follow a full one.
func appendJavaBase64(dst, text []byte) ([]byte, error) {
	chars := latin1(text)
	if len(chars) == 1 {
		return dst, errBase64Short
	}
	var unit uint32
	n := 0 // characters in the unit
	i := 0
	for ; i < len(chars) && chars[i] != '='; i++ {
		v, ok := sixBits(chars[i])
		if !ok {
			// Java prints the byte as a signed number.
			return dst, base64Error("Illegal base64 character " + strconv.FormatInt(int64(int8(chars[i])), 16))
		}
		unit = unit<<6 | v
		if n++; n == 4 {
			dst = append(dst, byte(unit>>16), byte(unit>>8), byte(unit))
			unit, n = 0, 0
		}
	}
	if i < len(chars) { // a padding character
		i++
		if n == 0 {
			return dst, errBase64Ending
		}
		if n == 2 {
			if i == len(chars) || chars[i] != '=' {
				return dst, errBase64Ending
			}
			i++
		}
	}
	switch n {
	case 1:
		return dst, errBase64Bits
	case 2:
		dst = append(dst, byte(unit>>4))
	case 3:
		dst = append(dst, byte(unit>>10), byte(unit>>2))
	}
	if i < len(chars) {
		return dst, base64Error("Input byte array has incorrect ending byte at " + strconv.Itoa(i))
	}
	return dst, nil
}

// latin1 is what Java's decoder is given for a string: one byte per character,
// a question mark for those past U+00FF.
func latin1(text []byte) []byte {
	ascii := true
	for _, c := range text {
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return text
	}
	chars := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			r = '?'
		}
		chars = append(chars, byte(r))
	}
	return chars
}

// sixBits returns what a character of the standard alphabet stands for.
func sixBits(c byte) (uint32, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return uint32(c - 'A'), true
	case c >= 'a' && c <= 'z':
		return uint32(c-'a') + 26, true
	case c >= '0' && c <= '9':
		return uint32(c-'0') + 52, true
	case c == '+':
		return 62, true
	case c == '/':
		return 63, true
	default:
		return 0, false
	}
}
