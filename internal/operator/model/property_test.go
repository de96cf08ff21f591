package model_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/configsource"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/properties"
)

// TestWhatIsRenderedIsUnderstood: the bridge takes any settings that come out, in both forms, and has nothing to say about
// them; and the text is read as what was meant.
func TestWhatIsRenderedIsUnderstood(t *testing.T) {
	accepted := 0
	check := func(t rapid.TB, bridge *v1.KafkaBridge) {
		b, _, err := model.ForBridge(resources(bridge))
		if err != nil {
			return
		}
		accepted++
		understood(t, b.Properties())
		understood(t, b.SidecarProperties(model.Sidecar{Port: 18080, ManagementPort: 8081, LogLevel: "warn", WaitForKafka: 1e9, StopNotice: 5e9, Socket: true}))
	}
	for _, dir := range []string{examples, "testdata/variants"} {
		for _, bridge := range files(t, dir) {
			check(t, bridge)
		}
	}
	accepted = 0
	rapid.Check(t, func(t *rapid.T) { check(t, bridges().Draw(t, "bridge")) })
	t.Logf("%d resources were accepted", accepted)
	if accepted < 10 {
		t.Error("the property was hardly tried")
	}
}

var references = regexp.MustCompile(`\$\{[^}]*:[^}]*\}`)

// bring replaces references by what they may bring: any text, or a value of another type that the setting takes.
func bring(properties map[string]string, key string) {
	known := kafka.Settings(key)
	switch {
	case len(known) == 0 || slices.Contains([]string{"string", "password", "class"}, known[0].Type):
		properties[key] = references.ReplaceAllString(properties[key], "x")
	case known[0].Default == "":
		delete(properties, key)
	default:
		properties[key] = known[0].Default
	}
}

func understood(t rapid.TB, settings map[string]string) {
	t.Helper()
	layer, err := configsource.Text("STEG_PROPERTIES", properties.Text(settings))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(settings, layer.Values); diff != "" {
		t.Fatalf("read otherwise than written:\n%s", diff)
	}
	config, findings, err := bridgeconfig.Parse([]bridgeconfig.Layer{layer})
	if err != nil || len(findings) > 0 {
		t.Fatalf("%v %+v", err, findings)
	}
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		properties := config.ClientProperties(role)
		for key, value := range properties {
			if references.MatchString(value) {
				bring(properties, key)
			}
		}
		if _, findings := kafka.Interpret(role, properties); len(findings) > 0 {
			t.Fatalf("%s: %+v", role, findings)
		}
	}
}

// TestSameAgain: the same resources give the same value, the resources stay as they are, and the value is nobody's to change.
func TestSameAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bridge := bridges().Draw(t, "bridge")
		before := bridge.DeepCopy()
		one, warnings, err := model.ForBridge(resources(bridge))
		other, again, failed := model.ForBridge(resources(before))
		if diff := cmp.Diff(before, bridge); diff != "" {
			t.Fatalf("the resource was changed:\n%s", diff)
		}
		if diff := cmp.Diff(warnings, again); diff != "" || (err == nil) != (failed == nil) || err != nil && err.Error() != failed.Error() {
			t.Fatalf("%v / %v\n%s", err, failed, diff)
		}
		for _, w := range warnings {
			if w.Reason == "" || strings.ContainsAny(w.Message, "\n\r") {
				t.Fatalf("%+v", w)
			}
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("more than one line: %v", err)
			}
			return
		}
		one.Properties()["bridge.id"] = "changed"
		if diff := cmp.Diff(one.Properties(), other.Properties()); diff != "" || one.ConfigHash() != other.ConfigHash() {
			t.Fatal(diff)
		}
	})
}

// bridges are resources with settings that exist, with values of their types and with others.
func bridges() *rapid.Generator[*v1.KafkaBridge] {
	return rapid.Custom(func(t *rapid.T) *v1.KafkaBridge {
		b := &v1.KafkaBridge{}
		b.Name, b.Namespace = "b", "kafka"
		b.Spec.BootstrapServers = rapid.SampledFrom([]string{"k:9092", "k:9092", "k-0:9092, k-1:9092", "k-0:9092, k-1:9092", "[::1]:1", "[::1]:1", "nowhere"}).Draw(t, "bootstrap")
		b.Spec.Producer = &v1.BridgeProducer{Config: config(kafka.Producer).Draw(t, "producer"), Enabled: maybe(rapid.Bool()).Draw(t, "enabled")}
		b.Spec.Consumer = &v1.BridgeConsumer{Config: config(kafka.Consumer).Draw(t, "consumer"), TimeoutSeconds: maybe(rapid.SampledFrom([]int64{-2, -1, 1, 60, 90, 0})).Draw(t, "timeout")}
		b.Spec.AdminClient = &v1.BridgeAdminClient{Config: config(kafka.Admin).Draw(t, "admin")}
		b.Spec.Config = ownConfig().Draw(t, "own")
		b.Spec.HTTP = maybe(rapid.Custom(http)).Draw(t, "http")
		if rapid.Bool().Draw(t, "tls") {
			b.Spec.TLS = &v1.ClientTLS{TrustedCertificates: rapid.SliceOfN(rapid.Custom(certificate), 0, 3).Draw(t, "trusted")}
		}
		b.Spec.Authentication = maybe(rapid.Custom(authentication)).Draw(t, "authentication")
		b.Spec.Logging = maybe(rapid.Custom(loggers)).Draw(t, "logging")
		return b
	})
}

func maybe[T any](g *rapid.Generator[T]) *rapid.Generator[*T] {
	return rapid.Custom(func(t *rapid.T) *T {
		if !rapid.Bool().Draw(t, "given") {
			return nil
		}
		v := g.Draw(t, "value")
		return &v
	})
}

func raw(value any) apiextensionsv1.JSON {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return apiextensionsv1.JSON{Raw: text}
}

// config draws settings of one client, mostly with values that it takes.
func config(role kafka.Role) *rapid.Generator[v1.Config] {
	known := slices.DeleteFunc(kafka.Names(), func(name string) bool {
		return !slices.ContainsFunc(kafka.Settings(name), func(s kafka.Setting) bool { return s.In(role) })
	})
	return rapid.Custom(func(t *rapid.T) v1.Config {
		c := v1.Config{}
		for range rapid.IntRange(0, 3).Draw(t, "settings") {
			name := rapid.SampledFrom(known).Draw(t, "name")
			s := kafka.Settings(name)[0]
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				c[name] = raw(rapid.SampledFrom([]any{0, 1, 250, 70000, true, "none", "${strimzienv:A}", []string{"a", "b"}}).Draw(t, "value"))
			case 1:
				c[name+rapid.SampledFrom([]string{"s", ".x", " "}).Draw(t, "typo")] = raw("x")
			default:
				c[name] = raw(s.Default)
			}
		}
		return c
	})
}

// ownConfig draws settings of the bridge itself.
func ownConfig() *rapid.Generator[v1.Config] {
	return rapid.Custom(func(t *rapid.T) v1.Config {
		c := v1.Config{}
		for range rapid.IntRange(0, 3).Draw(t, "settings") {
			s := rapid.SampledFrom(bridgeconfig.Settings()).Draw(t, "setting")
			value := any(s.Default)
			if rapid.Bool().Draw(t, "other") {
				value = rapid.SampledFrom([]any{1, 1 << 20, true, "tombstone", "json", "debug", "x"}).Draw(t, "value")
			}
			c[s.Key] = raw(value)
		}
		return c
	})
}

func certificate(t *rapid.T) v1.CertSecretSource {
	c := v1.CertSecretSource{SecretName: rapid.SampledFrom([]string{"ca", "other-ca"}).Draw(t, "secret")}
	if rapid.Bool().Draw(t, "glob") {
		c.Pattern = rapid.SampledFrom([]string{"*.crt", "ca?.pem", "*", "[a-z]*", "["}).Draw(t, "pattern")
	} else {
		c.Certificate = rapid.SampledFrom([]string{"ca.crt", "ca2.crt"}).Draw(t, "key")
	}
	return c
}

func http(t *rapid.T) v1.BridgeHTTP {
	h := v1.BridgeHTTP{Port: maybe(rapid.SampledFrom([]int32{8080, 9000, 8443, 1023, 30000, 8081})).Draw(t, "port")}
	if rapid.Bool().Draw(t, "https") {
		h.TLS = &v1.BridgeHTTPTLS{CertificateAndKey: v1.CertAndKeySecretSource{SecretName: "s", Certificate: "c", Key: "k"}}
	}
	if rapid.Bool().Draw(t, "cors") {
		h.CORS = &v1.BridgeCORS{AllowedOrigins: []string{"https://a", "*"}, AllowedMethods: []string{"GET"}}
	}
	return h
}

func authentication(t *rapid.T) v1.ClientAuthentication {
	a := v1.ClientAuthentication{Type: rapid.SampledFrom([]string{"tls", "scram-sha-256", "scram-sha-512", "plain", "oauth", "custom"}).Draw(t, "type")}
	a.Username = rapid.OneOf(rapid.Just("user"), rapid.String()).Draw(t, "user")
	a.PasswordSecret = &v1.PasswordSecretSource{SecretName: "s", Password: "password"}
	a.CertificateAndKey = &v1.CertAndKeySecretSource{SecretName: "s", Certificate: "user.crt", Key: "user.key"}
	a.ClientID, a.TokenEndpointURI = rapid.StringN(1, 10, -1).Draw(t, "client"), "https://login.example.com/token"
	a.SASLExtensions = map[string]string{"id": rapid.String().Draw(t, "extension")}
	a.SASL = maybe(rapid.Bool()).Draw(t, "sasl")
	a.Config = v1.Config{
		"sasl.mechanism": raw("PLAIN"), "ssl.keystore.type": raw("PEM"),
		"sasl.jaas.config": raw(`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${strimzienv:PASSWORD}";`),
	}
	return a
}

func loggers(t *rapid.T) v1.Logging {
	keys := []string{"rootLogger.level", "logger.bridge.level", "logger.ready.level", "log4j.rootLogger", "log4j.logger.http.openapi.operation.send", "status"}
	l := v1.Logging{Type: v1.LoggingInline, Loggers: v1.Config{}}
	for _, key := range rapid.SliceOfN(rapid.SampledFrom(keys), 0, 4).Draw(t, "loggers") {
		l.Loggers[key] = raw(rapid.SampledFrom([]string{"INFO", "OFF", "trace", "WARN, CONSOLE", "debug", "Error", "${LEVEL}"}).Draw(t, "level"))
	}
	return l
}

// FuzzPropertiesText: what is written is what is read, also behind Kubernetes' expansion of variables, which must find
// nothing to expand.
func FuzzPropertiesText(f *testing.F) {
	for _, s := range [][2]string{
		{"a", "b"},
		{"a b:c=d#e!", " leading and trailing "},
		{"k", "line\nend\r\t\f\\"},
		{"k", "$(HOME) $$(X) $$$ ${dir:/a:b} $"},
		{"ü", "日本 \U0001F600"},
		{"#k", "\x00\x7f"},
		{"k", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?")
		settings := map[string]string{key: value, "other.key": "1"}
		text := properties.Text(settings)
		if expanded := expand(text); expanded != text {
			t.Errorf("Kubernetes would make %q of %q", expanded, text)
		}
		layer, err := configsource.Text("test", text)
		if err != nil {
			t.Fatal(err)
		}
		if key == "" && value == "" {
			return // an entry of nothing is none
		}
		if diff := cmp.Diff(settings, layer.Values); diff != "" {
			t.Errorf("%q is read otherwise than written:\n%s", text, diff)
		}
		for _, c := range []byte(text) {
			if c > '~' || c < ' ' && c != '\n' {
				t.Errorf("%q is not plain ASCII", text)
			}
		}
	})
}

// expand is what Kubernetes does to the value of an environment variable, as the API reference says: $(NAME) is replaced,
// $$ is a single $. Every name is known here.
func expand(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "$$"):
			out.WriteByte('$')
			i++
		case strings.HasPrefix(text[i:], "$(") && strings.Contains(text[i:], ")"):
			out.WriteString("EXPANDED")
			i += strings.IndexByte(text[i:], ')')
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// TestConfigHash: what changes for a sidecar changes the hash, and nothing else does.
func TestConfigHash(t *testing.T) {
	const base = "metadata: {name: b}\nspec:\n  bootstrapServers: k:9092\n"
	of := func(text string, change func(*model.BridgeResources)) model.Bridge {
		r := resources(read(t, []byte(text)))
		if change != nil {
			change(&r)
		}
		b, _, err := model.ForBridge(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	hash := of(base, nil).ConfigHash()
	if len(hash) != 16 {
		t.Error(hash)
	}
	for name, text := range map[string]string{
		"setting": "  producer: {config: {acks: 1}}", "image": "  image: other", "resources": "  resources: {limits: {memory: 1Gi}}",
		"variable": "  template: {bridgeContainer: {env: [{name: A, value: B}]}}", "probe": "  readinessProbe: {periodSeconds: 3}",
		"trust": "  tls: {trustedCertificates: [{secretName: a, certificate: b}]}", "log": "  logging: {type: inline, loggers: {rootLogger.level: WARN}}",
		"mount": "  template: {pod: {volumes: [{name: a, emptyDir: {}}]}, bridgeContainer: {volumeMounts: [{name: a, mountPath: /mnt/a}]}}",
	} {
		if of(base+text, nil).ConfigHash() == hash {
			t.Errorf("%s: the hash is the same", name)
		}
	}
	for name, text := range map[string]string{
		"replicas": "  replicas: 3", "HTTPS": "  http: {port: 9000, tls: {certificateAndKey: {secretName: s, certificate: c, key: k}}}",
		"Service": "  template: {apiService: {metadata: {labels: {a: b}}}}", "no effect": "  jvmOptions: {-Xmx: 1g}", "same": "  producer: {config: {acsk: 1}}",
	} {
		if of(base+text, nil).ConfigHash() != hash {
			t.Errorf("%s: the hash is another", name)
		}
	}
	other := func(r *model.BridgeResources) {
		r.DefaultImage, r.SecretHashes = "newer", maps.Clone(r.SecretHashes)
		r.SecretHashes["my-bridge/password"] = "changed"
	}
	const password = base + "  authentication: {type: plain, username: u, passwordSecret: {secretName: my-bridge, password: password}}"
	before, after := of(password, nil), of(password, other)
	if before.ConfigHash() != after.ConfigHash() || before.AuthHash == after.AuthHash || before.AuthHash == "" {
		t.Errorf("a changed password: %s %s, %s %s", before.ConfigHash(), after.ConfigHash(), before.AuthHash, after.AuthHash)
	}
}

// TestHashSecret: it changes with the value and with the owner, and does not hold the value.
func TestHashSecret(t *testing.T) {
	one := model.HashSecret("uid", []byte("password"))
	if one == model.HashSecret("uid", []byte("passwore")) || one == model.HashSecret("other", []byte("password")) || len(one) != 32 {
		t.Error(one)
	}
	if one != model.HashSecret("uid", []byte("password")) {
		t.Error("not the same again")
	}
}

// TestNoSecretInTexts: a secret that stands in the resource is in no warning and in no error.
func TestNoSecretInTexts(t *testing.T) {
	const secret = "s3cr3t-v4lue"
	for _, config := range []string{
		`sasl.mechanism: PLAIN, sasl.jaas.config: 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="` + secret + `";'`,
		`sasl.mechanism: PLAIN, sasl.jaas.config: 'org.apache.kafka.common.security.plain.PlainLoginModule required ` + secret + `'`,
		`sasl.mechanism: PLAIN, sasl.jaas.config: '` + secret + `'`,
		`sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.client.credentials.client.secret: ` + secret,
		`ssl.keystore.password: ` + secret,
	} {
		_, warnings, err := model.ForBridge(resources(read(t, []byte("metadata: {name: b}\nspec:\n  bootstrapServers: k:9092\n  tls: {}\n"+
			"  authentication: {type: custom, sasl: true, config: {"+config+"}}"))))
		text := ""
		if err != nil {
			text = err.Error()
		}
		for _, w := range warnings {
			text += w.Message
		}
		if strings.Contains(text, secret) || text == "" {
			t.Errorf("%s: %s", config, text)
		}
	}
}
