package controller

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// directWorld is a Kafka, its KafkaUsers, and pods that ask for it, without an API server.
type directWorld struct {
	*directs
	t        testing.TB
	kafka    *v1.Kafka
	users    map[string]*v1.KafkaUser
	recorder *events.FakeRecorder
}

// worldPods are the pods. What else a cache can do is not asked of it.
type worldPods struct {
	cache.Cache
	all []corev1.Pod
}

func (p *worldPods) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	into.(*corev1.PodList).Items = slices.Clone(p.all)
	return nil
}

// Get and List are of the cache of Kafkas and KafkaUsers.
func (w *directWorld) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch o := into.(type) {
	case *v1.Kafka:
		if w.kafka != nil && key == client.ObjectKeyFromObject(w.kafka) {
			w.kafka.DeepCopyInto(o)
			return nil
		}
	case *v1.KafkaUser:
		if u := w.users[key.Name]; u != nil && u.Namespace == key.Namespace {
			u.DeepCopyInto(o)
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: "any"}, key.Name)
}

func (w *directWorld) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return nil
}

// newDirectWorld has the Kafka my-cluster in namespace kafka, with a listener for certificates, one for passwords and one for
// everybody.
func newDirectWorld(t testing.TB) *directWorld {
	t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	w := &directWorld{t: t, users: make(map[string]*v1.KafkaUser), recorder: events.NewFakeRecorder(1000)}
	w.kafka = &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Namespace: "kafka", Name: "my-cluster"}}
	w.kafka.Spec.Kafka.Listeners = []v1.Listener{
		{Name: "plain", Port: 9092, Type: v1.ListenerInternal},
		{Name: "tls", Port: 9093, Type: v1.ListenerInternal, TLS: true, Authentication: &v1.ListenerAuthentication{Type: v1.AuthenticationTLS}},
		{Name: "scram", Port: 9094, Type: v1.ListenerInternal, TLS: true, Authentication: &v1.ListenerAuthentication{Type: v1.AuthenticationScramSHA512}},
	}
	w.directs = &directs{
		DirectOptions: DirectOptions{
			Pods: &worldPods{}, Defaults: model.BridgeResources{DefaultImage: "steg-bridge:test"},
			Metrics: metrics, Log: slog.New(slog.DiscardHandler),
		},
		client: w, events: w.recorder, memory: make(map[client.ObjectKey]map[asker]recall),
	}
	return w
}

// user adds a KafkaUser of the cluster that pods of all namespaces may use.
func (w *directWorld) user(name string) *v1.KafkaUser {
	u := &v1.KafkaUser{ObjectMeta: metav1.ObjectMeta{
		Namespace: "kafka", Name: name, Labels: map[string]string{names.LabelCluster: "my-cluster"},
		Annotations: map[string]string{names.AnnotationAllowedNamespaces: "*"},
	}}
	u.Spec.Authentication = &v1.KafkaUserAuthentication{Type: v1.AuthenticationTLS}
	u.Status.Secret = name
	w.users[name] = u
	return u
}

// pod adds a pod as the webhook makes it at this moment, and as the cache keeps it; user is as in the annotation.
func (w *directWorld) pod(namespace, name, user, owner string) {
	w.t.Helper()
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(name), Labels: map[string]string{names.LabelUsesCluster: "my-cluster"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
	}
	if user != "" {
		p.Annotations = map[string]string{names.AnnotationUser: user}
	}
	if owner != "" {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner, UID: types.UID(owner), Controller: new(true)}}
	}
	_, bare, _ := strings.Cut(user, "/")
	if bare == "" {
		bare = user
	}
	bridge, err := model.Direct(model.DirectResources{Namespace: namespace, Kafka: w.kafka, User: w.users[bare]})
	if err != nil {
		w.t.Fatal(err)
	}
	resources := w.Defaults
	resources.Bridge = bridge
	checked, _, err := model.ForBridge(resources)
	if err != nil {
		w.t.Fatal(err)
	}
	made, _, err := inject.Pod(&p, inject.Request{Namespace: namespace, Bridge: checked, Native: true})
	if err != nil {
		w.t.Fatal(err)
	}
	kept, err := stripPod(made)
	if err != nil {
		w.t.Fatal(err)
	}
	pods := w.Pods.(*worldPods)
	pods.all = append(pods.all, *kept.(*corev1.Pod))
}

// pass makes a pass and returns the Events, sorted, each once.
func (w *directWorld) pass() (said []string) {
	w.t.Helper()
	if _, err := w.Reconcile(w.t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "kafka", Name: "my-cluster"}}); err != nil {
		w.t.Fatal(err)
	}
	for len(w.recorder.Events) > 0 {
		said = append(said, <-w.recorder.Events)
	}
	return slices.Compact(slices.Sorted(slices.Values(said)))
}

// stale is the metric in a namespace.
func (w *directWorld) stale(namespace string) float64 {
	return testutil.ToFloat64(w.Metrics.stale.WithLabelValues(namespace, "", "kafka/my-cluster"))
}

// TestDirectStale: whatever changes what a new pod would get makes those that run stale, and what changes nothing for them
// does not. It is said once.
func TestDirectStale(t *testing.T) {
	about := func(asked string) string {
		return "1 of 1 pods of namespace kafka that ask for " + asked + " run a sidecar "
	}
	mine, nobody := `Kafka "my-cluster" as KafkaUser "my-app"`, `Kafka "my-cluster"`
	for name, c := range map[string]struct {
		change func(w *directWorld)
		want   []string
	}{
		"nothing":               {func(*directWorld) {}, nil},
		"another user's Secret": {func(w *directWorld) { w.user("other") }, nil},
		"a listener for others": {func(w *directWorld) {
			w.kafka.Spec.Kafka.Listeners = append(w.kafka.Spec.Kafka.Listeners, v1.Listener{Name: "out", Port: 9095, Type: "nodeport"})
		}, nil},
		"the listener's port": {
			func(w *directWorld) { w.kafka.Spec.Kafka.Listeners[1].Port = 9193 },
			[]string{"Warning StaleSidecars " + about(mine) + "with older settings: restart them"},
		},
		"the listener of nobody": {
			func(w *directWorld) { w.kafka.Spec.Kafka.Listeners[0].TLS = true },
			[]string{"Warning StaleSidecars " + about(nobody) + "with older settings: restart them"},
		},
		"a certificate of the listener's own": {func(w *directWorld) {
			w.kafka.Spec.Kafka.Listeners[1].Configuration = &v1.ListenerConfiguration{
				BrokerCertChainAndKey: &v1.CertAndKeySecretSource{SecretName: "own", Certificate: "tls.crt", Key: "tls.key"},
			}
		}, []string{"Warning StaleSidecars " + about(mine) + "with older settings: restart them"}},
		"the user's kind of credentials": {
			func(w *directWorld) { w.users["my-app"].Spec.Authentication.Type = v1.AuthenticationScramSHA512 },
			[]string{"Warning StaleSidecars " + about(mine) + "with older settings: restart them"},
		},
		"the user's Secret": {
			func(w *directWorld) { w.users["my-app"].Status.Secret = "kafka-my-app" },
			[]string{"Warning StaleSidecars " + about(mine) + "with older settings: restart them"},
		},
		"the user's cluster": {func(w *directWorld) { w.users["my-app"].Labels[names.LabelCluster] = "other" }, []string{
			"Warning OrphanedSidecars " + about(mine) + `that no new pod would get: KafkaUser my-app belongs to Kafka "other" (its label strimzi.io/cluster), not to my-cluster: correct the pod's label steg.dev/cluster`,
		}},
		"no listener": {func(w *directWorld) { w.kafka.Spec.Kafka.Listeners = slices.Delete(w.kafka.Spec.Kafka.Listeners, 1, 2) }, []string{
			"Warning OrphanedSidecars " + about(mine) + "that no new pod would get: no internal listener of Kafka my-cluster is for KafkaUser my-app (authentication tls): add one to spec.kafka.listeners, such as {name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}",
		}},
		"no user": {func(w *directWorld) { delete(w.users, "my-app") }, []string{
			"Warning OrphanedSidecars " + about(mine) + `that no new pod would get: there is no KafkaUser "my-app" in namespace "kafka" any more that pods of namespace "kafka" may use`,
		}},
		"no Kafka": {func(w *directWorld) { w.kafka = nil }, []string{
			"Warning OrphanedSidecars " + about(mine) + `that no new pod would get: there is no Kafka "my-cluster" in namespace "kafka" any more`,
			"Warning OrphanedSidecars " + about(nobody) + `that no new pod would get: there is no Kafka "my-cluster" in namespace "kafka" any more`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDirectWorld(t)
			w.user("my-app")
			w.pod("kafka", "a", "my-app", "set")
			w.pod("kafka", "b", "", "")
			if said := w.pass(); len(said) > 0 || w.stale("kafka") != 0 {
				t.Fatalf("fresh pods: %q, %v stale", said, w.stale("kafka"))
			}
			c.change(w)
			if said := w.pass(); !slices.Equal(said, c.want) || w.stale("kafka") != float64(len(c.want)) {
				t.Errorf("got  %q, %v stale\nwant %q", said, w.stale("kafka"), c.want)
			}
			if said := w.pass(); len(said) > 0 {
				t.Errorf("said again: %q", said)
			}
		})
	}
}

// TestDirectElsewhere: pods of another namespace have a mirror of the user's Secret, whose name does not change, and lose their
// right when the annotation does.
func TestDirectElsewhere(t *testing.T) {
	w := newDirectWorld(t)
	u := w.user("my-app")
	w.pod("shop", "a", "kafka/my-app", "set")
	w.pod("shop", "b", "kafka/my-app", "set")
	u.Status.Secret = "kafka-my-app"
	if said := w.pass(); len(said) > 0 || w.stale("shop") != 0 {
		t.Errorf("%q, %v stale", said, w.stale("shop"))
	}
	for _, annotation := range []string{"", "warehouse", "not a namespace"} {
		u.Annotations[names.AnnotationAllowedNamespaces] = annotation
		w.pass()
		if got := w.stale("shop"); got != 2 {
			t.Errorf("%q: %v stale", annotation, got)
		}
	}
	u.Annotations[names.AnnotationAllowedNamespaces] = "warehouse,shop"
	if said := w.pass(); len(said) > 0 || w.stale("shop") != 0 {
		t.Errorf("allowed again: %q, %v stale", said, w.stale("shop"))
	}

	t.Log("what was said before is said again when it comes again")
	u.Annotations[names.AnnotationAllowedNamespaces] = ""
	if said := w.pass(); len(said) != 1 || !strings.HasPrefix(said[0], "Warning OrphanedSidecars 2 of 2 pods of namespace shop that ask for") {
		t.Errorf("%q", said)
	}
}

// TestDirectRuns: only pods that run with a sidecar count as stale; those that go, and those of another Kafka, not at all. A
// namespace without pods has no series.
func TestDirectRuns(t *testing.T) {
	w := newDirectWorld(t)
	w.user("my-app")
	for _, name := range []string{"fresh", "ended", "going", "without", "another"} {
		w.pod("kafka", name, "my-app", "")
	}
	pods := w.Pods.(*worldPods)
	pods.all[1].Status.Phase = corev1.PodSucceeded
	pods.all[2].DeletionTimestamp = &metav1.Time{}
	pods.all[3].Spec = corev1.PodSpec{}
	pods.all[4].Labels = map[string]string{names.LabelUsesCluster: "other"}
	w.kafka.Spec.Kafka.Listeners[1].Port = 9193
	want := []string{`Warning StaleSidecars 1 of 2 pods of namespace kafka that ask for Kafka "my-cluster" as KafkaUser "my-app" run a sidecar with older settings: restart them`}
	if said := w.pass(); !slices.Equal(said, want) {
		t.Errorf("%q", said)
	}
	pods.all = nil
	if said := w.pass(); len(said) > 0 {
		t.Errorf("%q", said)
	}
	if n := testutil.CollectAndCount(w.Metrics.stale); n != 0 || len(w.memory) != 0 {
		t.Errorf("%d series, %d remembered", n, len(w.memory))
	}
}

// TestDirectMany: a change that makes a thousand pods stale, each of a KafkaUser of its own or all of one, is said in few words.
func TestDirectMany(t *testing.T) {
	const pods = 1000
	for users, most := range map[int]int{1: 1 + maxOrphans, 40: maxOrphans * (1 + maxOrphans), pods: 2 * maxOrphans} {
		w := newDirectWorld(t)
		for i := range users {
			w.user(fmt.Sprint("user-", i))
		}
		for i := range pods {
			w.pod("shop", fmt.Sprint("pod-", i), fmt.Sprint("kafka/user-", i%users), fmt.Sprint("set-", i%100))
		}
		w.kafka.Spec.Kafka.Listeners[1].Port = 9193
		began := len(w.recorder.Events)
		if _, err := w.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "kafka", Name: "my-cluster"}}); err != nil {
			t.Fatal(err)
		}
		if said := len(w.recorder.Events) - began; said == 0 || said > most {
			t.Errorf("%d users: %d Events, at most %d are wanted", users, said, most)
		}
		if got := w.stale("shop"); got != pods {
			t.Errorf("%d users: %v stale", users, got)
		}
	}
}

// TestDirectNamespaces: a Kafka of a namespace that is not looked at is not one that is gone.
func TestDirectNamespaces(t *testing.T) {
	w := newDirectWorld(t)
	w.user("my-app")
	w.pod("shop", "a", "kafka/my-app", "")
	w.Namespaces, w.kafka = []string{"shop"}, nil
	if said := w.pass(); len(said) > 0 {
		t.Errorf("%q", said)
	}
}

// BenchmarkDirect is one pass over a thousand pods: of one KafkaUser, and of one each.
func BenchmarkDirect(b *testing.B) {
	for _, users := range []int{1, 1000} {
		b.Run(fmt.Sprint("users=", users), func(b *testing.B) {
			w := newDirectWorld(b)
			for i := range users {
				w.user(fmt.Sprint("user-", i))
			}
			for i := range 1000 {
				w.pod("shop", fmt.Sprint("pod-", i), fmt.Sprint("kafka/user-", i%users), "set")
			}
			w.pass() // the first one has everything to find
			for b.Loop() {
				if _, err := w.Reconcile(b.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "kafka", Name: "my-cluster"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
