package bridge

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/ratelimit"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/tracing"
)

// Bounds of a request's line and headers, as the reference bridge has them.
const (
	maxTargetBytes = 4096
	maxHeaderBytes = 8192
)

// call is one request on its way through a handler.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	op     *operation
	params [maxParams]string
	status int   // what was answered; 0 before
	bytes  int64 // of the answer's body
	began  time.Time
	ident  string // see requestID
	// failure is the class of what went wrong, for log and metrics; empty when nothing did.
	failure string
	trace   *tracing.Request // nil: not traced
	client  ratelimit.Client // whose rate it counts to; set where rates are limited
}

// endpoint serves one of the two listeners.
type endpoint struct {
	server *Server
	routes *routes
	side   side
	calls  sync.Pool
}

func newEndpoint(s *Server, table *routes, at side) *endpoint {
	return &endpoint{server: s, routes: table, side: at, calls: sync.Pool{New: func() any { return new(call) }}}
}

// ServeHTTP finds the operation and answers; whatever goes wrong in it, an answer is given.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := e.calls.Get().(*call)
	*c = call{w: w, r: r}
	e.server.begin(c)
	defer e.end(c)
	c.boundBody()
	e.dismiss(c)
	if status := oversized(r); status != 0 {
		c.empty(status)
		return
	}
	if c.ambiguous() {
		c.w.Header()["Connection"] = []string{"close"}
		e.server.fail(c, wire.BadRequest())
		return
	}
	if e.side == api && e.server.cors != nil && e.server.cors.handled(c) {
		return
	}
	if e.side == api {
		defer e.server.leave(c)
		if err := e.server.admit(c); err != nil {
			e.server.fail(c, err)
			return
		}
	}
	route, params := e.routes.find(r.URL.EscapedPath())
	if route == nil {
		e.server.fail(c, wire.NotFound())
		return
	}
	op := route.operation(r.Method)
	switch {
	case op == nil:
		notAllowed(c, route)
	case op.side != e.side:
		c.op = op
		c.empty(http.StatusNotImplemented)
	default:
		c.op, c.params = op, params
		e.server.run(c)
	}
}

// dismiss tells a client of a bridge that is stopping to come back on another connection, which its balancer will open
// elsewhere.
func (e *endpoint) dismiss(c *call) {
	if e.side == api && c.r.ProtoMajor == 1 && !e.server.ready.Load() {
		c.w.Header()["Connection"] = []string{"close"}
	}
}

// boundBody bounds the time for a body that no handler reads: net/http waits for it before it sends the answer.
func (c *call) boundBody() {
	if c.r.ContentLength != 0 && c.r.ProtoMajor == 1 {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(bodyPatience)) // a connection always can
	}
}

// dropBody lets go of a body that no handler reads, where the request takes long: net/http would keep what has come of it
// by HTTP/2.
func (c *call) dropBody() {
	if c.r.ContentLength != 0 && c.r.ProtoMajor > 1 {
		_ = c.r.Body.Close() // nobody reads it
	}
}

// end recovers a handler's panic and gives the call back.
func (e *endpoint) end(c *call) {
	if problem := recover(); problem != nil {
		e.server.panicked(c, problem)
	}
	e.server.observe(c)
	*c = call{}
	e.calls.Put(c)
}

// notAllowed answers 405 with an empty body. HEAD is not GET here, and its answer names no methods (contract 1.1).
func notAllowed(c *call, route *route) {
	if c.r.Method != http.MethodHead {
		c.w.Header()["Allow"] = []string{route.allow}
	}
	c.empty(http.StatusMethodNotAllowed)
}

// oversized returns 414 or 431 where a request's line or one of its headers is longer than clients may send, 0 otherwise.
func oversized(r *http.Request) int {
	if len(r.RequestURI) > maxTargetBytes {
		return http.StatusRequestURITooLong
	}
	total := 0
	for name, values := range r.Header {
		for _, v := range values {
			total += len(name) + len(v) + 4
		}
	}
	if total > maxHeaderBytes {
		return http.StatusRequestHeaderFieldsTooLarge
	}
	return 0
}

// query returns the request's parameters; no map is made when there are none.
func (c *call) query() url.Values {
	if c.r.URL.RawQuery == "" {
		return nil
	}
	return c.r.URL.Query()
}

// contentType returns the request's Content-Type, empty if it has none.
func (c *call) contentType() string {
	if v := c.r.Header["Content-Type"]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// scheme returns http or https, as the client used it.
func (c *call) scheme() string {
	if c.r.TLS != nil {
		return "https"
	}
	return "http"
}

// lasting returns the request's context without its end: a client that has closed its sending side ends the request's
// context and still wants its answer. What is called with it has bounds of its own.
func (c *call) lasting() context.Context { return context.WithoutCancel(c.r.Context()) }

// id names the operation for logs: its operationId, or the method of a request that found none.
func (c *call) id() string {
	if c.op == nil {
		return strings.ToLower(c.r.Method)
	}
	return c.op.id
}
