package user

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLedger(t *testing.T) {
	empty, err := ParseLedger(nil)
	if err != nil || empty.Len() != 0 {
		t.Fatal(err)
	}
	l, changed := empty.With("b", "a")
	if !changed || empty.Has("a") || !l.Has("a") || l.Len() != 2 {
		t.Error(l)
	}
	if _, changed = l.With("a"); changed {
		t.Error("nothing changed")
	}
	data, err := l.Data()
	if err != nil || data[LedgerKey] != "a\nb\n" {
		t.Error(data, err)
	}
	if got := l.Orphans(func(n string) bool { return n == "b" }); !slices.Equal(got, []string{"a"}) {
		t.Error(got)
	}
	less, changed := l.Without("a", "c")
	if !changed || less.Has("a") || !l.Has("a") {
		t.Error(less)
	}
	if _, changed = less.Without("a"); changed {
		t.Error("nothing changed")
	}
}

// What was changed by hand is not believed.
func TestParseLedgerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a\n\nb\n": "line 2 of key users is no name", "a b\n": "line 1", "a\nA\n": "line 2", strings.Repeat("a", 254): "line 1", "a\r\n": "line 1",
	} {
		if l, err := ParseLedger(map[string]string{LedgerKey: text}); err == nil || l.Len() > 0 || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLedgerIsBounded(t *testing.T) {
	var many []string
	for i := range 3700 {
		many = append(many, fmt.Sprintf("%0250d", i))
	}
	l, _ := Ledger{}.With(many...)
	if _, err := l.Data(); err == nil || !strings.HasPrefix(err.Error(), "3700 users of one cluster are more than") {
		t.Error(err)
	}
	if l, _ = l.Without(many[3500:]...); l.Len() != 3500 {
		t.Error(l.Len())
	}
	if _, err := l.Data(); err != nil {
		t.Error(err)
	}
}

// FuzzLedger: what can be read is written as it was, sorted and without repeats.
func FuzzLedger(f *testing.F) {
	for _, s := range []string{"", "a\nb\n", "b\na", "a\na\n", "\n", "x y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLedger(map[string]string{LedgerKey: text})
		if err != nil {
			return
		}
		data, err := l.Data()
		if err != nil {
			t.Skip("too large")
		}
		lines := strings.Fields(text)
		slices.Sort(lines)
		if got := strings.Fields(data[LedgerKey]); !slices.Equal(got, slices.Compact(lines)) {
			t.Errorf("%q became %q", text, got)
		}
	})
}

// TestLedgerIsASet compares with a plain set over any sequence of operations.
func TestLedgerIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, set := Ledger{}, map[string]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3).Draw(t, "names")
			before, changed := l, false
			if rapid.Bool().Draw(t, "add") {
				l, changed = l.With(names...)
				for _, n := range names {
					set[n] = true
				}
			} else {
				l, changed = l.Without(names...)
				for _, n := range names {
					delete(set, n)
				}
			}
			if changed == (before.Len() == l.Len()) || l.Len() != len(set) || len(l.Orphans(func(n string) bool { return set[n] })) > 0 {
				t.Fatalf("%v instead of %v", l, set)
			}
		}
	})
}
