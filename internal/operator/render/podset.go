package render

import (
	"encoding/json"
	"strconv"

	core "k8s.io/api/core/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// PodSet is the apply configuration of a StrimziPodSet.
type PodSet struct {
	metav1.TypeMetaApplyConfiguration    `json:",inline"`
	*metav1.ObjectMetaApplyConfiguration `json:"metadata,omitempty"`

	Spec PodSetSpec `json:"spec"`
}

// PodSetSpec is what is wanted of a group of pods.
type PodSetSpec struct {
	// Selector finds the pods.
	Selector *metav1.LabelSelectorApplyConfiguration `json:"selector"`
	// Pods are the wanted ones. The list is one field with one manager.
	Pods []*corev1.PodApplyConfiguration `json:"pods"`
}

// IsApplyConfiguration says that a PodSet can be applied.
func (PodSet) IsApplyConfiguration() {}

// Pods returns the pods of all nodes of a cluster as they are wanted, by node id: those that stand in the StrimziPodSets. What a pod
// was made from is in its annotations (package roll lists them), in the words of the pods that exist.
func Pods(c cluster.Cluster, k cluster.Certificates) map[int32]core.Pod {
	r, pods := kafka{c, k}, map[int32]core.Pod{}
	for p, n := range r.nodes {
		var pod core.Pod
		if err := json.Unmarshal([]byte(encode(r.pod(p, n))), &pod); err != nil {
			panic(err) // the fields of both are generated from one declaration
		}
		pods[n.ID] = pod
	}
	return pods
}

// podSet is a pool's pods. What the controller of pod sets needs to know besides is in the annotations.
func (r kafka) podSet(p *cluster.Pool) *PodSet {
	template := metadata(p.Template.PodSet)
	own := map[string]string{names.AnnotationStorage: compact(p.Storage), names.AnnotationKafkaVersion: r.Version.Number}
	if r.ResizeInPlace {
		own[names.AnnotationInPlaceResizing] = "true"
	}
	set := &PodSet{
		Spec: PodSetSpec{
			Selector: metav1.LabelSelector().WithMatchLabels(r.poolSelector(p)),
			Pods:     []*corev1.PodApplyConfiguration{},
		},
		ObjectMetaApplyConfiguration: metav1.ObjectMeta().WithName(names.PodSet(r.Name, p.Name)).WithNamespace(r.Namespace).
			WithOwnerReferences(r.poolOwner(p)).WithLabels(r.poolLabels(p, template)).WithAnnotations(annotations(template, own)),
	}
	set.WithKind(names.KindStrimziPodSet).WithAPIVersion(setv1.GroupVersion.String())
	for i := range p.Nodes {
		set.Spec.Pods = append(set.Spec.Pods, r.pod(p, &p.Nodes[i]))
	}
	return set
}

// pod is a node's pod with the marks of what it is made from.
//
// The revision changes with every field of the pod but those that have a mark of their own or need no restart:
//   - the resources of its containers, which are the resource revision: a running pod can be given others;
//   - the marks themselves: the content of ConfigMaps and Secrets, which is not in a pod anyway;
//   - annotations that are put on a running pod (names.AnnotationNodeAddress, names.AnnotationRack) and owner references, which no
//     wanted pod has.
//
// So labels and annotations that the user adds, images, volumes and the options of the virtual machine make a new revision, and the
// version of Kafka does. Files of an external configuration and what they hold do not.
func (r kafka) pod(p *cluster.Pool, n *cluster.Node) *corev1.PodApplyConfiguration {
	template := podTemplate(p)
	pod := corev1.Pod(n.Pod, r.Namespace).WithLabels(r.podLabels(p, n, template.Metadata)).
		WithAnnotations(annotations(template.Metadata, map[string]string{names.AnnotationKafkaVersion: r.Version.Number})).
		WithSpec(r.podSpec(p, n))
	revision, resources := revisions(pod)
	k := r.certificates
	return pod.WithAnnotations(map[string]string{
		names.AnnotationRevision:                revision,
		names.AnnotationResourceRevision:        resources,
		names.AnnotationConfigurationHash:       n.ConfigurationHash,
		names.AnnotationDynamicHash:             r.DynamicHash,
		names.AnnotationServerCertHash:          k.ServerHashes[n.ID],
		names.AnnotationTrustHash:               k.TrustHash,
		names.AnnotationClusterCAKeyGeneration:  strconv.FormatInt(k.ClusterCAKey, 10),
		names.AnnotationClusterCACertGeneration: strconv.FormatInt(k.ClusterCACert, 10),
		names.AnnotationClientsCACertGeneration: strconv.FormatInt(k.ClientsCACert, 10),
	})
}

// revisions hashes a pod without its containers' resources, and these.
func revisions(pod *corev1.PodApplyConfiguration) (revision, resources string) {
	spec := *pod.Spec
	var needs []*corev1.ResourceRequirementsApplyConfiguration
	without := func(containers []corev1.ContainerApplyConfiguration) []corev1.ContainerApplyConfiguration {
		bare := make([]corev1.ContainerApplyConfiguration, 0, len(containers))
		for _, c := range containers {
			needs = append(needs, c.Resources)
			c.Resources = nil
			bare = append(bare, c)
		}
		return bare
	}
	spec.InitContainers, spec.Containers = without(spec.InitContainers), without(spec.Containers)
	return digest([]any{pod.Labels, pod.Annotations, spec}), digest(needs)
}
