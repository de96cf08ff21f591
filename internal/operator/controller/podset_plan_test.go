package controller

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

func raw(text string) runtime.RawExtension { return runtime.RawExtension{Raw: []byte(text)} }

// aSet is a StrimziPodSet of pods given as JSON.
func aSet(pods ...string) *podsetv1.StrimziPodSet {
	set := &podsetv1.StrimziPodSet{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "ns", UID: "set"}}
	for _, text := range pods {
		set.Spec.Pods = append(set.Spec.Pods, raw(text))
	}
	return set
}

func TestWantedPods(t *testing.T) {
	pods, err := wantedPods(aSet(`{"metadata":{"name":"b"}}`, `{"metadata":{"name":"a","namespace":"ns"}}`))
	if err != nil || len(pods) != 2 || pods[0].Name != "b" || pods[0].Namespace != "ns" {
		t.Fatalf("%v %v", pods, err)
	}
	if owner := metav1.GetControllerOf(&pods[1]); owner == nil || owner.UID != "set" || owner.APIVersion != "core.strimzi.io/v1" || owner.Kind != "StrimziPodSet" {
		t.Errorf("%+v", owner)
	}
	for name, set := range map[string]*podsetv1.StrimziPodSet{
		"spec.pods[0]: is not a Pod":                  aSet(`[]`),
		"spec.pods[1].metadata.name: is missing":      aSet(`{"metadata":{"name":"b"}}`, `{}`),
		"spec.pods[0].metadata.namespace: must be ns": aSet(`{"metadata":{"name":"b","namespace":"x"}}`),
		"spec.pods[1].metadata.name: b is there":      aSet(`{"metadata":{"name":"b"}}`, `{"metadata":{"name":"b"}}`),
	} {
		var invalid model.Invalid
		if _, err := wantedPods(set); !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlanPods: what becomes of each kind of pod.
func TestPlanPods(t *testing.T) {
	set := aSet(`{"metadata":{"name":"s-0"}}`, `{"metadata":{"name":"s-1"}}`)
	ours := []metav1.OwnerReference{controllerReference(set)}
	theirs := []metav1.OwnerReference{{UID: "other", Controller: new(true)}}
	pod := func(name string, owners []metav1.OwnerReference, change func(*corev1.Pod)) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: owners}}
		if change != nil {
			change(&p)
		}
		return p
	}
	ended := func(phase corev1.PodPhase) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Status.Phase = phase }
	}
	going := func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }
	full := pod("s-1", ours, nil)
	for name, c := range map[string]struct {
		found                 corev1.Pod
		create, remove, adopt []string
	}{
		"there":                     {found: pod("s-0", ours, nil)},
		"missing":                   {found: pod("else", theirs, nil), create: []string{"s-0"}},
		"failed":                    {found: pod("s-0", ours, ended(corev1.PodFailed)), remove: []string{"s-0"}},
		"succeeded":                 {found: pod("s-0", ours, ended(corev1.PodSucceeded)), remove: []string{"s-0"}},
		"going":                     {found: pod("s-0", ours, going)},
		"without an owner":          {found: pod("s-0", nil, nil), adopt: []string{"s-0"}},
		"another owner's":           {found: pod("s-0", theirs, nil), create: []string{"s-0"}},
		"not wanted":                {found: pod("s-2", ours, nil), create: []string{"s-0"}, remove: []string{"s-2"}},
		"not wanted and going":      {found: pod("s-2", ours, going), create: []string{"s-0"}},
		"not wanted and nobody's":   {found: pod("s-2", nil, nil), create: []string{"s-0"}},
		"without an owner and gone": {found: pod("s-0", nil, going)},
	} {
		wanted, err := wantedPods(set)
		if err != nil {
			t.Fatal(err)
		}
		plan := planPods(set, wanted, []corev1.Pod{full, c.found})
		for what, lists := range map[string][2][]string{
			"create": {c.create, named(plan.create)}, "remove": {c.remove, named(plan.remove)}, "adopt": {c.adopt, named(plan.adopt)},
		} {
			if !slices.Equal(lists[0], lists[1]) {
				t.Errorf("%s: %s %v instead of %v", name, what, lists[1], lists[0])
			}
		}
		if plan.acts() != (len(c.create)+len(c.remove)+len(c.adopt) > 0) {
			t.Errorf("%s: acts %t", name, plan.acts())
		}
	}
}

func named(pods []*corev1.Pod) (all []string) {
	for _, p := range pods {
		all = append(all, p.Name)
	}
	return all
}

// TestJudgeResize: when a running pod is given other resources, and when it says that it has them.
func TestJudgeResize(t *testing.T) {
	sized := func(revision, request, limit string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
			names.AnnotationRevision: "a", names.AnnotationResourceRevision: revision,
		}}}
		r := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: quantity.MustParse(limit)}}
		if request != "" {
			r.Requests = corev1.ResourceList{corev1.ResourceCPU: quantity.MustParse(request)}
		}
		p.Spec.Containers = []corev1.Container{{Name: "kafka", Resources: r}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "kafka", Resources: r.DeepCopy()}}
		return p
	}
	const nothing, told, tell, done = "nothing", "told", "tell", "done"
	for name, c := range map[string]struct {
		pod    *corev1.Pod
		change func(set *podsetv1.StrimziPodSet, pod *corev1.Pod)
		want   string
	}{
		"same":              {pod: sized("2", "1", "2"), want: nothing},
		"other":             {pod: sized("1", "500m", "2"), want: tell},
		"has it":            {pod: sized("1", "1", "2"), want: done},
		"in other words":    {pod: sized("1", "1000m", "2000m"), want: done},
		"not asked for":     {pod: sized("1", "500m", "2"), change: func(s *podsetv1.StrimziPodSet, _ *corev1.Pod) { s.Annotations = nil }, want: nothing},
		"is restarted soon": {pod: sized("1", "500m", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) { p.Annotations[names.AnnotationRevision] = "b" }, want: nothing},
		"refused":           {pod: sized("1", "500m", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) { p.Annotations[annotationResizeRefused] = "2" }, want: nothing},
		"another refused":   {pod: sized("1", "500m", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) { p.Annotations[annotationResizeRefused] = "1" }, want: tell},
		"at work": {pod: sized("1", "1", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizeInProgress, Status: corev1.ConditionTrue}}
		}, want: told},
		"put off": {pod: sized("1", "1", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue}}
		}, want: told},
		"not seen by the kubelet": {pod: sized("1", "1", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) {
			p.Status.ContainerStatuses[0].Resources = &corev1.ResourceRequirements{}
		}, want: told},
		"an old kubelet": {pod: sized("1", "1", "2"), change: func(_ *podsetv1.StrimziPodSet, p *corev1.Pod) {
			p.Status.ContainerStatuses[0].Resources = nil
		}, want: told},
	} {
		set := aSet()
		set.Annotations = map[string]string{names.AnnotationInPlaceResizing: "true"}
		if c.change != nil {
			c.change(set, c.pod)
		}
		var plan podPlan
		plan.judge(set, c.pod, sized("2", "1", "2"))
		got := nothing
		switch {
		case plan.resizing:
			got = told
		case len(plan.resize) == 1 && plan.resize[0].done:
			got = done
		case len(plan.resize) == 1:
			got = tell
		}
		if got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	a, b := sized("", "2", "2").Spec.Containers[0].Resources, sized("", "", "2").Spec.Containers[0].Resources
	if !sameResources(a, b) || sameResources(a, sized("", "1", "2").Spec.Containers[0].Resources) {
		t.Error("a request that is absent is the limit")
	}
	changed := withResources(sized("1", "1", "2"), sized("2", "3", "4"))
	if got := changed.Spec.Containers[0].Resources.Requests.Cpu().String(); got != "3" || changed.Annotations[names.AnnotationResourceRevision] != "1" {
		t.Errorf("%s, %v", got, changed.Annotations)
	}
}
