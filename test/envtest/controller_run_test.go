//go:build envtest

package envtest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// controlled is the controllers at work in one namespace, with no more rights than the chart gives them.
type controlled struct {
	client.Client // an administrator's
	t             *testing.T
	namespace     string
	cache         cache.Cache // the controllers'
	asked         *requests
	registry      *prometheus.Registry
	log           *lines
	stop          func()
}

// controllers starts controllers in the namespace; the functions change what they are told.
func controllers(t *testing.T, c client.Client, namespace string, change func(*controller.Options, *controller.WatchdogOptions)) *controlled {
	t.Helper()
	return controllersAt(t, server, c, namespace, change)
}

// controllersAt is controllers that reach the API server by another configuration.
func controllersAt(t *testing.T, at *rest.Config, c client.Client, namespace string, change func(*controller.Options, *controller.WatchdogOptions)) *controlled {
	t.Helper()
	bridges := controller.Options{
		Deploy: true, Rollout: true, Defaults: sidecarDefaults(), Interval: time.Hour, Timeout: time.Hour,
	}
	watchdog := controller.WatchdogOptions{}
	change(&bridges, &watchdog)
	rights := controllerRights(t, at, c, namespace, bridges.Deploy)
	return managed(t, c, []string{namespace}, rights, func(mgr manager.Manager, metrics *controller.Metrics, log *slog.Logger) error {
		bridges.Metrics, bridges.Log, watchdog.Metrics, watchdog.Log = metrics, log, metrics, log
		var errs []error
		if bridges.Deploy || bridges.Rollout {
			errs = append(errs, controller.SetupBridge(mgr, bridges))
		}
		if watchdog.Interval > 0 {
			pods, err := controller.AskingPods(mgr, []string{namespace})
			watchdog.Pods = pods
			errs = append(errs, err, controller.SetupWatchdog(mgr, watchdog))
		}
		return errors.Join(errs...)
	})
}

// sidecarDefaults are the operator's settings for every KafkaBridge.
func sidecarDefaults() model.BridgeResources {
	return model.BridgeResources{DefaultImage: "steg-bridge:test"}
}

// managed starts a manager that looks at some namespaces, the first of which is the test's own, with the rights that a
// configuration has.
func managed(t *testing.T, c client.Client, namespaces []string, rights *rest.Config, setUp func(manager.Manager, *controller.Metrics, *slog.Logger) error) *controlled {
	t.Helper()
	run := &controlled{Client: c, t: t, namespace: namespaces[0], asked: &requests{}, registry: prometheus.NewRegistry(), log: &lines{}}
	metrics, err := controller.NewMetrics(run.registry)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(run.log, nil))
	informers, err := controller.Cache(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	mgr, err := manager.New(run.asked.counted(rights), manager.Options{
		Scheme: c.Scheme(), Cache: informers, Metrics: metricsserver.Options{BindAddress: "0"},
		Client:     client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Logger:     logr.FromSlogHandler(log.Handler()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := setUp(mgr, metrics, log); err != nil {
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
			t.Errorf("the controllers ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the controllers logged:\n%s", run.log)
		}
	}
	t.Cleanup(run.stop)
	return run
}

// deploying is controllers with nothing changed.
func deploying(*controller.Options, *controller.WatchdogOptions) {}

// controllerRights gives a user what the chart gives the operator for its controllers, and returns the configuration of a
// client that has no more than that.
func controllerRights(t *testing.T, at *rest.Config, c client.Client, namespace string, deploy bool) *rest.Config {
	t.Helper()
	rules := []rbacv1.PolicyRule{
		rule(v1.Group, "kafkabridges", "get", "list", "watch"),
		rule(v1.Group, "kafkas kafkausers", "get"),
		rule("", "configmaps", "get"),
		rule("", "pods", "list", "watch"),
		rule("", "pods/eviction", "create"),
		rule("apps", "replicasets", "get"),
		rule("apps", "deployments statefulsets daemonsets", "get", "patch"),
		rule("events.k8s.io", "events", "create", "patch"),
	}
	if deploy {
		owned := []string{"get", "list", "watch", "create", "patch", "delete"}
		rules = append(rules,
			rule(v1.Group, "kafkabridges/status", "update"),
			rule("", "secrets", "get"),
			rule("", "configmaps services serviceaccounts", owned...),
			rule("apps", "deployments", owned...),
			rule("networking.k8s.io", "networkpolicies", owned...),
			rule("policy", "poddisruptionbudgets", owned...),
		)
	}
	return limited(t, at, c, []string{namespace}, rules)
}

// limited returns the configuration of a client that has some rights in some namespaces, and no others: that of a ServiceAccount in
// the first of them, by a token, as an operator has it.
func limited(t *testing.T, at *rest.Config, c client.Client, namespaces []string, rules []rbacv1.PolicyRule) *rest.Config {
	t.Helper()
	meta := metav1.ObjectMeta{GenerateName: "operator-", Namespace: namespaces[0]}
	account := &corev1.ServiceAccount{ObjectMeta: meta}
	if err := c.Create(deadline(t), account); err != nil {
		t.Fatal(err)
	}
	for _, meta.Namespace = range namespaces {
		role := &rbacv1.Role{ObjectMeta: meta, Rules: rules}
		if err := c.Create(deadline(t), role); err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: meta, Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		}
		if err := c.Create(deadline(t), binding); err != nil {
			t.Fatal(err)
		}
	}
	token := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(deadline(t), account, token); err != nil {
		t.Fatal(err)
	}
	less := rest.AnonymousClientConfig(at)
	less.BearerToken, less.QPS = token.Status.Token, -1
	return less
}

// key is the name of an object in the test's namespace.
func (c *controlled) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: c.namespace, Name: name}
}

// make creates an object in the test's namespace.
func (c *controlled) make(o client.Object) {
	c.t.Helper()
	if o.GetNamespace() == "" {
		o.SetNamespace(c.namespace)
	}
	if err := c.Create(deadline(c.t), o); err != nil {
		c.t.Fatal(err)
	}
}

// read gets an object of the test's namespace.
func (c *controlled) read(name string, into client.Object) error {
	return c.Get(deadline(c.t), c.key(name), into)
}

// patch changes an object by a JSON merge patch.
func (c *controlled) patch(o client.Object, patch string) {
	c.t.Helper()
	if err := c.Patch(deadline(c.t), o, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		c.t.Fatal(err)
	}
}

// newBridge creates a KafkaBridge.
func (c *controlled) newBridge(name string, change func(*v1.KafkaBridge)) *v1.KafkaBridge {
	c.t.Helper()
	b := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "kafka:9092"}}
	if change != nil {
		change(b)
	}
	c.make(b)
	return b
}

// conditions is the status in short: "Type Reason: Message" of each condition, Reason and Message only if there are any.
func conditions(b *v1.KafkaBridge) []string {
	var texts []string
	for _, c := range b.Status.Conditions {
		text := c.Type
		if c.Reason != "" {
			text += " " + c.Reason + ": " + c.Message
		}
		texts = append(texts, text)
	}
	return texts
}

// becomes waits until the KafkaBridge's conditions are these, for its present generation, and returns it. A text that ends
// with "…" stands for all that begin with it.
func (c *controlled) becomes(name string, want ...string) *v1.KafkaBridge {
	c.t.Helper()
	b := &v1.KafkaBridge{}
	until(c.t, "the status of "+name+" to be "+strings.Join(want, ", "), func() (bool, string) {
		if err := c.read(name, b); err != nil {
			return false, err.Error()
		}
		got := conditions(b)
		same := slices.EqualFunc(want, got, func(want, got string) bool {
			begin, open := strings.CutSuffix(want, "…")
			return got == want || open && strings.HasPrefix(got, begin)
		})
		return same && b.Status.ObservedGeneration == b.Generation, strings.Join(got, ", ")
	})
	return b
}

// serve plays the Deployment controller: all pods that the Deployment wants are there and available.
func (c *controlled) serve(name string) *appsv1.Deployment {
	c.t.Helper()
	d := &appsv1.Deployment{}
	until(c.t, "Deployment "+name, func() (bool, string) {
		err := c.read(name, d)
		return err == nil, "error"
	})
	n := *d.Spec.Replicas
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}},
	}
	if err := c.Status().Update(deadline(c.t), d); err != nil {
		c.t.Fatal(err)
	}
	return d
}

// said returns the Events about an object of the test's namespace as "Reason: note".
func (c *controlled) said(kind, name string) []string {
	c.t.Helper()
	return c.saidIn(c.namespace, kind, name)
}

func (c *controlled) saidIn(namespace, kind, name string) (texts []string) {
	c.t.Helper()
	list := &eventsv1.EventList{}
	if err := c.List(deadline(c.t), list, client.InNamespace(namespace)); err != nil {
		c.t.Fatal(err)
	}
	for _, e := range list.Items {
		if e.Regarding.Kind == kind && e.Regarding.Name == name {
			texts = append(texts, e.Reason+": "+e.Note)
		}
	}
	return texts
}

// says waits for an Event about an object of the test's namespace that begins with the text.
func (c *controlled) says(kind, name, text string) {
	c.t.Helper()
	c.saysIn(c.namespace, kind, name, text)
}

func (c *controlled) saysIn(namespace, kind, name, text string) {
	c.t.Helper()
	until(c.t, "an Event about "+kind+" "+name+": "+text, func() (bool, string) {
		all := c.saidIn(namespace, kind, name)
		return slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, text) }), strings.Join(all, " | ")
	})
}

// metric returns the value of a counter or gauge, the sum over all its series.
func (c *controlled) metric(name string) float64 {
	c.t.Helper()
	sum, _ := c.series(name, nil)
	return sum
}

// series is metric over those series that have some labels; ok is false if there is none.
func (c *controlled) series(name string, labels map[string]string) (sum float64, ok bool) {
	c.t.Helper()
	families, err := c.registry.Gather()
	if err != nil {
		c.t.Fatal(err)
	}
	at := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
	if at < 0 {
		return 0, false
	}
	for _, m := range families[at].GetMetric() {
		found := 0
		for _, l := range m.GetLabel() {
			if value, wanted := labels[l.GetName()]; wanted && value == l.GetValue() {
				found++
			}
		}
		if found == len(labels) {
			sum, ok = sum+m.GetCounter().GetValue()+m.GetGauge().GetValue(), true
		}
	}
	return sum, ok
}

// measures waits until a metric has the value.
func (c *controlled) measures(name string, want float64) {
	c.t.Helper()
	until(c.t, name, func() (bool, string) {
		got := c.metric(name)
		return got == want, strconv.FormatFloat(got, 'f', -1, 64)
	})
}

// settled returns when no pass has begun for a while.
func (c *controlled) settled() {
	c.t.Helper()
	last, since := c.metric("strimzi_reconciliations_total"), time.Now()
	until(c.t, "the controllers to come to rest", func() (bool, string) {
		if now := c.metric("strimzi_reconciliations_total"); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second, "passes are being made"
	})
}
