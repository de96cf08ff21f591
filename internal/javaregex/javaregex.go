// Package javaregex compiles regular expressions that were written for
// java.util.regex, as topic patterns and CORS origins are, into Go's. The two
// dialects look alike and are not: some constructs Go lacks (look-around,
// back-references, possessive quantifiers), some it reads as something else
// without a word ([a&&b], [a[b]], \s, a dot before a carriage return). So the
// pattern is parsed by Java's rules and written anew with Go's; what cannot be
// written is refused by name and place, never approximated.
//
// It must not grow options or a matcher of its own: a pattern goes in, a
// *regexp.Regexp that matches whole inputs comes out.
//
// What may still differ, and never does for the names of topics, which are made
// of letters, digits, dot, underscore and hyphen in ASCII:
//
//   - $ and \Z do not match in front of a line terminator at the end of the
//     input, and ^ and $ under (?m) know no line terminator but \n;
//   - binary and java.lang.Character properties beyond ASCII are taken from the
//     general categories, and Go's Unicode version is not Java's;
//   - \b takes ASCII word characters, as Java does since release 19.
package javaregex

import (
	"fmt"
	"regexp"
)

// Limits of a pattern. They bound the memory that a compiled pattern takes to a
// few megabytes; no real one comes near.
const (
	// MaxLength is the length of the longest pattern, in characters.
	MaxLength = 4096
	// maxSize is the greatest number of states, repetitions counted out.
	maxSize = 50_000
	// maxRepeat is the greatest count in a repetition that Go accepts.
	maxRepeat = 1000
)

// UnsupportedError says that a pattern is, or may be, right in Java and has no
// counterpart in Go.
type UnsupportedError struct {
	// Construct names what is not supported.
	Construct string
	// Position is where it begins, in characters from 0.
	Position int
}

// Error names the construct and its position.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("unsupported %s at position %d", e.Construct, e.Position)
}

// SyntaxError says that a pattern is wrong in Java too.
type SyntaxError struct {
	// Reason is a phrase without the position.
	Reason string
	// Position is where the parser stood, in characters from 0.
	Position int
}

// Error returns the reason and the position.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at position %d", e.Reason, e.Position)
}

// Compile translates a Java pattern (no flags but those it sets itself) and
// returns an expression that matches an input exactly when Java's
// Matcher.matches does. It has no groups to ask for. The error is an
// *UnsupportedError or a *SyntaxError.
func Compile(pattern string) (*regexp.Regexp, error) {
	units := unquote(pattern)
	if len(units) > MaxLength {
		return nil, &UnsupportedError{Construct: "pattern of more than 4096 characters", Position: MaxLength}
	}
	p := &parser{in: units, groups: map[string]bool{}}
	whole, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.wrong("unmatched closing parenthesis")
	}
	re, err := regexp.Compile(`\A(?:` + whole.text + `)\z`)
	if err != nil {
		// What is left for Go to refuse are its own limits: nesting, and the
		// product of nested repetitions.
		return nil, &UnsupportedError{Construct: "size or nesting of the pattern"}
	}
	return re, nil
}
