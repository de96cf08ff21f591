package cluster_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

// resources reads a Kafka and its KafkaNodePools, in the dialect of v1, from documents with --- between them.
func resources(t testing.TB, text string) cluster.Resources {
	t.Helper()
	r := cluster.Resources{
		Defaults: cluster.Defaults{
			ImageRepository: "docker.io/apache/kafka", NodeImage: "registry.example.com/steg-node:1", Domain: "cluster.local", OperatorNamespace: "steg",
		},
		Observed: cluster.Observed{ClusterID: "MkU3OEVBNTcwNTJENDM2Qg"},
	}
	for _, document := range bytes.Split([]byte("\n"+text), []byte("\n---\n")) {
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatal(err)
		}
		switch kind.Kind {
		case names.KindKafka:
			r.Kafka = &v1.Kafka{}
			strict(t, document, r.Kafka)
			r.Kafka.Namespace, r.Kafka.UID = "shop", "5a8c1f0e-0000-4000-8000-000000000001"
		case names.KindKafkaNodePool:
			pool := v1.KafkaNodePool{}
			strict(t, document, &pool)
			pool.Namespace, pool.UID = "shop", "5a8c1f0e-0000-4000-8000-000000000002"
			r.Pools = append(r.Pools, pool)
		case "ConfigMap":
			m := corev1.ConfigMap{}
			strict(t, document, &m)
			if r.Observed.ConfigMaps == nil {
				r.Observed.ConfigMaps = map[string]map[string]string{}
			}
			r.Observed.ConfigMaps[m.Name] = m.Data
		}
	}
	if r.Kafka == nil {
		t.Fatal("there is no Kafka")
	}
	return r
}

func strict(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// file reads testdata/clusters/NAME.yaml.
func file(t testing.TB, name string) cluster.Resources {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "clusters", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return resources(t, string(text))
}

// mustFor is For of something that is right.
func mustFor(t testing.TB, r cluster.Resources) (cluster.Cluster, []model.Warning) {
	t.Helper()
	c, warnings, err := cluster.For(r)
	if err != nil {
		t.Fatal(err)
	}
	return c, warnings
}

// carryOut returns the resources as they are observed once a cluster is as it is wanted: Kubernetes has given ports and
// addresses, and pods run.
func carryOut(r cluster.Resources, c cluster.Cluster) cluster.Resources {
	o := &r.Observed
	o.Pods, o.NodeIDs, o.Storage = map[int32]cluster.PodFacts{}, map[string][]int32{}, map[string]v1.Storage{}
	o.Services, o.Claims = map[string]cluster.ServiceFacts{}, map[string]corev1.PersistentVolumeClaim{}
	o.Voters = cluster.Voters(map[string]string{names.FileServerConfig: properties.Text(c.Shared)})
	o.MetadataVersion = c.Metadata
	o.Occupied = map[int32]bool{}
	for _, p := range c.Pools {
		o.Storage[p.Name] = p.Storage
		o.NodeIDs[p.Name] = []int32{}
		for _, n := range p.Nodes {
			o.NodeIDs[p.Name] = append(o.NodeIDs[p.Name], n.ID)
			o.Pods[n.ID] = cluster.PodFacts{Version: c.Version.Number, Broker: n.Broker}
			for _, claim := range n.Claims {
				pvc := corev1.PersistentVolumeClaim{}
				pvc.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: *claim.Settings.Size}
				pvc.Spec.StorageClassName = &claim.Settings.Class
				o.Claims[claim.Name] = pvc
			}
		}
	}
	for i, l := range c.Listeners {
		services := []string{l.BootstrapService}
		for _, id := range slices.Sorted(maps.Keys(l.Services)) {
			services = append(services, l.Services[id])
		}
		for j, service := range services {
			facts := cluster.ServiceFacts{}
			switch l.Type {
			case v1.ListenerNodePort:
				facts.NodePorts = map[string]int32{l.PortName: int32(31000 + 100*i + j)}
			case v1.ListenerLoadBalancer:
				facts.Ingress = []string{fmt.Sprintf("lb%d.example.com", j)}
			}
			o.Services[service] = facts
		}
	}
	return r
}

// report is all of a cluster that a reviewer wants to see, as text.
func report(r cluster.Resources) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	c, warnings, err := cluster.For(r)
	for _, w := range warnings {
		line("Warning %s: %s", w.Reason, w.Message)
	}
	if err != nil {
		line("refused: %v", err)
		return out.String()
	}
	line("%s/%s Kafka %s (from %s), metadata %s (format %s), image %s", c.Namespace, c.Name, c.Version.Number, c.From.Number, c.Metadata, c.FormatMetadata, c.Image)
	for _, l := range c.Listeners {
		line("listener %s %s %s tls=%v auth=%q bootstrap=%q host=%q %v %v", l.Kafka, l.Type, l.PortName, l.TLS, l.Auth, l.BootstrapService, l.BootstrapHost, l.Services, l.Hosts)
	}
	for _, text := range c.Pending {
		line("pending: %s", text)
	}
	settings := func(title string, m map[string]string) {
		line("%s:", title)
		for _, text := range strings.Split(strings.TrimSpace(properties.Text(m)), "\n") {
			line("    %s", text)
		}
	}
	settings("shared", c.Shared)
	settings("listeners", c.ListenerConfig)
	settings("changed at run time, each broker", c.PerBroker)
	settings("changed at run time, all brokers", c.ClusterWide)
	for _, p := range c.Pools {
		line("pool %s controller=%v broker=%v leaving=%v", p.Name, p.Controller, p.Broker, p.Leaving)
		for _, v := range p.Volumes {
			line("    volume %s %s claim=%v", v.Name, v.Path, v.Claim)
		}
		if p.JVM != nil {
			line("    java %s", asYAML(p.JVM))
		}
		for _, n := range p.Nodes {
			line("  node %d %s controller=%v broker=%v", n.ID, n.Host, n.Controller, n.Broker)
			for _, l := range slices.Sorted(maps.Keys(n.Advertised)) {
				line("      %s at %s:%d", l, n.Advertised[l].Host, n.Advertised[l].Port)
			}
			for _, claim := range n.Claims {
				line("      claim %s %s class=%q delete=%v", claim.Name, claim.Settings.Size, claim.Settings.Class, claim.Delete)
			}
			if n.ID == p.Nodes[0].ID {
				line("      names %s %v", strings.Join(n.DNSNames, " "), n.Addresses)
				settings("      settings", n.Config)
			}
		}
	}
	line("%s:\n%s", c.LogFile, c.Log4j)
	return out.String()
}

func asYAML(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "; ")
}
