package credentials

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// keytool makes stores with Java's own tool. Where there is none, ok is false, and the callers make them with the
// libraries: a weaker test, which the log says.
func keytool(t *testing.T, args ...string) (ok bool) {
	t.Helper()
	path, err := exec.LookPath("keytool")
	if err != nil {
		t.Log("keytool is not here: the stores are made by the libraries that read them")
		return false
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, args...).CombinedOutput(); err != nil {
		t.Fatalf("keytool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return true
}

// trustStore writes a store of the kind with these certificates.
func trustStore(t *testing.T, kind string, certificates ...*x509.Certificate) string {
	t.Helper()
	if kind == typePEM {
		return write(t, "", "trust.pem", pemOf(certificates...))
	}
	path := filepath.Join(t.TempDir(), "trust."+strings.ToLower(kind))
	for i, c := range certificates {
		file := write(t, "", "ca.pem", pemOf(c))
		if !keytool(t, "-importcert", "-noprompt", "-alias", string(rune('a'+i)), "-file", file,
			"-keystore", path, "-storetype", kind, "-storepass", storePassword) {
			return libraryTrust(t, kind, certificates)
		}
	}
	return path
}

func libraryTrust(t *testing.T, kind string, certificates []*x509.Certificate) string {
	t.Helper()
	if kind == typePKCS12 {
		store, err := pkcs12.Modern.EncodeTrustStore(certificates, storePassword)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, "", "trust.p12", string(store))
	}
	store := keystore.New()
	for i, c := range certificates {
		entry := keystore.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: keystore.Certificate{Type: "X.509", Content: c.Raw}}
		if err := store.SetTrustedCertificateEntry(string(rune('a'+i)), entry); err != nil {
			t.Fatal(err)
		}
	}
	return storedJKS(t, store)
}

func storedJKS(t *testing.T, store keystore.KeyStore) string {
	t.Helper()
	var out bytes.Buffer
	if err := store.Store(&out, []byte(storePassword)); err != nil {
		t.Fatal(err)
	}
	return write(t, "", "store.jks", out.String())
}

// keyStore writes a store of the kind with one key, which has a password of its own where the kind knows that.
func keyStore(t *testing.T, kind string, own signed) string {
	t.Helper()
	switch kind {
	case typePEM:
		return write(t, "", "key.pem", own.keyPEM(t, keyPassword)+own.chainPEM())
	case typePKCS12:
		return keyStorePKCS12(t, own)
	}
	path := filepath.Join(t.TempDir(), "key.jks")
	if keytool(t, "-importkeystore", "-noprompt", "-srckeystore", modernPKCS12(t, own), "-srcstoretype", typePKCS12, "-srcstorepass", storePassword,
		"-srcalias", "1", "-destkeystore", path, "-deststoretype", kind, "-deststorepass", storePassword, "-destkeypass", keyPassword) {
		return path
	}
	store := keystore.New()
	der, err := x509.MarshalPKCS8PrivateKey(own.key)
	if err != nil {
		t.Fatal(err)
	}
	entry := keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: der}
	for _, c := range own.chain {
		entry.CertificateChain = append(entry.CertificateChain, keystore.Certificate{Type: "X.509", Content: c.Raw})
	}
	if err := store.SetPrivateKeyEntry("a", entry, []byte(keyPassword)); err != nil {
		t.Fatal(err)
	}
	return storedJKS(t, store)
}

func keyStorePKCS12(t *testing.T, own signed) string {
	t.Helper()
	made := modernPKCS12(t, own)
	path := filepath.Join(t.TempDir(), "key.p12")
	if keytool(t, "-importkeystore", "-noprompt", "-srckeystore", made, "-srcstoretype", typePKCS12, "-srcstorepass", storePassword,
		"-destkeystore", path, "-deststoretype", typePKCS12, "-deststorepass", storePassword) {
		return path
	}
	return made
}

func modernPKCS12(t *testing.T, own signed) string {
	t.Helper()
	store, err := pkcs12.Modern.Encode(own.key, own.chain[0], own.chain[1:], storePassword)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "", "made.p12", string(store))
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTrustStores(t *testing.T) {
	one, two := newAuthority(t, "one"), newAuthority(t, "two")
	for _, kind := range []string{typePEM, typePKCS12, typeJKS} {
		t.Run(kind, func(t *testing.T) {
			store := mustRead(t, trustStore(t, kind, one.cert, two.cert))
			got, err := trusted(kind, store, storePassword)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 2 || !got[0].Equal(one.cert) || !got[1].Equal(two.cert) {
				t.Errorf("%d certificates", len(got))
			}
		})
	}
}

// Java reads either kind of store under either name, and so does this package.
func TestStoreKindIsItsContent(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(7)
	for kind, other := range map[string]string{typePKCS12: typeJKS, typeJKS: typePKCS12} {
		if got, err := trusted(other, mustRead(t, trustStore(t, kind, ca.cert)), storePassword); err != nil || len(got) != 1 {
			t.Errorf("trust store %s as %s: %d, %v", kind, other, len(got), err)
		}
		got, err := identity(other, mustRead(t, keyStore(t, kind, own)), storePassword, keyPassword)
		if err != nil || len(got.Certificate) != 2 {
			t.Errorf("key store %s as %s: %d, %v", kind, other, len(got.Certificate), err)
		}
	}
}

// A trust store of JKS opens without a password, unchecked, as in Java.
func TestJKSWithoutPassword(t *testing.T) {
	ca := newAuthority(t, "ca")
	if got, err := trusted(typeJKS, mustRead(t, trustStore(t, typeJKS, ca.cert)), ""); err != nil || len(got) != 1 {
		t.Errorf("%d, %v", len(got), err)
	}
}

func TestBrokenStores(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(7)
	jks, p12 := mustRead(t, trustStore(t, typeJKS, ca.cert)), mustRead(t, trustStore(t, typePKCS12, ca.cert))
	keyJKS, keyP12 := mustRead(t, keyStore(t, typeJKS, own)), mustRead(t, keyStore(t, typePKCS12, own))
	trust := func(kind string, store []byte, password string) func() error {
		return func() error { _, err := trusted(kind, store, password); return err }
	}
	key := func(kind string, store []byte, password, keyPassword string) func() error {
		return func() error { _, err := identity(kind, store, password, keyPassword); return err }
	}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"jks password":        {trust(typeJKS, jks, userPass), "does not open with its password, or is incomplete"},
		"jks cut":             {trust(typeJKS, jks[:len(jks)-30], storePassword), "does not open with its password, or is incomplete"},
		"jks cut, unchecked":  {trust(typeJKS, jks[:len(jks)-30], ""), "is not a usable JKS store: "},
		"jks head":            {trust(typeJKS, jks[:6], storePassword), "is not a complete JKS store"},
		"jks without trust":   {trust(typeJKS, keyJKS, storePassword), "holds no trusted certificate"},
		"p12 password":        {trust(typePKCS12, p12, userPass), "does not open with its password"},
		"p12 cut":             {trust(typePKCS12, p12[:100], storePassword), "is not a usable PKCS12 store: "},
		"empty":               {trust(typePKCS12, nil, storePassword), "is not a usable PKCS12 store: "},
		"unknown type":        {trust("BCFKS", p12, storePassword), "is of type BCFKS, which is not supported; PEM, PKCS12 and JKS are"},
		"key of unknown type": {key("BCFKS", p12, storePassword, ""), "is of type BCFKS, which is not supported; PEM, PKCS12 and JKS are"},
		"jks key password":    {key(typeJKS, keyJKS, storePassword, userPass), "holds an encrypted key that the password does not open"},
		"jks without key":     {key(typeJKS, jks, storePassword, keyPassword), "holds no private key"},
		"p12 key password":    {key(typePKCS12, keyP12, userPass, ""), "does not open with its password"},
		"p12 without key":     {key(typePKCS12, p12, storePassword, ""), "is not a usable PKCS12 store: "},
	} {
		t.Run(name, func(t *testing.T) { fails(t, c.do(), c.want) })
	}
}

// Whatever the order in a store, the key's own certificate is shown first and its issuers follow.
func TestPairOrdersTheChain(t *testing.T) {
	ca, foreign := newAuthority(t, "ca"), newAuthority(t, "foreign")
	own := ca.issue(7)
	got, err := pair(own.key, []*x509.Certificate{foreign.cert, ca.cert, own.chain[0]})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []*x509.Certificate{own.chain[0], ca.cert, foreign.cert} {
		if !bytes.Equal(got.Certificate[i], want.Raw) {
			t.Errorf("place %d is not %s", i, want.Subject)
		}
	}
	if got := expiry(got); !got.Equal(own.chain[0].NotAfter) {
		t.Errorf("expiry %v, want %v", got, own.chain[0].NotAfter)
	}
	_, err = pair(ca.issue(8).key, own.chain)
	fails(t, err, "key and certificate do not belong together")
}
