package javaregex

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// javaRow is what java.util.regex made of one pattern.
type javaRow struct {
	pattern string
	valid   bool
	matches []bool // by input
}

// readTable reads testdata/matches.tsv, which Matches.java beside it has written
// under Java 17.
func readTable(t *testing.T) (inputs []string, rows []javaRow) {
	t.Helper()
	f, err := os.Open("testdata/matches.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(f)
	lines.Scan()
	for field := range strings.SplitSeq(lines.Text(), "\t") {
		inputs = append(inputs, unescapeUnits(t, field))
	}
	for lines.Scan() {
		pattern, result, _ := strings.Cut(lines.Text(), "\t")
		row := javaRow{pattern: pattern, valid: result != "error"}
		for _, digit := range result {
			row.matches = append(row.matches, digit == '1')
		}
		if row.valid && len(row.matches) != len(inputs) {
			t.Fatalf("pattern %q has %d results for %d inputs", pattern, len(row.matches), len(inputs))
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return inputs, rows
}

// unescapeUnits resolves the \uXXXX of the table, surrogate pairs included.
func unescapeUnits(t *testing.T, s string) string {
	t.Helper()
	out, err := strconv.Unquote(`"` + strings.NewReplacer(`"`, `\"`, `\uD83D\uDE00`, `😀`).Replace(s) + `"`)
	if err != nil {
		t.Fatalf("input %q: %v", s, err)
	}
	return out
}

// TestAgainstJava holds Compile to what Java does: a pattern that Java refuses
// is refused, one that it takes is translated to the same result or refused as
// unsupported, never as wrong.
func TestAgainstJava(t *testing.T) {
	inputs, rows := readTable(t)
	if len(inputs) < 50 || len(rows) < 2500 {
		t.Fatalf("the table has only %d inputs and %d patterns", len(inputs), len(rows))
	}
	compiled := 0
	for _, row := range rows {
		re, err := Compile(row.pattern)
		var unsupported *UnsupportedError
		switch {
		case err != nil && row.valid && !errors.As(err, &unsupported):
			t.Errorf("%q is right in Java: %v", row.pattern, err)
			continue
		case err == nil && !row.valid:
			t.Errorf("%q is wrong in Java, and became %q", row.pattern, re)
			continue
		case err != nil:
			continue
		}
		compiled++
		for i, input := range inputs {
			if !topicLike(input) && differs(row.pattern) {
				continue
			}
			if got := re.MatchString(input); got != row.matches[i] {
				t.Errorf("%q matches %q: %v, Java says %v (as %q)", row.pattern, input, got, row.matches[i], re)
			}
		}
	}
	if compiled < 2000 {
		t.Errorf("only %d patterns were compared", compiled)
	}
}

// topicLike says whether an input could be the name of a topic. For these there
// is no difference at all.
func topicLike(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}

// differs says whether a pattern may, as the package comment says, treat inputs
// otherwise that cannot be the name of a topic: ends of lines, and word
// boundaries beside letters beyond ASCII, which Java 17 still took for letters.
func differs(pattern string) bool {
	for _, construct := range []string{"$", `\Z`, `\b`, `\B`, "m)", "(?ims)"} {
		if strings.Contains(pattern, construct) {
			return true
		}
	}
	return false
}
