package names

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

// TestClusterObjectsAreStable lists the names of the objects of a Kafka cluster.
func TestClusterObjectsAreStable(t *testing.T) {
	var out strings.Builder
	list := func(title string, names ...string) {
		fmt.Fprintf(&out, "%s\n    %s\n", title, strings.Join(names, "\n    "))
	}
	const c = "my-cluster"
	list("cluster", KafkaComponent(c), KafkaServiceAccount(c), KafkaPodDisruptionBudget(c), KafkaNetworkPolicy(c), KafkaConfigMap(c),
		KafkaBootstrapService(c), KafkaBrokersService(c), KafkaUserLedger(c))
	list("secrets", ClusterCA(c), ClusterCACert(c), ClientsCA(c), ClientsCACert(c), OperatorCertificate(c), TrustBundle(c), KafkaJMX(c))
	pod := NodePod(c, "kafka", 0)
	list("node", PodSet(c, "kafka"), pod, NodeHost(pod, c, "shop"), DataClaim(VolumeData, pod), DataClaim(DataVolume(7), pod))
	for _, l := range []struct {
		name string
		port int32
	}{{"plain", 9092}, {"tls", 9093}, {"external", 9094}, {"external", 9095}, {"plain", 9093}, {"own", 9100}} {
		list(fmt.Sprintf("listener %s:%d", l.name, l.port), KafkaListener(l.name, l.port), ListenerPort(l.name, l.port),
			KafkaListenerService(c, l.name), KafkaListenerRoute(c, l.name, l.port), NodeListener(c, "kafka", l.name, l.port, 12),
			ListenerCertificate(l.name, l.port))
	}
	golden.Equal(t, "cluster.golden", []byte(out.String()))
}

// A pod's name gives the node's id back, and no other text is taken for one.
func TestNodeID(t *testing.T) {
	for _, id := range []int32{0, 7, 10, math.MaxInt32} {
		if got, ok := NodeID(NodePod("my-cluster", "pool-1", id)); !ok || got != id {
			t.Errorf("%d came back as %d, %v", id, got, ok)
		}
	}
	for _, pod := range []string{"", "kafka", "-1", "kafka-", "kafka-x", "kafka-01", "kafka-+1", "kafka-2147483648", "kafka--", "1"} {
		if got, ok := NodeID(pod); ok {
			t.Errorf("%q was taken for the pod of node %d", pod, got)
		}
	}
}

// FuzzNodeID: what is taken for the name of a pod is one.
func FuzzNodeID(f *testing.F) {
	f.Add("my-cluster-kafka-0")
	f.Add("my-cluster-kafka-00")
	f.Fuzz(func(t *testing.T, pod string) {
		id, ok := NodeID(pod)
		if ok && (id < 0 || !strings.HasSuffix(pod, "-"+decimal(id))) {
			t.Errorf("%q is node %d", pod, id)
		}
	})
}
