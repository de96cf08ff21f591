package credentials

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/steg-kafka/steg/internal/kafka"
)

// assertion is a JWT that stands for the client (RFC 7523): one from a file, or one that is signed here. Files are read
// for every assertion.
type assertion struct {
	settings kafka.Assertion
	now      func() time.Time
}

const assertionPrefix = "sasl.oauthbearer.assertion."

// newAssertion checks that an assertion could be made: files are there and the key fits the algorithm.
func newAssertion(s kafka.Assertion, now func() time.Time) (*assertion, error) {
	a := &assertion{settings: s, now: now}
	if s.File == "" && s.PrivateKeyFile == "" {
		return nil, fmt.Errorf("%sprivate.key.file: is missing (or %sfile)", assertionPrefix, assertionPrefix)
	}
	_, err := a.text()
	return a, err
}

// text returns the assertion in its compact form.
func (a *assertion) text() (string, error) {
	if a.settings.File != "" {
		return secretText(given{key: assertionPrefix + "file", path: a.settings.File})
	}
	header, payload := a.parts()
	if err := a.template(header, payload); err != nil {
		return "", err
	}
	headerJSON, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	payloadJSON, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(headerJSON) + "." + base64.RawURLEncoding.EncodeToString(payloadJSON)
	signature, err := a.sign(signed)
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// parts are header and claims by the settings.
func (a *assertion) parts() (header, payload map[string]any) {
	now := a.now().Unix()
	header = map[string]any{"alg": a.algorithm(), "typ": "JWT"}
	payload = map[string]any{
		"iat": now,
		"exp": now + int64(a.settings.ExpirySeconds),
		"nbf": now - int64(a.settings.NotBeforeSeconds),
	}
	if a.settings.IncludeIdentifier {
		payload["jti"] = uuid.NewString()
	}
	for name, value := range map[string]string{"iss": a.settings.Issuer, "sub": a.settings.Subject, "aud": a.settings.Audience} {
		if value != "" {
			payload[name] = value
		}
	}
	return header, payload
}

// template lays the template file over header and claims.
func (a *assertion) template(header, payload map[string]any) error {
	if a.settings.TemplateFile == "" {
		return nil
	}
	file := given{key: assertionPrefix + "template.file", path: a.settings.TemplateFile}
	content, err := readFile(file.path)
	if err != nil {
		return file.errorf("%w", err)
	}
	var t struct {
		Header  map[string]any `json:"header"`
		Payload map[string]any `json:"payload"`
	}
	if json.Unmarshal(content, &t) != nil {
		return file.errorf("is not a JSON object with the members header and payload")
	}
	maps.Copy(header, t.Header)
	maps.Copy(payload, t.Payload)
	return nil
}

// algorithm is the setting in upper case: Kafka reads it in any.
func (a *assertion) algorithm() string {
	if a.settings.Algorithm == "" {
		return "RS256"
	}
	return strings.ToUpper(a.settings.Algorithm)
}

// sign computes the signature of RFC 7518 3.3 or 3.4.
func (a *assertion) sign(text string) ([]byte, error) {
	file := given{key: assertionPrefix + "private.key.file", path: a.settings.PrivateKeyFile}
	content, err := readFile(file.path)
	if err != nil {
		return nil, file.errorf("%w", err)
	}
	key, err := parseKey(content, a.settings.PrivateKeyPass)
	if err != nil {
		return nil, file.errorf("%w", err)
	}
	digest := sha256.Sum256([]byte(text))
	signature, err := signDigest(a.algorithm(), key, digest[:])
	if err != nil {
		return nil, file.errorf("%w", err)
	}
	return signature, nil
}

// signDigest signs a SHA-256 digest. ES256 is r and s in 32 bytes each, not the ASN.1 of TLS (RFC 7518 3.4).
func signDigest(algorithm string, key crypto.Signer, digest []byte) ([]byte, error) {
	switch algorithm {
	case "RS256":
		k, ok := key.(*rsa.PrivateKey)
		if !ok {
			return nil, errors.New("is not an RSA key, which RS256 needs")
		}
		return rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest)
	case "ES256":
		k, ok := key.(*ecdsa.PrivateKey)
		if !ok || k.Params().BitSize != 256 {
			return nil, errors.New("is not an EC key of P-256, which ES256 needs")
		}
		r, s, err := ecdsa.Sign(rand.Reader, k, digest)
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	}
	return nil, fmt.Errorf("can't be used with %salgorithm %s; RS256 and ES256 are known", assertionPrefix, algorithm)
}
