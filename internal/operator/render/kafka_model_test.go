package render_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestModelled renders what the model makes of manifests, its own examples: the lab's two variants are golden files, the others have
// to be well-formed.
func TestModelled(t *testing.T) {
	paths, err := filepath.Glob("../cluster/testdata/clusters/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no manifests: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			c := modelled(t, path)
			objects := render.Kafka(c, issued(c))
			kafkaWellFormed(t, c, objects)
			if slices.Contains([]string{"seed", "seed-secured"}, name) {
				brief(&c)
				golden.Equal(t, "kafka/"+name+".golden", documents(t, render.Kafka(c, issued(c))))
			}
		})
	}
}

// brief leaves of the settings one each: what they are is the model's to test.
func brief(c *cluster.Cluster) {
	c.Shared, c.ListenerConfig = map[string]string{"all": "nodes"}, map[string]string{"all": "listeners"}
	c.Log4j, c.DynamicHash = "log\n", "d1"
	for _, p := range c.Pools {
		for i := range p.Nodes {
			p.Nodes[i].Config, p.Nodes[i].ConfigurationHash = map[string]string{"one": "node"}, "c1"
		}
	}
}

// modelled is the cluster of a manifest, once Kubernetes has given its Services ports and addresses.
func modelled(t testing.TB, path string) cluster.Cluster {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := cluster.Resources{
		Defaults: cluster.Defaults{
			ImageRepository: "docker.io/apache/kafka", NodeImage: "registry.example.com/steg-node:1", Domain: "cluster.local",
			OperatorNamespace: "kafka",
		},
		Observed: cluster.Observed{
			ClusterID: "MkU3OEVBNTcwNTJENDM2Qg", ConfigMaps: map[string]map[string]string{},
			Services: map[string]cluster.ServiceFacts{},
		},
	}
	for document := range bytes.SplitSeq(append([]byte("\n"), text...), []byte("\n---\n")) {
		take(t, document, &r)
	}
	c := forCluster(t, r)
	for i, l := range c.Listeners {
		for _, id := range append([]int32{-1}, slices.Sorted(maps.Keys(l.Services))...) {
			service := l.BootstrapService
			if id >= 0 {
				service = l.Services[id]
			}
			r.Observed.Services[service] = cluster.ServiceFacts{
				NodePorts: map[string]int32{l.PortName: 31000 + 100*int32(i) + id}, Ingress: []string{service + ".example.com"},
			}
		}
	}
	return forCluster(t, r)
}

// take adds what a document says.
func take(t testing.TB, document []byte, r *cluster.Resources) {
	t.Helper()
	var kind struct {
		Kind string `json:"kind"`
	}
	decode := func(into any) {
		if err := yaml.Unmarshal(document, into); err != nil {
			t.Fatal(err)
		}
	}
	switch decode(&kind); kind.Kind {
	case names.KindKafka:
		r.Kafka = &v1.Kafka{}
		decode(r.Kafka)
		r.Kafka.Namespace, r.Kafka.UID = "kafka", kafkaUID
	case names.KindKafkaNodePool:
		pool := v1.KafkaNodePool{}
		decode(&pool)
		pool.Namespace, pool.UID = "kafka", poolUID
		r.Pools = append(r.Pools, pool)
	case "ConfigMap":
		m := corev1.ConfigMap{}
		decode(&m)
		r.Observed.ConfigMaps[m.Name] = m.Data
	}
}

func forCluster(t testing.TB, r cluster.Resources) cluster.Cluster {
	t.Helper()
	c, _, err := cluster.For(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
