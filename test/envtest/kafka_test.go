//go:build envtest

package envtest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	clustermodel "github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// kafkaRights are those of the controllers of Kafkas and of StrimziPodSets in a namespace.
func kafkaRights() []rbacv1.PolicyRule {
	owned := []string{"get", "list", "watch", "create", "patch", "delete"}
	return append(podSetRights(),
		rule(v1.Group, "kafkas kafkanodepools", "get", "list", "watch"),
		rule(v1.Group, "kafkas/status kafkanodepools/status", "update"),
		rule(podsetv1.Group, "strimzipodsets", owned...),
		rule("", "configmaps services serviceaccounts persistentvolumeclaims", owned...),
		rule("", "secrets", "get", "create", "update", "delete"),
		rule("networking.k8s.io", "networkpolicies ingresses", owned...),
		rule("policy", "poddisruptionbudgets", owned...),
		rule("events.k8s.io", "events", "create", "patch"),
	)
}

// broker is what the fake Kafka of a test says. With away set it can't be reached.
type broker struct {
	mu           sync.Mutex
	away         bool
	partitions   []roll.Partition
	configs      map[int32]map[string]kafkaadmin.BrokerConfig
	voters       []int32
	level        int16
	unregistered []int32
	quotas       map[string]float64
	told         []string
}

var errAway = errors.New("nobody listens")

// admin is how the controller reaches it.
func (b *broker) admin(ctx context.Context, _ client.ObjectKey, do func(context.Context, controller.Brokers) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	return do(ctx, fakeKafka{b})
}

// set changes what the broker says.
func (b *broker) set(change func(*broker)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// fakeKafka answers while its broker is locked; configs are asked for by several goroutines and only read.
type fakeKafka struct{ *broker }

func (f fakeKafka) Quorum(context.Context) (kafkaadmin.Quorum, error) {
	q := kafkaadmin.Quorum{Leader: f.voters[0]}
	for _, id := range f.voters {
		q.Voters = append(q.Voters, kafkaadmin.Replica{ID: id, Known: true})
	}
	return q, nil
}

func (f fakeKafka) Partitions(context.Context) ([]roll.Partition, error) { return f.partitions, nil }

func (f fakeKafka) BrokerConfigs(_ context.Context, id int32) (map[string]kafkaadmin.BrokerConfig, error) {
	return f.configs[id], nil
}

func (f fakeKafka) SetBrokerConfigs(_ context.Context, id int32, set map[string]string, reset []string) error {
	f.told = append(f.told, fmt.Sprint(id, " ", set, " ", reset))
	for node, configs := range f.configs {
		for key, value := range set {
			if id == kafkaadmin.AllBrokers || id == node {
				configs[key] = kafkaadmin.BrokerConfig{Value: value, Dynamic: true, Own: id == node}
			}
		}
	}
	return nil
}

func (f fakeKafka) Features(context.Context) (kafkaadmin.Features, error) {
	return kafkaadmin.Features{Finalized: map[string]int16{kafkaadmin.MetadataVersion: f.level}}, nil
}

func (f fakeKafka) SetFeature(_ context.Context, _ string, level int16) error {
	f.level = level
	return nil
}

func (f fakeKafka) Unregister(_ context.Context, id int32) error {
	f.unregistered = append(f.unregistered, id)
	return nil
}

func (f fakeKafka) DefaultQuotas(context.Context) (map[string]float64, error) { return f.quotas, nil }

func (f fakeKafka) SetDefaultQuotas(_ context.Context, set map[string]float64, _ []string) error {
	f.quotas = set
	return nil
}

// kafkaClusters starts the controllers of Kafkas and of StrimziPodSets.
func kafkaClusters(t *testing.T, admin client.Client, namespace string, b *broker, change func(*controller.KafkaOptions)) *controlled {
	t.Helper()
	return kafkaClustersAt(t, server, admin, namespace, b, change)
}

// kafkaClustersAt is controllers that reach the API server by another configuration.
func kafkaClustersAt(t *testing.T, at *rest.Config, admin client.Client, namespace string, b *broker, change func(*controller.KafkaOptions)) *controlled {
	t.Helper()
	return runningAt(t, at, admin, namespace, kafkaRights(), func(p parts) error {
		o := controller.KafkaOptions{
			Pods: p.pods, Admin: b.admin, Version: "test", Interval: time.Hour, Timeout: time.Hour, Metrics: p.metrics, Log: p.log,
			Defaults: clustermodel.Defaults{ImageRepository: "apache/kafka", NodeImage: "steg-node:test", Domain: "cluster.local", OperatorNamespace: namespace},
			Agent: func(context.Context, kafkaadmin.Access, string) (kafkaadmin.NodeState, error) {
				return kafkaadmin.NodeState{}, errAway
			},
		}
		if change != nil {
			change(&o)
		}
		return errors.Join(
			controller.SetupKafka(p.mgr, o),
			controller.SetupPodSet(p.mgr, controller.PodSetOptions{Pods: p.pods, Metrics: p.metrics, Log: p.log}),
		)
	})
}

// seed is the Kafka of the lab, as it is applied there.
func seed(t *testing.T) *v1.Kafka {
	t.Helper()
	text, err := os.ReadFile("../e2e/testdata/kafka.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kafka := &v1.Kafka{}
	if err := yaml.Unmarshal(text, kafka); err != nil {
		t.Fatal(err)
	}
	kafka.TypeMeta = metav1.TypeMeta{} // v1 has all that v1beta2 had
	return kafka
}

// named lists the objects of a kind that were made for Kafkas in the test's namespace, by name.
func (c *controlled) named(list client.ObjectList) (all []string) {
	c.t.Helper()
	gvk, err := c.GroupVersionKindFor(list)
	if err != nil {
		c.t.Fatal(err)
	}
	metadata := &metav1.PartialObjectMetadataList{}
	metadata.SetGroupVersionKind(gvk)
	if err := c.List(deadline(c.t), metadata, client.InNamespace(c.namespace), client.MatchingLabels{names.LabelKind: names.KindKafka}); err != nil {
		c.t.Fatal(err)
	}
	for _, item := range metadata.Items {
		all = append(all, item.Name)
	}
	slices.Sort(all)
	return all
}

// stateIs waits until a Kafka has a condition of the type, whose reason and message begin as the text does, and returns it.
func (c *controlled) stateIs(name, condition, begins string) *v1.Kafka {
	c.t.Helper()
	kafka := &v1.Kafka{}
	until(c.t, name+" to be "+condition+" "+begins, func() (bool, string) {
		if err := c.read(name, kafka); err != nil {
			return false, err.Error()
		}
		var seen []string
		for _, at := range kafka.Status.Conditions {
			text := strings.TrimSpace(at.Reason + " " + at.Message)
			seen = append(seen, at.Type+" "+text)
			if at.Type == condition && strings.HasPrefix(text, begins) && kafka.Status.ObservedGeneration == kafka.Generation {
				return true, ""
			}
		}
		return false, strings.Join(seen, " | ")
	})
	return kafka
}

// brokers is a fake Kafka of n nodes.
func brokers(n int32) *broker {
	b := &broker{configs: make(map[int32]map[string]kafkaadmin.BrokerConfig), level: 30}
	for id := range n {
		b.voters = append(b.voters, id)
		b.configs[id] = make(map[string]kafkaadmin.BrokerConfig)
	}
	return b
}

// TestKafkaSeed: the lab's Kafka becomes the objects of the lab's transcript, and is ready when its pods are.
func TestKafkaSeed(t *testing.T) {
	admin, namespace := cluster(t)
	node := kubelets(t, admin, namespace, nil)
	c := kafkaClusters(t, admin, namespace, brokers(3), nil)
	grantNodes(t, admin, namespace)
	c.make(seed(t))
	pods := c.podsAre("my-cluster-kafka-0", "my-cluster-kafka-1", "my-cluster-kafka-2")
	kafka := c.stateIs("my-cluster", v1.ConditionReady, "")

	equal(t, []string{
		"my-cluster-kafka-0", "my-cluster-kafka-1", "my-cluster-kafka-2", "my-cluster-kafka-bootstrap", "my-cluster-kafka-brokers",
		"my-cluster-kafka-external-bootstrap",
	}, c.named(&corev1.ServiceList{}))
	equal(t, []string{"my-cluster-kafka-0", "my-cluster-kafka-1", "my-cluster-kafka-2", "my-cluster-kafka-config"}, c.named(&corev1.ConfigMapList{}))
	equal(t, []string{
		"my-cluster-clients-ca", "my-cluster-clients-ca-cert", "my-cluster-cluster-ca", "my-cluster-cluster-ca-cert", "my-cluster-cluster-operator-certs",
		"my-cluster-kafka-0", "my-cluster-kafka-1", "my-cluster-kafka-2", "my-cluster-trustbundle",
	}, c.named(&corev1.SecretList{}))
	equal(t, []string{"data-0-my-cluster-kafka-0", "data-0-my-cluster-kafka-1", "data-0-my-cluster-kafka-2"}, c.named(&corev1.PersistentVolumeClaimList{}))
	equal(t, []string{"my-cluster-kafka"}, c.named(&podsetv1.StrimziPodSetList{}))
	equal(t, []string{"my-cluster-kafka"}, c.named(&policyv1.PodDisruptionBudgetList{}))
	equal(t, []string{"my-cluster-network-policy-kafka"}, c.named(&networkingv1.NetworkPolicyList{}))

	id, err := base64.RawURLEncoding.DecodeString(kafka.Status.ClusterID)
	if err != nil || len(id) != 16 {
		t.Errorf("the cluster's id %q: %v", kafka.Status.ClusterID, err)
	}
	for _, pod := range pods {
		// The host name comes before an internal address.
		until(t, "the address of "+pod.Name, func() (bool, string) {
			err := c.read(pod.Name, pod)
			return err == nil && pod.Annotations[names.AnnotationNodeAddress] == node.node, fmt.Sprint(err, pod.Annotations)
		})
		config := &corev1.ConfigMap{}
		if err := c.read(pod.Name, config); err != nil || config.Data[names.FileClusterID] != kafka.Status.ClusterID {
			t.Errorf("%v: %s has the cluster id %q", err, pod.Name, config.Data[names.FileClusterID])
		}
	}
	external := slices.IndexFunc(kafka.Status.Listeners, func(l v1.ListenerStatus) bool { return l.Name == "external" })
	if external < 0 || len(kafka.Status.Listeners[external].Addresses) == 0 || kafka.Status.Listeners[external].Addresses[0].Host != node.node {
		t.Fatalf("the listeners %+v on %s", kafka.Status.Listeners, node.node)
	}
	service := &corev1.Service{}
	if err := c.read("my-cluster-kafka-external-bootstrap", service); err != nil {
		t.Fatal(err)
	}
	if got := kafka.Status.Listeners[external].Addresses[0].Port; got != service.Spec.Ports[0].NodePort {
		t.Errorf("port %d instead of %d", got, service.Spec.Ports[0].NodePort)
	}

	t.Log("nothing is written any more")
	c.settled()
	c.asked.take()
	c.patch(kafka, `{"metadata":{"annotations":{"some":"thing"}}}`)
	c.settled()
	idle := c.asked.take()
	t.Logf("%d requests in an idle pass", len(idle))
	for _, asked := range idle {
		if !strings.HasPrefix(asked, "GET ") {
			t.Errorf("an idle pass asked %s", asked)
		}
	}
	if at := c.metric("strimzi_certificate_expiration_timestamp_ms"); at < 2*float64(time.Now().UnixMilli()) {
		t.Errorf("both authorities end at %f", at)
	}
	equal(t, 0.0, c.metric("strimzi_reconciliations_failed_total"))
}

// grantNodes gives the operator of the namespace what it needs to know of Kubernetes' nodes and storage classes.
func grantNodes(t *testing.T, admin client.Client, namespace string) {
	t.Helper()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-"},
		Rules:      []rbacv1.PolicyRule{rule("", "nodes", "get"), rule("storage.k8s.io", "storageclasses", "get")},
	}
	if err := admin.Create(deadline(t), role); err != nil {
		t.Fatal(err)
	}
	if err := admin.Create(deadline(t), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "operator-"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:serviceaccounts:" + namespace}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
	}); err != nil {
		t.Fatal(err)
	}
}

// small is a Kafka of ephemeral nodes with one internal listener.
func small(replicas int32) *v1.Kafka {
	return &v1.Kafka{
		ObjectMeta: metav1.ObjectMeta{Name: "c"},
		Spec: v1.KafkaSpec{Kafka: v1.KafkaClusterSpec{
			Replicas:  &replicas,
			Listeners: []v1.Listener{{Name: "plain", Port: 9092, Type: v1.ListenerInternal}},
			Storage:   &v1.Storage{Type: v1.StorageEphemeral},
		}},
	}
}
