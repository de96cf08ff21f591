package metrics

import (
	"math"
	"runtime/metrics"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// process fills the JVM's series with what the Go runtime knows (memory in use, pauses of the collector, goroutines), and
// those of the process with what the system knows.
type process struct {
	started    time.Time
	processors int // that may be used; it is fewer that are, while there is little to do
}

// The runtime's names for what is reported.
const (
	heapObjects = "/memory/classes/heap/objects:bytes"
	allMemory   = "/memory/classes/total:bytes"
	released    = "/memory/classes/heap/released:bytes"
	stacks      = "/memory/classes/heap/stacks:bytes"
	memoryLimit = "/gc/gomemlimit:bytes"
	goroutines  = "/sched/goroutines:goroutines"
	allocated   = "/gc/heap/allocs:bytes"
	gcPauses    = "/sched/pauses/total/gc:seconds"
)

// Describe sends nothing: an unchecked collector.
func (process) Describe(chan<- *prometheus.Desc) {}

// Collect reads the runtime and the system, and sends the series.
func (p process) Collect(out chan<- prometheus.Metric) {
	collectRuntime(out)
	gauge := func(name, help string, v float64) { send(out, name, help, prometheus.GaugeValue, v) }
	gauge("process_start_time_seconds", "Start of the process", float64(p.started.UnixMilli())/1000)
	gauge("process_uptime_seconds", "Time since the start", time.Since(p.started).Seconds())
	gauge("system_cpu_count", "Processors that may be used", float64(p.processors))
	u, ok := readUsage()
	if !ok {
		return
	}
	send(out, "process_cpu_seconds_total", "Processor time used", prometheus.CounterValue, u.cpu.Seconds())
	gauge("process_resident_memory_bytes", "Memory in RAM", float64(u.resident))
	gauge("process_files_open_files", "Open files, connections among them", float64(u.files))
	gauge("process_files_max_files", "Files that may be open", float64(u.maxFiles))
	gauge("system_load_average_1m", "Load of the machine over one minute", u.load)
}

// usage is what the system knows of the process.
type usage struct {
	cpu             time.Duration
	resident        int64
	files, maxFiles int64
	load            float64
}

func collectRuntime(out chan<- prometheus.Metric) {
	names := []string{heapObjects, allMemory, released, stacks, memoryLimit, goroutines, allocated, gcPauses}
	samples := make([]metrics.Sample, len(names))
	at := make(map[string]*metrics.Value, len(names))
	for i, name := range names {
		samples[i].Name = name
		at[name] = &samples[i].Value
	}
	metrics.Read(samples)
	value := func(name string) float64 { return float64(at[name].Uint64()) }
	memory := func(name, help string, heap, rest float64) {
		send(out, "jvm_memory_"+name+"_bytes", help, prometheus.GaugeValue, heap, "area", "heap", "id", "Go heap")
		send(out, "jvm_memory_"+name+"_bytes", help, prometheus.GaugeValue, rest, "area", "nonheap", "id", "Go runtime")
	}
	inUse := value(allMemory) - value(released)
	memory("used", "Memory in use", value(heapObjects), value(stacks))
	memory("committed", "Memory taken from the system", inUse-value(stacks), value(stacks))
	memory("max", "Memory that may be taken, -1 for no limit", limit(at[memoryLimit].Uint64()), -1)
	send(out, "jvm_gc_memory_allocated_bytes_total", "Memory ever allocated", prometheus.CounterValue, value(allocated))
	send(out, "jvm_threads_live_threads", "Goroutines", prometheus.GaugeValue, value(goroutines))
	count, sum, most := pauses(at[gcPauses].Float64Histogram())
	labels, values := []string{"action", "cause"}, []string{"stop the world", "Go"}
	out <- prometheus.MustNewConstSummary(prometheus.NewDesc("jvm_gc_pause_seconds", "Pauses of the collector", labels, nil), count, sum, nil, values...)
	send(out, "jvm_gc_pause_seconds_max", "Longest pause of the collector", prometheus.GaugeValue, most, "action", values[0], "cause", values[1])
}

// limit is -1 where there is none: the runtime says the largest integer then.
func limit(bytes uint64) float64 {
	if bytes > 1<<50 {
		return -1
	}
	return float64(bytes)
}

// pauses sums a histogram up; each pause counts as the lower end of its bucket, which is at most a few per cent off.
func pauses(h *metrics.Float64Histogram) (count uint64, sum, most float64) {
	for i, n := range h.Counts {
		low := h.Buckets[i]
		if n == 0 || math.IsInf(low, -1) {
			continue
		}
		count += n
		sum += float64(n) * low
		most = low
	}
	return count, sum, most
}
