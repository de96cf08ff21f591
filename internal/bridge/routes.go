package bridge

import (
	"net/http"
	"net/url"
	"strings"
)

// side is the listener that an operation belongs to.
type side uint8

const (
	api side = iota
	management
)

// operation is one row of the endpoint table (bridge contract 1.4).
type operation struct {
	method string
	path   string // segments in braces are parameters, numbered in their order
	id     string // the OpenAPI operationId, also the name in logs and metrics
	side   side
	handle func(*Server, *call) error
}

// operations is the whole API.
func operations() []operation {
	return []operation{
		{http.MethodPost, "/topics/{topicname}", "send", api, (*Server).send},
		{http.MethodPost, "/topics/{topicname}/partitions/{partitionid}", "sendToPartition", api, (*Server).sendToPartition},
		{http.MethodGet, "/topics", "listTopics", api, (*Server).listTopics},
		{http.MethodGet, "/topics/{topicname}", "getTopic", api, (*Server).getTopic},
		{http.MethodGet, "/topics/{topicname}/partitions", "listPartitions", api, (*Server).listPartitions},
		{http.MethodGet, "/topics/{topicname}/partitions/{partitionid}", "getPartition", api, (*Server).getPartition},
		{http.MethodGet, "/topics/{topicname}/partitions/{partitionid}/offsets", "getOffsets", api, (*Server).getOffsets},
		{http.MethodPost, "/admin/topics", "createTopic", api, (*Server).createTopic},

		{http.MethodPost, "/consumers/{groupid}", "createConsumer", api, (*Server).createConsumer},
		{http.MethodDelete, "/consumers/{groupid}/instances/{name}", "deleteConsumer", api, (*Server).deleteConsumer},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/subscription", "subscribe", api, (*Server).subscribe},
		{http.MethodGet, "/consumers/{groupid}/instances/{name}/subscription", "listSubscriptions", api, (*Server).listSubscriptions},
		{http.MethodDelete, "/consumers/{groupid}/instances/{name}/subscription", "unsubscribe", api, (*Server).unsubscribe},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/assignments", "assign", api, (*Server).assign},
		{http.MethodGet, "/consumers/{groupid}/instances/{name}/records", "poll", api, (*Server).poll},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/offsets", "commit", api, (*Server).commit},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/positions", "seek", api, (*Server).seek},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/positions/beginning", "seekToBeginning", api, (*Server).seekToBeginning},
		{http.MethodPost, "/consumers/{groupid}/instances/{name}/positions/end", "seekToEnd", api, (*Server).seekToEnd},

		{http.MethodGet, "/", "info", api, (*Server).info},
		{http.MethodGet, "/openapi", "openapi", api, (*Server).openapi},
		{http.MethodGet, "/openapi/v3", "openapiv3", api, (*Server).openapi},
		{http.MethodGet, "/healthy", "healthy", management, (*Server).healthy},
		{http.MethodGet, "/ready", "ready", management, (*Server).readiness},
		{http.MethodGet, "/metrics", "metrics", management, (*Server).metrics},

		// Steg's own paths; /openapi/steg describes them.
		{http.MethodGet, "/openapi/steg", "openapiSteg", api, (*Server).openapiSteg},
		{http.MethodGet, "/started", "started", management, (*Server).hasStarted},
		{http.MethodGet, "/status", "status", management, (*Server).status},
		{http.MethodGet, "/logging", "getLogging", management, (*Server).getLogging},
		{http.MethodPut, "/logging", "setLogging", management, (*Server).setLogging},
		{http.MethodPost, "/quitquitquit", "quit", management, (*Server).quitNow},
		{http.MethodGet, "/debug/pprof", "profiles", management, (*Server).profiles},
		{http.MethodGet, "/debug/pprof/{profile}", "profile", management, (*Server).profile},
	}
}

// maxParams is the most parameters that one path has.
const maxParams = 2

// route is one path with its operations by method.
type route struct {
	segments []string // "" for a parameter
	allow    string   // the methods, for the answer 405
	methods  []operation
}

// routes is the endpoint table by number of segments, so that a request is compared with few rows.
type routes struct {
	bySegments [8][]route
}

func newRoutes(ops []operation) *routes {
	var table routes
	for _, op := range ops {
		segments := split(op.path)
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = ""
			}
		}
		table.add(segments, op)
	}
	return &table
}

func (t *routes) add(segments []string, op operation) {
	rows := t.bySegments[len(segments)]
	for i, r := range rows {
		if strings.Join(r.segments, "/") == strings.Join(segments, "/") {
			rows[i].methods = append(rows[i].methods, op)
			rows[i].allow += "," + op.method
			return
		}
	}
	t.bySegments[len(segments)] = append(rows, route{segments: segments, allow: op.method, methods: []operation{op}})
}

// find returns the route of a path and its parameters, percent-decoded; nil when the path is unknown. No two
// paths of the table match the same request, so that their order does not matter.
func (t *routes) find(escapedPath string) (*route, [maxParams]string) {
	var segments [len(t.bySegments)]string
	n, ok := cut(escapedPath, &segments)
	if !ok {
		return nil, [maxParams]string{}
	}
	rows := t.bySegments[n]
	for i := range rows {
		if params, ok := rows[i].match(segments[:n]); ok {
			return &rows[i], params
		}
	}
	return nil, [maxParams]string{}
}

func (r *route) match(segments []string) (params [maxParams]string, ok bool) {
	n := 0
	for i, want := range r.segments {
		got := segments[i]
		if strings.IndexByte(got, '%') >= 0 {
			decoded, err := url.PathUnescape(got)
			if err != nil {
				return params, false
			}
			got = decoded
		}
		if want != "" {
			if got != want {
				return params, false
			}
			continue
		}
		params[n] = got
		n++
	}
	return params, true
}

// operation returns the route's operation for a method, nil if it has none.
func (r *route) operation(method string) *operation {
	for i := range r.methods {
		if r.methods[i].method == method {
			return &r.methods[i]
		}
	}
	return nil
}

// cut splits a path at its slashes into out without allocating, after normalising it: empty segments are dropped (so
// that "//topics" and a trailing slash are accepted), "." and ".." are resolved, also when they are percent-encoded
// (RFC 3986, 6.2.2.2 and 5.2.4). It reports false for a path deeper than any of ours.
func cut(path string, out *[8]string) (n int, ok bool) {
	for path != "" {
		var segment string
		segment, path, _ = strings.Cut(path, "/")
		switch dots(segment) {
		case 0:
		case 1:
			continue
		case 2:
			n = max(n-1, 0)
			continue
		}
		if segment == "" {
			continue
		}
		if n == len(out)-1 {
			return 0, false
		}
		out[n] = segment
		n++
	}
	return n, true
}

// dots returns 1 or 2 for the segments "." and "..", in whichever encoding, 0 for any other.
func dots(segment string) int {
	n := 0
	for segment != "" {
		rest, ok := strings.CutPrefix(segment, ".")
		if !ok && len(segment) >= 3 && strings.EqualFold(segment[:3], "%2e") {
			rest, ok = segment[3:], true
		}
		if !ok || n == 2 {
			return 0
		}
		segment = rest
		n++
	}
	return n
}

// split is cut for a path of the table.
func split(path string) []string {
	var out [8]string
	n, _ := cut(path, &out)
	return append([]string(nil), out[:n]...)
}
