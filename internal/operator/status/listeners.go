package status

import (
	"net"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// portHTTPS is where Routes, Gateways and Ingresses take connections that they lead on by the name in the TLS handshake.
const portHTTPS = 443

// ListenerCertificates are the certificates by which clients check brokers, PEM.
type ListenerCertificates struct {
	ClusterCA []string            // of the authority that signs the nodes' certificates
	Own       map[string][]string // of listeners with a certificate of their own, by the listener's name
}

// listeners says where clients bootstrap from. One whose address Kubernetes has not given yet has none.
func listeners(c cluster.Cluster, seen cluster.Observed, certificates ListenerCertificates) []v1.ListenerStatus {
	all := make([]v1.ListenerStatus, 0, len(c.Listeners))
	for _, l := range c.Listeners {
		s := v1.ListenerStatus{Name: l.Name, Type: l.Name, Addresses: addresses(c, l, seen)}
		if l.TLS {
			s.Certificates = certificates.ClusterCA
			if l.Certificate != nil {
				s.Certificates = certificates.Own[l.Name]
			}
		}
		servers := make([]string, 0, len(s.Addresses))
		for _, a := range s.Addresses {
			servers = append(servers, net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))))
		}
		s.BootstrapServers = strings.Join(servers, ",")
		all = append(all, s)
	}
	return all
}

// addresses are those of one listener, each once.
func addresses(c cluster.Cluster, l cluster.Listener, seen cluster.Observed) []v1.ListenerAddress {
	at := func(port int32, hosts ...string) []v1.ListenerAddress {
		var all []v1.ListenerAddress
		for _, host := range hosts {
			if a := (v1.ListenerAddress{Host: host, Port: port}); host != "" && !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
		return all
	}
	switch l.Type {
	case v1.ListenerInternal:
		return at(l.Port, serviceHost(c, l, names.KafkaBootstrapService(c.Name)))
	case v1.ListenerClusterIP:
		return at(l.Port, serviceHost(c, l, l.BootstrapService))
	case v1.ListenerNodePort:
		port, ok := seen.Services[l.BootstrapService].NodePorts[l.PortName]
		if !ok {
			return nil
		}
		return at(port, nodeHosts(c, l, seen)...)
	case v1.ListenerLoadBalancer:
		return at(l.Port, loadBalancerHosts(c, l, seen)...)
	}
	return at(portHTTPS, l.BootstrapHost)
}

// serviceHost is a Service's name in DNS, with the cluster's domain if the listener's addresses have it.
func serviceHost(c cluster.Cluster, l cluster.Listener, service string) string {
	if service == "" {
		return ""
	}
	host := service + "." + c.Namespace + ".svc"
	if s := l.Spec.Configuration; s != nil && s.UseServiceDNSDomain != nil && *s.UseServiceDNSDomain {
		host += "." + c.Domain
	}
	return host
}

// nodeHosts are the hosts that the user says brokers are reached by, or else the addresses of the Kubernetes nodes that they run on:
// a node port is open on others too, but those may go without anybody thinking of Kafka.
func nodeHosts(c cluster.Cluster, l cluster.Listener, seen cluster.Observed) []string {
	var hosts []string
	for _, n := range brokers(c) {
		host := n.Advertised[l.Kafka].Host
		if host == "" || host == cluster.NodeAddress {
			host = c.NodeAddressAmong(seen.Pods[n.ID].Addresses)
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// loadBalancerHosts are those of the load balancer that leads to any broker, or of the brokers' ones if there is none.
func loadBalancerHosts(c cluster.Cluster, l cluster.Listener, seen cluster.Observed) []string {
	if l.BootstrapService != "" {
		return seen.Services[l.BootstrapService].Ingress
	}
	var hosts []string
	for _, n := range brokers(c) {
		hosts = append(hosts, seen.Services[l.Services[n.ID]].Ingress...)
	}
	return hosts
}

// brokers are the nodes that clients connect to.
func brokers(c cluster.Cluster) []cluster.Node {
	var all []cluster.Node
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			if n.Broker {
				all = append(all, n)
			}
		}
	}
	return all
}
