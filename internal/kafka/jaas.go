package kafka

import (
	"errors"
	"fmt"
	"strings"
)

// knownOptions are the names that an error about a login module's options may repeat. In a text with a misplaced quote
// a part of a password can stand where a name is expected, so no other name is ever shown.
var knownOptions = []string{
	"username", "password", "clientId", "clientSecret", "scope", "user", "tokenauth", "unsecuredLoginStringClaim_sub",
}

// ParseJAAS reads the text of sasl.jaas.config: one login module with its options, in the grammar of Java's
// StreamTokenizer as the Java clients set it up. Errors carry the Java clients' texts, except that they repeat no part
// of the text that could be a secret.
func ParseJAAS(text string) (JAAS, error) {
	t := tokenizer{rest: []rune(text)}
	var modules []JAAS
	for {
		word := t.next()
		if word.kind == tokenEnd {
			break
		}
		m, err := t.module(word)
		if err != nil {
			return JAAS{}, err
		}
		modules = append(modules, m)
	}
	switch len(modules) {
	case 0:
		return JAAS{}, errors.New("Login module not specified in JAAS config") //nolint:staticcheck // Java's text
	case 1:
		return modules[0], nil
	default:
		return JAAS{}, fmt.Errorf("JAAS config property contains %d login modules, should be 1 module", len(modules))
	}
}

// module reads one entry: class, control flag, options, semicolon. The flag has no meaning with a single module. Of two
// options with one name the last wins.
func (t *tokenizer) module(name token) (JAAS, error) {
	flag := t.next()
	if name.kind != tokenWord && flag.kind != tokenEnd {
		return JAAS{}, errors.New("Login module not specified in JAAS config") //nolint:staticcheck // Java's text
	}
	if flag.kind == tokenEnd {
		return JAAS{}, errors.New("Login module control flag not specified in JAAS config") //nolint:staticcheck // Java's text
	}
	if flag.kind != tokenWord {
		return JAAS{}, errors.New("Login module control flag is not available in the JAAS config") //nolint:staticcheck // Java's text
	}
	switch strings.ToUpper(flag.text) {
	case "REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL":
	default:
		return JAAS{}, errors.New("Invalid login module control flag in JAAS config") //nolint:staticcheck // Java's text
	}
	m := JAAS{Module: name.text, Options: map[string]string{}}
	for {
		key := t.next()
		switch {
		case key.kind == tokenEnd:
			return JAAS{}, errors.New("JAAS config entry not terminated by semi-colon")
		case key.kind == tokenOther && key.text == ";":
			return m, nil
		}
		equals, v := t.next(), token{}
		if equals.kind == tokenOther && equals.text == "=" {
			v = t.next()
		}
		if v.kind != tokenWord {
			return JAAS{}, fmt.Errorf("Value not specified for %s in JAAS config", shownOption(key.text)) //nolint:staticcheck // Java's text
		}
		if key.kind == tokenWord {
			m.Options[key.text] = v.text
		}
	}
}

// shownOption returns how an error names an option without giving away what may be a secret.
func shownOption(name string) string {
	for _, known := range knownOptions {
		if name == known {
			return "key '" + name + "'"
		}
	}
	if strings.HasPrefix(name, "oauth.") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.") == "" {
		return "key '" + name + "'"
	}
	return "a key"
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenNumber
	tokenOther
)

type token struct {
	kind tokenKind
	text string // of words and other characters; numbers have none, as in Java
}

// tokenizer is java.io.StreamTokenizer with C and C++ comments on and with '-', '_' and '$' as letters, which is how
// JaasConfig sets it up: words, quoted texts (words too), numbers, and single characters.
type tokenizer struct{ rest []rune }

// next returns the next token. What kind it is depends on its first character alone, so that a number can end inside a
// word: 1abc is a number and a word, as in Java.
func (t *tokenizer) next() token {
	for t.skipBlank() || t.skipComment() {
	}
	if len(t.rest) == 0 {
		return token{kind: tokenEnd}
	}
	c := t.rest[0]
	switch {
	case isDigit(c) || c == '.' || c == '-':
		return t.number()
	case isLetter(c):
		n := 0
		for n < len(t.rest) && (isLetter(t.rest[n]) || isDigit(t.rest[n]) || t.rest[n] == '.') {
			n++
		}
		return token{tokenWord, t.take(n)}
	case c == '"' || c == '\'':
		return t.quoted(c)
	}
	return token{tokenOther, t.take(1)}
}

// isLetter is the tokenizer's alphabet: ASCII letters, the three characters that JaasConfig adds, and everything from
// U+00A0 up.
func isLetter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '$' || c >= 0xA0
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// take cuts off the next n characters.
func (t *tokenizer) take(n int) string {
	s := string(t.rest[:n])
	t.rest = t.rest[n:]
	return s
}

// skipBlank drops white space, which is every character up to the blank, and reports whether there was any.
func (t *tokenizer) skipBlank() bool {
	n := 0
	for n < len(t.rest) && t.rest[n] <= ' ' {
		n++
	}
	t.rest = t.rest[n:]
	return n > 0
}

// skipComment drops a comment. A single slash starts one that ends with the line, as two slashes do; the character behind
// it, even a line break, is part of it either way.
func (t *tokenizer) skipComment() bool {
	if len(t.rest) == 0 || t.rest[0] != '/' {
		return false
	}
	if len(t.rest) > 1 && t.rest[1] == '*' {
		for n := 2; n < len(t.rest)-1; n++ {
			if t.rest[n] == '*' && t.rest[n+1] == '/' {
				t.rest = t.rest[n+2:]
				return true
			}
		}
		t.rest = nil
		return true
	}
	n := min(2, len(t.rest))
	for n < len(t.rest) && t.rest[n] != '\n' && t.rest[n] != '\r' {
		n++
	}
	t.rest = t.rest[n:]
	return true
}

// number takes digits with at most one point. A minus sign without digits behind it is a character of its own.
func (t *tokenizer) number() token {
	n, points := 0, 0
	if t.rest[0] == '-' {
		n = 1
		if len(t.rest) == 1 || t.rest[1] != '.' && !isDigit(t.rest[1]) {
			return token{tokenOther, t.take(1)}
		}
	}
	for ; n < len(t.rest); n++ {
		c := t.rest[n]
		if c == '.' {
			points++
		}
		if c == '.' && points > 1 || c != '.' && !isDigit(c) {
			break
		}
	}
	t.take(n)
	return token{kind: tokenNumber}
}

// quoted takes a text up to its closing quote or, as Java does, to the end of the line.
func (t *tokenizer) quoted(quote rune) token {
	var b strings.Builder
	n := 1
	for n < len(t.rest) && t.rest[n] != quote && t.rest[n] != '\n' && t.rest[n] != '\r' {
		c := t.rest[n]
		n++
		if c == '\\' && n < len(t.rest) {
			c, n = t.escape(n)
		}
		b.WriteRune(c)
	}
	if n < len(t.rest) && t.rest[n] == quote {
		n++
	}
	t.rest = t.rest[n:]
	return token{tokenWord, b.String()}
}

// escape reads what follows a backslash: up to three octal digits (the third only below \400), one of the letters of C,
// or any character itself. It returns the character and where to go on.
func (t *tokenizer) escape(n int) (rune, int) {
	c := t.rest[n]
	if c >= '0' && c <= '7' {
		code, end := c-'0', n+1
		for limit := n + 2 + btoi(c <= '3'); end < limit && end < len(t.rest) && t.rest[end] >= '0' && t.rest[end] <= '7'; end++ {
			code = code<<3 + t.rest[end] - '0'
		}
		return code, end
	}
	if i := strings.IndexRune("abfnrtv", c); i >= 0 {
		return rune("\a\b\f\n\r\t\v"[i]), n + 1
	}
	return c, n + 1
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
