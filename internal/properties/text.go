package properties

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// Text writes settings in the syntax of java.util.Properties, sorted, one key=value a line. It is ASCII: a reader
// may take it for ISO-8859-1 or for UTF-8. It may be the value of a container's environment variable as it stands: what
// Kubernetes would expand in one, $(NAME) and $$, is written so that it is not recognised.
func Text(settings map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		writeEscaped(&out, key, true)
		out.WriteByte('=')
		writeEscaped(&out, settings[key], false)
		out.WriteByte('\n')
	}
	return out.String()
}

// writeEscaped writes a key or a value. Blanks count everywhere in a key, and in front of a value.
func writeEscaped(out *strings.Builder, text string, key bool) {
	const special, letters = "\\\n\r\t\f", `\nrtf`
	for i, r := range text {
		switch at := strings.IndexRune(special, r); {
		case at >= 0:
			out.WriteString(`\` + letters[at:at+1])
		case r == ' ' && (key || i == 0), key && strings.ContainsRune("=:#!", r):
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r > '~' || r == '$' && expandable(text[i+1:]):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(out, `\u%04x`, unit)
			}
		default:
			out.WriteRune(r)
		}
	}
}

// expandable reports whether Kubernetes would take a $ in front of a text for the beginning of a reference, or of an escape.
func expandable(text string) bool {
	return strings.HasPrefix(text, "$") || strings.HasPrefix(text, "(")
}
