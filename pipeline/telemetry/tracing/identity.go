package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/notifyctl/notifyctl/pipeline"
)

// TraceID is the id of a notification's trace.
func TraceID(id pipeline.ID) trace.TraceID {
	traceID, _ := identity(id)
	return traceID
}

// identity derives a notification's trace and root span from its id.
func identity(id pipeline.ID) (t trace.TraceID, root trace.SpanID) {
	sum := sha256.Sum256([]byte(id.String()))
	copy(t[:], sum[:16])
	copy(root[:], sum[16:24])
	return t, root
}

// below gives a context below a notification's root span, wherever that span
// was made.
func below(ctx context.Context, id pipeline.ID) context.Context {
	traceID, root := identity(id)
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: root, TraceFlags: trace.FlagsSampled, Remote: true,
	}))
}

// rootKey holds, in a context, the notification whose root span is started.
type rootKey struct{}

// generator gives a notification's root span the ids that follow from it, and
// all others random ones.
type generator struct{}

// NewIDs gives the ids of a root span.
func (g generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if id, ok := ctx.Value(rootKey{}).(pipeline.ID); ok {
		return identity(id)
	}
	var t trace.TraceID
	binary.BigEndian.PutUint64(t[:8], rand.Uint64())
	binary.BigEndian.PutUint64(t[8:], max(rand.Uint64(), 1)) // all zeros is no id
	return t, g.NewSpanID(ctx, t)
}

// NewSpanID gives the id of a span below another.
func (generator) NewSpanID(context.Context, trace.TraceID) (s trace.SpanID) {
	binary.BigEndian.PutUint64(s[:], max(rand.Uint64(), 1))
	return s
}

// rootSampler samples the notifications' root spans, which are started for
// followed ones alone, and a share of the others.
type rootSampler struct{ others sdk.Sampler }

// ShouldSample decides on a root span.
func (s rootSampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if _, ok := p.ParentContext.Value(rootKey{}).(pipeline.ID); ok {
		return sdk.AlwaysSample().ShouldSample(p)
	}
	return s.others.ShouldSample(p)
}

// Description names the sampler, as OpenTelemetry wants it.
func (s rootSampler) Description() string { return "Notification{" + s.others.Description() + "}" }
