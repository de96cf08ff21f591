package metrics

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// HTTP is the series of the HTTP server. All methods may be called from any goroutine.
type HTTP struct {
	activeRequests    atomic.Int64
	activeConnections atomic.Int64
	resets            atomic.Int64

	mu        sync.RWMutex
	endpoints map[[2]string]*Endpoint
}

// Endpoint is what requests of one method and one path template have been. Its series begin with the first request.
type Endpoint struct {
	of           *HTTP
	method, path string
	seconds      Histogram

	mu     sync.Mutex // one status code is added at a time
	byCode atomic.Pointer[[]*counts]
}

// counts is what an endpoint has answered with one status.
type counts struct {
	code                                               int
	requests, requestBytes, responseBytes, nanoseconds atomic.Int64
	maxRequest, maxResponse, maxNanoseconds            atomic.Int64
}

func newHTTP() *HTTP { return &HTTP{endpoints: make(map[[2]string]*Endpoint)} }

// Endpoint returns the counters of a method and a path, always the same. The path is the route's template, never the path
// that a client sent, and the method one of those that exist: clients could make any number of series otherwise.
func (h *HTTP) Endpoint(method, path string) *Endpoint {
	key := [2]string{method, path}
	h.mu.RLock()
	e := h.endpoints[key]
	h.mu.RUnlock()
	if e != nil {
		return e
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e = h.endpoints[key]; e == nil {
		e = &Endpoint{of: h, method: method, path: path, seconds: newHistogram(latencies())}
		e.byCode.Store(new([]*counts))
		h.endpoints[key] = e
	}
	return e
}

// Begin counts a request that has begun.
func (h *HTTP) Begin() { h.activeRequests.Add(1) }

// Skip ends a request that is not to be counted.
func (h *HTTP) Skip() { h.activeRequests.Add(-1) }

// End counts the same request as answered. Sizes are in bytes, of the bodies.
func (e *Endpoint) End(code int, requestBytes, responseBytes int64, took time.Duration) {
	e.of.activeRequests.Add(-1)
	c := e.code(code)
	c.requests.Add(1)
	c.requestBytes.Add(requestBytes)
	c.responseBytes.Add(responseBytes)
	c.nanoseconds.Add(int64(took))
	raise(&c.maxRequest, requestBytes)
	raise(&c.maxResponse, responseBytes)
	raise(&c.maxNanoseconds, int64(took))
	e.seconds.Observe(took)
}

// code returns the counters of a status. An endpoint answers with a handful of them, the common one first.
func (e *Endpoint) code(code int) *counts {
	for _, c := range *e.byCode.Load() {
		if c.code == code {
			return c
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	known := *e.byCode.Load()
	for _, c := range known {
		if c.code == code {
			return c
		}
	}
	c := &counts{code: code}
	more := append(append(make([]*counts, 0, len(known)+1), known...), c)
	e.byCode.Store(&more)
	return c
}

// Reset counts a request whose client went away.
func (h *HTTP) Reset() { h.resets.Add(1) }

// Connection counts a connection that opened (1) or closed (-1).
func (h *HTTP) Connection(change int64) { h.activeConnections.Add(change) }

// raise lifts a maximum.
func raise(most *atomic.Int64, v int64) {
	for old := most.Load(); v > old && !most.CompareAndSwap(old, v); old = most.Load() {
	}
}

const httpPrefix = "strimzi_bridge_http_server_"

// Describe sends nothing: the series depend on what was asked for (an unchecked collector).
func (h *HTTP) Describe(chan<- *prometheus.Desc) {}

// Collect sends the series.
func (h *HTTP) Collect(out chan<- prometheus.Metric) {
	send(out, httpPrefix+"active_requests", "Requests being answered", prometheus.GaugeValue, float64(h.activeRequests.Load()))
	send(out, httpPrefix+"active_connections", "Open connections", prometheus.GaugeValue, float64(h.activeConnections.Load()))
	send(out, httpPrefix+"active_ws_connections", "Open websockets: there are none", prometheus.GaugeValue, 0)
	send(out, httpPrefix+"request_resets_total", "Requests whose client went away", prometheus.CounterValue, float64(h.resets.Load()))
	h.mu.RLock()
	defer h.mu.RUnlock()
	var read, written int64
	for _, e := range h.endpoints {
		var errors int64
		for _, c := range *e.byCode.Load() {
			read += c.requestBytes.Load()
			written += c.responseBytes.Load()
			if c.code >= 400 {
				errors += c.requests.Load()
			}
			e.collect(out, c)
		}
		if errors > 0 {
			send(out, httpPrefix+"errors_total", "Requests answered with 4xx or 5xx", prometheus.CounterValue, float64(errors),
				"method", e.method, "path", e.path)
		}
		if e.seconds.any() {
			e.seconds.collect(out, "steg_http_request_duration_seconds", "Time from the end of a request's headers to the end of its answer",
				"method", e.method, "path", e.path)
		}
	}
	send(out, httpPrefix+"bytes_read_total", "Bytes of request bodies", prometheus.CounterValue, float64(read))
	send(out, httpPrefix+"bytes_written_total", "Bytes of answers", prometheus.CounterValue, float64(written))
}

func (e *Endpoint) collect(out chan<- prometheus.Metric, c *counts) {
	labels := []string{"code", "method", "path"}
	values := []string{strconv.Itoa(c.code), e.method, e.path}
	n := uint64(c.requests.Load())
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(httpPrefix+name, help, labels, nil)
	}
	summary := func(name, help string, sum, most float64) {
		out <- prometheus.MustNewConstSummary(desc(name, help), n, sum, nil, values...)
		out <- prometheus.MustNewConstMetric(desc(name+"_max", help+", the largest"), prometheus.GaugeValue, most, values...)
	}
	out <- prometheus.MustNewConstMetric(desc("requests_total", "Requests answered"), prometheus.CounterValue, float64(n), values...)
	summary("request_bytes", "Size of request bodies", float64(c.requestBytes.Load()), float64(c.maxRequest.Load()))
	summary("response_bytes", "Size of answers", float64(c.responseBytes.Load()), float64(c.maxResponse.Load()))
	summary("response_time_seconds", "Time to answer", seconds(c.nanoseconds.Load()), seconds(c.maxNanoseconds.Load()))
}

func seconds(nanoseconds int64) float64 { return time.Duration(nanoseconds).Seconds() }

// send sends one sample; labels are names and values in turn.
func send(out chan<- prometheus.Metric, name, help string, kind prometheus.ValueType, v float64, labels ...string) {
	names, values := pairs(labels)
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

// pairs separates names from values.
func pairs(labels []string) (names, values []string) {
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return names, values
}
