package user

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"software.sslmate.com/src/go-pkcs12"
)

// Keys of the Secret.
const (
	KeyPassword = "password"         // SCRAM: the password
	KeyJAAS     = "sasl.jaas.config" // SCRAM: the Java clients' setting of that name

	KeyCA               = "ca.crt"        // TLS: the authority that signed, PEM
	KeyCertificate      = "user.crt"      // TLS: the certificate, PEM
	KeyKey              = "user.key"      // TLS: its key, PEM (PKCS#8)
	KeyKeystore         = "user.p12"      // TLS: all three as PKCS#12
	KeyKeystorePassword = "user.password" // TLS: the password of that
)

// Password is a secret text: none of the usual ways to print it shows it.
type Password string

// String hides the password.
func (Password) String() string { return "[password]" }

// GoString hides the password.
func (Password) GoString() string { return "[password]" }

// MarshalText hides the password.
func (Password) MarshalText() ([]byte, error) { return []byte("[password]"), nil }

// passwordLength is that of the reference operator since 0.33: 32 of 62 characters are 190 bits.
const passwordLength = 32

// NewPassword makes up a password of letters and digits that begins with a letter, so that no tool takes it for a number or
// an option. The error is the source's.
func NewPassword(random io.Reader) (Password, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const all = letters + "0123456789"
	var text [passwordLength]byte
	var pool [1]byte
	for i := range text {
		from := all
		if i == 0 {
			from = letters
		}
		for {
			if _, err := io.ReadFull(random, pool[:]); err != nil {
				return "", fmt.Errorf("randomness for a password: %w", err)
			}
			if fair := 256 / len(from) * len(from); int(pool[0]) < fair { // else some would come more often
				text[i] = from[int(pool[0])%len(from)]
				break
			}
		}
	}
	return Password(text[:]), nil
}

// Credentials returns the data of the Secret of a user with a password, and the password: the one of another Secret if the
// resource says so (from is its value then, nil if Secret or key are missing), else the one that is there, else a new one.
// The error is a Problem if somebody has to mend something.
func (u User) Credentials(have map[string][]byte, from []byte, random io.Reader) (map[string][]byte, Password, error) {
	password := Password(have[KeyPassword])
	switch {
	case u.PasswordFrom != nil:
		if err := u.judge(from); err != nil {
			return nil, "", err
		}
		password = Password(from)
	case password == "" || !printable(have[KeyPassword]):
		var err error
		if password, err = NewPassword(random); err != nil {
			return nil, "", err
		}
	}
	return map[string][]byte{KeyPassword: []byte(password), KeyJAAS: []byte(jaas(u.Name, password))}, password, nil
}

// judge refuses passwords that no client could give. The messages don't repeat them.
func (u User) judge(from []byte) error {
	where := fmt.Sprintf("spec.authentication.password: key %s of Secret %s", u.PasswordFrom.Key, u.PasswordFrom.Secret)
	switch {
	case from == nil:
		return Problem{ReasonMissing, where + " is not there: create it, in the namespace of the KafkaUser"}
	case len(from) == 0:
		return Problem{ReasonMissing, where + " is empty: put a password there"}
	case !printable(from):
		return Problem{ReasonMissing, where + " has a line end or another character that can't be typed: write it without (echo -n)"}
	}
	return nil
}

func printable(password []byte) bool {
	return utf8.Valid(password) && bytes.IndexFunc(password, unicode.IsControl) < 0
}

// jaas is what a Java client is configured with. Quotes and backslashes are escaped as its parser
// (java.io.StreamTokenizer) reads them.
func jaas(name string, password Password) string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	return fmt.Sprintf(`org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`,
		quote.Replace(name), quote.Replace(string(password)))
}

// Leaf is a user's certificate, its key and the authority, all PEM.
type Leaf struct{ CA, Certificate, Key []byte }

// LeafOf returns what the Secret of a user has, for package pki to judge.
func LeafOf(have map[string][]byte) Leaf {
	return Leaf{CA: have[KeyCA], Certificate: have[KeyCertificate], Key: have[KeyKey]}
}

// Certificates returns the data of the Secret of a user with a certificate. The PKCS#12 store is made again only if
// something of it is missing or other than before, since each one made has other bytes. Errors are about leaf, or the
// source's.
func (u User) Certificates(have map[string][]byte, leaf Leaf, random io.Reader) (map[string][]byte, error) {
	data := map[string][]byte{
		KeyCA: leaf.CA, KeyCertificate: leaf.Certificate, KeyKey: leaf.Key,
		KeyKeystore: have[KeyKeystore], KeyKeystorePassword: have[KeyKeystorePassword],
	}
	same := true
	for _, key := range []string{KeyCA, KeyCertificate, KeyKey} {
		same = same && bytes.Equal(data[key], have[key])
	}
	if same && len(data[KeyKeystore]) > 0 && len(data[KeyKeystorePassword]) > 0 {
		return data, nil
	}
	password := Password(have[KeyKeystorePassword])
	if password == "" || !printable([]byte(password)) {
		var err error
		if password, err = NewPassword(random); err != nil {
			return nil, err
		}
	}
	store, err := keystore(leaf, password, random)
	if err != nil {
		return nil, fmt.Errorf("%s of user %s: %w", KeyKeystore, u.Name, err)
	}
	data[KeyKeystore], data[KeyKeystorePassword] = store, []byte(password)
	return data, nil
}

// keystore encodes a certificate, its key and the authorities as PKCS#12, with the ciphers that Java has read since 8u301.
func keystore(leaf Leaf, password Password, random io.Reader) ([]byte, error) {
	chain, err := certificates(leaf.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyCertificate, err)
	}
	authorities, err := certificates(leaf.CA)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyCA, err)
	}
	block, _ := pem.Decode(leaf.Key)
	if block == nil {
		return nil, fmt.Errorf("%s: %w", KeyKey, errNoPEM)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: not a PKCS#8 key", KeyKey) // the parser's error could quote the key
	}
	return pkcs12.Modern.WithRand(random).Encode(key, chain[0], append(chain[1:], authorities...), string(password))
}

// errNoPEM is about texts without a PEM block.
var errNoPEM = errors.New("there is no PEM block")

func certificates(text []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errNoPEM
	}
	return all, nil
}
