package controller

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// ownedKinds are the kinds of objects that are made for a KafkaBridge: those that are watched, and looked through for
// objects which are no longer wanted.
func ownedKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Version: "v1", Kind: "ServiceAccount"},
		{Version: "v1", Kind: "ConfigMap"},
		{Version: "v1", Kind: "Service"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		{Group: "apps", Version: "v1", Kind: "Deployment"},
	}
}

// identity returns the labels that the objects made for a KafkaBridge carry, and no others do.
func identity(bridge client.Object) labels.Set {
	return labels.Set{
		names.LabelManagedBy: names.ManagedBy,
		names.LabelKind:      names.KindKafkaBridge,
		names.LabelCluster:   names.LabelValue(bridge.GetName()),
	}
}

// Cache returns what a manager may keep in memory for this package, in the given namespaces, or in all if there are none: what
// BridgeCache keeps, and Kafkas with their KafkaNodePools, StrimziPodSets, KafkaTopics and KafkaUsers. The API server must know
// all these kinds.
func Cache(namespaces []string) (cache.Options, error) {
	o, err := BridgeCache(namespaces)
	if err != nil {
		return o, err
	}
	for _, kind := range []client.Object{&v1.Kafka{}, &v1.KafkaNodePool{}, &v1.KafkaTopic{}, &v1.KafkaUser{}} {
		o.ByObject[kind] = cache.ByObject{Label: labels.Everything(), Transform: stripMeta}
	}
	ours := labels.SelectorFromSet(labels.Set{names.LabelKind: names.KindKafka})
	o.ByObject[&podsetv1.StrimziPodSet{}] = cache.ByObject{Label: ours, Transform: stripMeta}
	return o, nil
}

// BridgeCache is the part of Cache for SetupBridge and SetupWatchdog alone, which also work where the API server knows none of
// the other kinds: KafkaBridges, pods that ask for a sidecar by a KafkaBridge, and of every other kind the metadata of the objects
// made for KafkaBridges and Kafkas. Any other object has to be read past the cache; to read a kind that nothing watches is an
// error instead of a new watch.
func BridgeCache(namespaces []string) (cache.Options, error) {
	asks, err := labels.NewRequirement(names.LabelBridge, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("label of pods: %w", err)
	}
	ours, err := labels.NewRequirement(names.LabelKind, selection.In, []string{names.KindKafkaBridge, names.KindKafka})
	if err != nil {
		return cache.Options{}, fmt.Errorf("label of owned objects: %w", err)
	}
	return cache.Options{
		ByObject: map[client.Object]cache.ByObject{
			&v1.KafkaBridge{}: {Label: labels.Everything(), Transform: stripBridge},
			&corev1.Pod{}:     {Label: labels.NewSelector().Add(*asks), Transform: stripPod},
		},
		DefaultLabelSelector:        labels.SelectorFromSet(labels.Set{names.LabelManagedBy: names.ManagedBy}).Add(*ours),
		DefaultTransform:            stripOwned,
		DefaultNamespaces:           inNamespaces(namespaces),
		ReaderFailOnMissingInformer: true,
	}, nil
}

// ownCache has the manager keep the objects of one kind that a selector matches in memory, as far as strip leaves them. It is for
// what Cache can't keep too: one cache has one selector for all objects of a kind. Nothing is watched before somebody asks for
// an informer; all replicas start it, before their controllers.
func ownCache(mgr manager.Manager, namespaces []string, kind client.Object, which labels.Selector, strip toolscache.TransformFunc) (cache.Cache, error) {
	own, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient:                  mgr.GetHTTPClient(),
		Scheme:                      mgr.GetScheme(),
		Mapper:                      mgr.GetRESTMapper(),
		ByObject:                    map[client.Object]cache.ByObject{kind: {Label: which, Transform: strip}},
		DefaultNamespaces:           inNamespaces(namespaces),
		ReaderFailOnMissingInformer: true,
	})
	if err == nil {
		err = mgr.Add(nodePods{own})
	}
	if err != nil {
		return nil, fmt.Errorf("cache of %T by %s: %w", kind, which, err)
	}
	return own, nil
}

// nodePods is a cache that the manager starts before its controllers, on all replicas.
type nodePods struct{ cache.Cache }

// GetCache is how the manager tells a cache from other things that run.
func (p nodePods) GetCache() cache.Cache { return p.Cache }

// inNamespaces restricts a cache, unless there are no namespaces.
func inNamespaces(namespaces []string) map[string]cache.Config {
	if len(namespaces) == 0 {
		return nil
	}
	configs := make(map[string]cache.Config, len(namespaces))
	for _, n := range namespaces {
		configs[n] = cache.Config{}
	}
	return configs
}

// stripBridge leaves out what is only there for the API server and for kubectl.
func stripBridge(in any) (any, error) {
	if bridge, ok := in.(*v1.KafkaBridge); ok {
		bridge.ManagedFields = nil
		delete(bridge.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return in, nil
}

// stripOwned keeps of an object what tells whose it is and whether it has changed.
func stripOwned(in any) (any, error) {
	if object, ok := in.(metav1.Object); ok {
		object.SetManagedFields(nil)
		object.SetAnnotations(nil)
	}
	return in, nil
}

// stripPod keeps of a pod whose it is, what it asks for, an outline of its containers, and whether it runs: about a tenth of
// it. What inject and the watchdog ask of a pod must be kept here.
func stripPod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	kept := &corev1.Pod{
		TypeMeta: pod.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name:              pod.Name,
			Namespace:         pod.Namespace,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			CreationTimestamp: pod.CreationTimestamp,
			DeletionTimestamp: pod.DeletionTimestamp,
			OwnerReferences:   pod.OwnerReferences,
			Labels:            only(pod.Labels, names.Domain, names.LabelName),
			Annotations:       only(pod.Annotations, names.Domain, ""),
		},
		Spec: corev1.PodSpec{
			Containers:     outlines(pod.Spec.Containers),
			InitContainers: outlines(pod.Spec.InitContainers),
		},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	return kept, nil
}

// only returns the entries whose keys are in a domain, and the one of a further key.
func only(all map[string]string, domain, key string) map[string]string {
	kept := make(map[string]string)
	for k, v := range all {
		if strings.HasPrefix(k, domain) || k == key {
			kept[k] = strings.Clone(v) // the whole object's bytes are not to be held by one string
		}
	}
	return kept
}

// outlines keeps of containers their names, and the name of the variable by which a sidecar is told from others.
func outlines(containers []corev1.Container) []corev1.Container {
	kept := make([]corev1.Container, len(containers))
	for i, c := range containers {
		kept[i].Name = strings.Clone(c.Name)
		if slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == names.EnvProperties }) {
			kept[i].Env = []corev1.EnvVar{{Name: names.EnvProperties}}
		}
	}
	return kept
}
