package render

import (
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"
	policyv1 "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// networkPolicy lets the nodes reach each other, the operator reach the nodes, and clients the listeners. There are no peers for the
// reference operator's other programs, which aren't deployed here. Probes are run within the pod, and need no rule.
//
// A listener with an empty list of peers is in no rule, and so closed: in Kubernetes an empty list would let everybody in.
func (r kafka) networkPolicy() *networkingv1.NetworkPolicyApplyConfiguration {
	nodes := networkingv1.NetworkPolicyPeer().WithPodSelector(metav1.LabelSelector().WithMatchLabels(r.selector()))
	operator := r.operatorPeer()
	spec := networkingv1.NetworkPolicySpec().WithPodSelector(metav1.LabelSelector().WithMatchLabels(r.selector())).
		WithPolicyTypes(networking.PolicyTypeIngress).WithIngress(
		allow(names.PortControlPlane, nodes, operator),
		allow(names.PortReplication, nodes, operator),
		allow(names.PortAgent, operator),
	)
	for _, l := range r.Listeners {
		peers := l.Spec.NetworkPolicyPeers
		if peers == nil || len(peers) > 0 {
			spec.WithIngress(allow(l.Port, each[networkingv1.NetworkPolicyPeerApplyConfiguration](peers)...))
		}
	}
	if r.JMX {
		spec.WithIngress(allow(names.PortJMX))
	}
	return networkingv1.NetworkPolicy(names.KafkaNetworkPolicy(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(nil)).WithSpec(spec)
}

// operatorPeer are the operator's pods. An operator that doesn't know its namespace may be in any.
func (r kafka) operatorPeer() *networkingv1.NetworkPolicyPeerApplyConfiguration {
	peer := networkingv1.NetworkPolicyPeer().
		WithPodSelector(metav1.LabelSelector().WithMatchLabels(map[string]string{names.LabelName: names.Operator}))
	switch r.OperatorNamespace {
	case r.Namespace:
		return peer
	case "":
		return peer.WithNamespaceSelector(metav1.LabelSelector())
	}
	return peer.WithNamespaceSelector(metav1.LabelSelector().
		WithMatchLabels(map[string]string{core.LabelMetadataName: r.OperatorNamespace}))
}

// allow is a rule for a port; without peers it is open to everybody.
func allow(port int32,
	peers ...*networkingv1.NetworkPolicyPeerApplyConfiguration,
) *networkingv1.NetworkPolicyIngressRuleApplyConfiguration {
	return networkingv1.NetworkPolicyIngressRule().WithFrom(peers...).
		WithPorts(networkingv1.NetworkPolicyPort().WithProtocol(core.ProtocolTCP).WithPort(intstr.FromInt32(port)))
}

// disruptionBudget keeps Kubernetes from evicting more nodes at a time than the user allows, one if nothing is said. It says how many
// have to stay, since for pods of a kind that Kubernetes doesn't know how to count it takes nothing else.
func (r kafka) disruptionBudget() *policyv1.PodDisruptionBudgetApplyConfiguration {
	stay := int32(0)
	for range r.nodes {
		stay++
	}
	unavailable, template := int32(1), r.Template.PodDisruptionBudget
	budget := policyv1.PodDisruptionBudget(names.KafkaPodDisruptionBudget(r.Name),
		r.Namespace).WithOwnerReferences(r.owner()).WithLabels(r.labels(nil))
	if template != nil {
		budget.WithLabels(r.labels(template.Metadata)).WithAnnotations(annotations(template.Metadata, nil))
		unavailable = or(template.MaxUnavailable, unavailable)
	}
	return budget.WithSpec(policyv1.PodDisruptionBudgetSpec().WithMinAvailable(intstr.FromInt32(max(stay-unavailable, 0))).
		WithSelector(metav1.LabelSelector().WithMatchLabels(r.selector())))
}
