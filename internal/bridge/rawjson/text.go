package rawjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Bytes repeated over a word, for looking at eight bytes at once.
const (
	ones        = 0x0101010101010101
	highBits    = 0x80 * ones
	backslashes = '\\' * ones
	// Flipping the bit in which quote and blank differ puts the quote right behind the control characters, which stay among
	// themselves, and nothing else there: one subtraction finds both.
	quoteDown = ('"' ^ ' ') * ones
	quoteTop  = (' ' + 1) * ones
)

// special marks, with the high bit, the first byte of x that is a quote, a
// backslash, a control character or not ASCII. Bytes behind the first marked
// one may be marked wrongly (a borrow crosses them), those before never are.
// The other bits mean nothing.
func special(x uint64) uint64 {
	return ((x ^ quoteDown) - quoteTop) | ((x ^ backslashes) - ones) | x
}

// skipPlain returns the position of the first byte of b from i on that is
// special, or len(b).
func skipPlain(b []byte, i int) int {
	for end := min(len(b), i+16) - 8; i <= end; i += 8 { // most strings are short
		if m := special(binary.LittleEndian.Uint64(b[i:])) & highBits; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if hasVector && len(b)-i >= vectorLen {
		return i + skipVector(b[i:])
	}
	return skipWords(b, i)
}

// skipWords is skipPlain without vector instructions.
func skipWords(b []byte, i int) int {
	for len(b)-i >= 32 {
		w := (*[32]byte)(b[i:])
		m := special(binary.LittleEndian.Uint64(w[:])) | special(binary.LittleEndian.Uint64(w[8:])) |
			special(binary.LittleEndian.Uint64(w[16:])) | special(binary.LittleEndian.Uint64(w[24:]))
		if m&highBits != 0 {
			break
		}
		i += 32
	}
	for ; len(b)-i >= 8; i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])) & highBits; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && isPlain(b[i]) {
		i++
	}
	return i
}

// isPlain reports whether c stands for itself in a string and is ASCII.
func isPlain(c byte) bool {
	return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
}

// text scans the rest of a string, from behind its opening quote.
func (s *scanner) text(i int) int {
	b := s.data
	for {
		i = skipPlain(b, i)
		if i >= len(b) {
			return s.fail(i, reasonEnd)
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i = s.escape(i)
		case c < ' ':
			return s.fail(i, reasonControl)
		default:
			i = s.wide(i)
		}
		if i < 0 {
			return i
		}
	}
}

// wide scans a run of characters that are not ASCII. Those outside the basic
// plane are not normal: Jackson writes them as two escapes.
func (s *scanner) wide(i int) int {
	b := s.data
	for i < len(b) && b[i] >= utf8.RuneSelf {
		n := wideLen(b[i:])
		if n == 0 {
			return s.fail(i, reasonUTF8)
		}
		if n == 4 {
			s.normal = false
		}
		i += n
	}
	return i
}

// wideLen returns the length of the well-formed UTF-8 sequence of two to four
// bytes that b starts with, or 0.
func wideLen(b []byte) int {
	// The common case of three bytes, other than the two lead bytes after
	// which not every continuation byte may follow.
	if len(b) >= 3 && b[0]&0xf0 == 0xe0 && b[0] != 0xe0 && b[0] != 0xed &&
		b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80 {
		return 3
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n <= 1 {
		return 0
	}
	return n
}

// escape scans the escape whose backslash is at i and notes whether Jackson
// would have written it so.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.data) {
		return s.fail(i+1, reasonEnd)
	}
	switch s.data[i+1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case '/':
		s.normal = false
		return i + 2
	case 'u':
		u, ok := hex4(s.data, i+2)
		if !ok {
			return s.fail(hexEnd(s.data, i+2), reasonEscape)
		}
		s.normal = s.normal && s.normalUnit(u, i)
		return i + 6
	default:
		return s.fail(i+1, reasonEscape)
	}
}

// normalUnit reports whether the escape \uXXXX at i, with the value u, is what
// the normal form has: upper-case digits, and a character that must be escaped
// and has no short form, or a half of a surrogate pair.
func (s *scanner) normalUnit(u uint16, i int) bool {
	for _, c := range s.data[i+2 : i+6] {
		if c >= 'a' {
			return false
		}
	}
	if isSurrogate(u) {
		return true
	}
	return u < ' ' && shortEscape(byte(u)) == 0
}

// shortEscape returns the letter that escapes c after a backslash, or 0.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	default:
		return 0
	}
}

func isSurrogate(u uint16) bool { return u&0xf800 == 0xd800 }

// hex4 reads four hexadecimal digits at i.
func hex4(b []byte, i int) (uint16, bool) {
	if hexEnd(b, i) != i+4 {
		return 0, false
	}
	var u uint16
	for _, c := range b[i : i+4] {
		if isDigit(c) {
			u = u<<4 | uint16(c-'0')
		} else {
			u = u<<4 | uint16(c|0x20-'a'+10)
		}
	}
	return u, true
}

// hexEnd returns the position behind the at most four hexadecimal digits at i.
func hexEnd(b []byte, i int) int {
	end := i
	for end < i+4 && end < len(b) && (isDigit(b[end]) || (b[end]|0x20)-'a' <= 5) {
		end++
	}
	return end
}
