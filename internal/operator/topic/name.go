package topic

import (
	"crypto/sha1" // names of resources that exist are made with it
	"math/big"
	"strings"
)

// maxResource is the longest name of a resource (a DNS subdomain).
const maxResource = 253

// ResourceName returns the name of the resource of a topic that was not made by one: the topic's name if a resource may be
// called so, else what is left of it and a hash, as the reference operator's bidirectional mode (until 0.40) did:
//
//	__consumer_offsets → consumer-offsets---84e7a678d08f4bd226872e5cdd4eb527fadc1c6a
//
// The hash is SHA-1 of the topic's name, printed as a number: zeros at its beginning are not printed.
func ResourceName(topic string) string {
	if resourceName(topic) {
		return topic
	}
	sum := sha1.Sum([]byte(topic))
	hash := new(big.Int).SetBytes(sum[:]).Text(16)
	const separator = "---"
	kept := legible(topic)
	if most := maxResource - len(separator) - len(hash); len(kept) > most {
		kept = strings.TrimRight(kept[:most], "-.")
	}
	if kept == "" {
		return hash
	}
	return kept + separator + hash
}

// legible keeps letters, as small ones, and digits, and one dash or dot behind each of these; an underscore becomes a dash.
func legible(topic string) string {
	var b strings.Builder
	after := false // a letter or digit
	for i := range len(topic) {
		ch := topic[i]
		if ch >= 'A' && ch <= 'Z' {
			ch += 'a' - 'A'
		}
		if ch == '_' {
			ch = '-'
		}
		plain := alphanumeric(ch)
		if plain || after && (ch == '-' || ch == '.') {
			b.WriteByte(ch)
		}
		after = plain
	}
	return strings.TrimRight(b.String(), "-.")
}

func alphanumeric(ch byte) bool { return ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' }

// resourceName reports whether a resource may have the name: RFC 1123 labels with dots between them.
func resourceName(name string) bool {
	if len(name) > maxResource {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || !alphanumeric(label[0]) || !alphanumeric(label[len(label)-1]) {
			return false
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}
