package controller

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// Reasons of Events about pods that ask for a Kafka. The first is also that of pods that ask for a KafkaBridge.
const (
	reasonStale    = "StaleSidecars"
	reasonOrphaned = "OrphanedSidecars"
)

// DirectOptions is what SetupDirect is told.
type DirectOptions struct {
	Pods       cache.Cache           // made by AskingPods
	Namespaces []string              // that are looked at, as Cache was given them; none: all
	Defaults   model.BridgeResources // that sidecars are modelled with, as the webhook has them

	Metrics *Metrics
	Log     *slog.Logger
}

// directs looks after the pods that ask for a Kafka without a KafkaBridge, those of one Kafka at a time: which of them run a
// sidecar that would be made otherwise now. It changes nothing. Its memory, by Kafka, spares it work and words; one goroutine
// uses it.
type directs struct {
	DirectOptions
	client client.Reader
	events events.EventRecorder
	memory map[client.ObjectKey]map[asker]recall
}

// asker is the pods of one namespace that ask for a Kafka as one KafkaUser, or as nobody. All of them get the same sidecar.
type asker struct{ namespace, user string }

// recall is what is remembered of an asker: what a new pod would get, and what its hash is, since that is most of the
// work of a pass to find; and the hash or the refusal at which its stale pods were spoken of last.
type recall struct {
	bridge *v1.KafkaBridge
	hash   string
	said   string
}

// group is the pods of an asker, which are the cache's own.
type group struct {
	asker
	recall
	wish  inject.Wish
	pods  []*corev1.Pod
	stale []*corev1.Pod
	why   string // a new pod would be refused; empty: it would get what hash names
	news  bool   // some are stale, and nobody was told
}

// Reconcile makes one pass over the pods that ask for a Kafka, which need not be there.
func (d *directs) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	key := req.NamespacedName
	if len(d.Namespaces) > 0 && !slices.Contains(d.Namespaces, key.Namespace) {
		return reconcile.Result{}, nil // nobody tells what is there
	}
	groups, err := d.groups(ctx, key)
	if err != nil {
		return reconcile.Result{}, err
	}
	var kafka *v1.Kafka
	if len(groups) > 0 {
		if kafka, err = d.kafka(ctx, key); err != nil {
			return reconcile.Result{}, err
		}
	}
	next := make(map[asker]recall, len(groups))
	for i := range groups {
		g := &groups[i]
		g.recall = d.memory[key][g.asker]
		if err := d.judge(ctx, key, kafka, g); err != nil {
			return reconcile.Result{}, err
		}
		next[g.asker] = g.recall
	}
	d.report(key, kafka, groups)
	if d.memory[key] = next; len(next) == 0 {
		delete(d.memory, key)
	}
	return reconcile.Result{}, nil
}

// groups returns the pods that ask for a Kafka and still run, in the order of their namespaces and users.
func (d *directs) groups(ctx context.Context, key client.ObjectKey) ([]group, error) {
	list := &corev1.PodList{}
	if err := d.Pods.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	at := make(map[asker]int)
	var groups []group
	for i := range list.Items {
		pod := &list.Items[i]
		wish, ok := wishFor(pod)
		if !ok || over(pod) || kafkaFor(pod.Namespace, wish) != key {
			continue
		}
		a := asker{pod.Namespace, wish.User}
		if _, known := at[a]; !known {
			at[a] = len(groups)
			groups = append(groups, group{asker: a, wish: wish})
		}
		g := &groups[at[a]]
		g.pods = append(g.pods, pod)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.user, b.user))
	})
	return groups, nil
}

// wishFor returns the Kafka that a pod asks for; ok is false for a pod that asks for none, or for what can't be.
func wishFor(pod client.Object) (wish inject.Wish, ok bool) {
	wish, ok, err := inject.Wants(pod.GetLabels(), pod.GetAnnotations())
	return wish, err == nil && ok && wish.Cluster != ""
}

// kafkaFor is the Kafka of a wish: that of the KafkaUser's namespace, or of the pod's.
func kafkaFor(namespace string, wish inject.Wish) client.ObjectKey {
	return client.ObjectKey{Namespace: cmp.Or(wish.UserNamespace, namespace), Name: wish.Cluster}
}

// kafka reads a Kafka from the cache; nil if there is none.
func (d *directs) kafka(ctx context.Context, key client.ObjectKey) (*v1.Kafka, error) {
	found := &v1.Kafka{}
	err := d.client.Get(ctx, key, found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Kafka %s: %w", key.Name, err)
	}
	return found, nil
}

// judge finds the pods of a group whose sidecar is not what a new pod would get, and whether that is news.
func (d *directs) judge(ctx context.Context, key client.ObjectKey, kafka *v1.Kafka, g *group) error {
	r, why, err := d.resources(ctx, key, kafka, g)
	if err != nil {
		return err
	}
	if why == "" {
		if err := d.settle(g, r); err != nil {
			why = err.Error()
		}
	}
	if g.why = why; why != "" {
		g.bridge, g.hash = nil, ""
	}
	for _, pod := range g.pods {
		if inject.Injected(pod) && inject.Stale(pod, g.hash) {
			g.stale = append(g.stale, pod)
		}
	}
	said := g.said
	if g.said = ""; len(g.stale) > 0 {
		g.said = cmp.Or(why, g.hash)
		g.news = g.said != said
	}
	return nil
}

// resources reads what the pods of a group ask for. What is missing is told in one clause, in the words of the webhook.
func (d *directs) resources(ctx context.Context, key client.ObjectKey, kafka *v1.Kafka, g *group) (r model.DirectResources, why string, err error) {
	r = model.DirectResources{Namespace: g.namespace, Kafka: kafka}
	if kafka == nil {
		return r, fmt.Sprintf("there is no Kafka %q in namespace %q any more", key.Name, key.Namespace), nil
	}
	if g.user == "" {
		return r, "", nil
	}
	found := &v1.KafkaUser{}
	err = d.client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: g.user}, found)
	if client.IgnoreNotFound(err) != nil {
		return r, "", fmt.Errorf("read KafkaUser %s: %w", g.user, err)
	}
	if err != nil || !user.UsableIn(found, g.namespace) {
		return r, fmt.Sprintf("there is no KafkaUser %q in namespace %q any more that pods of namespace %q may use", g.user, key.Namespace, g.namespace), nil
	}
	r.User = found
	return r, "", nil
}

// settle finds what a new pod would get, and its model.Bridge.ConfigHash; the error says why it would get nothing.
func (d *directs) settle(g *group, r model.DirectResources) error {
	bridge, err := model.Direct(r)
	if err != nil || g.bridge != nil && equality.Semantic.DeepEqual(bridge, g.bridge) {
		return err
	}
	resources := d.Defaults
	resources.Bridge = bridge
	checked, _, err := model.ForBridge(resources)
	if err != nil {
		return err
	}
	g.bridge, g.hash = bridge, checked.ConfigHash()
	return nil
}

// report counts the stale pods, and says what is new about them: to who runs the Kafka, and to who runs the pods.
func (d *directs) report(key client.ObjectKey, kafka *v1.Kafka, groups []group) {
	counts := make(map[string]int)
	told := 0
	for i := range groups {
		g := &groups[i]
		counts[g.namespace] += len(g.stale)
		if !g.news {
			continue
		}
		reason, note := g.note()
		d.Log.Warn("stale sidecars", "kafka", key.String(), "namespace", g.namespace, "user", g.user, "pods", len(g.stale), "reason", reason)
		if told++; told > maxOrphans {
			continue
		}
		about := owners(g.stale)
		if kafka != nil { // what it is related to keeps it apart from that of another group, whatever the notes say
			d.events.Eventf(kafka, about[0], corev1.EventTypeWarning, reason, "Watch", "%s", note)
		}
		for _, owner := range about {
			d.events.Eventf(owner, nil, corev1.EventTypeWarning, reason, "Watch", "%s", note)
		}
	}
	d.Metrics.staleDirect(key, counts)
}

// note is an Event's text about the stale pods of a group.
func (g *group) note() (reason, note string) {
	about := fmt.Sprintf("%d of %d pods of namespace %s that ask for %s", len(g.stale), len(g.pods), g.namespace, g.wish)
	if g.why != "" {
		return reasonOrphaned, fmt.Sprintf("%s run a sidecar that no new pod would get: %s", about, g.why)
	}
	return reasonStale, about + " run a sidecar with older settings: restart them"
}

// owners returns what makes the pods, each once, at most maxOrphans of them; a pod that nobody makes stands for itself.
func owners(pods []*corev1.Pod) (all []*corev1.ObjectReference) {
	for _, pod := range pods {
		about := reference(pod, "v1", "Pod")
		if owner := metav1.GetControllerOf(pod); owner != nil {
			about = ownerReference(pod.Namespace, owner)
		}
		if !slices.ContainsFunc(all, func(o *corev1.ObjectReference) bool { return o.UID == about.UID }) {
			all = append(all, about)
		}
		if len(all) == maxOrphans {
			break
		}
	}
	return all
}

// ownerReference is what an Event about the owner of an object is about.
func ownerReference(namespace string, owner *metav1.OwnerReference) *corev1.ObjectReference {
	return &corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: namespace, Name: owner.Name, UID: owner.UID}
}
