package user

import (
	"bytes"
	"crypto/x509/pkix"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

var form = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{31}$`)

func TestNewPassword(t *testing.T) {
	seen, counts := map[Password]bool{}, map[byte]int{}
	for i := range 200 {
		p, err := NewPassword(fixed(byte(i)))
		if err != nil || !form.MatchString(string(p)) || seen[p] {
			t.Fatal(string(p), err)
		}
		seen[p] = true
		for j := 1; j < len(p); j++ {
			counts[p[j]]++
		}
	}
	for ch, n := range counts { // 100 expected of each; the source is the same each time
		if n < 60 || n > 150 {
			t.Errorf("%c came %d times", ch, n)
		}
	}
	if len(counts) != 62 {
		t.Error(len(counts), "characters")
	}
	if _, err := NewPassword(strings.NewReader("short")); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestCredentials(t *testing.T) {
	u := User{Name: "my-app", Authentication: SCRAM}
	data, password, err := u.Credentials(nil, nil, fixed(1))
	if err != nil || !form.MatchString(string(password)) {
		t.Fatal(err)
	}
	want := map[string][]byte{
		"password":         []byte(password),
		"sasl.jaas.config": []byte(`org.apache.kafka.common.security.scram.ScramLoginModule required username="my-app" password="` + string(password) + `";`),
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Error(diff)
	}
	again, same, err := u.Credentials(data, nil, fixed(2))
	if err != nil || same != password || !cmp.Equal(again, data) {
		t.Error("a second pass changed something", err)
	}
	if _, other, _ := u.Credentials(map[string][]byte{"password": []byte("a\n")}, nil, fixed(2)); !form.MatchString(string(other)) {
		t.Error("a password that nobody can use was kept")
	}
	u.PasswordFrom = &SecretKey{"mine", "pw"}
	data, password, err = u.Credentials(data, []byte(`a"b\c ü`), fixed(3))
	if err != nil || password != `a"b\c ü` || !strings.HasSuffix(string(data[KeyJAAS]), `password="a\"b\\c ü";`) {
		t.Error(string(data[KeyJAAS]), err)
	}
}

func TestCredentialsRefuse(t *testing.T) {
	u := User{Name: "my-app", Authentication: SCRAM, PasswordFrom: &SecretKey{"mine", "pw"}}
	for text, from := range map[string][]byte{
		"spec.authentication.password: key pw of Secret mine is not there": nil,
		"spec.authentication.password: key pw of Secret mine is empty":     {},
		"spec.authentication.password: key pw of Secret mine has a line":   []byte("s3cret\n"),
	} {
		_, _, err := u.Credentials(map[string][]byte{KeyPassword: []byte("old")}, from, fixed(1))
		var p Problem
		if !errors.As(err, &p) || p.Reason != ReasonMissing || !strings.HasPrefix(p.Message, text) || strings.Contains(p.Message, "s3cret") {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

// leaf makes a certificate by a new authority.
func leaf(t *testing.T, seed byte) Leaf {
	t.Helper()
	ca, err := pki.NewAuthority(fixed(seed), noon, pki.Template{Subject: pkix.Name{CommonName: "clients-ca"}, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(fixed(seed), noon, pki.Template{Subject: pkix.Name{CommonName: "my-app"}, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return Leaf{CA: pki.EncodeCertificates(ca.Certificate), Certificate: pki.EncodeCertificates(pair.Certificate), Key: key}
}

// The store holds certificate, key and authority, opens with the password beside it, and is made again only when it has to
// be.
func TestCertificates(t *testing.T) {
	u := User{Name: "my-app", Authentication: TLS}
	first := leaf(t, 1)
	data, err := u.Certificates(nil, first, fixed(3))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != 5 || !form.Match(data[KeyKeystorePassword]) || !cmp.Equal(LeafOf(data), first) {
		t.Errorf("%d keys", len(data))
	}
	opens(t, data)
	again, err := u.Certificates(data, first, fixed(4))
	if err != nil || !cmp.Equal(again, data) {
		t.Error("a second pass changed something", err)
	}
	for _, key := range []string{KeyKeystore, KeyKeystorePassword, KeyCA} {
		broken := map[string][]byte{}
		for k, v := range data {
			if k != key {
				broken[k] = v
			}
		}
		mended, err := u.Certificates(broken, first, fixed(5))
		if err != nil || len(mended) != 5 {
			t.Fatal(key, err)
		}
		opens(t, mended)
	}
	renewed, err := u.Certificates(data, leaf(t, 2), fixed(5))
	if err != nil || bytes.Equal(renewed[KeyKeystore], data[KeyKeystore]) || !bytes.Equal(renewed[KeyKeystorePassword], data[KeyKeystorePassword]) {
		t.Error("a new certificate needs a new store with the same password", err)
	}
	opens(t, renewed)
}

func opens(t *testing.T, data map[string][]byte) {
	t.Helper()
	_, certificate, others, err := pkcs12.DecodeChain(data[KeyKeystore], string(data[KeyKeystorePassword]))
	if err != nil || len(others) != 1 || certificate.Subject.CommonName != "my-app" || !bytes.Equal(pki.EncodeCertificates(certificate), data[KeyCertificate]) {
		t.Errorf("%d others: %v", len(others), err)
	}
}

func TestCertificatesRefuse(t *testing.T) {
	good := leaf(t, 1)
	for text, l := range map[string]Leaf{
		"user.p12 of user my-app: user.crt: there is no PEM block": {good.CA, nil, good.Key},
		"user.p12 of user my-app: ca.crt: there is no PEM block":   {nil, good.Certificate, good.Key},
		"user.p12 of user my-app: user.key: there is no PEM block": {good.CA, good.Certificate, []byte("x")},
		"user.p12 of user my-app: user.key: not a PKCS#8 key":      {good.CA, good.Certificate, good.CA},
		"user.p12 of user my-app: user.crt: x509: malformed":       {good.CA, good.Key, good.Key},
	} {
		_, err := (User{Name: "my-app"}).Certificates(nil, l, fixed(1))
		if err == nil || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	if _, err := (User{Name: "my-app"}).Certificates(nil, good, strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// FuzzCredentials: any password from a Secret is refused, or is in the data as it was, and what a Java client reads from the
// setting is it again.
func FuzzCredentials(f *testing.F) {
	for _, s := range []string{"a", `"`, `\`, `\"`, "a\x00", "ü", "\xff", `\\";`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, from []byte) {
		u := User{Name: "my-app", PasswordFrom: &SecretKey{"s", "k"}}
		data, password, err := u.Credentials(nil, from, fixed(1))
		if err != nil {
			return
		}
		text := string(data[KeyJAAS])
		at := strings.Index(text, `password="`) + len(`password="`)
		read, rest := unquote(text[at:])
		if string(password) != string(from) || read != string(from) || rest != ";" {
			t.Errorf("%q was read as %q, then %q", from, read, rest)
		}
	})
}

// unquote reads up to the closing quote.
func unquote(text string) (read, rest string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			b.WriteByte(text[i])
		case '"':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), "no quote"
}
