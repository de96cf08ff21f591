//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// around is a Kafka of a company that has racks, load balancers, disks that grow and authorities of its own.
const around = `
apiVersion: kafka.strimzi.io/v1
kind: KafkaNodePool
metadata: {name: node, labels: {strimzi.io/cluster: my-own}}
spec:
  replicas: 3
  roles: [controller, broker]
  storage: {type: jbod, volumes: [{id: 0, type: persistent-claim, size: 1Gi, deleteClaim: true}]}
  template:
    pod:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {strimzi.io/cluster: my-own}}}
---
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: my-own}
spec:
  kafka:
    rack: {topologyKey: topology.kubernetes.io/zone}
    listeners:
    - {name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}
    - {name: outside, port: 9094, type: loadbalancer, tls: true, authentication: {type: tls}}
    authorization: {type: simple}
    config: {default.replication.factor: 3, min.insync.replicas: 2, offsets.topic.replication.factor: 3}
  clusterCa: {generateCertificateAuthority: false}
  clientsCa: {generateCertificateAuthority: false}
  entityOperator: {topicOperator: {}, userOperator: {}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: my-lamps, labels: {strimzi.io/cluster: my-own}}
spec: {partitions: 3, replicas: 3}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: my-lamp, labels: {strimzi.io/cluster: my-own}}
spec:
  authentication: {type: tls}
  authorization: {type: simple, acls: [{resource: {type: topic, name: my-lamps}, operations: [Read, Write, Describe]}]}
`

// TestClusterAround is a Kafka and what it takes from its surroundings.
func TestClusterAround(t *testing.T) {
	inTurn(t, []part{
		{"start", startAround},
		{"racks", clusterRacks},
		{"outside", clusterOutside},
		{"moved", clusterMoved},
		{"uninstall", clusterUninstall},
	})
}

// startAround starts it: without addresses it waits, without the Secrets of its authorities it says which are missing.
func startAround(t *testing.T) {
	for node, zone := range map[string]string{"n1": "a", "n2": "b", "n3": "c"} {
		kubectl(t, "label", "node", node, "topology.kubernetes.io/zone="+zone, "--overwrite")
	}
	kubectl(t, "create", "namespace", kafkaNamespace)
	must(t, "", "helm", "install", "kafka-operator", chart, "--namespace", kafkaNamespace, "--set", "defaultImageTag="+tag)
	rollout(t, kafkaNamespace, "deployment/steg-operator")
	start := time.Now()
	apply(t, kafkaNamespace, around)
	balance(t, map[string]string{
		"my-own-kafka-outside-bootstrap": "10.96.250.9", "my-own-node-outside-0": "10.96.250.10",
		"my-own-node-outside-1": "10.96.250.11", "my-own-node-outside-2": "10.96.250.12",
	})
	eventually(t, time.Minute, func() error {
		said := kubectl(t, "get", "kafka", "my-own", "-n", kafkaNamespace, "-o", `jsonpath={.status.conditions[?(@.type=="NotReady")].message}`)
		if !strings.Contains(said, "there is no Secret my-own-cluster-ca") {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	})
	authorities(t)
	settledOf(t, "my-own", clusterTime)
	kubectl(t, "wait", "-n", kafkaNamespace, "kafkauser/my-lamp", "kafkatopic/my-lamps", "--for=condition=Ready", "--timeout=100s")
	t.Logf("ready %v after it was applied", time.Since(start).Round(time.Second))
}

// authorities makes those of the company by openssl, as its people would: that of the cluster was signed by another one.
func authorities(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	openssl := func(args ...string) { must(t, "", "env", append([]string{"-C", dir, "openssl"}, args...)...) }
	extensions := "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
	if err := os.WriteFile(filepath.Join(dir, "extensions"), []byte(extensions), 0o600); err != nil {
		t.Fatal(err)
	}
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", "root.key", "-out", "root.crt", "-subj", "/O=Lamps/CN=root",
		"-addext", "keyUsage=critical,keyCertSign,cRLSign")
	openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "cluster.key", "-out", "cluster.csr", "-subj", "/O=Lamps/CN=cluster")
	openssl("x509", "-req", "-in", "cluster.csr", "-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial", "-days", "20", "-extfile", "extensions", "-out", "one.crt")
	openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "20", "-keyout", "clients.key", "-out", "clients.crt",
		"-subj", "/O=Lamps/CN=clients", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
	must(t, "", "sh", "-c", "cat "+filepath.Join(dir, "one.crt")+" "+filepath.Join(dir, "root.crt")+" > "+filepath.Join(dir, "cluster.crt"))
	for secret, file := range map[string]string{"my-own-cluster-ca": "cluster", "my-own-clients-ca": "clients"} {
		kubectl(t, "create", "secret", "generic", secret, "-n", kafkaNamespace, "--from-file=ca.key="+filepath.Join(dir, file+".key"))
		kubectl(t, "create", "secret", "generic", secret+"-cert", "-n", kafkaNamespace, "--from-file=ca.crt="+filepath.Join(dir, file+".crt"))
	}
}

// balance is the controller of load balancers, which the lab has not: it gives Services of that type their addresses, to which
// kube-proxy answers.
func balance(t *testing.T, addresses map[string]string) {
	t.Helper()
	for service, address := range addresses {
		eventually(t, time.Minute, func() error {
			kind, err := try("get", "service", service, "-n", kafkaNamespace, "-o", "jsonpath={.spec.type}")
			if err == nil && kind != "LoadBalancer" {
				t.Fatalf("Service %s is of type %s", service, kind)
			}
			return err
		})
		kubectl(t, "patch", "service", service, "-n", kafkaNamespace, "--subresource=status", "--type=merge",
			"-p", `{"status":{"loadBalancer":{"ingress":[{"ip":"`+address+`"}]}}}`)
	}
}

// outsideClient is a program outside the cluster: it knows what the status says, trusts only the root of the company's
// authorities, and is my-lamp.
func outsideClient(t *testing.T) *kgo.Client {
	t.Helper()
	var kafka struct {
		Status struct {
			Listeners []struct {
				Name, BootstrapServers string
				Certificates           []string
			}
		}
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "kafka", "my-own", "-n", kafkaNamespace, "-o", "json")), &kafka); err != nil {
		t.Fatal(err)
	}
	for _, l := range kafka.Status.Listeners {
		if l.Name != "outside" {
			continue
		}
		if l.BootstrapServers != "10.96.250.9:9094" {
			t.Errorf("the listener is at %q", l.BootstrapServers)
		}
		chain := secretValue(t, "my-own-cluster-ca-cert", "ca.crt")
		root := chain[strings.LastIndex(chain, "-----BEGIN"):]
		if all := strings.Join(l.Certificates, ""); !strings.Contains(all, strings.TrimSpace(chain[:strings.Index(chain, "-----END")])) {
			t.Errorf("the status has other certificates than the authority's: %s", all)
		}
		pair, err := tls.X509KeyPair([]byte(secretValue(t, "my-lamp", "user.crt")), []byte(secretValue(t, "my-lamp", "user.key")))
		if err != nil {
			t.Fatal(err)
		}
		trusted := x509.NewCertPool()
		if !trusted.AppendCertsFromPEM([]byte(root)) {
			t.Fatalf("no certificate in %q", root)
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(l.BootstrapServers, ",")...), kgo.RecordDeliveryTimeout(kafkaTime),
			kgo.DialTLSConfig(&tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{pair}}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	t.Fatalf("no listener outside in the status: %+v", kafka.Status.Listeners)
	return nil
}

// places are the brokers as clients outside are told of them, by id: host, port and rack.
func places(client *kgo.Client) (map[int32]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
	defer cancel()
	brokers, err := kadm.NewClient(client).ListBrokers(ctx)
	all := make(map[int32]string)
	for _, b := range brokers {
		rack := "none"
		if b.Rack != nil {
			rack = *b.Rack
		}
		all[b.NodeID] = fmt.Sprintf("%s:%d %s", b.Host, b.Port, rack)
	}
	return all, err
}

// clusterRacks: each broker says the zone of the Kubernetes node that it is on.
func clusterRacks(t *testing.T) {
	seen, err := places(outsideClient(t))
	if err != nil || len(seen) != 3 {
		t.Fatalf("brokers: %v, %v", seen, err)
	}
	var racks []string
	for id, place := range seen {
		node := kubectl(t, "get", "pod", fmt.Sprintf("my-own-node-%d", id), "-n", kafkaNamespace, "-o", "jsonpath={.spec.nodeName}")
		zone := kubectl(t, "get", "node", node, "-o", `jsonpath={.metadata.labels.topology\.kubernetes\.io/zone}`)
		_, rack, _ := strings.Cut(place, " ")
		if rack != zone || zone == "" {
			t.Errorf("broker %d on %s is in rack %q, want %q", id, node, rack, zone)
		}
		racks = append(racks, rack)
	}
	if slices.Sort(racks); len(slices.Compact(racks)) != 3 {
		t.Errorf("the racks are %v, want three", racks)
	}
}

// clusterOutside: records get in by the load balancers' addresses, of which the brokers' certificates tell.
func clusterOutside(t *testing.T) {
	client := outsideClient(t)
	seen, err := places(client)
	if err != nil {
		t.Fatal(err)
	}
	for id := range int32(3) {
		if want := fmt.Sprintf("10.96.250.1%d:9094 ", id); !strings.HasPrefix(seen[id], want) {
			t.Errorf("broker %d tells clients outside %s, want %s", id, seen[id], want)
		}
	}
	write(t, client)
}

// write writes a record into each partition: to each broker, by its own address.
func write(t *testing.T, client *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
	defer cancel()
	for i := range 12 { // by their keys they go to all partitions
		record := &kgo.Record{Topic: "my-lamps", Key: fmt.Appendf(nil, "k%d", i), Value: []byte("from outside")}
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
}

// clusterMoved: a load balancer has another address, and disks are to be larger. Certificates and what clients are told follow, and
// the claims grow, while the authorities' Secrets stay as they were written.
func clusterMoved(t *testing.T) {
	written := func() string {
		out := ""
		for _, secret := range []string{"my-own-cluster-ca", "my-own-cluster-ca-cert", "my-own-clients-ca", "my-own-clients-ca-cert"} {
			out += kubectl(t, "get", "secret", secret, "-n", kafkaNamespace, "-o", "jsonpath={.data} ")
		}
		return out
	}
	before, start := written(), time.Now()
	balance(t, map[string]string{"my-own-node-outside-1": "10.96.250.21"})
	kubectl(t, "patch", "kafkanodepool", "node", "-n", kafkaNamespace, "--type=merge",
		"-p", `{"spec":{"storage":{"volumes":[{"id":0,"type":"persistent-claim","size":"2Gi","deleteClaim":true}]}}}`)
	eventually(t, clusterTime, func() error {
		sizes := strings.Fields(kubectl(t, "get", "pvc", "-n", kafkaNamespace, "-o", "jsonpath={.items[*].spec.resources.requests.storage} {.items[*].status.capacity.storage}"))
		if len(sizes) != 6 || len(slices.Compact(sizes)) != 1 || sizes[0] != "2Gi" {
			return fmt.Errorf("the claims ask for and have %v", sizes)
		}
		return nil
	})
	t.Logf("the claims had grown after %v", time.Since(start).Round(time.Second))
	client := outsideClient(t)
	eventually(t, clusterTime, func() error {
		seen, err := places(client)
		if err == nil && !strings.HasPrefix(seen[1], "10.96.250.21:9094 ") {
			err = fmt.Errorf("broker 1 tells clients outside %s", seen[1])
		}
		return err
	})
	settledOf(t, "my-own", clusterTime)
	write(t, outsideClient(t))
	t.Logf("clients outside were told the new address, and could use it, after %v", time.Since(start).Round(time.Second))
	if written() != before {
		t.Error("the operator has written into Secrets of authorities that are not its own")
	}
}
