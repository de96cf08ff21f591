package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestVacancy(t *testing.T) {
	const there, vacant, silent = 't', 'v', 's'
	for _, c := range []struct {
		looks string // each takes two seconds, and one passes before the next
		want  time.Duration
	}{
		{"", 0},
		{"t", 0},
		{"v", 2 * time.Second},
		{"s", 0},
		{"vvv", 8 * time.Second},
		{"tvv", 5 * time.Second},
		{"vvt", 0},
		{"vvtv", 2 * time.Second},
		{"vvs", 0},
		{"vvsv", 2 * time.Second},
		{"svv", 5 * time.Second},
	} {
		var v Vacancy
		var got time.Duration
		at := time.Unix(0, 0)
		for _, look := range c.looks {
			got = v.Look(at, at.Add(2*time.Second), look == there, look != silent)
			at = at.Add(3 * time.Second)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.looks, got, c.want)
		}
	}
}

// Whatever is found: a vacancy is never longer than the time since the last look that found a quorum, or nobody who waits.
func TestVacancyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Vacancy
		at := time.Unix(0, 0)
		last := at
		for range rapid.IntRange(1, 30).Draw(t, "looks") {
			began := at.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "pause")) * time.Millisecond)
			at = began.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "took")) * time.Millisecond)
			there, answered := rapid.Bool().Draw(t, "led"), rapid.Bool().Draw(t, "answered")
			got := v.Look(began, at, there, answered)
			if there || !answered {
				last = at
			}
			if got < 0 || got > at.Sub(last) {
				t.Fatalf("%s, but %s ago there was a quorum or nobody who waited", got, at.Sub(last))
			}
		}
	})
}
