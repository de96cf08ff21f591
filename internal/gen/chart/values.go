package main

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// value is one key of values.yaml.
type value struct {
	path    []string
	text    string // the comment above it, as one paragraph
	initial any    // the default, as JSON has it
	group   bool   // it is there for the keys below it
}

func (v value) name() string { return strings.Join(v.path, ".") }

// indent is what a level is indented by.
const indent = 2

// parseValues reads a values.yaml of simple form: every key has a comment above it, but for those below a key whose default
// is an object of Kubernetes, and an object is a group if the first key below it has a comment. The error names the line.
func parseValues(text string) ([]value, error) {
	var defaults map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &defaults); err != nil {
		return nil, err
	}
	var values []value
	var comment, path []string
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if about, ok := strings.CutPrefix(trimmed, "#"); ok {
			comment = append(comment, strings.TrimSpace(about))
			continue
		}
		key, _, found := strings.Cut(trimmed, ":")
		if !found {
			comment = nil
			continue
		}
		level := (len(line) - len(strings.TrimLeft(line, " "))) / indent
		if level > len(path) {
			return nil, fmt.Errorf("line %d: %s is indented too far", i+1, key)
		}
		path = append(path[:level:level], key)
		switch {
		case len(comment) > 0:
		case level == 0:
			return nil, fmt.Errorf("line %d: %s has no comment", i+1, key)
		default:
			continue // a part of a default
		}
		values = append(values, value{path: path, text: strings.Join(comment, " "), initial: at(defaults, path)})
		comment = nil
	}
	return grouped(values), nil
}

// at returns what stands under a path.
func at(in any, path []string) any {
	for _, key := range path {
		object, _ := in.(map[string]any)
		in = object[key]
	}
	return in
}

// grouped marks the keys that others with comments are below.
func grouped(values []value) []value {
	for i := range values[:max(0, len(values)-1)] {
		values[i].group = len(values[i+1].path) > len(values[i].path)
	}
	return values
}

// withoutEffect reads a list of keys, one per line; # begins a comment.
func withoutEffect(text string) []string {
	var keys []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	return keys
}
