//go:build kafka

package realkafka

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// brief are short times of all clients, for what waits until one of them is over.
var brief = []string{
	"kafka.producer.max.block.ms=3000", "kafka.producer.request.timeout.ms=2000", "kafka.producer.delivery.timeout.ms=4000",
	"kafka.admin.request.timeout.ms=2000", "kafka.admin.default.api.timeout.ms=4000",
	"kafka.consumer.request.timeout.ms=2000", "kafka.consumer.default.api.timeout.ms=4000",
}

// inTime fails the test if an answer took longer than brief allows, and the machine needs.
func inTime(t *testing.T, a answer) {
	t.Helper()
	if a.took > 12*time.Second {
		t.Errorf("took %s: %s", a.took, a)
	}
}

// The Java classes of failures.
const (
	saslClass = "org.apache.kafka.common.errors.SaslAuthenticationException"
	tlsClass  = "org.apache.kafka.common.errors.SslAuthenticationException"
)

// refused checks that everything that needs Kafka is answered with a class and a text: the class in front where the
// contract has it there.
func refused(t *testing.T, b *bridge, class, text string) {
	t.Helper()
	prefixed := failure(500, class+": "+text)
	answers := map[string]answer{
		"list topics":     b.get("/topics"),
		"describe topic":  b.get("/topics/t"),
		"list partitions": b.get("/topics/t/partitions"),
	}
	group := fresh("group")
	b.consumer(group, "", "t")
	answers["poll"] = b.poll(group)
	for name, got := range answers {
		if got.status != 500 || got.body != prefixed {
			t.Errorf("%s: want %s, got %s", name, prefixed, got)
		}
		inTime(t, got)
	}
	created := b.post("/admin/topics", asJSON, `{"topic_name":"t"}`)
	if created.status != 500 || created.body != failure(500, text) {
		t.Errorf("create topic: want %s, got %s", failure(500, text), created)
	}
	inTime(t, created)
	sent := b.produce("t", `"v"`)
	if element := `{"offsets":[` + failure(500, text) + `]}`; sent.status != 200 || sent.body != element {
		t.Errorf("produce: want %s, got %s", element, sent)
	}
	inTime(t, sent)
	removed := b.remove(group)
	if removed.status != 204 {
		t.Errorf("delete: %s", removed)
	}
	inTime(t, removed)
}

func TestKafkaRefusesPasswords(t *testing.T) {
	r := sharedRig(t)
	const wrong = "wr0ng-passw0rd"
	for _, c := range []struct{ mechanism, text string }{
		{"SCRAM-SHA-512", "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512"},
		{"SCRAM-SHA-256", "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256"},
		{"PLAIN", "Authentication failed: Invalid username or password"},
	} {
		t.Run(c.mechanism, func(t *testing.T) {
			w := way{"", kafkarig.SCRAM, login(c.mechanism, kafkarig.AdminUser, wrong)}
			refused(t, start(t, append(w.at(r), brief...)...), saslClass, c.text)
		})
	}
	t.Run("SASL where the broker has none", func(t *testing.T) {
		settings := concat([]string{"kafka.bootstrap.servers=" + r.Bootstrap(kafkarig.Plain), "kafka.security.protocol=SASL_PLAINTEXT"},
			login("PLAIN", kafkarig.AdminUser, kafkarig.AdminPassword), brief)
		got := start(t, settings...).get("/topics")
		want(t, got, 500, "org.apache.kafka.common.errors.")
		inTime(t, got)
	})
}

func TestKafkaRefusesCertificates(t *testing.T) {
	r := sharedRig(t)
	pem := trust(t, r, "PEM")
	stranger := []string{"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=" + r.Files.Stranger.Cert}
	for _, w := range []way{
		{"expired", kafkarig.MTLS, concat(pem, keys(t, r.Files.Expired, "PEM"))},
		{"stranger's", kafkarig.MTLS, concat(pem, keys(t, r.Files.Stranger, "PEM"))},
		{"none", kafkarig.MTLS, pem},
		{"of a broker that is not trusted", kafkarig.TLS, stranger},
		{"of a broker, where the system's authorities count", kafkarig.TLS, nil},
	} {
		t.Run(w.name, func(t *testing.T) {
			refused(t, start(t, append(w.at(r), brief...)...), tlsClass, "SSL handshake failed")
		})
	}
}

// A broker that is called by an address that is not in its certificate.
func TestKafkaHostnames(t *testing.T) {
	r := sharedRig(t)
	elsewhere := forward(t, "127.0.0.2:0", r.Bootstrap(kafkarig.TLS))
	settings := concat([]string{"kafka.bootstrap.servers=" + elsewhere, "kafka.security.protocol=SSL"}, trust(t, r, "PEM"), brief)
	t.Run("checked", func(t *testing.T) {
		refused(t, start(t, settings...), tlsClass, "SSL handshake failed")
	})
	t.Run("not checked", func(t *testing.T) {
		article(t, r, start(t, append(settings, "kafka.ssl.endpoint.identification.algorithm=")...))
	})
}

// forward listens on one address and passes connections on to another.
func forward(t *testing.T, from, to string) string {
	t.Helper()
	ln, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			in, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				running.Go(func() { pipe(in, to) })
			}
		}
	})
	return ln.Addr().String()
}

// pipe copies in both directions until either side ends.
func pipe(in net.Conn, to string) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
		close(done)
	}()
	_, _ = io.Copy(in, out)
	_ = in.Close()
	<-done
}

// What is wrong with files is told at the start, in one line that names the file, and with exit 1.
func TestKafkaFilesAtStart(t *testing.T) {
	r := sharedRig(t)
	mismatched := []string{
		"kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.certificate.chain=" + content(t, r.Files.User.Cert),
		"kafka.ssl.keystore.key=" + privateKey(t, r.Files.Admin),
	}
	for name, c := range map[string]struct {
		settings []string
		line     string
	}{
		"mismatched": {concat(trust(t, r, "PEM"), mismatched), "key and certificate do not belong together"},
		"absent":     {[]string{"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=/none/ca.crt"}, "/none/ca.crt: no such file or directory"},
		"password": {
			[]string{"kafka.ssl.truststore.type=PKCS12", "kafka.ssl.truststore.location=" + r.Files.CA.PKCS12, "kafka.ssl.truststore.password=" + transcript.secret("wrong store password", "n0t-changeit")},
			r.Files.CA.PKCS12 + ": does not open with its password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, code := launch{set: way{"", kafkarig.MTLS, c.settings}.at(r)}.ended(t)
			if code != 1 || !strings.Contains(text, c.line) {
				t.Errorf("exit %d, without %q:\n%s", code, c.line, text)
			}
		})
	}
}
