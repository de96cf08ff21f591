package kafkaconf

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The tables, all tab-separated, with a first line that names their columns.
var (
	//go:embed versions.tsv
	versionsTSV string
	//go:embed metadata.tsv
	metadataTSV string
	//go:embed options.tsv
	optionsTSV string
)

// tables is the parsed data. Nobody writes to it.
type tables struct {
	versions []Version           // ascending
	position map[string]int      // in versions, by number
	metadata []metadata          // ascending by level
	options  map[string][]option // the variants of a name, by version
}

// metadata is a metadata version that at least one Kafka version may run in production.
type metadata struct {
	name  string
	level int16
}

// option is an option as some versions have it.
type option struct {
	Option
	prefixed Scope  // of the option behind a listener's prefix
	in       []bool // by position of the version
}

// data is the parsed tables. They are part of the program and a test parses them, so there is no error to return.
var data = sync.OnceValue(func() *tables {
	t, err := parseTables(versionsTSV, metadataTSV, optionsTSV)
	if err != nil {
		panic(err)
	}
	return t
})

func parseTables(versions, meta, options string) (*tables, error) {
	t := &tables{position: make(map[string]int), options: make(map[string][]option)}
	if err := eachRow(versions, 2, func(row []string) error {
		t.position[row[0]] = len(t.versions)
		t.versions = append(t.versions, Version{Number: row[0], Metadata: row[1]})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("versions.tsv: %w", err)
	}
	if err := eachRow(meta, 3, func(row []string) error {
		level, err := strconv.ParseInt(row[2], 10, 16)
		t.metadata = append(t.metadata, metadata{name: row[1], level: int16(level)})
		return err
	}); err != nil {
		return nil, fmt.Errorf("metadata.tsv: %w", err)
	}
	slices.SortFunc(t.metadata, func(a, b metadata) int { return int(a.level) - int(b.level) })
	if err := eachRow(options, 10, func(row []string) error {
		o, err := parseOption(row[1:])
		if err != nil {
			return err
		}
		o.in, err = t.parseRanges(row[0])
		t.options[o.Name] = append(t.options[o.Name], o)
		return err
	}); err != nil {
		return nil, fmt.Errorf("options.tsv: %w", err)
	}
	return t, nil
}

// eachRow calls f for every row below the head. It ends at the first error, which it returns with the row.
func eachRow(tsv string, columns int, f func(row []string) error) error {
	for line := range strings.Lines(tsv) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(line, "\t")
		if len(row) != columns {
			return fmt.Errorf("%d columns instead of %d in %q", len(row), columns, line)
		}
		if err := f(row); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

// parseOption reads a row of options.tsv without its first column, the versions.
func parseOption(row []string) (option, error) {
	o := option{Option: Option{Name: row[0], Type: Type(row[1]), Min: row[3], Max: row[4]}}
	switch row[2] {
	case "(none)":
	case "(required)":
		o.Required = true
	default:
		o.Default, o.HasDefault = row[2], true
	}
	if row[5] != "" {
		o.Values = strings.Split(row[5], ",")
	}
	for rule := range strings.SplitSeq(row[6], ",") {
		switch rule {
		case "":
		case "anycase":
			o.AnyCase = true
		case "nonempty":
			o.NonEmpty = true
		case "unique":
			o.Unique = true
		case "filled":
			o.Filled = true
		case "version":
			o.metadata = true
		case "internal":
			o.Internal = true
		default:
			return o, fmt.Errorf("unknown rule %q", rule)
		}
	}
	var err error
	if o.Scope, err = parseScope(row[7]); err != nil {
		return o, err
	}
	o.prefixed, err = parseScope(row[8])
	return o, err
}

// parseRanges reads versions as 3.9.0-4.1.2,4.3.1.
func (t *tables) parseRanges(text string) ([]bool, error) {
	in := make([]bool, len(t.versions))
	for part := range strings.SplitSeq(text, ",") {
		first, last, more := strings.Cut(part, "-")
		if !more {
			last = first
		}
		from, ok := t.position[first]
		to, ok2 := t.position[last]
		if !ok || !ok2 || from > to {
			return nil, fmt.Errorf("%q is not a range of supported versions", part)
		}
		for i := from; i <= to; i++ {
			in[i] = true
		}
	}
	return in, nil
}

// find returns an option as a version has it.
func (t *tables) find(v Version, name string) (option, bool) {
	at, ok := t.position[v.Number]
	if !ok {
		return option{}, false
	}
	for _, o := range t.options[name] {
		if o.in[at] {
			return o, true
		}
	}
	return option{}, false
}
