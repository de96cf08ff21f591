package node

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// greeted tells whether a client gets through to a server that asks for certificates of the cluster's authority.
func greeted(t *testing.T, server *tls.Config, client *tls.Config) error {
	t.Helper()
	here, there := net.Pipe()
	defer func() { _ = here.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		conn := tls.Server(there, server)
		err := conn.HandshakeContext(ctx)
		answered <- errors.Join(err, there.Close())
	}()
	conn := tls.Client(here, client)
	err := conn.HandshakeContext(ctx)
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // a server that refuses says so after the handshake of TLS 1.3
		if err != nil && strings.Contains(err.Error(), "EOF") {
			err = nil
		}
	}
	_ = here.Close()
	return errors.Join(err, <-answered)
}

// TestServerAsksWho: the operator's questions are answered to those whom the cluster's authority knows, as it is now.
func TestServerAsksWho(t *testing.T) {
	p := newPod(t)
	server := p.options.keys(testPod).server()
	issue := func(ca *pki.CA) *tls.Config {
		pair, err := ca.Issue(pki.Subject{CommonName: "cluster-operator"})
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, Certificates: []tls.Certificate{pair.TLS}}
	}
	other, err := pki.NewCA("other")
	if err != nil {
		t.Fatal(err)
	}
	known, stranger := issue(p.ca), issue(other)
	if err := greeted(t, server, known); err != nil {
		t.Errorf("the operator: %v", err)
	}
	if err := greeted(t, server, stranger); err == nil {
		t.Error("a stranger was let in")
	}
	if err := greeted(t, server, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}); err == nil {
		t.Error("somebody without a certificate was let in")
	}
	old := known.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if err := greeted(t, server, old); err == nil {
		t.Error("TLS 1.1 was taken")
	}
	p.write("etc/steg/trust/cluster-ca.crt", string(other.PEM)) // the authority is another one from now on
	if err := greeted(t, server, stranger); err != nil {
		t.Errorf("whom the new authority knows: %v", err)
	}
	if err := greeted(t, server, known); err == nil {
		t.Error("whom the former authority knew was let in")
	}
	p.write("etc/steg/trust/cluster-ca.crt", "nothing")
	if err := greeted(t, server, stranger); err == nil {
		t.Error("without authorities somebody was let in")
	}
}

// TestKeysRefuse: files that are missing or broken are named, and what is in them is not repeated.
func TestKeysRefuse(t *testing.T) {
	const secret = "nobody should read this"
	for _, c := range []struct{ name, file, content, want string }{
		{"certificate", "etc/steg/certs/" + testPod + ".crt", secret, testPod + ".crt"},
		{"key", "etc/steg/certs/" + testPod + ".key", secret, testPod + ".key"},
		{"authorities", "etc/steg/trust/cluster-ca.crt", secret, "cluster-ca.crt has no certificate in PEM"},
	} {
		p := newPod(t)
		p.write(c.file, c.content)
		_, err := p.options.keys(testPod).client("somebody")()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := os.Remove(p.path(c.file)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.options.keys(testPod).client("somebody")(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is missing: %v", c.name, err)
		}
	}
	p := newPod(t)
	settings, err := p.options.keys(testPod).client("somebody")()
	if err != nil || settings.ServerName != "somebody" || settings.RootCAs == nil || settings.InsecureSkipVerify || len(settings.Certificates) != 1 {
		t.Errorf("%+v, %v", settings, err)
	}
}
