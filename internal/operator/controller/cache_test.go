package controller

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// labelled is a pod that asks for a sidecar, with much in it that does not count.
func labelled() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "p", Namespace: "ns", UID: "u", ResourceVersion: "7", CreationTimestamp: metav1.NewTime(time.Unix(1000, 0)),
			Labels:          map[string]string{names.LabelBridge: "my-bridge", "app": "x", names.LabelName: "y"},
			Annotations:     map[string]string{"other": "long", names.AnnotationPort: "9999"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "r", Controller: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "m"}},
		},
		Spec: corev1.PodSpec{
			NodeName:   "n",
			Containers: []corev1.Container{{Name: "app", Image: "i", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1"},
	}
}

// stripped is what the cache keeps of a pod.
func stripped(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	out, err := stripPod(pod.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	kept, ok := out.(*corev1.Pod)
	if !ok {
		t.Fatalf("%T", out)
	}
	return kept
}

// TestAsksForKafka: each pod that asks for a sidecar is looked at once.
func TestAsksForKafka(t *testing.T) {
	which, err := asksForKafka()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of   labels.Set
		want bool
	}{
		{labels.Set{names.LabelUsesCluster: "c"}, true},
		{labels.Set{names.LabelUsesCluster: ""}, true},
		{labels.Set{names.LabelUsesCluster: "c", names.LabelBridge: "b"}, false},
		{labels.Set{names.LabelBridge: "b"}, false},
		{labels.Set{"app": "x"}, false},
	} {
		if got := which.Matches(c.of); got != c.want {
			t.Errorf("%v: %v", c.of, got)
		}
	}
}

// TestStripPodKeepsAnswers: whatever is asked of a pod, the cache's copy gives the same answer as the whole pod, and is
// smaller.
func TestStripPodKeepsAnswers(t *testing.T) {
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge", Namespace: "ns"}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "k:9092"}}
	checked, _, err := model.ForBridge(model.BridgeResources{Bridge: bridge, DefaultImage: "i"})
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]*corev1.Pod{"asking": labelled(), "long name": labelled(), "two ways": labelled(), "ended": labelled()}
	pods["long name"].Labels[names.LabelBridge] = ""
	pods["long name"].Annotations[names.AnnotationBridgeName] = "a.long.name"
	pods["two ways"].Labels[names.LabelUsesCluster] = "c"
	pods["a Kafka"] = labelled()
	pods["a Kafka"].Labels = map[string]string{names.LabelUsesCluster: "c"}
	pods["a Kafka"].Annotations[names.AnnotationUser] = "n/u"
	pods["ended"].Status.Phase = corev1.PodSucceeded
	for name, native := range map[string]bool{"native": true, "not native": false} {
		if pods[name], _, err = inject.Pod(labelled(), inject.Request{Namespace: "ns", Bridge: checked, Native: native}); err != nil {
			t.Fatal(err)
		}
	}
	watchdog := &watchdog{}
	for name, pod := range pods {
		kept := stripped(t, pod)
		wantName, wantOK, wantErr := inject.Wants(pod.Labels, pod.Annotations)
		gotName, gotOK, gotErr := inject.Wants(kept.Labels, kept.Annotations)
		if wantName != gotName || wantOK != gotOK || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("%s: wants %q %v %v instead of %q %v %v", name, gotName, gotOK, gotErr, wantName, wantOK, wantErr)
		}
		if inject.Injected(kept) != inject.Injected(pod) {
			t.Errorf("%s: injected %v", name, inject.Injected(kept))
		}
		for _, hash := range []string{checked.ConfigHash(), "other"} {
			if inject.Stale(kept, hash) != inject.Stale(pod, hash) {
				t.Errorf("%s: stale for %s: %v", name, hash, inject.Stale(kept, hash))
			}
		}
		if over(kept) != over(pod) || metav1.GetControllerOf(kept) == nil || kept.UID != pod.UID || kept.ResourceVersion != pod.ResourceVersion {
			t.Errorf("%s: %+v", name, kept)
		}
		now := time.Unix(2000, 0)
		_, want := watchdog.missing(pod, now)
		if _, got := watchdog.missing(kept, now); got != want {
			t.Errorf("%s: missing %v", name, got)
		}
		if kept.Size() >= pod.Size() {
			t.Errorf("%s: %d bytes of %d are kept", name, kept.Size(), pod.Size())
		}
	}
}

func TestStripOthers(t *testing.T) {
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
		Annotations:   map[string]string{corev1.LastAppliedConfigAnnotation: "{}", names.AnnotationPause: "true"},
	}}
	if _, err := stripBridge(bridge); err != nil || bridge.ManagedFields != nil || len(bridge.Annotations) != 1 || bridge.Annotations[names.AnnotationPause] != "true" {
		t.Errorf("%v, %+v", err, bridge.ObjectMeta)
	}
	owned := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: "n", ResourceVersion: "1", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"x": "y"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}, OwnerReferences: []metav1.OwnerReference{{UID: "u"}},
	}}
	if _, err := stripOwned(owned); err != nil || owned.ManagedFields != nil || owned.Annotations != nil || len(owned.OwnerReferences) != 1 || owned.Labels["a"] != "b" {
		t.Errorf("%v, %+v", err, owned.ObjectMeta)
	}
}

// TestCacheOptions: KafkaBridges are watched whole, pods by their label, everything else by ours; nothing is watched because
// somebody reads it.
func TestCacheOptions(t *testing.T) {
	o, err := Cache([]string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.DefaultNamespaces) != 2 || !o.ReaderFailOnMissingInformer {
		t.Errorf("%+v", o)
	}
	all, err := Cache(nil)
	if err != nil || all.DefaultNamespaces != nil {
		t.Errorf("%v, %v", err, all.DefaultNamespaces)
	}
	if bridges, err := BridgeCache([]string{"a", "b"}); err != nil || len(bridges.ByObject) != 2 || len(bridges.DefaultNamespaces) != 2 || !bridges.ReaderFailOnMissingInformer {
		t.Errorf("%v, %+v", err, bridges)
	}
	mine := labels.Set(identity(&v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "b"}}))
	kafkas := clusterLabels("c")
	if !o.DefaultLabelSelector.Matches(mine) || !o.DefaultLabelSelector.Matches(kafkas) || o.DefaultLabelSelector.Matches(labels.Set{names.LabelManagedBy: names.ManagedBy}) {
		t.Errorf("selector %s", o.DefaultLabelSelector)
	}
	for object, by := range o.ByObject {
		switch object.(type) {
		case *v1.KafkaBridge, *v1.Kafka, *v1.KafkaNodePool, *v1.KafkaTopic, *v1.KafkaUser:
			if by.Label != nil && !by.Label.Matches(labels.Set{}) {
				t.Errorf("%T by %s", object, by.Label)
			}
		case *podsetv1.StrimziPodSet:
			if by.Label.Matches(labels.Set{names.LabelKind: "KafkaConnect"}) || !by.Label.Matches(labels.Set{names.LabelKind: names.KindKafka}) {
				t.Errorf("StrimziPodSets by %s", by.Label)
			}
		case *corev1.Pod:
			if by.Label.Matches(labels.Set{"app": "x"}) || !by.Label.Matches(labels.Set{names.LabelBridge: ""}) {
				t.Errorf("pods by %s", by.Label)
			}
		default:
			t.Errorf("%T", client.Object(object))
		}
	}
}
