//go:build envtest

package envtest

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// TestKafkaAway: while Kafka can't be asked nothing is restarted, and when it can the roll goes on by itself.
func TestKafkaAway(t *testing.T) {
	c, b := smallCluster(t, nil)
	before := c.uids()
	b.set(func(b *broker) { b.away = true })
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"config":{"auto.create.topics.enable":"false"}}}}`)
	until(t, "the settings to be written", func() (bool, string) {
		config := &corev1.ConfigMap{}
		err := c.read("c-kafka-config", config)
		return err == nil && contains(config.Data, "auto.create.topics.enable=false"), fmt.Sprint(err)
	})
	c.settled()
	equal(t, before, c.uids())
	b.set(func(b *broker) { b.away = false })
	c.rolled(before, nil)
	c.stateIs("c", v1.ConditionReady, "")
}

// contains tells whether any file has the line.
func contains(files map[string]string, line string) bool {
	for _, text := range files {
		if slices.Contains(strings.Split(text, "\n"), line) {
			return true
		}
	}
	return false
}

// TestKafkaPartitionAtRisk: a broker whose partition would fall below its min ISR stays until another replica has caught up.
func TestKafkaPartitionAtRisk(t *testing.T) {
	c, b := smallCluster(t, nil)
	before := c.uids()
	b.set(func(b *broker) {
		b.partitions = []roll.Partition{{Topic: "t", Leader: 0, Replicas: []int32{0, 1, 2}, ISR: []int32{0, 1}, MinISR: 2}}
	})
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: c.namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"config":{"auto.create.topics.enable":"false"}}}}`)
	until(t, "node 2, which lags, to be new", func() (bool, string) {
		now := c.uids()
		return now["c-kafka-2"] != "" && now["c-kafka-2"] != before["c-kafka-2"], fmt.Sprint(now)
	})
	c.settled()
	now := c.uids()
	if now["c-kafka-0"] != before["c-kafka-0"] || now["c-kafka-1"] != before["c-kafka-1"] {
		t.Errorf("%v before, %v now", before, now)
	}
	c.says("Kafka", "c", string(roll.PartitionAtRisk)+": node 1 has to stay: t-0 would have 1 replicas in sync of at least 2")
	if err := c.read("c", kafka); err != nil || !slices.ContainsFunc(kafka.Status.Conditions, func(at v1.Condition) bool { return at.Type == v1.ConditionReady }) {
		t.Errorf("it is not Ready any more: %+v %v", kafka.Status.Conditions, err)
	}
	b.set(func(b *broker) { b.partitions[0].ISR = []int32{0, 1, 2} })
	c.rolled(before, c.look)
	c.stateIs("c", v1.ConditionReady, "")
}

// TestKafkaAPIAway: an API server that is away for a while costs nothing but time.
func TestKafkaAPIAway(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	w, at := newWire(t)
	c := kafkaClustersAt(t, at, admin, namespace, brokers(3), nil)
	c.make(small(3))
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	c.stateIs("c", v1.ConditionReady, "")
	before := c.uids()
	w.set(true)
	kafka := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: namespace}}
	c.patch(kafka, `{"spec":{"kafka":{"config":{"auto.create.topics.enable":"false"}}}}`)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "c-kafka-1", Namespace: namespace}}
	if err := c.Delete(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	until(t, "the pod to be gone", func() (bool, string) { return len(c.uids()) == 2, fmt.Sprint(c.uids()) })
	w.set(false)
	c.rolled(before, nil)
	c.stateIs("c", v1.ConditionReady, "")
}

// TestKafkaTwoOperators: two operators at once, which leader election is there to prevent, make one cluster: one id, one authority,
// and no pod is restarted because of the other one.
func TestKafkaTwoOperators(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	b := brokers(3)
	c := kafkaClusters(t, admin, namespace, b, nil)
	other := kafkaClusters(t, admin, namespace, b, nil)
	c.make(small(3))
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	kafka := c.stateIs("c", v1.ConditionReady, "")
	c.settled()
	other.settled()
	authority := &corev1.Secret{}
	if err := c.read("c-cluster-ca-cert", authority); err != nil {
		t.Fatal(err)
	}
	trusted, err := pki.ParseCertificates(authority.Data["ca.crt"])
	if err != nil {
		t.Fatal(err)
	}
	for name, pod := range c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2") {
		config, secret := &corev1.ConfigMap{}, &corev1.Secret{}
		if err := c.read(name, config); err != nil || config.Data[names.FileClusterID] != kafka.Status.ClusterID {
			t.Errorf("%s: %v, cluster id %q", name, err, config.Data[names.FileClusterID])
		}
		if err := c.read(name, secret); err != nil {
			t.Fatal(err)
		}
		chain, err := pki.ParseCertificates(secret.Data[name+".crt"])
		if err != nil {
			t.Fatal(err)
		}
		if err := pki.Verify(chain[0], trusted, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := pki.CertificateHash(secret.Data[name+".crt"]); got != pod.Annotations[names.AnnotationServerCertHash] {
			t.Errorf("%s was started with another certificate", name)
		}
	}
	if all := c.restarts(); len(all) > 0 {
		t.Errorf("restarted: %v", all)
	}
}

// TestKafkaPools: a Kafka with node pools has their nodes, each pool's objects belong to it, and go with it.
func TestKafkaPools(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	b := brokers(1)
	b.set(func(b *broker) { b.configs[1], b.configs[2] = b.configs[0], b.configs[0] })
	c := kafkaClusters(t, admin, namespace, b, nil)
	pool := func(name string, replicas int32, roles ...string) *v1.KafkaNodePool {
		p := &v1.KafkaNodePool{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{names.LabelCluster: "c"}},
			Spec:       v1.KafkaNodePoolSpec{Replicas: replicas, Storage: v1.Storage{Type: v1.StorageEphemeral}, Roles: roles},
		}
		c.make(p)
		return p
	}
	controllers, workers := pool("controllers", 1, v1.RoleController), pool("workers", 2, v1.RoleBroker)
	kafka := small(1)
	kafka.Spec.Kafka.Replicas, kafka.Spec.Kafka.Storage = nil, nil
	c.make(kafka)
	c.podsAre("c-controllers-0", "c-workers-1", "c-workers-2")
	kafka = c.stateIs("c", v1.ConditionReady, "")
	equal(t, []v1.UsedNodePool{{Name: "controllers"}, {Name: "workers"}}, kafka.Status.KafkaNodePools)
	for _, p := range []*v1.KafkaNodePool{controllers, workers} {
		until(t, "the status of "+p.Name, func() (bool, string) {
			err := c.read(p.Name, p)
			return err == nil && p.Status.ClusterID == kafka.Status.ClusterID && len(p.Status.NodeIDs) == int(p.Spec.Replicas), fmt.Sprint(err, p.Status)
		})
	}
	equal(t, []int32{1, 2}, workers.Status.NodeIDs)
	config := &corev1.ConfigMap{}
	if err := c.read("c-workers-1", config); err != nil || config.OwnerReferences[0].UID != workers.UID {
		t.Errorf("%v: the owners %+v", err, config.OwnerReferences)
	}

	t.Log("one more worker, and one less, by the pool's scale")
	b.set(func(b *broker) { b.configs[3] = b.configs[0] })
	c.patch(workers, `{"spec":{"replicas":3}}`)
	c.podsAre("c-controllers-0", "c-workers-1", "c-workers-2", "c-workers-3")
	c.patch(workers, `{"metadata":{"annotations":{"strimzi.io/remove-node-ids":"[1]"}},"spec":{"replicas":2}}`)
	c.podsAre("c-controllers-0", "c-workers-2", "c-workers-3")
	until(t, "node 1 to be forgotten", func() (bool, string) {
		err := c.read("c", kafka)
		return err == nil && slices.Equal(kafka.Status.RegisteredNodeIDs, []int32{0, 2, 3}), fmt.Sprint(err, kafka.Status.RegisteredNodeIDs)
	})
	until(t, "the ids of the pool", func() (bool, string) {
		err := c.read("workers", workers)
		return err == nil && slices.Equal(workers.Status.NodeIDs, []int32{2, 3}), fmt.Sprint(err, workers.Status.NodeIDs)
	})
	if all := c.named(&corev1.SecretList{}); slices.Contains(all, "c-workers-1") {
		t.Errorf("left: %v", all)
	}
}

// TestKafkaMissing: a Secret that a listener names is named when it isn't there, and the cluster is made when it comes.
func TestKafkaMissing(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	c := kafkaClusters(t, admin, namespace, brokers(3), nil)
	kafka := small(3)
	kafka.Spec.Kafka.Listeners[0] = v1.Listener{
		Name: "tls", Port: 9093, Type: v1.ListenerInternal, TLS: true, Configuration: &v1.ListenerConfiguration{
			BrokerCertChainAndKey: &v1.CertAndKeySecretSource{SecretName: "mine", Certificate: "tls.crt", Key: "tls.key"},
		},
	}
	c.make(kafka)
	state := c.stateIs("c", v1.ConditionNotReady, "Invalid")
	named := slices.ContainsFunc(state.Status.Conditions, func(at v1.Condition) bool { return strings.Contains(at.Message, "mine") })
	if !named {
		t.Errorf("%+v", state.Status.Conditions)
	}
	equal(t, 0, len(c.uids()))
	pair, err := pki.NewAuthority(rand.Reader, time.Now(), pki.Template{Subject: pkix.Name{CommonName: "mine"}, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	own := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "mine"},
		Data:       map[string][]byte{"tls.crt": pki.EncodeCertificates(pair.Certificate), "tls.key": key},
	}
	c.make(own)
	c.look()
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	secret := &corev1.Secret{}
	if err := c.read("c-kafka-0", secret); err != nil || string(secret.Data["tls-9093.crt"]) != string(own.Data["tls.crt"]) {
		t.Errorf("%v: the node's Secret lacks the listener's certificate", err)
	}
}
