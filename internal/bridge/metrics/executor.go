package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Executor fills the series of the reference bridge's thread pool, which dashboards know. There is no pool here: each
// request has a goroutine of its own, so that nothing queues.
type Executor struct {
	pool, queue int
	active      atomic.Int64
	completed   atomic.Int64
	rejected    atomic.Int64
}

// Begin counts an operation that the reference would run in its pool.
func (e *Executor) Begin() { e.active.Add(1) }

// End counts its end.
func (e *Executor) End() {
	e.active.Add(-1)
	e.completed.Add(1)
}

// Reject counts a request that was refused because the bridge was overloaded.
func (e *Executor) Reject() { e.rejected.Add(1) }

// Describe sends nothing: an unchecked collector.
func (e *Executor) Describe(chan<- *prometheus.Desc) {}

// Collect sends the series.
func (e *Executor) Collect(out chan<- prometheus.Metric) {
	const label, pool = "name", "kafka-bridge"
	gauge := func(name, help string, v float64) {
		send(out, "executor_"+name, help, prometheus.GaugeValue, v, label, pool)
	}
	gauge("active_threads", "Operations that are running", float64(e.active.Load()))
	gauge("queued_tasks", "Operations that wait: none ever does", 0)
	gauge("queue_remaining_tasks", "bridge.executor.queue.size", float64(e.queue))
	gauge("pool_size_threads", "bridge.executor.pool.size", float64(e.pool))
	gauge("pool_core_threads", "bridge.executor.pool.size", float64(e.pool))
	gauge("pool_max_threads", "bridge.executor.pool.size", float64(e.pool))
	send(out, "executor_completed_tasks_total", "Operations that have ended", prometheus.CounterValue, float64(e.completed.Load()), label, pool)
	send(out, "executor_rejected_tasks_total", "Requests refused because the bridge was overloaded", prometheus.CounterValue, float64(e.rejected.Load()))
	// The reference registers these and never counts in them.
	for _, name := range []string{"executor_seconds", "executor_idle_seconds"} {
		desc := prometheus.NewDesc(name, "Always 0, as in the reference bridge", []string{label}, nil)
		out <- prometheus.MustNewConstSummary(desc, 0, 0, nil, pool)
		send(out, name+"_max", "Always 0, as in the reference bridge", prometheus.GaugeValue, 0, label, pool)
	}
}
