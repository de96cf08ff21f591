package config

import (
	"slices"
	"testing"
)

func TestVoters(t *testing.T) {
	for text, want := range map[string][]Voter{
		"":                          nil,
		"0@a.b:9090":                {{0, "a.b", 9090}},
		"0@a:9090, 12@[::1]:65535,": {{0, "a", 9090}, {12, "::1", 65535}},
	} {
		got, err := Settings{"controller.quorum.voters": text}.Voters()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got := (Voter{1, "::1", 9090}).Address(); got != "[::1]:9090" {
		t.Errorf("%s", got)
	}
	for _, text := range []string{"a:9090", "x@a:9090", "-1@a:9090", "1@a", "1@:9090", "1@a:65536", "1@a:b", "1@a:1,@"} {
		if got, err := (Settings{"controller.quorum.voters": text}).Voters(); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
