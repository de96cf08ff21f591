package wire

// How request bodies are admitted (bridge contract 1.3), the same for all
// operations: absent, then the content type, then JSON, then the schema.

import (
	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// presence says whether an operation asks for a body.
type presence bool

const (
	required presence = true
	optional presence = false
)

// admit checks a body against the rules of its operation. It returns false
// without an error when an optional body is absent; a body of white space is a
// body, and no JSON. An absent body needs no content type.
func admit(contentType string, body []byte, p presence, allowed string, s *schema.Schema) (bool, error) {
	if len(body) == 0 {
		if p == required {
			return false, MissingBody()
		}
		return false, nil
	}
	if !typeAllowed(contentType, allowed) {
		return false, UnsupportedBody()
	}
	if err := conforms(body, s); err != nil {
		return false, err
	}
	return true, nil
}

// conforms returns nil when a JSON text fits its schema, the 400 of the contract
// otherwise.
func conforms(body []byte, s *schema.Schema) error {
	texts, err := s.Validate(body)
	if err != nil {
		return UndecodableBody()
	}
	if len(texts) > 0 {
		return SchemaViolation(texts)
	}
	return nil
}
