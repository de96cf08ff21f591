//go:build envtest

package envtest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/apply"
)

// until waits for something that the API server, or what runs beside the test, does by itself.
func until(t *testing.T, what string, done func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, seen := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s; last seen: %s", patience, what, seen)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// requests counts what a client asks of the API server, apart from watches.
type requests struct {
	mu  sync.Mutex
	all []string
}

// counted returns a copy of the configuration whose clients' requests are counted.
func (r *requests) counted(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Query().Get("watch") == "" {
				r.mu.Lock()
				r.all = append(r.all, req.Method+" "+req.URL.Path)
				r.mu.Unlock()
			}
			return next.RoundTrip(req)
		})
	})
	return config
}

// take returns what was asked since the last call.
func (r *requests) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// seen is take without forgetting.
func (r *requests) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// applied is an Applier on the real API server, and an owner for it.
type applied struct {
	*apply.Applier
	t         *testing.T
	admin     client.Client // not counted, not cached
	cached    client.Client
	namespace string
	owner     *corev1.ConfigMap
	asked     *requests
}

var (
	configMaps  = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	services    = schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	deployments = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
)

// newApplied starts a cache of the labelled objects, and waits for it.
func newApplied(t *testing.T) *applied {
	t.Helper()
	admin, namespace := cluster(t)
	a := &applied{t: t, admin: admin, namespace: namespace, asked: &requests{}}
	labelled := labels.SelectorFromSet(labels.Set{"made-by": "test"})
	informers, err := cache.New(server, cache.Options{
		Scheme:               admin.Scheme(),
		DefaultNamespaces:    map[string]cache.Config{namespace: {}},
		DefaultLabelSelector: labelled,
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []schema.GroupVersionKind{configMaps, services, deployments}
	for _, gvk := range kinds {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(gvk)
		if _, err := informers.GetInformer(t.Context(), object, cache.BlockUntilSynced(false)); err != nil {
			t.Fatal(err)
		}
	}
	stopped := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { stopped <- informers.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	if !informers.WaitForCacheSync(deadline(t)) {
		t.Fatal("the cache was not filled")
	}
	config := a.asked.counted(server)
	a.cached, err = client.New(config, client.Options{Scheme: admin.Scheme(), Cache: &client.CacheOptions{Reader: informers}})
	if err != nil {
		t.Fatal(err)
	}
	live, err := client.New(config, client.Options{Scheme: admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	a.Applier = apply.New(apply.Options{
		Client: a.cached, Live: live, FieldOwner: "tester", Kinds: kinds,
		Identity: func(owner client.Object) labels.Set {
			return labels.Set{"made-by": "test", "made-for": owner.GetName()}
		},
	})
	a.owner = a.newOwner("owner")
	return a
}

// newOwner makes an object that owns others.
func (a *applied) newOwner(name string) *corev1.ConfigMap {
	a.t.Helper()
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	if err := a.admin.Create(deadline(a.t), owner); err != nil {
		a.t.Fatal(err)
	}
	return owner
}

// all applies, and waits until the cache has seen it.
func (a *applied) all(objects ...runtime.ApplyConfiguration) (apply.Result, error) {
	a.t.Helper()
	result, err := a.All(deadline(a.t), a.owner, objects)
	a.settle()
	return result, err
}

// must is all, without an error.
func (a *applied) must(objects ...runtime.ApplyConfiguration) apply.Result {
	a.t.Helper()
	result, err := a.all(objects...)
	if err != nil {
		a.t.Fatal(err)
	}
	return result
}

// settle waits until the cache is as the API server.
func (a *applied) settle() {
	a.t.Helper()
	for _, gvk := range []schema.GroupVersionKind{configMaps, services, deployments} {
		until(a.t, "the cache to be up to date", func() (bool, string) {
			there, here := a.versions(a.admin, gvk), a.versions(a.cached, gvk)
			return slices.Equal(there, here), strings.Join(here, " ") + " instead of " + strings.Join(there, " ")
		})
	}
}

func (a *applied) versions(c client.Client, gvk schema.GroupVersionKind) (versions []string) {
	a.t.Helper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err := c.List(deadline(a.t), list, client.InNamespace(a.namespace), client.MatchingLabels{"made-by": "test"}); err != nil {
		a.t.Fatal(err)
	}
	for _, item := range list.Items {
		versions = append(versions, item.Name+"@"+item.ResourceVersion)
	}
	slices.Sort(versions)
	return versions
}

// configMap is an object of the owner, with one key.
func (a *applied) configMap(name, value string) *coreac.ConfigMapApplyConfiguration {
	return coreac.ConfigMap(name, a.namespace).WithLabels(a.labels()).WithOwnerReferences(a.reference()).
		WithData(map[string]string{"key": value})
}

func (a *applied) service(name string) *coreac.ServiceApplyConfiguration {
	return coreac.Service(name, a.namespace).WithLabels(a.labels()).WithOwnerReferences(a.reference()).
		WithSpec(coreac.ServiceSpec().WithPorts(coreac.ServicePort().WithName("http").WithPort(80)))
}

func (a *applied) deployment(name string) *appsac.DeploymentApplyConfiguration {
	app := map[string]string{"app": name}
	return appsac.Deployment(name, a.namespace).WithLabels(a.labels()).WithOwnerReferences(a.reference()).
		WithSpec(appsac.DeploymentSpec().WithReplicas(2).
			WithSelector(metaac.LabelSelector().WithMatchLabels(app)).
			WithTemplate(coreac.PodTemplateSpec().WithLabels(app).
				WithSpec(coreac.PodSpec().WithContainers(coreac.Container().WithName("c").WithImage("image:1")))))
}

func (a *applied) labels() map[string]string {
	return map[string]string{"made-by": "test", "made-for": a.owner.Name}
}

func (a *applied) reference() *metaac.OwnerReferenceApplyConfiguration {
	return metaac.OwnerReference().WithAPIVersion("v1").WithKind("ConfigMap").WithName(a.owner.Name).WithUID(a.owner.UID)
}

// names lists the ConfigMaps of the namespace.
func (a *applied) names() (found []string) {
	a.t.Helper()
	list := &corev1.ConfigMapList{}
	if err := a.admin.List(deadline(a.t), list, client.InNamespace(a.namespace)); err != nil {
		a.t.Fatal(err)
	}
	for _, item := range list.Items {
		if item.Name != "kube-root-ca.crt" && item.Name != "owner" {
			found = append(found, item.Name)
		}
	}
	return found
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// TestApplyIdle: objects are made, and as long as nothing happens to them, another pass asks the API server for nothing.
func TestApplyIdle(t *testing.T) {
	a := newApplied(t)
	objects := func() []runtime.ApplyConfiguration {
		return []runtime.ApplyConfiguration{a.configMap("one", "1"), a.service("two"), a.deployment("three")}
	}
	equal(t, []string{"created ConfigMap one", "created Service two", "created Deployment three"}, a.must(objects()...).Changed)
	a.asked.take()
	for range 3 {
		equal(t, apply.Result{}, a.must(objects()...))
	}
	equal(t, []string(nil), a.asked.take())

	t.Log("a status of the Deployment costs one request, and is no change")
	seen := &appsv1.Deployment{}
	if err := a.admin.Get(deadline(t), client.ObjectKey{Namespace: a.namespace, Name: "three"}, seen); err != nil {
		t.Fatal(err)
	}
	seen.Status.ObservedGeneration, seen.Status.Replicas = 1, 2
	if err := a.admin.Status().Update(deadline(t), seen); err != nil {
		t.Fatal(err)
	}
	a.settle()
	equal(t, apply.Result{}, a.must(objects()...))
	equal(t, []string{"PATCH /apis/apps/v1/namespaces/" + a.namespace + "/deployments/three"}, a.asked.take())
	equal(t, apply.Result{}, a.must(objects()...))
	equal(t, []string(nil), a.asked.take())

	t.Log("a process that remembers nothing applies each once, and changes nothing")
	fresh := *a
	fresh.Applier = apply.New(a.Options)
	equal(t, apply.Result{}, fresh.must(objects()...))
	equal(t, 3, len(a.asked.take()))
}

// TestApplyChange: what is wanted anew is written; what others wrote beside it stays.
func TestApplyChange(t *testing.T) {
	a := newApplied(t)
	a.must(a.configMap("one", "1").WithAnnotations(map[string]string{"ours": "yes"}))
	seen := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: a.namespace, Name: "one"}
	if err := a.admin.Get(deadline(t), key, seen); err != nil {
		t.Fatal(err)
	}
	seen.Annotations["theirs"], seen.Data["their-key"] = "yes", "2"
	if err := a.admin.Update(deadline(t), seen, client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	a.settle()
	equal(t, apply.Result{Changed: []string{"changed ConfigMap one"}}, a.must(a.configMap("one", "3")))
	if err := a.admin.Get(deadline(t), key, seen); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string]string{"key": "3", "their-key": "2"}, seen.Data)
	equal(t, map[string]string{"theirs": "yes"}, seen.Annotations)
}

// TestApplyOverride: a field of ours that somebody else set is set back, and it is said whose it was.
func TestApplyOverride(t *testing.T) {
	a := newApplied(t)
	a.must(a.deployment("one"))
	seen := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: a.namespace, Name: "one"}
	if err := a.admin.Get(deadline(t), key, seen); err != nil {
		t.Fatal(err)
	}
	five := int32(5)
	seen.Spec.Replicas = &five
	seen.Spec.Template.Spec.Containers[0].Image = "image:2"
	if err := a.admin.Update(deadline(t), seen, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	a.settle()
	result := a.must(a.deployment("one"))
	equal(t, []string{"changed Deployment one"}, result.Changed)
	var texts []string
	for _, c := range result.Overridden {
		texts = append(texts, c.String())
	}
	slices.Sort(texts)
	equal(t, []string{
		`Deployment one: .spec.replicas set by "kubectl-edit"`,
		`Deployment one: .spec.template.spec.containers[name="c"].image set by "kubectl-edit"`,
	}, texts)
	if err := a.admin.Get(deadline(t), key, seen); err != nil {
		t.Fatal(err)
	}
	if *seen.Spec.Replicas != 2 || seen.Spec.Template.Spec.Containers[0].Image != "image:1" {
		t.Errorf("not set back: %d replicas, image %s", *seen.Spec.Replicas, seen.Spec.Template.Spec.Containers[0].Image)
	}
	equal(t, apply.Result{}, a.must(a.deployment("one")))
}

// TestApplyPrune: what the owner had and no longer wants goes; what only looks like it stays.
func TestApplyPrune(t *testing.T) {
	a := newApplied(t)
	other := a.newOwner("other")
	owned := []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: a.owner.UID}}
	for name, change := range map[string]func(*corev1.ConfigMap){
		"labels-but-no-owner": func(c *corev1.ConfigMap) { c.Labels = a.labels() },
		"owner-but-no-labels": func(c *corev1.ConfigMap) { c.OwnerReferences = owned },
		"of-another-owner": func(c *corev1.ConfigMap) {
			c.Labels = map[string]string{"made-by": "test", "made-for": "other"}
			c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: other.UID}}
		},
		"of-a-namesake-before": func(c *corev1.ConfigMap) {
			c.Labels = a.labels()
			c.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: "11111111-2222"}}
		},
	} {
		made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
		change(made)
		if err := a.admin.Create(deadline(t), made); err != nil {
			t.Fatal(err)
		}
	}
	a.must(a.configMap("stays", "1"), a.configMap("goes", "1"), a.service("goes"))
	equal(t, []string{"deleted ConfigMap goes", "deleted Service goes"}, a.must(a.configMap("stays", "1")).Changed)
	equal(t, []string{"labels-but-no-owner", "of-a-namesake-before", "of-another-owner", "other", "owner-but-no-labels", "stays"}, a.names())

	t.Log("what comes back is made anew")
	equal(t, []string{"created ConfigMap goes"}, a.must(a.configMap("stays", "1"), a.configMap("goes", "1")).Changed)
	equal(t, []string{"deleted ConfigMap goes", "deleted ConfigMap stays"}, slices.Sorted(slices.Values(a.must().Changed)))
}

// TestApplyKept: objects of kinds that are kept are applied like others, and stay when they are no longer wanted.
func TestApplyKept(t *testing.T) {
	a := newApplied(t)
	a.Kinds, a.Kept = []schema.GroupVersionKind{configMaps}, []schema.GroupVersionKind{services}
	equal(t, []string{"created ConfigMap one", "created Service two"}, a.must(a.configMap("one", "1"), a.service("two")).Changed)
	equal(t, []string{"deleted ConfigMap one"}, a.must().Changed)
	equal(t, 1, len(a.versions(a.admin, services)))
}

// TestApplyForeign: an object of somebody else under a wanted name is left as it is and named; the others are written, and
// nothing is deleted.
func TestApplyForeign(t *testing.T) {
	a := newApplied(t)
	a.must(a.configMap("old", "1"))
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: a.namespace}, Data: map[string]string{"key": "theirs"}}
	if err := a.admin.Create(deadline(t), theirs); err != nil {
		t.Fatal(err)
	}
	version := theirs.ResourceVersion
	result, err := a.all(a.configMap("theirs", "1"), a.configMap("new", "1"))
	var foreign *apply.Foreign
	if !errors.As(err, &foreign) || foreign.Kind != "ConfigMap" || foreign.Name != "theirs" {
		t.Fatalf("got %v", err)
	}
	equal(t, []string{"created ConfigMap new"}, result.Changed)
	equal(t, []string{"new", "old", "theirs"}, a.names())
	if err := a.admin.Get(deadline(t), client.ObjectKeyFromObject(theirs), theirs); err != nil || theirs.ResourceVersion != version {
		t.Errorf("touched: %v, %v", err, theirs)
	}

	t.Log("once it is gone, all is as wanted")
	if err := a.admin.Delete(deadline(t), theirs); err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"created ConfigMap theirs", "deleted ConfigMap old"}, a.must(a.configMap("theirs", "1"), a.configMap("new", "1")).Changed)
}

// TestApplyTakesBack: objects that lost their owner, or whose owner was made anew, or whose labels somebody took off, are
// the owner's again.
func TestApplyTakesBack(t *testing.T) {
	a := newApplied(t)
	for name, patch := range map[string]string{
		"orphan":     `{"metadata":{"ownerReferences":null}}`,
		"namesake":   `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"11111111-2222"}]}}`,
		"unlabelled": `{"metadata":{"labels":null}}`,
	} {
		a.must(a.configMap(name, "1"))
		seen := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
		if err := a.admin.Patch(deadline(t), seen, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
			t.Fatal(err)
		}
		a.settle()
		a.must(a.configMap(name, "1"))
		if err := a.admin.Get(deadline(t), client.ObjectKeyFromObject(seen), seen); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(seen.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == a.owner.UID }) || seen.Labels["made-by"] != "test" {
			t.Errorf("%s: owners %v, labels %v", name, seen.OwnerReferences, seen.Labels)
		}
		if err := a.admin.Delete(deadline(t), seen); err != nil {
			t.Fatal(err)
		}
		a.settle()
	}
}

// TestApplyErrors: one bad object does not stand in the way of the others, and each error names its object.
func TestApplyErrors(t *testing.T) {
	a := newApplied(t)
	bad := a.service("bad")
	bad.Spec.Ports[0].WithPort(70000)
	result, err := a.all(bad, a.configMap("good", "1"), a.deployment("Bad_Name"))
	equal(t, []string{"created ConfigMap good"}, result.Changed)
	for _, want := range []string{"Service bad: ", "spec.ports[0].port", "Deployment Bad_Name: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for name, object := range map[string]runtime.ApplyConfiguration{
		"would never be pruned": coreac.ServiceAccount("x", a.namespace),
		"has no name":           coreac.ConfigMap("", a.namespace),
	} {
		if _, err := a.all(object); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not in %v", name, err)
		}
	}
}

// TestApplyEnds: a caller that gives up is not kept waiting.
func TestApplyEnds(t *testing.T) {
	a := newApplied(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if _, err := a.All(ctx, a.owner, []runtime.ApplyConfiguration{a.configMap("one", "1")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}
