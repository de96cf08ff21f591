package bridge

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/metrics"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/tracing"
)

// unrouted is the path under which requests are counted and logged that found no route: what was asked for could be
// anything.
const unrouted = "none"

// lost is what the log calls the operation of such a request.
const lost = "unrouted"

// statusGone stands in log and metrics for the status of a request whose client left before its answer.
const statusGone = 499

// scrape is the operation that reads the metrics.
const scrape = "metrics"

// watch is where one operation is counted, and whether it is logged; it is looked up once per request.
type watch struct {
	threshold *logging.Threshold // nil: not logged
	endpoint  *metrics.Endpoint  // nil: not counted
}

// newWatches returns the watches of all operations by operationId.
func newWatches(logs *logging.Log, counted *metrics.Metrics) map[string]watch {
	watches := make(map[string]watch)
	for _, op := range operations() {
		var w watch
		if logs != nil {
			w.threshold = logs.Threshold(op.id)
		}
		if counted != nil {
			w.endpoint = counted.HTTP.Endpoint(op.method, op.path)
		}
		watches[op.id] = w
	}
	if logs != nil {
		watches[lost] = watch{threshold: logs.Threshold(lost)}
	}
	return watches
}

// watch returns where a request is counted and logged, and what the log calls it.
func (s *Server) watch(c *call) (watch, string) {
	if c.op != nil {
		return s.watches[c.op.id], c.op.id
	}
	w := s.watches[lost]
	if s.counted != nil {
		w.endpoint = s.counted.HTTP.Endpoint(method(c), unrouted)
	}
	return w, lost
}

// begin counts a request that has come.
func (s *Server) begin(c *call) {
	c.began = time.Now()
	if s.counted != nil {
		s.counted.HTTP.Begin()
	}
}

// run calls the operation's handler and answers its error.
func (s *Server) run(c *call) {
	if s.counted != nil && c.op.pooled() {
		s.counted.Executor.Begin()
		defer s.counted.Executor.End()
	}
	if s.tracer != nil && c.op.traced() {
		c.trace = s.tracer.Server(c.r, c.op.id)
	}
	if err := c.op.handle(s, c); err != nil {
		s.fail(c, err)
	}
}

// pooled reports whether the reference bridge runs the operation in its executor, whose series count it.
func (o *operation) pooled() bool {
	return o.id == "send" || o.id == "sendToPartition" || strings.HasPrefix(o.path, "/consumers/{groupid}/")
}

// traced reports whether the operation has spans: those that carry records (contract 4.3).
func (o *operation) traced() bool {
	return o.id == "send" || o.id == "sendToPartition" || o.id == "poll"
}

// sent counts a request's records, and ends their spans with what became of them. A request whose records have failed in
// part is answered 200; log and metrics name the first failure.
func (s *Server) sent(c *call, took time.Duration, outcomes []producer.Outcome, sends *tracing.Sends) {
	taken := 0
	for i, o := range outcomes {
		failure := ""
		if o.Err != nil {
			failure = exception(o.Err)
			c.failure = cmp.Or(c.failure, failure)
		} else {
			taken++
		}
		sends.Sent(i, o.Partition, o.Offset, failure)
	}
	if s.counted != nil {
		s.counted.Steg.Produce.Observe(took)
		if taken > 0 { // of none, the topic may not exist, and clients may invent any number
			s.counted.Sent(c.params[0], taken)
		}
	}
}

// observe counts and logs a request that has been answered.
func (s *Server) observe(c *call) {
	now := time.Now()
	took := now.Sub(c.began)
	if c.status == 0 {
		c.status = statusGone
	}
	if c.failure == "" && c.status >= http.StatusBadRequest {
		c.failure = classOf(c.status)
	}
	c.trace.End(c.status, c.failure)
	w, operation := s.watch(c)
	if operation == scrape && w.endpoint != nil {
		s.counted.HTTP.Skip() // the reference does not count these either
		w.endpoint = nil
	}
	if w.endpoint != nil {
		w.endpoint.End(c.status, max(c.r.ContentLength, 0), c.bytes, took)
		s.countRefusal(c)
	}
	if w.threshold != nil && w.threshold.Enabled(slog.LevelInfo) {
		s.logs.Request(&logging.Request{
			At: now, ID: c.requestID(), Operation: operation, Method: method(c), Path: c.template(), From: c.r.RemoteAddr,
			Status: c.status, Duration: took, BytesIn: max(c.r.ContentLength, 0), BytesOut: c.bytes, Error: c.failure,
		})
	}
}

// countRefusal counts a request that a limit refused.
func (s *Server) countRefusal(c *call) {
	if !limiting(c.status) || c.failure == switchedOff {
		return
	}
	s.counted.Steg.Refuse(c.failure)
	if c.status == http.StatusServiceUnavailable {
		s.counted.Executor.Reject()
	}
}

// ConnectionRefused is given to the listeners, so that connections past their limit are counted as the request that each of
// them was to bring.
func (s *Server) ConnectionRefused() {
	if s.counted != nil {
		s.counted.Steg.Refuse(limitConnections)
		s.counted.Executor.Reject()
	}
}

// template returns the path of the request's operation, with names of parameters in place of what the client sent.
func (c *call) template() string {
	if c.op == nil {
		return unrouted
	}
	return c.op.path
}

// method names the request's method; one that no operation has counts as one, since clients may invent any number.
func method(c *call) string {
	switch c.r.Method {
	case http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodHead, http.MethodOptions:
		return c.r.Method
	}
	return "other"
}

// ConnState is given to the listeners, so that open connections are counted.
func (s *Server) ConnState(_ net.Conn, state http.ConnState) {
	if s.counted == nil {
		return
	}
	switch state {
	case http.StateNew:
		s.counted.HTTP.Connection(1)
	case http.StateClosed, http.StateHijacked:
		s.counted.HTTP.Connection(-1)
	}
}

// metrics answers /metrics: 404 unless bridge.metrics says in which style.
func (s *Server) metrics(c *call) error {
	if s.counted == nil {
		c.empty(http.StatusNotFound)
		return nil
	}
	b := s.buffers.get()
	defer s.buffers.put(b)
	text, err := s.counted.AppendText(b.data)
	if err != nil {
		return err
	}
	b.data = text
	return c.reply(http.StatusOK, metrics.ContentType, text)
}
