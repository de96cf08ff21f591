package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// tryPods asks the API server, for a pool whose pods are to be made anew, whether it would take one, before the pool's StrimziPodSet
// says that it is wanted: much of a template is passed on unread, and policies of the cluster have their say too. A broker that is
// taken down for a pod that is refused would stay down; a pool without pods has nothing to lose. What was found to be taken is not
// asked again.
func (r *kafkas) tryPods(ctx context.Context, s *scene, out *kafkaOutcome) error {
	pods := render.Pods(out.want, out.certificates)
	remembered := r.memory.of(client.ObjectKeyFromObject(s.kafka))
	tried := make(map[string]string)
	for _, id := range slices.Sorted(maps.Keys(pods)) {
		wanted, is := pods[id], s.pods[id]
		pool, revision := wanted.Labels[names.LabelPoolName], madeFrom(&wanted)
		if is == nil || madeFrom(is) == revision || tried[pool] != "" {
			continue
		}
		if tried[pool] = revision; remembered.taken[pool] == revision {
			continue
		}
		if err := r.tryPod(ctx, s.kafka.Namespace, wanted); err != nil {
			return err
		}
	}
	remembered.taken = tried
	return nil
}

// madeFrom sums up a pod's specification.
func madeFrom(pod *corev1.Pod) string {
	return pod.Annotations[names.AnnotationRevision] + " " + pod.Annotations[names.AnnotationResourceRevision]
}

// tryPod tries one pod. The API server finds that its name is taken only once everything else is right. A quota that is full counts
// for nothing, since the pod that goes makes room; nor does a webhook that takes no dry runs, since nothing is known of its opinion.
func (r *kafkas) tryPod(ctx context.Context, namespace string, pod corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	pod.Namespace = namespace
	err := r.client.Create(ctx, &pod, client.DryRunAll, client.FieldOwner(names.FieldOwner))
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), apierrors.IsBadRequest(err):
		return nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota"):
		return nil
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
		return model.Invalid{Field: "template.pod", Message: fmt.Sprintf("no pod is made anew, since Kubernetes would refuse it: %v", err)}
	}
	return fmt.Errorf("try pod %s: %w", pod.Name, err)
}
