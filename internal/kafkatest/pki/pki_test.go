package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

func newCA(t *testing.T, name string) *CA {
	t.Helper()
	ca, err := NewCA(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *CA, s Subject) *Pair {
	t.Helper()
	p, err := ca.Issue(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// handshake runs both sides over loopback and returns each one's error. The
// client also reads: with TLS 1.3 it learns only then what the server thinks of
// its certificate.
func handshake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	deadline := time.Now().Add(10 * time.Second)
	done := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(deadline)
		s := tls.Server(conn, server)
		if err = s.Handshake(); err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(deadline)
	_, clientErr = tls.Client(conn, client).Read(make([]byte, 1))
	_ = conn.Close()
	return clientErr, <-done
}

func TestHandshakes(t *testing.T) {
	t.Parallel()
	ca, stranger := newCA(t, "ca"), newCA(t, "stranger")
	server := issue(t, ca, Subject{CommonName: "broker", Server: true})
	for _, c := range []struct {
		name   string
		client *Pair
		host   string
		roots  *CA
		fails  string // part of one side's error; "" for none
	}{
		{"by name", issue(t, ca, Subject{CommonName: "user"}), "localhost", ca, ""},
		{"by IPv4", issue(t, ca, Subject{CommonName: "user"}), "127.0.0.1", ca, ""},
		{"by IPv6", issue(t, ca, Subject{CommonName: "user"}), "::1", ca, ""},
		{"another name", issue(t, ca, Subject{CommonName: "user"}), "kafka.example", ca, "not kafka.example"},
		{"a stranger's broker", issue(t, ca, Subject{CommonName: "user"}), "localhost", stranger, "unknown authority"},
		{"a stranger", issue(t, stranger, Subject{CommonName: "user"}), "localhost", ca, "didn't provide a certificate"}, // crypto/tls keeps it to itself
		{"expired", issue(t, ca, Subject{CommonName: "user", NotAfter: time.Now().Add(-time.Minute)}), "localhost", ca, "expired"},
		{"not yet", issue(t, ca, Subject{CommonName: "user", NotBefore: time.Now().Add(time.Hour)}), "localhost", ca, "not yet valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ce, se := handshake(t,
				&tls.Config{RootCAs: c.roots.Pool(), ServerName: c.host, Certificates: []tls.Certificate{c.client.TLS}},
				&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(), Certificates: []tls.Certificate{server.TLS}},
			)
			both := ""
			for _, err := range []error{ce, se} {
				if err != nil {
					both += err.Error() + "\n"
				}
			}
			if c.fails == "" && both != "" || !strings.Contains(both, c.fails) {
				t.Errorf("want %q: %s", c.fails, both)
			}
		})
	}
}

func TestSerialsDiffer(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "ca")
	a, b := issue(t, ca, Subject{CommonName: "x"}), issue(t, ca, Subject{CommonName: "x"})
	if a.TLS.Leaf.SerialNumber.Cmp(b.TLS.Leaf.SerialNumber) == 0 {
		t.Error("two certificates with one serial number")
	}
	if got := a.TLS.Leaf.Subject.String(); got != "CN=x" {
		t.Errorf("subject %q", got)
	}
}

func TestFilesHoldThePair(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "ca")
	p := issue(t, ca, Subject{CommonName: "user"})
	f, err := p.WriteFiles(t.TempDir(), "user", "secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range [][2]string{{f.Cert, f.Key}, {f.Store, f.Store}} {
		loaded, err := tls.LoadX509KeyPair(files[0], files[1])
		if err != nil || !bytes.Equal(loaded.Certificate[0], p.TLS.Certificate[0]) {
			t.Errorf("%v: %v", files, err)
		}
	}
	_, cert, chain, err := pkcs12.DecodeChain(read(t, f.PKCS12), "secret")
	if err != nil || !cert.Equal(p.TLS.Leaf) || len(chain) != 1 || !chain[0].Equal(ca.Certificate) {
		t.Errorf("PKCS12: %v", err)
	}
	entry, err := loadJKS(t, f.JKS).GetPrivateKeyEntry("key", []byte("secret"))
	if err != nil || len(entry.CertificateChain) != 2 || !bytes.Equal(entry.CertificateChain[0].Content, p.TLS.Certificate[0]) {
		t.Fatalf("JKS: %v", err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey); err != nil {
		t.Errorf("JKS key: %v", err)
	}
	if info, err := os.Stat(f.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info.Mode(), err)
	}
}

func TestFilesHoldTheAuthority(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "ca")
	f, err := ca.WriteFiles(t.TempDir(), "ca", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM(read(t, f.Cert)) || !pool.Equal(ca.Pool()) {
		t.Error("PEM has something else")
	}
	certs, err := pkcs12.DecodeTrustStore(read(t, f.PKCS12), "secret")
	if err != nil || len(certs) != 1 || !certs[0].Equal(ca.Certificate) {
		t.Errorf("PKCS12: %v", err)
	}
	entry, err := loadJKS(t, f.JKS).GetTrustedCertificateEntry("ca")
	if err != nil || !bytes.Equal(entry.Certificate.Content, ca.Certificate.Raw) {
		t.Errorf("JKS: %v", err)
	}
}

func TestFilesCannotBeWritten(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "ca")
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := ca.WriteFiles(missing, "ca", "secret"); err == nil {
		t.Error("authority written")
	}
	if _, err := issue(t, ca, Subject{CommonName: "x"}).WriteFiles(missing, "x", "secret"); err == nil {
		t.Error("pair written")
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func loadJKS(t *testing.T, name string) keystore.KeyStore {
	t.Helper()
	ks := keystore.New()
	if err := ks.Load(bytes.NewReader(read(t, name)), []byte("secret")); err != nil {
		t.Fatal(err)
	}
	return ks
}
