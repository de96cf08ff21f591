package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// scene is what was read for one pass over a Kafka.
type scene struct {
	kafka *v1.Kafka
	pools []v1.KafkaNodePool
	sets  map[string]*podsetv1.StrimziPodSet // by pool
	// pods are by node id, of wanted nodes and of others; they may be the cache's own.
	pods    map[int32]*corev1.Pod
	claims  []corev1.PersistentVolumeClaim
	secrets map[string]*corev1.Secret // those that were read, nil for one that is not there
	// fulfilled are annotations, by Secret, of wishes that end when the Secret is written.
	fulfilled map[string][]string

	resources cluster.Resources
}

func (s *scene) key() client.ObjectKey { return client.ObjectKeyFromObject(s.kafka) }

// gather reads what the meaning of a Kafka depends on. Pods are read before the StrimziPodSets that they are made from, so that
// no pod is of a node that nothing else tells of.
func (r *kafkas) gather(ctx context.Context, s *scene) (err error) {
	s.secrets, s.fulfilled = make(map[string]*corev1.Secret), make(map[string][]string)
	if s.pods, err = r.readPods(ctx, r.Pods, s); err != nil {
		return err
	}
	for _, read := range []func(context.Context, *scene) error{r.readPools, r.readSets, r.readClaims} {
		if err := read(ctx, s); err != nil {
			return err
		}
	}
	s.resources = cluster.Resources{Kafka: s.kafka, Pools: s.pools, Defaults: r.Defaults}
	s.resources.Observed = cluster.Observed{
		ClusterID:       s.kafka.Status.ClusterID,
		MetadataVersion: s.kafka.Status.KafkaMetadataVersion,
		NodeIDs:         nodeIDs(s),
		Storage:         storages(s.sets),
		Claims:          make(map[string]corev1.PersistentVolumeClaim, len(s.claims)),
	}
	for _, claim := range s.claims {
		s.resources.Observed.Claims[claim.Name] = claim
	}
	for _, read := range []func(context.Context, *scene) error{r.readHosts, r.readClasses, r.readReferences, r.readVoters, r.readServices} {
		if err := read(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// readPools reads the KafkaNodePools of a Kafka, by name.
func (r *kafkas) readPools(ctx context.Context, s *scene) error {
	list := &v1.KafkaNodePoolList{}
	err := r.client.List(ctx, list, client.InNamespace(s.kafka.Namespace), client.MatchingLabels{names.LabelCluster: s.kafka.Name})
	if err != nil {
		return fmt.Errorf("list KafkaNodePools: %w", err)
	}
	s.pools = slices.DeleteFunc(list.Items, func(p v1.KafkaNodePool) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(s.pools, func(a, b v1.KafkaNodePool) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// readSets reads the StrimziPodSets of a Kafka.
func (r *kafkas) readSets(ctx context.Context, s *scene) error {
	list := &podsetv1.StrimziPodSetList{}
	err := r.client.List(ctx, list, client.InNamespace(s.kafka.Namespace), client.MatchingLabels(clusterLabels(s.kafka.Name)), client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("list StrimziPodSets: %w", err)
	}
	s.sets = make(map[string]*podsetv1.StrimziPodSet, len(list.Items))
	for i := range list.Items {
		if pool := list.Items[i].Labels[names.LabelPoolName]; pool != "" && list.Items[i].DeletionTimestamp == nil {
			s.sets[pool] = &list.Items[i]
		}
	}
	return nil
}

// readPods reads the pods of a Kafka, by node id.
func (r *kafkas) readPods(ctx context.Context, from client.Reader, s *scene) (map[int32]*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list := &corev1.PodList{}
	selector := client.MatchingLabels{names.LabelKind: names.KindKafka, names.LabelCluster: s.kafka.Name}
	if err := from.List(ctx, list, client.InNamespace(s.kafka.Namespace), selector, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	pods := make(map[int32]*corev1.Pod, len(list.Items))
	for i := range list.Items {
		pod := &list.Items[i]
		if id, ok := names.NodeID(pod.Name); ok && pod.Name == names.NodePod(s.kafka.Name, pod.Labels[names.LabelPoolName], id) {
			pods[id] = pod
		}
	}
	return pods, nil
}

// readClaims reads the claims of a Kafka past the cache, which has neither their sizes nor how they fare.
func (r *kafkas) readClaims(ctx context.Context, s *scene) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list := &corev1.PersistentVolumeClaimList{}
	if err := r.live.List(ctx, list, client.InNamespace(s.kafka.Namespace), client.MatchingLabels(clusterLabels(s.kafka.Name))); err != nil {
		return fmt.Errorf("list PersistentVolumeClaims: %w", err)
	}
	s.claims = list.Items
	return nil
}

// nodeIDs returns the ids that each pool has: those of its status, or if that is lost those of its StrimziPodSet.
func nodeIDs(s *scene) map[string][]int32 {
	all := make(map[string][]int32)
	for pool, set := range s.sets {
		for name := range planned(set) {
			if id, ok := names.NodeID(name); ok {
				all[pool] = append(all[pool], id)
			}
		}
	}
	for _, pool := range s.pools {
		if len(pool.Status.NodeIDs) > 0 {
			all[pool.Name] = slices.Clone(pool.Status.NodeIDs)
		}
	}
	return all
}

// planned returns the annotations of the pods that a StrimziPodSet would make, by name. What can't be read is written anew.
func planned(set *podsetv1.StrimziPodSet) map[string]map[string]string {
	all := make(map[string]map[string]string, len(set.Spec.Pods))
	for _, raw := range set.Spec.Pods {
		var pod metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw.Raw, &pod); err == nil {
			all[pod.Name] = pod.Annotations
		}
	}
	return all
}

// storages returns the storage that each pool was made with. One that can't be read counts as lost: then what is wanted is
// taken, and claims refuse to change by themselves.
func storages(sets map[string]*podsetv1.StrimziPodSet) map[string]v1.Storage {
	all := make(map[string]v1.Storage, len(sets))
	for pool, set := range sets {
		var storage v1.Storage
		if text := set.Annotations[names.AnnotationStorage]; text != "" && json.Unmarshal([]byte(text), &storage) == nil {
			all[pool] = storage
		}
	}
	return all
}

// readReferences reads the ConfigMaps and Secrets that a Kafka names. What is missing is judged with everything else.
func (r *kafkas) readReferences(ctx context.Context, s *scene) error {
	refers := cluster.Refers(s.kafka)
	o := &s.resources.Observed
	o.ConfigMaps, o.SecretHashes = make(map[string]map[string]string), make(map[string]string)
	for _, needed := range refers.ConfigMaps {
		found := &corev1.ConfigMap{}
		ok, err := readLive(ctx, r.live, client.ObjectKey{Namespace: s.kafka.Namespace, Name: needed.Name}, found)
		if err != nil {
			return err
		}
		if ok {
			o.ConfigMaps[needed.Name] = found.Data
		}
	}
	for _, needed := range refers.Secrets {
		found, err := r.secret(ctx, s, needed.Secret)
		if err != nil {
			return err
		}
		if found == nil {
			continue
		}
		if value, ok := found.Data[needed.Key]; ok {
			o.SecretHashes[needed.Secret+"/"+needed.Key] = model.HashSecret(found.UID, value)
		}
	}
	return nil
}

// secret reads a Secret, once in a pass; nil if there is none.
func (r *kafkas) secret(ctx context.Context, s *scene, name string) (*corev1.Secret, error) {
	if known, ok := s.secrets[name]; ok {
		return known, nil
	}
	found := &corev1.Secret{}
	ok, err := readLive(ctx, r.live, client.ObjectKey{Namespace: s.kafka.Namespace, Name: name}, found)
	if err != nil {
		return nil, err
	}
	if !ok {
		found = nil
	}
	s.secrets[name] = found
	return found, nil
}

// readVoters finds the controllers of the cluster that runs.
func (r *kafkas) readVoters(ctx context.Context, s *scene) error {
	found := &corev1.ConfigMap{}
	ok, err := readLive(ctx, r.live, client.ObjectKey{Namespace: s.kafka.Namespace, Name: names.KafkaConfigMap(s.kafka.Name)}, found)
	if ok {
		s.resources.Observed.Voters = cluster.Voters(found.Data)
	}
	return err
}

// readServices reads what Kubernetes chose for the Services of listeners that have some.
func (r *kafkas) readServices(ctx context.Context, s *scene) error {
	if !slices.ContainsFunc(s.kafka.Spec.Kafka.Listeners, func(l v1.Listener) bool { return l.Type != v1.ListenerInternal }) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list := &corev1.ServiceList{}
	if err := r.live.List(ctx, list, client.InNamespace(s.kafka.Namespace), client.MatchingLabels(clusterLabels(s.kafka.Name))); err != nil {
		return fmt.Errorf("list Services: %w", err)
	}
	facts := make(map[string]cluster.ServiceFacts, len(list.Items))
	for _, service := range list.Items {
		f := cluster.ServiceFacts{NodePorts: make(map[string]int32, len(service.Spec.Ports))}
		for _, port := range service.Spec.Ports {
			if port.NodePort != 0 {
				f.NodePorts[port.Name] = port.NodePort
			}
		}
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if address := ingress.Hostname + ingress.IP; address != "" {
				if ingress.Hostname != "" {
					address = ingress.Hostname
				}
				f.Ingress = append(f.Ingress, address)
			}
		}
		facts[service.Name] = f
	}
	s.resources.Observed.Services = facts
	return nil
}

// readClasses finds out of each storage class whether its claims may grow. Who may not read classes does not know: then the API
// server judges.
func (r *kafkas) readClasses(ctx context.Context, s *scene) error {
	expandable := make(map[string]bool)
	for _, claim := range s.claims {
		if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName == "" {
			continue
		}
		name := *claim.Spec.StorageClassName
		if _, known := expandable[name]; known {
			continue
		}
		may, err := r.memory.class(name, r.Now(), func() (bool, error) {
			class := &storagev1.StorageClass{}
			ok, err := readLive(ctx, r.live, client.ObjectKey{Name: name}, class)
			return ok && class.AllowVolumeExpansion != nil && *class.AllowVolumeExpansion, err
		})
		switch {
		case apierrors.IsForbidden(err):
			return nil
		case err != nil:
			return err
		}
		expandable[name] = may
	}
	s.resources.Observed.Expandable = expandable
	return nil
}
