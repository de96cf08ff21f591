package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// wanted is a cluster of two brokers, in two pools of which one has no resource, and a controller.
func wanted() cluster.Cluster {
	return cluster.Cluster{
		Name: "my-cluster", Namespace: "kafka", Domain: "cluster.local", Version: kafkaconf.Default(),
		NodeAddressTypes: []corev1.NodeAddressType{corev1.NodeExternalIP, corev1.NodeInternalIP},
		Pools: []cluster.Pool{
			{Name: "brokers", UID: "u", Broker: true, Nodes: []cluster.Node{{ID: 0, Broker: true}, {ID: 1, Broker: true}}},
			{Name: "kafka", Controller: true, Nodes: []cluster.Node{{ID: 2, Controller: true}}},
		},
	}
}

// through is a pass without a finding.
func through() KafkaOutcome {
	return KafkaOutcome{
		Generation: 3, ClusterID: "id", Want: wanted(), MetadataVersion: "4.3-IV0", OperatorVersion: "1.2.3",
		Timeout: 5 * time.Minute, Now: noon,
	}
}

// said is the conditions without their times, and the generation that they speak about.
func said(s v1.Status) []string {
	var all []string
	for _, c := range s.Conditions {
		text := fmt.Sprint(s.ObservedGeneration, " ", c.Type, " ", c.Status)
		if c.Reason != "" {
			text += " " + c.Reason + ": " + c.Message
		}
		all = append(all, text)
	}
	return all
}

// before is a status of generation 2 with one condition, five minutes and a second old.
func before(c v1.Condition) v1.Status {
	c.Status, c.LastTransitionTime = "True", noon.Add(-5*time.Minute-time.Second).Format(time.RFC3339)
	return v1.Status{ObservedGeneration: 2, Conditions: []v1.Condition{c}}
}

func TestKafkaReady(t *testing.T) {
	want := v1.KafkaStatus{
		ClusterID: "id", OperatorLastSuccessfulVersion: "1.2.3", KafkaVersion: kafkaconf.Default().Number, KafkaMetadataVersion: "4.3-IV0",
		Listeners: []v1.ListenerStatus{}, KafkaNodePools: []v1.UsedNodePool{{Name: "brokers"}},
	}
	want.ObservedGeneration = 3
	want.Conditions = []v1.Condition{{Type: "Ready", Status: "True", LastTransitionTime: noonText}}
	if diff := cmp.Diff(want, Kafka(through())); diff != "" {
		t.Error(diff)
	}
}

// TestKafkaConditions: what each outcome says after each previous status.
func TestKafkaConditions(t *testing.T) {
	ready, creating := before(v1.Condition{Type: "Ready"}), before(v1.Condition{
		Type: "NotReady", Reason: "Creating",
		Message: "waiting for pod x",
	})
	late := before(v1.Condition{Type: "NotReady", Reason: "TimeoutException", Message: "waiting for pod x"})
	same := func(s v1.Status) v1.Status { s.ObservedGeneration = 3; return s }
	waiting := func(o *KafkaOutcome) { o.Waiting = "waiting for pod x" }
	overdue := func(o *KafkaOutcome) { o.Waiting, o.Overdue = "waiting for pod x", true }
	for name, c := range map[string]struct {
		previous v1.Status
		change   func(*KafkaOutcome)
		want     []string
	}{
		"first seen": {v1.Status{}, waiting, []string{"3 NotReady True Creating: waiting for pod x"}},
		"made":       {creating, func(*KafkaOutcome) {}, []string{"3 Ready True"}},
		"waiting as before": {
			same(creating), func(o *KafkaOutcome) { waiting(o); o.Timeout = time.Hour },
			[]string{"3 NotReady True Creating: waiting for pod x"},
		},
		"waiting for too long": {same(creating), waiting, []string{"3 NotReady True TimeoutException: waiting for pod x"}},
		"waiting for another": {
			same(creating), func(o *KafkaOutcome) { o.Waiting = "waiting for pod y" },
			[]string{"3 NotReady True Creating: waiting for pod y"},
		},
		"waiting for a new one": {creating, waiting, []string{"3 NotReady True Creating: waiting for pod x"}},
		"still late":            {same(late), waiting, []string{"3 NotReady True TimeoutException: waiting for pod x"}},
		"late no more": {
			same(late), func(o *KafkaOutcome) { o.Waiting = "waiting for pod y" },
			[]string{"3 NotReady True Creating: waiting for pod y"},
		},
		"no bound": {
			same(creating), func(o *KafkaOutcome) { waiting(o); o.Timeout = 0 },
			[]string{"3 NotReady True Creating: waiting for pod x"},
		},
		"overdue": {
			same(creating), func(o *KafkaOutcome) { overdue(o); o.Timeout = 0 },
			[]string{"3 NotReady True TimeoutException: waiting for pod x"},
		},
		"a change is on its way":    {ready, waiting, []string{"2 Ready True"}},
		"a change hangs":            {ready, overdue, []string{"3 NotReady True TimeoutException: waiting for pod x"}},
		"a change has come through": {ready, func(*KafkaOutcome) {}, []string{"3 Ready True"}},
		"a change with a warning": {
			ready, func(o *KafkaOutcome) {
				waiting(o)
				o.Warnings = []model.Warning{{Reason: "KafkaStorage", Message: "m"}}
			},
			[]string{"2 Warning True KafkaStorage: m", "2 Ready True"},
		},
		"invalid": {
			ready, func(o *KafkaOutcome) { o.Err = model.Invalid{Field: "spec.kafka.version", Message: "is not known"} },
			[]string{"3 NotReady True InvalidResourceException: spec.kafka.version: is not known"},
		},
		"missing": {
			ready, func(o *KafkaOutcome) { o.Err = &Missing{Message: "Secret s"} },
			[]string{"3 NotReady True InvalidConfigurationException: Secret s"},
		},
		"refused, and warned of": {
			ready, func(o *KafkaOutcome) {
				overdue(o)
				o.Err, o.Warnings = errors.New("forbidden"), []model.Warning{{Reason: "UnknownFields", Message: "a"}}
			},
			[]string{"3 Warning True UnknownFields: a", "3 NotReady True KubernetesClientException: forbidden"},
		},
		"paused, whatever else is wrong": {
			ready, func(o *KafkaOutcome) { o.Paused, o.Err = true, errors.New("x") },
			[]string{"3 ReconciliationPaused True"},
		},
		"paused no more": {
			before(v1.Condition{Type: "ReconciliationPaused"}), waiting,
			[]string{"3 NotReady True Creating: waiting for pod x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := through()
			in.Previous.Status = c.previous
			c.change(&in)
			if diff := cmp.Diff(c.want, said(Kafka(in).Status)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKafkaKeeps: what a pass didn't find out stays as it was, and what it did is there.
func TestKafkaKeeps(t *testing.T) {
	old := v1.KafkaStatus{
		Listeners: []v1.ListenerStatus{{Name: "old"}}, KafkaNodePools: []v1.UsedNodePool{{Name: "old"}}, ClusterID: "old",
		OperatorLastSuccessfulVersion: "old", KafkaVersion: "old", KafkaMetadataVersion: "old", RegisteredNodeIDs: []int32{7},
	}
	for name, c := range map[string]struct {
		change func(*KafkaOutcome)
		want   func(*v1.KafkaStatus)
	}{
		"error":       {func(o *KafkaOutcome) { o.Err = errors.New("x") }, func(s *v1.KafkaStatus) { s.ClusterID = "id" }},
		"early error": {func(o *KafkaOutcome) { o.Err, o.ClusterID = errors.New("x"), "" }, func(*v1.KafkaStatus) {}},
		"paused":      {func(o *KafkaOutcome) { o.Paused, o.ClusterID = true, "" }, func(*v1.KafkaStatus) {}},
		"on its way": {
			func(o *KafkaOutcome) { o.Waiting = "w" },
			func(s *v1.KafkaStatus) { found(s); s.KafkaMetadataVersion = "4.3-IV0" },
		},
		"a change on its way": {func(o *KafkaOutcome) { o.Waiting = "w"; o.Previous.Status = before(v1.Condition{Type: "Ready"}) }, func(s *v1.KafkaStatus) {
			s.ClusterID, s.KafkaMetadataVersion = "id", "4.3-IV0"
		}},
		"a change hangs": {func(o *KafkaOutcome) {
			o.Waiting, o.Overdue = "w", true
			o.Previous.Status = before(v1.Condition{Type: "Ready"})
		}, func(s *v1.KafkaStatus) { found(s); s.KafkaMetadataVersion = "4.3-IV0" }},
		"Kafka is away": {func(o *KafkaOutcome) { o.Waiting, o.MetadataVersion = "w", "" }, func(s *v1.KafkaStatus) { found(s) }},
		"done": {func(*KafkaOutcome) {}, func(s *v1.KafkaStatus) {
			found(s)
			s.KafkaMetadataVersion, s.KafkaVersion, s.OperatorLastSuccessfulVersion = "4.3-IV0", kafkaconf.Default().Number, "1.2.3"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			in := through()
			in.Previous = *old.DeepCopy()
			c.change(&in)
			want := *old.DeepCopy()
			c.want(&want)
			got := Kafka(in)
			got.Status = v1.Status{}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// found is what every pass knows that got through.
func found(s *v1.KafkaStatus) {
	s.ClusterID, s.Listeners, s.KafkaNodePools = "id", []v1.ListenerStatus{}, []v1.UsedNodePool{{Name: "brokers"}}
}

// TestTimes: a condition keeps its time as long as it says the same, also while a change is on its way.
func TestTimes(t *testing.T) {
	in := through()
	in.Previous.Status = before(v1.Condition{Type: "Ready"})
	old := in.Previous.Conditions[0].LastTransitionTime
	for _, waiting := range []string{"", "w"} {
		in.Waiting = waiting
		if got := Kafka(in).Conditions[0].LastTransitionTime; got != old {
			t.Errorf("waiting %q: since %s", waiting, got)
		}
	}
	in.Overdue = true
	if got := Kafka(in).Conditions[0].LastTransitionTime; got != noonText {
		t.Errorf("not ready since %s", got)
	}
}

// TestListeners: where clients bootstrap from, by type.
func TestListeners(t *testing.T) {
	seen := cluster.Observed{
		Pods: map[int32]cluster.PodFacts{
			0: {Addresses: []corev1.NodeAddress{{Type: "InternalIP", Address: "10.0.0.1"}, {
				Type:    "ExternalIP",
				Address: "192.0.2.1",
			}, {Type: "Hostname", Address: "h"}}},
			1: {Addresses: []corev1.NodeAddress{{Type: "InternalIP", Address: "10.0.0.2"}}},
			2: {Addresses: []corev1.NodeAddress{{Type: "InternalIP", Address: "10.0.0.3"}}},
		},
		Services: map[string]cluster.ServiceFacts{
			"np": {NodePorts: map[string]int32{"tcp-l": 31094}}, "lb": {Ingress: []string{"lb.example.com", "2001:db8::1"}},
			"lb-0": {Ingress: []string{"b0"}}, "lb-1": {Ingress: []string{"b1", "b0"}},
		},
	}
	authority, own := []string{"CA"}, map[string][]string{"l": {"OWN"}}
	for name, c := range map[string]struct {
		listener cluster.Listener
		servers  string
		certs    []string
	}{
		"internal":      {cluster.Listener{Type: "internal"}, "my-cluster-kafka-bootstrap.kafka.svc:9094", nil},
		"internal, TLS": {cluster.Listener{Type: "internal", TLS: true}, "my-cluster-kafka-bootstrap.kafka.svc:9094", authority},
		"own certificate": {
			cluster.Listener{Type: "internal", TLS: true, Certificate: &v1.CertAndKeySecretSource{}},
			"my-cluster-kafka-bootstrap.kafka.svc:9094", own["l"],
		},
		"with the domain": {
			cluster.Listener{Type: "internal", Spec: domain()},
			"my-cluster-kafka-bootstrap.kafka.svc.cluster.local:9094", nil,
		},
		"cluster-ip": {cluster.Listener{Type: "cluster-ip", BootstrapService: "ci"}, "ci.kafka.svc:9094", nil},
		"nodeport": {
			cluster.Listener{Type: "nodeport", BootstrapService: "np", PortName: "tcp-l"},
			"192.0.2.1:31094,10.0.0.2:31094", nil,
		},
		"nodeport, no port": {cluster.Listener{Type: "nodeport", BootstrapService: "new", PortName: "tcp-l"}, "", nil},
		"loadbalancer": {
			cluster.Listener{Type: "loadbalancer", BootstrapService: "lb"},
			"lb.example.com:9094,[2001:db8::1]:9094", nil,
		},
		"loadbalancer, none": {cluster.Listener{Type: "loadbalancer", BootstrapService: "new"}, "", nil},
		"loadbalancers": {
			cluster.Listener{Type: "loadbalancer", Services: map[int32]string{0: "lb-0", 1: "lb-1"}},
			"b0:9094,b1:9094", nil,
		},
		"ingress": {
			cluster.Listener{Type: "ingress", TLS: true, BootstrapHost: "k.example.com"},
			"k.example.com:443",
			authority,
		},
		"route":             {cluster.Listener{Type: "route", TLS: true, BootstrapHost: "k.example.com"}, "k.example.com:443", authority},
		"tlsroute, no host": {cluster.Listener{Type: "tlsroute", TLS: true}, "", authority},
	} {
		t.Run(name, func(t *testing.T) {
			in := through()
			l := c.listener
			l.Name, l.Port = "l", 9094
			in.Want.Listeners, in.Observed, in.Certificates = []cluster.Listener{l}, seen,
				ListenerCertificates{ClusterCA: authority, Own: own}
			got := Kafka(in).Listeners[0]
			if got.Name != "l" || got.Type != "l" || got.BootstrapServers != c.servers || !cmp.Equal(got.Certificates, c.certs) {
				t.Errorf("%+v", got)
			}
			if n := len(strings.FieldsFunc(c.servers, func(r rune) bool { return r == ',' })); len(got.Addresses) != n {
				t.Errorf("%d addresses: %+v", n, got.Addresses)
			}
		})
	}
	in := through()
	in.Want.Listeners, in.Observed = []cluster.Listener{{Name: "a", Type: "nodeport", BootstrapService: "np", PortName: "tcp-l"}}, seen
	in.Want.NodeAddressTypes = []corev1.NodeAddressType{corev1.NodeInternalIP}
	if got := Kafka(in).Listeners[0]; got.BootstrapServers != "10.0.0.1:31094,10.0.0.2:31094" ||
		got.Addresses[0] != (v1.ListenerAddress{Host: "10.0.0.1", Port: 31094}) {
		t.Errorf("another order: %+v", got)
	}
}

func domain() v1.Listener {
	return v1.Listener{Configuration: &v1.ListenerConfiguration{UseServiceDNSDomain: new(true)}}
}

// TestNodePool: its numbers and conditions.
func TestNodePool(t *testing.T) {
	pool := wanted().Pools[0]
	pool.Controller = true
	got := NodePool(NodePoolOutcome{Generation: 3, Cluster: "my-cluster", ClusterID: "id", Pool: &pool, Now: noon})
	want := v1.KafkaNodePoolStatus{
		NodeIDs: []int32{0, 1}, ClusterID: "id", Roles: []string{"controller", "broker"}, Replicas: 2,
		LabelSelector: "strimzi.io/cluster=my-cluster,strimzi.io/kind=Kafka,strimzi.io/name=my-cluster-kafka,strimzi.io/pool-name=brokers",
	}
	want.ObservedGeneration = 3
	want.Conditions = []v1.Condition{{Type: "Ready", Status: "True", LastTransitionTime: noonText}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		in    NodePoolOutcome
		said  string
		nodes int
		id    string
	}{
		"Kafka is away": {
			NodePoolOutcome{Err: &Missing{Message: "no Kafka my-cluster"}},
			"4 NotReady True InvalidConfigurationException: no Kafka my-cluster", 2, "id",
		},
		"error, known pool": {NodePoolOutcome{
			Err: errors.New("x"), Pool: &cluster.Pool{Nodes: make([]cluster.Node, 3)},
			ClusterID: "new",
		}, "4 NotReady True KubernetesClientException: x", 3, "new"},
		"paused": {
			NodePoolOutcome{Paused: true, Pool: &cluster.Pool{}, ClusterID: "new"},
			"4 ReconciliationPaused True", 2, "id",
		},
		"change": {NodePoolOutcome{Waiting: "w", Pool: &cluster.Pool{Nodes: make([]cluster.Node, 1)}}, "3 Ready True", 1, "id"},
		"hangs": {
			NodePoolOutcome{Waiting: "w", Overdue: true, Pool: &cluster.Pool{}},
			"4 NotReady True TimeoutException: w", 0, "id",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Generation, c.in.Previous, c.in.Now = 4, got, noon
			next := NodePool(c.in)
			if diff := cmp.Diff([]string{c.said}, said(next.Status)); diff != "" || len(next.NodeIDs) != c.nodes ||
				int(next.Replicas) != c.nodes || next.ClusterID != c.id {
				t.Errorf("%+v %s", next, diff)
			}
		})
	}
}

// TestPodSet: the numbers, and what they mean.
func TestPodSet(t *testing.T) {
	for _, c := range []struct {
		in   PodSetOutcome
		want string
	}{
		{PodSetOutcome{Pods: 3, Ready: 3, Current: 3}, "1 Ready True"},
		{PodSetOutcome{}, "1 Ready True"},
		{PodSetOutcome{Pods: 3, Ready: 2, Current: 3}, "1 NotReady True Creating: 2 of 3 pods are ready, 3 are as wanted"},
		{PodSetOutcome{Pods: 3, Ready: 3, Current: 1}, "1 NotReady True Creating: 3 of 3 pods are ready, 1 are as wanted"},
		{
			PodSetOutcome{Pods: 3, Ready: 3, Current: 3, Err: errors.New("forbidden")},
			"1 NotReady True KubernetesClientException: forbidden",
		},
		{PodSetOutcome{Pods: 3, Paused: true, Err: errors.New("x")}, "1 ReconciliationPaused True"},
	} {
		c.in.Generation, c.in.Now = 1, noon
		got := PodSet(c.in)
		if diff := cmp.Diff([]string{c.want}, said(got.Status)); diff != "" || got.Pods != c.in.Pods ||
			got.ReadyPods != c.in.Ready || got.CurrentPods != c.in.Current {
			t.Errorf("%+v %s", got, diff)
		}
		c.in.Previous, c.in.Now = got, noon.Add(time.Hour)
		if again := PodSet(c.in); !SamePodSet(got, again) || again.Conditions[0].LastTransitionTime != noonText {
			t.Errorf("%+v, an hour later %+v", got, again)
		}
	}
}

// TestSameStatuses: times don't count, everything else does.
func TestSameStatuses(t *testing.T) {
	in := through()
	in.Want.Listeners = []cluster.Listener{{Name: "l", Type: "internal"}}
	now := Kafka(in)
	in.Now = noon.Add(time.Hour)
	if !SameKafka(now, Kafka(in)) {
		t.Error("another time is another status")
	}
	for name, change := range map[string]func(*v1.KafkaStatus){
		"generation": func(s *v1.KafkaStatus) { s.ObservedGeneration++ },
		"condition":  func(s *v1.KafkaStatus) { s.Conditions[0].Message = "m" },
		"listener":   func(s *v1.KafkaStatus) { s.Listeners[0].Addresses = nil }, "id": func(s *v1.KafkaStatus) { s.ClusterID = "x" },
		"pool": func(s *v1.KafkaStatus) { s.KafkaNodePools = nil }, "version": func(s *v1.KafkaStatus) { s.KafkaVersion = "x" },
	} {
		other := *now.DeepCopy()
		if change(&other); SameKafka(now, other) {
			t.Errorf("%s: the same", name)
		}
	}
	pool := NodePool(NodePoolOutcome{Cluster: "c", Pool: &wanted().Pools[0], Now: noon})
	for name, change := range map[string]func(*v1.KafkaNodePoolStatus){
		"id": func(s *v1.KafkaNodePoolStatus) { s.NodeIDs[0] = 9 }, "condition": func(s *v1.KafkaNodePoolStatus) { s.Conditions = nil },
	} {
		other := *pool.DeepCopy()
		if change(&other); SameNodePool(pool, other) || !SameNodePool(pool, *pool.DeepCopy()) {
			t.Errorf("%s: the same", name)
		}
	}
	if SamePodSet(setv1.StrimziPodSetStatus{ReadyPods: 1}, setv1.StrimziPodSetStatus{ReadyPods: 2}) {
		t.Error("other numbers are the same status")
	}
}

// TestNewConditions: what is worth an Event.
func TestNewConditions(t *testing.T) {
	in := through()
	in.Err = errors.New("x")
	first := Kafka(in)
	in.Previous, in.Now = first, noon.Add(time.Hour)
	in.Warnings = []model.Warning{{Reason: "KafkaStorage", Message: "m"}}
	if got := NewConditions(first.Status, Kafka(in).Status); len(got) != 1 || got[0].Reason != "KafkaStorage" {
		t.Errorf("%+v", got)
	}
}

// TestKafkaAlways: whatever a pass finds, there is exactly one word about readiness, it comes last, and a second look at the same
// changes nothing.
func TestKafkaAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := through()
		var last v1.KafkaStatus
		for range rapid.IntRange(1, 8).Draw(t, "passes") {
			in.Now = in.Now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			in.Generation += int64(rapid.IntRange(0, 1).Draw(t, "generation"))
			in.Err = rapid.SampledFrom([]error{nil, nil, errors.New("x"), model.Invalid{Field: "f"}}).Draw(t, "error")
			in.Waiting = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "waiting")
			in.Overdue, in.Paused = rapid.Bool().Draw(t, "overdue") && in.Waiting != "", rapid.IntRange(0, 5).Draw(t, "paused") == 0
			in.Previous = last
			next := Kafka(in)
			end := next.Conditions[len(next.Conditions)-1]
			if end.Type != "Ready" && end.Type != "NotReady" && end.Type != "ReconciliationPaused" || len(next.Conditions) != 1 {
				t.Fatalf("%+v", next.Conditions)
			}
			if wrong := end.Type == "Ready" && (in.Err != nil || in.Overdue); wrong {
				t.Fatalf("ready: %+v", in)
			}
			if in.Waiting == "" && in.Err == nil && !in.Paused && (end.Type != "Ready" || next.ObservedGeneration != in.Generation) {
				t.Fatalf("not ready: %+v", next)
			}
			in.Previous = next
			if again := Kafka(in); !cmp.Equal(next, again) {
				t.Fatal(cmp.Diff(next, again))
			}
			last = next
		}
	})
}

// TestSelector: the scale subresource finds the pods that the operator makes.
func TestSelector(t *testing.T) {
	got := NodePool(NodePoolOutcome{Cluster: strings.Repeat("c", 70), Pool: &cluster.Pool{Name: "p"}, Now: noon}).LabelSelector
	if !strings.Contains(got, names.LabelCluster+"="+names.LabelValue(strings.Repeat("c", 70))) {
		t.Error(got)
	}
}
