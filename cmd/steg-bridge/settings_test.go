package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafka"
)

// shownAs returns the value and the origin that --print-config shows for a key.
func shownAs(t *testing.T, r result, key string) (value, origin string) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + ` += (.*?) *# (.*)$`).FindStringSubmatch(r.stdout)
	if r.code != 0 || m == nil {
		t.Fatalf("exit %d, no %s:\n%s%s", r.code, key, r.stdout, r.stderr)
	}
	return m[1], m[2]
}

// The file is the lowest, then the environment by its literal names, then STEG_ names, then --set.
func TestPrecedence(t *testing.T) {
	path := file(t, "f.properties", "http.port=1001\nkafka.producer.acks=1\n")
	layers := []struct {
		origin  string
		environ []string
		args    []string
	}{
		{"default", nil, nil},
		{path, nil, []string{"--config-file", path}},
		{"environment", []string{"http.port=1002"}, nil},
		{"environment, STEG_ name", []string{"STEG_HTTP_PORT=1003"}, nil},
		{"--set", nil, sets("http.port=1004")},
	}
	var environ, args []string
	for i, l := range layers {
		environ, args = append(environ, l.environ...), append(args, l.args...)
		want := fmt.Sprint(1000 + i)
		if i == 0 {
			want = "8080"
		}
		value, origin := shownAs(t, ran(t, environ, append(args, "--print-config")...), "http.port")
		if value != want || !strings.Contains(origin, filepath.Base(l.origin)) {
			t.Errorf("with %s: %s from %s", l.origin, value, origin)
		}
	}
	got := ran(t, []string{"kafka.producer.acks=0", "STEG_KAFKA_PRODUCER_LINGER_MS=7"}, append(args, "--print-config")...)
	for key, want := range map[string]string{"kafka.producer.acks": "0", "kafka.producer.linger.ms": "7"} {
		if value, _ := shownAs(t, got, key); value != want {
			t.Errorf("%s=%s", key, value)
		}
	}
	if value, _ := shownAs(t, ran(t, nil, append(sets("http.port=1", "http.port=2"), "--print-config")...), "http.port"); value != "2" {
		t.Errorf("the first of two --set counts: %s", value)
	}
}

// Secrets are masked wherever they come from; what is not secret is shown.
func TestPrintConfigMasks(t *testing.T) {
	jaas := `org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="` + printed.secret("pa55word-of-file") + `";`
	path := file(t, "f.properties", "kafka.sasl.jaas.config="+jaas+"\nkafka.producer.ssl.key.password="+printed.secret("pa55word-of-key")+
		"\nhttp.ssl.key="+printed.secret("pem-of-the-http-key")+"\nkafka.ssl.keystore.location=/stores/key.p12\n")
	environ := []string{
		"kafka.ssl.keystore.password=" + printed.secret("pa55word-of-env"),
		"STEG_KAFKA_SSL_TRUSTSTORE_PASSWORD=" + printed.secret("pa55word-of-steg"),
	}
	args := sets("kafka.ssl.keystore.key="+printed.secret("pem-of-the-key"), "kafka.sasl.oauthbearer.client.credentials.client.secret="+printed.secret("s3cret-of-client"))
	got := ran(t, environ, append(args, "--config-file", path, "--print-config")...)
	for _, key := range []string{
		"kafka.sasl.jaas.config", "kafka.producer.ssl.key.password", "http.ssl.key", "kafka.ssl.keystore.password", "kafka.ssl.truststore.password",
		"kafka.ssl.keystore.key", "kafka.sasl.oauthbearer.client.credentials.client.secret",
	} {
		if value, _ := shownAs(t, got, key); value != "[hidden]" {
			t.Errorf("%s is shown as %d characters", key, len(value))
		}
	}
	if value, _ := shownAs(t, got, "kafka.ssl.keystore.location"); value != "/stores/key.p12" {
		t.Errorf("location %q", value)
	}
}

// A misspelt key stops a start where there is somebody to read it, with what may have been meant.
func TestMisspelledSet(t *testing.T) {
	for set, text := range map[string]string{
		"http.prot=1":                      "--set http.prot: http.prot is not a setting: did you mean http.port?",
		"kafka.bootstrap.server=x":         "did you mean kafka.bootstrap.servers?",
		"kafka.producer.linger.m=x":        "did you mean kafka.producer.linger.ms?",
		"kafka.consumer.auto.ofset.reset=": "did you mean kafka.consumer.auto.offset.reset?",
		"brigde.id=x":                      "did you mean bridge.id?",
	} {
		ran(t, nil, sets(set)...).fails(t, 1, text)
	}
	ran(t, nil, "--set", "http.port").fails(t, 1, "it is key=value") // the word may be a password: it is not repeated
	ran(t, nil, "--set", "=1").fails(t, 1, "--set")
}

// In a file and in the environment it is a warning.
func TestMisspelledFileKey(t *testing.T) {
	path := file(t, "f.properties", "http.prot=1\nkafka.producer.ack=1\nhttp.enabled=true\n")
	got := ran(t, []string{"bridge.idd=x", "STEG_HTTP_PROT=1", "PATH=/bin"}, "--config-file", path, "--print-config")
	for _, text := range []string{
		"did you mean http.port?", "did you mean kafka.producer.acks?", "did you mean bridge.id?", "did you mean STEG_HTTP_PORT?", "http.enabled has no effect",
	} {
		if !strings.Contains(got.stdout, text) {
			t.Errorf("%q is missing:\n%s", text, got.stdout)
		}
	}
	if got.code != 0 || strings.Contains(got.stdout, "PATH") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

// Files that cannot be read, and values that cannot be meant.
func TestBadSettings(t *testing.T) {
	broken := file(t, "broken.properties", "a=b\nhttp.host=\\u12\n")
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--config-file", "/none/f.properties"}, "/none/f.properties: "},
		{[]string{"--config-file", t.TempDir()}, "is a directory"},
		{[]string{"--config-file", broken}, broken + ": line 2: "},
		{sets("http.port=many"), `http.port (--set): "many" is not a whole number`},
		{sets("http.port=70000"), "http.port (--set): 70000 is not between 0 and 65535"},
		{sets("http.port=8081"), "http.management.port: 8081 is http.port too"},
		{sets("bridge.metrics=some"), "Metrics type not found: some"},
		{sets("http.ssl.enable=true"), "TLS needs http.ssl.certificate.location"},
		{sets("http.max.body.bytes=10", "http.max.inflight.bytes=5"), "http.max.body.bytes"},
	} {
		ran(t, nil, c.args...).fails(t, 1, c.text)
	}
}

// Variables that only a JVM understands are named, others are not.
func TestVariablesOfAJVM(t *testing.T) {
	got := ran(t, []string{"KAFKA_HEAP_OPTS=-Xmx1g", "JAVA_OPTS=", "HOME=/root"}, "--print-config")
	if !strings.Contains(got.stdout, "KAFKA_HEAP_OPTS has no effect") || strings.Contains(got.stdout, "JAVA_OPTS has") || strings.Contains(got.stdout, "HOME") {
		t.Error(got.stdout)
	}
}

// The examples are right: every key is known, and each client takes its values.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.properties"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, err := readSettings(options{configFile: path}, nil)
			if err != nil || len(s.findings) > 0 {
				t.Fatal(err, s.findings)
			}
			for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
				if _, findings := kafka.Interpret(role, s.ClientProperties(role)); len(findings) > 0 {
					t.Errorf("%s: %v", role, findings)
				}
			}
		})
	}
}
