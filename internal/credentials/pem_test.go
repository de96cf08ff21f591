package credentials

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

func TestParseKeyForms(t *testing.T) {
	ca := newAuthority(t, "ca")
	ec, rsa := ecKey(t), rsaKey(t)
	ecDER, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	for name, c := range map[string]struct {
		text, password string
		rsa            bool
	}{
		"pkcs8":           {signed{key: ec}.keyPEM(t, ""), "", false},
		"pkcs8 rsa":       {signed{key: rsa}.keyPEM(t, ""), "", true},
		"encrypted":       {signed{key: ec}.keyPEM(t, keyPassword), keyPassword, false},
		"encrypted rsa":   {signed{key: rsa}.keyPEM(t, keyPassword), keyPassword, true},
		"pkcs1":           {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa)), "", true},
		"sec1":            {block("EC PRIVATE KEY", ecDER), "", false},
		"after others":    {"Bag Attributes\n" + ca.pem() + signed{key: ec}.keyPEM(t, ""), "", false},
		"needless secret": {signed{key: ec}.keyPEM(t, ""), keyPassword, false},
		"one line":        {strings.ReplaceAll(signed{key: ec}.keyPEM(t, ""), "\n", " "), "", false},
		"windows":         {strings.ReplaceAll(signed{key: ec}.keyPEM(t, ""), "\n", "\r\n"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseKey([]byte(c.text), c.password)
			if err != nil {
				t.Fatal(err)
			}
			if c.rsa && !rsa.Equal(got) || !c.rsa && !ec.Equal(got) {
				t.Errorf("another key: %T", got)
			}
		})
	}
}

func TestParseKeyErrors(t *testing.T) {
	key := signed{key: ecKey(t)}
	legacy := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	for name, c := range map[string]struct{ text, password, want string }{
		"empty":          {"", "", "holds no private key in PEM"},
		"certificates":   {newAuthority(t, "ca").pem(), "", "holds no private key in PEM"},
		"no password":    {key.keyPEM(t, keyPassword), "", "holds an encrypted key, and no password is set"},
		"wrong password": {key.keyPEM(t, keyPassword), userPass, "holds an encrypted key that the password does not open"},
		"legacy":         {legacy, keyPassword, "holds a key in an encryption of OpenSSL's own; convert it with: openssl pkcs8 -topk8"},
		"unknown form":   {strings.ReplaceAll(legacy, "RSA", "DSA"), "", "holds a key in an encryption"},
		"odd label":      {strings.ReplaceAll(key.keyPEM(t, ""), "BEGIN PRIVATE", "BEGIN ANY PRIVATE"), "", `holds a PEM section "ANY PRIVATE KEY" without an end`},
		"no end":         {key.keyPEM(t, "")[:80], "", `holds a PEM section "PRIVATE KEY" without an end`},
		"not base64":     {"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", "", `holds a PEM section "PRIVATE KEY" that is not base64`},
		"not a key":      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "", `holds a "PRIVATE KEY" that is not usable`},
		"cut header":     {"-----BEGIN PRIV\nATE", "", "holds a PEM header that is cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseKey([]byte(c.text), c.password)
			fails(t, err, c.want)
		})
	}
}

func TestParseCertificates(t *testing.T) {
	one, two := newAuthority(t, "one"), newAuthority(t, "two")
	for name, text := range map[string]string{
		"plain":    one.pem() + two.pem(),
		"with key": one.pem() + signed{key: one.key}.keyPEM(t, "") + two.pem(),
		"text":     "subject=one\n" + one.pem() + "\n\nissuer=x\n" + two.pem() + "end",
		"one line": strings.ReplaceAll(one.pem()+two.pem(), "\n", " "),
	} {
		got, err := parseCertificates([]byte(text))
		if err != nil || len(got) != 2 || !got[0].Equal(one.cert) || !got[1].Equal(two.cert) {
			t.Errorf("%s: %d, %v", name, len(got), err)
		}
	}
	_, err := parseCertificates([]byte("nothing"))
	fails(t, err, "holds no certificate in PEM")
	_, err = parseCertificates([]byte(one.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	fails(t, err, "certificate 2 is not usable: ")
}

// What encoding/pem writes is read back, also when its lines are joined.
func FuzzBlocks(f *testing.F) {
	f.Add("CERTIFICATE", []byte{1, 2, 3}, "text before")
	f.Add("PRIVATE KEY", bytes.Repeat([]byte{0xff}, 100), "-----")
	f.Add("X", []byte{}, "-----BEGIN")
	f.Fuzz(func(t *testing.T, label string, der []byte, noise string) {
		_, _ = blocks(noise) // whatever it is, no panic
		label = strings.Trim(strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' || r == '-' || r == ':' {
				return -1
			}
			return r
		}, label), " ")
		text := string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
		for _, form := range []string{text, strings.ReplaceAll(text, "\n", " "), "noise\n" + text + "noise"} {
			got, err := blocks(form)
			if err != nil || len(got) != 1 || got[0].label != label || !bytes.Equal(got[0].der, der) {
				t.Fatalf("%q: %v, %v", form, got, err)
			}
		}
	})
}
