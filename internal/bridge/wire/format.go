package wire

// Content types (bridge contract 1.1, "Content types") and embedded formats.

import "strings"

// The media types of the contract. A type names what a body is or what its
// records are encoded as.
const (
	// MediaV2 is the type of every JSON answer and error of the API, and of the
	// request bodies of consumer operations.
	MediaV2 = "application/vnd.kafka.v2+json"
	// MediaJSON is embedded JSON: produce bodies and poll answers, and the body
	// of create-topic.
	MediaJSON = "application/vnd.kafka.json.v2+json"
	// MediaBinary is embedded base64: produce bodies and poll answers.
	MediaBinary = "application/vnd.kafka.binary.v2+json"
	// MediaText is embedded text: produce bodies and poll answers.
	MediaText = "application/vnd.kafka.text.v2+json"
	// MediaPlainJSON is the type of the answers to GET /, /openapi and
	// /openapi/v3. As the type of a request it is refused.
	MediaPlainJSON = "application/json"
)

// Format is how keys and values of records are embedded in JSON. The zero value
// is Binary, which is also the default of a consumer (contract 1.6).
type Format uint8

// The embedded formats.
const (
	Binary Format = iota
	JSON
	Text
)

// ParseFormat returns the format that a consumer's "format" member names; ok is
// false for anything but json, binary and text in lower case.
func ParseFormat(name string) (f Format, ok bool) {
	switch name {
	case "binary":
		return Binary, true
	case "json":
		return JSON, true
	case "text":
		return Text, true
	}
	return Binary, false
}

// String returns the format's name as ParseFormat takes it.
func (f Format) String() string {
	switch f {
	case JSON:
		return "json"
	case Text:
		return "text"
	default:
		return "binary"
	}
}

// MediaType returns the content type of bodies in this format.
func (f Format) MediaType() string {
	switch f {
	case JSON:
		return MediaJSON
	case Text:
		return MediaText
	default:
		return MediaBinary
	}
}

// ProduceFormat returns the embedded format that the Content-Type of a produce
// request names. Parameters behind the type (";charset=utf-8") are accepted; a
// missing or any other type is the 400 of UnsupportedBody.
func ProduceFormat(contentType string) (Format, error) {
	for _, f := range [...]Format{JSON, Binary, Text} {
		if typeAllowed(contentType, f.MediaType()) {
			return f, nil
		}
	}
	return Binary, UnsupportedBody()
}

// typeAllowed compares a request's Content-Type with one allowed type: spaces
// removed, then equal to it or starting with it, case-sensitive (contract 1.3).
func typeAllowed(contentType, allowed string) bool {
	if strings.HasPrefix(contentType, allowed) {
		return true
	}
	return strings.HasPrefix(strings.ReplaceAll(contentType, " ", ""), allowed)
}
