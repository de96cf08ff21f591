// Metrics writes docs/reference/metrics.md and docs/reference/operator-metrics.md from what /metrics of the two programs
// answers when every series has a value, so that the pages list what there is and nothing else:
//
//	go run ./internal/gen/metrics            # writes the pages
//	go run ./internal/gen/metrics -check     # compares, and exits with 1 when one is out of date
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/metrics"
)

func main() {
	check := flag.Bool("check", false, "compare with the files instead of writing them")
	dir := flag.String("o", "docs/reference", "the folder of the pages")
	flag.Parse()
	if err := errors.Join(run(*dir, "metrics.md", page, *check), run(*dir, "operator-metrics.md", operatorPage, *check)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes a page, or compares it.
func run(dir, name string, page func() ([]byte, error), check bool) error {
	want, err := page()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if !check {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return fmt.Errorf("writing the metrics page: %w", err)
		}
		return nil
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the metrics page: %w", err)
	}
	if !bytes.Equal(have, want) {
		return errors.New(path + " is out of date: go run ./internal/gen/metrics")
	}
	return nil
}

// family is one metric.
type family struct {
	name, kind, help string
	labels           []string
}

func page() ([]byte, error) {
	jmx, err := families(metrics.JMX)
	if err != nil {
		return nil, err
	}
	reporter, err := families(metrics.Reporter)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(head)
	table(&b, jmx, "strimzi_bridge_http_")
	b.WriteString("\n## Steg's own\n\n")
	table(&b, jmx, "steg_")
	b.WriteString("\n## Executor\n\n" + executor)
	table(&b, jmx, "executor_")
	b.WriteString("\n## Process and runtime\n\n" + runtime)
	table(&b, jmx, "jvm_", "process_", "system_")
	b.WriteString("\n## Kafka clients with `bridge.metrics=jmxPrometheusExporter`\n\n" + clients)
	table(&b, jmx, "strimzi_bridge_kafka_")
	b.WriteString("\n## Kafka clients with `bridge.metrics=strimziMetricsReporter`\n\nAll are gauges, as the reference's reporter has them.\n\n")
	table(&b, reporter, "kafka_")
	return b.Bytes(), nil
}

// families reads what a bridge of a style would answer.
func families(style metrics.Style) ([]family, error) {
	m, err := metrics.New(metrics.Options{Style: style, PoolSize: 4, QueueSize: 1000, Now: time.Now})
	if err != nil {
		return nil, err
	}
	metrics.Fill(m)
	text, err := m.AppendText(nil)
	if err != nil {
		return nil, err
	}
	label := regexp.MustCompile(`([a-zA-Z_]+)="`)
	var all []family
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			all = append(all, family{name: name, help: help})
			continue
		}
		f := &all[len(all)-1]
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			_, f.kind, _ = strings.Cut(rest, " ")
			continue
		}
		for _, found := range label.FindAllStringSubmatch(line, -1) {
			if name := found[1]; name != "le" && !slices.Contains(f.labels, name) {
				f.labels = append(f.labels, name)
			}
		}
	}
	return all, nil
}

// table writes the metrics with one of the prefixes.
func table(b *bytes.Buffer, all []family, prefixes ...string) {
	b.WriteString("| name | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range all {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.name, p) }) {
			continue
		}
		slices.Sort(f.labels)
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(f.labels, ", "), f.help)
	}
}

const head = `# Metrics of steg-bridge

<!-- Written by internal/gen/metrics from the program. Do not edit. -->

` + "`GET /metrics`" + ` on the management listener answers them once ` + "`bridge.metrics`" + ` is set. The names of the Strimzi Kafka Bridge are
kept, so that its dashboards and alerts go on working; what is ours begins with ` + "`steg_`" + `. Values never have an exponent. A label
` + "`path`" + ` is the route's template, such as ` + "`/topics/{topicname}`" + `, and ` + "`none`" + ` for a path that there is not: clients can't make series.

A summary here has a sum and a count, and no quantiles. What each alert on them means is told in [operations](../operations.md).

## HTTP server

`

const executor = `The reference bridge runs operations in a pool of threads. Here each request has a goroutine of its own and nothing queues:
the series are kept for dashboards, with the sizes that are set.

`

const runtime = "The JVM's names with what the Go runtime knows. `jvm_buffer_*` and `jvm_classes_*` have no counterpart.\n\n"

const clients = `Averages cover the last 30 to 60 seconds. The label ` + "`clientId`" + ` of a consumer is its instance name; two instances of one name in
different groups are added up.

`
