package controller

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

const (
	// usersMost is how many KafkaUsers one pass is about, if it is not about all. A pass that is shorter lets the statuses of
	// some be written while others wait; a longer one costs fewer requests.
	usersMost = 200
	// usersBound is how many may wait. The list of all costs less than keeping more.
	usersBound = 2000
	// userRequests bounds the requests about users that are under way together, of one cluster.
	userRequests = 16
	// userSecretInterval is the longest time between two looks at the Secret of a user that nothing happens to: Secrets are not
	// watched. Half of it is the shortest, so that those of many users are spread.
	userSecretInterval = 5 * time.Minute
)

// UserOptions is what SetupUser is told.
type UserOptions struct {
	// Clusters are the ways to Kafka, which it shares with others.
	Clusters *Clusters
	// Namespaces are those that are looked at; none: all.
	Namespaces []string
	// WatchedNamespace lets a Kafka name the namespaces of its KafkaUsers, with commas, in
	// spec.entityOperator.userOperator.watchedNamespace. Who may write Kafkas can then claim KafkaUsers of any namespace that the
	// operator sees. Without it they are those of the Kafka's own namespace, whatever it names.
	WatchedNamespace bool
	// Interval is the time between two looks at all users of a cluster, unless its Kafka says another one.
	Interval time.Duration

	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
	Random  io.Reader        // crypto/rand's if nil; used by several goroutines at once
}

// users looks after KafkaUsers, those of one Kafka cluster at a time.
type users struct {
	UserOptions
	client  client.Client
	live    client.Reader // past the cache
	events  events.EventRecorder
	watched cache.Cache
	marks   cache.Cache // of the ConfigMaps that mark mirrors
	mirrors *Mirrors
	batches *batcher

	mu       sync.Mutex
	clusters map[client.ObjectKey]*userCluster
}

// SetupUser has the manager's leader look after KafkaUsers. The manager's cache must be made with Cache.
func SetupUser(mgr manager.Manager, o UserOptions) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	u := &users{
		UserOptions: o,
		client:      mgr.GetClient(),
		live:        mgr.GetAPIReader(),
		events:      mgr.GetEventRecorder(names.FieldOwner),
		watched:     mgr.GetCache(),
		mirrors:     NewMirrors(mgr.GetClient(), mgr.GetAPIReader(), o.Namespaces),
		clusters:    make(map[client.ObjectKey]*userCluster),
	}
	u.batches = newBatcher(batcherOptions{Work: u.work, Most: usersMost, Bound: usersBound, Limit: passTimeout})
	var err error
	if u.marks, err = marksCache(mgr, o.Namespaces); err != nil {
		return fmt.Errorf("controller of KafkaUsers: %w", err)
	}
	// Every replica fills its cache, not only the one that leads: the webhook reads KafkaUsers too.
	for _, kind := range []client.Object{&v1.KafkaUser{}, &v1.Kafka{}} {
		if _, err := u.watched.GetInformer(context.Background(), kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("controller of KafkaUsers: %w", err)
		}
	}
	return mgr.Add(u)
}

// Start works until the context ends. The manager calls it on the leader, when the caches are filled.
func (u *users) Start(ctx context.Context) error {
	for _, watch := range []struct {
		in      cache.Cache
		kind    client.Object
		handler toolscache.ResourceEventHandler
	}{
		{u.watched, &v1.Kafka{}, handles(u.kafkaChanged)}, // first: they say where KafkaUsers belong
		{u.watched, &v1.KafkaUser{}, handles(u.userChanged)},
		{u.marks, &corev1.ConfigMap{}, handles(u.markChanged)},
	} {
		informer, err := watch.in.GetInformer(ctx, watch.kind)
		if err != nil {
			return fmt.Errorf("controller of KafkaUsers: %w", err)
		}
		registration, err := informer.AddEventHandler(watch.handler)
		if err != nil {
			return fmt.Errorf("controller of KafkaUsers: %w", err)
		}
		defer func() { _ = informer.RemoveEventHandler(registration) }()
		if !toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			return nil // it ends
		}
	}
	return u.batches.run(ctx)
}

// handles makes an event handler of a function of what was and what is; nil stands for nothing.
func handles[T client.Object](changed func(before, after T)) toolscache.ResourceEventHandler {
	var none T
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) {
			if after, ok := o.(T); ok {
				changed(none, after)
			}
		},
		UpdateFunc: func(o, n any) {
			before, ok := o.(T)
			if after, also := n.(T); ok && also {
				changed(before, after)
			}
		},
		DeleteFunc: func(o any) {
			if last, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
				o = last.Obj
			}
			if before, ok := o.(T); ok {
				changed(before, none)
			}
		},
	}
}

// userChanged has a KafkaUser looked at if there is more to it than a new status: by the cluster that it belongs to, and by the
// one that it belonged to.
func (u *users) userChanged(before, after *v1.KafkaUser) {
	if after != nil {
		u.Metrics.present(names.KindKafkaUser, client.ObjectKeyFromObject(after), user.Paused(after))
	} else {
		u.Metrics.gone(names.KindKafkaUser, client.ObjectKeyFromObject(before))
	}
	if before != nil && after != nil && sameWish(before, after) {
		return
	}
	for _, cr := range []*v1.KafkaUser{before, after} {
		if cr != nil {
			u.batches.add(u.home(cr), client.ObjectKeyFromObject(cr))
		}
	}
}

// sameWish reports whether nothing changed of an object but what is said of it.
func sameWish(before, after client.Object) bool {
	return before.GetUID() == after.GetUID() && before.GetGeneration() == after.GetGeneration() &&
		maps.Equal(before.GetLabels(), after.GetLabels()) && maps.Equal(before.GetAnnotations(), after.GetAnnotations()) &&
		before.GetDeletionTimestamp().Equal(after.GetDeletionTimestamp())
}

// kafkaChanged has all users of a Kafka looked at, and those of others of its name, since one that comes or goes changes where
// KafkaUsers belong.
func (u *users) kafkaChanged(before, after *v1.Kafka) {
	if before != nil && after != nil && sameWish(before, after) && sameProgress(before, after) {
		return
	}
	for _, kafka := range []*v1.Kafka{before, after} {
		if kafka == nil {
			continue
		}
		u.batches.addAll(client.ObjectKeyFromObject(kafka))
		for _, namespace := range u.namespacesOf(kafka) {
			u.batches.addAll(client.ObjectKey{Namespace: namespace, Name: kafka.Name})
		}
	}
	if !u.WatchedNamespace {
		return
	}
	for _, kafka := range u.kafkas() {
		if before != nil && kafka.Name == before.Name || after != nil && kafka.Name == after.Name {
			u.batches.addAll(client.ObjectKeyFromObject(&kafka))
		}
	}
}

// namespacesOf are those of the KafkaUsers of a Kafka.
func (u *users) namespacesOf(kafka *v1.Kafka) []string {
	named := ""
	if e := kafka.Spec.EntityOperator; u.WatchedNamespace && e != nil && e.UserOperator != nil {
		named = e.UserOperator.WatchedNamespace
	}
	all := strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' })
	if len(all) == 0 {
		return []string{kafka.Namespace}
	}
	return all
}

// kafkas are all, by the cache; they must not be changed.
func (u *users) kafkas() []v1.Kafka {
	list := &v1.KafkaList{}
	if err := u.client.List(context.Background(), list, client.UnsafeDisableDeepCopy); err != nil { // the cache does not wait
		u.Log.Warn("list of Kafkas", "error", err)
	}
	return list.Items
}

// home returns the Kafka that a KafkaUser belongs to, by its label: the one in its namespace, unless that looks elsewhere and
// another one looks here. There may be no such Kafka.
func (u *users) home(cr *v1.KafkaUser) client.ObjectKey {
	own := client.ObjectKey{Namespace: cr.Namespace, Name: cr.Labels[names.LabelCluster]}
	if !u.WatchedNamespace {
		return own
	}
	home := own
	for _, kafka := range u.kafkas() {
		at := client.ObjectKeyFromObject(&kafka)
		switch {
		case at.Name != own.Name || !slices.Contains(u.namespacesOf(&kafka), cr.Namespace):
		case at == own:
			return own
		case home == own || at.Namespace < home.Namespace:
			home = at
		}
	}
	return home
}

// markChanged has the KafkaUser of a mirror looked at.
func (u *users) markChanged(_, after *corev1.ConfigMap) {
	if after == nil {
		return
	}
	if of, ok := mirrorOf(after); ok {
		cr := &v1.KafkaUser{}
		cr.Namespace, cr.Name, cr.Labels = of.Namespace, of.Name, after.Labels
		u.batches.add(u.home(cr), of)
	}
}
