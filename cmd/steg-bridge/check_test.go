package main

import (
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// brief are short times for what waits until they are over.
var brief = []string{"kafka.request.timeout.ms=500", "kafka.default.api.timeout.ms=500", "kafka.producer.max.block.ms=500", "kafka.producer.delivery.timeout.ms=1000"}

func TestCheck(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	got := ran(t, nil, append(sets("kafka.bootstrap.servers="+c.Bootstrap()), "--check")...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit %d %s", got.code, got.stderr)
	}
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	for i, client := range []string{"admin", "producer", "consumer"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], "ok       "+client+" client: PLAINTEXT, 3 brokers, cluster ") {
			t.Fatalf("not %s:\n%s", client, got.stdout)
		}
	}
	path := file(t, "f.properties", "http.prot=1\nkafka.bootstrap.servers="+c.Bootstrap())
	got = ran(t, nil, "--check", "--config-file", path)
	if got.code != 0 || !strings.HasPrefix(got.stdout, "warning  http.prot: http.prot is not a setting: did you mean http.port? ("+path+", line 1)\nok ") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

// With TLS it tells until when the bridge's own certificate is good; and of the API's, that it fits its key.
func TestCheckTLS(t *testing.T) {
	c, settings := tlsCluster(t)
	own := c.Issue(pki.Subject{CommonName: "bridge", Server: true})
	secretKey(own.KeyPEM)
	settings = append(settings, "kafka.bootstrap.servers="+c.Bootstrap(), "http.ssl.enable=true",
		"http.ssl.certificate="+string(own.CertPEM), "http.ssl.key="+string(own.KeyPEM))
	got := ran(t, nil, append(sets(settings...), "--check")...)
	until := ", certificate valid until " + c.Cert.TLS.Leaf.NotAfter.UTC().Format("2006-01-02T15:04:05Z")
	if got.code != 0 || strings.Count(got.stdout, " client: SSL, 1 brokers, cluster ") != 3 || strings.Count(got.stdout, until) != 3 ||
		!strings.Contains(got.stdout, "ok       http.ssl: ") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	t.Logf("\n%s", got.stdout)
}

// What fails is one line for each thing, and exit 1.
func TestCheckFails(t *testing.T) {
	c, settings := tlsCluster(t)
	at := "kafka.bootstrap.servers=" + c.Bootstrap()
	stranger, err := pki.NewCA("stranger")
	if err != nil {
		t.Fatal(err)
	}
	other := c.Issue(pki.Subject{CommonName: "other"})
	secretKey(other.KeyPEM)
	trust := settings[1:3]
	for name, tc := range map[string]struct {
		settings []string
		line     string
	}{
		"stranger":   {[]string{at, settings[0], settings[1], "kafka.ssl.truststore.location=" + file(t, "ca.crt", string(stranger.PEM))}, "failed   producer client: SSL handshake failed"},
		"no key":     {append([]string{at, settings[0]}, trust...), "failed   consumer client: "},
		"mismatched": {append([]string{at, settings[0], "kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.certificate.chain=" + string(c.Cert.CertPEM), "kafka.ssl.keystore.key=" + string(other.KeyPEM)}, trust...), "failed   admin client: kafka.ssl.keystore.certificate.chain, ssl.keystore.key: key and certificate do not belong together"},
		"no file":    {[]string{at, settings[0], settings[1], "kafka.ssl.truststore.location=/none/ca.crt"}, "/none/ca.crt: no such file or directory"},
		"away":       {append([]string{"kafka.bootstrap.servers=127.0.0.1:1"}, brief...), "failed   admin client: Timed out waiting for a node assignment. Call: describeCluster"},
		"setting":    {append([]string{at, "kafka.producer.acks=5"}, settings...), "failed   producer client: Invalid value 5 for configuration acks"},
		"misfit":     {append([]string{at, "kafka.producer.interceptor.classes=com.example.Mine"}, settings...), "failed   producer client: kafka.producer.interceptor.classes: "},
		"http":       {append([]string{at, "http.ssl.enable=true", "http.ssl.certificate=" + string(other.CertPEM), "http.ssl.key=" + string(c.Cert.KeyPEM)}, settings...), "failed   http.ssl: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ran(t, nil, append(sets(tc.settings...), "--check")...)
			if got.code != 1 || !strings.Contains(got.stdout, tc.line) || !strings.Contains(got.stderr, "of the checks failed\n") {
				t.Errorf("without %q, exit %d\n%s%s", tc.line, got.code, got.stdout, got.stderr)
			}
		})
	}
}

// A password that the cluster does not take.
func TestCheckPassword(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.SASL(kafkatest.User{Name: "me", Password: printed.secret("right-pa55word"), Mechanism: kafkatest.Plain}))
	try := func(password string) result {
		return ran(t, nil, append(sets("kafka.bootstrap.servers="+c.Bootstrap(), "kafka.security.protocol=SASL_PLAINTEXT", "kafka.sasl.mechanism=PLAIN",
			`kafka.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="`+password+`";`,
			brief[0], brief[1], brief[2], brief[3]), "--check")...)
	}
	if got := try("right-pa55word"); got.code != 0 || strings.Count(got.stdout, "ok       ") != 3 {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	if got := try(printed.secret("wr0ng-pa55word")); got.code != 1 || strings.Count(got.stdout, "failed   ") != 3 {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}
