package render

import (
	"maps"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"
	policyv1 "k8s.io/client-go/applyconfigurations/policy/v1"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

// Bridge returns the objects of a deployed bridge, what others refer to first. With 0 replicas they are the same objects,
// so that nothing that points at them breaks.
func Bridge(b model.Bridge) []runtime.ApplyConfiguration {
	r := bridge{b}
	objects := []runtime.ApplyConfiguration{r.serviceAccount(), r.configMap(), r.service()}
	if b.NetworkPolicy {
		objects = append(objects, r.networkPolicy())
	}
	if b.PodDisruptionBudget {
		objects = append(objects, r.disruptionBudget())
	}
	return append(objects, r.deployment())
}

// bridge is one call of Bridge.
type bridge struct{ model.Bridge }

// labels returns those of an object: the operator's, those of the KafkaBridge, and those of the object's template.
func (r bridge) labels(template *v1.MetadataTemplate) map[string]string {
	labels := maps.Clone(r.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	if template != nil {
		maps.Copy(labels, template.Labels)
	}
	maps.Copy(labels, names.Labels(names.KindKafkaBridge, r.Name, names.BridgeDeployment(r.Name), names.ComponentBridge))
	return labels
}

// owner is the KafkaBridge: its objects go with it. Nothing is controlled by it in Kubernetes' sense, as in the reference
// operator.
func (r bridge) owner() *metav1.OwnerReferenceApplyConfiguration {
	return metav1.OwnerReference().WithAPIVersion(v1.GroupVersion.String()).WithKind(names.KindKafkaBridge).
		WithName(r.Name).WithUID(r.UID).WithController(false).WithBlockOwnerDeletion(true)
}

// selector finds the pods. It can't be changed in a Deployment: the names in it are forever.
func (r bridge) selector() *metav1.LabelSelectorApplyConfiguration {
	return metav1.LabelSelector().WithMatchLabels(r.Selector())
}

// serviceAccount has no rights. Whoever refers to Secrets by the Kubernetes API grants them to it.
func (r bridge) serviceAccount() *corev1.ServiceAccountApplyConfiguration {
	var template *v1.MetadataTemplate
	if t := r.Template.ServiceAccount; t != nil {
		template = t.Metadata
	}
	return corev1.ServiceAccount(names.BridgeServiceAccount(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(template)).WithAnnotations(annotations(template, nil))
}

// configMap holds the properties file. No value of a Secret is in it, only references to files.
func (r bridge) configMap() *corev1.ConfigMapApplyConfiguration {
	return corev1.ConfigMap(names.BridgeConfigMap(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(nil)).
		WithData(map[string]string{names.FileConfig: properties.Text(r.Properties())})
}

// service is where others reach the bridges. Consumers live in one pod each: with several replicas, requests about a consumer
// have to reach the same one, which is for a proxy in front to see to, as with the reference bridge.
func (r bridge) service() *corev1.ServiceApplyConfiguration {
	var template v1.InternalServiceTemplate
	if t := r.Template.APIService; t != nil {
		template = *t
	}
	spec := corev1.ServiceSpec().WithType(core.ServiceTypeClusterIP).WithSelector(r.Selector()).WithPorts(
		servicePort(names.PortNameAPI, r.HTTP.Port),
		servicePort(names.PortNameManagement, names.PortManagement),
	).WithIPFamilies(template.IPFamilies...)
	if template.IPFamilyPolicy != nil {
		spec.WithIPFamilyPolicy(*template.IPFamilyPolicy)
	}
	return corev1.Service(names.BridgeService(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(template.Metadata)).WithLabels(map[string]string{names.LabelDiscovery: "true"}).
		WithAnnotations(annotations(template.Metadata, map[string]string{names.AnnotationDiscovery: r.discovery()})).
		WithSpec(spec)
}

// discovery describes the Service's ports in the reference operator's words.
func (r bridge) discovery() string {
	protocol := "http"
	if r.HTTP.TLS {
		protocol = "https"
	}
	type port struct {
		Port     int32  `json:"port"`
		TLS      bool   `json:"tls"`
		Protocol string `json:"protocol"`
		Auth     string `json:"auth"`
	}
	return encode([]port{
		{r.HTTP.Port, r.HTTP.TLS, protocol, "none"},
		{names.PortManagement, false, "http", "none"},
	})
}

// networkPolicy lets everybody reach the two ports, and nobody another one.
func (r bridge) networkPolicy() *networkingv1.NetworkPolicyApplyConfiguration {
	ingress := networkingv1.NetworkPolicyIngressRule()
	for _, port := range []int32{r.HTTP.Port, names.PortManagement} {
		ingress.WithPorts(networkingv1.NetworkPolicyPort().WithProtocol(core.ProtocolTCP).WithPort(intstr.FromInt32(port)))
	}
	return networkingv1.NetworkPolicy(names.BridgeDeployment(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(nil)).
		WithSpec(networkingv1.NetworkPolicySpec().WithPodSelector(r.selector()).
			WithPolicyTypes(networking.PolicyTypeIngress).WithIngress(ingress))
}

// disruptionBudget keeps nodes from being drained of more than one bridge at a time.
func (r bridge) disruptionBudget() *policyv1.PodDisruptionBudgetApplyConfiguration {
	unavailable := int32(1)
	var template *v1.MetadataTemplate
	if t := r.Template.PodDisruptionBudget; t != nil {
		template = t.Metadata
		if t.MaxUnavailable != nil {
			unavailable = *t.MaxUnavailable
		}
	}
	return policyv1.PodDisruptionBudget(names.BridgeDeployment(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(template)).WithAnnotations(annotations(template, nil)).
		WithSpec(policyv1.PodDisruptionBudgetSpec().WithSelector(r.selector()).WithMaxUnavailable(intstr.FromInt32(unavailable)))
}

// deployment rolls without a gap: a new bridge is ready before an old one goes, as in the reference operator.
func (r bridge) deployment() *appsv1.DeploymentApplyConfiguration {
	strategy := appsv1.DeploymentStrategy().WithType("RollingUpdate").
		WithRollingUpdate(appsv1.RollingUpdateDeployment().WithMaxSurge(intstr.FromInt32(1)).WithMaxUnavailable(intstr.FromInt32(0)))
	var template *v1.MetadataTemplate
	if t := r.Template.Deployment; t != nil {
		template = t.Metadata
		if t.DeploymentStrategy == v1.StrategyRecreate {
			strategy = appsv1.DeploymentStrategy().WithType("Recreate")
		}
	}
	return appsv1.Deployment(names.BridgeDeployment(r.Name), r.Namespace).WithOwnerReferences(r.owner()).
		WithLabels(r.labels(template)).WithAnnotations(annotations(template, nil)).
		WithSpec(appsv1.DeploymentSpec().WithReplicas(r.Replicas).WithSelector(r.selector()).
			WithStrategy(strategy).WithTemplate(r.podTemplate()))
}
