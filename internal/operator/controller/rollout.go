package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// rollout looks after the pods whose sidecar has the settings of an older state of their KafkaBridge: it counts them, says
// so, and if the KafkaBridge wants it, has their workloads restart them, each as its own update strategy says.
func (r *bridges) rollout(ctx context.Context, bridge *v1.KafkaBridge, want model.Bridge) error {
	hash := want.ConfigHash()
	pods, err := r.podsOf(ctx, client.ObjectKeyFromObject(bridge))
	if err != nil {
		return err
	}
	var stale []*corev1.Pod
	for i := range pods {
		if inject.Injected(&pods[i]) && inject.Stale(&pods[i], hash) {
			stale = append(stale, &pods[i])
		}
	}
	r.Metrics.staleness(client.ObjectKeyFromObject(bridge), len(stale))
	if len(stale) == 0 {
		return nil
	}
	left := len(stale)
	if want.Rollout == names.RolloutWorkload {
		if left, err = r.restart(ctx, bridge, stale, hash); err != nil {
			return err
		}
	}
	if left > 0 && r.notes.news(client.ObjectKeyFromObject(bridge), hash) {
		r.warn(bridge, "StaleSidecars", "%d of %d pods run a sidecar with older settings: restart them, or set the annotation %s: %s",
			left, len(pods), names.AnnotationRolloutStrategy, names.RolloutWorkload)
	}
	return nil
}

// podsOf returns the pods that ask for a sidecar of the KafkaBridge and still run. They are the cache's own: not to be
// changed.
func (r *bridges) podsOf(ctx context.Context, bridge client.ObjectKey) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := r.client.List(ctx, list, client.InNamespace(bridge.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
		wish, ok, err := inject.Wants(p.Labels, p.Annotations)
		return err != nil || !ok || wish.Bridge != bridge.Name || over(&p)
	}), nil
}

// over tells whether nothing will be started in the pod any more.
func over(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// restart has the workloads of stale pods make new ones, by an annotation of the pod template. It returns how many pods have
// no workload that could: single pods, jobs, and those of controllers that are not known here.
func (r *bridges) restart(ctx context.Context, bridge *v1.KafkaBridge, stale []*corev1.Pod, hash string) (left int, err error) {
	pods := make(map[metav1.OwnerReference]int)
	for _, pod := range stale {
		owner := metav1.GetControllerOf(pod)
		if owner == nil || !rollable(*owner) {
			left++
			continue
		}
		pods[metav1.OwnerReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name}]++
	}
	var errs []error
	workloads := make(map[types.UID]client.Object) // several ReplicaSets may be of one Deployment
	for owner, n := range pods {
		w, err := r.workload(ctx, bridge.Namespace, owner)
		switch {
		case err != nil:
			errs = append(errs, client.IgnoreNotFound(err))
		case w == nil:
			left += n
		default:
			workloads[w.GetUID()] = w
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(workloads)) {
		errs = append(errs, r.restartOne(ctx, bridge, workloads[uid], hash))
	}
	return left, errors.Join(errs...)
}

// rollable tells whether the owner of a pod is a workload with a pod template that makes new pods when it changes.
func rollable(owner metav1.OwnerReference) bool {
	group, _ := schema.ParseGroupVersion(owner.APIVersion)
	return group.Group == appsv1.GroupName && slices.Contains([]string{"ReplicaSet", "StatefulSet", "DaemonSet"}, owner.Kind)
}

// workload reads the workload that an owner of a pod is, or is a part of; nil for a ReplicaSet of no Deployment.
func (r *bridges) workload(ctx context.Context, namespace string, owner metav1.OwnerReference) (client.Object, error) {
	if owner.Kind == "ReplicaSet" {
		set := &metav1.PartialObjectMetadata{}
		set.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
		if err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: owner.Name}, set); err != nil {
			return nil, err
		}
		above := metav1.GetControllerOf(set)
		if above == nil || above.Kind != "Deployment" || !strings.HasPrefix(above.APIVersion, appsv1.GroupName+"/") {
			return nil, nil
		}
		owner = *above
	}
	var workload client.Object
	switch owner.Kind {
	case "Deployment":
		workload = &appsv1.Deployment{}
	case "StatefulSet":
		workload = &appsv1.StatefulSet{}
	default:
		workload = &appsv1.DaemonSet{}
	}
	return workload, r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: owner.Name}, workload)
}

// restartOne writes the hash of the settings into the pod template, unless it is there: then the workload is at it.
func (r *bridges) restartOne(ctx context.Context, bridge *v1.KafkaBridge, workload client.Object, hash string) error {
	before, ok := workload.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is no object", workload)
	}
	template := templateOf(workload)
	if template.Annotations[names.AnnotationConfigHash] == hash {
		return nil
	}
	if template.Annotations == nil {
		template.Annotations = make(map[string]string)
	}
	template.Annotations[names.AnnotationConfigHash] = hash
	kind := kindOf(workload)
	err := r.client.Patch(ctx, workload, client.MergeFrom(before), client.FieldOwner(names.FieldOwner))
	if err != nil {
		return fmt.Errorf("restart %s %s: %w", kind, workload.GetName(), err)
	}
	r.Log.Info("workload restarted", "namespace", bridge.Namespace, "bridge", bridge.Name, "kind", kind, "name", workload.GetName())
	r.events.Eventf(bridge, workload, corev1.EventTypeNormal, "WorkloadRestarted", "Restart",
		"%s %s makes its pods anew: their sidecars had older settings", kind, workload.GetName())
	return nil
}

func templateOf(workload client.Object) *corev1.PodTemplateSpec {
	switch w := workload.(type) {
	case *appsv1.Deployment:
		return &w.Spec.Template
	case *appsv1.StatefulSet:
		return &w.Spec.Template
	case *appsv1.DaemonSet:
		return &w.Spec.Template
	}
	return &corev1.PodTemplateSpec{}
}

func kindOf(workload client.Object) string {
	switch workload.(type) {
	case *appsv1.StatefulSet:
		return "StatefulSet"
	case *appsv1.DaemonSet:
		return "DaemonSet"
	}
	return "Deployment"
}
