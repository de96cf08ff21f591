//go:build kafka

package realkafka

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// The group protocol of KIP-848: the broker assigns, and there is neither a leader nor a delay.
func TestKafkaConsumerProtocol(t *testing.T) {
	r := sharedRig(t)
	b := start(t, append(plainWay.at(r), "kafka.consumer.group.protocol=consumer")...)
	article(t, r, b)

	// A second member takes half of the partitions over, and all of them when the first one goes.
	name, group := fresh("topic"), fresh("group")
	want(t, b.post("/admin/topics", asJSON, `{"topic_name":"`+name+`","partitions_count":2}`), 201, "")
	member := func(id string) string { return "/consumers/" + group + "/instances/" + id }
	for _, id := range []string{"one", "two"} {
		want(t, b.post("/consumers/"+group, v2, `{"name":"`+id+`","format":"json"}`), 200, "")
		want(t, b.post(member(id)+"/subscription", v2, `{"topics":["`+name+`"]}`), 204, "")
	}
	assigned := func(id string) string {
		want(t, b.do("GET", member(id)+"/records?timeout=100", asJSON, ""), 200, "[")
		return b.get(member(id) + "/subscription").body
	}
	whole := `{"topics":["` + name + `"],"partitions":[{"` + name + `":[0,1]}]}`
	b.wait("half of the partitions each", func() bool {
		halves := assigned("one") + assigned("two")
		return strings.Count(halves, ":[0]}") == 1 && strings.Count(halves, ":[1]}") == 1
	})
	want(t, b.do("DELETE", member("one"), "", ""), 204, "")
	b.wait("all partitions", func() bool { return assigned("two") == whole })
	want(t, b.do("DELETE", member("two"), "", ""), 204, "")
}

// bridge.null.value=tombstone: a null is no value, in Kafka too.
func TestKafkaTombstones(t *testing.T) {
	r := sharedRig(t)
	b := start(t, append(plainWay.at(r), "bridge.null.value=tombstone")...)
	name, group := topic(t, r), fresh("group")
	body := `{"records":[{"key":"k","value":null}]}`
	want(t, b.post("/topics/"+name, asJSON, body), 200, `"offset":0`)
	want(t, b.post("/topics/"+name, asText, body), 200, `"offset":1`)
	for _, rec := range read(t, r, name, 2) {
		if rec.Value != nil || rec.Key == nil {
			t.Errorf("offset %d: key %q, value %q", rec.Offset, rec.Key, rec.Value)
		}
	}
	b.consumer(group, "", name)
	want(t, b.poll(group), 200, `"key":"k","value":null,"partition":0,"offset":0`)
	want(t, b.remove(group), 204, "")
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// providers is a file in which everything that is secret comes from a config provider: a file, a folder, the environment.
const providers = `kafka.bootstrap.servers=${env:BOOTSTRAP}
kafka.security.protocol=SASL_SSL
kafka.sasl.mechanism=SCRAM-SHA-512
kafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
    username="${file:DIR/login.properties:user}" \
    password="${dir:DIR/secrets:password}";
kafka.ssl.truststore.type=PEM
kafka.ssl.truststore.certificates=${dir:DIR/secrets:ca.crt}
kafka.config.providers=env,file,dir
kafka.config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
kafka.config.providers.env.param.allowlist.pattern=BOOT.*
kafka.config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
kafka.config.providers.file.param.allowed.paths=DIR
kafka.config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
kafka.config.providers.dir.param.allowed.paths=DIR/secrets
kafka.consumer.auto.offset.reset=earliest
`

func TestKafkaConfigProviders(t *testing.T) {
	r := sharedRig(t)
	dir := t.TempDir()
	write(t, dir, "login.properties", "user=admin\n")
	write(t, dir, "secrets/password", transcript.secret("password", kafkarig.AdminPassword))
	write(t, dir, "secrets/ca.crt", string(r.CA.PEM))
	l := launch{
		args: []string{"--config-file", write(t, dir, "bridge.properties", strings.ReplaceAll(providers, "DIR", dir))},
		env:  []string{"BOOTSTRAP=" + r.Bootstrap(kafkarig.SCRAMTLS)},
	}
	article(t, r, l.start(t))
	for _, flag := range []string{"--check", "--print-config"} {
		tried := l
		tried.args = append([]string{flag}, l.args...)
		if text, code := tried.ended(t); code != 0 {
			t.Errorf("%s: exit %d\n%s", flag, code, text)
		}
	}
	t.Run("outside of what is allowed", func(t *testing.T) {
		outside := strings.ReplaceAll(providers, "DIR", dir)
		outside = strings.Replace(outside, "allowed.paths="+dir+"/secrets", "allowed.paths="+dir+"/public", 1)
		refused := launch{args: []string{"--config-file", write(t, dir, "outside.properties", outside)}, env: l.env}
		if text, code := refused.ended(t); code != 1 {
			t.Errorf("exit %d\n%s", code, text)
		}
	})
}

// sidecar is the file of the sidecar article, the obsolete key included.
const sidecar = `bridge.id=bridge-sidecar

# HTTP related settings
http.enabled=true
http.host=127.0.0.1
http.port=0
http.management.port=0

# Configuration Provider
kafka.config.providers=env
kafka.config.providers.env.class=io.strimzi.kafka.EnvVarConfigProvider

# Kafka common properties
kafka.bootstrap.servers=${env:BOOTSTRAP_SERVERS}
kafka.security.protocol=SSL
kafka.ssl.keystore.type=PEM
kafka.ssl.keystore.certificate.chain=${env:USER_CRT}
kafka.ssl.keystore.key=${env:USER_KEY}
kafka.ssl.truststore.type=PEM
kafka.ssl.truststore.certificates=${env:CA_CRT}
kafka.ssl.endpoint.identification.algorithm=HTTPS

# Apache Kafka Producer
kafka.producer.acks=1

# Apache Kafka Consumer
kafka.consumer.auto.offset.reset=earliest
`

// The sidecar article's container: its command, its file, its environment.
func TestKafkaSidecarArticle(t *testing.T) {
	r := sharedRig(t)
	home := filepath.Join(t.TempDir(), "opt", "strimzi")
	b := launch{
		path: install(t, filepath.Join(home, "bin", "kafka_bridge_run.sh")),
		args: []string{"--config-file", write(t, home, "bridge.properties", sidecar)},
		env: []string{
			"BOOTSTRAP_SERVERS=" + r.Bootstrap(kafkarig.MTLS), "USER_CRT=" + content(t, r.Files.Admin.Cert),
			"USER_KEY=" + privateKey(t, r.Files.Admin), "CA_CRT=" + string(r.CA.PEM),
		},
	}.start(t)
	article(t, r, b)
	if !strings.Contains(b.out.String(), "http.enabled has no effect") {
		t.Error("http.enabled is not named")
	}
}

// operated is what the operator writes into the ConfigMap of a KafkaBridge with TLS, a keystore and a password: providers
// for each client, files in PKCS12, the rack of the node.
func operated(bootstrap, home string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "bridge.id=my-bridge\nbridge.metrics=strimziMetricsReporter\nkafka.bootstrap.servers=%s\nkafka.security.protocol=SSL\n", bootstrap)
	for _, client := range []string{"admin", "producer", "consumer"} {
		p := "kafka." + client + "."
		fmt.Fprintf(&b, "%sconfig.providers=strimzienv,strimzifile,strimzidir,strimzisecrets\n", p)
		for alias, class := range map[string]string{
			"strimzienv":     "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
			"strimzifile":    "org.apache.kafka.common.config.provider.FileConfigProvider",
			"strimzidir":     "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
			"strimzisecrets": "io.strimzi.kafka.KubernetesSecretConfigProvider",
		} {
			fmt.Fprintf(&b, "%sconfig.providers.%s.class=%s\n", p, alias, class)
		}
		for _, alias := range []string{"strimzifile", "strimzidir"} {
			fmt.Fprintf(&b, "%sconfig.providers.%s.param.allowed.paths=%s\n", p, alias, home)
		}
		fmt.Fprintf(&b, "%sclient.rack=${strimzidir:%s/init:rack.id}\n", p, home)
	}
	for _, store := range []string{"truststore", "keystore"} {
		fmt.Fprintf(&b, "kafka.ssl.%[1]s.location=%[2]s/bridge.%[1]s.p12\nkafka.ssl.%[1]s.password=${strimzienv:CERTS_STORE_PASSWORD}\n"+
			"kafka.ssl.%[1]s.type=PKCS12\n", store, home)
	}
	b.WriteString("http.host=0.0.0.0\nhttp.port=8080\nhttp.cors.enabled=false\nhttp.timeoutSeconds=-1\nhttp.consumer.enabled=true\nhttp.producer.enabled=true\n" +
		"kafka.producer.acks=1\nkafka.consumer.auto.offset.reset=earliest\n")
	return b.String()
}

// The operator's container: the command without arguments finds the file in its mount; variables of the JVM are named.
func TestKafkaOperatorsFile(t *testing.T) {
	r := sharedRig(t)
	home := filepath.Join(t.TempDir(), "opt", "strimzi")
	write(t, home, "init/rack.id", "zone-1")
	write(t, home, "bridge.truststore.p12", content(t, r.Files.CA.PKCS12))
	write(t, home, "bridge.keystore.p12", content(t, r.Files.Admin.PKCS12))
	write(t, home, "custom-config/application.properties", operated(r.Bootstrap(kafkarig.MTLS), home))
	b := launch{
		path: install(t, filepath.Join(home, "bin", "docker", "kafka_bridge_run.sh")),
		env:  []string{"CERTS_STORE_PASSWORD=" + storePassword(), "STRIMZI_GC_LOG_ENABLED=false", "KAFKA_HEAP_OPTS=-Xmx1g"},
	}.start(t)
	article(t, r, b)
	if text := b.out.String(); !strings.Contains(text, "KAFKA_HEAP_OPTS") || !strings.Contains(text, "STRIMZI_GC_LOG_ENABLED") {
		t.Error("variables without effect are not named")
	}
	for path, text := range map[string]string{
		"/healthy": "", "/ready": "", "/metrics": "kafka_producer_producer_metrics_record_send",
	} {
		want(t, b.at(b.manage+path), 200, text)
	}
}

// install puts the bridge where the reference's image has its start script.
func install(t *testing.T, at string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program(t), at); err != nil {
		t.Fatal(err)
	}
	return at
}

// --check tells what each client found; and of a cluster that refuses a client, which one.
func TestKafkaCheck(t *testing.T) {
	r := sharedRig(t)
	good := way{"", kafkarig.MTLS, concat(trust(t, r, "PEM"), keys(t, r.Files.Admin, "PEM"))}.at(r)
	text, code := launch{args: []string{"--check"}, set: good}.ended(t)
	for _, client := range []string{"admin", "producer", "consumer"} {
		if !strings.Contains(text, "ok       "+client+" client: SSL, 1 brokers, cluster ") || !strings.Contains(text, "certificate valid until 20") {
			t.Errorf("%s client is missing", client)
		}
	}
	t.Logf("exit %d\n%s", code, text)
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for name, c := range map[string]struct {
		settings []string
		line     string
	}{
		"password": {
			way{"", kafkarig.SCRAM, login("SCRAM-SHA-512", kafkarig.AdminUser, "wr0ng-passw0rd")}.at(r),
			"failed   admin client: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512",
		},
		"expired":  {way{"", kafkarig.MTLS, concat(trust(t, r, "PEM"), keys(t, r.Files.Expired, "PEM"))}.at(r), "failed   admin client: SSL handshake failed"},
		"stranger": {way{"", kafkarig.TLS, []string{"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=" + r.Files.Stranger.Cert}}.at(r), "failed   consumer client: SSL handshake failed"},
	} {
		t.Run(name, func(t *testing.T) {
			text, code := launch{args: []string{"--check"}, set: c.settings}.ended(t)
			if code != 1 || !strings.Contains(text, c.line) {
				t.Errorf("exit %d\n%s", code, text)
			}
		})
	}
}
