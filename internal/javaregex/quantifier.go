package javaregex

import (
	"fmt"
	"math"
)

// unlimited is the upper count of a repetition without one.
const unlimited = -1

// repetition is what a quantifier says.
type repetition struct{ low, high int }

// quantify reads the quantifier behind an atom, if there is one. Reluctant ones
// become greedy: which of several matches is found first makes no difference to
// whether the whole input matches.
func (p *parser) quantify(atom fragment) (fragment, error) {
	from := p.at()
	r, found, err := p.repetition()
	if err != nil || !found {
		return atom, err
	}
	if p.peek() == '+' {
		return fragment{}, &UnsupportedError{Construct: "possessive quantifier", Position: from}
	}
	p.accept("?")
	if max(r.low, r.high) > maxRepeat {
		return fragment{}, &UnsupportedError{
			Construct: fmt.Sprintf("repetition of more than %d times", maxRepeat), Position: from,
		}
	}
	if atom.text == "" {
		return atom, nil // nothing, however often
	}
	return fragment{"(?:" + atom.text + ")" + r.String(), atom.size*max(r.low, r.high, 1) + 1}, nil
}

// repetition reads one quantifier without its reluctant or possessive mark.
func (p *parser) repetition() (repetition, bool, error) {
	switch p.peek() {
	case '?':
		p.i++
		return repetition{0, 1}, true, nil
	case '*':
		p.i++
		return repetition{0, unlimited}, true, nil
	case '+':
		p.i++
		return repetition{1, unlimited}, true, nil
	case '{':
		r, err := p.counted()
		return r, true, err
	}
	return repetition{}, false, nil
}

// counted reads {n}, {n,} or {n,m}. {,n} is a repetition in some dialects, text in Go's, and an error in Java's: its
// author is told that it is not supported, whichever was meant.
func (p *parser) counted() (repetition, error) {
	from := p.at()
	p.i++
	low, ok := p.count()
	if !ok && p.peek() == ',' {
		return repetition{}, &UnsupportedError{Construct: "repetition without a lower count {,n}", Position: from}
	}
	if !ok {
		return repetition{}, &SyntaxError{Reason: "repetition without a count", Position: from}
	}
	r := repetition{low, low}
	if p.accept(",") {
		if r.high, ok = p.count(); !ok {
			r.high = unlimited
		}
	}
	if !p.accept("}") {
		return repetition{}, &SyntaxError{Reason: "unclosed repetition", Position: from}
	}
	if r.high != unlimited && r.high < r.low {
		return repetition{}, &SyntaxError{Reason: "illegal repetition range", Position: from}
	}
	return r, nil
}

// count reads digits; false says that there are none. A number beyond Java's
// int is cut to the largest, which is refused all the same.
func (p *parser) count() (int, bool) {
	start, n := p.i, 0
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		n = min(n*10+int(c-'0'), math.MaxInt32)
		p.i++
	}
	return n, p.i > start
}

// String returns the quantifier in Go's syntax.
func (r repetition) String() string {
	switch {
	case r == repetition{0, 1}:
		return "?"
	case r == repetition{0, unlimited}:
		return "*"
	case r == repetition{1, unlimited}:
		return "+"
	case r.high == unlimited:
		return fmt.Sprintf("{%d,}", r.low)
	default:
		return fmt.Sprintf("{%d,%d}", r.low, r.high)
	}
}
