package kafkaconf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// Text returns a configuration as a file of java.util.Properties: one key=value a line, sorted by key, in ASCII, so that it
// reads the same in any encoding. What is not UTF-8 becomes U+FFFD.
func Text(config map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(config)) {
		escape(&out, key, true)
		out.WriteByte('=')
		escape(&out, config[key], false)
		out.WriteByte('\n')
	}
	return out.String()
}

// escape writes a key or a value. A blank ends a key, and does not count in front of a value.
func escape(out *strings.Builder, text string, key bool) {
	const special, letters = "\\\n\r\t\f", `\nrtf`
	for i, r := range text {
		switch at := strings.IndexRune(special, r); {
		case at >= 0:
			out.WriteString(`\` + letters[at:at+1])
		case r == ' ' && (key || i == 0), key && strings.ContainsRune("=:#!", r):
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r > '~':
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(out, `\u%04x`, unit)
			}
		default:
			out.WriteRune(r)
		}
	}
}

// Hash returns 16 hexadecimal digits that differ, but for an accident, when two configurations do. It is a name for a
// configuration, not a protection of it.
func Hash(config map[string]string) string {
	sum := sha256.Sum256([]byte(Text(config)))
	return hex.EncodeToString(sum[:8])
}
