package model_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/configsource"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/properties"
)

// bridgeOf is a KafkaBridge with a part of its specification.
func bridgeOf(t testing.TB, spec string) *v1.KafkaBridge {
	t.Helper()
	return read(t, []byte("metadata: {name: my-bridge}\nspec:\n  bootstrapServers: k:9092\n"+spec))
}

// accepted is what becomes of it; it must be right.
func accepted(t testing.TB, spec string) (model.Bridge, []model.Warning) {
	t.Helper()
	b, warnings, err := model.ForBridge(resources(bridgeOf(t, spec)))
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return b, warnings
}

// FuzzUserName: whatever a user is called, the bridge logs in under that very name: through the login module's quoting, the
// properties text, and back.
func FuzzUserName(f *testing.F) {
	for _, name := range []string{"user", `CN=a, "b" \c`, "line\nend", "ü\t$(X) $$ ${stegdir:x}", "'; required x=\"", "${a:b:c}"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || strings.ToValidUTF8(name, "") != name || strings.Contains(name, "${") {
			t.Skip("no name, or one with a reference, which the bridge would follow")
		}
		kb := bridgeOf(t, "")
		kb.Spec.Authentication = &v1.ClientAuthentication{
			Type: "plain", Username: name, PasswordSecret: &v1.PasswordSecretSource{SecretName: "s", Password: "p"},
		}
		b, _, err := model.ForBridge(resources(kb))
		if err != nil {
			t.Fatal(err)
		}
		layer, err := configsource.Text("test", properties.Text(b.Properties()))
		if err != nil {
			t.Fatal(err)
		}
		config, _, err := bridgeconfig.Parse([]bridgeconfig.Layer{layer})
		if err != nil {
			t.Fatal(err)
		}
		client, _ := kafka.Interpret(kafka.Producer, config.ClientProperties(kafka.Producer))
		if got := client.Security.SASL.JAAS.Options["username"]; got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	})
}

// TestProtocol: the four ways of a connection.
func TestProtocol(t *testing.T) {
	const password = "  authentication: {type: scram-sha-512, username: u, passwordSecret: {secretName: s, password: p}}\n"
	const sasl = "  authentication: {type: custom, sasl: true, config: {sasl.mechanism: PLAIN, sasl.jaas.config: '" +
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${strimzienv:P}";` + "'}}\n"
	for spec, want := range map[string]string{
		"":                       "PLAINTEXT",
		"  tls: {}\n":            "SSL",
		password:                 "SASL_PLAINTEXT",
		password + "  tls: {}\n": "SASL_SSL",
		sasl:                     "SASL_PLAINTEXT",
		sasl + "  tls: {}\n":     "SASL_SSL",
		"  tls: {}\n  authentication: {type: custom, config: {ssl.keystore.type: PEM}}\n":             "SSL",
		"  tls: {}\n  authentication: {type: custom, sasl: false}\n":                                  "SSL",
		"  authentication: {type: tls, certificateAndKey: {secretName: s, certificate: c, key: k}}\n": "PLAINTEXT",
	} {
		b, _ := accepted(t, spec)
		if got := b.Properties()["kafka.security.protocol"]; got != want {
			t.Errorf("%s: got %s, want %s", spec, got, want)
		}
	}
}

// TestForbidden: the reference operator's lists, the exceptions too, and the case of a key does not count.
func TestForbidden(t *testing.T) {
	exceptions := "ssl.endpoint.identification.algorithm: '', ssl.enabled.protocols: TLSv1.3"
	for role, field := range map[string]string{"admin": "adminClient", "producer": "producer", "consumer": "consumer"} {
		b, warnings := accepted(t, "  "+field+": {config: {ssl.truststore.location: /x, Ssl.Key.Password: y, sasl.jaas.config: z, SECURITY.protocol: SSL, "+
			"bootstrap.servers: 'a:1', request.timeout.ms: 20000, "+exceptions+"}}")
		if len(warnings) != 5 {
			t.Errorf("%s: %d warnings: %v", role, len(warnings), warnings)
		}
		for _, w := range warnings {
			if w.Reason != model.ReasonForbiddenFields {
				t.Errorf("%s: %+v", role, w)
			}
		}
		got := b.Properties()
		maps.DeleteFunc(got, func(key, _ string) bool { return !strings.HasPrefix(key, "kafka."+role+".") })
		want := map[string]string{
			"kafka." + role + ".request.timeout.ms": "20000", "kafka." + role + ".ssl.endpoint.identification.algorithm": "",
			"kafka." + role + ".ssl.enabled.protocols": "TLSv1.3",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", role, diff)
		}
	}
}

// TestValues: how YAML's values become texts.
func TestValues(t *testing.T) {
	for value, want := range map[string]string{
		"text": "text", "'0'": "0", "7": "7", "true": "true", "[a, 1, false]": "a,1,false", "[]": "", "'  blank'": "  blank",
	} {
		b, _ := accepted(t, "  consumer: {config: {client.rack: "+value+"}}")
		if got := b.Properties()["kafka.consumer.client.rack"]; got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

// TestLoggers: levels of log4j's loggers, in both of its generations.
func TestLoggers(t *testing.T) {
	for _, c := range []struct{ loggers, level, operations, warned string }{
		{"rootLogger.level: WARN", "warn", "", ""},
		{"rootLogger.level: OFF", "error", "", ""},
		{"rootLogger.level: WARN, logger.bridge.level: TRACE", "debug", "", ""},
		{"logger.bridge.name: io.strimzi.kafka.bridge, logger.bridge.level: ERROR", "error", "", ""},
		{"log4j.rootLogger: 'INFO, CONSOLE'", "info", "", ""},
		{"log4j.logger.io.strimzi.kafka.bridge: DEBUG", "debug", "", ""},
		{"log4j.logger.http.openapi.operation.send: DEBUG", "", "send=debug", ""},
		{"logger.s.name: http.openapi.operation.send, logger.s.level: DEBUG", "", "send=debug", ""},
		{"logger.healthy.level: INFO, logger.ready.level: INFO", "", "healthy=info,ready=info", ""},
		{"logger.other.level: INFO", "", "", "spec.logging.loggers: logger.other.level has no effect: the bridge has no logger other"},
		{"logger.all.name: http.openapi.operation., logger.all.level: INFO", "", "", "spec.logging.loggers: logger.all.level has no effect: the bridge has no logger http.openapi.operation."},
		{"monitorInterval: 30", "", "", "spec.logging.loggers: monitorInterval has no effect: the bridge has levels of loggers only"},
	} {
		b, warnings := accepted(t, "  logging: {type: inline, loggers: {"+c.loggers+"}}")
		p := b.Properties()
		warned := ""
		for _, w := range warnings {
			warned += w.Message
		}
		if p["log.level"] != c.level || p["log.level.operations"] != c.operations || warned != c.warned {
			t.Errorf("%s: level %q, operations %q, warned %q", c.loggers, p["log.level"], p["log.level.operations"], warned)
		}
	}
	b, warnings := accepted(t, "  logging: {type: external, valueFrom: {configMapKeyRef: {name: absent, key: k, optional: true}}}")
	if level, ok := b.Properties()["log.level"]; ok || len(warnings) > 0 {
		t.Errorf("an optional ConfigMap that is not there: %s %v", level, warnings)
	}
}

// TestSecretsAreThoseThatAreMounted: what must exist is exactly what the volumes take, so that no pod waits for a Secret
// that admission did not ask for.
func TestSecretsAreThoseThatAreMounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kb := bridges().Draw(t, "bridge")
		b, _, err := model.ForBridge(resources(kb))
		if err != nil {
			t.Skip("invalid")
		}
		mounted := map[string][]string{}
		volumes := slices.Clone(b.Volumes)
		if b.HTTP.TLS {
			volumes = append(volumes, b.HTTP.Volume)
		}
		for _, v := range volumes {
			for _, s := range v.Sources {
				mounted[s.Secret] = append(mounted[s.Secret], "")
				for _, item := range s.Items {
					mounted[s.Secret] = append(mounted[s.Secret], item.Key)
				}
			}
		}
		needed := map[string][]string{}
		for _, s := range model.BridgeSecrets(kb) {
			needed[s.Secret] = append([]string{""}, s.Keys...)
			if len(s.Fields) == 0 || len(s.Keys)+len(s.Patterns) == 0 {
				t.Fatalf("%+v", s)
			}
			for _, key := range s.Rolls {
				if !slices.Contains(s.Keys, key) {
					t.Fatalf("%s rolls and is not needed", key)
				}
			}
		}
		for secret := range mounted {
			slices.Sort(mounted[secret])
			mounted[secret] = slices.Compact(mounted[secret])
		}
		if diff := cmp.Diff(mounted, needed); diff != "" {
			t.Fatalf("(-mounted +needed)\n%s", diff)
		}
	})
}

// TestCentral: a Secret that only the API's certificate is from is not a sidecar's; one that is both is.
func TestCentral(t *testing.T) {
	const https = "  http: {tls: {certificateAndKey: {secretName: s, certificate: c, key: k}}}\n"
	for spec, want := range map[string]string{
		https: "[s true]",
		https + "  tls: {trustedCertificates: [{secretName: s, certificate: ca}]}\n":                "[s false]",
		https + "  tls: {trustedCertificates: [{secretName: other, certificate: ca}]}\n":            "[other false s true]",
		"  authentication: {type: tls, certificateAndKey: {secretName: s, certificate: c, key: k}}": "[]",
	} {
		var got []any
		for _, s := range model.BridgeSecrets(bridgeOf(t, spec)) {
			got = append(got, s.Secret, s.Central)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", spec, got, want)
		}
	}
	if of := model.BridgeSecrets(&v1.KafkaBridge{}); of != nil {
		t.Error(of)
	}
}

// TestResources: what nobody wrote is a sidecar's; what somebody wrote stands as it is.
func TestResources(t *testing.T) {
	b, _ := accepted(t, "")
	if b.Resources.Requests.Cpu().String() != "25m" || b.Resources.Requests.Memory().String() != "32Mi" || b.Resources.Limits.Memory().String() != "128Mi" ||
		!b.Resources.Limits.Cpu().IsZero() {
		t.Errorf("%+v", b.Resources)
	}
	b, _ = accepted(t, "  resources: {limits: {memory: 1Gi}}")
	if len(b.Resources.Requests) != 0 || b.Resources.Limits.Memory().String() != "1Gi" {
		t.Errorf("%+v", b.Resources)
	}
}

// TestPulling: where the operator's own settings hold, and where the user's.
func TestPulling(t *testing.T) {
	r := resources(bridgeOf(t, ""))
	r.ImagePullPolicy, r.ImagePullSecrets = corev1.PullIfNotPresent, []corev1.LocalObjectReference{{Name: "operators"}}
	b, _, err := model.ForBridge(r)
	if err != nil || b.ImagePullPolicy != corev1.PullIfNotPresent || b.ImagePullSecrets[0].Name != "operators" {
		t.Errorf("%v %+v", err, b.ImagePullSecrets)
	}
	r.Bridge = bridgeOf(t, "  template: {pod: {imagePullSecrets: [{name: own}]}}")
	if b, _, err = model.ForBridge(r); err != nil || len(b.ImagePullSecrets) != 1 || b.ImagePullSecrets[0].Name != "own" {
		t.Errorf("%v %+v", err, b.ImagePullSecrets)
	}
}

// TestLabels: those of the KafkaBridge go on to its objects, but for those that mean something to somebody else.
func TestLabels(t *testing.T) {
	kb := bridgeOf(t, "")
	kb.Labels = map[string]string{
		"team": "a", "strimzi.io/cluster": "x", "app.kubernetes.io/part-of": "y", "kustomize.toolkit.fluxcd.io/name": "z",
		"helm.toolkit.fluxcd.io/name": "z", "steg.dev/bridge": "self",
	}
	b, _, err := model.ForBridge(resources(kb))
	if diff := cmp.Diff(map[string]string{"team": "a"}, b.Labels); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	kb.Labels = map[string]string{"strimzi.io/kind": "Kafka"}
	const want = "metadata.labels: strimzi.io/kind is a label of the operator's: remove it"
	if _, _, err := model.ForBridge(resources(kb)); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// TestSidecarDefaults: ruling values hold unless the user says otherwise, and what belongs to one pod wins.
func TestSidecarDefaults(t *testing.T) {
	b, _ := accepted(t, "")
	p := b.SidecarProperties(model.Sidecar{Port: 1, ManagementPort: 2})
	if p["http.timeoutSeconds"] != "60" || p["bridge.consumer.replace"] != "true" || p["http.host"] != "127.0.0.1" || p["http.management.host"] != "*" {
		t.Errorf("%v", p)
	}
	for _, key := range []string{"log.level", "http.socket", "bridge.start.wait.kafka.ms"} {
		if v, ok := p[key]; ok {
			t.Errorf("%s=%s without being asked for", key, v)
		}
	}
	b, _ = accepted(t, "  consumer: {timeoutSeconds: -1}\n  config: {bridge.consumer.replace: false, log.level: error}\n  http: {port: 9000}")
	p = b.SidecarProperties(model.Sidecar{Port: 1, ManagementPort: 2, LogLevel: "debug"})
	if p["http.timeoutSeconds"] != "-1" || p["bridge.consumer.replace"] != "false" || p["log.level"] != "debug" || p["http.port"] != "1" {
		t.Errorf("%v", p)
	}
	if central := b.Properties(); central["log.level"] != "error" || central["http.port"] != "9000" {
		t.Errorf("%v", central)
	}
}
