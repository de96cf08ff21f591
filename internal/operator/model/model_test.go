package model_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/properties"
)

// read reads a KafkaBridge of either version: their fields are the same.
func read(t testing.TB, text []byte) *v1.KafkaBridge {
	t.Helper()
	bridge := &v1.KafkaBridge{}
	if err := yaml.UnmarshalStrict(text, bridge); err != nil {
		t.Fatal(err)
	}
	if bridge.Namespace == "" {
		bridge.Namespace = "kafka"
	}
	bridge.UID = "5a8c1f0e-0000-4000-8000-000000000001"
	return bridge
}

// files returns the KafkaBridges below a directory by their names.
func files(t testing.TB, dir string) map[string]*v1.KafkaBridge {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no files: %v", dir, err)
	}
	all := map[string]*v1.KafkaBridge{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".yaml")] = read(t, text)
	}
	return all
}

func resources(b *v1.KafkaBridge) model.BridgeResources {
	return model.BridgeResources{
		Bridge: b, DefaultImage: "registry.example.com/steg-bridge:1",
		SecretHashes: map[string]string{"my-bridge/password": "1234", "unrelated/password": "5678"},
		ConfigMaps: map[string]map[string]string{"my-logging": {"log4j2.properties": "# levels\nstatus = OFF\nrootLogger.level = WARN\n" +
			"logger.send.name = http.openapi.operation.send\nlogger.send.level = TRACE\n"}},
	}
}

const examples = "../../../examples/bridge"

// TestBridges shows what becomes of every example, and of the variants in testdata: warnings, settings, mounts.
func TestBridges(t *testing.T) {
	for dir, bridges := range map[string]map[string]*v1.KafkaBridge{"examples": files(t, examples), "variants": files(t, "testdata/variants")} {
		for name, bridge := range bridges {
			t.Run(dir+"/"+name, func(t *testing.T) {
				golden.Equal(t, dir+"/"+name+".golden", []byte(report(bridge)))
			})
		}
	}
}

// report is all that ForBridge and its like say of a KafkaBridge.
func report(bridge *v1.KafkaBridge) string {
	var out strings.Builder
	b, warnings, err := model.ForBridge(resources(bridge))
	for _, w := range warnings {
		fmt.Fprintf(&out, "Warning %s: %s\n", w.Reason, w.Message)
	}
	if err != nil {
		fmt.Fprintf(&out, "Invalid %v\n", err)
		return out.String()
	}
	fmt.Fprintf(&out, "%s replicas=%d image=%s token=%v auth=%s rack=%s\n", b.URL(), b.Replicas, b.Image, b.NeedsToken, b.AuthHash, b.RackKey)
	fmt.Fprintf(&out, "\n# deployed\n%s\n# sidecar\n%s", properties.Text(b.Properties()),
		properties.Text(b.SidecarProperties(model.Sidecar{Port: 8080, ManagementPort: 8081})))
	for _, v := range append(slices.Clone(b.Volumes), b.HTTP.Volume) {
		if v.Name != "" {
			fmt.Fprintf(&out, "volume %s at %s: %v\n", v.Name, v.Path, v.Sources)
		}
	}
	for _, e := range b.Env {
		from := ""
		if e.ValueFrom != nil {
			from = " from " + strings.Join(strings.Fields(e.ValueFrom.String()), " ")
		}
		fmt.Fprintf(&out, "variable %s=%s%s\n", e.Name, e.Value, from)
	}
	for _, s := range model.BridgeSecrets(bridge) {
		fmt.Fprintf(&out, "secret %+v\n", s)
	}
	for _, c := range model.BridgeConfigMaps(bridge) {
		fmt.Fprintf(&out, "config map %+v\n", c)
	}
	return out.String()
}

// TestExamplesAreRight: what the documentation shows has no mistakes.
func TestExamplesAreRight(t *testing.T) {
	for name, bridge := range files(t, examples) {
		_, warnings, err := model.ForBridge(resources(bridge))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range warnings {
			deprecated := w.Reason == model.ReasonDeprecatedFields && strings.HasSuffix(name, "-v1beta2")
			if w.Reason != model.ReasonNoEffect && !deprecated {
				t.Errorf("%s: %+v", name, w)
			}
		}
	}
}

// TestInvalid: each mistake is one line that names the field and says what to write.
func TestInvalid(t *testing.T) {
	for name, c := range invalid() {
		t.Run(name, func(t *testing.T) {
			bridge := read(t, []byte("metadata: {name: b}\nspec:\n  bootstrapServers: k:9092\n"+c.spec))
			_, _, err := model.ForBridge(resources(bridge))
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			var first model.Invalid
			if !errors.As(err, &first) || !strings.HasPrefix(c.want, first.Field+": "+first.Message) {
				t.Errorf("the error holds %+v", first)
			}
			if strings.Contains(c.want, "\n") {
				t.Error("more than one line")
			}
		})
	}
}

type mistake struct{ spec, want string }

func invalid() map[string]mistake {
	return map[string]mistake{
		"replicas":       {"  replicas: -1", "spec.replicas: -1 is negative: 0 keeps the objects and serves sidecars only"},
		"origin":         {"  http: {cors: {allowedOrigins: ['https://a.example', 'https://(?!b).example']}}", `spec.http.cors.allowedOrigins: allowed origin "https://(?!b).example": unsupported look-ahead at position 8: each is * or a Java regular expression for a whole origin, such as https://[a-z]+\.example\.com`},
		"origin's group": {"  http: {cors: {allowedOrigins: ['https://(a.example']}}", `spec.http.cors.allowedOrigins: allowed origin "https://(a.example": unclosed group at position 8: each is * or a Java regular expression for a whole origin, such as https://[a-z]+\.example\.com`},
		"no origin":      {"  http: {cors: {allowedOrigins: ['', ' ']}}", `spec.http.cors.allowedOrigins: no allowed origin in ", ": each is * or a Java regular expression for a whole origin, such as https://[a-z]+\.example\.com`},
		"low port":       {"  http: {port: 80}", "spec.http.port: 80 is not between 1023 and 65535"},
		"high port":      {"  http: {port: 65536}", "spec.http.port: 65536 is not between 1023 and 65535"},
		"probes' port":   {"  http: {port: 8081}", "spec.http.port: 8081 is the port of probes and metrics: choose another one"},
		"metrics":        {"  metricsConfig: {type: statsd}", "spec.metricsConfig.type: Metrics type not found: statsd"},
		"tracing":        {"  tracing: {type: zipkin}", `spec.tracing.type: "zipkin" is not known: write opentelemetry`},
		"logging":        {"  logging: {type: none}", `spec.logging.type: "none" is not one of inline and external`},
		"log level":      {"  logging: {type: inline, loggers: {rootLogger.level: LOUD}}", `spec.logging.loggers.rootLogger.level: log level "LOUD": debug, info, warn or error`},
		"no logging map": {"  logging: {type: external}", "spec.logging.valueFrom.configMapKeyRef: is missing: logging of type external needs name and key of a ConfigMap"},
		"logging map":    {"  logging: {type: external, valueFrom: {configMapKeyRef: {name: absent, key: k}}}", "spec.logging.valueFrom.configMapKeyRef: there is no ConfigMap absent with the key k in this namespace"},
		"logging key":    {"  logging: {type: external, valueFrom: {configMapKeyRef: {name: my-logging, key: k}}}", "spec.logging.valueFrom.configMapKeyRef: there is no ConfigMap my-logging with the key k in this namespace"},
		"certificate":    {"  tls: {trustedCertificates: [{secretName: ca}]}", "spec.tls.trustedCertificates[0]: set either certificate (one key of the Secret) or pattern (a glob over its keys, such as *.crt)"},
		"both":           {"  tls: {trustedCertificates: [{secretName: ca, certificate: a, pattern: b}]}", "spec.tls.trustedCertificates[0]: set either certificate (one key of the Secret) or pattern (a glob over its keys, such as *.crt)"},
		"glob":           {"  tls: {trustedCertificates: [{secretName: ca, pattern: '[a'}]}", `spec.tls.trustedCertificates[0].pattern: "[a" is not a glob over keys of a Secret, such as *.crt`},
		"glob's path":    {"  tls: {trustedCertificates: [{secretName: ca, pattern: '../*'}]}", `spec.tls.trustedCertificates[0].pattern: "../*" is not a glob over keys of a Secret, such as *.crt`},
		"secret's name":  {"  tls: {trustedCertificates: [{secretName: My_CA, certificate: ca.crt}]}", `spec.tls.trustedCertificates[0].secretName: "My_CA" is not a name of a Secret`},
		"secret's key":   {"  tls: {trustedCertificates: [{secretName: ca, certificate: a/b}]}", `spec.tls.trustedCertificates[0].certificate: "a/b" is not a key of a Secret`},
		"no type":        {"  authentication: {type: ''}", "spec.authentication.type: is missing: tls, scram-sha-512, scram-sha-256, plain or custom"},
		"no certificate": {"  tls: {}\n  authentication: {type: tls}", "spec.authentication.certificateAndKey: is missing: authentication of type tls needs a Secret with certificate and key"},
		"custom":         {"  authentication: {type: custom, sasl: true}", "spec.authentication.config: sasl.mechanism=GSSAPI is not supported: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER (GSSAPI is the default)"},
		"cors":           {"  consumer: {timeoutSeconds: 0}", "spec.consumer.timeoutSeconds: 0 would close consumers at once: a positive number of seconds, or -1 for never"},
		"value":          {"  producer: {config: {acks: 5}}", "spec.producer.config.acks: Invalid value 5 for configuration acks: String must be one of: all, -1, 0, 1"},
		"refused":        {"  producer: {config: {transactional.id: t}}", "spec.producer.config.transactional.id: transactional.id is not supported with this value: each HTTP request stands for itself; there are no transactions"},
		"object":         {"  producer: {config: {acks: {a: b}}}", "spec.producer.config.acks: is neither a text, a number, a boolean nor a list of them"},
		"null":           {"  consumer: {config: {client.rack: null}}", "spec.consumer.config.client.rack: is neither a text, a number, a boolean nor a list of them"},
		"blank key":      {"  config: {' log.level': debug}", `spec.config: the key " log.level" is empty or has blanks around it`},
		"key of lines":   {`  config: {"a\nb": debug}`, `spec.config: the key "a\nb" has several lines: write each setting with a key of its own`},
		"own value":      {"  config: {log.format: xml}", `spec.config.log.format: "xml" is not one of text, json`},
		"rack":           {"  rack: {type: topology-label}", "spec.rack.topologyKey: is missing: topology.kubernetes.io/zone or topology.kubernetes.io/region"},
		"rack type":      {"  rack: {type: dice}", `spec.rack.type: "dice" is not one of topology-label and environment-variable`},
		"rack variable":  {"  rack: {type: environment-variable, envVarName: 'a=b'}", `spec.rack.envVarName: "a=b" is not a name of a variable`},
		"resources":      {"  resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}", "spec.resources.requests.memory: 1Gi is more than the limit 512Mi"},
		"strategy":       {"  template: {deployment: {deploymentStrategy: BlueGreen}}", `spec.template.deployment.deploymentStrategy: "BlueGreen" is not one of RollingUpdate and Recreate`},
		"label":          {"  template: {pod: {metadata: {labels: {steg.dev/bridge: b}}}}", "spec.template.pod.metadata.labels: steg.dev/bridge is a label of the operator's: remove it"},
		"annotation":     {"  template: {pod: {metadata: {annotations: {steg.dev/injected: x}}}}", "spec.template.pod.metadata.annotations: steg.dev/injected is an annotation of the operator's: remove it"},
		"volume":         {"  template: {pod: {volumes: [{name: steg-auth, emptyDir: {}}]}}", "spec.template.pod.volumes: steg-auth: names that begin with steg- are the operator's: choose another one"},
		"mount":          {"  template: {pod: {volumes: [{name: a, emptyDir: {}}]}, bridgeContainer: {volumeMounts: [{name: a, mountPath: /mntx}]}}", "spec.template.bridgeContainer.volumeMounts: /mntx is not below /mnt"},
		"label name":     {"  template: {pod: {metadata: {labels: {'a b': c}}}}", `spec.template.pod.metadata.labels: "a b" is no name of a label, such as team or example.com/team`},
		"label value":    {"  template: {deployment: {metadata: {labels: {a: 'b c'}}}}", `spec.template.deployment.metadata.labels: a: "b c" is no value of a label: take at most 63 letters, digits, -, _ and .`},
		"note name":      {"  template: {apiService: {metadata: {annotations: {'a b': c}}}}", `spec.template.apiService.metadata.annotations: "a b" is no name of an annotation, such as example.com/note`},
		"volume name":    {"  template: {pod: {volumes: [{name: A_b, emptyDir: {}}]}}", `spec.template.pod.volumes: "A_b" is no name of a volume: take at most 63 lower-case letters, digits and -`},
		"two volumes":    {"  template: {pod: {volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]}}", "spec.template.pod.volumes: a is there twice: each volume needs a name of its own"},
		"two mounts":     {"  template: {pod: {volumes: [{name: a, emptyDir: {}}]}, bridgeContainer: {volumeMounts: [{name: a, mountPath: /mnt/a}, {name: a, mountPath: /mnt/a}]}}", "spec.template.bridgeContainer.volumeMounts: /mnt/a is there twice: each volume needs a path of its own"},
		"no volume":      {"  template: {bridgeContainer: {volumeMounts: [{name: a, mountPath: /mnt/a}]}}", "spec.template.bridgeContainer.volumeMounts: a is not one of spec.template.pod.volumes"},
		"variable":       {"  template: {bridgeContainer: {env: [{name: 'A=', value: b}]}}", `spec.template.bridgeContainer.env: "A=" is not a name of a variable`},
		"probe":          {"  livenessProbe: {periodSeconds: 0}", "spec.livenessProbe.periodSeconds: 0 is not at least 1"},
		"probe's start":  {"  readinessProbe: {initialDelaySeconds: -1}", "spec.readinessProbe.initialDelaySeconds: -1 is negative"},
		"liveness":       {"  livenessProbe: {successThreshold: 2}", "spec.livenessProbe.successThreshold: 2 is not 1, as Kubernetes wants"},
		"tls versions":   {"  http: {tls: {certificateAndKey: {secretName: s, certificate: c, key: k}, config: {ssl.enabled.protocols: 'TLSv1.1,TLSv1.3'}}}", "spec.http.tls.config.ssl.enabled.protocols: the enabled protocols leave out a version between the lowest and the highest one"},
		"two":            {"  replicas: -1\n  http: {port: 1}", "spec.replicas: -1 is negative: 0 keeps the objects and serves sidecars only; spec.http.port: 1 is not between 1023 and 65535"},
	}
}

// TestAnnotations: what a KafkaBridge itself may be annotated with.
func TestAnnotations(t *testing.T) {
	for annotation, want := range map[string]string{
		"app: x":                              "None [] <nil>",
		"steg.dev/rollout-strategy: None":     "None [] <nil>",
		"steg.dev/rollout-strategy: Workload": "Workload [] <nil>",
		"steg.dev/rollout-strategy: workload": ` [] metadata.annotations.steg.dev/rollout-strategy: "workload" is not one of None and Workload`,
		"steg.dev/rolout-strategy: Workload":  "None [{UnknownFields metadata.annotations: steg.dev/rolout-strategy has no meaning on a KafkaBridge: did you mean steg.dev/rollout-strategy?}] <nil>",
		"steg.dev/port: 1":                    "None [{UnknownFields metadata.annotations: steg.dev/port has no meaning on a KafkaBridge: those of pods go into a pod's metadata}] <nil>",
	} {
		key, value, _ := strings.Cut(annotation, ": ")
		bridge := read(t, []byte("metadata: {name: b}\nspec: {bootstrapServers: 'k:9092'}"))
		bridge.Annotations = map[string]string{key: value}
		b, warnings, err := model.ForBridge(resources(bridge))
		if got := fmt.Sprint(b.Rollout, " ", warnings, " ", err); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", annotation, got, want)
		}
	}
}

// TestNothingGiven: a resource that the API server has not judged, as on the command line.
func TestNothingGiven(t *testing.T) {
	_, _, err := model.ForBridge(model.BridgeResources{Bridge: &v1.KafkaBridge{}})
	const want = "spec.image: is missing, and the operator has no default image of bridges; " +
		"spec.bootstrapServers: is missing: host:port of one broker or more, separated by commas"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}
