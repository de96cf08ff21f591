// Package alerts tests what deploy/monitoring gives to Prometheus and Grafana, with Prometheus' own parser and engine: it is
// a module of its own so that those are nowhere among the bridge's dependencies. It holds no code but tests.
package alerts
