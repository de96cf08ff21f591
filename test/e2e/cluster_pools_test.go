//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// pools is a Kafka of an older version whose controllers and brokers are apart.
const pools = `
apiVersion: kafka.strimzi.io/v1
kind: KafkaNodePool
metadata: {name: controllers, labels: {strimzi.io/cluster: my-pools}}
spec: {replicas: 3, roles: [controller], storage: {type: ephemeral}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaNodePool
metadata: {name: brokers, labels: {strimzi.io/cluster: my-pools}}
spec: {replicas: 3, roles: [broker], storage: {type: jbod, volumes: [{id: 0, type: persistent-claim, size: 1Gi, deleteClaim: true}]}}
---
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata: {name: my-pools}
spec:
  kafka:
    version: 3.9.1
    listeners:
    - {name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}
    authorization: {type: simple}
    config: {default.replication.factor: 3, min.insync.replicas: 2, offsets.topic.replication.factor: 3}
  entityOperator: {topicOperator: {}, userOperator: {}}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata: {name: my-writer, labels: {strimzi.io/cluster: my-pools}}
spec:
  authentication: {type: tls}
  authorization: {type: simple, acls: [{resource: {type: topic, name: my-, patternType: prefix}, operations: [Read, Write, Describe]}]}
`

// clusterPools upgrades a Kafka from 3.9 to 4.3 and scales its brokers up and down, while an application writes.
func clusterPools(t *testing.T) {
	kubectl(t, "create", "namespace", kafkaNamespace)
	must(t, "", "helm", "install", "kafka-operator", chart, "--namespace", kafkaNamespace, "--set", "defaultImageTag="+tag)
	rollout(t, kafkaNamespace, "deployment/steg-operator")
	apply(t, kafkaNamespace, pools)
	settledOf(t, "my-pools", clusterTime)
	kubectl(t, "wait", "-n", kafkaNamespace, "kafkauser/my-writer", "--for=condition=Ready", "--timeout=60s")
	version := func(want string) {
		t.Helper()
		if v := kubectl(t, "get", "kafka", "my-pools", "-n", kafkaNamespace, "-o", "jsonpath={.status.kafkaVersion} {.status.kafkaMetadataVersion}"); !strings.HasPrefix(v, want) {
			t.Errorf("the versions of Kafka and of its metadata are %s, want %s", v, want)
		}
	}
	version("3.9.1 3.9")
	w := startWriting(t, "my-pools", "my-writer", "my-pools")

	start, before := time.Now(), brokers(t, "my-pools")
	kubectl(t, "patch", "kafka", "my-pools", "-n", kafkaNamespace, "--type=merge", "-p", `{"spec":{"kafka":{"version":"4.3.1"}}}`)
	rolledOf(t, "my-pools", before)
	eventually(t, time.Minute, func() error {
		if v := kubectl(t, "get", "kafka", "my-pools", "-n", kafkaNamespace, "-o", "jsonpath={.status.kafkaMetadataVersion}"); !strings.HasPrefix(v, "4.3") {
			return fmt.Errorf("the metadata are of version %s", v)
		}
		return nil
	})
	version("4.3.1 4.3")
	w.more(50)
	w.inSync(false)
	t.Logf("upgraded from 3.9.1 to 4.3.1: %v", time.Since(start).Round(time.Second))

	for _, n := range []string{"4", "3"} {
		start := time.Now()
		kubectl(t, "scale", "kafkanodepool", "brokers", "-n", kafkaNamespace, "--replicas="+n)
		eventually(t, clusterTime, func() error {
			out := kubectl(t, "get", "kafkanodepool", "brokers", "-n", kafkaNamespace, "-o", "jsonpath={.status.replicas} {.status.nodeIds}")
			ready := kubectl(t, "get", "strimzipodset", "my-pools-brokers", "-n", kafkaNamespace, "-o", "jsonpath={.status.pods} {.status.readyPods}")
			if !strings.HasPrefix(out, n+" ") || ready != n+" "+n {
				return fmt.Errorf("replicas and ids: %s; pods and ready ones: %s", out, ready)
			}
			return nil
		})
		settledOf(t, "my-pools", clusterTime)
		w.more(50)
		t.Logf("scaled to %s brokers: %v", n, time.Since(start).Round(time.Second))
	}
	w.inSync(false)
	w.end()
	w.whole()
	clusterUninstall(t)
}
