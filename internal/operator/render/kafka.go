package render

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Kafka returns the objects of a Kafka cluster, what others refer to first and the StrimziPodSets last. The pods stand in the
// StrimziPodSets, whole.
//
// Each object belongs to the KafkaNodePool that it is made for, or else to the Kafka; that of a pool without a KafkaNodePool to the
// Kafka too. Claims whose data is to outlive the cluster, and Secrets that say so, belong to nobody.
//
// Of the listeners of type route and tlsroute there are only the Services: what leads to them is not of Kubernetes itself.
func Kafka(c cluster.Cluster, k cluster.Certificates) []runtime.ApplyConfiguration {
	r := kafka{c, k}
	objects := []runtime.ApplyConfiguration{r.serviceAccount()}
	objects = append(objects, r.services()...)
	objects = append(objects, r.ingresses()...)
	if c.NetworkPolicy {
		objects = append(objects, r.networkPolicy())
	}
	if c.PodDisruptionBudget {
		objects = append(objects, r.disruptionBudget())
	}
	objects = append(objects, r.configMaps()...)
	objects = append(objects, r.secrets()...)
	objects = append(objects, r.claims()...)
	for i := range c.Pools {
		objects = append(objects, r.podSet(&c.Pools[i]))
	}
	return objects
}

// kafka is one call of Kafka.
type kafka struct {
	cluster.Cluster
	certificates cluster.Certificates
}

// nodes calls yield with each node and its pool, by pool and id.
func (r kafka) nodes(yield func(*cluster.Pool, *cluster.Node) bool) {
	for i := range r.Pools {
		for j := range r.Pools[i].Nodes {
			if !yield(&r.Pools[i], &r.Pools[i].Nodes[j]) {
				return
			}
		}
	}
}

// labels returns those of an object of the whole cluster: the operator's, over those of its template, over those of the Kafka.
func (r kafka) labels(template *v1.MetadataTemplate) map[string]string {
	return merged(r.Labels, templateLabels(template), r.ownLabels())
}

func (r kafka) ownLabels() map[string]string {
	return names.Labels(names.KindKafka, r.Name, names.KafkaComponent(r.Name), names.ComponentKafka)
}

// poolLabels returns those of an object of a pool.
func (r kafka) poolLabels(p *cluster.Pool, template *v1.MetadataTemplate) map[string]string {
	return merged(r.Labels, p.Labels, templateLabels(template), r.ownLabels(), map[string]string{names.LabelPoolName: p.Name})
}

// nodeLabels returns those of an object of a node.
func (r kafka) nodeLabels(p *cluster.Pool, n *cluster.Node, template *v1.MetadataTemplate) map[string]string {
	return merged(r.poolLabels(p, template), map[string]string{names.LabelPodName: n.Pod})
}

// selector returns the labels of all pods of the cluster, and of nothing that is not of it.
func (r kafka) selector() map[string]string {
	return names.Selector(names.KindKafka, r.Name, names.KafkaComponent(r.Name))
}

// poolSelector returns the labels of a pool's pods. They can't be changed as long as the pool lives.
func (r kafka) poolSelector(p *cluster.Pool) map[string]string {
	return merged(r.selector(), map[string]string{names.LabelPoolName: p.Name})
}

// brokerSelector returns the labels of the pods that clients may connect to.
func (r kafka) brokerSelector() map[string]string {
	return merged(r.selector(), map[string]string{names.LabelBrokerRole: "true"})
}

// owner is the Kafka: its objects go with it. Nothing is controlled by it in Kubernetes' sense, as in the reference operator.
func (r kafka) owner() *metav1.OwnerReferenceApplyConfiguration {
	return metav1.OwnerReference().WithAPIVersion(v1.GroupVersion.String()).WithKind(names.KindKafka).
		WithName(r.Name).WithUID(r.UID).WithController(false).WithBlockOwnerDeletion(true)
}

// poolOwner is the KafkaNodePool, or the Kafka if there is none.
func (r kafka) poolOwner(p *cluster.Pool) *metav1.OwnerReferenceApplyConfiguration {
	if p.UID == "" {
		return r.owner()
	}
	return metav1.OwnerReference().WithAPIVersion(v1.GroupVersion.String()).WithKind(names.KindKafkaNodePool).
		WithName(p.Name).WithUID(p.UID).WithController(false).WithBlockOwnerDeletion(true)
}

// serviceAccount has no rights: nodes never speak to the API server.
func (r kafka) serviceAccount() *corev1.ServiceAccountApplyConfiguration {
	template := metadata(r.Template.ServiceAccount)
	return corev1.ServiceAccount(names.KafkaServiceAccount(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(template)).WithAnnotations(annotations(template, nil)).WithAutomountServiceAccountToken(false)
}

// configMaps are that of all nodes, and one of each.
func (r kafka) configMaps() []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{
		corev1.ConfigMap(names.KafkaConfigMap(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
			WithLabels(r.labels(nil)).WithData(r.sharedFiles()),
	}
	for p, n := range r.nodes {
		objects = append(objects, corev1.ConfigMap(n.Pod, r.Namespace).WithOwnerReferences(r.poolOwner(p)).
			WithLabels(r.nodeLabels(p, n, nil)).WithData(r.nodeFiles(n)))
	}
	return objects
}

// secrets are those that the operator writes. Those of nodes belong to the pool.
func (r kafka) secrets() []runtime.ApplyConfiguration {
	of := map[string]*corev1.SecretApplyConfiguration{}
	for p, n := range r.nodes {
		of[n.Pod] = corev1.Secret(n.Pod, r.Namespace).WithOwnerReferences(r.poolOwner(p)).WithLabels(r.nodeLabels(p, n, nil))
	}
	var objects []runtime.ApplyConfiguration
	for _, name := range slices.Sorted(maps.Keys(r.certificates.Secrets)) {
		s, secret := r.certificates.Secrets[name], of[name]
		if secret == nil {
			secret = corev1.Secret(name, r.Namespace).WithLabels(r.labels(s.Template))
			if !s.Ownerless {
				secret.WithOwnerReferences(r.owner())
			}
		}
		objects = append(objects, secret.WithAnnotations(annotations(s.Template, s.Annotations)).WithData(s.Data))
	}
	return objects
}
