package kafkaconf

import (
	"maps"
	"regexp"
	"testing"
)

func TestHash(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]string{}
	for name, config := range map[string]map[string]string{
		"none":      {},
		"one":       {"a": "1"},
		"other":     {"a": "2"},
		"two":       {"a": "1", "b": "2"},
		"swapped":   {"a": "2", "b": "1"},
		"joined":    {"a": "1\nb=2"},
		"key joint": {"a=1\nb": "2"},
		"empty":     {"a": ""},
		"blank":     {"a": " "},
	} {
		hash := Hash(config)
		if !form.MatchString(hash) {
			t.Errorf("%s: %q", name, hash)
		}
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[hash] = name
		if again := Hash(maps.Clone(config)); again != hash {
			t.Errorf("%s: %s, then %s", name, hash, again)
		}
	}
	// Pods carry the hash: another one for the same configuration would restart every broker.
	if got := Hash(map[string]string{"a": "1", "b": "2"}); got != "4a73850fde34aad4" {
		t.Errorf("the hash of two settings became %s", got)
	}
	if Hash(nil) != Hash(map[string]string{}) {
		t.Error("nil is not empty")
	}
}
