// Package properties reads and writes the syntax of java.util.Properties, as texts in Unicode. What a key means, and how
// bytes become a text (Java takes a file for ISO-8859-1), is for others to say.
package properties

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Property is one entry of a text, with the line (from 1) on which it begins.
type Property struct {
	Key, Value string
	Line       int
}

// SyntaxError is the only thing that can be wrong with a text.
type SyntaxError struct{ Line int }

// Error names the line on which the entry begins; the text of the line may hold a secret and is left out.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d: \\u is not followed by four hexadecimal digits", e.Line)
}

// Parse reads the syntax of java.util.Properties exactly, but for one thing: where a text ends in a line of
// nothing but a backslash, Java has an entry with neither key nor value. (The libraries for Go differ in continued lines
// with CR LF, keys that continue, empty keys, \u pairs and a final backslash.) Entries come in the order of the text, with
// duplicates; the last of them is the one that counts.
func Parse(text string) ([]Property, error) {
	r := lineReader{rest: text}
	var out []Property
	for {
		logical, line, ok := r.next()
		if !ok {
			return out, nil
		}
		rawKey, rawValue := split(logical)
		key, err := unescape(rawKey, line)
		if err != nil {
			return nil, err
		}
		value, err := unescape(rawValue, line)
		if err != nil {
			return nil, err
		}
		out = append(out, Property{key, value, line})
	}
}

const blanks = " \t\f"

// Map reads a text as Parse does and keeps the last of duplicate keys.
func Map(text string) (map[string]string, error) {
	entries, err := Parse(text)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(entries))
	for _, p := range entries {
		values[p.Key] = p.Value
	}
	return values, nil
}

// lineReader joins natural lines to logical ones.
type lineReader struct {
	rest string
	read int // natural lines
}

// natural takes one line off the text, its end (LF, CR or CR LF) too.
func (r *lineReader) natural() (string, bool) {
	if r.rest == "" {
		return "", false
	}
	r.read++
	end := strings.IndexAny(r.rest, "\r\n")
	if end < 0 {
		line := r.rest
		r.rest = ""
		return line, true
	}
	line, rest := r.rest[:end], r.rest[end:]
	if strings.HasPrefix(rest, "\r\n") {
		rest = rest[1:]
	}
	r.rest = rest[1:]
	return line, true
}

// next returns the next logical line that is neither blank nor a comment, and the number of its first natural line. A
// line that ends in an odd number of backslashes goes on in the next one, whose leading blanks do not count. At the end
// of the text such a backslash is dropped.
func (r *lineReader) next() (logical string, line int, ok bool) {
	var joined strings.Builder
	for {
		part, more := r.natural()
		if !more {
			return joined.String(), line, joined.Len() > 0
		}
		part = strings.TrimLeft(part, blanks)
		// As long as nothing was collected a comment is a comment, even after a line of only a backslash.
		if joined.Len() == 0 {
			if part == "" || part[0] == '#' || part[0] == '!' {
				continue
			}
			line = r.read
		}
		body := strings.TrimRight(part, `\`)
		continued := (len(part)-len(body))%2 == 1
		if continued {
			part = part[:len(part)-1]
		}
		joined.WriteString(part)
		if !continued && joined.Len() > 0 {
			return joined.String(), line, true
		}
	}
}

// split divides a logical line at the first =, : or blank that no backslash precedes. Blanks around the sign belong to
// neither side, those at the end of the line belong to the value.
func split(logical string) (key, value string) {
	end := len(logical)
	for i := 0; i < len(logical); i++ {
		if logical[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte("=:"+blanks, logical[i]) >= 0 {
			end = i
			break
		}
	}
	key, value = logical[:end], strings.TrimLeft(logical[end:], blanks)
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], blanks)
	}
	return key, value
}

// unescape replaces escapes. Java's characters are UTF-16 units, so two \u escapes can make one rune.
func unescape(raw string, line int) (string, error) {
	if !strings.Contains(raw, `\`) {
		return raw, nil
	}
	var out strings.Builder
	var pending []uint16 // units of \u escapes, not yet written
	flush := func() {
		for _, r := range utf16.Decode(pending) {
			out.WriteRune(r)
		}
		pending = pending[:0]
	}
	for raw != "" {
		before, after, found := strings.Cut(raw, `\`)
		if before != "" || !found {
			flush()
			out.WriteString(before)
		}
		switch {
		case after == "": // nothing escaped
			raw = ""
		case after[0] == 'u':
			unit, ok := hex4(after[1:])
			if !ok {
				return "", &SyntaxError{line}
			}
			pending = append(pending, unit)
			raw = after[5:]
		default:
			flush()
			out.WriteByte(escaped(after[0]))
			raw = after[1:]
		}
	}
	flush()
	return out.String(), nil
}

// hex4 reads four digits. strconv would take signs and underscores too.
func hex4(s string) (unit uint16, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range []byte(s[:4]) {
		switch lower := c | 0x20; {
		case '0' <= c && c <= '9':
			unit = unit<<4 | uint16(c-'0')
		case 'a' <= lower && lower <= 'f':
			unit = unit<<4 | uint16(lower-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}

// escaped is what a backslash makes of a byte. The first byte of a longer character stays, and so do the bytes after it.
func escaped(c byte) byte {
	switch c {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	}
	return c
}
