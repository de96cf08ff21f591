package rawjson

// scanner validates one value in a single pass. Its methods take the position
// to start at and return the one behind what they read, or -1 with err set.
type scanner struct {
	data []byte
	// normal is true as long as nothing was seen that the normal form spells
	// differently. Starting with false makes the scan a mere validation.
	normal bool
	depth  int
	names  names
	err    *SyntaxError
}

// whole scans data as one value and returns it without what surrounds it.
func (s *scanner) whole() ([]byte, error) {
	start := skipSpace(s.data, bomLen(s.data))
	end := s.root(start)
	if end < 0 {
		return nil, s.err
	}
	if rest := skipSpace(s.data, end); rest < len(s.data) {
		s.fail(rest, reasonTrailing)
		return nil, s.err
	}
	return s.data[start:end], nil
}

// root scans the outermost value.
func (s *scanner) root(i int) int {
	if len(s.data) > MaxText {
		return s.fail(MaxText, reasonLarge)
	}
	return s.value(i)
}

// fail notes an error at i, or that the text ends too early if i is its end.
func (s *scanner) fail(i int, reason string) int {
	if i >= len(s.data) {
		i, reason = len(s.data), reasonEnd
	}
	s.err = &SyntaxError{Offset: i, Reason: reason}
	return -1
}

// value scans the value that starts at i, where no whitespace may be.
func (s *scanner) value(i int) int {
	if i >= len(s.data) {
		return s.fail(i, reasonEnd)
	}
	switch s.data[i] {
	case '"':
		return s.text(i + 1)
	case '{':
		return s.object(i)
	case '[':
		return s.array(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number(i)
	default:
		return s.fail(i, reasonValue)
	}
}

// object scans the object whose brace is at i, and whether its names differ.
func (s *scanner) object(i int) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(i, reasonDepth)
	}
	outer := s.names.n
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == '}' {
		s.depth--
		return i + 1
	}
	for {
		if _, i = s.name(i); i < 0 {
			return i
		}
		if i = s.value(i); i < 0 {
			return i
		}
		i = s.space(i)
		if i >= len(s.data) || s.data[i] != ',' {
			break
		}
		i = s.space(i + 1)
	}
	if i >= len(s.data) || s.data[i] != '}' {
		return s.fail(i, reasonMember)
	}
	if s.normal && s.names.repeated(s.data, outer) {
		s.normal = false
	}
	s.names.n = outer
	s.depth--
	return i + 1
}

// name scans a member name and the colon. It returns the position of the
// name's closing quote and the one where the value begins.
func (s *scanner) name(i int) (end, next int) {
	if i >= len(s.data) || s.data[i] != '"' {
		return -1, s.fail(i, reasonName)
	}
	start := i + 1
	if i = s.text(start); i < 0 {
		return -1, i
	}
	end = i - 1
	if s.normal {
		s.names.push(s.data, start, end)
	}
	i = s.space(i)
	if i >= len(s.data) || s.data[i] != ':' {
		return -1, s.fail(i, reasonColon)
	}
	return end, s.space(i + 1)
}

// array scans the array whose bracket is at i.
func (s *scanner) array(i int) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(i, reasonDepth)
	}
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == ']' {
		s.depth--
		return i + 1
	}
	for {
		if i = s.value(i); i < 0 {
			return i
		}
		i = s.space(i)
		if i >= len(s.data) || s.data[i] != ',' {
			break
		}
		i = s.space(i + 1)
	}
	if i >= len(s.data) || s.data[i] != ']' {
		return s.fail(i, reasonElement)
	}
	s.depth--
	return i + 1
}

// literal scans one of the three literals, looking for where it differs only
// if it does.
func (s *scanner) literal(i int, want string) int {
	if end := i + len(want); end <= len(s.data) && string(s.data[i:end]) == want {
		return end
	}
	for k := range len(want) {
		if i+k >= len(s.data) || s.data[i+k] != want[k] {
			return s.fail(i+k, reasonValue)
		}
	}
	return s.fail(i, reasonValue)
}

// number scans a number, whose digits are kept as they are.
func (s *scanner) number(i int) int {
	b, start := s.data, i
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return i
	}
	if i < len(b) && b[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return i
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i = s.digits(i); i < 0 {
			return i
		}
	}
	if i-start > MaxNumber {
		return s.fail(start, reasonLong)
	}
	return i
}

// digits scans at least one digit.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.data) && isDigit(s.data[i]) {
		i++
	}
	if i == start {
		return s.fail(i, reasonNumber)
	}
	return i
}

// space skips whitespace inside a value, which the normal form has none of.
func (s *scanner) space(i int) int {
	if i < len(s.data) && s.data[i] > ' ' {
		return i
	}
	return s.someSpace(i)
}

// someSpace is the rare part of space, which is kept small to be inlined.
func (s *scanner) someSpace(i int) int {
	end := skipSpace(s.data, i)
	s.normal = s.normal && end == i
	return end
}

// skipSpace returns the position of the first byte from i on that is not
// whitespace.
func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// bomLen returns the length of the byte order mark that b starts with, or 0.
func bomLen(b []byte) int {
	if len(b) >= 3 && string(b[:3]) == "\xef\xbb\xbf" {
		return 3
	}
	return 0
}

func isSpace(c byte) bool  { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return (c|0x20)-'a' <= 'z'-'a' }
