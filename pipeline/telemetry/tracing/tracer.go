package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/notifyctl/notifyctl/pipeline"
)

// scope names the instrumentation, as OpenTelemetry wants it.
const scope = "github.com/notifyctl/notifyctl/pipeline"

// tracesPath is where a collector takes traces (OTLP/HTTP specification).
const tracesPath = "/v1/traces"

// Options says what is traced.
type Options struct {
	// Sample is the share of notifications that are followed, and of requests
	// without a traceparent that are traced, from 0 to 1. The others' clients
	// have decided.
	Sample  float64
	Version string // of the program
	Log     *slog.Logger
}

// Tracer makes the traces. It is safe for concurrent use. A nil one makes none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	// bound is the first hash of an id that is not followed; every id is when
	// all is set.
	bound uint64
	all   bool
}

// Open makes a tracer that sends to an OTLP/HTTP collector, as in
// http://127.0.0.1:4318. Nothing is sent before there are traces, so the
// collector need not run yet; headers, certificates and compression are taken
// from OpenTelemetry's own environment variables (OTEL_EXPORTER_OTLP_...).
func Open(ctx context.Context, collector string, o Options) (*Tracer, error) {
	u, err := url.Parse(collector)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s is no address of a collector; want a URL, as in http://127.0.0.1:4318", collector)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = tracesPath
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	if err != nil {
		return nil, fmt.Errorf("set up the export of traces to %s: %w", collector, err)
	}
	return New(sdk.NewBatchSpanProcessor(&loggedExporter{SpanExporter: exporter, log: o.Log}), o), nil
}

// New makes a tracer that gives its spans to a processor.
func New(processor sdk.SpanProcessor, o Options) *Tracer {
	t := &Tracer{all: o.Sample >= 1}
	if !t.all {
		t.bound = uint64(o.Sample * (1 << 64)) // rounds down: what is below 1 fits
	}
	t.provider = sdk.NewTracerProvider(
		sdk.WithSpanProcessor(processor),
		sdk.WithIDGenerator(generator{}),
		sdk.WithSampler(sdk.ParentBased(rootSampler{sdk.TraceIDRatioBased(o.Sample)})),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "notifyctl"), attribute.String("service.version", o.Version),
		)),
	)
	t.tracer = t.provider.Tracer(scope)
	return t
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// Follows says whether a notification is followed.
func (t *Tracer) Follows(id pipeline.ID) bool {
	return t != nil && (t.all || xxhash.Sum64(id[:]) < t.bound)
}

// Handler traces the requests of a handler that are chosen; what they are is
// said by operation.
func (t *Tracer) Handler(next http.Handler, operation string, chosen func(*http.Request) bool) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, operation,
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithFilter(chosen),
		otelhttp.WithSpanNameFormatter(func(operation string, _ *http.Request) string { return operation }),
	)
}

// span makes a span that has ended, below the one that ctx holds.
func (t *Tracer) span(ctx context.Context, name string, began, ended time.Time, attributes ...attribute.KeyValue) {
	if ended.Before(began) { // a clock was set back
		ended = began
	}
	_, s := t.tracer.Start(ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attributes...))
	s.End(trace.WithTimestamp(ended))
}

// loggedExporter logs when traces cannot be exported, and when they can again:
// the library would tell a global handler, at every attempt.
type loggedExporter struct {
	sdk.SpanExporter
	log    *slog.Logger
	failed bool // the processor exports one batch at a time
}

// ExportSpans exports. Its error has been logged.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !e.failed:
		e.log.Warn("traces cannot be sent to the collector and are lost", "spans", len(spans), "error", err)
	case err == nil && e.failed:
		e.log.Info("traces are sent to the collector again")
	}
	e.failed = err != nil
	return nil
}
