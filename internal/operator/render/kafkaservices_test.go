package render_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// outside is the lab with one more listener, named way on port 9100.
func outside(kind string, configure func(*cluster.Listener)) cluster.Cluster {
	c := lab()
	c.Listeners = append(c.Listeners, listener("way", 9100, kind))
	served(&c)
	l := &c.Listeners[3]
	l.Spec.Configuration = &v1.ListenerConfiguration{}
	if configure != nil {
		configure(l)
	}
	return c
}

// TestListenerServices: what each type of listener makes of what can be said about it. Fields that are not of its type are not
// passed on: the API server would refuse them.
func TestListenerServices(t *testing.T) {
	everything := func(l *cluster.Listener) {
		l.Spec.Configuration = &v1.ListenerConfiguration{
			Class: "c", ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
			LoadBalancerSourceRanges: []string{"198.51.100.0/24"},
			Finalizers:               []string{"f"}, AllocateLoadBalancerNodePorts: new(false), PublishNotReadyAddresses: new(true),
			IPFamilyPolicy: new(corev1.IPFamilyPolicyRequireDualStack), IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Bootstrap: &v1.ListenerBootstrap{NodePort: new(int32(32100)), LoadBalancerIP: "192.0.2.1", ExternalIPs: []string{"192.0.2.2"}},
			Brokers: []v1.ListenerBroker{{
				Broker: 1, NodePort: new(int32(32101)), LoadBalancerIP: "192.0.2.3",
				ExternalIPs: []string{"192.0.2.4"},
			}},
		}
	}
	common := "[IPv4] RequireDualStack early"
	for _, c := range []struct {
		kind      string
		configure func(*cluster.Listener)
		bootstrap string
		brokers   [3]string
	}{
		{v1.ListenerNodePort, nil, "NodePort", [3]string{"NodePort", "NodePort", "NodePort"}},
		{v1.ListenerLoadBalancer, nil, "LoadBalancer", [3]string{"LoadBalancer", "LoadBalancer", "LoadBalancer"}},
		{v1.ListenerClusterIP, nil, "ClusterIP", [3]string{"ClusterIP", "ClusterIP", "ClusterIP"}},
		{
			v1.ListenerNodePort, everything, "NodePort 32100 " + common + " Local [192.0.2.2]",
			[3]string{"NodePort " + common + " Local", "NodePort 32101 " + common + " Local [192.0.2.4]", "NodePort " + common + " Local"},
		},
		{
			v1.ListenerLoadBalancer, everything,
			"LoadBalancer 32100 " + common + " Local 192.0.2.1 [198.51.100.0/24] class c unallocated [f]",
			[3]string{
				"LoadBalancer " + common + " Local [198.51.100.0/24] class c unallocated [f]",
				"LoadBalancer 32101 " + common + " Local 192.0.2.3 [198.51.100.0/24] class c unallocated [f]",
				"LoadBalancer " + common + " Local [198.51.100.0/24] class c unallocated [f]",
			},
		},
		{v1.ListenerClusterIP, everything, "ClusterIP " + common, [3]string{
			"ClusterIP " + common, "ClusterIP " + common,
			"ClusterIP " + common,
		}},
		{v1.ListenerIngress, everything, "ClusterIP " + common, [3]string{
			"ClusterIP " + common, "ClusterIP " + common,
			"ClusterIP " + common,
		}},
		{v1.ListenerRoute, nil, "ClusterIP", [3]string{"ClusterIP", "ClusterIP", "ClusterIP"}},
		{v1.ListenerTLSRoute, nil, "ClusterIP", [3]string{"ClusterIP", "ClusterIP", "ClusterIP"}},
	} {
		value := outside(c.kind, c.configure)
		objects := render.Kafka(value, issued(value))
		if got := told(named[*corev1.Service](t, objects, "my-cluster-kafka-way-bootstrap")); got != c.bootstrap {
			t.Errorf("%s: bootstrap is %q, not %q", c.kind, got, c.bootstrap)
		}
		for id, want := range c.brokers {
			if got := told(named[*corev1.Service](t, objects, fmt.Sprintf("my-cluster-kafka-way-%d", id))); got != want {
				t.Errorf("%s: broker %d is %q, not %q", c.kind, id, got, want)
			}
		}
	}
}

// told is everything about a Service that a listener can say, in one line.
func told(s *corev1.Service) string {
	line := string(s.Spec.Type)
	add := func(said bool, value any) {
		if said {
			line += " " + fmt.Sprint(value)
		}
	}
	add(s.Spec.Ports[0].NodePort != 0, s.Spec.Ports[0].NodePort)
	add(s.Spec.IPFamilies != nil, s.Spec.IPFamilies)
	if p := s.Spec.IPFamilyPolicy; p != nil {
		add(true, *p)
	}
	add(s.Spec.PublishNotReadyAddresses, "early")
	add(s.Spec.ExternalTrafficPolicy != "", s.Spec.ExternalTrafficPolicy)
	add(s.Spec.ExternalIPs != nil, s.Spec.ExternalIPs)
	add(s.Spec.LoadBalancerIP != "", s.Spec.LoadBalancerIP)
	add(s.Spec.LoadBalancerSourceRanges != nil, s.Spec.LoadBalancerSourceRanges)
	if class := s.Spec.LoadBalancerClass; class != nil {
		add(true, "class "+*class)
	}
	add(s.Spec.AllocateLoadBalancerNodePorts != nil, "unallocated")
	add(s.Finalizers != nil, s.Finalizers)
	return line
}

// TestNoBootstrapService: without it only the brokers' ones are there.
func TestNoBootstrapService(t *testing.T) {
	c := outside(v1.ListenerLoadBalancer, func(l *cluster.Listener) { l.BootstrapService = "" })
	var got []string
	for _, s := range all[*corev1.Service](t, render.Kafka(c, issued(c))) {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			got = append(got, s.Name)
		}
	}
	if diff := cmp.Diff([]string{"my-cluster-kafka-way-0", "my-cluster-kafka-way-1", "my-cluster-kafka-way-2"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestServiceSelectors: who is behind each Service of a cluster whose controllers are no brokers.
func TestServiceSelectors(t *testing.T) {
	c := separated()
	objects := render.Kafka(c, issued(c))
	pods := podsOf(t, objects)
	for service, want := range map[string][]string{
		"my-cluster-kafka-bootstrap":          {"my-cluster-brokers-10", "my-cluster-brokers-11"},
		"my-cluster-kafka-external-bootstrap": {"my-cluster-brokers-10", "my-cluster-brokers-11"},
		"my-cluster-brokers-11":               {"my-cluster-brokers-11"},
		"my-cluster-kafka-brokers": {
			"my-cluster-brokers-10", "my-cluster-brokers-11", "my-cluster-controllers-0", "my-cluster-controllers-1",
			"my-cluster-controllers-2",
		},
	} {
		var got []string
		for _, pod := range pods {
			behind := true
			for key, value := range named[*corev1.Service](t, objects, service).Spec.Selector {
				behind = behind && pod.Labels[key] == value
			}
			if behind {
				got = append(got, pod.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", service, diff)
		}
	}
}

// TestDiscovery: clients read ports and ways of authentication from the Services that they bootstrap from.
func TestDiscovery(t *testing.T) {
	c := outside(v1.ListenerNodePort, func(l *cluster.Listener) { l.TLS, l.Auth = true, "scram-sha-512" })
	objects := render.Kafka(c, issued(c))
	for service, want := range map[string]string{
		"my-cluster-kafka-bootstrap":     `[{"port":9092,"tls":false,"protocol":"kafka","auth":"none"},{"port":9093,"tls":false,"protocol":"kafka","auth":"none"}]`,
		"my-cluster-kafka-way-bootstrap": `[{"port":9100,"tls":true,"protocol":"kafka","auth":"scram-sha-512"}]`,
	} {
		s := named[*corev1.Service](t, objects, service)
		var got, wanted any
		if err := json.Unmarshal([]byte(s.Annotations["strimzi.io/discovery"]), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" || s.Labels["strimzi.io/discovery"] != "true" {
			t.Errorf("%s: %s", service, diff)
		}
	}
	if s := named[*corev1.Service](t, objects, "my-cluster-kafka-way-0"); s.Labels["strimzi.io/discovery"] != "" {
		t.Error("a single broker is nothing to bootstrap from")
	}
}

// TestIngresses: host names, Services and annotations, and the name of the listener that has one from old times.
func TestIngresses(t *testing.T) {
	c := lab()
	c.Listeners[2] = listener("external", 9094, v1.ListenerIngress)
	c.Listeners[2].Spec.Configuration = &v1.ListenerConfiguration{
		Class: "nginx", Bootstrap: &v1.ListenerBootstrap{Annotations: map[string]string{
			"note":                                  "mine",
			"ingress.kubernetes.io/ssl-passthrough": "false",
		}},
	}
	c.Listeners[2].Metadata = map[int32]v1.MetadataTemplate{1: {Labels: map[string]string{"broker": "1"}}}
	served(&c)
	objects := render.Kafka(c, issued(c))
	for name, want := range map[string][2]string{
		"my-cluster-kafka-bootstrap": {"bootstrap.external.example.com", "my-cluster-kafka-external-bootstrap"},
		"my-cluster-kafka-0":         {"broker-0.external.example.com", "my-cluster-kafka-0"},
		"my-cluster-kafka-1":         {"broker-1.external.example.com", "my-cluster-kafka-1"},
	} {
		i := named[*networkingv1.Ingress](t, objects, name)
		rule := i.Spec.Rules[0]
		path := rule.HTTP.Paths[0]
		if rule.Host != want[0] || i.Spec.TLS[0].Hosts[0] != want[0] || path.Backend.Service.Name != want[1] ||
			path.Backend.Service.Port.Number != 9094 ||
			path.Path != "/" || *path.PathType != networkingv1.PathTypePrefix || *i.Spec.IngressClassName != "nginx" {
			t.Errorf("%s: %+v", name, i.Spec)
		}
		if i.Annotations["nginx.ingress.kubernetes.io/ssl-passthrough"] != "true" ||
			i.Annotations["nginx.ingress.kubernetes.io/backend-protocol"] != "HTTPS" {
			t.Errorf("%s: %v", name, i.Annotations)
		}
	}
	if a := named[*networkingv1.Ingress](t, objects, "my-cluster-kafka-bootstrap").Annotations; a["note"] != "mine" ||
		a["ingress.kubernetes.io/ssl-passthrough"] != "false" {
		t.Errorf("the user's annotations: %v", a)
	}
	if l := named[*networkingv1.Ingress](t, objects, "my-cluster-kafka-1").Labels; l["broker"] != "1" ||
		l[names.LabelPodName] != "my-cluster-kafka-1" {
		t.Errorf("labels of one broker: %v", l)
	}
	if n := len(all[*networkingv1.Ingress](t, objects)); n != 4 {
		t.Errorf("%d Ingresses", n)
	}
}

// TestWhoseLabels: what is said of one object is over what is said of all of its kind, and nothing is over the operator's own.
func TestWhoseLabels(t *testing.T) {
	said := func(by string) map[string]string {
		return map[string]string{"by": by, "only-" + by: by, names.LabelCluster: by, "strimzi.io/discovery": by}
	}
	for _, kind := range []string{v1.ListenerNodePort, v1.ListenerIngress} {
		c := outside(kind, func(l *cluster.Listener) {
			l.Spec.Configuration.Bootstrap = &v1.ListenerBootstrap{Labels: said("own"), Annotations: said("own")}
			l.Metadata = map[int32]v1.MetadataTemplate{0: {Labels: said("own"), Annotations: said("own")}}
		})
		template := &v1.ResourceTemplate{Metadata: &v1.MetadataTemplate{Labels: said("template"), Annotations: said("template")}}
		c.Template.ExternalBootstrapService, c.Template.ExternalBootstrapIngress = template, template
		c.Pools[0].Template = v1.KafkaNodePoolTemplate{PerPodService: template, PerPodIngress: template}
		for _, object := range render.Kafka(c, issued(c)) {
			o := typed(t, object)
			_, service := o.(*corev1.Service)
			_, ingress := o.(*networkingv1.Ingress)
			if o.GetName() != "my-cluster-kafka-way-bootstrap" && o.GetName() != "my-cluster-kafka-way-0" || !service && !ingress {
				continue
			}
			l, a := o.GetLabels(), o.GetAnnotations()
			if l["by"] != "own" || l["only-own"] != "own" || l["only-template"] != "template" || l[names.LabelCluster] != "my-cluster" {
				t.Errorf("%T %s: labels %v", o, o.GetName(), l)
			}
			if a["by"] != "own" || a["only-own"] != "own" || a["only-template"] != "template" {
				t.Errorf("%T %s: annotations %v", o, o.GetName(), a)
			}
			if bootstrap := service && o.GetName() == "my-cluster-kafka-way-bootstrap"; bootstrap && (l["strimzi.io/discovery"] != "true" || a["strimzi.io/discovery"] == "own") {
				t.Errorf("%s can't be discovered: %v %v", o.GetName(), l, a)
			}
		}
	}
}
