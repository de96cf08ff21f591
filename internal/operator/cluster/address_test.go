package cluster_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// with returns the cluster small with its listener changed.
func with(t *testing.T, do change) cluster.Resources {
	t.Helper()
	r := resources(t, small)
	do(&r.Kafka.Spec.Kafka)
	return r
}

// TestPending: until Kubernetes has chosen ports and addresses the Services that lack them are named, and nothing else is.
func TestPending(t *testing.T) {
	for _, c := range []struct {
		name string
		kind string
		do   func(c *v1.ListenerConfiguration)
		want []string
	}{
		{"nodeport", v1.ListenerNodePort, func(*v1.ListenerConfiguration) {}, []string{
			"the Service my-cluster-kafka-plain-0 has no node port yet", "the Service my-cluster-kafka-plain-1 has no node port yet",
			"the Service my-cluster-kafka-plain-2 has no node port yet", "the Service my-cluster-kafka-plain-bootstrap has no node port yet",
		}},
		{"loadbalancer", v1.ListenerLoadBalancer, func(c *v1.ListenerConfiguration) { c.CreateBootstrapService = ptr(false) }, []string{
			"the Service my-cluster-kafka-plain-0 has no address of a load balancer yet", "the Service my-cluster-kafka-plain-1 has no address of a load balancer yet",
			"the Service my-cluster-kafka-plain-2 has no address of a load balancer yet",
		}},
		{"all said", v1.ListenerLoadBalancer, func(c *v1.ListenerConfiguration) {
			c.CreateBootstrapService, c.AdvertisedHostTemplate = ptr(false), "b{nodeId}.example.com"
		}, nil},
		{"port not said", v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
			c.Brokers = []v1.ListenerBroker{{Broker: 1, AdvertisedPort: ptr(int32(31001))}, {Broker: 2, AdvertisedHost: "x"}}
		}, []string{
			"the Service my-cluster-kafka-plain-0 has no node port yet", "the Service my-cluster-kafka-plain-2 has no node port yet",
			"the Service my-cluster-kafka-plain-bootstrap has no node port yet",
		}},
		{"cluster-ip", v1.ListenerClusterIP, func(*v1.ListenerConfiguration) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := with(t, configured(c.kind, c.do))
			got, _ := mustFor(t, r)
			if !slices.Equal(got.Pending, c.want) {
				t.Errorf("%q", got.Pending)
			}
			then, _ := mustFor(t, carryOut(r, got))
			if len(then.Pending) > 0 {
				t.Errorf("still %q", then.Pending)
			}
		})
	}
}

// TestAdvertised: what the user says of one broker goes before templates, and those before what is known.
func TestAdvertised(t *testing.T) {
	r := with(t, configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) {
		c.AdvertisedHostTemplate, c.AdvertisedPortTemplate = "{nodePodName}.example.com", "31000+{nodeId}"
		c.Brokers = []v1.ListenerBroker{{Broker: 1, AdvertisedHost: "one.example.com"}, {Broker: 2, AdvertisedPort: ptr(int32(7))}}
	}))
	c, _ := mustFor(t, r)
	var got []cluster.Address
	for _, n := range c.Pools[0].Nodes {
		got = append(got, n.Advertised["PLAIN-9092"])
	}
	want := []cluster.Address{{Host: "my-cluster-kafka-0.example.com", Port: 31000}, {Host: "one.example.com", Port: 31001}, {Host: "my-cluster-kafka-2.example.com", Port: 7}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if c.NodeAddressTypes != nil {
		t.Errorf("nobody needs the address of a node: %v", c.NodeAddressTypes)
	}
}

// A broker has to restart to tell clients another port, and only that one.
func TestOtherPortsRestart(t *testing.T) {
	r := with(t, configured(v1.ListenerNodePort, func(*v1.ListenerConfiguration) {}))
	first, _ := mustFor(t, r)
	r = carryOut(r, first)
	before, _ := mustFor(t, r)
	r.Observed.Services["my-cluster-kafka-plain-1"] = cluster.ServiceFacts{NodePorts: map[string]int32{before.Listeners[0].PortName: 32767}}
	after, _ := mustFor(t, r)
	for i, n := range after.Pools[0].Nodes {
		if changed := n.ConfigurationHash != before.Pools[0].Nodes[i].ConfigurationHash; changed != (n.ID == 1) {
			t.Errorf("node %d: restart=%v", n.ID, changed)
		}
	}
}

// TestNodeAddressTypes: the preferred kind is the first, of all listeners.
func TestNodeAddressTypes(t *testing.T) {
	r := with(t, configured(v1.ListenerNodePort, func(c *v1.ListenerConfiguration) { c.PreferredNodePortAddressType = corev1.NodeInternalIP }))
	other := r.Kafka.Spec.Kafka.Listeners[0]
	other.Name, other.Port, other.Configuration = "other", 9093, &v1.ListenerConfiguration{PreferredNodePortAddressType: corev1.NodeHostName}
	r.Kafka.Spec.Kafka.Listeners = append(r.Kafka.Spec.Kafka.Listeners, other)
	c, warnings := mustFor(t, r)
	want := []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalDNS, corev1.NodeExternalIP, corev1.NodeHostName, corev1.NodeInternalDNS}
	if !slices.Equal(c.NodeAddressTypes, want) {
		t.Errorf("%v", c.NodeAddressTypes)
	}
	if !warned(warnings, model.ReasonNoEffect, "preferredNodePortAddressType of other has no effect") {
		t.Errorf("%v", warnings)
	}
	c, _ = mustFor(t, with(t, configured(v1.ListenerNodePort, func(*v1.ListenerConfiguration) {})))
	if c.NodeAddressTypes[0] != corev1.NodeExternalDNS || len(c.NodeAddressTypes) != 5 {
		t.Errorf("%v", c.NodeAddressTypes)
	}
}

// TestCertificateNames: what a node's certificate is for, and that it is not for the address of the machine.
func TestCertificateNames(t *testing.T) {
	r := with(t, configured(v1.ListenerLoadBalancer, func(c *v1.ListenerConfiguration) {
		c.Bootstrap = &v1.ListenerBootstrap{AlternativeNames: []string{"Kafka.Example.com", "2001:db8::1", "192.0.2.9"}}
		c.Brokers = []v1.ListenerBroker{{Broker: 1, AdvertisedHost: "192.0.2.1"}}
	}))
	first, _ := mustFor(t, r)
	r = carryOut(r, first)
	r.Observed.Services["my-cluster-kafka-plain-0"] = cluster.ServiceFacts{Ingress: []string{"198.51.100.7"}}
	c, _ := mustFor(t, r)
	zero, one := c.Pools[0].Nodes[0], c.Pools[0].Nodes[1]
	for _, name := range []string{
		"my-cluster-kafka-bootstrap", "my-cluster-kafka-bootstrap.shop", "my-cluster-kafka-bootstrap.shop.svc", "my-cluster-kafka-bootstrap.shop.svc.cluster.local",
		"my-cluster-kafka-brokers.shop.svc", "my-cluster-kafka-0.my-cluster-kafka-brokers.shop.svc", "my-cluster-kafka-0.my-cluster-kafka-brokers.shop.svc.cluster.local",
		"my-cluster-kafka-plain-bootstrap.shop.svc", "my-cluster-kafka-plain-0.shop.svc.cluster.local", "kafka.example.com", "lb0.example.com",
	} {
		if !slices.Contains(zero.DNSNames, name) {
			t.Errorf("%s is missing in %v", name, zero.DNSNames)
		}
	}
	if slices.Contains(zero.DNSNames, "my-cluster-kafka-1.my-cluster-kafka-brokers.shop.svc") {
		t.Error("one node's certificate is for another one")
	}
	addresses := func(texts ...string) (out []netip.Addr) {
		for _, text := range texts {
			out = append(out, netip.MustParseAddr(text))
		}
		return out
	}
	if want := addresses("192.0.2.9", "198.51.100.7", "2001:db8::1"); !slices.Equal(zero.Addresses, want) {
		t.Errorf("%v", zero.Addresses)
	}
	if want := addresses("192.0.2.1", "192.0.2.9", "2001:db8::1"); !slices.Equal(one.Addresses, want) {
		t.Errorf("%v", one.Addresses)
	}
	for _, name := range append(slices.Clone(zero.DNSNames), one.DNSNames...) {
		if strings.Contains(name, "$") {
			t.Error(name)
		}
	}
}

// TestBrokerMetadata: labels and annotations of single brokers go before those of templates.
func TestBrokerMetadata(t *testing.T) {
	c, _ := mustFor(t, file(t, "external"))
	l := c.Listeners[0]
	if got := l.Metadata[1].Annotations; !reflect.DeepEqual(got, map[string]string{"broker": "1", "own": "yes"}) {
		t.Errorf("%v", got)
	}
	if got := l.Metadata[2].Annotations; !reflect.DeepEqual(got, map[string]string{"broker": "2", "own": "no"}) {
		t.Errorf("%v", got)
	}
}

// TestOldExternal: the Services of the listener external on 9094 have the names that clients of old clusters know.
func TestOldExternal(t *testing.T) {
	c, _ := mustFor(t, file(t, "seed"))
	l := c.Listeners[2]
	if l.PortName != "tcp-external" || l.BootstrapService != "my-cluster-kafka-external-bootstrap" || l.Services[2] != "my-cluster-kafka-2" {
		t.Errorf("%+v", l)
	}
}

// TestSecretsThatAreMissing: a listener's certificate has to be there, if somebody has looked.
func TestSecretsThatAreMissing(t *testing.T) {
	r := with(t, configured(v1.ListenerInternal, func(c *v1.ListenerConfiguration) {
		c.BrokerCertChainAndKey = &v1.CertAndKeySecretSource{SecretName: "cert", Certificate: "tls.crt", Key: "tls.key"}
	}))
	mustFor(t, r)
	r.Observed.SecretHashes = map[string]string{"cert/tls.crt": "1"}
	_, _, err := cluster.For(r)
	refused(t, err, "spec.kafka.listeners[0].configuration.brokerCertChainAndKey.key", "there is no Secret cert with the key tls.key in the namespace shop")
	r.Observed.SecretHashes["cert/tls.key"] = "2"
	before, _ := mustFor(t, r)
	r.Observed.SecretHashes["cert/tls.key"] = "3"
	if after, _ := mustFor(t, r); after.Pools[0].Nodes[0].ConfigurationHash != before.Pools[0].Nodes[0].ConfigurationHash {
		t.Error("a certificate that is read again restarts the nodes")
	}
}

// TestSecretsOfLogins: what listeners mount restarts the brokers when it changes, since it is read once.
func TestSecretsOfLogins(t *testing.T) {
	r := file(t, "logins")
	hashes := func(ca, passwords string) map[string]string {
		return map[string]string{"id/ca.crt": ca, "users/passwords": passwords}
	}
	hash := func(ca, passwords string) string {
		r.Observed.SecretHashes = hashes(ca, passwords)
		c, _ := mustFor(t, r)
		return c.Pools[0].Nodes[0].ConfigurationHash
	}
	before, same := hash("1", "1"), hash("1", "1")
	if before != same || before == hash("2", "1") || before == hash("1", "2") {
		t.Error("the configuration's hash does not follow the Secrets")
	}
	c, _ := mustFor(t, r)
	want := []cluster.External{{Name: "custom-9095-users", Secret: "users", Keys: []string{"passwords"}}, {Name: "oauth-9094-id", Secret: "id", Keys: []string{"ca.crt"}}}
	if !reflect.DeepEqual(c.External, want) {
		t.Errorf("%+v", c.External)
	}
}

// TestRefers: everything that For looks for is gathered.
func TestRefers(t *testing.T) {
	got := cluster.Refers(file(t, "logins").Kafka)
	want := []cluster.SecretKey{
		{Secret: "id", Key: "ca.crt", Field: "spec.kafka.listeners[2].authentication.tlsTrustedCertificates[0]"},
		{Secret: "users", Key: "passwords", Field: "spec.kafka.listeners[3].authentication.secrets[0]"},
	}
	if !reflect.DeepEqual(got.Secrets, want) || got.ConfigMaps != nil {
		t.Errorf("%+v", got)
	}
	got = cluster.Refers(file(t, "external").Kafka)
	want = []cluster.SecretKey{
		{Secret: "edge-cert", Key: "tls.crt", Field: "spec.kafka.listeners[2].configuration.brokerCertChainAndKey.certificate", Certificate: true},
		{Secret: "edge-cert", Key: "tls.key", Field: "spec.kafka.listeners[2].configuration.brokerCertChainAndKey.key", Certificate: true},
	}
	if !reflect.DeepEqual(got.Secrets, want) {
		t.Errorf("%+v", got)
	}
	got = cluster.Refers(file(t, "tiered").Kafka)
	if !reflect.DeepEqual(got.ConfigMaps, []model.ConfigMapKey{{Name: "levels", Key: "log4j2.properties"}}) {
		t.Errorf("%+v", got)
	}
}

// With nothing but what Refers names, For finds everything; without any one of it, it does not.
func TestRefersIsEnough(t *testing.T) {
	for _, name := range []string{"logins", "external"} {
		r := file(t, name)
		all := map[string]string{}
		for _, s := range cluster.Refers(r.Kafka).Secrets {
			all[s.Secret+"/"+s.Key] = "1"
		}
		for _, left := range append(slices.Clone(cluster.Refers(r.Kafka).Secrets), cluster.SecretKey{}) {
			r.Observed.SecretHashes = map[string]string{}
			for key, hash := range all {
				if key != left.Secret+"/"+left.Key {
					r.Observed.SecretHashes[key] = hash
				}
			}
			_, _, err := cluster.For(r)
			if left.Secret == "" && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if left.Secret != "" {
				refused(t, err, left.Field, "there is no Secret "+left.Secret)
			}
		}
	}
}
