package tracing

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/protowire"
)

// encode returns an ExportTraceServiceRequest (opentelemetry-proto 1.x, collector/trace/v1) with all spans, which share
// one resource and one scope.
func encode(spans []sdk.ReadOnlySpan) []byte {
	var resource []byte
	for _, kv := range spans[0].Resource().Attributes() {
		resource = message(resource, 1, keyValue(kv))
	}
	about := spans[0].InstrumentationScope()
	instrumentation := text(text(nil, 1, about.Name), 2, about.Version)
	scopeSpans := message(nil, 1, instrumentation)
	for _, s := range spans {
		scopeSpans = message(scopeSpans, 2, span(s))
	}
	return message(nil, 1, message(message(nil, 1, resource), 2, scopeSpans))
}

// Bits of the field flags beside those of W3C's trace flags (trace/v1 SpanFlags).
const (
	knowsRemote = 0x100
	isRemote    = 0x200
)

func span(s sdk.ReadOnlySpan) []byte {
	context, parent := s.SpanContext(), s.Parent()
	traceID, spanID := context.TraceID(), context.SpanID()
	b := raw(raw(nil, 1, traceID[:]), 2, spanID[:])
	b = text(b, 3, context.TraceState().String())
	if parent.HasSpanID() {
		id := parent.SpanID()
		b = raw(b, 4, id[:])
	}
	b = text(b, 5, s.Name())
	b = number(b, 6, uint64(s.SpanKind())) // the numbers are the protocol's
	b = fixed64(b, 7, uint64(s.StartTime().UnixNano()))
	b = fixed64(b, 8, uint64(s.EndTime().UnixNano()))
	for _, kv := range s.Attributes() {
		b = message(b, 9, keyValue(kv))
	}
	b = number(b, 10, uint64(s.DroppedAttributes()))
	for _, l := range s.Links() {
		b = message(b, 13, link(l))
	}
	b = number(b, 14, uint64(s.DroppedLinks()))
	b = message(b, 15, status(s.Status()))
	return fixed32(b, 16, flags(context.TraceFlags(), parent.IsRemote()))
}

func flags(f trace.TraceFlags, remote bool) uint32 {
	all := uint32(f) | knowsRemote
	if remote {
		all |= isRemote
	}
	return all
}

func link(l sdk.Link) []byte {
	traceID, spanID := l.SpanContext.TraceID(), l.SpanContext.SpanID()
	b := raw(raw(nil, 1, traceID[:]), 2, spanID[:])
	b = text(b, 3, l.SpanContext.TraceState().String())
	return fixed32(b, 6, flags(l.SpanContext.TraceFlags(), l.SpanContext.IsRemote()))
}

// status maps the SDK's codes, whose numbers are not the protocol's.
func status(s sdk.Status) []byte {
	const ok, failed = 1, 2
	b := text(nil, 2, s.Description)
	switch s.Code {
	case codes.Ok:
		return number(b, 3, ok)
	case codes.Error:
		return number(b, 3, failed)
	}
	return b
}

func keyValue(kv attribute.KeyValue) []byte {
	return message(text(nil, 1, string(kv.Key)), 2, anyValue(kv.Value))
}

// anyValue writes the kinds that the bridge and the resource use; any other as its text.
func anyValue(v attribute.Value) []byte {
	switch v.Type() {
	case attribute.BOOL:
		return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		return protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), uint64(v.AsInt64()))
	case attribute.FLOAT64:
		return protowire.AppendFixed64(protowire.AppendTag(nil, 4, protowire.Fixed64Type), math.Float64bits(v.AsFloat64()))
	}
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), v.String())
}

// The rest writes one field each; what has the type's zero value is left out, as protobuf does, but for messages.

func message(b []byte, field protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), content)
}

func raw(b []byte, field protowire.Number, v []byte) []byte { return message(b, field, v) }

func text(b []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func fixed64(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), v)
}

func fixed32(b []byte, field protowire.Number, v uint32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), v)
}
