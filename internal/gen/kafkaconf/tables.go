package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// The kinds of lines that Options.java prints.
const (
	kindDefault  = "default"
	kindMetadata = "metadata"
	kindOption   = "option"
)

// facts are what one version says.
type facts struct {
	metadata string              // default metadata version
	lines    map[string][]string // by kind, without the kind
}

// columns is how many columns a line of each kind has, without its kind.
func columns(kind string) int {
	return map[string]int{kindDefault: 1, kindMetadata: 2, kindOption: 9}[kind]
}

// parseFacts reads what Options.java printed about a version.
func parseFacts(number, out string) (facts, error) {
	f := facts{lines: make(map[string][]string)}
	for line := range strings.Lines(out) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if n := strings.Count(rest, "\t") + 1; n != columns(kind) {
			return facts{}, fmt.Errorf("kafka %s: %d columns instead of %d in %q", number, n, columns(kind), line)
		}
		if kind == kindDefault {
			f.metadata = rest
			continue
		}
		f.lines[kind] = append(f.lines[kind], rest)
	}
	if f.metadata == "" || len(f.lines[kindMetadata]) == 0 || len(f.lines[kindOption]) == 0 {
		return facts{}, fmt.Errorf("kafka %s: it names no default, no metadata version or no option", number)
	}
	return f, nil
}

// tables returns the files to write, by name. numbers are ascending, all has the facts of each.
func tables(numbers []string, all []facts) map[string][]byte {
	var list bytes.Buffer
	list.WriteString("# Kafka version, default metadata version; written by internal/gen/kafkaconf\n")
	for i, f := range all {
		fmt.Fprintf(&list, "%s\t%s\n", numbers[i], f.metadata)
	}
	return map[string][]byte{
		"versions.tsv": list.Bytes(),
		"metadata.tsv": merge("# Kafka versions, metadata version, level", kindMetadata, numbers, all),
		"options.tsv": merge("# Kafka versions, option, type, default, smallest, largest, values, rules, scope, scope for a listener",
			kindOption, numbers, all),
	}
}

// merge returns the lines of a kind that any version has, sorted, each behind the versions that have it.
func merge(head, kind string, numbers []string, all []facts) []byte {
	has := make(map[string][]bool)
	for i, f := range all {
		for _, line := range f.lines[kind] {
			if has[line] == nil {
				has[line] = make([]bool, len(all))
			}
			has[line][i] = true
		}
	}
	var lines []string
	for line := range has {
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, "\t")
		nameB, _, _ := strings.Cut(b, "\t")
		if c := strings.Compare(nameA, nameB); c != 0 {
			return c
		}
		return slices.Index(has[a], true) - slices.Index(has[b], true)
	})
	var out bytes.Buffer
	out.WriteString(head + "; written by internal/gen/kafkaconf\n")
	for _, line := range lines {
		fmt.Fprintf(&out, "%s\t%s\n", ranges(numbers, has[line]), line)
	}
	return out.Bytes()
}

// ranges names the versions for which in is true, as 3.9.0-4.1.2,4.3.1.
func ranges(numbers []string, in []bool) string {
	var out []string
	for i := 0; i < len(in); i++ {
		if !in[i] {
			continue
		}
		first := i
		for i+1 < len(in) && in[i+1] {
			i++
		}
		if first == i {
			out = append(out, numbers[i])
		} else {
			out = append(out, numbers[first]+"-"+numbers[i])
		}
	}
	return strings.Join(out, ",")
}
