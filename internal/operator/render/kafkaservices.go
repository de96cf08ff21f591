package render

import (
	"slices"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// services are the two that every cluster has, and those of each listener that is reached from elsewhere: one to bootstrap from
// and one per broker.
func (r kafka) services() []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{r.bootstrapService(), r.brokersService()}
	for i := range r.Listeners {
		l := external{r, &r.Listeners[i]}
		if l.BootstrapService != "" {
			objects = append(objects, l.bootstrap())
		}
		for p, n := range r.nodes {
			if name := l.Services[n.ID]; name != "" {
				objects = append(objects, l.broker(name, p, n))
			}
		}
	}
	return objects
}

// internal are the listeners that clients reach by the cluster's common Services.
func (r kafka) internal() []cluster.Listener {
	return slices.DeleteFunc(slices.Clone(r.Listeners), func(l cluster.Listener) bool { return l.Type != v1.ListenerInternal })
}

// internalPorts are their ports. Those of other listeners are left out of the common Services, as in the reference operator: brokers
// advertise other addresses there, which clients within Kubernetes need not be able to reach.
func (r kafka) internalPorts() []*corev1.ServicePortApplyConfiguration {
	var ports []*corev1.ServicePortApplyConfiguration
	for _, l := range r.internal() {
		ports = append(ports, servicePort(l.PortName, l.Port))
	}
	return ports
}

// bootstrapService is where clients within Kubernetes, and the operator, find a broker, any one that is ready.
func (r kafka) bootstrapService() *corev1.ServiceApplyConfiguration {
	replication := servicePort(names.PortNameReplication, names.PortReplication)
	spec := corev1.ServiceSpec().WithType(core.ServiceTypeClusterIP).WithSelector(r.brokerSelector()).
		WithPorts(replication).WithPorts(r.internalPorts()...)
	return r.commonService(names.KafkaBootstrapService(r.Name), r.Template.BootstrapService, spec).
		WithLabels(map[string]string{names.LabelDiscovery: "true"}).
		WithAnnotations(map[string]string{names.AnnotationDiscovery: discovery(r.internal()...)})
}

// brokersService gives each pod its name in DNS, also before it is ready: nodes have to find each other to become ready, and the
// operator asks a node that isn't what it is doing.
func (r kafka) brokersService() *corev1.ServiceApplyConfiguration {
	spec := corev1.ServiceSpec().WithType(core.ServiceTypeClusterIP).WithClusterIP(core.ClusterIPNone).WithPublishNotReadyAddresses(true).
		WithSelector(r.selector()).
		WithPorts(
			servicePort(names.PortNameControlPlane, names.PortControlPlane),
			servicePort(names.PortNameReplication, names.PortReplication),
			servicePort(names.PortNameAgent, names.PortAgent),
		).WithPorts(r.internalPorts()...)
	if r.JMX {
		spec.WithPorts(servicePort(names.PortNameJMX, names.PortJMX))
	}
	return r.commonService(names.KafkaBrokersService(r.Name), r.Template.BrokersService, spec)
}

// commonService is one of the two Services of all internal listeners, with what its template says.
func (r kafka) commonService(
	name string, t *v1.InternalServiceTemplate, spec *corev1.ServiceSpecApplyConfiguration,
) *corev1.ServiceApplyConfiguration {
	var template v1.InternalServiceTemplate
	if t != nil {
		template = *t
	}
	spec.WithIPFamilies(template.IPFamilies...)
	if template.IPFamilyPolicy != nil {
		spec.WithIPFamilyPolicy(*template.IPFamilyPolicy)
	}
	return corev1.Service(name, r.Namespace).WithOwnerReferences(r.owner()).WithLabels(r.labels(template.Metadata)).
		WithAnnotations(annotations(template.Metadata, nil)).WithSpec(spec)
}

// discovery describes listeners in the reference operator's words.
func discovery(listeners ...cluster.Listener) string {
	type port struct {
		Port     int32  `json:"port"`
		TLS      bool   `json:"tls"`
		Protocol string `json:"protocol"`
		Auth     string `json:"auth"`
	}
	ports := make([]port, 0, len(listeners))
	for _, l := range listeners {
		auth := l.Auth
		if auth == "" {
			auth = "none"
		}
		ports = append(ports, port{l.Port, l.TLS, "kafka", auth})
	}
	return encode(ports)
}

// external is a listener with Services of its own. What the user says about it is passed on only where Kubernetes has a field for it
// in Services of the listener's type; the model has told the user about the rest.
type external struct {
	kafka
	*cluster.Listener
}

// configuration is what the user said about the listener.
func (l external) configuration() v1.ListenerConfiguration {
	if l.Spec.Configuration == nil {
		return v1.ListenerConfiguration{}
	}
	return *l.Spec.Configuration
}

// bootstrap is the Service that leads to any broker.
func (l external) bootstrap() *corev1.ServiceApplyConfiguration {
	own := l.ownBootstrap()
	meta := over(metadata(l.Template.ExternalBootstrapService), v1.MetadataTemplate{Labels: own.Labels, Annotations: own.Annotations})
	return corev1.Service(l.BootstrapService, l.Namespace).WithOwnerReferences(l.owner()).WithFinalizers(l.finalizers()...).
		WithLabels(l.labels(meta)).WithLabels(map[string]string{names.LabelDiscovery: "true"}).
		WithAnnotations(annotations(meta, map[string]string{names.AnnotationDiscovery: discovery(*l.Listener)})).
		WithSpec(l.spec(own.NodePort, own.LoadBalancerIP, own.ExternalIPs).WithSelector(l.brokerSelector()))
}

// ownBootstrap is what the user said about the way to any broker.
func (l external) ownBootstrap() v1.ListenerBootstrap {
	if b := l.configuration().Bootstrap; b != nil {
		return *b
	}
	return v1.ListenerBootstrap{}
}

// broker is the Service that leads to one broker.
func (l external) broker(name string, p *cluster.Pool, n *cluster.Node) *corev1.ServiceApplyConfiguration {
	own, meta := l.override(n), over(metadata(p.Template.PerPodService), l.Metadata[n.ID])
	selector := merged(l.selector(), map[string]string{names.LabelPodName: n.Pod})
	return corev1.Service(name, l.Namespace).WithOwnerReferences(l.poolOwner(p)).WithFinalizers(l.finalizers()...).
		WithLabels(l.nodeLabels(p, n, meta)).WithAnnotations(annotations(meta, nil)).
		WithSpec(l.spec(own.NodePort, own.LoadBalancerIP, own.ExternalIPs).WithSelector(selector))
}

// override is what the user said about one broker.
func (l external) override(n *cluster.Node) v1.ListenerBroker {
	brokers := l.configuration().Brokers
	if i := slices.IndexFunc(brokers, func(b v1.ListenerBroker) bool { return b.Broker == n.ID }); i >= 0 {
		return brokers[i]
	}
	return v1.ListenerBroker{}
}

// finalizers belong to load balancers only: others have nothing outside of Kubernetes that would have to be cleaned up.
func (l external) finalizers() []string {
	if l.Type != v1.ListenerLoadBalancer {
		return nil
	}
	return l.configuration().Finalizers
}

// spec is what the Services of a listener have in common, and what the user said about this one.
func (l external) spec(nodePort *int32, loadBalancerIP string, externalIPs []string) *corev1.ServiceSpecApplyConfiguration {
	c, port := l.configuration(), servicePort(l.PortName, l.Port)
	reachable := l.Type == v1.ListenerNodePort || l.Type == v1.ListenerLoadBalancer
	if reachable && nodePort != nil {
		port.WithNodePort(*nodePort)
	}
	spec := corev1.ServiceSpec().WithType(core.ServiceTypeClusterIP).WithPorts(port).WithIPFamilies(c.IPFamilies...)
	if c.IPFamilyPolicy != nil {
		spec.WithIPFamilyPolicy(*c.IPFamilyPolicy)
	}
	if c.PublishNotReadyAddresses != nil {
		spec.WithPublishNotReadyAddresses(*c.PublishNotReadyAddresses)
	}
	if reachable && c.ExternalTrafficPolicy != "" {
		spec.WithExternalTrafficPolicy(c.ExternalTrafficPolicy)
	}
	switch l.Type {
	case v1.ListenerNodePort:
		spec.WithType(core.ServiceTypeNodePort).WithExternalIPs(externalIPs...)
	case v1.ListenerLoadBalancer:
		l.balanced(spec.WithType(core.ServiceTypeLoadBalancer), loadBalancerIP)
	}
	return spec
}

// balanced adds what only load balancers have.
func (l external) balanced(spec *corev1.ServiceSpecApplyConfiguration, address string) {
	c := l.configuration()
	spec.WithLoadBalancerSourceRanges(c.LoadBalancerSourceRanges...)
	if address != "" {
		spec.WithLoadBalancerIP(address)
	}
	if c.Class != "" {
		spec.WithLoadBalancerClass(c.Class)
	}
	if c.AllocateLoadBalancerNodePorts != nil {
		spec.WithAllocateLoadBalancerNodePorts(*c.AllocateLoadBalancerNodePorts)
	}
}

// ingresses lead connections with a listener's host names to its Services. TLS is the brokers' own: an Ingress can't end it,
// since Kafka's protocol is no HTTP.
func (r kafka) ingresses() []runtime.ApplyConfiguration {
	var objects []runtime.ApplyConfiguration
	for i := range r.Listeners {
		l := external{r, &r.Listeners[i]}
		if l.Type != v1.ListenerIngress {
			continue
		}
		if l.BootstrapService != "" {
			own := l.ownBootstrap()
			meta := over(metadata(l.Template.ExternalBootstrapIngress), v1.MetadataTemplate{Labels: own.Labels, Annotations: own.Annotations})
			name := names.KafkaListenerRoute(l.kafka.Name, l.Name, l.Port)
			objects = append(objects, l.ingress(name, l.BootstrapHost, l.BootstrapService, meta).
				WithOwnerReferences(l.owner()).WithLabels(l.labels(meta)))
		}
		for p, n := range r.nodes {
			if name := l.Services[n.ID]; name != "" {
				meta := over(metadata(p.Template.PerPodIngress), l.Metadata[n.ID])
				objects = append(objects, l.ingress(name, l.Hosts[n.ID], name, meta).
					WithOwnerReferences(l.poolOwner(p)).WithLabels(l.nodeLabels(p, n, meta)))
			}
		}
	}
	return objects
}

// ingress leads from a host name to a Service.
func (l external) ingress(name, host, service string, meta *v1.MetadataTemplate) *networkingv1.IngressApplyConfiguration {
	backend := networkingv1.IngressBackend().WithService(networkingv1.IngressServiceBackend().WithName(service).
		WithPort(networkingv1.ServiceBackendPort().WithNumber(l.Port)))
	path := networkingv1.HTTPIngressPath().WithPath("/").WithPathType(networking.PathTypePrefix).WithBackend(backend)
	spec := networkingv1.IngressSpec().WithTLS(networkingv1.IngressTLS().WithHosts(host)).WithRules(networkingv1.IngressRule().
		WithHost(host).WithHTTP(networkingv1.HTTPIngressRuleValue().WithPaths(path)))
	if class := l.configuration().Class; class != "" {
		spec.WithIngressClassName(class)
	}
	return networkingv1.Ingress(name, l.Namespace).WithAnnotations(merged(passthrough(), meta.Annotations)).WithSpec(spec)
}

// passthrough asks controllers to lead connections on as they are. There is no field for it, only words of each controller; these
// are the ones that the reference operator knows.
func passthrough() map[string]string {
	return map[string]string{
		"ingress.kubernetes.io/ssl-passthrough":        "true",
		"nginx.ingress.kubernetes.io/ssl-passthrough":  "true",
		"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
	}
}
