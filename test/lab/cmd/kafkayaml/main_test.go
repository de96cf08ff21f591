package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"regexp"
	"strings"
	"testing"
)

// value is what a Secret of the output has under a key.
func value(t *testing.T, yaml, secret, key string) string {
	t.Helper()
	for _, object := range strings.Split(yaml, "\n---\n") {
		if !strings.Contains(object, "kind: Secret") || !strings.Contains(object, "{name: "+secret+",") {
			continue
		}
		m := regexp.MustCompile(regexp.QuoteMeta(key) + `: ([A-Za-z0-9+/=]+)`).FindStringSubmatch(object)
		if m == nil {
			t.Fatalf("%s has no %s: %s", secret, key, object)
		}
		b, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	t.Fatalf("no Secret %s", secret)
	return ""
}

func certificateOf(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	for rest := []byte(text); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			t.Fatalf("no certificate in %q", text)
		}
		if rest = more; block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run([]string{"-namespace", "ns", "-version", "3.9.1"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	yaml := out.String()
	for _, want := range []string{"image: apache/kafka:3.9.1\n", "domain=my-cluster-kafka-brokers.ns.svc.cluster.local\n"} {
		if !strings.Contains(yaml, want) {
			t.Errorf("no %q", want)
		}
	}
	brokers, users := x509.NewCertPool(), x509.NewCertPool()
	brokers.AddCert(certificateOf(t, value(t, yaml, "my-cluster-cluster-ca-cert", "ca.crt")))
	users.AddCert(certificateOf(t, value(t, yaml, "my-app", "ca.crt")))

	broker, app := certificateOf(t, value(t, yaml, "my-cluster-kafka-brokers", "broker.pem")), certificateOf(t, value(t, yaml, "my-app", "user.crt"))
	for _, name := range []string{"my-cluster-kafka-bootstrap.ns.svc", "my-cluster-kafka-2.my-cluster-kafka-brokers.ns.svc.cluster.local"} {
		if _, err := broker.Verify(x509.VerifyOptions{Roots: brokers, DNSName: name}); err != nil {
			t.Error(err)
		}
	}
	client := x509.VerifyOptions{Roots: users, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := app.Verify(client); err != nil || app.Subject.String() != "CN=my-app" {
		t.Errorf("%s: %v", app.Subject, err)
	}
	client.Roots = brokers
	if _, err := app.Verify(client); err == nil {
		t.Error("the brokers' authority has signed a user")
	}
	password := value(t, yaml, "my-scram", "password")
	if jaas := value(t, yaml, "my-scram", "sasl.jaas.config"); len(password) < 20 || !strings.Contains(jaas, `username="my-scram" password="`+password+`";`) {
		t.Error("the SCRAM user's password is short or not that of its JAAS configuration")
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{{"extra", `unexpected "extra"`}, {"-nonsense", "not defined"}} {
		if err := run(strings.Fields(c.args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}
