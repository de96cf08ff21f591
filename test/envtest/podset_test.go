//go:build envtest

package envtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// podSets starts the controller of StrimziPodSets.
func podSets(t *testing.T, admin client.Client, namespace string) *controlled {
	t.Helper()
	return running(t, admin, namespace, podSetRights(), func(p parts) error {
		return controller.SetupPodSet(p.mgr, controller.PodSetOptions{Pods: p.pods, Metrics: p.metrics, Log: p.log})
	})
}

// podOf is a pod as a StrimziPodSet holds it.
func podOf(name, revision string, change func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{names.LabelKind: names.KindKafka, "set": "s"},
			Annotations: map[string]string{names.AnnotationRevision: revision, names.AnnotationResourceRevision: "r1"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: names.ContainerKafka, Image: "kafka"}}},
	}
	if change != nil {
		change(&pod)
	}
	return pod
}

// setOf is a StrimziPodSet of the pods.
func setOf(t *testing.T, pods ...corev1.Pod) *podsetv1.StrimziPodSet {
	t.Helper()
	set := &podsetv1.StrimziPodSet{
		ObjectMeta: metav1.ObjectMeta{Name: "s", Labels: map[string]string{names.LabelKind: names.KindKafka}},
		Spec:       podsetv1.StrimziPodSetSpec{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"set": "s"}}},
	}
	for _, pod := range pods {
		raw, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		set.Spec.Pods = append(set.Spec.Pods, runtime.RawExtension{Raw: raw})
	}
	return set
}

// wants replaces the pods of the StrimziPodSet.
func (c *controlled) wants(pods ...corev1.Pod) {
	c.t.Helper()
	set := setOf(c.t, pods...)
	spec, err := json.Marshal(set.Spec)
	if err != nil {
		c.t.Fatal(err)
	}
	set.Namespace = c.namespace
	c.patch(set, fmt.Sprintf(`{"spec":%s}`, spec))
}

// counts waits for the status of the StrimziPodSet: pods wanted, ready, current.
func (c *controlled) counts(pods, ready, current int32) *podsetv1.StrimziPodSet {
	c.t.Helper()
	set := &podsetv1.StrimziPodSet{}
	want := fmt.Sprint([]int32{pods, ready, current})
	until(c.t, "the status "+want, func() (bool, string) {
		if err := c.read("s", set); err != nil {
			return false, err.Error()
		}
		got := fmt.Sprint([]int32{set.Status.Pods, set.Status.ReadyPods, set.Status.CurrentPods})
		return got == want && set.Status.ObservedGeneration == set.Generation, fmt.Sprint(got, " of generation ", set.Status.ObservedGeneration)
	})
	return set
}

// TestPodSetLife follows a StrimziPodSet: its pods are made, made anew when they are gone or have ended, never changed, and
// taken away when they are not wanted any more.
func TestPodSetLife(t *testing.T) {
	admin, namespace := cluster(t)
	c := podSets(t, admin, namespace)
	kubelets(t, admin, namespace, nil)
	c.make(setOf(t, podOf("s-0", "a", nil), podOf("s-1", "a", nil)))
	pods := c.podsAre("s-0", "s-1")
	set := c.counts(2, 2, 2)
	owner := metav1.GetControllerOf(pods["s-0"])
	if owner == nil || owner.UID != set.UID || owner.Kind != "StrimziPodSet" || !*owner.BlockOwnerDeletion {
		t.Errorf("the owner %+v", owner)
	}

	t.Log("another revision changes no pod, and the next one has it")
	c.wants(podOf("s-0", "b", nil), podOf("s-1", "b", nil), podOf("s-2", "b", nil))
	c.counts(3, 3, 1)
	before := c.podsAre("s-0", "s-1", "s-2")
	equal(t, pods["s-0"].UID, before["s-0"].UID)
	gone := time.Now()
	if err := c.Delete(deadline(t), before["s-0"]); err != nil {
		t.Fatal(err)
	}
	until(t, "a successor", func() (bool, string) {
		pod := &corev1.Pod{}
		err := c.read("s-0", pod)
		return err == nil && pod.UID != before["s-0"].UID && pod.Annotations[names.AnnotationRevision] == "b", fmt.Sprint(err)
	})
	if took := time.Since(gone); took > 2*time.Second {
		t.Errorf("the successor came after %s", took)
	}
	c.counts(3, 3, 2)

	t.Log("a pod that ended is made anew")
	ended := c.podsAre("s-0", "s-1", "s-2")["s-1"]
	ended.Status.Phase = corev1.PodFailed
	if err := c.Status().Update(deadline(t), ended); err != nil {
		t.Fatal(err)
	}
	until(t, "a successor", func() (bool, string) {
		pod := &corev1.Pod{}
		err := c.read("s-1", pod)
		return err == nil && pod.UID != ended.UID, fmt.Sprint(err)
	})
	c.counts(3, 3, 3)

	t.Log("one fewer")
	c.wants(podOf("s-0", "b", nil), podOf("s-2", "b", nil))
	c.podsAre("s-0", "s-2")
	c.counts(2, 2, 2)
	equal(t, 0.0, c.metric("strimzi_reconciliations_failed_total"))
	equal(t, 1.0, c.metric("strimzi_resources"))

	t.Log("a pass that finds nothing to do asks for nothing")
	c.settled()
	passes := c.metric("strimzi_reconciliations_successful_total")
	c.asked.take()
	c.patch(set, `{"metadata":{"annotations":{"some":"thing"}}}`)
	until(t, "another pass", func() (bool, string) {
		now := c.metric("strimzi_reconciliations_successful_total")
		return now > passes, fmt.Sprint(now)
	})
	equal(t, []string(nil), c.asked.take())
}

// TestPodSetOthersPods: pods of others stay, whatever labels and names they have; a pod that lost its owner is taken back.
func TestPodSetOthersPods(t *testing.T) {
	admin, namespace := cluster(t)
	c := podSets(t, admin, namespace)
	kubelets(t, admin, namespace, nil)
	others := podOf("s-9", "a", nil)
	c.make(&others)
	theirs := podOf("s-1", "a", func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "r", UID: "u", Controller: new(true)}}
	})
	c.make(&theirs)
	orphan := podOf("s-0", "a", nil)
	c.make(&orphan)
	c.make(setOf(t, podOf("s-0", "a", nil), podOf("s-1", "a", nil), podOf("s-2", "a", nil)))
	pods := c.podsAre("s-0", "s-1", "s-2", "s-9")
	until(t, "an owner of s-0", func() (bool, string) {
		pod := &corev1.Pod{}
		err := c.read("s-0", pod)
		return err == nil && metav1.GetControllerOf(pod) != nil && pod.UID == orphan.UID, fmt.Sprint(err)
	})
	equal(t, theirs.UID, pods["s-1"].UID)
	set := &podsetv1.StrimziPodSet{}
	until(t, "a condition about s-1", func() (bool, string) {
		if err := c.read("s", set); err != nil {
			return false, err.Error()
		}
		named := slices.ContainsFunc(set.Status.Conditions, func(at v1.Condition) bool { return strings.Contains(at.Message, "pod s-1 exists") })
		return named, fmt.Sprint(set.Status.Conditions)
	})
}

// TestPodSetStops: nothing is made for a StrimziPodSet that is paused, that is going, or that says what can't be.
func TestPodSetStops(t *testing.T) {
	admin, namespace := cluster(t)
	c := podSets(t, admin, namespace)
	set := setOf(t, podOf("s-0", "a", nil))
	set.Annotations = map[string]string{names.AnnotationPause: "true"}
	c.make(set)
	c.measures("strimzi_resources_paused", 1)
	c.settled()
	c.podsAre()
	c.patch(set, `{"metadata":{"annotations":null}}`)
	until(t, "the pod", func() (bool, string) {
		err := c.read("s-0", &corev1.Pod{})
		return err == nil, fmt.Sprint(err)
	})

	t.Log("the same name twice")
	c.wants(podOf("s-0", "a", nil), podOf("s-0", "b", nil))
	until(t, "a condition", func() (bool, string) {
		if err := c.read("s", set); err != nil {
			return false, err.Error()
		}
		named := slices.ContainsFunc(set.Status.Conditions, func(at v1.Condition) bool { return strings.Contains(at.Message, "spec.pods[1].metadata.name") })
		return named, fmt.Sprint(set.Status.Conditions)
	})

	t.Log("going")
	c.wants(podOf("s-0", "a", nil))
	c.patch(set, `{"metadata":{"finalizers":["test.steg.dev/hold"]}}`)
	if err := c.Delete(deadline(t), set); err != nil {
		t.Fatal(err)
	}
	until(t, "the end to be seen", func() (bool, string) {
		err := c.read("s", set)
		return err == nil && set.DeletionTimestamp != nil, fmt.Sprint(err)
	})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "s-0", Namespace: namespace}}
	if err := c.Delete(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	c.settled()
	c.podsAre()
	c.patch(set, `{"metadata":{"finalizers":null}}`)
	c.measures("strimzi_resources", 0)
}

// TestPodSetResize: with in-place-resizing a running pod is given other resources, and says so when the kubelet has done it. What
// the API server refuses is written on the pod, for who rolls pods.
func TestPodSetResize(t *testing.T) {
	admin, namespace := cluster(t)
	c := podSets(t, admin, namespace)
	kubelets(t, admin, namespace, nil)
	sized := func(revision, cpu, limit string) corev1.Pod {
		return podOf("s-0", "a", func(p *corev1.Pod) {
			p.Annotations[names.AnnotationResourceRevision] = revision
			r := &p.Spec.Containers[0].Resources
			r.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
			if limit != "" {
				r.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)}
			}
		})
	}
	set := setOf(t, sized("r1", "100m", "1"))
	c.make(set)
	first := c.podsAre("s-0")["s-0"]

	t.Log("not asked for: nothing happens")
	c.wants(sized("r2", "200m", "1"))
	c.settled()
	equal(t, first.Spec.Containers[0].Resources, c.podsAre("s-0")["s-0"].Spec.Containers[0].Resources)

	c.patch(set, `{"metadata":{"annotations":{"strimzi.io/in-place-resizing":"true"}}}`)
	pod := &corev1.Pod{}
	until(t, "200m", func() (bool, string) {
		err := c.read("s-0", pod)
		return err == nil && pod.Spec.Containers[0].Resources.Requests.Cpu().String() == "200m", fmt.Sprint(err, pod.Spec.Containers[0].Resources)
	})
	equal(t, first.UID, pod.UID)
	equal(t, "r1", pod.Annotations[names.AnnotationResourceRevision]) // the kubelet has not done it
	pod.Status.ContainerStatuses[0].Resources = pod.Spec.Containers[0].Resources.DeepCopy()
	if err := c.Status().Update(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	marked := func(key, value string) {
		t.Helper()
		until(t, key+"="+value, func() (bool, string) {
			err := c.read("s-0", pod)
			return err == nil && pod.Annotations[key] == value, fmt.Sprint(err, pod.Annotations)
		})
	}
	marked(names.AnnotationResourceRevision, "r2")

	t.Log("another class of service can't be had without a restart")
	c.wants(sized("r3", "1", "1"), podOf("s-1", "a", nil))
	c.podsAre("s-0", "s-1")
	c.wants(sized("r4", "100m", ""), podOf("s-1", "a", nil))
	marked("steg.dev/resize-refused", "r4")
	equal(t, first.UID, pod.UID)
	equal(t, 0.0, c.metric("strimzi_reconciliations_failed_total"))
}
