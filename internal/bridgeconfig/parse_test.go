package bridgeconfig

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

func file(values map[string]string) []Layer { return []Layer{{Origin: "file", Values: values}} }

func parsed(t *testing.T, values map[string]string) Config {
	t.Helper()
	c, _, err := Parse(file(values))
	if err != nil {
		t.Fatalf("%v: %v", values, err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c, findings, err := Parse(nil)
	if err != nil || len(findings) > 0 {
		t.Fatal(findings, err)
	}
	want := Config{
		ExecutorQueue: 1000, NullValue: "upstream", Consumers: Consumers{JoinWait: 5 * time.Second}, StopNotice: time.Second,
		HTTP: HTTP{
			Host: "0.0.0.0", Port: 8080, ManagementHost: "0.0.0.0", ManagementPort: 8081, ConsumerEnabled: true, ProducerEnabled: true,
			IdleConsumerTimeout: -time.Second,
			CORS:                CORS{AllowedOrigins: "*", AllowedMethods: "GET,POST,PUT,DELETE,OPTIONS,PATCH"},
			TLS:                 HTTPTLS{Protocols: []string{"TLSv1.2", "TLSv1.3"}},
		},
		Log:     Log{Level: "info", Format: "text", Operations: quiet()},
		origins: map[string]string{},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("\n got %+v\nwant %+v", c, want)
	}
}

// TestTable holds the table against the reference bridge's list: 22 keys, and ours beside them.
func TestTable(t *testing.T) {
	reference := []string{
		"bridge.id", "bridge.metrics", "bridge.metrics.exporter.config.path", "bridge.executor.pool.size", "bridge.executor.queue.size", "bridge.tracing",
		"http.host", "http.port", "http.management.port", "http.timeoutSeconds", "http.consumer.enabled", "http.producer.enabled", "http.cors.enabled",
		"http.cors.allowedOrigins", "http.cors.allowedMethods", "http.ssl.enable", "http.ssl.certificate.location", "http.ssl.key.location",
		"http.ssl.certificate", "http.ssl.key", "http.ssl.enabled.protocols", "http.ssl.enabled.cipher.suites",
	}
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Key] {
			t.Errorf("%s is there twice", s.Key)
		}
		seen[s.Key] = true
		if slices.Contains(reference, s.Key) == s.Ours {
			t.Errorf("%s: ours %t", s.Key, s.Ours)
		}
		if !strings.HasSuffix(s.Doc, ".") || s.Type == "" {
			t.Errorf("%s: type %q, doc %q", s.Key, s.Type, s.Doc)
		}
	}
	for _, key := range reference {
		if !seen[key] {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestValues(t *testing.T) {
	c := parsed(t, map[string]string{
		"bridge.id": " b ", "bridge.metrics": "JMXprometheusEXPORTER", "bridge.executor.pool.size": "3", "bridge.tracing": "opentelemetry",
		"bridge.null.value": "tombstone", "bridge.consumer.join.wait.ms": "0", "bridge.consumer.replace": "TRUE",
		"http.host": "127.0.0.1", "http.port": "0", "http.management.port": "0", "http.timeoutSeconds": "60", "http.consumer.enabled": "no",
		"http.cors.enabled": "true", "http.max.body.bytes": "100", "http.max.inflight.bytes": "1000", "http.ssl.enabled.protocols": " TLSv1.3 , ",
		"kafka.bootstrap.servers": " k:9092 ", "kafka.producer.acks": "1", "kafka.admin.retries": "4", "kafka.consumer.max.poll.records": "5",
	})
	if c.ID != "b" || c.Metrics.Type != MetricsJMX || c.ExecutorPool != 3 || c.Tracing != "opentelemetry" || c.NullValue != NullTombstone ||
		c.Consumers != (Consumers{Replace: true}) || c.HTTP.IdleConsumerTimeout != time.Minute || c.HTTP.ConsumerEnabled || !c.HTTP.CORS.Enabled ||
		c.HTTP.Port != 0 || c.HTTP.ManagementPort != 0 || c.HTTP.ManagementHost != "127.0.0.1" || !slices.Equal(c.HTTP.TLS.Protocols, []string{"TLSv1.3"}) {
		t.Errorf("%+v", c)
	}
	if got := c.Kafka.Common["bootstrap.servers"]; got != " k:9092 " {
		t.Errorf("a client's value was changed: %q", got)
	}
	if c.Kafka.Admin["retries"] != "4" || c.Kafka.Producer["acks"] != "1" || c.Kafka.Consumer["max.poll.records"] != "5" {
		t.Errorf("%+v", c.Kafka)
	}
}

func TestPortsWithTLS(t *testing.T) {
	c := parsed(t, map[string]string{"http.ssl.enable": "true", "http.ssl.certificate": "c", "http.ssl.key": "k"})
	if c.HTTP.Port != 8443 {
		t.Errorf("port %d", c.HTTP.Port)
	}
	if c = parsed(t, map[string]string{"http.ssl.enable": "true", "http.ssl.certificate": "c", "http.ssl.key": "k", "http.port": "8080"}); c.HTTP.Port != 8080 {
		t.Errorf("port %d", c.HTTP.Port)
	}
}

func TestErrors(t *testing.T) {
	pem := map[string]string{"http.ssl.enable": "true", "http.ssl.certificate": "c", "http.ssl.key": "SECRET"}
	with := func(base map[string]string, kv ...string) map[string]string {
		out := map[string]string{}
		for k, v := range base {
			out[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	none := map[string]string{}
	for _, tc := range []struct {
		values map[string]string
		want   string
	}{
		{with(none, "http.port", "x"), `http.port (file): "x" is not a whole number`},
		{with(none, "http.port", ""), ""},
		{with(none, "http.port", "65536"), "http.port (file): 65536 is not between 0 and 65535"},
		{with(none, "http.management.port", ""), `http.management.port (file): "" is not a whole number`},
		{with(none, "http.management.port", "-1"), "http.management.port (file): -1 is not between 0 and 65535"},
		{with(none, "bridge.executor.queue.size", "1.5"), `bridge.executor.queue.size (file): "1.5" is not a whole number`},
		{with(none, "bridge.consumer.join.wait.ms", "-1"), "bridge.consumer.join.wait.ms (file): -1 is not between 0 and 2147483647"},
		{with(none, "bridge.metrics", "foo"), "bridge.metrics (file): Metrics type not found: foo"},
		{with(none, "bridge.null.value", "nil"), `bridge.null.value (file): "nil" is not one of upstream, tombstone`},
		{with(none, "http.timeoutSeconds", "0"), "http.timeoutSeconds (file): 0 would close consumers at once: a positive number of seconds, or -1 for never"},
		{with(none, "http.timeoutSeconds", "-7"), ""},
		{with(none, "http.max.body.bytes", "x"), `http.max.body.bytes (file): "x" is not a whole number`},
		{with(none, "http.max.body.bytes", "9", "http.max.inflight.bytes", "8"), "http.max.body.bytes (file): 9 is more than http.max.inflight.bytes=8: such a body would never be taken"},
		{with(none, "http.port", "8081"), "http.management.port: 8081 is http.port too: the listeners need a port each"},
		{with(none, "http.port", "8081", "http.management.host", "127.0.0.1"), ""},
		{with(none, "http.port", "8081", "http.host", "127.0.0.1", "http.management.host", "*"), "http.management.port: 8081 is http.port too: the listeners need a port each"},
		{with(none, "http.socket", "bridge.sock"), `http.socket (file): "bridge.sock" is not an absolute path`},
		{with(none, "http.socket", "/run/steg/bridge.sock"), ""},
		{with(none, "http.port", "x", "bridge.metrics", "y"), "bridge.metrics (file): Metrics type not found: y\nhttp.port (file): \"x\" is not a whole number"},

		{with(none, "http.ssl.enable", "true"), "http.ssl.enable (file): TLS needs http.ssl.certificate.location and http.ssl.key.location, or http.ssl.certificate and http.ssl.key"},
		{with(none, "http.ssl.enable", "true", "http.ssl.key.location", "/k"), "http.ssl.key.location (file): http.ssl.certificate.location and http.ssl.key.location need each other"},
		{with(none, "http.ssl.enable", "true", "http.ssl.key", "SECRET"), "http.ssl.key (file): http.ssl.certificate and http.ssl.key need each other"},
		{with(none, "http.ssl.key", "SECRET"), ""},
		{with(pem), ""},
		{with(pem, "http.ssl.key.location", "/k"), ""},
		{with(pem, "http.ssl.enabled.protocols", "TLSv1.4"), `http.ssl.enabled.protocols (file): protocol "TLSv1.4" is not one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3`},
		{with(pem, "http.ssl.enabled.cipher.suites", "X"), `http.ssl.enabled.cipher.suites (file): cipher suite "X" is not one that Go has`},
	} {
		_, _, err := Parse(file(tc.values))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%v\n got %s\nwant %s", tc.values, got, tc.want)
		}
		if strings.Contains(got, "SECRET") {
			t.Errorf("a secret is in %s", got)
		}
	}
}

func TestFindings(t *testing.T) {
	for _, tc := range []struct {
		key, value, want string
		unknown          bool
	}{
		{"http.prot", "1", "http.prot is not a setting: did you mean http.port?", true},
		{"bridge.idd", "1", "bridge.idd is not a setting: did you mean bridge.id?", true},
		{"wholly.different", "1", "wholly.different is not a setting", true},
		{"kafka.bootstrap.server", "1", "kafka.bootstrap.server is not a setting: did you mean kafka.bootstrap.servers?", true},
		{"kafka.producer.ack", "1", "kafka.producer.ack is not a setting: did you mean kafka.producer.acks?", true},
		{"STEG_HTTP_PROT", "1", "STEG_HTTP_PROT is not a setting: did you mean STEG_HTTP_PORT?", true},
		{"http.enabled", "true", "http.enabled has no effect: the HTTP API is always on", false},
		{"kafka.producer.max.poll.records", "1", "kafka.producer.max.poll.records has no effect: the producer does not know max.poll.records", false},
		{"kafka.max.poll.records", "1", "", false},
		{"kafka.consumer.group.id", "g", "kafka.consumer.group.id has no effect: the group is in the path of a consumer's requests", false},
		{"kafka.consumer.client.id", "g", "kafka.consumer.client.id has no effect: a consumer's client.id is its instance name", false},
		{"kafka.client.id", "g", "", false},
		{"kafka.config.providers.env.class", "x", "", false},
		{"kafka.admin.config.providers.env.param.x", "x", "", false},
		{"bridge.tracing", "jaeger", `tracing is off: "jaeger" is not known, opentelemetry is`, false},
		{"http.consumer.enabled", "yes", `"yes" is read as false: write true or false`, false},
		{"http.consumer.enabled", "FALSE", "", false},
		{"bridge.metrics.exporter.config.path", "/x", "bridge.metrics.exporter.config.path has no effect: the built-in rules hold", false},
	} {
		_, findings, err := Parse(file(map[string]string{tc.key: tc.value}))
		if err != nil {
			t.Fatal(err)
		}
		var got kafka.Finding
		if len(findings) > 0 {
			got = findings[0]
		}
		if got.Text != tc.want || got.Unknown != tc.unknown || len(findings) > 1 || tc.want != "" && got.Key != tc.key {
			t.Errorf("%s=%s: %+v", tc.key, tc.value, findings)
		}
	}
	_, findings, err := Parse(file(map[string]string{
		"http.ssl.enable": "true", "http.ssl.certificate": "c", "http.ssl.key": "k", "http.ssl.certificate.location": "/c", "http.ssl.key.location": "/k",
	}))
	if err != nil || len(findings) != 1 || !strings.Contains(findings[0].Text, "are not used") {
		t.Errorf("%+v %v", findings, err)
	}
}

// TestPrecedence puts a key into each layer in turn: the uppermost one that has it wins, and is named.
func TestPrecedence(t *testing.T) {
	origins := []string{"file", "environment", "STEG_", "--set"}
	var layers []Layer
	for i, origin := range origins {
		v := string(rune('a' + i))
		layers = append(layers, Layer{Origin: origin, Values: map[string]string{"bridge.id": v, "kafka.acks": v}})
		c, _, err := Parse(layers)
		if err != nil {
			t.Fatal(err)
		}
		if c.ID != v || c.Kafka.Common["acks"] != v {
			t.Errorf("with %s on top: %s %s", origin, c.ID, c.Kafka.Common["acks"])
		}
		for _, e := range c.Effective() {
			if (e.Key == "bridge.id" || e.Key == "kafka.acks") && (e.Origin != origin || e.Value != v) {
				t.Errorf("%+v, want origin %s", e, origin)
			}
		}
	}
}

func TestReporterDefaults(t *testing.T) {
	c := parsed(t, map[string]string{"bridge.metrics": "strimziMetricsReporter", "kafka.prometheus.metrics.reporter.listener.enable": "true"})
	if got := c.Kafka.Common["metric.reporters"]; got != "io.strimzi.kafka.metrics.prometheus.ClientMetricsReporter" {
		t.Errorf("reporters %q", got)
	}
	if got := c.Kafka.Common["prometheus.metrics.reporter.listener.enable"]; got != "true" {
		t.Errorf("what was set was overwritten: %q", got)
	}
	if got := c.Kafka.Common["prometheus.metrics.reporter.allowlist"]; got != "kafka_consumer_consumer_metrics.*, kafka_producer_kafka_metrics_count_count, kafka_producer_producer_metrics.*" {
		t.Errorf("allowlist %q", got)
	}
	c.Kafka.Common["bootstrap.servers"] = "a:1"
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		if _, findings := kafka.Interpret(role, c.ClientProperties(role)); len(findings) > 0 {
			t.Errorf("%s: %+v", role, findings)
		}
	}
}

// TestOperatorsFile reads settings like those that Strimzi's operator writes, references resolved: nothing in them is
// worth a remark.
func TestOperatorsFile(t *testing.T) {
	values := map[string]string{
		"bridge.id": "my-bridge", "bridge.metrics": "jmxPrometheusExporter", "http.host": "0.0.0.0", "http.port": "8080",
		"http.management.port": "8081", "http.cors.enabled": "true", "http.cors.allowedOrigins": "https://a.example",
		"http.cors.allowedMethods": "GET,POST", "http.consumer.enabled": "true", "http.timeoutSeconds": "-1", "http.producer.enabled": "true",
		"kafka.bootstrap.servers": "my-cluster-kafka-bootstrap:9093", "kafka.security.protocol": "SASL_SSL",
		"kafka.producer.acks": "1", "kafka.producer.linger.ms": "10", "kafka.consumer.auto.offset.reset": "earliest",
		"kafka.consumer.client.rack": "zone-a",
	}
	for _, role := range []string{"admin", "producer", "consumer"} {
		for name, v := range map[string]string{
			"config.providers":                                "strimzienv,strimzifile,strimzidir,strimzisecrets",
			"config.providers.strimzienv.class":               "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
			"config.providers.strimzidir.class":               "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
			"config.providers.strimzidir.param.allowed.paths": "/opt/strimzi",
			"config.providers.strimzisecrets.class":           "io.strimzi.kafka.KubernetesSecretConfigProvider",
			"ssl.truststore.type":                             "PEM",
			"ssl.truststore.certificates":                     "-----BEGIN CERTIFICATE-----",
			"sasl.mechanism":                                  "SCRAM-SHA-512",
			"sasl.jaas.config":                                `org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";`,
		} {
			values["kafka."+role+"."+name] = v
		}
	}
	c, findings, err := Parse(file(values))
	if err != nil || len(findings) > 0 {
		t.Fatal(findings, err)
	}
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		if _, findings := kafka.Interpret(role, c.ClientProperties(role)); len(findings) > 0 {
			t.Errorf("%s: %+v", role, findings)
		}
	}
}

func TestClientProperties(t *testing.T) {
	c := parsed(t, map[string]string{"kafka.acks": "0", "kafka.client.id": "c", "kafka.producer.acks": "1"})
	for role, want := range map[kafka.Role]string{kafka.Producer: "1", kafka.Consumer: "0", kafka.Admin: "0"} {
		props := c.ClientProperties(role)
		if props["acks"] != want || props["client.id"] != "c" {
			t.Errorf("%s: %v", role, props)
		}
		props["acks"] = "changed"
	}
	if c.Kafka.Producer["acks"] != "1" || c.Kafka.Common["acks"] != "0" {
		t.Error("the map was not the caller's own")
	}
}

func TestLimits(t *testing.T) {
	const mib = 1 << 20
	for _, tc := range []struct {
		memory, body, inflight int64
		want                   Limits
	}{
		{0, 0, 0, Limits{32 * mib, 128 * mib, 128 * mib, 16384, 10000}},
		{-1, 0, 0, Limits{32 * mib, 128 * mib, 128 * mib, 16384, 10000}},
		{64 * mib, 0, 0, Limits{8 * mib, 16 * mib, 16 * mib, 341, 64}},
		{1 << 40, 0, 0, Limits{1 << 37, 1 << 38, 1 << 38, 16384, 10000}},
		{1, 0, 0, Limits{1, 1, 1, 16, 16}},
		{64 * mib, 1000, 0, Limits{1000, 16 * mib, 16 * mib, 341, 64}},
		{64 * mib, 40 * mib, 0, Limits{40 * mib, 40 * mib, 16 * mib, 341, 64}},
		{64 * mib, 0, 1000, Limits{1000, 1000, 16 * mib, 341, 64}},
		{0, 1000, 5000, Limits{1000, 5000, 128 * mib, 16384, 10000}},
	} {
		c := Config{HTTP: HTTP{MaxBodyBytes: tc.body, MaxInflightBytes: tc.inflight}}
		if got := c.Limits(tc.memory); got != tc.want {
			t.Errorf("%+v: %+v", tc, got)
		}
	}
}

func TestLimitsThatAreSet(t *testing.T) {
	c := Config{HTTP: HTTP{MaxConnections: 3}, Consumers: Consumers{Max: 5}}
	for _, memory := range []int64{0, 64 << 20} {
		if got := c.Limits(memory); got.Connections != 3 || got.Consumers != 5 {
			t.Errorf("%+v", got)
		}
	}
}

func TestPoolSize(t *testing.T) {
	for _, tc := range []struct{ set, cpus, want int }{{0, 1, 4}, {0, 8, 16}, {3, 8, 3}} {
		if got := (Config{ExecutorPool: tc.set}).PoolSize(tc.cpus); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
}
