package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// SampleMetrics registers the metrics and gives each of them a value, for the page that lists them. It fails if others of the
// same names are there.
func SampleMetrics(r prometheus.Registerer) error {
	m, err := NewMetrics(r)
	if err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: "shop", Name: "my-bridge"}
	m.present(names.KindKafkaBridge, key, false)
	m.begin(names.KindKafkaBridge, key, true)
	m.end(names.KindKafkaBridge, key, time.Second, false)
	m.staleness(key, 1)
	m.withoutSidecar(map[string]int{key.Namespace: 1})
	m.expires(key, "cluster-ca", 0)
	return nil
}
