package credentials

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// The secrets of all tests. None of them may be in a log or in an error: options and fails look for them.
const (
	storePassword = "st0re-secret"
	keyPassword   = "k3y-secret"
	userPass      = "us3r-secret"
	clientSecret  = "cl1ent-secret"
	refreshSecret = "r3fresh-secret"
	tokenSecret   = "t0ken-secret"
)

func secrets() []string {
	return []string{storePassword, keyPassword, userPass, clientSecret, refreshSecret, tokenSecret, "PRIVATE KEY-----\nM"}
}

// recorder is a log that can be read while it is written.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// options returns options whose log is searched for secrets when the test is over.
func options(t *testing.T) (Options, *recorder) {
	t.Helper()
	log := &recorder{}
	t.Cleanup(func() { noSecrets(t, log.String()) })
	return Options{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Poll: time.Hour}, log
}

func noSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range secrets() {
		if strings.Contains(text, secret) {
			t.Errorf("%q in %s", secret, text)
		}
	}
}

// fails wants an error of one line that begins with want and holds no secret.
func fails(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	if !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	noSecrets(t, err.Error())
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(time.Millisecond) // between two looks at the condition
	}
}

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
	// ended makes it issue certificates whose time is over.
	ended bool
}

// signed is a key with its chain: own certificate first, its authority last.
type signed struct {
	key   crypto.Signer
	chain []*x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := ecKey(t)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t: t, cert: cert, key: key}
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue signs a certificate for client and server, named as told ("127.0.0.1" if not).
func (a *authority) issue(serial int64, names ...string) signed {
	a.t.Helper()
	return a.issueFor(ecKey(a.t), serial, names...)
}

func (a *authority) issueFor(key crypto.Signer, serial int64, names ...string) signed {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "leaf"},
		NotBefore:    time.Now().Add(-time.Hour),
		// The serial is in the end too, so that a test can tell two certificates apart by it.
		NotAfter:    time.Now().Add(time.Duration(serial) * time.Minute).Truncate(time.Second),
		DNSNames:    names,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(names) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if a.ended {
		template.NotAfter = time.Now().Add(-time.Minute)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed{key, []*x509.Certificate{cert, a.cert}}
}

func (a *authority) pem() string { return pemOf(a.cert) }

func pemOf(certificates ...*x509.Certificate) string {
	var out strings.Builder
	for _, c := range certificates {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return out.String()
}

func (s signed) chainPEM() string { return pemOf(s.chain...) }

// keyPEM is PKCS#8, encrypted unless password is empty.
func (s signed) keyPEM(t *testing.T, password string) string {
	t.Helper()
	if password == "" {
		der, err := x509.MarshalPKCS8PrivateKey(s.key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	der, err := pkcs8.MarshalPrivateKey(s.key, []byte(password), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}

func (s signed) certificate() tls.Certificate {
	c := tls.Certificate{PrivateKey: s.key}
	for _, x := range s.chain {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c
}

// write puts a file below dir, or below a new directory, and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// listener is a server on the loopback that sends each client its own certificate's serial (0: it showed none) as one
// byte, and then everything back.
type listener struct {
	net.Listener
	wait sync.WaitGroup
}

func listen(t *testing.T, config *tls.Config) *listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, ln, config)
}

// serve accepts at ln; until then the kernel does, and nobody answers.
func serve(t *testing.T, ln net.Listener, config *tls.Config) *listener {
	t.Helper()
	l := &listener{Listener: ln}
	if config != nil {
		l.Listener = tls.NewListener(ln, config)
	}
	l.wait.Add(1)
	go l.serve()
	t.Cleanup(func() {
		_ = l.Close()
		l.wait.Wait()
	})
	return l
}

func (l *listener) serve() {
	defer l.wait.Done()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		l.wait.Add(1)
		go func() {
			defer l.wait.Done()
			defer func() { _ = conn.Close() }()
			serial := byte(0)
			if secured, ok := conn.(*tls.Conn); ok {
				if secured.Handshake() != nil {
					return
				}
				if shown := secured.ConnectionState().PeerCertificates; len(shown) > 0 {
					serial = byte(shown[0].SerialNumber.Int64())
				}
			}
			if _, err := conn.Write([]byte{serial}); err == nil {
				_, _ = io.Copy(conn, conn)
			}
		}()
	}
}

// serverConfig asks clients for certificates of ca; nil: for none.
func serverConfig(own signed, ca *authority) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{own.certificate()}}
	if ca != nil {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AddCert(ca.cert)
	}
	return config
}

// dialed connects and returns the connection with the serial that the server saw.
func dialed(t *testing.T, tr *Transport, address string) (net.Conn, int64, error) {
	t.Helper()
	conn, err := tr.dial(t.Context(), "tcp", address)
	if err != nil {
		return nil, 0, err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	serial := make([]byte, 1)
	if _, err := io.ReadFull(conn, serial); err != nil {
		_ = conn.Close()
		return nil, 0, err
	}
	return conn, int64(serial[0]), nil
}

// serialSeen connects, and returns the serial that the server saw.
func serialSeen(t *testing.T, tr *Transport, address string) int64 {
	t.Helper()
	conn, serial, err := dialed(t, tr, address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	return serial
}

// echoes reports whether an open connection still carries data both ways.
func echoes(conn net.Conn) error {
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err
}
