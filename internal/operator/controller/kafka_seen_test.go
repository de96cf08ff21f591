package controller

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// aNode is a pod of a Kafka cluster with all that matters, and much that does not.
func aNode() *corev1.Pod {
	at := metav1.NewTime(time.Unix(2000, 0))
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "c-kafka-1", Namespace: "ns", UID: "u", CreationTimestamp: metav1.NewTime(time.Unix(1000, 0)),
			Labels: map[string]string{names.LabelCluster: "c", names.LabelKind: names.KindKafka, names.LabelPoolName: "kafka", names.LabelBrokerRole: "true"},
			Annotations: map[string]string{
				names.AnnotationRevision: "rev", names.AnnotationResourceRevision: "res", names.AnnotationConfigurationHash: "conf",
				names.AnnotationServerCertHash: "cert", names.AnnotationTrustHash: "trust", names.AnnotationDynamicHash: "dyn",
				names.AnnotationClusterCAKeyGeneration: "1", names.AnnotationClusterCACertGeneration: "2", names.AnnotationClientsCACertGeneration: "3",
				names.AnnotationManualRollingUpdate: "true", names.AnnotationDeletePodAndPVC: "true",
			},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
		},
		Spec: corev1.PodSpec{
			NodeName: "n", ServiceAccountName: "s",
			Containers: []corev1.Container{{Name: names.ContainerKafka, Image: "i", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}},
			Volumes: []corev1.Volume{
				{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-c-kafka-1"}}},
				{Name: "tmp"},
			},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at},
			},
			ContainerStatuses: []corev1.ContainerStatus{{Name: names.ContainerKafka, Ready: true}},
		},
	}
}

func claim(change func(*corev1.PersistentVolumeClaim)) map[string]*corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-c-kafka-1"}}
	if change != nil {
		change(c)
	}
	return map[string]*corev1.PersistentVolumeClaim{c.Name: c}
}

// TestSeenPod: a pod as package roll sees it.
func TestSeenPod(t *testing.T) {
	full := roll.Pod{
		Name: "c-kafka-1", UID: "u", Options: "dyn", Created: time.Unix(1000, 0), Ready: true, Since: time.Unix(2000, 0),
		Roll: true, DropClaims: true, Claims: 1,
		Marks: roll.Marks{
			Revision: "rev", ResourceRevision: "res", Configuration: "conf", Certificates: "cert", Trust: "trust",
			ClusterCAKey: 1, ClusterCACert: 2, ClientsCACert: 3,
		},
	}
	with := func(change func(*roll.Pod)) roll.Pod {
		p := full
		change(&p)
		return p
	}
	pending := metav1.NewTime(time.Unix(3000, 0))
	for name, c := range map[string]struct {
		pod    func(*corev1.Pod)
		wanted func(*corev1.Pod)
		claim  func(*corev1.PersistentVolumeClaim)
		want   roll.Pod
	}{
		"all":   {want: full},
		"going": {pod: func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }, want: with(func(p *roll.Pod) { p.Deleting = true })},
		"never ready": {
			pod:  func(p *corev1.Pod) { p.Status.Conditions = nil },
			want: with(func(p *roll.Pod) { p.Ready, p.Since = false, p.Created }),
		},
		"no place": {
			pod: func(p *corev1.Pod) {
				p.Status = corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable"}}}
			},
			want: with(func(p *roll.Pod) { p.Ready, p.Since, p.Waiting = false, p.Created, "Unschedulable" }),
		},
		"crashes": {
			pod: func(p *corev1.Pod) {
				p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
			},
			want: with(func(p *roll.Pod) { p.Waiting = "CrashLoopBackOff" }),
		},
		"the init container's image": {
			pod: func(p *corev1.Pod) {
				p.Status.InitContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}
				p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
			},
			want: with(func(p *roll.Pod) { p.Waiting = "ImagePullBackOff" }),
		},
		"claim going": {
			claim: func(c *corev1.PersistentVolumeClaim) { c.DeletionTimestamp = new(metav1.Now()) },
			want:  with(func(p *roll.Pod) { p.Claims, p.ClaimsDeleting = 0, true }),
		},
		"claim grown": {
			claim: func(c *corev1.PersistentVolumeClaim) {
				c.Status.Conditions = []corev1.PersistentVolumeClaimCondition{
					{Type: corev1.PersistentVolumeClaimFileSystemResizePending, Status: corev1.ConditionTrue, LastTransitionTime: pending},
				}
			},
			want: with(func(p *roll.Pod) { p.ResizePending = pending.Time }),
		},
		"resize that can't be": {
			pod: func(p *corev1.Pod) {
				p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonInfeasible})
			},
			want: with(func(p *roll.Pod) { p.ResizeInfeasible = true }),
		},
		"resize that is put off": {
			pod: func(p *corev1.Pod) {
				p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonDeferred})
			},
			want: full,
		},
		"resize that was refused": {
			pod:    func(p *corev1.Pod) { p.Annotations[annotationResizeRefused] = "more" },
			wanted: func(p *corev1.Pod) { p.Annotations[names.AnnotationResourceRevision] = "more" },
			want:   with(func(p *roll.Pod) { p.ResizeInfeasible = true }),
		},
		"another resize was refused": {pod: func(p *corev1.Pod) { p.Annotations[annotationResizeRefused] = "less" }, want: full},
	} {
		t.Run(name, func(t *testing.T) {
			pod, wanted := aNode(), aNode()
			if c.pod != nil {
				c.pod(pod)
			}
			if c.wanted != nil {
				c.wanted(wanted)
			}
			claims := claim(c.claim)
			if diff := cmp.Diff(c.want, seenPod(pod, wanted, claims)); diff != "" {
				t.Error(diff)
			}
			kept, err := stripNodePod(pod.DeepCopy())
			if err != nil {
				t.Fatal(err)
			}
			stripped, ok := kept.(*corev1.Pod)
			if diff := cmp.Diff(c.want, seenPod(stripped, wanted, claims)); !ok || diff != "" {
				t.Errorf("what the cache keeps: %s", diff)
			}
			if stripped.ManagedFields != nil || len(stripped.Spec.Containers[0].Env) > 0 || stripped.Size() >= pod.Size() {
				t.Errorf("%d bytes of %d are kept", stripped.Size(), pod.Size())
			}
		})
	}
}

// TestRollSeen: the wishes that stand on pod sets.
func TestRollSeen(t *testing.T) {
	asked := &podsetv1.StrimziPodSet{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{names.AnnotationManualRollingUpdate: "true"}}}
	s := &scene{pods: map[int32]*corev1.Pod{1: aNode()}, sets: map[string]*podsetv1.StrimziPodSet{"a": asked, "b": {}}}
	seen := rollSeen(s, nil)
	if !slices.Equal(seen.RollPools, []string{"a"}) || seen.Pods[1].Name != "c-kafka-1" {
		t.Errorf("%+v", seen)
	}
}

// TestMarksOf: of a pod that is there its own marks count, of one that isn't those of its pod set; a node that is in none has none.
func TestMarksOf(t *testing.T) {
	s := &scene{kafka: &v1.Kafka{}, pods: map[int32]*corev1.Pod{1: aNode()}, sets: map[string]*podsetv1.StrimziPodSet{}}
	going := aNode()
	going.DeletionTimestamp, going.Annotations = new(metav1.Now()), map[string]string{names.AnnotationRevision: "old"}
	s.pods[2] = going
	set := &podsetv1.StrimziPodSet{}
	for _, text := range []string{
		`{"metadata":{"name":"c-kafka-1","annotations":{"strimzi.io/revision":"next"}}}`,
		`{"metadata":{"name":"c-kafka-2","annotations":{"strimzi.io/revision":"next"}}}`,
		`not JSON`,
	} {
		set.Spec.Pods = append(set.Spec.Pods, raw(text))
	}
	s.sets["kafka"] = set
	c := cluster.Cluster{Pools: []cluster.Pool{{Nodes: []cluster.Node{{ID: 1, Pod: "c-kafka-1"}, {ID: 2, Pod: "c-kafka-2"}, {ID: 3, Pod: "c-kafka-3"}}}}}
	var revisions []string
	for _, m := range marksOf(s, c) {
		revisions = append(revisions, m.Revision)
	}
	if !slices.Equal(revisions, []string{"rev", "next"}) {
		t.Error(revisions)
	}
	if ids := nodeIDs(s)["kafka"]; len(ids) != 2 {
		t.Errorf("ids of the pod set: %v", ids)
	}
	s.pools = []v1.KafkaNodePool{{ObjectMeta: metav1.ObjectMeta{Name: "kafka"}, Status: v1.KafkaNodePoolStatus{NodeIDs: []int32{7}}}}
	if ids := nodeIDs(s)["kafka"]; !slices.Equal(ids, []int32{7}) {
		t.Errorf("ids of the status: %v", ids)
	}
}

// TestPlaces: what a pod is told of its Kubernetes node.
func TestPlaces(t *testing.T) {
	at := host{
		name: "n", labels: map[string]string{"zone": "a"},
		addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}, {Type: corev1.NodeHostName, Address: "n"}, {Type: corev1.NodeHostName, Address: "m"}},
	}
	for name, c := range map[string]struct {
		cluster cluster.Cluster
		want    map[string]string
	}{
		"nothing":    {want: map[string]string{}},
		"address":    {cluster.Cluster{NodeAddressTypes: []corev1.NodeAddressType{corev1.NodeExternalIP, corev1.NodeHostName, corev1.NodeInternalIP}}, map[string]string{names.AnnotationNodeAddress: "n"}},
		"no address": {cluster.Cluster{NodeAddressTypes: []corev1.NodeAddressType{corev1.NodeExternalIP}}, map[string]string{names.AnnotationNodeAddress: ""}},
		"rack":       {cluster.Cluster{RackKey: "zone"}, map[string]string{names.AnnotationRack: "a"}},
		"no rack":    {cluster.Cluster{RackKey: "region"}, map[string]string{names.AnnotationRack: ""}},
	} {
		if got := places(c.cluster, at); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, l := range []string{v1.ListenerInternal, v1.ListenerNodePort} {
		kafka := &v1.Kafka{Spec: v1.KafkaSpec{Kafka: v1.KafkaClusterSpec{Listeners: []v1.Listener{{Type: l}}}}}
		if needsHosts(kafka) != (l == v1.ListenerNodePort) {
			t.Error(l)
		}
		kafka.Spec.Kafka.Rack = &v1.Rack{TopologyKey: "zone"}
		if !needsHosts(kafka) {
			t.Error("rack")
		}
	}
}

// TestMemories: what was read is believed for a while, what failed is not.
func TestMemories(t *testing.T) {
	var m memories
	now, reads := time.Unix(0, 0), 0
	read := func() (bool, error) {
		reads++
		if reads == 1 {
			return false, errors.New("away")
		}
		return true, nil
	}
	if _, err := m.class("a", now, read); err == nil {
		t.Error("no error")
	}
	for range 3 {
		if may, err := m.class("a", now, read); !may || err != nil {
			t.Error(may, err)
		}
	}
	if reads != 2 {
		t.Errorf("%d reads", reads)
	}
	if _, err := m.class("a", now.Add(classAge), read); err != nil || reads != 3 {
		t.Errorf("%v, %d reads after a while", err, reads)
	}
	now = now.Add(4 * classAge)
	if _, err := m.class("b", now, read); err != nil || reads != 4 || len(m.classes) != 1 {
		t.Errorf("%v, %d reads, %v", err, reads, m.classes)
	}
	key := client.ObjectKey{Name: "c"}
	m.of(key).blindSince = now
	if m.of(key).blindSince != now {
		t.Error("forgotten")
	}
	if m.drop(key); !m.of(key).blindSince.IsZero() {
		t.Error("remembered")
	}
}

// TestMergedSecret: content is exactly what is wanted; labels and annotations of others stay, wishes that were fulfilled go.
func TestMergedSecret(t *testing.T) {
	have := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "s", ResourceVersion: "7", Labels: map[string]string{"theirs": "x", "ours": "old"},
			Annotations: map[string]string{"theirs": "x", "strimzi.io/force-renew": "true"},
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "kafka.strimzi.io/v1beta2", Kind: names.KindKafka, UID: "before"}, {APIVersion: "v1", Kind: "ConfigMap", UID: "other"},
			},
		},
		Data: map[string][]byte{"ca.crt": []byte("old"), "ca-2025.crt": []byte("older")},
	}
	want := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "s", Labels: map[string]string{"ours": "new"}, Annotations: map[string]string{"generation": "1"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "kafka.strimzi.io/v1", Kind: names.KindKafka, UID: "now"}},
		},
		Data: map[string][]byte{"ca.crt": []byte("new")},
	}
	next := mergedSecret(have, want, []string{"strimzi.io/force-renew"})
	expected := have.DeepCopy()
	expected.Data = want.Data
	expected.Labels = map[string]string{"theirs": "x", "ours": "new"}
	expected.Annotations = map[string]string{"theirs": "x", "generation": "1"}
	expected.OwnerReferences = []metav1.OwnerReference{have.OwnerReferences[1], want.OwnerReferences[0]}
	if diff := cmp.Diff(expected, next); diff != "" {
		t.Error(diff)
	}
	if sameSecret(have, next) || !sameSecret(next, mergedSecret(next, want, nil)) {
		t.Error("it is written for ever, or never")
	}
}

// TestClusterID: 22 characters, never a dash first; randomness that ends is an error.
func TestClusterID(t *testing.T) {
	dashes := strings.Repeat("\xf8", 16) + strings.Repeat("a", 16)
	id, err := newClusterID(strings.NewReader(dashes))
	if err != nil || len(id) != 22 || id[0] == '-' {
		t.Errorf("%q %v", id, err)
	}
	if _, err := newClusterID(strings.NewReader("short")); err == nil {
		t.Error("no error")
	}
}

// TestClusterEvents: whose event an object's is.
func TestKafkaOf(t *testing.T) {
	for name, c := range map[string]struct {
		labels map[string]string
		want   string
	}{
		"a Kafka's":       {clusterLabels("c"), "c"},
		"a KafkaBridge's": {identity(&v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "c"}}), ""},
		"nobody's":        {nil, ""},
	} {
		if got := kafkaOf(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Labels: c.labels}}); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	pool := &v1.KafkaNodePool{ObjectMeta: metav1.ObjectMeta{Name: "p", Labels: map[string]string{names.LabelCluster: "c"}}}
	if got := clusterIdentity(pool); got[names.LabelCluster] != "c" || got[names.LabelPoolName] != "p" {
		t.Error(got)
	}
}
