// Package origins reads who may call the bridge from a page of another origin (bridge contract 1.9), for the bridge, which
// asks it, and for the operator, which judges what it will write. It must not know of requests and answers.
//
// Upstream takes the whole of http.cors.allowedOrigins for one regular expression, so that its documented default * keeps it
// from starting and a list matches nothing. Here * allows any origin and commas separate alternatives, each of which is * or
// a Java regular expression for a whole origin. A comma inside brackets, braces or parentheses, or behind a reverse solidus,
// belongs to its expression.
package origins

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/steg-kafka/steg/internal/javaregex"
)

// Set is the origins that may use the bridge. The zero value allows none.
type Set struct {
	any      bool
	patterns []*regexp.Regexp
}

// Parse reads the value of http.cors.allowedOrigins. The error, of one line, names the alternative that is not a regular
// expression, or says that there is none.
func Parse(list string) (Set, error) {
	var s Set
	for _, alternative := range alternatives(list) {
		if alternative == "*" {
			s.any = true
			continue
		}
		pattern, err := javaregex.Compile(alternative)
		if err != nil {
			return Set{}, fmt.Errorf("allowed origin %q: %w", alternative, err)
		}
		s.patterns = append(s.patterns, pattern)
	}
	if !s.any && len(s.patterns) == 0 {
		return Set{}, fmt.Errorf("no allowed origin in %q", list)
	}
	return s, nil
}

// Allows says whether requests of an origin are let in.
func (s Set) Allows(origin string) bool {
	if s.any {
		return true
	}
	for _, p := range s.patterns {
		if p.MatchString(origin) {
			return true
		}
	}
	return false
}

// alternatives splits a list at its outermost commas, drops white space around
// the parts and then the empty ones.
func alternatives(list string) []string {
	var parts []string
	depth, start := 0, 0
	keep := func(end int) {
		if part := strings.TrimSpace(list[start:end]); part != "" {
			parts = append(parts, part)
		}
		start = end + 1
	}
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth <= 0 {
				keep(i)
			}
		}
	}
	keep(len(list))
	return parts
}
