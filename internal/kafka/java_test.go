package kafka

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
)

// javaTSV is what the Java clients answered to settings: see internal/gen/kafkakeys/Texts.java.
//
//go:embed testdata/java.tsv
var javaTSV string

// javaCase is one line of it.
type javaCase struct {
	role          Role
	outcome, text string
	props         map[string]string
	line          string
}

func javaCases(t *testing.T) []javaCase {
	t.Helper()
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	var cases []javaCase
	for line := range strings.Lines(javaTSV) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		c := javaCase{role: Role(f[0]), outcome: f[1], text: unescape.Replace(f[2]), line: line}
		c.props = map[string]string{"bootstrap.servers": "127.0.0.1:9"}
		if c.role == Consumer {
			c.props["group.id"] = "g"
		}
		for _, kv := range f[3:] {
			key, v, _ := strings.Cut(kv, "=")
			if absent, ok := strings.CutPrefix(key, "!"); ok {
				delete(c.props, absent)
				continue
			}
			c.props[key] = unescape.Replace(v)
		}
		cases = append(cases, c)
	}
	if len(cases) < 400 {
		t.Fatalf("only %d cases", len(cases))
	}
	return cases
}

// deviation is where the answer here is not Java's, on purpose: for lines with the setting, the level and the beginning of
// the text. Warning with an empty text stands for "accepted, maybe with a warning".
type deviation struct {
	setting string
	level   Level
	text    string
}

func deviations() []deviation {
	var ds []deviation
	for _, key := range []string{ // what would need Java code, or would change what the user gets
		"bootstrap.controllers", "interceptor.classes", "partition.assignment.strategy", "partitioner.class",
		"sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class",
		"sasl.oauthbearer.jwt.retriever.class", "security.providers", "ssl.engine.factory.class", "ssl.provider",
		"transaction.two.phase.commit.enable", "transactional.id",
	} {
		ds = append(ds, deviation{key, Refused, key + " is not supported with this value: "})
	}
	return append(ds, []deviation{
		{"ssl.endpoint.identification.algorithm=foo", Refused, "ssl.endpoint.identification.algorithm is not supported"},
		{"ssl.enabled.protocols=FOO", Refused, `ssl.enabled.protocols: protocol "FOO" is not one of TLSv1, `},
		{"ssl.cipher.suites=FOO", Refused, `ssl.cipher.suites: cipher suite "FOO" is not one that Go has`},
		{"ssl.cipher.suites=TLS_AES_128", Refused, "ssl.cipher.suites: Go offers all cipher suites of TLS 1.3 or none"},
		{"ssl.truststore.type=FOO", Refused, "ssl.truststore.type=FOO is not supported"},
		{"ssl.keystore.type=FOO", Refused, "ssl.keystore.type=FOO is not supported"},
		{"window.factor=NaN", Invalid, "Invalid value NaN for configuration sasl.login.refresh.window.factor: Not a number"},
		{"sasl.mechanism=FOO", Refused, "sasl.mechanism=FOO is not supported"},
		{"security.protocol=SASL_PLAINTEXT$", Refused, "sasl.mechanism=GSSAPI is not supported"},
		{"sasl.mechanism=PLAIN\tsecurity.protocol=SASL_PLAINTEXT$", Refused, "Could not find a 'KafkaClient' entry in the JAAS configuration: "},

		// No part of a login module's text is repeated unless it is a known name.
		{"needed username", Refused, "Invalid login module control flag in JAAS config"},
		{"sasl.jaas.config=# x", Refused, "Login module not specified in JAAS config"},
		{`password="p\nq"`, Refused, "Value not specified for a key in JAAS config"},
		{`required username="u" # x`, Refused, "Value not specified for a key in JAAS config"},
		{`username="u",`, Refused, "Value not specified for a key in JAAS config"},
		{"a=http://x", Refused, "Value not specified for a key in JAAS config"},
		{"no.such.Module", Refused, "No LoginModule found: "},

		// A login without a name could never succeed; Java finds that out at the first connection.
		{"LoginModule required;", Refused, "the login module needs the options username and password"},
		{`required a="`, Refused, "the login module needs the options username and password"},

		// Linger is 0 here, 5 ms in Java.
		{"delivery.timeout.ms=30004", Warning, ""},
		{"delivery.timeout.ms=5\trequest.timeout.ms=5", Warning, ""},

		// Names are resolved and files read when a connection is made.
		{"bootstrap.servers=PLAINTEXT://h:9092", Warning, ""},
		{"bootstrap.servers=no.such.host.invalid:9092", Warning, ""},
		{"ssl.truststore.certificates=x", Warning, ""},
		{"ssl.truststore.location=/nonexistent", Warning, ""},

		// Java implementations that have no counterpart are without effect.
		{"metric.reporters", Warning, ""},
		{"ssl.protocol=FOO", Warning, ""},
		{"ssl.keymanager.algorithm=FOO", Warning, ""},
		{"ssl.trustmanager.algorithm=FOO", Warning, ""},
		{"ssl.secure.random.implementation=FOO", Warning, ""},
		{"sasl.oauthbearer.jwt.validator.class", Warning, ""},
	}...)
}

// TestJavaTexts compares every answer of the Java clients: what they refuse while reading settings has the very same
// text, what they accept is accepted, and what fails only while a client is built is refused with the cause's message.
func TestJavaTexts(t *testing.T) {
	known := deviations()
	met := make([]bool, len(known))
	for _, c := range javaCases(t) {
		_, findings := Interpret(c.role, c.props)
		if agrees(c, findings) {
			continue
		}
		explained := false
		for i, d := range known {
			// A line ends where its settings end, which a pattern can ask for by $.
			if strings.Contains(c.line+"$", d.setting) && has(findings, d.level, d.text) {
				explained, met[i] = true, true
			}
		}
		if !explained {
			t.Errorf("%s\ngot %+v", c.line, findings)
		}
	}
	for i, d := range known {
		if !met[i] {
			t.Errorf("deviation %q is none, or has no case", d.setting)
		}
	}
}

// agrees reports whether the findings are what Java said.
func agrees(c javaCase, findings []Finding) bool {
	switch c.outcome {
	case "ok":
		return worst(findings) == Warning
	case "config":
		return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Invalid && f.Text == c.text })
	default:
		_, message, _ := strings.Cut(c.text, ": ") // class and message
		return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Refused && f.Text == message })
	}
}

func worst(findings []Finding) Level {
	level := Warning
	for _, f := range findings {
		level = max(level, f.Level)
	}
	return level
}

// has reports whether there is a finding of the level whose text begins so. An empty text asks for no finding above it.
func has(findings []Finding, level Level, text string) bool {
	if text == "" {
		return worst(findings) == level
	}
	for _, f := range findings {
		if f.Level == level && strings.HasPrefix(f.Text, text) {
			return true
		}
	}
	return false
}
