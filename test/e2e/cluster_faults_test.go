//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// operatorClient is a client with the operator's own rights, for looking at what users may not see.
func operatorClient(t testing.TB, cluster string, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	secret := cluster + "-cluster-operator-certs"
	pair, err := tls.X509KeyPair([]byte(secretValue(t, secret, "cluster-operator.crt")), []byte(secretValue(t, secret, "cluster-operator.key")))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(secretValue(t, cluster+"-trustbundle", "cluster-ca.crt")))
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(cluster + "-kafka-bootstrap." + kafkaNamespace + ".svc.cluster.local:9091"),
		kgo.DialTLSConfig(&tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{pair}}),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// writing is an application in a pod with a sidecar that found everything by itself, and what it said so far.
type writing struct {
	*load
	cluster string
	stop    context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	below   []string // partitions that were seen below their min.insync.replicas
}

// startWriting starts an application that writes without a pause, and a watch over the topic's replicas.
func startWriting(t testing.TB, cluster, user, name string) *writing {
	t.Helper()
	apply(t, kafkaNamespace, fmt.Sprintf(`
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata: {name: %s, labels: {strimzi.io/cluster: %s}}
spec: {partitions: 3, replicas: 3, config: {min.insync.replicas: 2}}
`, name, cluster))
	kubectl(t, "wait", "-n", kafkaNamespace, "kafkatopic/"+name, "--for=condition=Ready", "--timeout=60s")
	apply(t, kafkaNamespace, asUser(workload("Deployment", name, 1, writer(name)), cluster, user))
	rollout(t, kafkaNamespace, "deployment/"+name)
	ctx, stop := context.WithCancel(context.Background())
	w := &writing{load: &load{t: t, ns: kafkaNamespace, topic: name, pod: firstPod(t, kafkaNamespace, name)}, cluster: cluster, stop: stop}
	w.done.Go(func() { w.watch(ctx) })
	t.Cleanup(w.end)
	w.more(20)
	return w
}

// asUser has pods ask for the sidecar of a Kafka instead of a KafkaBridge's.
func asUser(workload, cluster, user string) string {
	return strings.Replace(workload, "steg.dev/bridge: my-bridge}", "steg.dev/cluster: "+cluster+"}, annotations: {steg.dev/user: "+user+"}", 1)
}

func (w *writing) end() {
	w.stop()
	w.done.Wait()
}

// watch looks at the replicas of the topic twice a second.
func (w *writing) watch(ctx context.Context) {
	client := operatorClient(w.t, w.cluster)
	defer client.Close()
	for tick := time.NewTicker(500 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		topics, err := kadm.NewClient(client).ListTopics(ctx, w.topic)
		if err != nil {
			continue // a look that was not possible says nothing
		}
		w.mu.Lock()
		for _, p := range topics[w.topic].Partitions.Sorted() {
			if p.Err == nil && len(p.ISR) < 2 {
				w.below = append(w.below, fmt.Sprintf("%s: partition %d in sync on %v", time.Now().Format(time.TimeOnly), p.Partition, p.ISR))
			}
		}
		w.mu.Unlock()
	}
}

// inSync waits until every replica of the topic is in sync, and complains if one was below min.insync.replicas meanwhile,
// unless that was to be.
func (w *writing) inSync(allowed bool) {
	w.t.Helper()
	client := operatorClient(w.t, w.cluster)
	defer client.Close()
	eventually(w.t, 2*time.Minute, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
		defer cancel()
		topics, err := kadm.NewClient(client).ListTopics(ctx, w.topic)
		if err != nil {
			return err
		}
		for _, p := range topics[w.topic].Partitions.Sorted() {
			if len(p.ISR) != len(p.Replicas) {
				return fmt.Errorf("partition %d of %s is in sync on %v of %v", p.Partition, w.topic, p.ISR, p.Replicas)
			}
		}
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.below) > 0 && !allowed {
		w.t.Errorf("below min.insync.replicas: %s", strings.Join(w.below, "; "))
	}
	w.below = nil
}

// whole holds what was acknowledged against the topic.
func (w *writing) whole() {
	w.t.Helper()
	w.read()
	client := operatorClient(w.t, w.cluster, kgo.ConsumeTopics(w.topic))
	defer client.Close()
	in := make(map[string]int)
	for _, value := range readAll(w.t, client, w.topic) {
		in[strings.Trim(value, `"`)]++
	}
	for n := range w.acked {
		if in[n] == 0 {
			w.t.Errorf("record %s was acknowledged and is not there", n)
		}
	}
	w.t.Logf("%s: %d records acknowledged, %d not; all of the former are there", w.topic, len(w.acked), len(w.not))
}

// brokers are the UIDs of the pods of a cluster by name.
func brokers(t testing.TB, cluster string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	out := kubectl(t, "get", "pods", "-n", kafkaNamespace, "-l", "strimzi.io/kind=Kafka,strimzi.io/cluster="+cluster, "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`)
	for line := range strings.Lines(out) {
		name, uid, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = uid
	}
	return all
}

// rolled waits until every pod of the cluster is another one than before and the cluster is settled.
func rolled(t testing.TB, before map[string]string) {
	t.Helper()
	rolledOf(t, "my-cluster", before)
}

func rolledOf(t testing.TB, cluster string, before map[string]string) {
	t.Helper()
	eventually(t, clusterTime, func() error {
		for name, uid := range brokers(t, cluster) {
			if before[name] == uid {
				return fmt.Errorf("pod %s was not restarted", name)
			}
		}
		return nil
	})
	settledOf(t, cluster, clusterTime)
}

// clusterFaults: while an application writes through its sidecar, everything is done to the cluster that operators of
// clusters do, and what befalls them. Nothing that was acknowledged is lost, and no partition is below its min.insync.replicas
// unless a node was lost.
func clusterFaults(t *testing.T) {
	w := startWriting(t, "my-cluster", "my-app", "my-faults")
	stage := func(name string, do func()) {
		t.Helper()
		start := time.Now()
		do()
		w.more(50)
		t.Logf("%s: %v", name, time.Since(start).Round(time.Second))
	}
	stage("settings that need a restart, and the operator killed in the middle", func() {
		before := brokers(t, "my-cluster")
		kubectl(t, "patch", "kafka", "my-cluster", "-n", kafkaNamespace, "--type=merge", "-p", `{"spec":{"kafka":{"config":{"queued.max.requests":600}}}}`)
		eventually(t, clusterTime, func() error {
			for name, uid := range brokers(t, "my-cluster") {
				if before[name] != uid {
					return nil
				}
			}
			return fmt.Errorf("no pod was restarted")
		})
		kubectl(t, "delete", "pods", "-n", kafkaNamespace, "-l", operators, "--grace-period=0", "--force")
		rolled(t, before)
		w.inSync(false)
	})
	stage("a setting that Kafka takes at run time", func() {
		before := brokers(t, "my-cluster")
		kubectl(t, "patch", "kafka", "my-cluster", "-n", kafkaNamespace, "--type=merge", "-p", `{"spec":{"kafka":{"config":{"log.retention.ms":86400000}}}}`)
		eventually(t, time.Minute, func() error {
			client := operatorClient(t, "my-cluster")
			defer client.Close()
			ctx, cancel := context.WithTimeout(context.Background(), kafkaTime)
			defer cancel()
			configs, err := kadm.NewClient(client).DescribeBrokerConfigs(ctx, 0, 1, 2)
			if err != nil {
				return err
			}
			for _, broker := range configs {
				for _, c := range broker.Configs {
					if c.Key == "log.retention.ms" && (c.Value == nil || *c.Value != "86400000") {
						return fmt.Errorf("broker %s has another value", broker.Name)
					}
				}
			}
			return nil
		})
		settled(t, clusterTime)
		for name, uid := range brokers(t, "my-cluster") {
			if before[name] != uid {
				t.Errorf("pod %s was restarted for it", name)
			}
		}
	})
	stage("a new key of the cluster's authority", func() {
		before := secretValue(t, "my-cluster-cluster-ca", "ca.key")
		kubectl(t, "annotate", "secret", "my-cluster-cluster-ca", "-n", kafkaNamespace, "strimzi.io/force-replace=true")
		eventually(t, time.Minute, func() error {
			if secretValue(t, "my-cluster-cluster-ca", "ca.key") == before {
				return fmt.Errorf("the key is the same")
			}
			return nil
		})
		eventually(t, 2*clusterTime, func() error { // the end of it: nobody trusts the former one any more
			if n := strings.Count(secretValue(t, "my-cluster-trustbundle", "cluster-ca.crt"), "BEGIN CERTIFICATE"); n != 1 {
				return fmt.Errorf("%d certificates are trusted", n)
			}
			return nil
		})
		settled(t, clusterTime)
		w.inSync(false)
	})
	stage("a broker's pod killed", func() {
		kubectl(t, "delete", "pod", "my-cluster-kafka-1", "-n", kafkaNamespace, "--grace-period=0", "--force")
		kubectl(t, "wait", "-n", kafkaNamespace, "--for=create", "pod/my-cluster-kafka-1", "--timeout=60s")
		kubectl(t, "wait", "-n", kafkaNamespace, "--for=condition=Ready", "pod/my-cluster-kafka-1", "--timeout=110s")
		w.inSync(false)
	})
	stage("a node lost, and back", func() {
		lost := ""
		for _, pod := range []string{"my-cluster-kafka-0", "my-cluster-kafka-1", "my-cluster-kafka-2"} {
			node := kubectl(t, "get", "pod", pod, "-n", kafkaNamespace, "-o", "jsonpath={.spec.nodeName}")
			if on := kubectl(t, "get", "pod", w.pod, "-n", kafkaNamespace, "-o", "jsonpath={.spec.nodeName}"); node != "n1" && node != on {
				lost = node
			}
		}
		lab(t, "node-kill", lost)
		w.more(200)
		lab(t, "node-start", lost)
		kubectl(t, "wait", "--for=condition=Ready", "node/"+lost, "--timeout=110s")
		w.inSync(true)
		settled(t, clusterTime)
	})
	w.end()
	w.whole()
}

// lab runs a verb of the lab.
func lab(t testing.TB, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, setting("STEG_LAB"), args...).CombinedOutput(); err != nil {
		t.Fatalf("lab %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
