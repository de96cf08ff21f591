package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// jsonPatch returns the JSON patch that turns the object raw, as the API server sent it, into what after says. before is raw
// as this program's types understood it, after is what became of it.
//
// The API server may be newer than the types: a field that they do not know is in raw only, and a patch made from raw and
// after would delete it. So what changed between before and after is carried over to raw first, and the patch then replaces
// whole members of metadata and spec (adding a member that exists replaces it). An empty patch means that nothing changed.
func jsonPatch(raw []byte, before, after any) ([]byte, error) {
	had, err := tree(before)
	if err != nil {
		return nil, err
	}
	wants, err := tree(after)
	if err != nil {
		return nil, err
	}
	is, err := decode(raw)
	if err != nil {
		return nil, err
	}
	becomes := carry(is, had, wants)
	var steps []operation
	for _, section := range []string{"metadata", "spec"} {
		steps = append(steps, replaced(section, member(is, section), member(becomes, section))...)
	}
	if len(steps) == 0 {
		return nil, nil
	}
	patch, err := json.Marshal(steps)
	if err != nil {
		return nil, fmt.Errorf("encoding the patch: %w", err)
	}
	return patch, nil
}

// tree is an object as maps, lists and literals.
func tree(object any) (any, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding the object: %w", err)
	}
	return decode(text)
}

// decode keeps the digits of numbers as they are.
func decode(text []byte) (out any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("decoding the object: %w", err)
	}
	return out, nil
}

func member(object any, name string) map[string]any {
	all, _ := object.(map[string]any)
	found, _ := all[name].(map[string]any)
	return found
}

// replaced lists the steps for the members of one section that differ, in the order of their names.
func replaced(section string, is, becomes map[string]any) (steps []operation) {
	for _, key := range slices.Sorted(maps.Keys(becomes)) {
		if old, there := is[key]; !there || !reflect.DeepEqual(old, becomes[key]) {
			steps = append(steps, operation{Op: "add", Path: "/" + section + "/" + escape(key), Value: becomes[key]})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if _, stays := becomes[key]; !stays {
			steps = append(steps, operation{Op: "remove", Path: "/" + section + "/" + escape(key)})
		}
	}
	return steps
}

// escape writes a member's name as RFC 6901 wants it in a pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// carry applies to is the changes that lead from had to wants.
func carry(is, had, wants any) any {
	if reflect.DeepEqual(had, wants) {
		return is
	}
	switch w := wants.(type) {
	case map[string]any:
		i, ok := is.(map[string]any)
		h, also := had.(map[string]any)
		if ok && also {
			return carryMap(i, h, w)
		}
	case []any:
		i, ok := is.([]any)
		h, also := had.([]any)
		if ok && also && len(i) == len(h) {
			return carryList(i, h, w)
		}
	}
	return wants
}

func carryMap(is, had, wants map[string]any) map[string]any {
	out := maps.Clone(is)
	for key := range had {
		if _, stays := wants[key]; !stays {
			delete(out, key)
		}
	}
	for key, want := range wants {
		old, there := had[key]
		switch {
		case !there:
			out[key] = want
		case reflect.DeepEqual(old, want): // is[key] stands, or its absence: types write empty members
		default:
			out[key] = carry(is[key], old, want)
		}
	}
	return out
}

// carryList finds for each element that is wanted the one it was: an equal one, or one of the same name (as the lists of a
// pod that have names are keyed by them). Others are new.
func carryList(is, had, wants []any) []any {
	out := make([]any, len(wants))
	for n, want := range wants {
		at := slices.IndexFunc(had, func(h any) bool { return reflect.DeepEqual(h, want) })
		if at < 0 && name(want) != "" {
			at = slices.IndexFunc(had, func(h any) bool { return name(h) == name(want) })
		}
		if at < 0 {
			out[n] = want
			continue
		}
		out[n] = carry(is[at], had[at], want)
	}
	return out
}

func name(element any) string {
	m, _ := element.(map[string]any)
	text, _ := m["name"].(string)
	return text
}
