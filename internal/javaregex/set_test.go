package javaregex

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// spansGenerator draws ranges of characters, overlapping and in any order.
func spansGenerator() *rapid.Generator[[]span] {
	char := rapid.OneOf(rapid.Int32Range(0, 0x80), rapid.Int32Range(0, maxChar), rapid.SampledFrom([]int32{0, 'a', 'Z', maxChar}))
	one := rapid.Custom(func(t *rapid.T) span {
		a, b := char.Draw(t, "a"), char.Draw(t, "b")
		return span{min(a, b), max(a, b)}
	})
	return rapid.SliceOfN(one, 0, 6)
}

// has says whether one of the ranges contains a character.
func has(spans []span, c rune) bool {
	for _, s := range spans {
		if s.low <= c && c <= s.high {
			return true
		}
	}
	return false
}

// TestComplement: every character is either in a set or in its complement.
func TestComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := spansGenerator().Draw(t, "spans")
		rest := complement(spans)
		c := rapid.Int32Range(0, maxChar).Draw(t, "char")
		edges := []rune{c, 0, maxChar}
		for _, s := range spans {
			edges = append(edges, s.low, s.high, max(s.low-1, 0), min(s.high+1, maxChar))
		}
		for _, c := range edges {
			if has(spans, c) == has(rest, c) {
				t.Fatalf("%#x is in both or neither of %v and %v", c, spans, rest)
			}
		}
	})
}

// TestFolded: folding adds the other case of letters and nothing else.
func TestFolded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := spansGenerator().Draw(t, "spans")
		all := folded(spans)
		for c := rune(0); c < 0x100; c++ {
			want := has(spans, c) || has(spans, otherCase(c))
			if has(all, c) != want {
				t.Fatalf("%q in the folded %v: %v, want %v", c, spans, !want, want)
			}
		}
	})
}

// TestSetFragment: a set in Go's syntax holds what the set holds.
func TestSetFragment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &set{spans: spansGenerator().Filter(func(l []span) bool { return len(l) > 0 }).Draw(t, "spans")}
		s.negated = rapid.Bool().Draw(t, "negated")
		re, err := regexp.Compile(`\A` + s.fragment(flags{}).text + `\z`)
		if err != nil {
			t.Fatal(err)
		}
		c := rapid.OneOf(rapid.Int32Range(0, 0x80), rapid.Int32Range(0, 0xD7FF)).Draw(t, "char")
		if got, want := re.MatchString(string(c)), has(s.spans, c) != s.negated; got != want {
			t.Fatalf("%#x in %+v: %v, want %v", c, s, got, want)
		}
	})
}

func TestUnquote(t *testing.T) {
	plain := func(s string, at ...int) []unit { return units(s, false, at) }
	quoted := func(s string, at ...int) []unit { return units(s, true, at) }
	join := func(parts ...[]unit) (all []unit) {
		all = []unit{}
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for pattern, want := range map[string][]unit{
		"":            {},
		"ab":          plain("ab", 0, 1),
		`\Qa\E`:       quoted("a", 2),
		`\Qa`:         quoted("a", 2),
		`\Q\E`:        {},
		`x\Q.\E+`:     join(plain("x", 0), quoted(".", 3), plain("+", 6)),
		`\\Qa`:        plain(`\\Qa`, 0, 1, 2, 3),
		`\Q\d\E\d`:    join(quoted(`\d`, 2, 3), plain(`\d`, 6, 7)),
		`\Qa\Eb\Qc\E`: join(quoted("a", 2), plain("b", 5), quoted("c", 8)),
		`é\Qü`:        join(plain("é", 0), quoted("ü", 3)),
		`a\`:          plain(`a\`, 0, 1),
	} {
		if diff := cmp.Diff(want, unquote(pattern), cmp.AllowUnexported(unit{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", pattern, diff)
		}
	}
}

// units builds what unquote returns for a run of characters of one kind.
func units(s string, literal bool, at []int) []unit {
	var list []unit
	for i, c := range []rune(s) {
		list = append(list, unit{c, literal, at[i]})
	}
	return list
}
