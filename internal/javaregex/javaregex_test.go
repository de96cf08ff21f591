package javaregex

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestUnsupported: a construct without counterpart is named with its place.
func TestUnsupported(t *testing.T) {
	for _, c := range []struct {
		pattern, construct string
		position           int
	}{
		{`a(?=b)`, "look-ahead", 1},
		{`a(?!b)`, "look-ahead", 1},
		{`(?<=a)b`, "look-behind", 0},
		{`é(?<!a)b`, "look-behind", 1},
		{`ab(?>c)`, "atomic group", 2},
		{`(a)\1`, "back-reference", 3},
		{`(?<n>a)\k<n>`, "back-reference", 7},
		{`ab*+`, "possessive quantifier", 2},
		{`a{1,2}+`, "possessive quantifier", 1},
		{`[a&&b]`, "intersection of character classes", 2},
		{`x[a[b]]`, "character class inside another", 3},
		{`\Ga`, `\G`, 0},
		{`a\X`, `\X`, 1},
		{`\N{DIGIT ONE}`, `character name \N{…}`, 0},
		{`\b{g}`, `grapheme boundary \b{g}`, 0},
		{`(?x) a`, "modifier (?x)", 2},
		{`(?iu)a`, "modifier (?u)", 3},
		{`(?-d)a`, "modifier (?d)", 3},
		{`(?U:a)`, "modifier (?U)", 2},
		{`ab{1001}`, "repetition of more than 1000 times", 2},
		{`a{0,1001}`, "repetition of more than 1000 times", 1},
		{`\p{InGreek}`, "character property {InGreek}", 0},
		{`a\p{Foo}`, "character property {Foo}", 1},
		{`\uD800`, "lone surrogate", 0},
		{`\uD800A`, "lone surrogate", 0},
		{`[a\P{IsWhite_Space}]`, "negated property inside a character class", 2},
		{strings.Repeat("a", MaxLength+1), "pattern of more than 4096 characters", MaxLength},
		{strings.Repeat("a{1000}", 51), "size of the pattern", 343},
		{`(a{100}){100}`, "size or nesting of the pattern", 0},
		{`\Qab\E(?=c)`, "look-ahead", 6},
		{`a{,2}`, "repetition without a lower count {,n}", 1},
	} {
		_, err := Compile(c.pattern)
		var got *UnsupportedError
		if !errors.As(err, &got) {
			t.Errorf("%.40q: %v, want an UnsupportedError", c.pattern, err)
			continue
		}
		if got.Construct != c.construct || got.Position != c.position {
			t.Errorf("%.40q: %v, want %s at %d", c.pattern, got, c.construct, c.position)
		}
	}
}

// TestWrong: what Java refuses is refused with the place where the trouble is.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		pattern, reason string
		position        int
	}{
		{`{`, "repetition without a count", 0},
		{`a{}`, "repetition without a count", 1},
		{`a{2`, "unclosed repetition", 1},
		{`a{2,1}`, "illegal repetition range", 1},
		{`*a`, "dangling quantifier *", 0},
		{`a**`, "dangling quantifier *", 2},
		{`(?i)+`, "dangling quantifier +", 4},
		{`(a`, "unclosed group", 0},
		{`a)b`, "unmatched closing parenthesis", 1},
		{`(?i`, "unclosed group", 0},
		{`(?z)a`, "unknown modifier", 2},
		{`(?i-m-s)`, "unknown modifier", 5},
		{`(?<1>a)`, "bad name of a group", 0},
		{`(?<a>a)(?<a>b)`, `second group named "a"`, 7},
		{`a[b`, "unclosed character class", 1},
		{`[]`, "unclosed character class", 0},
		{`[b-a]`, "illegal character range", 1},
		{`[a-\d]`, `illegal escape \d`, 3},
		{`a\`, "backslash at the end", 1},
		{`\y`, `illegal escape \y`, 0},
		{`\08`, "illegal octal escape", 0},
		{`\xg0`, "illegal hexadecimal escape", 0},
		{`\x{}`, "illegal hexadecimal escape", 0},
		{`\x{110000}`, "character beyond Unicode", 0},
		{`\c`, "illegal control escape", 0},
		{`\p{`, "unclosed or empty character property", 0},
		{`\p`, "unclosed or empty character property", 0},
	} {
		_, err := Compile(c.pattern)
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("%q: %v, want a SyntaxError", c.pattern, err)
			continue
		}
		if got.Reason != c.reason || got.Position != c.position {
			t.Errorf("%q: %v, want %s at %d", c.pattern, got, c.reason, c.position)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	_, err := Compile(`a(?=b)`)
	if got, want := err.Error(), "unsupported look-ahead at position 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = Compile(`a)`)
	if got, want := err.Error(), "unmatched closing parenthesis at position 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhole: an expression matches whole inputs or nothing, alternatives and
// anchors included.
func TestWhole(t *testing.T) {
	for _, c := range []struct {
		pattern     string
		yes, no     []string
		description string
	}{
		{`orders`, []string{"orders"}, []string{"orders-2", "my-orders", "Orders", ""}, "a literal"},
		{`a|ab`, []string{"a", "ab"}, []string{"abc", "b"}, "the longer alternative second"},
		{`my\..*`, []string{"my.", "my.topic"}, []string{"my-topic", "my"}, "an escaped dot"},
		{`(?i)Ab[c-d]`, []string{"ABC", "abd"}, []string{"ab"}, "folding"},
		{`(?i)k`, []string{"k", "K"}, []string{"\u212A"}, "folding ends with ASCII"},
		{`.`, []string{"a", "é"}, []string{"\r", "\n", "\u0085", "\u2028"}, "five line terminators"},
		{`(?s).`, []string{"\r", "\n"}, nil, "the dot that matches them"},
		{`\s`, []string{"\v", " "}, []string{"\u00A0"}, "the vertical tab"},
		{`\h`, []string{"\u00A0", "\t"}, []string{"\n"}, "horizontal space"},
		{`a\Rb`, []string{"a\r\nb", "a\nb", "a\u2029b"}, []string{"ab", "a\n\nb"}, "line breaks"},
		{`\Q.*\E`, []string{".*"}, []string{"ab"}, "quotation"},
		{`\0400`, []string{" 0"}, []string{"\u0100"}, "an octal escape ends at 377"},
		{`\0377`, []string{"ÿ"}, []string{"\x1F7"}, "an octal escape of three digits"},
		{`\x{1F600}`, []string{"😀"}, nil, "a character beyond the basic plane"},
		{`\uD83D\uDE00+`, []string{"😀😀"}, nil, "a surrogate pair"},
		{`(?<year>\d{4})-(?<n>\d)`, []string{"2026-1"}, []string{"26-1"}, "named groups"},
		{`[\w]+`, []string{"a_1"}, []string{"&"}, "a class of a shorthand"},
		{`\p{Alpha}+\Z`, []string{"abZ"}, []string{"ab1", "é"}, "a POSIX class"},
		{`(?i)[\P{Lower}]`, []string{"1"}, []string{"a", "A"}, "a folded property, negated"},
	} {
		re, err := Compile(c.pattern)
		if err != nil {
			t.Errorf("%s: %q: %v", c.description, c.pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s: %q does not match %q", c.description, c.pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s: %q matches %q", c.description, c.pattern, s)
			}
		}
	}
}

// FuzzCompile: every pattern is compiled or refused by one of the two errors,
// with a position inside of it.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`orders.*`, `(?i)[a-z&&[b]]`, `\Qa\E{2}`, `[^\P{Lu}\d-]`, `(?<n>a|\uD83D\uDE00)+?`, `a{,3}`, `\x{41}\cA\0101`, `[\v-z]`, `(?`,
	} {
		f.Add(seed, "orders-eu.1")
	}
	f.Fuzz(func(t *testing.T, pattern, input string) {
		re, err := Compile(pattern)
		if err == nil {
			checkAgainstGo(t, pattern, re, input)
			return
		}
		position := -1
		var unsupported *UnsupportedError
		var syntax *SyntaxError
		switch {
		case errors.As(err, &unsupported):
			position = unsupported.Position
		case errors.As(err, &syntax):
			position = syntax.Position
		}
		if position < 0 || position > utf8.RuneCountInString(pattern) {
			t.Errorf("%q: %v (%T)", pattern, err, err)
		}
	})
}

// plain are patterns whose meaning both dialects share.
var plain = regexp.MustCompile(`^[a-z0-9.|*?()_-]*$`)

// checkAgainstGo compares a translation with Go's reading of the same pattern
// where that is the same.
func checkAgainstGo(t *testing.T, pattern string, re *regexp.Regexp, input string) {
	t.Helper()
	if !plain.MatchString(pattern) || !topicLike(input) || strings.Contains(pattern, "(?") {
		return
	}
	direct, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return
	}
	if got, want := re.MatchString(input), direct.MatchString(input); got != want {
		t.Errorf("%q matches %q: %v, want %v (as %q)", pattern, input, got, want, re)
	}
}
