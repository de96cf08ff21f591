package controller

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// clusterKinds are the kinds of objects that are made for a Kafka and looked through for those that it no longer wants. Secrets
// are not among them, since they are read one by one; nor are claims, which hold data.
func clusterKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Version: "v1", Kind: "ServiceAccount"},
		{Version: "v1", Kind: "ConfigMap"},
		{Version: "v1", Kind: "Service"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
		podsetv1.GroupVersion.WithKind(names.KindStrimziPodSet),
	}
}

// clusterLabels are on everything that is made for a Kafka, and on nothing else.
func clusterLabels(kafka string) labels.Set {
	return labels.Set{
		names.LabelManagedBy: names.ManagedBy,
		names.LabelKind:      names.KindKafka,
		names.LabelCluster:   kafka,
	}
}

// NodePods has the manager keep the pods of Kafka clusters in memory, as far as this package looks at them.
func NodePods(mgr manager.Manager, namespaces []string) (cache.Cache, error) {
	which := labels.SelectorFromSet(labels.Set{names.LabelKind: names.KindKafka})
	return ownCache(mgr, namespaces, &corev1.Pod{}, which, stripNodePod)
}

// stripNodePod keeps of a pod of a Kafka cluster its metadata, where it runs, the resources of its containers, its claims, and
// how it fares.
func stripNodePod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	kept := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: pod.ObjectMeta}
	kept.ManagedFields = nil
	kept.Spec.NodeName = pod.Spec.NodeName
	for _, c := range pod.Spec.Containers {
		kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Name: c.Name, Resources: c.Resources})
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			kept.Spec.Volumes = append(kept.Spec.Volumes, v)
		}
	}
	s := pod.Status
	kept.Status = corev1.PodStatus{
		Phase: s.Phase, Conditions: s.Conditions, ContainerStatuses: s.ContainerStatuses, InitContainerStatuses: s.InitContainerStatuses,
	}
	return kept, nil
}

// stripMeta leaves out of a resource of ours what is only there for the API server and for kubectl.
func stripMeta(in any) (any, error) {
	if object, ok := in.(metav1.Object); ok {
		object.SetManagedFields(nil)
		if annotations := object.GetAnnotations(); annotations != nil {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
		}
	}
	return in, nil
}

// specChanged lets through what somebody wanted changed, and nothing that only says how it fares.
func specChanged() predicate.Predicate {
	return predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{},
		predicate.Funcs{
			CreateFunc: func(event.CreateEvent) bool { return true },
			DeleteFunc: func(event.DeleteEvent) bool { return true },
			UpdateFunc: func(e event.UpdateEvent) bool {
				return (e.ObjectOld.GetDeletionTimestamp() == nil) != (e.ObjectNew.GetDeletionTimestamp() == nil)
			},
			GenericFunc: func(event.GenericEvent) bool { return true },
		},
	)
}
