// Package openapi holds the bridge's two OpenAPI 3.1 documents as data.
//
// bridge.json is the contract: the 21 paths and 25 operations that clients of
// the Strimzi Kafka Bridge know, written in our own words. steg.json lists what
// this bridge answers beyond it, so that the first one never grows. Both are
// edited by hand and served as they are; the tests of this package keep them
// valid and complete, and the conformance suite holds every request and answer
// against them. The package must not interpret the documents at run time:
// requests are validated by package schema, whose texts are part of the contract.
package openapi

import (
	_ "embed"
	"strconv"
	"unicode/utf8"
)

//go:embed bridge.json
var bridge []byte

//go:embed steg.json
var steg []byte

// Document returns the contract's document as JSON, for GET /openapi and
// GET /openapi/v3.
//
// A basePath other than "" becomes a top-level member of that name, the first
// one (bridge contract 1.8: it tells a client behind a gateway which prefix to
// put before the paths). Bytes of it that are not UTF-8 become U+FFFD. Without
// one, nothing is allocated: the answer is then shared and must not be changed.
func Document(basePath string) []byte {
	if basePath == "" {
		return bridge
	}
	out := make([]byte, 0, len(bridge)+len(basePath)+len(`"basePath":"",`)+16)
	out = append(out, `{"basePath":`...)
	out = appendString(out, basePath)
	out = append(out, ',')
	return append(out, bridge[1:]...)
}

// Steg returns the document of the bridge's own paths as JSON, for
// GET /openapi/steg. It is shared and must not be changed.
func Steg() []byte { return steg }

// appendString appends s as a JSON string. encoding/json is not used because it
// would escape `<`, `>` and `&`, which no other answer of the bridge does.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, strconv.FormatInt(int64(r>>4), 16)...)
			dst = append(dst, strconv.FormatInt(int64(r&15), 16)...)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
