package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// host is what matters of a Kubernetes node.
type host struct {
	name      string
	labels    map[string]string
	addresses []corev1.NodeAddress
}

// needsHosts tells whether anything of a Kafka depends on the Kubernetes nodes that its pods run on. Only then are they read,
// which takes a right on the whole Kubernetes cluster.
func needsHosts(kafka *v1.Kafka) bool {
	for _, l := range kafka.Spec.Kafka.Listeners {
		if l.Type == v1.ListenerNodePort {
			return true
		}
	}
	return kafka.Spec.Kafka.Rack != nil && kafka.Spec.Kafka.Rack.TopologyKey != ""
}

// readHosts puts together what is known of the pods, with the Kubernetes nodes that they run on as far as that matters.
func (r *kafkas) readHosts(ctx context.Context, s *scene) error {
	needed := needsHosts(s.kafka)
	facts := make(map[int32]cluster.PodFacts, len(s.pods))
	for id, pod := range s.pods {
		f := cluster.PodFacts{
			Version: pod.Annotations[names.AnnotationKafkaVersion],
			Broker:  pod.Labels[names.LabelBrokerRole] == "true",
		}
		if needed && pod.Spec.NodeName != "" {
			at, err := r.host(ctx, pod.Spec.NodeName)
			if err != nil {
				return err
			}
			f.HostName, f.Addresses = at.name, at.addresses
		}
		facts[id] = f
	}
	s.resources.Observed.Pods = facts
	return nil
}

// host reads a Kubernetes node, or remembers it.
func (r *kafkas) host(ctx context.Context, name string) (host, error) {
	return r.memory.host(name, r.Now(), func() (host, error) {
		node := &corev1.Node{}
		ok, err := readLive(ctx, r.live, client.ObjectKey{Name: name}, node)
		if err != nil || !ok {
			return host{name: name}, err // one that is gone takes its pods with it
		}
		return host{name: name, labels: node.Labels, addresses: node.Status.Addresses}, nil
	})
}

// place tells the pods where they are, as far as their settings wait for it: the address for node ports, and the rack.
func (r *kafkas) place(ctx context.Context, s *scene, out *kafkaOutcome) error {
	c := out.want
	if c.NodeAddressTypes == nil && c.RackKey == "" {
		return nil
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(s.pods)) {
		pod := s.pods[id]
		if pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil {
			continue
		}
		at, err := r.host(ctx, pod.Spec.NodeName)
		if err != nil {
			return err
		}
		changes := make(map[string]any)
		wanted := places(c, at)
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			if value := wanted[key]; value == "" {
				out.warnings = append(out.warnings, model.Warning{Reason: reasonNodeUnknown, Message: fmt.Sprintf(
					"pod %s does not start: its Kubernetes node %s has neither an address nor a label for the annotation %s", pod.Name, at.name, key)})
			} else if pod.Annotations[key] != value {
				changes[key] = value
			}
		}
		if len(changes) > 0 {
			errs = append(errs, annotatePod(ctx, r.client, pod, changes))
		}
	}
	return errors.Join(errs...)
}

// reasonNodeUnknown is of the warning about a Kubernetes node that lacks what a pod waits for.
const reasonNodeUnknown = "KubernetesNodeUnknown"

// places are the annotations of a pod on a Kubernetes node.
func places(c cluster.Cluster, at host) map[string]string {
	all := make(map[string]string, 2)
	if c.NodeAddressTypes != nil {
		all[names.AnnotationNodeAddress] = c.NodeAddressAmong(at.addresses)
	}
	if c.RackKey != "" {
		all[names.AnnotationRack] = at.labels[c.RackKey]
	}
	return all
}
