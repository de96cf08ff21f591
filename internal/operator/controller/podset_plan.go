package controller

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// podPlan is what a StrimziPodSet wants, has and lacks.
type podPlan struct {
	create, remove, adopt []*corev1.Pod
	resize                []podResize

	wanted, ready, current int32 // how many, for the status
	resizing               bool  // a pod has been told, and has not done it yet
}

// podResize is a pod that has other resources than the one that is wanted.
type podResize struct {
	pod, wanted *corev1.Pod
	done        bool // the kubelet has given it what is wanted: only the annotation is left
}

// acts tells whether anything is to be done.
func (p podPlan) acts() bool {
	return len(p.create)+len(p.remove)+len(p.adopt)+len(p.resize) > 0
}

// wantedPods reads the pods out of a StrimziPodSet, in their order, with the owner that they will have.
func wantedPods(set *podsetv1.StrimziPodSet) ([]corev1.Pod, error) {
	wanted := make([]corev1.Pod, len(set.Spec.Pods))
	seen := make(map[string]bool, len(wanted))
	for i, raw := range set.Spec.Pods {
		pod := &wanted[i]
		field := fmt.Sprintf("spec.pods[%d]", i)
		if err := json.Unmarshal(raw.Raw, pod); err != nil {
			return nil, model.Invalid{Field: field, Message: "is not a Pod: " + err.Error()}
		}
		switch {
		case pod.Name == "":
			return nil, model.Invalid{Field: field + ".metadata.name", Message: "is missing"}
		case pod.Namespace != "" && pod.Namespace != set.Namespace:
			return nil, model.Invalid{Field: field + ".metadata.namespace", Message: "must be " + set.Namespace + ", that of the StrimziPodSet"}
		case seen[pod.Name]:
			return nil, model.Invalid{Field: field + ".metadata.name", Message: pod.Name + " is there twice"}
		}
		seen[pod.Name] = true
		pod.Namespace = set.Namespace
		pod.OwnerReferences = []metav1.OwnerReference{controllerReference(set)}
	}
	return wanted, nil
}

// controllerReference names a StrimziPodSet as the controller of its pods. The kind is given: objects of the cache have none.
func controllerReference(set *podsetv1.StrimziPodSet) metav1.OwnerReference {
	return *metav1.NewControllerRef(set, podsetv1.GroupVersion.WithKind(names.KindStrimziPodSet))
}

// planPods compares the pods that are wanted with those that the selector finds. A pod of another controller is left alone: if
// it has a name that is wanted, making that pod fails and says so.
func planPods(set *podsetv1.StrimziPodSet, wanted, found []corev1.Pod) podPlan {
	plan := podPlan{wanted: int32(len(wanted))}
	byName := make(map[string]*corev1.Pod, len(wanted))
	for i := range wanted {
		byName[wanted[i].Name] = &wanted[i]
	}
	there := make(map[string]bool, len(found))
	for i := range found {
		pod := &found[i]
		want, owner := byName[pod.Name], metav1.GetControllerOf(pod)
		if owner != nil && owner.UID != set.UID || owner == nil && want == nil {
			continue
		}
		there[pod.Name] = true
		switch {
		case pod.DeletionTimestamp != nil:
		case owner == nil:
			plan.adopt = append(plan.adopt, pod)
		case want == nil, pod.Status.Phase == corev1.PodSucceeded, pod.Status.Phase == corev1.PodFailed:
			plan.remove = append(plan.remove, pod)
		default:
			plan.judge(set, pod, want)
		}
	}
	for i := range wanted {
		if !there[wanted[i].Name] {
			plan.create = append(plan.create, &wanted[i])
		}
	}
	return plan
}

// judge counts a pod that stays, and finds out whether its resources are to be changed. One that is to be restarted for another
// reason gets them then.
func (p *podPlan) judge(set *podsetv1.StrimziPodSet, pod, want *corev1.Pod) {
	same := func(mark string) bool { return pod.Annotations[mark] == want.Annotations[mark] }
	if same(names.AnnotationRevision) && same(names.AnnotationResourceRevision) {
		p.current++
	}
	if podReady(pod) {
		p.ready++
	}
	if set.Annotations[names.AnnotationInPlaceResizing] != "true" || !same(names.AnnotationRevision) ||
		same(names.AnnotationResourceRevision) || resizeRefused(pod, want) {
		return
	}
	change := podResize{pod: pod, wanted: want, done: resized(pod, want)}
	if !change.done && sameSpecResources(pod, want) {
		p.resizing = true
		return
	}
	p.resize = append(p.resize, change)
}

// resizeRefused tells whether the API server would not have these very resources given to the running pod.
func resizeRefused(pod, want *corev1.Pod) bool {
	refused := pod.Annotations[annotationResizeRefused]
	return refused != "" && refused == want.Annotations[names.AnnotationResourceRevision]
}

// sameSpecResources tells whether the pod has been given the resources that are wanted.
func sameSpecResources(pod, want *corev1.Pod) bool {
	for _, w := range want.Spec.Containers {
		for _, c := range pod.Spec.Containers {
			if c.Name == w.Name && !sameResources(c.Resources, w.Resources) {
				return false
			}
		}
	}
	return true
}

// resized tells whether the kubelet has done it (KEP-1287): the containers' statuses tell what each has, and no condition says
// that something is to come.
func resized(pod, want *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if (c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress) && c.Status == corev1.ConditionTrue {
			return false
		}
	}
	for _, w := range want.Spec.Containers {
		for _, c := range pod.Status.ContainerStatuses {
			if c.Name == w.Name && (c.Resources == nil || !sameResources(*c.Resources, w.Resources)) {
				return false
			}
		}
	}
	return sameSpecResources(pod, want)
}

// sameResources compares CPU and memory: nothing else can be changed in place. A request that is absent is the limit.
func sameResources(a, b corev1.ResourceRequirements) bool {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		for _, lists := range [][2]corev1.ResourceList{{a.Limits, b.Limits}, {requests(a), requests(b)}} {
			x, inA := lists[0][name]
			y, inB := lists[1][name]
			if inA != inB || inA && !equality.Semantic.DeepEqual(x, y) {
				return false
			}
		}
	}
	return true
}

func requests(r corev1.ResourceRequirements) corev1.ResourceList {
	all := make(corev1.ResourceList, len(r.Limits)+len(r.Requests))
	for _, list := range []corev1.ResourceList{r.Limits, r.Requests} {
		for name, quantity := range list {
			all[name] = quantity
		}
	}
	return all
}

// podReady is the pod's own condition. A pod that is going counts as it says.
func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
