package status

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
)

// TestNodePortAddresses: a broker's node is reached as its clients are told, by the host that the user has given it or else by the
// node's own address, and always at the port of the Service that leads to any broker.
func TestNodePortAddresses(t *testing.T) {
	const own = cluster.NodeAddress
	at := func(addresses ...string) cluster.Observed {
		seen := cluster.Observed{
			Pods: map[int32]cluster.PodFacts{}, Services: map[string]cluster.ServiceFacts{"np": {NodePorts: map[string]int32{"tcp-l": 31094}}},
		}
		for id, address := range addresses {
			seen.Pods[int32(id)] = cluster.PodFacts{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}}
		}
		return seen
	}
	for _, c := range []struct {
		name       string
		advertised [2]string
		types      []corev1.NodeAddressType
		seen       cluster.Observed
		servers    string
	}{
		{"nodes", [2]string{own, own}, []corev1.NodeAddressType{corev1.NodeInternalIP}, at("10.0.0.1", "10.0.0.2"), "10.0.0.1:31094,10.0.0.2:31094"},
		{"one node", [2]string{own, own}, []corev1.NodeAddressType{corev1.NodeInternalIP}, at("10.0.0.1", "10.0.0.1"), "10.0.0.1:31094"},
		{"said of one", [2]string{"one.example.com", own}, []corev1.NodeAddressType{corev1.NodeInternalIP}, at("10.0.0.1", "10.0.0.2"), "one.example.com:31094,10.0.0.2:31094"},
		{"said of all", [2]string{"one.example.com", "two.example.com"}, nil, at("10.0.0.1", "10.0.0.2"), "one.example.com:31094,two.example.com:31094"},
		{"one for all", [2]string{"k.example.com", "k.example.com"}, nil, at(), "k.example.com:31094"},
		{"IPv6", [2]string{"2001:db8::1", own}, []corev1.NodeAddressType{corev1.NodeInternalIP}, at("", "2001:db8::2"), "[2001:db8::1]:31094,[2001:db8::2]:31094"},
		{"no such kind", [2]string{own, own}, []corev1.NodeAddressType{corev1.NodeExternalIP}, at("10.0.0.1"), ""},
		{"not scheduled", [2]string{own, own}, []corev1.NodeAddressType{corev1.NodeInternalIP}, at("10.0.0.1"), "10.0.0.1:31094"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := through()
			in.Want.NodeAddressTypes, in.Observed = c.types, c.seen
			in.Want.Listeners = []cluster.Listener{{Name: "l", Port: 9094, Type: v1.ListenerNodePort, Kafka: "L-9094", PortName: "tcp-l", BootstrapService: "np"}}
			for i := range in.Want.Pools[0].Nodes {
				in.Want.Pools[0].Nodes[i].Advertised = map[string]cluster.Address{"L-9094": {Host: c.advertised[i], Port: int32(31000 + i)}}
			}
			if got := Kafka(in).Listeners[0].BootstrapServers; got != c.servers {
				t.Errorf("%q instead of %q", got, c.servers)
			}
		})
	}
}

// TestListenersAlways: for any cluster there is one entry for each listener in the resource's order, bootstrapServers says the same
// as the addresses, no address is empty or there twice, none has the placeholder of steg-node, and plain listeners show no
// certificate.
func TestListenersAlways(t *testing.T) {
	kinds := []string{
		v1.ListenerInternal, v1.ListenerClusterIP, v1.ListenerNodePort, v1.ListenerLoadBalancer, v1.ListenerIngress, v1.ListenerRoute, v1.ListenerTLSRoute,
	}
	hosts := []string{"", cluster.NodeAddress, "k.example.com", "192.0.2.1", "2001:db8::1"}
	rapid.Check(t, func(t *rapid.T) {
		in := through()
		in.Certificates = ListenerCertificates{ClusterCA: []string{"CA"}, Own: map[string][]string{"l0": {"OWN"}}}
		in.Observed = cluster.Observed{Pods: map[int32]cluster.PodFacts{}, Services: map[string]cluster.ServiceFacts{}}
		for i := range rapid.IntRange(0, 4).Draw(t, "listeners") {
			name := "l" + strconv.Itoa(i)
			l := cluster.Listener{
				Name: name, Port: int32(9092 + i), Type: rapid.SampledFrom(kinds).Draw(t, "type"), Kafka: fmt.Sprintf("L%d-%d", i, 9092+i), PortName: "tcp-" + name,
				TLS: rapid.Bool().Draw(t, "tls"), BootstrapService: rapid.SampledFrom([]string{"", name}).Draw(t, "service"),
				BootstrapHost: rapid.SampledFrom([]string{"", "k.example.com"}).Draw(t, "host"), Services: map[int32]string{0: name + "-0", 1: name + "-1"},
			}
			if l.TLS && rapid.Bool().Draw(t, "own") {
				l.Certificate = &v1.CertAndKeySecretSource{}
			}
			for _, service := range []string{name, name + "-0", name + "-1"} {
				in.Observed.Services[service] = cluster.ServiceFacts{
					NodePorts: rapid.SampledFrom([]map[string]int32{nil, {l.PortName: 31000}}).Draw(t, "port"),
					Ingress:   rapid.SampledFrom([][]string{nil, {"lb.example.com"}, {"lb.example.com", "192.0.2.9", "lb.example.com"}}).Draw(t, "ingress"),
				}
			}
			for j := range in.Want.Pools[0].Nodes {
				n := &in.Want.Pools[0].Nodes[j]
				if n.Advertised == nil {
					n.Advertised = map[string]cluster.Address{}
				}
				n.Advertised[l.Kafka] = cluster.Address{Host: rapid.SampledFrom(hosts).Draw(t, "advertised"), Port: 31001}
			}
			in.Want.Listeners = append(in.Want.Listeners, l)
		}
		got := Kafka(in).Listeners
		if len(got) != len(in.Want.Listeners) {
			t.Fatalf("%d of %d listeners", len(got), len(in.Want.Listeners))
		}
		for i, s := range got {
			if problem := listenerProblem(in.Want.Listeners[i], s); problem != "" {
				t.Fatalf("%s: %+v of %+v", problem, s, in.Want.Listeners[i])
			}
		}
		if again := Kafka(in).Listeners; !cmp.Equal(got, again) {
			t.Fatal(cmp.Diff(got, again))
		}
	})
}

// listenerProblem says what is wrong with the status of a listener.
func listenerProblem(l cluster.Listener, s v1.ListenerStatus) string {
	var servers []string
	seen := map[v1.ListenerAddress]bool{}
	for _, a := range s.Addresses {
		if a.Host == "" || a.Port == 0 || strings.Contains(a.Host, "$") || strings.ContainsAny(a.Host, "[]") {
			return "an address that is none"
		}
		if seen[a] {
			return "an address is there twice"
		}
		seen[a] = true
		servers = append(servers, net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))))
	}
	switch {
	case s.Name != l.Name || s.Type != l.Name:
		return "another one's name"
	case s.BootstrapServers != strings.Join(servers, ","):
		return "bootstrapServers say something else"
	case !l.TLS && s.Certificates != nil:
		return "certificates without TLS"
	case l.TLS && l.Certificate == nil && !cmp.Equal(s.Certificates, []string{"CA"}):
		return "not the authority's certificate"
	}
	return ""
}
