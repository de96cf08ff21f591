package configsource

import "strings"

// reference is ${alias:[path:]key} inside a value.
type reference struct {
	alias, path, key string
	text             string // as it stands, with ${ and }
}

// piece is a part of a value: literal text, or a reference.
type piece struct {
	literal string
	ref     *reference
}

// parseReferences cuts a value at its references, as Kafka's ConfigTransformer does: from ${ to the next }, the alias
// ending at the first colon and the path at the second; further colons belong to the key. ${ without a colon before the
// next } is literal text. Every part may be empty.
func parseReferences(value string) []piece {
	var pieces []piece
	literal := 0 // start of the text not yet in pieces
	for at := 0; ; {
		start := strings.Index(value[at:], "${")
		if start < 0 {
			break
		}
		start += at
		length := strings.IndexByte(value[start:], '}')
		if length < 0 {
			break
		}
		end := start + length + 1
		at = end
		alias, rest, found := strings.Cut(value[start+2:end-1], ":")
		if !found {
			continue
		}
		path, key, found := strings.Cut(rest, ":")
		if !found {
			path, key = "", rest
		}
		if start > literal {
			pieces = append(pieces, piece{literal: value[literal:start]})
		}
		pieces = append(pieces, piece{ref: &reference{alias: alias, path: path, key: key, text: value[start:end]}})
		literal = end
	}
	if literal < len(value) {
		pieces = append(pieces, piece{literal: value[literal:]})
	}
	return pieces
}
