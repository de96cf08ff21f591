package cluster

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// certificateNames settles what the certificate of each node is for: all names under which clients and other nodes may come.
func (b *builder) certificateNames() {
	common := b.commonNames()
	b.each(func(n *Node) {
		all := slices.Clone(common)
		all = append(all, n.Host, n.Host+"."+b.out.Domain)
		for _, l := range b.out.Listeners {
			if service := l.Services[n.ID]; service != "" {
				all = append(all, b.serviceForms(service)...)
				all = append(all, b.in.Observed.Services[service].Ingress...)
			}
			all = append(all, l.Hosts[n.ID], n.Advertised[l.Kafka].Host)
		}
		n.DNSNames, n.Addresses = subjects(all)
	})
}

// commonNames are those of all nodes.
func (b *builder) commonNames() []string {
	all := append(b.serviceForms(names.KafkaBootstrapService(b.kafka.Name)), b.serviceForms(names.KafkaBrokersService(b.kafka.Name))...)
	for _, l := range b.out.Listeners {
		if l.BootstrapService != "" {
			all = append(all, b.serviceForms(l.BootstrapService)...)
			all = append(all, b.in.Observed.Services[l.BootstrapService].Ingress...)
		}
		all = append(all, l.BootstrapHost)
		if s := l.Spec.Configuration.Bootstrap; s != nil {
			all = append(all, s.AlternativeNames...)
		}
	}
	return all
}

// serviceForms are the forms in which a Service's name is resolved.
func (b *builder) serviceForms(service string) []string {
	inNamespace := service + "." + b.kafka.Namespace
	return []string{service, inNamespace, inNamespace + ".svc", inNamespace + ".svc." + b.out.Domain}
}

// subjects divides names from addresses. The address of a Kubernetes node is left out: it would change with each move of a pod,
// and a certificate that changes restarts the pod.
func subjects(all []string) (dns []string, addresses []netip.Addr) {
	for _, name := range all {
		if name == "" || name == NodeAddress {
			continue
		}
		if address, err := netip.ParseAddr(withoutBrackets(name)); err == nil {
			addresses = append(addresses, address.Unmap())
		} else {
			dns = append(dns, strings.ToLower(name))
		}
	}
	slices.Sort(dns)
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Compact(dns), slices.Compact(addresses)
}
