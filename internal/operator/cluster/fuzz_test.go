package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/properties"
)

// FuzzFor: whatever a Kafka and a KafkaNodePool say, there is a cluster or an error of one line, never both, and what comes out
// can be carried out and is wanted again.
func FuzzFor(f *testing.F) {
	paths, err := filepath.Glob("testdata/clusters/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		documents := strings.Split(string(text), "\n---\n")
		f.Add([]byte(documents[len(documents)-1]), []byte(documents[0]), true)
	}
	f.Fuzz(func(t *testing.T, kafka, pool []byte, pooled bool) {
		r := cluster.Resources{Kafka: &v1.Kafka{}, Defaults: cluster.Defaults{ImageRepository: "kafka"}}
		p := v1.KafkaNodePool{}
		if yaml.Unmarshal(kafka, r.Kafka) != nil || pooled && yaml.Unmarshal(pool, &p) != nil {
			t.Skip("no resources")
		}
		if pooled {
			r.Pools = []v1.KafkaNodePool{p}
		}
		r.Kafka.Namespace = "shop"
		c, warnings, err := cluster.For(r)
		if err != nil {
			if strings.Contains(err.Error(), "\n") && !strings.Contains(string(kafka)+string(pool), "\n") {
				t.Errorf("several lines: %q", err)
			}
			if len(c.Pools) > 0 {
				t.Error("there is a cluster with an error")
			}
			return
		}
		for _, w := range warnings {
			if w.Reason == "" || w.Message == "" {
				t.Errorf("%+v", w)
			}
		}
		then, _, err := cluster.For(carryOut(r, c))
		if err != nil {
			t.Fatalf("it is refused once it is there: %v", err)
		}
		if properties.Text(then.Shared) != properties.Text(c.Shared) || properties.Text(then.ListenerConfig) != properties.Text(c.ListenerConfig) {
			t.Error("its settings change once it is there")
		}
	})
}
