package kafkaadmin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
)

// access is the way into a cluster of one's own that asks for certificates.
func access(t *testing.T) (*kafkatest.Cluster, kafkaadmin.Access) {
	t.Helper()
	c := kafkatest.Start(t, kafkatest.MTLS(), kafkatest.Brokers(3))
	return c, kafkaadmin.Access{Bootstrap: c.Bootstrap(), Trusted: c.CA.PEM, Certificate: c.Cert.CertPEM, Key: c.Cert.KeyPEM}
}

// TestConnect: both sides show their certificates, and each checks the other's.
func TestConnect(t *testing.T) {
	c, good := access(t)
	stranger, err := pki.NewCA("stranger")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := stranger.Issue(pki.Subject{CommonName: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	distrusting, unknown := good, good
	distrusting.Trusted = stranger.PEM
	unknown.Certificate, unknown.Key = pair.CertPEM, pair.KeyPEM
	both := good
	both.Trusted = append(append([]byte{}, stranger.PEM...), c.CA.PEM...)
	for name, tc := range map[string]struct {
		access kafkaadmin.Access
		fails  string // part of the error
	}{
		"good":                      {good, ""},
		"trusts two authorities":    {both, ""},
		"does not know the brokers": {distrusting, "SslAuthenticationException: "},
		"is not known":              {unknown, "Exception: "},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := kafkaadmin.Connect(tc.access)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			got, err := kafkaadmin.New(client, kafkaadmin.Limits{Timeout: 5 * time.Second}).Cluster(t.Context())
			switch {
			case tc.fails == "" && (err != nil || len(got.Brokers) != 3):
				t.Error(got, err)
			case tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)):
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestConnectTimes: the times are the reference operator's.
func TestConnectTimes(t *testing.T) {
	_, good := access(t)
	client, err := kafkaadmin.Connect(good)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, tc := range map[string]struct{ opt, want any }{
		"connecting":       {kgo.DialTimeout, 10 * time.Second},
		"one request":      {kgo.RequestTimeoutOverhead, 10 * time.Second},
		"retries":          {kgo.RequestRetries, int64(3)},
		"age of metadata":  {kgo.MetadataMaxAge, 30 * time.Second},
		"idle connections": {kgo.ConnIdleTimeout, 9 * time.Minute},
		"name":             {kgo.ClientID, "steg-operator"},
	} {
		got := client.OptValue(tc.opt)
		if text, ok := got.(*string); ok {
			got = *text
		}
		if got != tc.want {
			t.Errorf("%s: %v (%T), want %v", name, got, got, tc.want)
		}
	}
	if f, ok := client.OptValue(kgo.RetryTimeoutFn).(func(int16) time.Duration); !ok || f(0) != 40*time.Second {
		t.Error("a request with its retries may not take 40 s")
	}
}

// TestConnectRefuses: what can't work is named, without the content of a key.
func TestConnectRefuses(t *testing.T) {
	_, good := access(t)
	for want, change := range map[string]func(*kafkaadmin.Access){
		"address of brokers":                      func(a *kafkaadmin.Access) { a.Bootstrap = "kafka" },
		"address of brokers \"\"":                 func(a *kafkaadmin.Access) { a.Bootstrap = "" },
		"trusted certificates: there is none":     func(a *kafkaadmin.Access) { a.Trusted = []byte("-----BEGIN SECRET") },
		"the operator's certificate and key: tls": func(a *kafkaadmin.Access) { a.Key = a.Key[:len(a.Key)/2] },
		"the operator's certificate and key":      func(a *kafkaadmin.Access) { a.Certificate = nil },
	} {
		bad := good
		change(&bad)
		client, err := kafkaadmin.Connect(bad)
		if err == nil {
			client.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
