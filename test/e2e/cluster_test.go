//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// seed is the lab's own file: three brokers as of the days of ZooKeeper.
	seed = "testdata/kafka.yaml"
	// clusterTime is what three brokers may need to start or to be rolled, on two processors that do everything else too.
	clusterTime = 6 * time.Minute
)

// lines are the lines of an output without its head, each with single spaces.
func lines(out string) []string {
	var all []string
	for line := range strings.Lines(out) {
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	return all
}

// like complains unless each pattern matches a line of the output.
func like(t testing.TB, what, out string, patterns ...string) {
	t.Helper()
	all := lines(out)
	for _, p := range patterns {
		if !slices.ContainsFunc(all, regexp.MustCompile("^"+p+"$").MatchString) {
			t.Errorf("%s: no line is like %q in\n%s", what, p, out)
		}
	}
}

// explainCluster logs what is needed to understand a cluster that is not as it should be.
func explainCluster(t testing.TB) {
	t.Helper()
	for _, args := range [][]string{
		{"get", "kafkas,kafkanodepools,strimzipodsets,kafkatopics,kafkausers,pods,pvc", "-o", "wide"},
		{"get", "kafkas,kafkatopics,kafkausers", "-o", "jsonpath={range .items[*]}{.kind} {.metadata.name} {.status.conditions}{\"\\n\"}{end}"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"describe", "pods", "-l", "strimzi.io/kind=Kafka"},
		{"logs", "-l", "strimzi.io/kind=Kafka", "-c", "kafka", "--prefix", "--tail=40"},
		{"logs", "-l", operators, "--prefix", "--tail=200"},
	} {
		out, err := try(append(args, "-n", kafkaNamespace)...)
		t.Log(strings.Join(args, " "), "\n", out, err)
	}
}

// settled waits until the operator has carried out the Kafka as it stands, and every broker is ready.
func settled(t testing.TB, within time.Duration) {
	t.Helper()
	settledOf(t, "my-cluster", within)
}

func settledOf(t testing.TB, cluster string, within time.Duration) {
	t.Helper()
	eventually(t, within, func() error {
		out := kubectl(t, "get", "kafka", cluster, "-n", kafkaNamespace, "-o",
			`jsonpath={.metadata.generation} {.status.observedGeneration} {.status.conditions[?(@.type=="Ready")].status}`)
		f := strings.Fields(out)
		if len(f) != 3 || f[0] != f[1] || f[2] != "True" {
			said, _ := try("get", "kafka", cluster, "-n", kafkaNamespace, "-o", "jsonpath={.status.conditions}")
			return fmt.Errorf("generation, observed, ready: %s: %s", out, said)
		}
		return nil
	})
}

// applyKafka applies the lab's file after replacements, old and new in turns.
func applyKafka(t testing.TB, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(seed)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(replace...).Replace(string(text))
	return must(t, changed, "kubectl", "apply", "-n", kafkaNamespace, "-f", "-")
}

// TestCluster is the life of a Kafka that Steg runs. One part of it alone is run by its name, on what is there:
// -test.run TestCluster/secured.
func TestCluster(t *testing.T) {
	inTurn(t, []part{
		{"page", clusterPage},
		{"transcript", transcript},
		{"secured", clusterSecured},
		{"uninstall", clusterUninstall},
	})
}

// TestClusterFaults is what befalls such a Kafka, and what is done to it, while applications write.
func TestClusterFaults(t *testing.T) {
	inTurn(t, []part{
		{"start", startSecured},
		{"faults", clusterFaults},
		{"away", clusterAway},
		{"operators", clusterTwoOperators},
		{"uninstall", clusterUninstall},
		{"pools", clusterPools},
	})
}

type part struct {
	name string
	run  func(t *testing.T)
}

// inTurn runs parts that each go on where the one before ended.
func inTurn(t *testing.T, parts []part) {
	for _, part := range parts {
		if !t.Run(part.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					explainCluster(t)
				}
			})
			part.run(t)
		}) {
			return
		}
	}
}

// transcript types the lab's commands one by one and holds what they print against what the lab shows.
func transcript(t *testing.T) {
	like(t, "1", kubectl(t, "create", "namespace", kafkaNamespace), `namespace/kafka created`)
	like(t, "2", must(t, "", "helm", "show", "values", chart), `tolerations: \[\]`, `nodeSelector: \{\}`, `watchNamespaces: \[\]`)
	const tolerations = "tolerations: [{key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule}]\n"
	must(t, tolerations, "helm", "install", "kafka-operator", chart, "--namespace", kafkaNamespace,
		"--set", `nodeSelector.kubernetes\.io/hostname=n1`, "--values", "/dev/stdin",
		"--set", "defaultImageTag="+tag, "--set", "topics.import=true", "--set", "fullReconciliationIntervalMs=20000")
	rollout(t, kafkaNamespace, "deployment/steg-operator")
	like(t, "4", kubectl(t, "get", "deploy,pod", "-n", kafkaNamespace), `deployment.apps/steg-operator 1/1 1 1 .*`, `pod/steg-operator-\S+ 1/1 Running 0 .*`)
	like(t, "5", kubectl(t, "get", "crd"), `kafkabridges.kafka.strimzi.io .*`, `kafkas.kafka.strimzi.io .*`, `kafkanodepools.kafka.strimzi.io .*`,
		`kafkatopics.kafka.strimzi.io .*`, `kafkausers.kafka.strimzi.io .*`, `strimzipodsets.core.strimzi.io .*`)

	start := time.Now()
	like(t, "6", kubectl(t, "apply", "-f", seed, "-n", kafkaNamespace), `kafka.kafka.strimzi.io/my-cluster created`)
	settled(t, clusterTime)
	t.Logf("the Kafka was ready %v after it was applied", time.Since(start).Round(time.Second))
	like(t, "7", kubectl(t, "get", "kafka", "-n", kafkaNamespace), `NAME DESIRED KAFKA REPLICAS DESIRED ZK REPLICAS READY WARNINGS.*`, `my-cluster 3 3 True.*`)
	like(t, "8", kubectl(t, "get", "strimzipodsets", "-n", kafkaNamespace), `NAME PODS READY PODS CURRENT PODS AGE`, `my-cluster-kafka 3 3 3 \S+`)

	tool(t, "kafka-console-producer.sh --bootstrap-server localhost:9092 --topic first", "lamp\nshade\n")
	if out := tool(t, "kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic first --from-beginning --max-messages 2 --timeout-ms 60000", ""); !strings.Contains(out, "lamp") {
		t.Errorf("consumed %q", out)
	}
	if err := outside(t); err != nil {
		t.Errorf("from outside: %v", err)
	}
	topics := ""
	eventually(t, time.Minute, func() error {
		topics = kubectl(t, "get", "kafkatopics", "-n", kafkaNamespace)
		if !strings.Contains(topics, "consumer-offsets---") || strings.Count(topics, "True") < 2 {
			return fmt.Errorf("not all topics were imported: %s", topics)
		}
		return nil
	})
	like(t, "9", topics, `NAME CLUSTER PARTITIONS REPLICATION FACTOR READY`,
		`consumer-offsets---84e7a678d08f4bd226872e5cdd4eb527fadc1c6a my-cluster 50 3 True`)

	objects := kubectl(t, "get", "svc,configmap", "-n", kafkaNamespace)
	like(t, "10", objects,
		`service/my-cluster-kafka-0 NodePort \S+ <none> 9094:3\d+/TCP \S+`,
		`service/my-cluster-kafka-1 NodePort \S+ <none> 9094:3\d+/TCP \S+`,
		`service/my-cluster-kafka-2 NodePort \S+ <none> 9094:3\d+/TCP \S+`,
		`service/my-cluster-kafka-bootstrap ClusterIP \S+ <none> 9091/TCP,9092/TCP,9093/TCP \S+`,
		`service/my-cluster-kafka-brokers ClusterIP None <none> 9090/TCP,9091/TCP,8443/TCP,9092/TCP,9093/TCP \S+`,
		`service/my-cluster-kafka-external-bootstrap NodePort \S+ <none> 9094:3\d+/TCP \S+`,
		`configmap/kube-root-ca.crt 1 \S+`, `configmap/my-cluster-kafka-config 5 \S+`, `configmap/strimzi-cluster-operator 1 \S+`)
	if strings.Contains(objects, "zookeeper") {
		t.Errorf("10: there is a ZooKeeper in\n%s", objects)
	}

	nodes := strings.Fields(kubectl(t, "get", "pods", "-n", kafkaNamespace, "-l", "strimzi.io/name=my-cluster-kafka", "-o", "jsonpath={.items[*].spec.nodeName}"))
	if slices.Sort(nodes); !slices.Equal(nodes, []string{"n1", "n2", "n3"}) {
		t.Errorf("11: the brokers are on %v, want one on each node", nodes)
	}
}

// tool runs one of Kafka's own tools in the first broker's container, as its users do by kubectl exec.
func tool(t testing.TB, line, stdin string) string {
	t.Helper()
	out, err := tryTool(line, stdin)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryTool(line, stdin string) (string, error) {
	return try("exec", "-n", kafkaNamespace, "my-cluster-kafka-0", "-c", "kafka", "--",
		"env", "-u", "KAFKA_OPTS", "KAFKA_HEAP_OPTS=-Xmx96m", "LOG_DIR=/tmp", "/bin/bash", "-c", `printf '%s' "$1" | /opt/kafka/bin/`+line, "bash", stdin)
}

// startSecured starts the lab's second variant from nothing.
func startSecured(t *testing.T) {
	kubectl(t, "create", "namespace", kafkaNamespace)
	must(t, "", "helm", "install", "kafka-operator", chart, "--namespace", kafkaNamespace, "--set", "defaultImageTag="+tag)
	rollout(t, kafkaNamespace, "deployment/steg-operator")
	applyKafka(t, secured()...)
	apply(t, kafkaNamespace, users)
	settled(t, clusterTime)
	kubectl(t, "wait", "-n", kafkaNamespace, "kafkauser/my-app", "kafkauser/my-scram", "kafkatopic/my-orders", "--for=condition=Ready", "--timeout=100s")
}

// secured are the replacements that turn the lab's file into its second variant: client certificates on 9093, and rights. A
// listener with passwords is added to it.
func secured() []string {
	return []string{
		"port: 9093\n        type: internal\n        tls: false", `port: 9093
        type: internal
        tls: true
        authentication: {type: tls}
      - name: scram
        port: 9095
        type: internal
        tls: true
        authentication: {type: scram-sha-512}`,
		"    storage:\n      type: jbod", "    authorization: {type: simple}\n    storage:\n      type: jbod",
	}
}

// users are two applications, one with a certificate and one with a password, and their topic.
const users = `
apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: my-app, labels: {strimzi.io/cluster: my-cluster}}
spec:
  authentication: {type: tls}
  authorization: &rights
    type: simple
    acls:
    - {resource: {type: topic, name: my-, patternType: prefix}, operations: [Read, Write, Describe, Create]}
    - {resource: {type: group, name: my-, patternType: prefix}, operations: [Read]}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: my-scram, labels: {strimzi.io/cluster: my-cluster}}
spec:
  authentication: {type: scram-sha-512}
  authorization:
    type: simple
    acls:
    - {resource: {type: topic, name: my-orders}, operation: Read}
    - {resource: {type: topic, name: my-orders}, operation: Write}
    - {resource: {type: group, name: my-group}, operation: Read}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: my-orders, labels: {strimzi.io/cluster: my-cluster}}
spec: {partitions: 3, replicas: 3, config: {min.insync.replicas: 2}}
`

// secretValue reads a key of a Secret.
func secretValue(t testing.TB, secret, key string) string {
	t.Helper()
	return kubectl(t, "get", "secret", secret, "-n", kafkaNamespace, "-o", `go-template={{index .data "`+key+`" | base64decode}}`)
}

// pem writes PEM into one line of a properties file.
func pem(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", `\n`) }

// clientFile puts a file with a client's settings into the first broker's container.
func clientFile(t testing.TB, name string, settings ...string) {
	t.Helper()
	kubectl(t, "exec", "-n", kafkaNamespace, "my-cluster-kafka-0", "-c", "kafka", "--",
		"sh", "-c", `printf '%s\n' "$@" > /tmp/`+name, "sh", strings.Join(settings, "\n"))
}

// clusterSecured turns the running cluster into the lab's second variant, and goes in by every door with Kafka's own
// tools: plain, with a certificate, with a password, and from outside; and is refused without the right.
func clusterSecured(t *testing.T) {
	start := time.Now()
	applyKafka(t, secured()...)
	apply(t, kafkaNamespace, users)
	settled(t, clusterTime)
	t.Logf("three brokers were rolled in %v", time.Since(start).Round(time.Second))
	kubectl(t, "wait", "-n", kafkaNamespace, "kafkauser/my-app", "kafkauser/my-scram", "kafkatopic/my-orders", "--for=condition=Ready", "--timeout=100s")

	const bootstrap = " --bootstrap-server my-cluster-kafka-bootstrap:"
	trusted := pem(secretValue(t, "my-cluster-cluster-ca-cert", "ca.crt"))
	clientFile(t, "tls.properties", "security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.certificates="+trusted,
		"ssl.keystore.type=PEM", "ssl.keystore.certificate.chain="+pem(secretValue(t, "my-app", "user.crt")), "ssl.keystore.key="+pem(secretValue(t, "my-app", "user.key")))
	clientFile(t, "scram.properties", "security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", "ssl.truststore.type=PEM", "ssl.truststore.certificates="+trusted,
		"sasl.jaas.config="+secretValue(t, "my-scram", "sasl.jaas.config"))
	produceBy := func(door, topic string) error {
		_, err := tryTool("kafka-console-producer.sh"+bootstrap+door+" --topic "+topic+" --producer-property max.block.ms=20000 --producer-property delivery.timeout.ms=20000 --producer-property request.timeout.ms=10000", "lamp\n")
		return err
	}
	doors := map[string]string{
		"a certificate": "9093 --producer.config /tmp/tls.properties",
		"a password":    "9095 --producer.config /tmp/scram.properties",
	}
	for name, door := range doors {
		if err := produceBy(door, "my-orders"); err != nil {
			t.Errorf("with %s: %v", name, err)
		}
		out, err := tryTool("kafka-topics.sh"+bootstrap+strings.Replace(door, "--producer.config", "--command-config", 1)+" --describe --topic other", "")
		if err == nil && strings.Contains(out, "PartitionCount") {
			t.Errorf("with %s a topic without any right was described: %s", name, out)
		}
	}
	consumed := tool(t, "kafka-console-consumer.sh"+bootstrap+"9095 --consumer.config /tmp/scram.properties --topic my-orders --group my-group --from-beginning --max-messages 2 --timeout-ms 60000", "")
	if strings.Count(consumed, "lamp") != 2 {
		t.Errorf("consumed %q, want two lamps", consumed)
	}
	if err := outside(t); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("a client without a name may write: %v", err)
	}
}

// outside reaches the brokers as a program outside the cluster does: by the addresses of the status, and by those that the
// brokers tell then.
func outside(t testing.TB) error {
	t.Helper()
	servers := kubectl(t, "get", "kafka", "my-cluster", "-n", kafkaNamespace, "-o", `jsonpath={.status.listeners[?(@.name=="external")].bootstrapServers}`)
	if !regexp.MustCompile(`^(n[1-3]:3\d+(,|$))+$`).MatchString(servers) {
		t.Fatalf("the external listener is at %q, want names of the nodes", servers)
	}
	resolved := func(ctx context.Context, network, address string) (net.Conn, error) { // what the DNS of a company knows
		return new(net.Dialer).DialContext(ctx, network, "10.90.0.1"+strings.TrimPrefix(address, "n"))
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.Dialer(resolved), kgo.RecordDeliveryTimeout(kafkaTime))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
	defer cancel()
	brokers, err := kadm.NewClient(client).ListBrokers(ctx)
	if err != nil || len(brokers) != 3 {
		t.Fatalf("%d brokers: %v", len(brokers), err)
	}
	for _, b := range brokers {
		if !strings.HasPrefix(b.Host, "n") || b.Port < 30000 {
			t.Errorf("broker %d tells clients outside %s:%d", b.NodeID, b.Host, b.Port)
		}
	}
	return client.ProduceSync(ctx, &kgo.Record{Topic: "first", Value: []byte("from outside")}).FirstErr()
}
