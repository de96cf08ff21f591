package cluster

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// tlsPort is where Ingresses, Routes and Gateways take TLS.
const tlsPort = 443

// addresses settles what each broker tells its clients.
func (b *builder) addresses() {
	for i := range b.out.Pools {
		pool := &b.out.Pools[i]
		for j := range pool.Nodes {
			n := &pool.Nodes[j]
			if n.Controller {
				n.Advertised[names.ListenerControlPlane] = Address{n.Host, names.PortControlPlane}
			}
			if !n.Broker {
				continue
			}
			n.Advertised[names.ListenerReplication] = Address{n.Host, names.PortReplication}
			for k := range b.out.Listeners {
				b.listenerOn(fmt.Sprintf("spec.kafka.listeners[%d].configuration", k), &b.out.Listeners[k], pool.Name, *n)
			}
		}
	}
	for k, l := range b.out.Listeners {
		field := fmt.Sprintf("spec.kafka.listeners[%d]", k)
		b.bootstrap(field, l)
		b.bootstrapWords(field+".configuration.bootstrap", l.Spec.Configuration.Bootstrap)
	}
	b.hostsTwice()
	b.addressesTwice()
}

// listenerOn settles one listener of one broker: its objects' names, its host and port.
func (b *builder) listenerOn(field string, l *Listener, pool string, n Node) {
	override := l.broker(n.ID)
	if l.Type != v1.ListenerInternal {
		l.Services[n.ID] = names.NodeListener(b.kafka.Name, pool, l.Name, l.Port, n.ID)
		l.Metadata[n.ID] = b.brokerMetadata(field, l, n)
	}
	if hosted.has(l.Type) {
		l.Hosts[n.ID] = b.brokerHost(field, l, n)
	}
	var own Address // what the user says, as far as they do
	own.Host = override.AdvertisedHost
	if own.Host == "" && l.Spec.Configuration.AdvertisedHostTemplate != "" {
		own.Host = b.filled(field+".advertisedHostTemplate", l.Spec.Configuration.AdvertisedHostTemplate, n)
	}
	if own.Host != "" && !isHost(own.Host) {
		b.Invalid(field, "the advertised host %q of node %d is no name of a host and no address", own.Host, n.ID)
	}
	own.Host = withoutBrackets(own.Host)
	if t := l.Spec.Configuration.AdvertisedPortTemplate; t != "" {
		port, err := evaluatePort(t, n.ID)
		if err != nil {
			b.Invalid(field+".advertisedPortTemplate", "%q: %v", t, err)
		}
		own.Port = port
	}
	if override.AdvertisedPort != nil {
		own.Port = *override.AdvertisedPort
	}
	if address, ok := b.reached(l, n, own); ok {
		n.Advertised[l.Kafka] = address
	}
}

// broker is what differs for one broker.
func (l *Listener) broker(id int32) v1.ListenerBroker {
	for _, o := range l.Spec.Configuration.Brokers {
		if o.Broker == id {
			return o
		}
	}
	return v1.ListenerBroker{Broker: id}
}

// reached is where a broker is reached; what the user says goes before what is known. It is not known before Kubernetes has
// chosen a port or an address.
func (b *builder) reached(l *Listener, n Node, own Address) (Address, bool) {
	service := l.Services[n.ID]
	found := Address{Port: l.Port}
	switch l.Type {
	case v1.ListenerInternal:
		found.Host = b.inDomain(l, n.Host)
	case v1.ListenerClusterIP:
		found.Host = b.inDomain(l, service+"."+b.kafka.Namespace+".svc")
	case v1.ListenerNodePort:
		found.Host = NodeAddress
		if own.Host == "" {
			b.nodeAddressTypes(l)
		}
		found.Port = b.in.Observed.Services[service].NodePorts[l.PortName]
	case v1.ListenerLoadBalancer:
		if ingress := b.in.Observed.Services[service].Ingress; len(ingress) > 0 {
			found.Host = ingress[0]
		}
	default:
		found = Address{l.Hosts[n.ID], tlsPort}
	}
	if own.Host != "" {
		found.Host = own.Host
	}
	if own.Port != 0 {
		found.Port = own.Port
	}
	if found.Host == "" || found.Port == 0 {
		b.pending(service, l.Type)
		return Address{}, false
	}
	return found, true
}

// pending notes that an address is not known yet. What has no Service was refused.
func (b *builder) pending(service, kind string) {
	what := "address of a load balancer"
	switch {
	case hosted.has(kind):
		return
	case kind == v1.ListenerNodePort:
		what = "node port"
	}
	b.out.Pending = append(b.out.Pending, fmt.Sprintf("the Service %s has no %s yet", service, what))
}

// bootstrap waits for the address that clients bootstrap from.
func (b *builder) bootstrap(field string, l Listener) {
	seen := b.in.Observed.Services[l.BootstrapService]
	switch {
	case hosted.has(l.Type) && l.BootstrapHost == "":
		b.Invalid(field+".configuration.bootstrap.host", "is missing: a listener of type %s needs the name that clients bootstrap from", l.Type)
	case hosted.has(l.Type) && !isHostName(l.BootstrapHost):
		b.Invalid(field+".configuration.bootstrap.host", "%q is no name of a host in lower-case letters", l.BootstrapHost)
	case l.Type == v1.ListenerTLSRoute && len(l.Spec.Configuration.ParentRefs) == 0:
		b.Invalid(field+".configuration.parentRefs", "is missing: name the Gateway")
	case l.BootstrapService == "":
	case l.Type == v1.ListenerNodePort && seen.NodePorts[l.PortName] == 0, l.Type == v1.ListenerLoadBalancer && len(seen.Ingress) == 0:
		b.pending(l.BootstrapService, l.Type)
	}
	if l.Type == v1.ListenerRoute || l.Type == v1.ListenerTLSRoute {
		b.NoEffect(field+".type "+l.Type, "no Route is made, only Services; have TLS for the hosts passed through to them")
	}
}

// inDomain completes a Service's name if the listener wants that.
func (b *builder) inDomain(l *Listener, host string) string {
	if full := l.Spec.Configuration.UseServiceDNSDomain; full != nil && *full {
		return host + "." + b.out.Domain
	}
	return host
}

// brokerHost is the name by which Ingresses and Routes tell a broker.
func (b *builder) brokerHost(field string, l *Listener, n Node) string {
	host := l.broker(n.ID).Host
	if host == "" && l.Spec.Configuration.HostTemplate != "" {
		host = b.filled(field+".hostTemplate", l.Spec.Configuration.HostTemplate, n)
	}
	switch {
	case host == "":
		b.Invalid(field+".hostTemplate", "is missing: a listener of type %s needs a name for each broker, such as broker-{nodeId}.example.com, or brokers[].host "+
			"(node %d has none)", l.Type, n.ID)
	case !isHostName(host):
		b.Invalid(field, "the host %q of node %d is no name of a host in lower-case letters", host, n.ID)
	}
	return host
}

// brokerMetadata are labels and annotations of a broker's objects. What is said of one broker goes before templates.
func (b *builder) brokerMetadata(field string, l *Listener, n Node) v1.MetadataTemplate {
	c, override := l.Spec.Configuration, l.broker(n.ID)
	fillAll := func(option string, templates, own map[string]string) map[string]string {
		out := map[string]string{}
		for key, template := range templates {
			out[key] = b.filled(field+"."+option+"."+key, template, n)
		}
		maps.Copy(out, own)
		return out
	}
	m := v1.MetadataTemplate{
		Labels:      fillAll("perBrokerLabelsTemplate", c.PerBrokerLabelsTemplate, override.Labels),
		Annotations: fillAll("perBrokerAnnotationsTemplate", c.PerBrokerAnnotationsTemplate, override.Annotations),
	}
	b.TemplateKeys(field+".brokers", m)
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		if value := m.Labels[key]; len(validation.IsValidLabelValue(value)) > 0 {
			b.Invalid(field, "the label %s of node %d would be %q, which is no value of a label", key, n.ID, value)
		}
	}
	return m
}

// filled is fill, and what goes wrong is the user's.
func (b *builder) filled(field, template string, n Node) string {
	text, err := fill(template, n)
	if err != nil {
		b.Invalid(field, "%q: %v", template, err)
	}
	return text
}

// nodeAddressTypes orders the kinds of addresses of a Kubernetes node as the reference operator does: the preferred one first.
// A pod learns one address, so the preference is one for all listeners.
func (b *builder) nodeAddressTypes(l *Listener) {
	preferred := l.Spec.Configuration.PreferredNodePortAddressType
	order := []corev1.NodeAddressType{corev1.NodeExternalDNS, corev1.NodeExternalIP, corev1.NodeHostName, corev1.NodeInternalDNS, corev1.NodeInternalIP}
	if b.out.NodeAddressTypes == nil {
		if preferred != "" {
			b.out.NodeAddressTypes = []corev1.NodeAddressType{preferred}
		}
		for _, t := range order {
			if t != preferred {
				b.out.NodeAddressTypes = append(b.out.NodeAddressTypes, t)
			}
		}
	}
	if preferred != "" && preferred != b.out.NodeAddressTypes[0] {
		b.NoEffect("spec.kafka.listeners: preferredNodePortAddressType of "+l.Name, "there is one address of a node for all listeners, and the first listener "+
			"of type nodeport says which")
	}
}

// NodeAddressAmong returns which of a Kubernetes node's addresses stands for NodeAddress: the first of the first of
// NodeAddressTypes that there is one of, or empty.
func (c Cluster) NodeAddressAmong(addresses []corev1.NodeAddress) string {
	for _, kind := range c.NodeAddressTypes {
		for _, a := range addresses {
			if a.Type == kind {
				return a.Address
			}
		}
	}
	return ""
}
