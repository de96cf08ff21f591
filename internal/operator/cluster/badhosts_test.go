package cluster_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// reachedByName is a listener whose brokers are told apart by names.
func reachedByName(kind string, do func(c *v1.ListenerConfiguration)) change {
	return configured(kind, func(c *v1.ListenerConfiguration) {
		c.HostTemplate, c.Bootstrap = "b{nodeId}.example.com", &v1.ListenerBootstrap{Host: "b.example.com"}
		if kind == v1.ListenerTLSRoute {
			c.ParentRefs = []v1.GatewayParentRef{{Name: "g"}}
		}
		do(c)
	})
}

// TestHostsOfIngresses: TLS tells brokers apart by names, of which each has its own.
func TestHostsOfIngresses(t *testing.T) {
	const at = "spec.kafka.listeners[0].configuration"
	for _, c := range []struct {
		name        string
		do          func(c *v1.ListenerConfiguration)
		field, text string
	}{
		{"address", func(c *v1.ListenerConfiguration) { c.Bootstrap.Host = "192.0.2.1" }, at + ".bootstrap.host", `"192.0.2.1" is no name of a host`},
		{"capitals", func(c *v1.ListenerConfiguration) { c.Bootstrap.Host = "B.example.com" }, at + ".bootstrap.host", "in lower-case letters"},
		{"address of a broker", func(c *v1.ListenerConfiguration) { c.HostTemplate = "192.0.2.{nodeId}" }, at, `"192.0.2.0" of node 0 is no name of a host`},
		{"capitals of a broker", func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 1, Host: "B1.example.com"}}
		}, at, `"B1.example.com" of node 1`},
		{"one name for all", func(c *v1.ListenerConfiguration) { c.HostTemplate = "all.example.com" }, at, "all.example.com of node 1 of plain is that of node 0 of plain already"},
		{"the bootstrap's", func(c *v1.ListenerConfiguration) { c.Bootstrap.Host = "b2.example.com" }, at, "b2.example.com of node 2 of plain is that of the bootstrap of plain already"},
		{"another one's", func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 0, Host: "b1.example.com"}}
		}, at, "b1.example.com of node 1 of plain is that of node 0"},
	} {
		for _, kind := range []string{v1.ListenerIngress, v1.ListenerRoute, v1.ListenerTLSRoute} {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				_, _, err := cluster.For(with(t, reachedByName(kind, c.do)))
				refused(t, err, c.field, c.text)
			})
		}
	}
}

// TestHostsOfTwoIngresses: no name leads to two listeners.
func TestHostsOfTwoIngresses(t *testing.T) {
	r := with(t, reachedByName(v1.ListenerIngress, func(*v1.ListenerConfiguration) {}))
	other := *r.Kafka.Spec.Kafka.Listeners[0].DeepCopy()
	other.Name, other.Port = "other", 9093
	other.Configuration.HostTemplate, other.Configuration.Bootstrap.Host = "o{nodeId}.example.com", "o.example.com"
	r.Kafka.Spec.Kafka.Listeners = append(r.Kafka.Spec.Kafka.Listeners, other)
	mustFor(t, r)
	other.Configuration.Bootstrap.Host = "b1.example.com"
	_, _, err := cluster.For(r)
	refused(t, err, "spec.kafka.listeners[1].configuration", "b1.example.com of the bootstrap of other is that of node 1 of plain already")
}

// TestSameAddress: brokers that clients would take for each other are warned of, and no others.
func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		name string
		kind string
		do   func(c *v1.ListenerConfiguration)
		warn string
	}{
		{"nothing said", v1.ListenerClusterIP, func(*v1.ListenerConfiguration) {}, ""},
		{"one host", v1.ListenerClusterIP, func(c *v1.ListenerConfiguration) { c.AdvertisedHostTemplate = "k.example.com" }, "the nodes 0 and 1 both advertise k.example.com:9092"},
		{"one host, ports of their own", v1.ListenerClusterIP, func(c *v1.ListenerConfiguration) {
			c.AdvertisedHostTemplate, c.AdvertisedPortTemplate = "k.example.com", "9100 + {nodeId}"
		}, ""},
		{"two the same", v1.ListenerInternal, func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 0, AdvertisedHost: "k.example.com"}, {Broker: 2, AdvertisedHost: "k.example.com"}}
		}, "the nodes 0 and 2 both advertise k.example.com:9092"},
		{"not known yet", v1.ListenerLoadBalancer, func(*v1.ListenerConfiguration) {}, ""},
		{"node ports", v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.AdvertisedHostTemplate = "k.example.com" }, ""},
		{"node ports, one port", v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.AdvertisedHostTemplate, c.AdvertisedPortTemplate = "k.example.com", "31000"
		}, "the nodes 1 and 2 both advertise k.example.com:31000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := with(t, configured(c.kind, c.do))
			first, _ := mustFor(t, r)
			_, warnings := mustFor(t, carryOut(r, first))
			if warned(warnings, cluster.ReasonSameAddress, c.warn) != (c.warn != "") {
				t.Errorf("%v", warnings)
			}
		})
	}
}

// TestAdvertisedAddresses: an address of IPv6 may have brackets and never keeps them: they are for whoever joins it with a port.
func TestAdvertisedAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"2001:db8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "192.0.2.1": "192.0.2.1", "Host.example.com": "Host.example.com",
		"[192.0.2.1": "", "[192.0.2.1]": "", "192.0.2.1]": "", "[2001:db8::1": "", "fe80::1%eth0": "", "a,b": "", "k.example.com:9092": "", "http://k.example.com": "",
	} {
		r := with(t, configured(v1.ListenerInternal, func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 0, AdvertisedHost: text}}
		}))
		if want == "" {
			_, _, err := cluster.For(r)
			refused(t, err, "spec.kafka.listeners[0].configuration", "is no name of a host and no address")
			continue
		}
		c, _ := mustFor(t, r)
		n := c.Pools[0].Nodes[0]
		if got := n.Advertised["PLAIN-9092"].Host; got != want {
			t.Errorf("%s: %s is advertised", text, got)
		}
		if address, err := netip.ParseAddr(want); err == nil && (len(n.Addresses) != 1 || n.Addresses[0] != address) {
			t.Errorf("%s: the certificate is for %v", text, n.Addresses)
		}
	}
}

// TestAlternativeNames: what a certificate can't be for is refused before one is made.
func TestAlternativeNames(t *testing.T) {
	named := func(name string) cluster.Resources {
		return with(t, configured(v1.ListenerInternal, func(c *v1.ListenerConfiguration) {
			c.Bootstrap = &v1.ListenerBootstrap{AlternativeNames: []string{"ok.example.com", name}}
		}))
	}
	for _, bad := range []string{"", "two words", "käfig.example.com", "a\nb", "tab\t"} {
		_, _, err := cluster.For(named(bad))
		refused(t, err, "spec.kafka.listeners[0].configuration.bootstrap.alternativeNames[1]", "is no name that a certificate can be for")
	}
	for _, good := range []string{"*.example.com", "my_host", "xn--kfig-loa.example.com", "localhost"} {
		if c, _ := mustFor(t, named(good)); !slices.Contains(c.Pools[0].Nodes[0].DNSNames, good) {
			t.Errorf("%s: the certificate is for %v", good, c.Pools[0].Nodes[0].DNSNames)
		}
	}
	for _, good := range []string{"2001:db8::1", "[2001:db8::1]"} {
		if c, _ := mustFor(t, named(good)); !slices.Equal(c.Pools[0].Nodes[0].Addresses, []netip.Addr{netip.MustParseAddr("2001:db8::1")}) {
			t.Errorf("%s: the certificate is for %v", good, c.Pools[0].Nodes[0].Addresses)
		}
	}
}

// TestNodePorts: a node port is one for the whole Kubernetes cluster.
func TestNodePorts(t *testing.T) {
	const at = "spec.kafka.listeners[0].configuration."
	for _, c := range []struct {
		name              string
		bootstrap         int32
		brokers           []int32
		other             int32 // of another listener's bootstrap
		field, text, good string
	}{
		{"all different", 31000, []int32{31001, 31002}, 31003, "", "", "yes"},
		{"broker and bootstrap", 31000, []int32{31001, 31000}, 0, at + "brokers[1].nodePort", "31000 is that of " + at + "bootstrap.nodePort already", ""},
		{"two brokers", 0, []int32{31001, 31001}, 0, at + "brokers[1].nodePort", "31001 is that of " + at + "brokers[0].nodePort already", ""},
		{"two listeners", 0, []int32{31001}, 31001, "spec.kafka.listeners[1].configuration.bootstrap.nodePort", "31001 is that of " + at + "brokers[0].nodePort", ""},
		{"negative", -1, nil, 0, at + "bootstrap.nodePort", "-1 is not from 1 to 65535", ""},
		{"too large", 0, []int32{65536}, 0, at + "brokers[0].nodePort", "65536 is not from 1 to 65535", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := with(t, configured(v1.ListenerNodePort, func(l *v1.ListenerConfiguration) {
				if c.bootstrap != 0 {
					l.Bootstrap = &v1.ListenerBootstrap{NodePort: &c.bootstrap}
				}
				for id := range c.brokers {
					l.Brokers = append(l.Brokers, v1.ListenerBroker{Broker: int32(id), NodePort: &c.brokers[id]})
				}
			}))
			if c.other != 0 {
				r.Kafka.Spec.Kafka.Listeners = append(r.Kafka.Spec.Kafka.Listeners, v1.Listener{
					Name: "other", Port: 9093, Type: v1.ListenerLoadBalancer, Configuration: &v1.ListenerConfiguration{Bootstrap: &v1.ListenerBootstrap{NodePort: &c.other}},
				})
			}
			_, _, err := cluster.For(r)
			if c.good != "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refused(t, err, c.field, c.text)
		})
	}
}

// TestLimitsOfNobody: the limit of a listener that is not there is warned of, with how the others are called.
func TestLimitsOfNobody(t *testing.T) {
	for key, warn := range map[string]bool{
		"listener.name.plain-9092.max.connections": false, "listener.name.plain-9093.max.connections": true,
		"listener.name.plain.max.connections": true, "listener.name.tls-9093.connections.max.reauth.ms": true, "max.connections": false,
	} {
		_, warnings := mustFor(t, set(resources(t, small), map[string]string{key: "5"}))
		if warned(warnings, model.ReasonNoEffect, "spec.kafka.config."+key+" has no effect: there is no listener") != warn {
			t.Errorf("%s: %v", key, warnings)
		}
		if strings.HasPrefix(key, "max") {
			continue
		}
		_, warnings = mustFor(t, set(resources(t, strings.Replace(small, "port: 9092", "port: 9093", 1)), map[string]string{key: "5"}))
		if there := strings.Contains(key, "plain-9093"); warned(warnings, model.ReasonNoEffect, "there is no listener") == there {
			t.Errorf("%s beside PLAIN-9093: %v", key, warnings)
		}
	}
}
