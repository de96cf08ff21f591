package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

const (
	// topicsMost is how many KafkaTopics one pass is about, if it is not about all. While Kafka makes the topics of one pass the API
	// server has nothing to do, and the other way round, so larger is not faster; smaller costs requests.
	topicsMost = 250
	// topicsBound is how many may wait. The list of all costs less than keeping more.
	topicsBound = 2000
	// topicWrites bounds the writes to the API server that are under way together, for one cluster.
	topicWrites = 16
	// topicIndex finds KafkaTopics by the topic that they speak of.
	topicIndex = "steg.topic"
)

// TopicOptions is what SetupTopic is told.
type TopicOptions struct {
	// Clusters are the ways to Kafka, which it shares with others.
	Clusters *Clusters
	// Interval is the time between two looks at all topics of a cluster, unless its Kafka says another one.
	Interval time.Duration
	// WatchedNamespace lets a Kafka name the namespaces of its KafkaTopics, with commas, in
	// spec.entityOperator.topicOperator.watchedNamespace. Who may write Kafkas can then claim KafkaTopics of any namespace that
	// the operator sees. Without it they are those of the Kafka's own namespace, whatever it names.
	WatchedNamespace bool
	// Import makes a KafkaTopic for each topic that has none.
	Import bool
	// Bidirectional lets Kafka change KafkaTopics too: what was changed last in either counts, and a KafkaTopic whose topic is
	// deleted goes with it. It includes Import.
	Bidirectional bool
	// Alterable are the settings of topics that may be changed.
	Alterable topic.Alterable
	// Throttle limits the traffic of replicas that move, in bytes per second and broker; 0: not at all.
	Throttle int64

	Metrics *Metrics
	Log     *slog.Logger
	Now     func() time.Time // time.Now if nil
}

// topics looks after KafkaTopics, those of one Kafka cluster at a time.
type topics struct {
	TopicOptions
	client  client.Client
	events  events.EventRecorder
	mgr     manager.Manager
	batches *batcher

	mu     sync.Mutex
	memory map[client.ObjectKey]*topicMemory
}

// SetupTopic has the manager's leader look after KafkaTopics. The manager's cache must be made with Cache, and its client must not
// be held to few requests a second: a batch of topics is as many writes.
func SetupTopic(mgr manager.Manager, o TopicOptions) error {
	if o.Clusters == nil || o.Interval <= 0 {
		return errors.New("controller of KafkaTopics: neither connections nor an interval may be missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &topics{
		TopicOptions: o, client: mgr.GetClient(), events: mgr.GetEventRecorder(names.FieldOwner), mgr: mgr,
		memory: make(map[client.ObjectKey]*topicMemory),
	}
	r.batches = newBatcher(batcherOptions{Work: r.work, Most: topicsMost, Bound: topicsBound, Limit: passTimeout})
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1.KafkaTopic{}, topicIndex, indexTopic); err != nil {
		return fmt.Errorf("controller of KafkaTopics: %w", err)
	}
	return mgr.Add(r)
}

// indexTopic says by which values a KafkaTopic is found: those of all topics that it may claim.
func indexTopic(o client.Object) []string {
	cr, ok := o.(*v1.KafkaTopic)
	if !ok || cr.Labels[names.LabelCluster] == "" {
		return nil
	}
	values := []string{indexValue(cr, topic.Name(cr))}
	if was := cr.Status.TopicName; was != "" && was != topic.Name(cr) {
		values = append(values, indexValue(cr, was))
	}
	return values
}

func indexValue(cr *v1.KafkaTopic, name string) string {
	return cr.Labels[names.LabelCluster] + "/" + name
}

// Start works until the context ends. The manager calls it on the leader.
func (r *topics) Start(ctx context.Context) error {
	for _, watch := range []struct {
		kind    client.Object
		handler toolscache.ResourceEventHandler
	}{ // Kafkas first: they say where KafkaTopics belong
		{&v1.Kafka{}, handles(r.kafkaChanged)},
		{&v1.KafkaTopic{}, handles(r.topicChanged)},
	} {
		informer, err := r.mgr.GetCache().GetInformer(ctx, watch.kind)
		if err != nil {
			return fmt.Errorf("controller of KafkaTopics: %w", err)
		}
		registration, err := informer.AddEventHandler(watch.handler)
		if err != nil {
			return fmt.Errorf("controller of KafkaTopics: %w", err)
		}
		defer func() { _ = informer.RemoveEventHandler(registration) }()
		if !toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			return nil // it ends
		}
	}
	return r.batches.run(ctx)
}

// topicChanged has a KafkaTopic looked at if there is more to it than what is written here, together with others that speak of
// the same topic: it may be theirs now.
func (r *topics) topicChanged(before, after *v1.KafkaTopic) {
	r.count(before, after)
	if before != nil && after != nil && sameTopicWish(before, after) {
		return
	}
	ctx := context.Background() // the cache is asked, which does not wait
	for _, cr := range []*v1.KafkaTopic{before, after} {
		if cr == nil || cr.Labels[names.LabelCluster] == "" {
			continue
		}
		home, err := r.home(ctx, cr)
		if err != nil {
			r.Log.Warn("where a KafkaTopic belongs", "namespace", cr.Namespace, "topic", cr.Name, "error", err)
			continue
		}
		if cr == after {
			r.batches.add(home, client.ObjectKeyFromObject(cr))
		}
		for _, rival := range r.rivals(ctx, cr) {
			r.batches.add(home, client.ObjectKeyFromObject(rival))
		}
	}
}

// sameTopicWish reports whether nothing changed that anybody wants. The finalizer is put on here, and if somebody else takes it
// away it is to be put on again.
func sameTopicWish(before, after *v1.KafkaTopic) bool {
	return sameWish(before, after) && slices.Equal(indexTopic(before), indexTopic(after)) && (held(after) || !held(before))
}

// count notes which KafkaTopics there are.
func (r *topics) count(before, after *v1.KafkaTopic) {
	switch {
	case after != nil && after.Labels[names.LabelCluster] != "":
		r.Metrics.present(names.KindKafkaTopic, client.ObjectKeyFromObject(after), after.Annotations[names.AnnotationPause] == "true")
	case before != nil:
		r.Metrics.gone(names.KindKafkaTopic, client.ObjectKeyFromObject(before))
	}
}

// held reports whether a KafkaTopic stays, once deleted, until it is let go here.
func held(cr *v1.KafkaTopic) bool { return slices.Contains(cr.Finalizers, names.FinalizerTopic) }

// rivals are the other KafkaTopics that speak of the same topic, by the cache.
func (r *topics) rivals(ctx context.Context, cr *v1.KafkaTopic) (rivals []*v1.KafkaTopic) {
	for _, value := range indexTopic(cr) {
		list := &v1.KafkaTopicList{}
		if err := r.client.List(ctx, list, client.MatchingFields{topicIndex: value}, client.UnsafeDisableDeepCopy); err != nil {
			r.Log.Warn("KafkaTopics of one topic", "namespace", cr.Namespace, "topic", cr.Name, "error", err)
			continue
		}
		for i := range list.Items {
			if list.Items[i].UID != cr.UID {
				rivals = append(rivals, &list.Items[i])
			}
		}
	}
	return rivals
}

// kafkaChanged has all topics of a Kafka looked at, and those of others of its name, since one that comes or goes changes where
// KafkaTopics belong.
func (r *topics) kafkaChanged(before, after *v1.Kafka) {
	if before != nil && after != nil && sameWish(before, after) && sameProgress(before, after) {
		return
	}
	either := after
	if either == nil {
		either = before
	}
	r.batches.addAll(client.ObjectKeyFromObject(either))
	if !r.WatchedNamespace {
		return
	}
	for _, kafka := range []*v1.Kafka{before, after} {
		if kafka == nil {
			continue
		}
		for _, namespace := range r.namespaces(kafka) {
			r.batches.addAll(client.ObjectKey{Namespace: namespace, Name: kafka.Name})
		}
	}
	kafkas, err := r.kafkas(context.Background(), either.Name)
	if err != nil {
		r.Log.Warn("Kafkas of one name", "cluster", either.Name, "error", err)
	}
	for i := range kafkas {
		r.batches.addAll(client.ObjectKeyFromObject(&kafkas[i]))
	}
}

func isReady(kafka *v1.Kafka) bool {
	return slices.ContainsFunc(kafka.Status.Conditions, func(c v1.Condition) bool { return c.Type == v1.ConditionReady && c.Status == "True" })
}

// sameProgress reports whether a Kafka is as far as it was: whether it is ready, and for which generation. A cluster that was ready
// stays so while it is rolled, and is observed at its new generation when all brokers have been: then they may check rights, or take
// settings, that they did not before.
func sameProgress(before, after *v1.Kafka) bool {
	return isReady(before) == isReady(after) && before.Status.ObservedGeneration == after.Status.ObservedGeneration
}

// home returns the key of the Kafka that a KafkaTopic belongs to: the one in its namespace that its label names, unless that looks
// elsewhere and another one looks here. There may be no such Kafka.
func (r *topics) home(ctx context.Context, cr *v1.KafkaTopic) (client.ObjectKey, error) {
	own := client.ObjectKey{Namespace: cr.Namespace, Name: cr.Labels[names.LabelCluster]}
	if !r.WatchedNamespace {
		return own, nil
	}
	kafkas, err := r.kafkas(ctx, own.Name)
	if err != nil {
		return own, err
	}
	home := own
	for i := range kafkas {
		at := client.ObjectKeyFromObject(&kafkas[i])
		switch {
		case !slices.Contains(r.namespaces(&kafkas[i]), cr.Namespace):
		case at == own:
			return own, nil
		case home == own || at.Namespace < home.Namespace:
			home = at
		}
	}
	return home, nil
}

// kafkas are all of a name, by the cache; they must not be changed.
func (r *topics) kafkas(ctx context.Context, name string) ([]v1.Kafka, error) {
	list := &v1.KafkaList{}
	if err := r.client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list Kafkas: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(k v1.Kafka) bool { return k.Name != name }), nil
}

// namespaces are those of the KafkaTopics of a Kafka.
func (r *topics) namespaces(kafka *v1.Kafka) []string {
	named := ""
	if e := kafka.Spec.EntityOperator; r.WatchedNamespace && e != nil && e.TopicOperator != nil {
		named = e.TopicOperator.WatchedNamespace
	}
	all := strings.FieldsFunc(named, func(r rune) bool { return r == ',' || r == ' ' })
	if len(all) == 0 {
		return []string{kafka.Namespace}
	}
	return all
}

// interval is the time between two looks at all topics of a Kafka.
func (r *topics) interval(kafka *v1.Kafka) time.Duration {
	if kafka == nil || kafka.Spec.EntityOperator == nil || kafka.Spec.EntityOperator.TopicOperator == nil {
		return r.Interval
	}
	switch o := kafka.Spec.EntityOperator.TopicOperator; {
	case o.ReconciliationIntervalMs != nil && *o.ReconciliationIntervalMs > 0:
		return time.Duration(*o.ReconciliationIntervalMs) * time.Millisecond
	case o.ReconciliationIntervalSeconds != nil && *o.ReconciliationIntervalSeconds > 0:
		return time.Duration(*o.ReconciliationIntervalSeconds) * time.Second
	}
	return r.Interval
}
