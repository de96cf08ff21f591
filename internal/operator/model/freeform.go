package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Entry is one setting of a free-form map, its value as a text.
type Entry struct{ Key, Value string }

// FreeForm reads a free-form map, sorted. As in the reference operator a value is a text, a number, a boolean, or a list of
// them, which becomes a text with commas. Anything else is noted as invalid, and left out.
func (f *Findings) FreeForm(field string, config v1.Config) []Entry {
	var entries []Entry
	for _, key := range slices.Sorted(maps.Keys(config)) {
		text, err := textOf(config[key].Raw)
		switch {
		case key != strings.TrimSpace(key) || key == "":
			f.Invalid(field, "the key %q is empty or has blanks around it", key)
		case err != nil:
			f.Invalid(field+"."+key, "%v", err)
		default:
			entries = append(entries, Entry{key, text})
		}
	}
	return entries
}

// textOf reads a JSON value as the text of a setting. The digits of a number stay as they were written.
func textOf(raw []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil && len(raw) > 0 { // null has come as nothing
		return "", fmt.Errorf("is not JSON: %w", err)
	}
	list, isList := value.([]any)
	if !isList {
		return scalar(value)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		var err error
		if texts[i], err = scalar(v); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, ","), nil
}

// scalar is one value that is not a list. null has no text, and an object none that anybody would agree about.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("is neither a text, a number, a boolean nor a list of them")
}

// HasPrefix compares as the reference operator does: the case of the key does not count.
func HasPrefix(key string, prefixes ...string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// decimal is a number in digits.
func decimal[T int | int32 | int64](n T) string { return fmt.Sprint(n) }
