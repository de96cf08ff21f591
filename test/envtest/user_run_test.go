//go:build envtest

package envtest

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
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
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// userOperator is the controller of KafkaUsers at work in two namespaces, with no more rights than it needs. The Kafka is the
// first one's.
type userOperator struct {
	*controlled
	other   string // the second namespace
	clock   *clock
	mirrors *controller.Mirrors
}

// userSetting is what controllers of KafkaUsers are started with.
type userSetting struct {
	bootstrap string // of the Kafka cluster
	interval  time.Duration
	watched   bool // a Kafka may name namespaces
	clock     *clock
	timeout   time.Duration // of a request to Kafka
}

// userControllers starts the controller in two namespaces.
func userControllers(t *testing.T, admin client.Client, namespace, other string, s userSetting) *userOperator {
	t.Helper()
	run := &controlled{Client: admin, t: t, namespace: namespace, asked: &requests{}, registry: prometheus.NewRegistry(), log: &lines{}}
	o := &userOperator{controlled: run, other: other, clock: s.clock}
	if o.clock == nil {
		o.clock = &clock{}
	}
	metrics, err := controller.NewMetrics(run.registry)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(run.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	informers, err := controller.Cache([]string{namespace, other})
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := manager.New(run.asked.counted(limited(t, server, admin, []string{namespace, other}, userRights())), manager.Options{
		Scheme: admin.Scheme(), Cache: informers, Metrics: metricsserver.Options{BindAddress: "0"},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		Logger: logr.FromSlogHandler(log.Handler()),
	})
	if err != nil {
		t.Fatal(err)
	}
	run.cache = mgr.GetCache()
	clusters := controller.NewClusters(controller.ClustersOptions{
		Live: mgr.GetAPIReader(), Bootstrap: func(client.ObjectKey) string { return s.bootstrap },
		Limits: kafkaadmin.Limits{Timeout: s.timeout},
	})
	t.Cleanup(clusters.Close)
	if s.interval == 0 {
		s.interval = time.Hour
	}
	err = controller.SetupUser(mgr, controller.UserOptions{
		Clusters: clusters, Namespaces: []string{namespace, other}, WatchedNamespace: s.watched, Interval: s.interval,
		Metrics: metrics, Log: log, Now: o.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.mirrors = controller.NewMirrors(mgr.GetClient(), mgr.GetAPIReader(), []string{namespace, other})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	run.stop = func() {
		run.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the controllers ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the controllers logged:\n%s", run.log)
		}
	}
	t.Cleanup(func() { run.stop() })
	return o
}

// userRights are what the controller of KafkaUsers needs.
func userRights() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		rule(v1.Group, "kafkas kafkausers", "get", "list", "watch"),
		rule(v1.Group, "kafkausers/status", "update"),
		rule("", "secrets", "get", "create", "patch", "delete"),
		rule("", "configmaps", "get", "list", "watch", "create", "patch", "delete"),
		rule("events.k8s.io", "events", "create", "patch"),
	}
}

// userWorld is a Kafka cluster called my-cluster with everything that its users need, in two namespaces.
type userWorld struct {
	*userOperator
	kafka *kafkatest.Cluster
	admin *kafkaadmin.Admin
	ca    pki.Pair // of clients
}

// newUserWorld starts all of it; change may change the Kafka.
func newUserWorld(t *testing.T, s userSetting, change func(*v1.Kafka)) *userWorld {
	t.Helper()
	k := kafkatest.Start(t, kafkatest.MTLS())
	c, namespace := cluster(t)
	_, other := cluster(t)
	w := &userWorld{kafka: k, admin: kafkaadmin.New(k.Client(), kafkaadmin.Limits{})}
	w.ca = newUserKafka(t, c, namespace, k.CA.PEM, k.Cert.CertPEM, k.Cert.KeyPEM, change)
	s.bootstrap = k.Bootstrap()
	w.userOperator = userControllers(t, c, namespace, other, s)
	return w
}

// newUserKafka makes the Kafka my-cluster and the Secrets of its authorities, and returns that of clients.
func newUserKafka(t *testing.T, c client.Client, namespace string, ca, certificate, key []byte, change func(*v1.Kafka)) pki.Pair {
	t.Helper()
	create := func(o client.Object, name string) {
		o.SetNamespace(namespace)
		o.SetName(name)
		if err := c.Create(deadline(t), o); err != nil {
			t.Fatal(err)
		}
	}
	create(&corev1.Secret{Data: map[string][]byte{"ca.crt": ca}}, "my-cluster-cluster-ca-cert")
	create(&corev1.Secret{Data: map[string][]byte{"cluster-operator.crt": certificate, "cluster-operator.key": key}}, "my-cluster-cluster-operator-certs")
	clients := clientsAuthority(t, "clients-ca v0", time.Now(), 5*365*24*time.Hour)
	create(&corev1.Secret{Data: map[string][]byte{"ca.key": keyPEM(t, clients)}}, "my-cluster-clients-ca")
	create(&corev1.Secret{Data: map[string][]byte{"ca.crt": pki.EncodeCertificates(clients.Certificate)}}, "my-cluster-clients-ca-cert")
	kafka := userKafka()
	if change != nil {
		change(kafka)
	}
	create(kafka, "my-cluster")
	return clients
}

func userKafka() *v1.Kafka {
	return &v1.Kafka{Spec: v1.KafkaSpec{
		Kafka: v1.KafkaClusterSpec{
			Replicas: new(int32(1)), Storage: &v1.Storage{Type: "ephemeral"},
			Listeners:     []v1.Listener{{Name: "plain", Port: 9092, Type: "internal"}},
			Authorization: &v1.KafkaAuthorization{Type: "simple"},
		},
		EntityOperator: &v1.EntityOperatorSpec{UserOperator: &v1.EntityUserOperatorSpec{}},
	}}
}

// clientsAuthority makes an authority as if at a time.
func clientsAuthority(t *testing.T, name string, at time.Time, validity time.Duration) pki.Pair {
	t.Helper()
	pair, err := pki.NewAuthority(rand.Reader, at, pki.Template{Subject: pkix.Name{CommonName: name, Organization: []string{"io.strimzi"}}, Validity: validity})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func keyPEM(t *testing.T, pair pki.Pair) []byte {
	t.Helper()
	key, err := pki.EncodeKey(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newUser creates a KafkaUser of my-cluster, with a right to read the topic orders.
func (o *userOperator) newUser(name, authentication string, change func(*v1.KafkaUser)) *v1.KafkaUser {
	o.t.Helper()
	cr := kafkaUser(o.namespace, name, authentication)
	if change != nil {
		change(cr)
	}
	o.make(cr)
	return cr
}

func kafkaUser(namespace, name, authentication string) *v1.KafkaUser {
	cr := &v1.KafkaUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{names.LabelCluster: "my-cluster"}},
		Spec: v1.KafkaUserSpec{Authorization: &v1.KafkaUserAuthorization{Type: "simple", ACLs: []v1.ACLRule{
			{Resource: v1.ACLResource{Type: "topic", Name: "orders"}, Operations: []string{"Read"}},
		}}},
	}
	if authentication != "" {
		cr.Spec.Authentication = &v1.KafkaUserAuthentication{Type: authentication}
	}
	return cr
}

// userIs waits until a KafkaUser's conditions are these, for its present generation, and returns it. A text that ends with "…"
// stands for all that begin with it.
func (o *userOperator) userIs(namespace, name string, want ...string) *v1.KafkaUser {
	o.t.Helper()
	cr := &v1.KafkaUser{}
	until(o.t, "the status of "+name+" to be "+strings.Join(want, ", "), func() (bool, string) {
		if err := o.Get(deadline(o.t), client.ObjectKey{Namespace: namespace, Name: name}, cr); err != nil {
			return false, err.Error()
		}
		var got []string
		for _, c := range cr.Status.Conditions {
			text := c.Type
			if c.Reason != "" {
				text += " " + c.Reason + ": " + c.Message
			}
			got = append(got, text)
		}
		same := slices.EqualFunc(want, got, func(want, got string) bool {
			begin, open := strings.CutSuffix(want, "…")
			return got == want || open && strings.HasPrefix(got, begin)
		})
		return same && cr.Status.ObservedGeneration == cr.Generation, strings.Join(got, ", ")
	})
	return cr
}

// inKafka waits until Kafka has this of a user: "ALLOW READ on TOPIC orders", "quota producer_byte_rate=5", "password".
func (w *userWorld) inKafka(name string, want ...string) {
	w.t.Helper()
	until(w.t, "Kafka to have "+strings.Join(want, ", ")+" of "+name, func() (bool, string) {
		got := w.has(name)
		return slices.Equal(want, got), strings.Join(got, ", ")
	})
}

func (w *userWorld) has(name string) (all []string) {
	w.t.Helper()
	states, err := w.admin.ReadUsers(deadline(w.t), []string{name})
	if err != nil {
		w.t.Fatal(err)
	}
	state := states[name]
	for _, principal := range user.Principals(name) {
		for _, a := range state.ACLs[principal] {
			all = append(all, principal+" "+a.String())
		}
		for key, value := range state.Quotas[principal] {
			all = append(all, fmt.Sprintf("%s quota %s=%g", principal, key, value))
		}
	}
	if state.Iterations > 0 {
		all = append(all, "password")
	}
	slices.Sort(all)
	return all
}

// secretIs waits until a Secret is as wanted, and returns it.
func (o *userOperator) secretIs(namespace, name, what string, is func(*corev1.Secret) bool) *corev1.Secret {
	o.t.Helper()
	found := &corev1.Secret{}
	until(o.t, "Secret "+name+" "+what, func() (bool, string) {
		*found = corev1.Secret{}
		if err := o.Get(deadline(o.t), client.ObjectKey{Namespace: namespace, Name: name}, found); err != nil {
			return false, err.Error()
		}
		return is(found), fmt.Sprint(slices.Sorted(keysOf(found.Data)))
	})
	return found
}

// without waits until a Secret is gone.
func (o *userOperator) without(namespace, name string) {
	o.t.Helper()
	until(o.t, "Secret "+name+" to be gone", func() (bool, string) {
		err := o.Get(deadline(o.t), client.ObjectKey{Namespace: namespace, Name: name}, &corev1.Secret{})
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
}

// ledger waits until the ledger names these users.
func (o *userOperator) ledger(want ...string) {
	o.t.Helper()
	until(o.t, "the ledger to name "+strings.Join(want, ", "), func() (bool, string) {
		found := &corev1.ConfigMap{}
		if err := o.read("my-cluster-kafka-users", found); err != nil {
			return false, err.Error()
		}
		got := strings.Fields(found.Data[user.LedgerKey])
		return slices.Equal(want, got), strings.Join(got, ", ")
	})
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// userLeaf reads the certificate of a user's Secret.
func userLeaf(t *testing.T, secret *corev1.Secret) *x509.Certificate {
	t.Helper()
	pair, err := pki.ParsePair(secret.Data[user.KeyCertificate], secret.Data[user.KeyKey])
	if err != nil {
		t.Fatal(err)
	}
	return pair.Certificate
}
