package credentials

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

// opened is Open with options that are searched for secrets, closed when the test is over.
func opened(t *testing.T, s kafka.Security) (*Transport, *recorder) {
	t.Helper()
	o, log := options(t)
	return openedWith(t, s, o), log
}

func openedWith(t *testing.T, s kafka.Security, o Options) *Transport {
	t.Helper()
	tr, err := Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// ssl is the settings of a connection that trusts ca by an inline certificate.
func ssl(ca *authority) kafka.Security {
	return kafka.Security{Protocol: "SSL", TLS: kafka.TLS{
		TruststoreType: typePEM, TruststoreCertificates: ca.pem(), EndpointIdentification: true,
	}}
}

func TestPlaintext(t *testing.T) {
	server := listen(t, nil)
	tr, _ := opened(t, kafka.Security{Protocol: "PLAINTEXT"})
	conn, _, err := dialed(t, tr, server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := echoes(conn); err != nil {
		t.Error(err)
	}
	if !tr.NotAfter().IsZero() {
		t.Errorf("a certificate that ends %v", tr.NotAfter())
	}
}

// Every kind of key store is shown to a server that demands a certificate, with every kind of trust store.
func TestMutualTLS(t *testing.T) {
	ca := newAuthority(t, "ca")
	server := listen(t, serverConfig(ca.issue(1), ca))
	own := ca.issue(42)
	inline := ssl(ca)
	inline.TLS.CertificateChain, inline.TLS.Key, inline.TLS.KeyPassword = own.chainPEM(), own.keyPEM(t, keyPassword), keyPassword
	cases := map[string]kafka.Security{"inline": inline}
	for _, kind := range []string{typePEM, typePKCS12, typeJKS} {
		cases[kind] = kafka.Security{Protocol: "SSL", TLS: kafka.TLS{
			TruststoreType: kind, TruststoreLocation: trustStore(t, kind, ca.cert), TruststorePassword: storePassword,
			KeystoreType: kind, KeystoreLocation: keyStore(t, kind, own), KeystorePassword: storePassword,
			KeyPassword: keyPassword, EndpointIdentification: true,
		}}
	}
	for name, security := range cases {
		t.Run(name, func(t *testing.T) {
			tr, _ := opened(t, security)
			if serial := serialSeen(t, tr, server.Addr().String()); serial != 42 {
				t.Errorf("the server saw certificate %d", serial)
			}
			if want := own.chain[0].NotAfter; !tr.NotAfter().Equal(want) {
				t.Errorf("ends %v, want %v", tr.NotAfter(), want)
			}
		})
	}
}

// The name check can be turned off; the check of the chain can't.
func TestEndpointIdentification(t *testing.T) {
	ca, another := newAuthority(t, "ca"), newAuthority(t, "another")
	server := listen(t, serverConfig(ca.issue(1, "broker.example"), nil))
	ca.ended = true
	old := listen(t, serverConfig(ca.issue(2), nil))
	for _, c := range []struct {
		name    string
		trusts  *authority
		checks  bool
		address string
		good    bool
	}{
		{"wrong name", ca, true, server.Addr().String(), false},
		{"any name", ca, false, server.Addr().String(), true},
		{"any name, foreign authority", another, false, server.Addr().String(), false},
		{"any name, expired", ca, false, old.Addr().String(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			security := ssl(c.trusts)
			security.TLS.EndpointIdentification = c.checks
			tr, _ := opened(t, security)
			conn, _, err := dialed(t, tr, c.address)
			if c.good {
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.Close()
				return
			}
			fails(t, err, "tls handshake with "+c.address+": tls: failed to verify certificate: ")
			var untrusted *tls.CertificateVerificationError
			if !errors.As(err, &untrusted) {
				t.Errorf("of type %T", err)
			}
			if e := kafka.Describe(err, kafka.Subject{}); e.Kind != kafka.KindAuthentication {
				t.Errorf("described as %v %s", e.Kind, e.Class)
			}
		})
	}
}

// An intermediate authority that the server sends completes the chain, with names and without.
func TestIntermediates(t *testing.T) {
	root := newAuthority(t, "root")
	middle := newAuthority(t, "middle")
	der, err := x509.CreateCertificate(nil, middle.cert, root.cert, middle.key.Public(), root.key)
	if err != nil {
		t.Fatal(err)
	}
	if middle.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	server := listen(t, serverConfig(middle.issue(1), nil))
	for _, checks := range []bool{true, false} {
		security := ssl(root)
		security.TLS.EndpointIdentification = checks
		tr, _ := opened(t, security)
		serialSeen(t, tr, server.Addr().String())
	}
}

func TestProtocolsAndSuites(t *testing.T) {
	ca := newAuthority(t, "ca")
	config := serverConfig(ca.issue(1), nil)
	server := listen(t, config)
	const suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	for _, c := range []struct {
		protocols, suites []string
		version, cipher   uint16
	}{
		{[]string{"TLSv1.2"}, nil, tls.VersionTLS12, 0},
		{[]string{"TLSv1.3"}, nil, tls.VersionTLS13, 0},
		{[]string{"TLSv1.2", "TLSv1.3"}, []string{suite}, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
	} {
		security := ssl(ca)
		security.TLS.Protocols, security.TLS.CipherSuites = c.protocols, c.suites
		tr, _ := opened(t, security)
		conn, _, err := dialed(t, tr, server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		state := conn.(*stallConn).Conn.(*tls.Conn).ConnectionState()
		_ = conn.Close()
		if state.Version != c.version || c.cipher != 0 && state.CipherSuite != c.cipher {
			t.Errorf("%v %v: %x %x", c.protocols, c.suites, state.Version, state.CipherSuite)
		}
	}
}

// A broker that accepts and then says nothing costs the connect timeout, not more.
func TestDialIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts: the connection waits in the queue
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	o, _ := options(t)
	o.ConnectTimeout = 50 * time.Millisecond
	tr := openedWith(t, ssl(newAuthority(t, "ca")), o)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = tr.dial(ctx, "tcp", silent.Addr().String())
	fails(t, err, "tls handshake with "+silent.Addr().String()+": context deadline exceeded")
	if ctx.Err() != nil {
		t.Error("it took the caller's time")
	}
}

// Close alone, without the end of the context, leaves nothing running; what is known last stays usable.
func TestCloseStopsWatching(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ca := newAuthority(t, "ca")
	path := write(t, "", "ca.pem", ca.pem())
	o, _ := options(t)
	security := bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": "https://127.0.0.1:1", "oauth.client.id": "me", "oauth.client.secret": clientSecret,
		"oauth.ssl.truststore.type": "PEM", "oauth.ssl.truststore.location": path,
	})
	security.Protocol, security.TLS = "SASL_SSL", kafka.TLS{TruststoreType: typePEM, TruststoreLocation: path, EndpointIdentification: true}
	tr, err := Open(context.Background(), security, o)
	if err != nil {
		t.Fatal(err)
	}
	own := ca.issue(5)
	server, err := OpenServer(context.Background(), bridgeconfig.HTTPTLS{
		Enabled: true, CertificateLocation: write(t, "", "c", own.chainPEM()), KeyLocation: write(t, "", "k", own.keyPEM(t, "")),
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	tr.Close()
	server.Close()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	if len(tr.Options()) != 2 || server.NotAfter().IsZero() {
		t.Error("not usable after the end")
	}
}

// Buffers of sockets are set where they are asked for.
func TestSocketBuffers(t *testing.T) {
	server := listen(t, nil)
	o, _ := options(t)
	o.SendBuffer, o.ReceiveBuffer = 64<<10, 64<<10
	conn, _, err := dialed(t, openedWith(t, kafka.Security{Protocol: "PLAINTEXT"}, o), server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := echoes(conn); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	ca := newAuthority(t, "ca")
	own, other := ca.issue(2), ca.issue(3)
	missing := "/none/store.p12"
	directory := t.TempDir()
	key := write(t, "", "key.pem", own.keyPEM(t, keyPassword)+own.chainPEM())
	mismatched := write(t, "", "key.pem", own.keyPEM(t, "")+other.chainPEM())
	trust := trustStore(t, typePKCS12, ca.cert)
	edit := func(f func(*kafka.TLS)) kafka.Security {
		s := kafka.Security{Protocol: "SSL", TLS: kafka.TLS{EndpointIdentification: true}}
		f(&s.TLS)
		return s
	}
	for name, c := range map[string]struct {
		security kafka.Security
		want     string
	}{
		"protocol": {kafka.Security{Protocol: "TLS"}, `security.protocol: "TLS" is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL`},
		"missing trust store": {
			edit(func(t *kafka.TLS) { t.TruststoreType, t.TruststoreLocation = typePKCS12, missing }),
			"ssl.truststore.location: /none/store.p12: no such file or directory",
		},
		"trust store password": {
			edit(func(t *kafka.TLS) {
				t.TruststoreType, t.TruststoreLocation, t.TruststorePassword = typePKCS12, trust, userPass
			}),
			"ssl.truststore.location: " + trust + ": does not open with its password",
		},
		"inline trust": {
			edit(func(t *kafka.TLS) { t.TruststoreType, t.TruststoreCertificates = typePEM, tokenSecret }),
			"ssl.truststore.certificates: holds no certificate in PEM",
		},
		"directory": {
			edit(func(t *kafka.TLS) { t.KeystoreType, t.KeystoreLocation = typePEM, directory }),
			"ssl.keystore.location: " + directory + ": is a directory",
		},
		"key password": {
			edit(func(t *kafka.TLS) { t.KeystoreType, t.KeystoreLocation, t.KeyPassword = typePEM, key, userPass }),
			"ssl.keystore.location: " + key + ": holds an encrypted key that the password does not open",
		},
		"mismatch": {
			edit(func(t *kafka.TLS) { t.KeystoreType, t.KeystoreLocation = typePEM, mismatched }),
			"ssl.keystore.location: " + mismatched + ": key and certificate do not belong together",
		},
		"inline mismatch": {
			edit(func(k *kafka.TLS) { k.CertificateChain, k.Key = other.chainPEM(), own.keyPEM(t, "") }),
			"ssl.keystore.certificate.chain, ssl.keystore.key: key and certificate do not belong together",
		},
		"chain alone": {
			edit(func(t *kafka.TLS) { t.CertificateChain = own.chainPEM() }),
			"ssl.keystore.key: is missing, ssl.keystore.certificate.chain and ssl.keystore.key go together",
		},
		"key alone": {
			edit(func(k *kafka.TLS) { k.Key = own.keyPEM(t, "") }),
			"ssl.keystore.certificate.chain: is missing, ssl.keystore.certificate.chain and ssl.keystore.key go together",
		},
		"suite": {
			edit(func(t *kafka.TLS) { t.CipherSuites = []string{"TLS_RSA_WITH_NOTHING"} }),
			"ssl.enabled.protocols, ssl.cipher.suites: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t)
			_, err := Open(t.Context(), c.security, o)
			fails(t, err, c.want)
		})
	}
}

// A file of any size can be named by mistake; it is not read to its end.
func TestFilesAreBounded(t *testing.T) {
	large := write(t, "", "large.pem", strings.Repeat("x", maxFile+1))
	o, _ := options(t)
	_, err := Open(t.Context(), kafka.Security{Protocol: "SSL", TLS: kafka.TLS{TruststoreType: typePEM, TruststoreLocation: large}}, o)
	fails(t, err, "ssl.truststore.location: "+large+": is larger than 8 MiB")
}
