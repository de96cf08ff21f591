package tracing

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// receiver takes spans as an OpenTelemetry collector does, by gRPC and by HTTP.
type receiver struct {
	*testing.T
	server *httptest.Server

	mu      sync.Mutex
	spans   []received
	about   map[string]any // attributes of the resource
	headers []http.Header
	paths   []string
	refuse  []int // statuses for the next requests: of HTTP, or of gRPC
}

// received is a decoded span.
type received struct {
	traceID, spanID, parentID, name, state string
	kind                                   uint64
	start, end                             uint64
	attributes                             map[string]any
	links                                  [][2]string
	code                                   uint64
	message                                string
	flags                                  uint32
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{T: t, about: map[string]any{}}
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.server.Config.Protocols = new(http.Protocols)
	r.server.Config.Protocols.SetHTTP1(true)
	r.server.Config.Protocols.SetUnencryptedHTTP2(true)
	r.server.Start()
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.headers, r.paths = append(r.headers, q.Header.Clone()), append(r.paths, q.URL.Path)
	status := 0
	if len(r.refuse) > 0 {
		status, r.refuse = r.refuse[0], r.refuse[1:]
	}
	if q.Header.Get("Content-Type") == "application/grpc" {
		r.grpc(w, q, body, status)
		return
	}
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	if q.Header.Get("Content-Type") != "application/x-protobuf" {
		r.Errorf("content type %q", q.Header.Get("Content-Type"))
	}
	r.take(body, q.Header.Get("Content-Encoding") == "gzip")
}

func (r *receiver) grpc(w http.ResponseWriter, q *http.Request, body []byte, status int) {
	if q.ProtoMajor != 2 || q.Header.Get("Te") != "trailers" {
		r.Errorf("gRPC by %s, TE %q", q.Proto, q.Header.Get("Te"))
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	w.WriteHeader(http.StatusOK)
	if status == 0 {
		if len(body) < 5 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
			r.Errorf("a frame of %d bytes begins with %x", len(body), body[:5])
			return
		}
		r.take(body[5:], body[0] == 1)
		_, _ = w.Write(make([]byte, 5)) // an empty answer
	}
	w.Header().Set("Grpc-Status", fmt.Sprint(status))
	w.Header().Set("Grpc-Message", "told to")
}

// field is one of a message; num is set for numbers, data for the rest.
type field struct {
	num  uint64
	data []byte
}

// fields decodes a message by the rules of protobuf's encoding alone.
func (r *receiver) fields(b []byte) map[protowire.Number][]field {
	out := make(map[protowire.Number][]field)
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			r.Errorf("not protobuf: %v", protowire.ParseError(n))
			return out
		}
		b = b[n:]
		var f field
		switch kind {
		case protowire.VarintType:
			f.num, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.num, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.num = uint64(v)
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(b)
		}
		if n < 0 {
			r.Errorf("not protobuf: %v", protowire.ParseError(n))
			return out
		}
		b = b[n:]
		out[number] = append(out[number], f)
	}
	return out
}

func one(f []field) field {
	if len(f) == 0 {
		return field{}
	}
	return f[0]
}

// attributes decodes KeyValues.
func (r *receiver) attributes(list []field) map[string]any {
	out := make(map[string]any)
	for _, kv := range list {
		f := r.fields(kv.data)
		value := r.fields(one(f[2]).data)
		var v any = string(one(value[1]).data)
		switch {
		case value[2] != nil:
			v = one(value[2]).num == 1
		case value[3] != nil:
			v = int64(one(value[3]).num)
		case value[4] != nil:
			v = math.Float64frombits(one(value[4]).num)
		}
		out[string(one(f[1]).data)] = v
	}
	return out
}

func (r *receiver) take(body []byte, packed bool) {
	if packed {
		z, err := gzip.NewReader(strings.NewReader(string(body)))
		if err != nil {
			r.Error(err)
			return
		}
		if body, err = io.ReadAll(z); err != nil {
			r.Error(err)
		}
	}
	for _, resourceSpans := range r.fields(body)[1] {
		rs := r.fields(resourceSpans.data)
		r.about = r.attributes(r.fields(one(rs[1]).data)[1])
		for _, scopeSpans := range rs[2] {
			ss := r.fields(scopeSpans.data)
			if name := string(one(r.fields(one(ss[1]).data)[1]).data); name != scope {
				r.Errorf("scope %q", name)
			}
			for _, s := range ss[2] {
				r.spans = append(r.spans, r.span(r.fields(s.data)))
			}
		}
	}
}

func (r *receiver) span(f map[protowire.Number][]field) received {
	status := r.fields(one(f[15]).data)
	s := received{
		traceID: hex.EncodeToString(one(f[1]).data), spanID: hex.EncodeToString(one(f[2]).data), state: string(one(f[3]).data),
		parentID: hex.EncodeToString(one(f[4]).data), name: string(one(f[5]).data), kind: one(f[6]).num, start: one(f[7]).num, end: one(f[8]).num,
		attributes: r.attributes(f[9]), message: string(one(status[2]).data), code: one(status[3]).num, flags: uint32(one(f[16]).num),
	}
	for _, l := range f[13] {
		link := r.fields(l.data)
		s.links = append(s.links, [2]string{hex.EncodeToString(one(link[1]).data), hex.EncodeToString(one(link[2]).data)})
	}
	return s
}

// named returns the spans of a name.
func (r *receiver) named(name string) []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []received
	for _, s := range r.spans {
		if s.name == name {
			out = append(out, s)
		}
	}
	return out
}

// requests returns how many came.
func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.paths)
}

// refuseNext makes the next requests fail.
func (r *receiver) refuseNext(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = statuses
}

func plausible(t *testing.T, s received) {
	t.Helper()
	start, end := time.Unix(0, int64(s.start)), time.Unix(0, int64(s.end))
	if len(s.traceID) != 32 || len(s.spanID) != 16 || time.Since(start) > time.Minute || end.Before(start) || time.Since(end) < 0 {
		t.Errorf("implausible span %+v", s)
	}
}
