package cluster_test

import (
	"testing"

	"github.com/steg-kafka/steg/internal/operator/cluster"
)

// BenchmarkFor is one pass over a cluster of three nodes, and of a hundred.
func BenchmarkFor(b *testing.B) {
	for name, replicas := range map[string]int32{"3": 3, "100": 100} {
		b.Run(name, func(b *testing.B) {
			r := file(b, "seed-secured")
			r.Kafka.Spec.Kafka.Replicas = &replicas
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := cluster.For(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
