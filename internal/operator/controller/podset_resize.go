package controller

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// annotationResizeRefused on a pod is the resource revision that the API server would not have it given without a restart: a
// change of the class of service, or a cluster that cannot resize pods.
const annotationResizeRefused = names.Domain + "resize-refused"

// resize gives a running pod other resources (KEP-1287, subresource resize). When the kubelet has done it the pod says so in its
// annotation; if it never can, or the API server refuses, the pod is restarted by who rolls pods.
func (r *podSets) resize(ctx context.Context, set *podsetv1.StrimziPodSet, change podResize) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	pod, revision := change.pod, change.wanted.Annotations[names.AnnotationResourceRevision]
	if change.done {
		return annotatePod(ctx, r.client, pod, map[string]any{names.AnnotationResourceRevision: revision})
	}
	err := r.client.SubResource("resize").Update(ctx, withResources(pod, change.wanted), client.FieldOwner(names.FieldOwner))
	switch {
	case err == nil:
		r.Log.Info("pod resized", "namespace", set.Namespace, "podset", set.Name, "pod", pod.Name)
		return nil
	case apierrors.IsConflict(err):
		return nil // it has changed, or another pod has the name by now: an event tells
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
		r.Log.Info("pod can't be resized", "namespace", set.Namespace, "podset", set.Name, "pod", pod.Name, "error", err)
		return annotatePod(ctx, r.client, pod, map[string]any{annotationResizeRefused: revision})
	}
	return fmt.Errorf("resize pod %s: %w", pod.Name, err)
}

// withResources returns the pod with the resources of the wanted one. What else is different stays.
func withResources(pod, wanted *corev1.Pod) *corev1.Pod {
	changed := pod.DeepCopy()
	for _, w := range wanted.Spec.Containers {
		for i := range changed.Spec.Containers {
			if c := &changed.Spec.Containers[i]; c.Name == w.Name {
				c.Resources.Requests, c.Resources.Limits = w.Resources.Requests, w.Resources.Limits
			}
		}
	}
	return changed
}

// annotatePod sets annotations of exactly the pod that was seen, or removes those that are nil. A pod that is gone is no error.
func annotatePod(ctx context.Context, c client.Client, pod *corev1.Pod, annotations map[string]any) error {
	return annotate(ctx, c, pod.DeepCopy(), pod.UID, annotations)
}

// annotate does the same for any object that has been read.
func annotate(ctx context.Context, c client.Client, object client.Object, uid types.UID, annotations map[string]any) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": uid, "annotations": annotations}})
	if err != nil {
		return fmt.Errorf("patch of %s: %w", object.GetName(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = c.Patch(ctx, object, client.RawPatch(types.MergePatchType, body), client.FieldOwner(names.FieldOwner))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("annotate %s: %w", object.GetName(), err)
	}
	return nil
}

// deletePod deletes the pod with this UID; that it is gone already is no error. Its own grace period counts: Kafka is told to
// stop, and hands its partitions over.
func deletePod(ctx context.Context, c client.Client, namespace, name string, uid types.UID) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := c.Delete(ctx, pod, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete pod %s: %w", name, err)
	}
	return nil
}
