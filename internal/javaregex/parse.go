package javaregex

import (
	"fmt"
	"regexp"
	"strings"
)

// none is what peek returns at the end of the pattern and for quoted
// characters: no operator.
const none rune = -1

// fragment is a translated part: Go syntax that can stand anywhere in a
// sequence, and the number of states it will take, roughly.
type fragment struct {
	text string
	size int
}

// flags are the modifiers in force: (?i), (?m), (?s).
type flags struct{ fold, multiline, dotAll bool }

// parser reads a pattern by Java's grammar. Its methods stop at the first
// problem and return it.
type parser struct {
	in     []unit
	i      int
	flags  flags
	groups map[string]bool // names of named groups, to refuse repeated ones
}

func (p *parser) end() bool { return p.i >= len(p.in) }

// peek returns the character ahead if it may be an operator.
func (p *parser) peek() rune { return p.peekAt(0) }

func (p *parser) peekAt(ahead int) rune {
	if p.i+ahead >= len(p.in) || p.in[p.i+ahead].literal {
		return none
	}
	return p.in[p.i+ahead].char
}

// accept passes the given operators if they are ahead.
func (p *parser) accept(operators string) bool {
	n := 0
	for _, c := range operators {
		if p.peekAt(n) != c {
			return false
		}
		n++
	}
	p.i += n
	return true
}

// at returns the position in the pattern of what is ahead.
func (p *parser) at() int {
	switch {
	case !p.end():
		return p.in[p.i].at
	case len(p.in) > 0:
		return p.in[len(p.in)-1].at + 1
	default:
		return 0
	}
}

// wrong returns a SyntaxError about what is ahead.
func (p *parser) wrong(reason string) error {
	return &SyntaxError{Reason: reason, Position: p.at()}
}

// alternatives reads sequences between bars, up to a closing parenthesis or the
// end. Any of them may be empty.
func (p *parser) alternatives() (fragment, error) {
	var all fragment
	for {
		one, err := p.sequence()
		if err != nil {
			return fragment{}, err
		}
		all.text += one.text
		all.size += one.size
		if all.size > maxSize {
			return fragment{}, &UnsupportedError{Construct: "size of the pattern", Position: p.at()}
		}
		if !p.accept("|") {
			return all, nil
		}
		all.text += "|"
		all.size++
	}
}

// sequence reads atoms with their quantifiers.
func (p *parser) sequence() (fragment, error) {
	var text strings.Builder
	size := 0
	for !p.end() && p.peek() != '|' && p.peek() != ')' {
		from := p.at()
		atom, quantified, err := p.atom()
		if err != nil {
			return fragment{}, err
		}
		if quantified {
			if atom, err = p.quantify(atom); err != nil {
				return fragment{}, err
			}
		}
		text.WriteString(atom.text)
		if size += atom.size; size > maxSize {
			return fragment{}, &UnsupportedError{Construct: "size of the pattern", Position: from}
		}
	}
	return fragment{text.String(), size}, nil
}

// atom reads one element of a sequence and says whether a quantifier may follow
// it, as it may not behind (?i).
func (p *parser) atom() (fragment, bool, error) {
	switch c := p.peek(); c {
	case '(':
		return p.group()
	case '[':
		class, err := p.class()
		return class, true, err
	case '\\':
		escaped, err := p.escaped()
		return escaped, true, err
	case '.':
		p.i++
		return p.dot(), true, nil
	case '^':
		p.i++
		return p.anchor(`\A`, `(?m:^)`), true, nil
	case '$':
		p.i++
		return p.anchor(`\z`, `(?m:$)`), true, nil
	case '*', '+', '?':
		return fragment{}, false, p.wrong(fmt.Sprintf("dangling quantifier %c", c))
	case '{':
		// Java sees an empty literal here and repeats that.
		return fragment{}, true, nil
	default:
		c := p.in[p.i].char
		p.i++
		return p.literal(c), true, nil
	}
}

// literal returns the expression of one character. Java's (?i) folds ASCII
// letters only, Go's folds all of Unicode.
func (p *parser) literal(c rune) fragment {
	if other := otherCase(c); p.flags.fold && other != c {
		return fragment{"[" + string(c) + string(other) + "]", 1}
	}
	return fragment{regexp.QuoteMeta(string(c)), 1}
}

// dot returns the expression of a dot: Java's stops at five line terminators,
// Go's at one.
func (p *parser) dot() fragment {
	if p.flags.dotAll {
		return fragment{`(?s:.)`, 1}
	}
	return fragment{`[^\n\r\x{85}\x{2028}\x{2029}]`, 1}
}

// anchor returns one of two expressions by the flag for multiple lines.
func (p *parser) anchor(whole, lines string) fragment {
	if p.flags.multiline {
		return fragment{lines, 1}
	}
	return fragment{whole, 1}
}

// otherCase returns an ASCII letter in the other case, anything else unchanged.
func otherCase(c rune) rune {
	if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
		return c ^ 0x20
	}
	return c
}
