package cluster_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/cluster"
)

// clusters returns the names of the files in testdata/clusters.
func clusters(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/clusters/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no files: %v", err)
	}
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(path), ".yaml")
	}
	return paths
}

// TestClusters shows what becomes of each file in testdata/clusters: warnings, settings, addresses, names.
func TestClusters(t *testing.T) {
	for _, name := range clusters(t) {
		t.Run(name, func(t *testing.T) {
			r := file(t, name)
			c, _ := mustFor(t, r)
			golden.Equal(t, "clusters/"+name+".golden", []byte(report(carryOut(r, c))))
		})
	}
}

// TestFixedPoint: what is observed once a cluster is as it is wanted is wanted again, and nothing is changed for ever.
func TestFixedPoint(t *testing.T) {
	for _, name := range clusters(t) {
		t.Run(name, func(t *testing.T) {
			r := file(t, name)
			first, _ := mustFor(t, r)
			r = carryOut(r, first)
			second, _ := mustFor(t, r)
			third, _ := mustFor(t, carryOut(r, second))
			if len(second.Pending) > 0 {
				t.Errorf("still pending: %v", second.Pending)
			}
			if !reflect.DeepEqual(second, third) {
				t.Error("it is wanted otherwise once it is there")
			}
			if !reflect.DeepEqual(ids(first), ids(second)) {
				t.Errorf("the nodes %v became %v", ids(first), ids(second))
			}
		})
	}
}

// The same resources give the same cluster, and For changes none of them.
func TestForIsPure(t *testing.T) {
	for _, name := range clusters(t) {
		r, same := file(t, name), file(t, name)
		first, _ := mustFor(t, r)
		for range 5 {
			if again, _ := mustFor(t, r); !reflect.DeepEqual(first, again) {
				t.Fatalf("%s: two calls differ", name)
			}
		}
		if !reflect.DeepEqual(r, same) {
			t.Errorf("%s: the resources were changed", name)
		}
	}
}

// ids are a cluster's nodes by pool.
func ids(c cluster.Cluster) map[string][]int32 {
	out := map[string][]int32{}
	for _, p := range c.Pools {
		out[p.Name] = []int32{}
		for _, n := range p.Nodes {
			out[p.Name] = append(out[p.Name], n.ID)
		}
	}
	return out
}

// TestExamples shows what becomes of the examples that users are given. The one that says everything has the pool of another.
func TestExamples(t *testing.T) {
	const examples = "../../../examples/kafka"
	paths, err := filepath.Glob(examples + "/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if name == "everything" {
				other, err := os.ReadFile(filepath.Join(examples, "dual-role.yaml"))
				if err != nil {
					t.Fatal(err)
				}
				text = append(append(other, "\n---\n"...), text...)
			}
			r := resources(t, string(text))
			r.Observed.ConfigMaps = map[string]map[string]string{"my-logging": {"log4j2.properties": "rootLogger.level=WARN\n"}}
			c, _ := mustFor(t, r)
			golden.Equal(t, "examples/"+name+".golden", []byte(report(carryOut(r, c))))
		})
	}
}
