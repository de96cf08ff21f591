package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The placeholders that stand in values, as ${NAME}. All others are left as they are: Kafka's own configuration providers
// resolve those.
const (
	addressPlaceholder = "node.address"
	rackPlaceholder    = "node.rack"
	idPlaceholder      = "node.id"
	podPlaceholder     = "pod.name"
	filePlaceholder    = "steg.file:" // with a path: the file's content
	jaasPlaceholder    = "steg.jaas:" // the same as a quoted string of a JAAS configuration
)

// filesBelow is where the files of placeholders may be: nothing else of the container is put into properties.
const filesBelow = "/etc/steg/"

// Facts are what placeholders stand for.
type Facts struct {
	Pod           string
	Address, Rack string
	Files         map[string]string // by the path in the placeholder
}

// Needs are the facts that a node's properties ask for.
type Needs struct {
	Address, Rack bool
	Files         []string // sorted
}

// Needs lists them, so that nobody waits for what is not needed. An error names the key of a placeholder that nobody knows
// or of a file that is not below /etc/steg.
func (s Settings) Needs() (Needs, error) {
	var needs Needs
	files := make(map[string]bool)
	_, err := s.expand(func(name string) (string, error) {
		switch name {
		case addressPlaceholder:
			needs.Address = true
		case rackPlaceholder:
			needs.Rack = true
		}
		if file, ok := placeholderFile(name); ok {
			if path.Clean(file) != file || !strings.HasPrefix(file, filesBelow) {
				return "", fmt.Errorf("%q is not a clean path below %s", file, filesBelow)
			}
			files[file] = true
		}
		return "", nil
	})
	needs.Files = slices.Sorted(maps.Keys(files))
	return needs, err
}

func placeholderFile(name string) (file string, ok bool) {
	for _, prefix := range []string{filePlaceholder, jaasPlaceholder} {
		if file, ok := strings.CutPrefix(name, prefix); ok {
			return file, true
		}
	}
	return "", false
}

// Resolve returns the settings with the facts in place of their placeholders. An error names the key and what is missing,
// never a content.
func (s Settings) Resolve(f Facts) (Settings, error) {
	return s.expand(func(name string) (string, error) {
		value, ok := "", true
		switch name {
		case addressPlaceholder:
			value = joinHost(f.Address)
		case rackPlaceholder:
			value = f.Rack
		case idPlaceholder:
			value = s["node.id"]
		case podPlaceholder:
			value = f.Pod
		default:
			var file string
			file, _ = placeholderFile(name)
			value, ok = f.Files[file]
			value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
		}
		if !ok || value == "" {
			return "", fmt.Errorf("${%s} stands for nothing: it is missing or empty", name)
		}
		if strings.HasPrefix(name, jaasPlaceholder) {
			value = quoteJAAS(value)
		}
		return value, nil
	})
}

// expand replaces the placeholders of all values by what value returns.
func (s Settings) expand(value func(name string) (string, error)) (Settings, error) {
	out := make(Settings, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		var b strings.Builder
		for rest := s[key]; rest != ""; {
			before, after, found := strings.Cut(rest, "${")
			b.WriteString(before)
			if !found {
				break
			}
			name, tail, closed := strings.Cut(after, "}")
			if !closed || !ours(name) {
				b.WriteString("${")
				rest = after
				continue
			}
			if !known(name) {
				return nil, fmt.Errorf("%s: nobody knows ${%s}", key, name)
			}
			text, err := value(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			b.WriteString(text)
			rest = tail
		}
		out[key] = b.String()
	}
	return out, nil
}

// ours reports whether a placeholder is not one of Kafka's providers.
func ours(name string) bool {
	return strings.HasPrefix(name, "node.") || strings.HasPrefix(name, "pod.") || strings.HasPrefix(name, "steg.")
}

func known(name string) bool {
	if _, ok := placeholderFile(name); ok {
		return true
	}
	return slices.Contains([]string{addressPlaceholder, rackPlaceholder, idPlaceholder, podPlaceholder}, name)
}

// quoteJAAS writes a text as the parser of JAAS configurations (java.io.StreamTokenizer) reads a string: octal escapes
// for what may not stand in one.
func quoteJAAS(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\%03o`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Annotations reads a file of the downward API: lines of key="value", the value quoted as Go quotes strings. An error names
// the line.
func Annotations(text string) (map[string]string, error) {
	out := make(map[string]string)
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, quoted, found := strings.Cut(line, "=")
		value, err := strconv.Unquote(quoted)
		if !found || err != nil {
			return nil, fmt.Errorf("line %d is not written as key=\"value\"", number)
		}
		out[key] = value
	}
	return out, nil
}
