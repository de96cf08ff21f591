package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

// operatorSources register the operator's metrics, each with a value.
var operatorSources = []func(prometheus.Registerer) error{controller.SampleMetrics, webhook.SampleMetrics}

func operatorPage() ([]byte, error) {
	registry := prometheus.NewRegistry()
	for _, register := range operatorSources {
		if err := register(registry); err != nil {
			return nil, err
		}
	}
	gathered, err := registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("gathering: %w", err)
	}
	all := make([]family, len(gathered))
	for i, f := range gathered {
		all[i] = operatorFamily(f)
	}
	var b bytes.Buffer
	b.WriteString(operatorHead)
	table(&b, all, "strimzi_")
	b.WriteString("\n## Steg's own\n\n")
	table(&b, all, "steg_")
	b.WriteString("\n" + operatorLibraries)
	return b.Bytes(), nil
}

func operatorFamily(f *dto.MetricFamily) family {
	one := family{name: f.GetName(), kind: strings.ToLower(f.GetType().String()), help: f.GetHelp()}
	for _, label := range f.GetMetric()[0].GetLabel() {
		one.labels = append(one.labels, label.GetName())
	}
	return one
}

const operatorHead = `# Metrics of steg-operator

<!-- Written by internal/gen/metrics from the program. Do not edit. -->

` + "`GET /metrics`" + ` on port 8080 (` + "`--http-address`" + `) of each replica answers them; the controllers count on the one that leads.

## With the reference operator's names

` + "`kind`" + ` is Kafka, StrimziPodSet, KafkaTopic, KafkaUser or KafkaBridge, and ` + "`selector`" + ` is always empty. A pass over a Kafka is one over
its KafkaNodePools too.

`

const operatorLibraries = `## Of the libraries

` + "`controller_runtime_*`, `workqueue_*`, `rest_client_*`, `leader_election_*`, `go_*` and `process_*`" + ` are answered as well: controllers and
webhooks, queues, requests to the API server, the Lease, the runtime. They are those of controller-runtime and client-go.
`
