package wire

// Requests from browsers (bridge contract 1.9). An origin that is not allowed is
// 403 with the text CORSRejected; a preflight is 204 with CORSAllowHeaders.
//
// Upstream takes the whole of http.cors.allowedOrigins for one regular
// expression, so that its documented default * keeps it from starting and a list
// matches nothing. Here * allows any origin and commas separate alternatives,
// each of which is * or a Java regular expression for a whole origin. A comma
// inside brackets, braces or parentheses, or behind a reverse solidus, belongs
// to its expression.

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/steg-kafka/steg/internal/bridge/javaregex"
)

// CORSAllowHeaders is the access-control-allow-headers of a preflight's answer,
// in upstream's order.
const CORSAllowHeaders = "access-control-allow-origin,content-length,x-forwarded-proto,x-forwarded-host," +
	"origin,x-requested-with,content-type,access-control-allow-methods,accept"

// Origins are the origins that may use the bridge. The zero value allows none.
type Origins struct {
	any      bool
	patterns []*regexp.Regexp
}

// ParseOrigins reads the value of http.cors.allowedOrigins. The error names the
// alternative that is not a regular expression, or says that there is none.
func ParseOrigins(list string) (Origins, error) {
	var o Origins
	for _, alternative := range alternatives(list) {
		if alternative == "*" {
			o.any = true
			continue
		}
		pattern, err := javaregex.Compile(alternative)
		if err != nil {
			return Origins{}, fmt.Errorf("allowed origin %q: %w", alternative, err)
		}
		o.patterns = append(o.patterns, pattern)
	}
	if !o.any && len(o.patterns) == 0 {
		return Origins{}, fmt.Errorf("no allowed origin in %q", list)
	}
	return o, nil
}

// Allows says whether requests of an origin are let in.
func (o Origins) Allows(origin string) bool {
	if o.any {
		return true
	}
	for _, p := range o.patterns {
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
