package javaregex

import (
	"fmt"
	"slices"
	"strings"
)

// span is a range of characters, both ends included.
type span struct{ low, high rune }

// set is a set of characters: spans, and general categories or scripts in Go's
// syntax, such as \p{Lu} or \PN. The zero value is empty.
type set struct {
	spans   []span
	tables  []string
	negated bool
}

// maxChar is the last character of Unicode.
const maxChar = 0x10FFFF

// class reads a bracketed class. Java's own constructs, intersection and nested
// classes, are refused: they can be written without.
func (p *parser) class() (fragment, error) {
	from := p.at()
	p.i++
	s := &set{negated: p.accept("^")}
	for first := true; ; first = false {
		switch {
		case p.end():
			return fragment{}, &SyntaxError{Reason: "unclosed character class", Position: from}
		case p.peek() == ']' && !first:
			p.i++
			return s.fragment(p.flags), nil
		case p.peek() == '[':
			return fragment{}, &UnsupportedError{Construct: "character class inside another", Position: p.at()}
		case p.peek() == '&' && p.peekAt(1) == '&':
			return fragment{}, &UnsupportedError{Construct: "intersection of character classes", Position: p.at()}
		}
		if err := p.classItem(s); err != nil {
			return fragment{}, err
		}
	}
}

// classItem reads a character, a range or an escaped set into s.
func (p *parser) classItem(s *set) error {
	from := p.at()
	if p.peek() == '\\' {
		// Java takes \v for one character in front of a hyphen.
		tab := p.peekAt(1) == 'v' && p.peekAt(2) == '-'
		if sub, err := p.escapedSet(); err != nil {
			return err
		} else if sub != nil && !tab {
			return s.union(sub, from)
		} else if tab {
			return p.classRange(s, '\v', from)
		}
	}
	low, err := p.classChar()
	if err != nil {
		return err
	}
	return p.classRange(s, low, from)
}

// classRange reads the rest of a range that begins with low, if it is one. A
// hyphen at the end of the class, or in front of a nested one, is a character.
func (p *parser) classRange(s *set, low rune, from int) error {
	high := low
	if p.peek() == '-' && p.i+1 < len(p.in) && p.peekAt(1) != ']' && p.peekAt(1) != '[' {
		p.i++
		var err error
		if high, err = p.classChar(); err != nil {
			return err
		}
	}
	if high < low {
		return &SyntaxError{Reason: "illegal character range", Position: from}
	}
	s.spans = append(s.spans, span{low, high})
	return nil
}

// classChar reads one character of a class, escaped or not.
func (p *parser) classChar() (rune, error) {
	if p.peek() == '\\' {
		return p.escapedChar()
	}
	c := p.in[p.i].char
	p.i++
	return c, nil
}

// union adds the characters of another set. A negated set of spans is turned
// round; a negated one of tables has its tables turned round and can hold one
// only.
func (s *set) union(o *set, from int) error {
	if !o.negated {
		s.spans = append(s.spans, o.spans...)
		s.tables = append(s.tables, o.tables...)
		return nil
	}
	switch {
	case len(o.tables) == 0:
		s.spans = append(s.spans, complement(o.spans)...)
	case len(o.tables) == 1 && len(o.spans) == 0:
		s.tables = append(s.tables, `\P`+strings.TrimPrefix(o.tables[0], `\p`))
	default:
		return &UnsupportedError{Construct: "negated property inside a character class", Position: from}
	}
	return nil
}

// complement returns the characters outside of spans.
func complement(spans []span) []span {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b span) int { return int(a.low - b.low) })
	var out []span
	next := rune(0)
	for _, r := range sorted {
		if r.low > next {
			out = append(out, span{next, r.low - 1})
		}
		next = max(next, r.high+1)
	}
	if next <= maxChar {
		out = append(out, span{next, maxChar})
	}
	return out
}

// fragment writes the set in Go's syntax; a nil set is nothing. Under (?i) the
// other case of every ASCII letter joins, before the set is negated.
func (s *set) fragment(f flags) fragment {
	if s == nil {
		return fragment{}
	}
	spans := s.spans
	if f.fold {
		spans = folded(spans)
	}
	var b strings.Builder
	b.WriteByte('[')
	if s.negated {
		b.WriteByte('^')
	}
	for _, r := range spans {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, r.low, r.high)
	}
	for _, t := range s.tables {
		b.WriteString(t)
	}
	b.WriteByte(']')
	return fragment{b.String(), 1 + len(spans)/8}
}

// folded returns spans with the other case of their ASCII letters added.
func folded(spans []span) []span {
	out := slices.Clone(spans)
	for _, r := range spans {
		for _, letters := range [...]span{{'a', 'z'}, {'A', 'Z'}} {
			low, high := max(r.low, letters.low), min(r.high, letters.high)
			if low <= high {
				out = append(out, span{otherCase(low), otherCase(high)})
			}
		}
	}
	return out
}
