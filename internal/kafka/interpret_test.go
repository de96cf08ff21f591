package kafka

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func interpret(t *testing.T, role Role, props map[string]string) Config {
	t.Helper()
	if _, ok := props["bootstrap.servers"]; !ok {
		props["bootstrap.servers"] = "127.0.0.1:9092"
	}
	c, findings := Interpret(role, props)
	if worst(findings) != Warning {
		t.Fatalf("%v: %+v", props, findings)
	}
	return c
}

func TestDefaultsAreJavas(t *testing.T) {
	p := interpret(t, Producer, map[string]string{})
	want := ProducerConfig{
		Acks: -1, Idempotent: true, MaxBlock: time.Minute, DeliveryTimeout: 2 * time.Minute, BatchBytes: 16384,
		MaxRequestBytes: 1 << 20, BufferMemory: 32 << 20, Compression: "none",
	}
	if p.Producer != want {
		t.Errorf("producer\n got %+v\nwant %+v", p.Producer, want)
	}
	if p.RequestTimeout != 30*time.Second || p.MetadataMaxAge != 5*time.Minute || p.Retries != math.MaxInt32 || !p.PushMetrics ||
		p.ConnectionsMaxIdle != 9*time.Minute || p.ConnectTimeout != 10*time.Second || p.RetryBackoff != 100*time.Millisecond ||
		p.RetryBackoffMax != time.Second {
		t.Errorf("common part of the producer: %+v", p)
	}
	c := interpret(t, Consumer, map[string]string{"group.id": "g"})
	wantConsumer := ConsumerConfig{
		Group: "g", Reset: Reset{Kind: Latest}, AutoCommit: true, AutoCommitInterval: 5 * time.Second, MaxPollRecords: 500,
		MaxPollInterval: 5 * time.Minute, SessionTimeout: 45 * time.Second, HeartbeatInterval: 3 * time.Second,
		FetchMaxWait: 500 * time.Millisecond, FetchMinBytes: 1, FetchMaxBytes: 50 << 20, MaxPartitionFetchBytes: 1 << 20,
		CheckCRCs: true, ExcludeInternalTopics: true, AllowAutoCreateTopics: true, Protocol: "classic",
		Assignors: []string{"range", "cooperative-sticky"},
	}
	if !reflect.DeepEqual(c.Consumer, wantConsumer) {
		t.Errorf("consumer\n got %+v\nwant %+v", c.Consumer, wantConsumer)
	}
	a := interpret(t, Admin, map[string]string{})
	if a.DefaultAPITimeout != time.Minute || a.ConnectionsMaxIdle != 5*time.Minute || a.PushMetrics || a.Security.Protocol != "PLAINTEXT" ||
		a.Security.SASL.Mechanism != "GSSAPI" || !a.Security.TLS.EndpointIdentification {
		t.Errorf("admin: %+v", a)
	}
	window := RefreshWindow{Factor: 0.8, Jitter: 0.05, MinPeriod: time.Minute, Buffer: 5 * time.Minute}
	if a.Security.SASL.RefreshWindow != window {
		t.Errorf("window %+v", a.Security.SASL.RefreshWindow)
	}
}

func TestInterpretValues(t *testing.T) {
	c := interpret(t, Consumer, map[string]string{
		"bootstrap.servers": " a:1 , [::1]:2,PLAINTEXT://c:3 ,::1:4,a:1", "auto.offset.reset": "by_duration:PT1H",
		"partition.assignment.strategy": consumerPackage + "StickyAssignor, " + consumerPackage + "RoundRobinAssignor",
		"security.protocol":             "ssl", "ssl.enabled.protocols": "TLSv1.2", "client.rack": "r1", "group.instance.id": "i-1",
		"max.poll.interval.ms": "2147483647", "metadata.max.age.ms": "9223372036854775807",
	})
	if got := strings.Join(c.Bootstrap, " "); got != "a:1 [::1]:2 c:3 [::1]:4" {
		t.Errorf("bootstrap %s", got)
	}
	if c.Consumer.Reset != (Reset{ByDuration, time.Hour}) || c.Security.Protocol != "SSL" || !c.Security.UsesTLS() || c.Security.UsesSASL() {
		t.Errorf("%+v %s", c.Consumer.Reset, c.Security.Protocol)
	}
	if got := strings.Join(c.Consumer.Assignors, " "); got != "sticky roundrobin" {
		t.Errorf("assignors %s", got)
	}
	if c.MetadataMaxAge < 200*365*24*time.Hour {
		t.Errorf("a duration overflowed: %s", c.MetadataMaxAge)
	}
}

// TestImplicitIdempotence is Java's rule: settings that rule out idempotence turn it off unless it was asked for.
func TestImplicitIdempotence(t *testing.T) {
	for _, tc := range []struct {
		props map[string]string
		want  bool
	}{
		{map[string]string{}, true},
		{map[string]string{"acks": "1"}, false},
		{map[string]string{"acks": "0"}, false},
		{map[string]string{"retries": "0"}, false},
		{map[string]string{"retries": "1"}, true},
		{map[string]string{"acks": "-1", "enable.idempotence": "false"}, false},
		{map[string]string{"acks": "all", "enable.idempotence": "true"}, true},
	} {
		if got := interpret(t, Producer, tc.props).Producer.Idempotent; got != tc.want {
			t.Errorf("%v: %t", tc.props, got)
		}
	}
}

func TestDeliveryTimeoutGrows(t *testing.T) {
	c, findings := Interpret(Producer, map[string]string{"bootstrap.servers": "a:1", "request.timeout.ms": "200000", "linger.ms": "10"})
	if c.Producer.DeliveryTimeout != 200010*time.Millisecond {
		t.Errorf("delivery timeout %s", c.Producer.DeliveryTimeout)
	}
	if len(findings) != 1 || !strings.HasSuffix(findings[0].Text, "Setting it to 200010.") || findings[0].Level != Warning {
		t.Errorf("%+v", findings)
	}
	a, findings := Interpret(Admin, map[string]string{"bootstrap.servers": "a:1", "request.timeout.ms": "70000"})
	if a.DefaultAPITimeout != 70*time.Second || len(findings) > 0 {
		t.Errorf("%s %+v", a.DefaultAPITimeout, findings)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, tc := range []struct{ name, text string }{
		{"max.poll.record", "max.poll.record is not a setting that Kafka clients know: did you mean max.poll.records?"},
		{"bootstrap.server", "bootstrap.server is not a setting that Kafka clients know: did you mean bootstrap.servers?"},
		{"ssl.trustore.loction", "ssl.trustore.loction is not a setting that Kafka clients know: did you mean ssl.truststore.location?"},
		{"wholly.different", "wholly.different is not a setting that Kafka clients know"},
		{"acks", ""},                          // the producer's
		{"config.providers.env.class", ""},    // read before
		{"prometheus.metrics.reporter.x", ""}, // Strimzi's reporter
	} {
		_, findings := Interpret(Consumer, map[string]string{"bootstrap.servers": "a:1", tc.name: "v"})
		got := ""
		if len(findings) > 0 {
			got = findings[0].Text
		}
		if got != tc.text || len(findings) > 1 {
			t.Errorf("%s: %+v", tc.name, findings)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"acks", "linger.ms", "fetch.max.bytes"}
	for in, want := range map[string]string{
		"ack": "acks", "asck": "acks", "xxxx": "", "": "", "linger": "", "lnger.m": "linger.ms", "fetchmaxbyte": "fetch.max.bytes", "fetchmaxbyt": "",
	} {
		if got := Suggest(in, names); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}} {
		if got := Distance(tc.a, tc.b); got != tc.want {
			t.Errorf("%s %s: %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestISODuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"P1D": 24 * time.Hour, "PT0.5S": 500 * time.Millisecond, "PT1H-30M": 30 * time.Minute, "-PT-1S": time.Second, "PT0S": 0,
		"P1DT1H1M1.123456789S": 25*time.Hour + time.Minute + time.Second + 123456789, "pt1,5s": 1500 * time.Millisecond,
		"PT1.S": time.Second, "PT+1M": time.Minute, "P106751991167300D": math.MaxInt64, "PT9223372036S": 9223372036 * time.Second,
	} {
		if got, ok := parseISODuration(in); !ok || got != want {
			t.Errorf("%s: %s %t, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "P", "PT", "P1DT", "-PT1S", "PT-0.5S", "P1W", "1D", "PT1H ", "P106751991167301D", "PT1.1234567890S", "PTS"} {
		if got, ok := parseISODuration(in); ok {
			t.Errorf("%q: %s", in, got)
		}
	}
}

// TestSecretsStayHidden puts a secret into every setting that can hold one, valid or not, and looks for it in whatever
// can be printed.
func TestSecretsStayHidden(t *testing.T) {
	const secret = "s3cr3t"
	for _, jaas := range []string{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="s3cr3t";`,
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="x"s3cr3t";`,
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password=s3cr3t`,
		`org.apache.kafka.common.security.plain.PlainLoginModule s3cr3t username="u";`,
		`s3cr3t`, `s3cr3t required;`, `a required s3cr3t;`, "a required password='x\ns3cr3t';", `a required oauth.s3cr3t;`,
	} {
		props := map[string]string{"bootstrap.servers": "a:1", "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.jaas.config": jaas}
		for _, name := range Names() {
			if s, ok := setting(Producer, name); ok && s.Type == "password" && name != "sasl.jaas.config" {
				props[name] = secret
			}
		}
		for _, extra := range []string{"", "acks", "linger.ms", "ssl.keystore.type"} {
			if extra != "" {
				props[extra] = "bad"
			}
			c, findings := Interpret(Producer, props)
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, shown := range []string{fmt.Sprintf("%+v", findings), fmt.Sprintf("%v|%+v|%#v", c, c, c), string(text), fmt.Sprint(c.Security.TLS, c.Security.SASL)} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s: %s", jaas, shown)
				}
			}
		}
	}
}
