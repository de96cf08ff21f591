package kafka

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryNameIsDecided holds the table of decisions against the jar's catalog: 141 names, each decided once.
func TestEveryNameIsDecided(t *testing.T) {
	names := Names()
	if len(names) != 141 {
		t.Errorf("%d names in the catalog, want the 141 of kafka-clients 4.3.1", len(names))
	}
	for _, name := range names {
		d, ok := Decide(name)
		if !ok {
			t.Errorf("%s: no decision", name)
			continue
		}
		if d.Effect != Option && d.Why == "" {
			t.Errorf("%s: no reason why it is %s", name, d.Effect)
		}
		if d.Effect == NoEffect && d.take != nil {
			t.Errorf("%s: said to have no effect, but read", name)
		}
	}
	for name := range decisions() {
		if !slices.Contains(names, name) {
			t.Errorf("%s: decided, but no client knows it", name)
		}
	}
	if _, ok := Decide("no.such.name"); ok {
		t.Error("a name that no client knows is decided")
	}
}

// other returns a valid value of a setting that is not its default.
func other(s Setting) string {
	special := map[string]string{
		"acks": "1", "auto.offset.reset": "earliest", "isolation.level": "read_committed", "compression.type": "gzip",
		"compression.gzip.level": "2", "group.protocol": "consumer", "security.protocol": "SASL_SSL", "client.dns.lookup": "resolve_canonical_bootstrap_servers_only",
		"metadata.recovery.strategy": "none", "metrics.recording.level": "DEBUG", "share.acknowledgement.mode": "explicit",
		"share.acquire.mode": "record_limit", "sasl.oauthbearer.assertion.algorithm": "ES256", "sasl.mechanism": "PLAIN",
		"sasl.login.refresh.window.factor": "0.6", "sasl.login.refresh.window.jitter": "0.1", "retries": "3",
		"sasl.jaas.config":                     `org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=p;`,
		"partition.assignment.strategy":        consumerPackage + "StickyAssignor",
		"partitioner.class":                    roundRobinPartitioner,
		"sasl.login.callback.handler.class":    oauthHandlers()[2],
		"sasl.oauthbearer.jwt.retriever.class": oauthPackage + "FileJwtRetriever",
		"bootstrap.servers":                    "other:1234",
		"ssl.enabled.protocols":                "TLSv1.3", "ssl.cipher.suites": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"ssl.endpoint.identification.algorithm": "", "metadata.max.idle.ms": "6000", "ssl.truststore.type": "pkcs12", "ssl.keystore.type": "PEM",
		"heartbeat.interval.ms": "2000", "delivery.timeout.ms": "110000", "default.api.timeout.ms": "50000",
	}
	if v, ok := special[s.Name]; ok {
		return v
	}
	switch s.Type {
	case "boolean":
		if s.Default == "true" {
			return "false"
		}
		return "true"
	case "int", "long", "short", "double":
		if s.Default == "7" {
			return "8"
		}
		return "7"
	default:
		return "something"
	}
}

// TestEveryOptionChangesSomething sets each option of each role that knows it to another value than its default, and
// looks for a difference.
func TestEveryOptionChangesSomething(t *testing.T) {
	// Settings that count only beside others.
	beside := map[string]map[string]string{
		"compression.gzip.level": {"compression.type": "gzip"},
		"compression.lz4.level":  {"compression.type": "lz4"},
		"compression.zstd.level": {"compression.type": "zstd"},
		"sasl.jaas.config":       {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"},
		"group.remote.assignor":  {"group.protocol": "consumer"},
	}
	for _, name := range Names() {
		d, _ := Decide(name)
		if d.Effect == NoEffect || name == "config.providers" {
			continue
		}
		for _, s := range Settings(name) {
			for _, role := range s.Roles {
				if d.take == nil {
					continue
				}
				without := map[string]string{"bootstrap.servers": "a:1"}
				with := map[string]string{"bootstrap.servers": "a:1"}
				for k, v := range beside[name] {
					without[k], with[k] = v, v
				}
				with[name] = other(s)
				plain, _ := Interpret(role, without)
				changed, findings := Interpret(role, with)
				if reflect.DeepEqual(plain, changed) {
					t.Errorf("%s of the %s: %q changed nothing", name, role, with[name])
				}
				if has(findings, Invalid, "Invalid value") {
					t.Errorf("%s of the %s: %+v", name, role, findings)
				}
			}
		}
	}
}

// TestNoEffectAndNotSupported sets every other name: a warning names the key, or a refusal does.
func TestNoEffectAndNotSupported(t *testing.T) {
	for _, name := range Names() {
		d, _ := Decide(name)
		for _, s := range Settings(name) {
			for _, role := range s.Roles {
				v := other(s)
				if d.accepts != nil && d.Effect == NotSupported {
					v = "com.example.Unheard"
				}
				_, findings := Interpret(role, map[string]string{"bootstrap.servers": "a:1", "group.id": "g", name: v})
				i := slices.IndexFunc(findings, func(f Finding) bool { return f.Key == name && strings.Contains(f.Text, d.Why) })
				want := map[Effect]Level{NoEffect: Warning, NotSupported: Refused}
				if level, ok := want[d.Effect]; ok && (i < 0 || findings[i].Level != level) {
					t.Errorf("%s=%s of the %s: %+v, want %s", name, v, role, findings, level)
				}
			}
		}
	}
}

// TestDefaultsNeedNoFinding gives every name its own default: whatever the decision, there is nothing to say.
func TestDefaultsNeedNoFinding(t *testing.T) {
	for _, role := range []Role{Admin, Producer, Consumer} {
		props := map[string]string{"bootstrap.servers": "a:1"}
		for _, name := range Names() {
			s, ok := setting(role, name)
			// Java refuses these two beside group.protocol=classic even at their defaults.
			if !ok || !s.HasDefault || strings.HasPrefix(name, "share.") || name == "bootstrap.servers" {
				continue
			}
			props[name] = s.Default
		}
		if _, findings := Interpret(role, props); len(findings) > 0 {
			t.Errorf("%s: %+v", role, findings)
		}
	}
}

func TestEffectNames(t *testing.T) {
	if got := Option.String() + "|" + NoEffect.String() + "|" + NotSupported.String(); got != "option|no effect|refused" {
		t.Error(got)
	}
	if got := Warning.String() + "|" + Refused.String() + "|" + Invalid.String(); got != "warning|refused|invalid" {
		t.Error(got)
	}
}

func TestCatalogRejectsBadData(t *testing.T) {
	if _, err := parseSettings("# head\na\tb\n"); err == nil {
		t.Error("a line with two columns was taken")
	}
	for _, bad := range []string{"1\tA\n", "x\tA\tb\tc\tfalse\n"} {
		if _, err := parseErrors(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
