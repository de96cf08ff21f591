package credentials

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/youmark/pkcs8"
)

// block is one PEM section.
type block struct {
	label string // CERTIFICATE, PRIVATE KEY …
	der   []byte
	// legacy marks a section with headers of its own (RFC 1421), which in keys means an encryption that neither Java's
	// PEM stores nor this package reads.
	legacy bool
}

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
)

// blocks finds the PEM sections of a text; what stands between them is ignored. Unlike encoding/pem it takes a section
// on a single line, blanks instead of line ends: Kafka documents that form for values in properties files.
func blocks(text string) ([]block, error) {
	var found []block
	for {
		_, rest, ok := strings.Cut(text, pemBegin)
		if !ok {
			return found, nil
		}
		label, rest, ok := strings.Cut(rest, pemDash)
		if !ok || strings.ContainsAny(label, "\r\n") {
			return nil, errors.New("holds a PEM header that is cut off")
		}
		body, rest, ok := strings.Cut(rest, pemEnd+label+pemDash)
		if !ok {
			return nil, fmt.Errorf("holds a PEM section %q without an end", label)
		}
		text = rest
		if strings.Contains(body, ":") {
			found = append(found, block{label: label, legacy: true})
			continue
		}
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			// The library's error tells the offset only, but it counts without the blanks: of no use to a reader.
			return nil, fmt.Errorf("holds a PEM section %q that is not base64", label)
		}
		found = append(found, block{label: label, der: der})
	}
}

// parseCertificates returns the certificates of a PEM text, at least one.
func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	all, err := blocks(string(text))
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for _, b := range all {
		if b.label != "CERTIFICATE" && b.label != "X509 CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d is not usable: %w", len(certificates)+1, err)
		}
		certificates = append(certificates, c)
	}
	if len(certificates) == 0 {
		return nil, errors.New("holds no certificate in PEM")
	}
	return certificates, nil
}

// errPassword says that a private key did not open. It stands for whatever the libraries say, since a wrong password
// shows as any kind of parse error.
var errPassword = errors.New("holds an encrypted key that the password does not open")

// parseKey returns the first private key of a PEM text: PKCS#8, encrypted by PBES2 or not, or the older forms of RSA and
// EC keys.
func parseKey(text []byte, password string) (crypto.Signer, error) {
	all, err := blocks(string(text))
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if !strings.HasSuffix(b.label, "PRIVATE KEY") {
			continue
		}
		if b.legacy {
			return nil, errors.New("holds a key in an encryption of OpenSSL's own; convert it with: openssl pkcs8 -topk8")
		}
		key, err := parseKeyBlock(b, password)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("holds a key that can't sign (%T)", key)
		}
		return signer, nil
	}
	return nil, errors.New("holds no private key in PEM")
}

// parseKeyBlock reads one section. Errors of the parsers are replaced, not wrapped: they can quote numbers of the key,
// and those of an encrypted key say nothing but that the password is wrong.
func parseKeyBlock(b block, password string) (any, error) {
	var key any
	var err error
	switch b.label {
	case "ENCRYPTED PRIVATE KEY":
		if password == "" {
			return nil, errors.New("holds an encrypted key, and no password is set")
		}
		if key, err = pkcs8.ParsePKCS8PrivateKey(b.der, []byte(password)); err != nil {
			return nil, errPassword
		}
		return key, nil
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.der)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.der)
	default:
		return nil, fmt.Errorf("holds a key of an unknown form, %q", b.label)
	}
	if err != nil {
		// Not wrapped: parse errors of keys can quote numbers of the key.
		return nil, fmt.Errorf("holds a %q that is not usable", b.label)
	}
	return key, nil
}
