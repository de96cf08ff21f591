package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Entry is one setting of a free-form map, its value as a text.
type Entry struct{ Key, Value string }

// FreeForm reads a free-form map, sorted, its values by [ValueText]. What has no text is noted as invalid, and left out.
func (f *Findings) FreeForm(field string, config v1.Config) []Entry {
	var entries []Entry
	for _, key := range slices.Sorted(maps.Keys(config)) {
		text, err := ValueText(config[key].Raw)
		switch {
		case key != strings.TrimSpace(key) || key == "":
			f.Invalid(field, "the key %q is empty or has blanks around it", key)
		case strings.ContainsAny(key, "\n\r"):
			f.Invalid(field, "the key %q has several lines: write each setting with a key of its own", key)
		case err != nil:
			f.Invalid(field+"."+key, "%v", err)
		default:
			entries = append(entries, Entry{key, text})
		}
	}
	return entries
}

// HasPrefix compares as the reference operator does: the case of the key does not count.
func HasPrefix(key string, prefixes ...string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// decimal is a number in digits.
func decimal[T int | int32 | int64](n T) string { return fmt.Sprint(n) }
