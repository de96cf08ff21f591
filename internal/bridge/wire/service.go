package wire

// GET / (bridge contract 1.8): 200, MediaPlainJSON, {"bridge_version":"<version>"}.

import "github.com/steg-kafka/steg/internal/bridge/rawjson"

// unversioned is what upstream says of a build without a version: the word, not
// the JSON literal.
const unversioned = "null"

// AppendVersion appends the answer to GET /.
func AppendVersion(dst []byte, version string) []byte {
	if version == "" {
		version = unversioned
	}
	dst = append(dst, `{"bridge_version":`...)
	return append(rawjson.AppendQuoteString(dst, version), '}')
}
