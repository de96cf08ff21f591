// Package tracing gives requests their OpenTelemetry spans: one for a send or a poll, one for each record in it, and the
// W3C context that leads from one to the next through HTTP headers and record headers (bridge contract 4.3). The SDK makes
// the spans and reads its OTEL_* variables; the exporter is this package's own, since the official ones are larger than
// the rest of the bridge's tracing together. Nothing here answers a request or fails one: a trace that cannot be delivered
// is dropped and logged. A nil Tracer and a nil Request are tracing that is off, and cost nothing.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of all spans.
const scope = "github.com/steg-kafka/steg"

// Options is what a Tracer is made of beside the OTEL_* variables of the environment.
type Options struct {
	Version string
	Log     *slog.Logger
}

// Tracer makes spans and sends them in the background until Close.
type Tracer struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	exporter   *exporter
}

// New returns a tracer as OTEL_* say; nil without an error where they switch tracing off (OTEL_SDK_DISABLED,
// OTEL_TRACES_EXPORTER=none). It opens no connection: the receiver may be away. The error is a variable that is missing or
// can't be understood, OTEL_SERVICE_NAME above all, without which the reference bridge does not trace either.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if os.Getenv("OTEL_SERVICE_NAME") == "" {
		return nil, errors.New("OTEL_SERVICE_NAME is not set")
	}
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil //nolint:nilnil // off is a wish, not a failure
	}
	switch kind := os.Getenv("OTEL_TRACES_EXPORTER"); kind {
	case "none":
		return nil, nil //nolint:nilnil // as above
	case "", "otlp":
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER=%s: otlp or none", kind)
	}
	cfg, err := readConfig()
	if err != nil {
		return nil, err
	}
	propagator, err := propagators(os.Getenv("OTEL_PROPAGATORS"))
	if err != nil {
		return nil, err
	}
	described, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.version", o.Version)),
		resource.WithFromEnv())
	if err != nil && described == nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	out := newExporter(cfg, o.Log)
	provider := sdk.NewTracerProvider(sdk.WithBatcher(out), sdk.WithResource(described))
	return &Tracer{
		provider: provider, tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version)),
		propagator: propagator, exporter: out,
	}, nil
}

// Close sends what is left, within ctx.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	defer t.exporter.kill()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	return nil
}

// propagators reads OTEL_PROPAGATORS.
func propagators(list string) (propagation.TextMapPropagator, error) {
	if list == "" {
		list = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none", "":
		default:
			return nil, fmt.Errorf("OTEL_PROPAGATORS=%s: tracecontext, baggage or none", list)
		}
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}

// Request is the span of one HTTP request.
type Request struct {
	tracer *Tracer
	ctx    context.Context
	span   trace.Span
}

// Server begins the SERVER span of a request, as a child of the span that its headers name. The attributes are the
// reference bridge's, server.address included.
func (t *Tracer) Server(r *http.Request, operation string) *Request {
	if t == nil {
		return nil
	}
	ctx := t.propagator.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	ctx, span := t.tracer.Start(ctx, operation, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("server.address", "kafka"),
		attribute.String("http.request.method", r.Method),
		attribute.String("url.scheme", scheme),
		attribute.String("url.path", r.URL.Path),
		attribute.String("url.query", r.URL.RawQuery)))
	return &Request{tracer: t, ctx: ctx, span: span}
}

// Inject puts the span's context into the headers of the answer.
func (q *Request) Inject(h http.Header) {
	if q != nil {
		q.tracer.propagator.Inject(q.ctx, propagation.HeaderCarrier(h))
	}
}

// End ends the span with what was answered; failure is the class of what went wrong, empty if nothing did.
func (q *Request) End(status int, failure string) {
	if q == nil {
		return
	}
	q.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= 200 && status < 300 {
		q.span.SetStatus(codes.Ok, "")
	} else {
		q.span.SetStatus(codes.Error, failure)
		q.span.SetAttributes(attribute.String("error.type", failure))
	}
	q.span.End()
}

// Sends is the spans of the records of one send.
type Sends struct{ spans []trace.Span }

// Sending begins a PRODUCER span for each record and puts its context into the record's headers, in place of one that the
// client may have put there, as the reference bridge does. It returns nil when no span is recorded; contexts are put in
// then too, so that whoever reads the records knows that they are not to be sampled.
func (q *Request) Sending(topic string, records []kgo.Record) *Sends {
	if q == nil {
		return nil
	}
	if !q.span.IsRecording() {
		for i := range records {
			q.tracer.propagator.Inject(q.ctx, carrier{&records[i]})
		}
		return nil
	}
	s := &Sends{spans: make([]trace.Span, len(records))}
	about := trace.WithAttributes(
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.destination.name", topic),
		attribute.String("messaging.operation", "publish"))
	for i := range records {
		ctx, span := q.tracer.tracer.Start(q.ctx, topic+" publish", trace.WithSpanKind(trace.SpanKindProducer), about)
		q.tracer.propagator.Inject(ctx, carrier{&records[i]})
		s.spans[i] = span
	}
	return s
}

// Sent ends the span of one record with what became of it; failure is empty for a record that Kafka has taken.
func (s *Sends) Sent(i int, partition int32, offset int64, failure string) {
	if s == nil {
		return
	}
	span := s.spans[i]
	span.SetAttributes(place(partition, offset)...)
	if failure != "" {
		span.SetStatus(codes.Error, failure)
		span.SetAttributes(attribute.String("error.type", failure))
	}
	span.End()
}

// End ends the spans whose records nobody waits for, or that a refusal kept from being sent; failure as for Sent.
func (s *Sends) End(failure string) {
	if s == nil {
		return
	}
	for _, span := range s.spans {
		if failure != "" {
			span.SetStatus(codes.Error, failure)
		}
		span.End()
	}
}

// Received makes a CONSUMER span for each delivered record, linked to the span that the record's headers name.
func (q *Request) Received(records []*kgo.Record) {
	if q == nil || !q.span.IsRecording() {
		return
	}
	for _, r := range records {
		options := []trace.SpanStartOption{
			trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(
				attribute.String("messaging.system", "kafka"),
				attribute.String("messaging.destination.name", r.Topic),
				attribute.String("messaging.operation", "receive")),
			trace.WithAttributes(place(r.Partition, r.Offset)...),
		}
		origin := trace.SpanContextFromContext(q.tracer.propagator.Extract(context.Background(), carrier{r}))
		if origin.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: origin}))
		}
		_, span := q.tracer.tracer.Start(q.ctx, r.Topic+" receive", options...)
		span.End()
	}
}

// place is where a record lies, as far as it is known.
func place(partition int32, offset int64) []attribute.KeyValue {
	var at []attribute.KeyValue
	if partition >= 0 {
		at = append(at, attribute.Int("messaging.destination.partition.id", int(partition)))
	}
	if offset >= 0 {
		at = append(at, attribute.Int64("messaging.kafka.message.offset", offset))
	}
	return at
}
