//go:build envtest

package envtest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// topicBrokers is a Kafka that runs beside the API server.
type topicBrokers struct {
	bootstrap string
	ca        *pki.CA
	admin     *kafkaadmin.Admin // a super user's, past the operator
}

// topicFake is a Kafka in the test's process.
func topicFake(t *testing.T, opts ...kafkatest.Option) (*kafkatest.Cluster, topicBrokers) {
	t.Helper()
	c := kafkatest.Start(t, append([]kafkatest.Option{kafkatest.MTLS(), kafkatest.NoAutoCreate()}, opts...)...)
	return c, topicBrokers{bootstrap: c.Bootstrap(), ca: c.CA, admin: kafkaadmin.New(c.Client(), kafkaadmin.Limits{})}
}

// topicControllers starts the controller of KafkaTopics, for the namespace and with the rights that it needs there.
func topicControllers(t *testing.T, c client.Client, namespace string, k topicBrokers, change func(*controller.TopicOptions)) *controlled {
	t.Helper()
	return topicControllersAt(t, limited(t, server, c, []string{namespace}, topicRights()), c, []string{namespace}, k, change)
}

// topicControllersAt is topicControllers for several namespaces, by any configuration.
func topicControllersAt(t *testing.T, at *rest.Config, c client.Client, namespaces []string, k topicBrokers, change func(*controller.TopicOptions)) *controlled {
	t.Helper()
	run := &controlled{Client: c, t: t, namespace: namespaces[0], asked: &requests{}, registry: prometheus.NewRegistry(), log: &lines{}}
	metrics, err := controller.NewMetrics(run.registry)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(run.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	informers, err := controller.Cache(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := manager.New(run.asked.counted(at), manager.Options{
		Scheme: c.Scheme(), Cache: informers, Metrics: metricsserver.Options{BindAddress: "0"},
		Client:     client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Logger:     logr.FromSlogHandler(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	run.cache = mgr.GetCache()
	clusters := controller.NewClusters(controller.ClustersOptions{
		Live: mgr.GetAPIReader(), Bootstrap: func(client.ObjectKey) string { return k.bootstrap },
		Limits: kafkaadmin.Limits{Timeout: 10 * time.Second},
	})
	o := controller.TopicOptions{Clusters: clusters, Interval: time.Hour, Metrics: metrics, Log: log}
	if change != nil {
		change(&o)
	}
	if err := controller.SetupTopic(mgr, o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	run.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the controller ended with %v", err)
		}
		clusters.Close()
		if t.Failed() {
			t.Logf("the controller logged:\n%s", run.log)
		}
	}
	t.Cleanup(run.stop)
	return run
}

// topicRights are those of the controller of KafkaTopics.
func topicRights() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		rule(v1.Group, "kafkas", "get", "list", "watch"),
		rule(v1.Group, "kafkatopics", "get", "list", "watch", "create", "patch", "delete"),
		rule(v1.Group, "kafkatopics/status", "update"),
		rule("", "secrets", "get"),
		rule("events.k8s.io", "events", "create", "patch"),
	}
}

// newTopicKafka creates a Kafka whose topics are looked after, and the Secrets that the operator connects by.
func newTopicKafka(t *testing.T, c client.Client, namespace, name string, k topicBrokers, change func(*v1.Kafka)) *v1.Kafka {
	t.Helper()
	newTopicAccess(t, c, namespace, name, k)
	kafka := &v1.Kafka{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1.KafkaSpec{
			Kafka: v1.KafkaClusterSpec{
				Listeners: []v1.Listener{{Name: "plain", Port: 9092, Type: "internal"}},
			},
			EntityOperator: &v1.EntityOperatorSpec{TopicOperator: &v1.EntityTopicOperatorSpec{}},
		},
	}
	if change != nil {
		change(kafka)
	}
	if err := c.Create(deadline(t), kafka); err != nil {
		t.Fatal(err)
	}
	return kafka
}

// newTopicAccess creates the Secrets of a cluster's authority and of the operator's own certificate.
func newTopicAccess(t *testing.T, c client.Client, namespace, cluster string, k topicBrokers) {
	t.Helper()
	own, err := k.ca.Issue(pki.Subject{CommonName: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]map[string][]byte{
		names.ClusterCACert(cluster):       {names.KeyCACertificate: k.ca.PEM},
		names.OperatorCertificate(cluster): {names.KeyOperatorCert: own.CertPEM, names.KeyOperatorKey: own.KeyPEM},
	} {
		if err := c.Create(deadline(t), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
}

// topicOf is a KafkaTopic of the cluster my-cluster.
func topicOf(name string, partitions, replicas int32, config string) *v1.KafkaTopic {
	cr := &v1.KafkaTopic{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{names.LabelCluster: "my-cluster"}},
		Spec:       v1.KafkaTopicSpec{Partitions: &partitions, Replicas: &replicas},
	}
	for setting := range strings.FieldsSeq(config) {
		key, value, _ := strings.Cut(setting, "=")
		if cr.Spec.Config == nil {
			cr.Spec.Config = make(v1.Config)
		}
		raw := cr.Spec.Config[key]
		raw.Raw = []byte(`"` + value + `"`)
		cr.Spec.Config[key] = raw
	}
	return cr
}

// newTopic creates a KafkaTopic of the cluster my-cluster.
func (c *controlled) newTopic(cr *v1.KafkaTopic) *v1.KafkaTopic {
	c.t.Helper()
	c.make(cr)
	return cr
}

// topicSays is the status in short: "Type=Status Reason: Message" of each condition, Reason and Message only if there are any.
func topicSays(cr *v1.KafkaTopic) string {
	var texts []string
	for _, c := range cr.Status.Conditions {
		text := c.Type + "=" + c.Status
		if c.Reason != "" {
			text += " " + c.Reason + ": " + c.Message
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// topicBecomes waits until the KafkaTopic's conditions are these, for its present generation, and returns it. A text that ends with
// "…" stands for all that begin with it.
func (c *controlled) topicBecomes(name, want string) *v1.KafkaTopic {
	c.t.Helper()
	cr := &v1.KafkaTopic{}
	begin, open := strings.CutSuffix(want, "…")
	until(c.t, "the status of "+name+" to be "+want, func() (bool, string) {
		if err := c.read(name, cr); err != nil {
			return false, err.Error()
		}
		got := topicSays(cr)
		return (got == want || open && strings.HasPrefix(got, begin)) && cr.Status.ObservedGeneration == cr.Generation, got
	})
	return cr
}

// topicGone waits until there is no KafkaTopic of the name.
func (c *controlled) topicGone(name string) {
	c.t.Helper()
	until(c.t, name+" to be gone", func() (bool, string) {
		cr := &v1.KafkaTopic{}
		err := c.read(name, cr)
		return apierrors.IsNotFound(err), topicSays(cr)
	})
}

// state returns a topic as Kafka has it, nil if there is none.
func (k topicBrokers) state(t *testing.T, name string) *topic.State {
	t.Helper()
	read, err := k.admin.ReadTopics(deadline(t), []string{name})
	if err != nil || len(read.Failed) > 0 {
		t.Fatal(err, read.Failed)
	}
	return read.States[name]
}

// has waits until a topic has this many partitions and these settings, as "key=value", sorted.
func (k topicBrokers) has(t *testing.T, name string, partitions int, settings ...string) *topic.State {
	t.Helper()
	var s *topic.State
	until(t, "the topic "+name, func() (bool, string) {
		if s = k.state(t, name); s == nil {
			return false, "there is none"
		}
		var got []string
		for key, setting := range s.Config {
			got = append(got, key+"="+setting.Value)
		}
		slices.Sort(got)
		return len(s.Partitions) == partitions && slices.Equal(got, settings), strings.Join(got, " ")
	})
	return s
}

// hasNot waits until there is no topic of the name.
func (k topicBrokers) hasNot(t *testing.T, name string) {
	t.Helper()
	until(t, "no topic "+name, func() (bool, string) { return k.state(t, name) == nil, "it is there" })
}

// apply changes topics past the operator.
func (k topicBrokers) apply(t *testing.T, changes ...topic.Changes) {
	t.Helper()
	for name, result := range k.admin.ApplyTopics(deadline(t), changes) {
		if result.Err != nil {
			t.Fatal(name, result.Err)
		}
	}
}
