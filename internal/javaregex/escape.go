package javaregex

import (
	"fmt"
	"strconv"
	"unicode/utf16"
)

// escaped reads an escape outside a class.
func (p *parser) escaped() (fragment, error) {
	from := p.at()
	switch c := p.peekAt(1); {
	case c == 'A':
		return p.pass(`\A`), nil
	case c == 'z', c == 'Z':
		return p.pass(`\z`), nil
	case c == 'b' && p.peekAt(2) == '{' && p.peekAt(3) == 'g':
		return fragment{}, &UnsupportedError{Construct: `grapheme boundary \b{g}`, Position: from}
	case c == 'b', c == 'B':
		return p.pass(`\` + string(c)), nil
	case c == 'R':
		return p.pass(`(?:\r\n|[\n\x{B}\f\r\x{85}\x{2028}\x{2029}])`), nil
	case c == 'G', c == 'X':
		return fragment{}, &UnsupportedError{Construct: `\` + string(c), Position: from}
	case '1' <= c && c <= '9', c == 'k':
		return fragment{}, &UnsupportedError{Construct: "back-reference", Position: from}
	}
	if s, err := p.escapedSet(); s != nil || err != nil {
		return s.fragment(p.flags), err
	}
	c, err := p.escapedChar()
	if err != nil {
		return fragment{}, err
	}
	return p.literal(c), nil
}

// pass passes a two-character escape that stands for an expression.
func (p *parser) pass(text string) fragment {
	p.i += 2
	return fragment{text, 1}
}

// escapedSet reads an escape that stands for a set of characters, in or outside
// a class; nil says that it is another kind of escape.
func (p *parser) escapedSet() (*set, error) {
	switch c := p.peekAt(1); c {
	case 'd', 'D', 's', 'S', 'w', 'W', 'h', 'H', 'v', 'V':
		p.i += 2
		return shorthand(c), nil
	case 'p', 'P':
		return p.property()
	}
	return nil, nil
}

// escapedChar reads an escape that stands for one character, in or outside a
// class.
func (p *parser) escapedChar() (rune, error) {
	from := p.at()
	p.i++
	if p.end() {
		return 0, &SyntaxError{Reason: "backslash at the end", Position: from}
	}
	c := p.in[p.i].char
	p.i++
	switch c {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 'f':
		return '\f', nil
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1B, nil
	case '0':
		return p.octal(from)
	case 'x':
		return p.hexadecimal(from)
	case 'u':
		return p.utf16(from)
	case 'c':
		return p.control(from)
	case 'N':
		return 0, &UnsupportedError{Construct: `character name \N{…}`, Position: from}
	}
	if isLetter(c) || isDigit(c) {
		return 0, &SyntaxError{Reason: fmt.Sprintf(`illegal escape \%c`, c), Position: from}
	}
	return c, nil
}

// octal reads \0n, \0nn or \0mnn with m up to 3.
func (p *parser) octal(from int) (rune, error) {
	digit := func(highest rune) bool { c := p.peek(); return '0' <= c && c <= highest }
	if !digit('7') {
		return 0, &SyntaxError{Reason: "illegal octal escape", Position: from}
	}
	most := 2
	if digit('3') {
		most = 3
	}
	n := rune(0)
	for range most {
		if !digit('7') {
			break
		}
		n = n*8 + p.peek() - '0'
		p.i++
	}
	return n, nil
}

// hexadecimal reads \xhh or \x{h…h}.
func (p *parser) hexadecimal(from int) (rune, error) {
	if !p.accept("{") {
		return p.hex(from, 2)
	}
	n, digits := rune(0), 0
	for ; isHex(p.peek()); digits++ {
		n = n*16 + hexValue(p.peek())
		p.i++
		if n > 0x10FFFF {
			return 0, &SyntaxError{Reason: "character beyond Unicode", Position: from}
		}
	}
	if digits == 0 || !p.accept("}") {
		return 0, &SyntaxError{Reason: "illegal hexadecimal escape", Position: from}
	}
	return notSurrogate(n, from)
}

// utf16 reads \uhhhh, and a second one if the two are a surrogate pair.
func (p *parser) utf16(from int) (rune, error) {
	high, err := p.hex(from, 4)
	if err != nil || !utf16.IsSurrogate(high) {
		return high, err
	}
	if p.accept(`\u`) {
		low, err := p.hex(from, 4)
		if err != nil {
			return 0, err
		}
		if c := utf16.DecodeRune(high, low); c != '\uFFFD' {
			return c, nil
		}
	}
	return notSurrogate(high, from)
}

// notSurrogate refuses half a character: there is none in a Go string.
func notSurrogate(c rune, from int) (rune, error) {
	if utf16.IsSurrogate(c) {
		return 0, &UnsupportedError{Construct: "lone surrogate", Position: from}
	}
	return c, nil
}

// hex reads the given number of hexadecimal digits.
func (p *parser) hex(from, digits int) (rune, error) {
	n := rune(0)
	for range digits {
		c := p.peek()
		if !isHex(c) {
			return 0, &SyntaxError{Reason: "illegal hexadecimal escape", Position: from}
		}
		n = n*16 + hexValue(c)
		p.i++
	}
	return n, nil
}

// control reads the character behind \c, which may be any.
func (p *parser) control(from int) (rune, error) {
	if p.end() {
		return 0, &SyntaxError{Reason: "illegal control escape", Position: from}
	}
	c := p.in[p.i].char ^ 0x40
	p.i++
	return notSurrogate(c, from)
}

func isHex(c rune) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c rune) rune {
	n, _ := strconv.ParseInt(string(c), 16, 32) // isHex has been asked
	return rune(n)
}
