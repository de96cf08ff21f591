package cluster

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// kinds is a set of listeners' types, as a sentence lists them.
type kinds string

const (
	listenerTypes kinds = "internal, cluster-ip, nodeport, loadbalancer, ingress, route, tlsroute"
	withServices  kinds = "cluster-ip, nodeport, loadbalancer, ingress, route, tlsroute"
	// hosted are those that are told apart by a host's name, and have one port for all.
	hosted       kinds = "ingress, route, tlsroute"
	inside       kinds = "internal, cluster-ip"
	balanced     kinds = "nodeport, loadbalancer"
	classed      kinds = "ingress, loadbalancer"
	loadBalancer kinds = v1.ListenerLoadBalancer
	nodePort     kinds = v1.ListenerNodePort
	tlsRoute     kinds = v1.ListenerTLSRoute
)

func (t kinds) has(kind string) bool { return slices.Contains(strings.Split(string(t), ", "), kind) }

// rule says which types an option is for.
type rule struct {
	option string
	given  bool
	kinds  kinds
}

// checkOptions refuses options of other types, as the reference operator does: somebody expects something of them.
func (b *builder) checkOptions(field string, l v1.Listener) {
	for _, r := range optionRules(*l.Configuration) {
		if r.given && !r.kinds.has(l.Type) {
			b.Invalid(field+"."+r.option, "is for type %s, and this listener is of type %s: remove it", r.kinds, l.Type)
		}
	}
	b.checkBrokers(field, l.Configuration.Brokers)
}

// optionRules are the options of a configuration with their types. Those for all types are left out.
func optionRules(c v1.ListenerConfiguration) []rule {
	rules := []rule{
		{"class", c.Class != "", classed},
		{"externalTrafficPolicy", c.ExternalTrafficPolicy != "", balanced},
		{"loadBalancerSourceRanges", len(c.LoadBalancerSourceRanges) > 0, loadBalancer},
		{"ipFamilyPolicy", c.IPFamilyPolicy != nil, withServices},
		{"ipFamilies", len(c.IPFamilies) > 0, withServices},
		{"createBootstrapService", c.CreateBootstrapService != nil, loadBalancer},
		{"finalizers", len(c.Finalizers) > 0, loadBalancer},
		{"useServiceDnsDomain", c.UseServiceDNSDomain != nil, inside},
		{"preferredNodePortAddressType", c.PreferredNodePortAddressType != "", nodePort},
		{"publishNotReadyAddresses", c.PublishNotReadyAddresses != nil, withServices},
		{"hostTemplate", c.HostTemplate != "", hosted},
		{"allocateLoadBalancerNodePorts", c.AllocateLoadBalancerNodePorts != nil, loadBalancer},
		{"parentRefs", len(c.ParentRefs) > 0, tlsRoute},
		{"perBrokerLabelsTemplate", len(c.PerBrokerLabelsTemplate) > 0, withServices},
		{"perBrokerAnnotationsTemplate", len(c.PerBrokerAnnotationsTemplate) > 0, withServices},
	}
	if s := c.Bootstrap; s != nil {
		rules = append(rules, targetRules("bootstrap", s.Host, s.LoadBalancerIP, s.NodePort, s.Labels, s.Annotations, s.ExternalIPs)...)
	}
	for i, s := range c.Brokers {
		rules = append(rules, targetRules(fmt.Sprintf("brokers[%d]", i), s.Host, s.LoadBalancerIP, s.NodePort, s.Labels, s.Annotations, s.ExternalIPs)...)
	}
	return rules
}

// targetRules are for what the bootstrap and the brokers have in common.
func targetRules(at, host, ip string, port *int32, labels, annotations map[string]string, externalIPs []string) []rule {
	return []rule{
		{at + ".host", host != "", hosted},
		{at + ".loadBalancerIP", ip != "", loadBalancer},
		{at + ".nodePort", port != nil, balanced},
		{at + ".externalIPs", len(externalIPs) > 0, nodePort},
		{at + ".labels", len(labels) > 0, withServices},
		{at + ".annotations", len(annotations) > 0, withServices},
	}
}

// nodePorts refuses node ports that are none, and those that two Services would have: a node port is one for all of a Kubernetes
// cluster.
func (b *builder) nodePorts() {
	whose := map[int32]string{}
	take := func(field string, port *int32) {
		if port == nil {
			return
		}
		if *port < 1 || *port > 65535 {
			b.Invalid(field, "%d is not from 1 to 65535", *port)
			return
		}
		if other, taken := whose[*port]; taken {
			b.Invalid(field, "%d is that of %s already: each Service needs a port of its own", *port, other)
			return
		}
		whose[*port] = field
	}
	for i, l := range b.spec.Listeners {
		if l.Configuration == nil {
			continue
		}
		field := fmt.Sprintf("spec.kafka.listeners[%d].configuration", i)
		if s := l.Configuration.Bootstrap; s != nil {
			take(field+".bootstrap.nodePort", s.NodePort)
		}
		for j, s := range l.Configuration.Brokers {
			take(fmt.Sprintf("%s.brokers[%d].nodePort", field, j), s.NodePort)
		}
	}
}

// checkBrokers refuses what says two things of one broker, and ports that are none.
func (b *builder) checkBrokers(field string, brokers []v1.ListenerBroker) {
	seen := map[int32]bool{}
	for i, o := range brokers {
		at := fmt.Sprintf("%s.brokers[%d]", field, i)
		if seen[o.Broker] {
			b.Invalid(at+".broker", "%d is there twice: write all of a broker in one entry", o.Broker)
		}
		seen[o.Broker] = true
		if p := o.AdvertisedPort; p != nil && (*p < 1 || *p > 65535) {
			b.Invalid(at+".advertisedPort", "%d is not from 1 to 65535", *p)
		}
	}
}
