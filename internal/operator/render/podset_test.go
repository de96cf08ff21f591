package render_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestPods: the typed pods are those of the sets.
func TestPods(t *testing.T) {
	c := everything()
	want := map[int32]corev1.Pod{}
	for _, pod := range podsOf(t, render.Kafka(c, issued(c))) {
		id, ok := names.NodeID(pod.Name)
		if !ok {
			t.Fatal(pod.Name)
		}
		want[id] = pod
	}
	if diff := cmp.Diff(want, render.Pods(c, issued(c))); diff != "" || len(want) != 5 {
		t.Error(diff)
	}
}

// TestPodSet: what the controller of pod sets, and the next pass, read from it.
func TestPodSet(t *testing.T) {
	c := lab()
	c.ResizeInPlace = true
	set := all[*setv1.StrimziPodSet](t, render.Kafka(c, issued(c)))[0]
	if set.Annotations[names.AnnotationInPlaceResizing] != "true" || set.Annotations[names.AnnotationKafkaVersion] != "4.3.1" {
		t.Errorf("%v", set.Annotations)
	}
	var storage v1.Storage
	if err := json.Unmarshal([]byte(set.Annotations[names.AnnotationStorage]), &storage); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Pools[0].Storage, storage); diff != "" {
		t.Error(diff)
	}
	c.ResizeInPlace, c.Pools[0].Nodes = false, nil
	set = all[*setv1.StrimziPodSet](t, render.Kafka(c, issued(c)))[0]
	if _, asked := set.Annotations[names.AnnotationInPlaceResizing]; asked || set.Spec.Pods == nil || len(set.Spec.Pods) != 0 {
		t.Errorf("without nodes: %+v", set)
	}
}

// TestMarks: what is changed, and which annotations of a node's pod change with it. Whatever is in no row must not restart anything.
func TestMarks(t *testing.T) {
	quantity := resource.MustParse("8Gi")
	for name, c := range map[string]struct {
		change func(*cluster.Cluster, *cluster.Certificates)
		want   []string
	}{
		"nothing":            {func(*cluster.Cluster, *cluster.Certificates) {}, nil},
		"image":              {kafkaOf(func(c *cluster.Cluster) { c.Image = "other" }), []string{"strimzi.io/revision"}},
		"image of steg-node": {kafkaOf(func(c *cluster.Cluster) { c.NodeImage = "other" }), []string{"strimzi.io/revision"}},
		"version": {
			kafkaOf(func(c *cluster.Cluster) { c.Version, _ = kafkaconf.Lookup("4.2.1") }),
			[]string{"strimzi.io/kafka-version", "strimzi.io/revision"},
		},
		"label of the Kafka": {
			kafkaOf(func(c *cluster.Cluster) { c.Labels = map[string]string{"a": "b"} }),
			[]string{"strimzi.io/revision"},
		},
		"memory":          {poolOf(func(p *cluster.Pool) { p.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: quantity} }), []string{"strimzi.io/resource-revision"}},
		"virtual machine": {poolOf(func(p *cluster.Pool) { p.JVM = &v1.JvmOptions{Xmx: "1g"} }), []string{"strimzi.io/revision"}},
		"variable": {poolOf(func(p *cluster.Pool) {
			p.Template.KafkaContainer = &v1.ContainerTemplate{Env: []v1.ContainerEnvVar{{Name: "A"}}}
		}), []string{"strimzi.io/revision"}},
		"annotation of pods": {poolOf(func(p *cluster.Pool) {
			p.Template.Pod = &v1.KafkaPodTemplate{PodTemplate: v1.PodTemplate{Metadata: &v1.MetadataTemplate{Annotations: map[string]string{"a": "b"}}}}
		}), []string{"strimzi.io/revision"}},
		"volume": {poolOf(func(p *cluster.Pool) {
			p.Volumes = append(p.Volumes, cluster.Volume{
				Name: "data-1",
				Path: "/d",
			})
		}), []string{"strimzi.io/revision"}},
		"rack": {kafkaOf(func(c *cluster.Cluster) { c.RackKey = "zone" }), []string{"strimzi.io/revision"}},
		"port": {kafkaOf(func(c *cluster.Cluster) { c.Listeners[0].Port = 9192 }), []string{"strimzi.io/revision"}},
		"setting": {
			nodeOf(func(n *cluster.Node) { n.ConfigurationHash = "other" }),
			[]string{"strimzi.io/configuration-hash"},
		},
		"setting at run time": {
			kafkaOf(func(c *cluster.Cluster) { c.DynamicHash = "other" }),
			[]string{"steg.dev/dynamic-configuration-hash"},
		},
		"key of the cluster CA": {
			issuedOf(func(k *cluster.Certificates) { k.ClusterCAKey++ }),
			[]string{"strimzi.io/cluster-ca-key-generation"},
		},
		"cluster CA": {
			issuedOf(func(k *cluster.Certificates) { k.ClusterCACert++ }),
			[]string{"strimzi.io/cluster-ca-cert-generation"},
		},
		"clients CA": {
			issuedOf(func(k *cluster.Certificates) { k.ClientsCACert++ }),
			[]string{"strimzi.io/clients-ca-cert-generation"},
		},
		"trust": {issuedOf(func(k *cluster.Certificates) { k.TrustHash = "other" }), []string{"steg.dev/trusted-ca-hash"}},
		"certificate": {
			issuedOf(func(k *cluster.Certificates) { k.ServerHashes[1] = "other" }),
			[]string{"strimzi.io/server-cert-hash"},
		},
		"another's certificate": {issuedOf(func(k *cluster.Certificates) { k.ServerHashes[2] = "other" }), nil},
		"content of Secrets":    {issuedOf(func(k *cluster.Certificates) { k.Secrets["my-cluster-trustbundle"] = secret("x") }), nil},
		"shared settings":       {kafkaOf(func(c *cluster.Cluster) { c.Shared["log.retention.ms"] = "1" }), nil},
		"own settings":          {nodeOf(func(n *cluster.Node) { n.Config["log.retention.ms"] = "1" }), nil},
		"log":                   {kafkaOf(func(c *cluster.Cluster) { c.Log4j = "other" }), nil},
		"advertised address":    {nodeOf(func(n *cluster.Node) { n.Advertised["PLAIN-9092"] = cluster.Address{Host: "h"} }), nil},
		"peers of a listener":   {kafkaOf(func(c *cluster.Cluster) { c.OperatorNamespace, c.NetworkPolicy = "x", false }), nil},
		"template of other kinds": {kafkaOf(func(c *cluster.Cluster) {
			c.Template.ServiceAccount = &v1.ResourceTemplate{Metadata: &v1.MetadataTemplate{Labels: map[string]string{"a": "b"}}}
		}), nil},
		"size of a claim":   {nodeOf(func(n *cluster.Node) { n.Claims[0].Settings.Size = &quantity }), nil},
		"one more node":     {poolOf(func(p *cluster.Pool) { p.Nodes = append(p.Nodes, node(p, 3)) }), nil},
		"resizing in place": {kafkaOf(func(c *cluster.Cluster) { c.ResizeInPlace = true }), nil},
		"cluster id":        {kafkaOf(func(c *cluster.Cluster) { c.ClusterID = "other" }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			before := lab()
			after, k := lab(), issued(before)
			c.change(&after, &k)
			was, is := render.Pods(before, issued(before))[1].Annotations, render.Pods(after, k)[1].Annotations
			changed := map[string]bool{}
			for _, mark := range marks() {
				if was[mark] != is[mark] {
					changed[mark] = true
				}
			}
			want := map[string]bool{}
			for _, mark := range c.want {
				want[mark] = true
			}
			if diff := cmp.Diff(want, changed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func kafkaOf(change func(*cluster.Cluster)) func(*cluster.Cluster, *cluster.Certificates) {
	return func(c *cluster.Cluster, _ *cluster.Certificates) { change(c) }
}

func poolOf(change func(*cluster.Pool)) func(*cluster.Cluster, *cluster.Certificates) {
	return func(c *cluster.Cluster, _ *cluster.Certificates) { change(&c.Pools[0]) }
}

func nodeOf(change func(*cluster.Node)) func(*cluster.Cluster, *cluster.Certificates) {
	return func(c *cluster.Cluster, _ *cluster.Certificates) { change(&c.Pools[0].Nodes[1]) }
}

func issuedOf(change func(*cluster.Certificates)) func(*cluster.Cluster, *cluster.Certificates) {
	return func(_ *cluster.Cluster, k *cluster.Certificates) { change(k) }
}

// TestSameQuantity: a number that is written in another way restarts nothing.
func TestSameQuantity(t *testing.T) {
	mark := func(memory string) string {
		c := lab()
		c.Pools[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
		return render.Pods(c, issued(c))[0].Annotations[names.AnnotationResourceRevision]
	}
	if mark("1024Mi") != mark("1Gi") || mark("1Gi") == mark("2Gi") {
		t.Error("the mark goes by the letters, not by the number")
	}
}

// TestRevisionIsStable: the mark of a pod that nobody changed must not change with the operator either, or its upgrade would restart
// every node for nothing. Whoever has to change this value changes what a pod is made from, and says so.
func TestRevisionIsStable(t *testing.T) {
	c := lab()
	a := render.Pods(c, issued(c))[0].Annotations
	if got, want := a[names.AnnotationRevision]+" "+a[names.AnnotationResourceRevision], "dbdcac0b963a703d bb07d6057e85b61a"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// TestSameValueSameBytes: any value gives the same objects twice, well-formed ones, and is left alone.
func TestSameValueSameBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawn(rt)
		k := issued(c)
		before := printable(t, c, k)
		objects := render.Kafka(c, k)
		one, _ := json.Marshal(objects)
		other, _ := json.Marshal(render.Kafka(c, k))
		if string(one) != string(other) {
			rt.Fatal(cmp.Diff(string(one), string(other)))
		}
		if after := printable(t, c, k); after != before {
			rt.Fatal(cmp.Diff(before, after))
		}
		kafkaWellFormed(t, c, objects)
		if t.Failed() {
			rt.Fatal("not well-formed")
		}
	})
}

// printable is a value as JSON, in which every map is sorted.
func printable(t testing.TB, c cluster.Cluster, k cluster.Certificates) string {
	t.Helper()
	text, err := json.Marshal([]any{c, k})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawn is a cluster with pools, listeners and switches by chance.
func drawn(rt *rapid.T) cluster.Cluster {
	c := rapid.SampledFrom([]func() cluster.Cluster{lab, separated, everything}).Draw(rt, "cluster")()
	kinds := []string{
		v1.ListenerInternal, v1.ListenerClusterIP, v1.ListenerNodePort, v1.ListenerLoadBalancer, v1.ListenerIngress,
		v1.ListenerRoute, v1.ListenerTLSRoute,
	}
	c.Listeners = nil
	for i := range rapid.IntRange(0, 4).Draw(rt, "listeners") {
		l := listener(fmt.Sprint("l", i), int32(9092+i), rapid.SampledFrom(kinds).Draw(rt, "type"))
		l.TLS, l.Auth = rapid.Bool().Draw(rt, "tls"), rapid.SampledFrom([]string{"", "tls", "scram-sha-512"}).Draw(rt, "auth")
		c.Listeners = append(c.Listeners, l)
	}
	id := int32(0)
	for i := range c.Pools {
		p := &c.Pools[i]
		p.Controller, p.Broker = i == 0 || rapid.Bool().Draw(rt, "controller"), rapid.Bool().Draw(rt, "broker")
		if i == 0 {
			p.Broker = true
		}
		p.Nodes = nil
		for range rapid.IntRange(1, 3).Draw(rt, "nodes") {
			p.Nodes = append(p.Nodes, node(p, id))
			id += rapid.Int32Range(1, 40).Draw(rt, "gap")
		}
	}
	served(&c)
	c.JMX = rapid.Bool().Draw(rt, "jmx")
	c.JMXPassword = c.JMX && rapid.Bool().Draw(rt, "password")
	c.NetworkPolicy, c.PodDisruptionBudget = rapid.Bool().Draw(rt, "policy"), rapid.Bool().Draw(rt, "budget")
	c.RackKey = rapid.SampledFrom([]string{"", "zone"}).Draw(rt, "rack")
	c.OperatorNamespace = rapid.SampledFrom([]string{"", "kafka", "operators"}).Draw(rt, "operator")
	return c
}
