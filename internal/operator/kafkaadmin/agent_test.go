package kafkaadmin

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

// agent is one that answers with a status and a body to those whose certificate is from its authority.
func agent(t *testing.T, status int, body string) (Access, string) {
	t.Helper()
	now := time.Now()
	ca, err := pki.NewAuthority(rand.Reader, now, pki.Template{Subject: pkix.Name{CommonName: "ca"}, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	issue := func() (certificate, key []byte) {
		t.Helper()
		leaf, err := ca.Issue(rand.Reader, now, pki.Template{
			Subject: pkix.Name{CommonName: "x"}, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Validity: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		if key, err = pki.EncodeKey(leaf.Key); err != nil {
			t.Fatal(err)
		}
		return pki.EncodeCertificates(leaf.Certificate), key
	}
	certificate, key := issue()
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(ca.Certificate)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/broker-state/" || r.Method != http.MethodGet {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	t.Cleanup(server.Close)
	access := Access{Trusted: pki.EncodeCertificates(ca.Certificate)}
	access.Certificate, access.Key = issue()
	return access, strings.TrimPrefix(server.URL, "https://")
}

func TestAgent(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   NodeState
		err    string
	}{
		"running":    {200, `{"brokerState":3}`, NodeState{State: 3}, ""},
		"recovering": {200, `{"brokerState":2,"recoveryState":{"remainingLogsToRecover":5,"remainingSegmentsToRecover":70}}`, NodeState{BrokerRecovery, 5, 70}, ""},
		"odd":        {200, `{"brokerState":2,"recoveryState":{"remainingLogsToRecover":-1}}`, NodeState{State: 2}, ""},
		"no state":   {200, `{}`, NodeState{}, "brokerState is missing"},
		"no JSON":    {200, `<html>`, NodeState{}, "invalid character"},
		"too long":   {200, `{"x":"` + strings.Repeat("x", 2*agentAnswer) + `"}`, NodeState{}, "unexpected EOF"},
		"error":      {503, `{"brokerState":3}`, NodeState{}, "503"},
		"elsewhere":  {302, ``, NodeState{}, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			access, address := agent(t, c.status, c.body)
			got, err := askAgent(t.Context(), access, address)
			if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

// An agent of another cluster is not believed, and an operator of another one gets no answer.
func TestAgentStrangers(t *testing.T) {
	access, address := agent(t, 200, `{"brokerState":3}`)
	other, _ := agent(t, 200, "")
	for name, a := range map[string]Access{
		"their authority":   {Trusted: other.Trusted, Certificate: access.Certificate, Key: access.Key},
		"our certificate":   {Trusted: access.Trusted, Certificate: other.Certificate, Key: other.Key},
		"nothing trusted":   {Certificate: access.Certificate, Key: access.Key},
		"no key":            {Trusted: access.Trusted, Certificate: access.Certificate},
		"another one's key": {Trusted: access.Trusted, Certificate: access.Certificate, Key: other.Key},
	} {
		if state, err := askAgent(t.Context(), a, address); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %+v %v", name, state, err)
		}
	}
}

// One that takes connections and does not answer costs a bounded time.
func TestAgentSilent(t *testing.T) {
	access, _ := agent(t, 200, "")
	listen, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listen.Close() }()
	began := time.Now()
	if _, err := askAgent(t.Context(), access, listen.Addr().String()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*agentTimeout {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
