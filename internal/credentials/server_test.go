package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
)

// served starts an HTTP server with the configuration and returns its address.
func served(t *testing.T, s bridgeconfig.HTTPTLS, o Options) (*Server, string) {
	t.Helper()
	server, err := OpenServer(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{
		TLSConfig:         server.TLSConfig(),
		ReadHeaderTimeout: 10 * time.Second,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.ServeTLS(ln, "", ""); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("not served: %v", err)
		}
	}()
	t.Cleanup(func() {
		_ = h.Close()
		<-ended
	})
	return server, ln.Addr().String()
}

// client trusts ca, each of its requests on a connection of its own.
func client(ca *authority, http2 bool) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: !http2, ForceAttemptHTTP2: http2,
	}, Timeout: 10 * time.Second}
}

// asked makes a request and returns the certificate that the server showed, and the protocol.
func asked(t *testing.T, c *http.Client, address string) (serial int64, proto string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.TLS.PeerCertificates[0].SerialNumber.Int64(), string(body)
}

func TestServer(t *testing.T) {
	ca := newAuthority(t, "ca")
	own, other := ca.issue(5), ca.issue(6)
	dir := t.TempDir()
	files := bridgeconfig.HTTPTLS{
		Enabled:             true,
		CertificateLocation: write(t, dir, "tls.crt", own.chainPEM()),
		KeyLocation:         write(t, dir, "tls.key", own.keyPEM(t, "")),
	}
	texts := bridgeconfig.HTTPTLS{Enabled: true, Certificate: other.chainPEM(), Key: other.keyPEM(t, "")}
	both, half := files, texts
	both.Certificate, both.Key = texts.Certificate, texts.Key
	half.CertificateLocation = files.CertificateLocation // without its key the file does not count
	for name, c := range map[string]struct {
		settings bridgeconfig.HTTPTLS
		serial   int64
	}{"files": {files, 5}, "texts": {texts, 6}, "both": {both, 5}, "half": {half, 6}} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t)
			server, address := served(t, c.settings, o)
			for _, http2 := range []bool{true, false} {
				c2 := client(ca, http2)
				serial, proto := asked(t, c2, address)
				c2.CloseIdleConnections()
				if serial != c.serial || (proto == "HTTP/2.0") != http2 {
					t.Errorf("certificate %d by %s", serial, proto)
				}
			}
			if server.NotAfter().IsZero() {
				t.Error("no end")
			}
		})
	}
}

// The limits hold, and HTTP/2 is offered only where its rules for suites allow it.
func TestServerLimits(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(5)
	const good, old = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
	for _, c := range []struct {
		name      string
		protocols string
		suites    []string
		minimum   uint16 // of the client
		refused   bool
		proto     string
	}{
		{"defaults", "TLSv1.2,TLSv1.3", nil, tls.VersionTLS12, false, "HTTP/2.0"},
		{"old version", "TLSv1.2", nil, tls.VersionTLS12, false, "HTTP/2.0"},
		{"old version, new client", "TLSv1.2", nil, tls.VersionTLS13, true, ""},
		{"suite", "TLSv1.2", []string{good}, tls.VersionTLS12, false, "HTTP/2.0"},
		{"old suite", "TLSv1.2", []string{old}, tls.VersionTLS12, false, "HTTP/1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, _ := options(t)
			_, address := served(t, bridgeconfig.HTTPTLS{
				Enabled: true, Certificate: own.chainPEM(), Key: own.keyPEM(t, ""),
				Protocols: strings.Split(c.protocols, ","), CipherSuites: c.suites,
			}, o)
			asking := client(ca, true)
			defer asking.CloseIdleConnections()
			asking.Transport.(*http.Transport).TLSClientConfig.MinVersion = c.minimum
			if c.refused {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, nil)
				if err != nil {
					t.Fatal(err)
				}
				if response, err := asking.Do(request); err == nil {
					_ = response.Body.Close()
					t.Error("served")
				}
				return
			}
			if _, proto := asked(t, asking, address); proto != c.proto {
				t.Errorf("served by %s, want %s", proto, c.proto)
			}
		})
	}
}

// Certificate and key are two files: while they do not fit, the old pair stays.
func TestServerRotation(t *testing.T) {
	ca := newAuthority(t, "ca")
	dir := t.TempDir()
	first, next := ca.issue(5), ca.issue(6)
	settings := bridgeconfig.HTTPTLS{
		Enabled:             true,
		CertificateLocation: write(t, dir, "tls.crt", first.chainPEM()),
		KeyLocation:         write(t, dir, "tls.key", first.keyPEM(t, "")),
	}
	o, log := options(t)
	server, address := served(t, settings, o)
	c := client(ca, false)
	if serial, _ := asked(t, c, address); serial != 5 {
		t.Fatalf("certificate %d at first", serial)
	}
	write(t, dir, "tls.crt", next.chainPEM())
	complaint := "http.ssl.key.location: " + settings.KeyLocation + ": key and certificate do not belong together (the certificate is that of " +
		"http.ssl.certificate.location: " + settings.CertificateLocation + ")"
	eventually(t, "a complaint", func() bool { return strings.Contains(log.String(), complaint) })
	if serial, _ := asked(t, c, address); serial != 5 {
		t.Errorf("certificate %d while the files do not fit", serial)
	}
	write(t, dir, "key.new", next.keyPEM(t, ""))
	if err := os.Rename(filepath.Join(dir, "key.new"), settings.KeyLocation); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new certificate", func() bool { serial, _ := asked(t, c, address); return serial == 6 })
	if !server.NotAfter().Equal(next.chain[0].NotAfter) {
		t.Errorf("ends %v", server.NotAfter())
	}
}

func TestServerErrors(t *testing.T) {
	ca := newAuthority(t, "ca")
	own, other := ca.issue(5), ca.issue(6)
	crt, key := write(t, "", "crt", own.chainPEM()), write(t, "", "key", own.keyPEM(t, ""))
	encrypted, foreign := write(t, "", "enc", own.keyPEM(t, keyPassword)), write(t, "", "key", other.keyPEM(t, ""))
	const none = "http.ssl.enable is true, but there is no certificate: set http.ssl.certificate.location and http.ssl.key.location, " +
		"or http.ssl.certificate and http.ssl.key"
	for name, c := range map[string]struct {
		settings bridgeconfig.HTTPTLS
		want     string
	}{
		"none":         {bridgeconfig.HTTPTLS{}, none},
		"half":         {bridgeconfig.HTTPTLS{CertificateLocation: crt, Key: own.keyPEM(t, "")}, none},
		"missing":      {bridgeconfig.HTTPTLS{CertificateLocation: "/none/crt", KeyLocation: key}, "http.ssl.certificate.location: /none/crt: no such file or directory"},
		"missing key":  {bridgeconfig.HTTPTLS{CertificateLocation: crt, KeyLocation: "/none/key"}, "http.ssl.key.location: /none/key: no such file or directory"},
		"swapped":      {bridgeconfig.HTTPTLS{CertificateLocation: key, KeyLocation: crt}, "http.ssl.certificate.location: " + key + ": holds no certificate in PEM"},
		"encrypted":    {bridgeconfig.HTTPTLS{CertificateLocation: crt, KeyLocation: encrypted}, "http.ssl.key.location: " + encrypted + ": holds an encrypted key, and no password is set"},
		"mismatch":     {bridgeconfig.HTTPTLS{CertificateLocation: crt, KeyLocation: foreign}, "http.ssl.key.location: " + foreign + ": key and certificate do not belong together"},
		"bad text":     {bridgeconfig.HTTPTLS{Certificate: own.chainPEM(), Key: tokenSecret}, "http.ssl.key: holds no private key in PEM"},
		"bad protocol": {bridgeconfig.HTTPTLS{CertificateLocation: crt, KeyLocation: key, Protocols: []string{"SSLv2"}}, "http.ssl.enabled.protocols, http.ssl.enabled.cipher.suites: "},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t)
			_, err := OpenServer(t.Context(), c.settings, o)
			fails(t, err, c.want)
		})
	}
}
