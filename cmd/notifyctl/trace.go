package main

import (
	"context"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
)

// traceOptions are the flags of what is traced.
type traceOptions struct {
	collector string
	sample    float64
}

// traceSample is the share of notifications that are followed unless a flag says
// otherwise: it costs 0.3 us of CPU a notification, of some 25.
const traceSample = 0.01

func (o *traceOptions) registerTrace(flags *pflag.FlagSet) {
	flags.StringVar(&o.collector, "otlp", "", "`URL` of an OpenTelemetry collector, OTLP over HTTP (default: nothing is traced)")
	flags.Float64Var(&o.sample, "trace-sample", traceSample, "`share` of notifications that --otlp follows, 0..1")
}

// openTracer makes the tracer, nil when nothing is traced, and what sends the
// last traces.
func (o *traceOptions) openTracer(ctx context.Context, log *slog.Logger) (*tracing.Tracer, func() error, error) {
	if !(o.sample >= 0 && o.sample <= 1) { // nor NaN
		return nil, nil, usagef("--trace-sample %v: want a share from 0 to 1, as in 0.01", o.sample)
	}
	if o.collector == "" {
		return nil, func() error { return nil }, nil
	}
	tracer, err := tracing.Open(ctx, o.collector, tracing.Options{Sample: o.sample, Version: buildVersion().String(), Log: log})
	if err != nil {
		return nil, nil, usagef("--otlp: %v", err)
	}
	return tracer, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		return tracer.Close(ctx)
	}, nil
}
