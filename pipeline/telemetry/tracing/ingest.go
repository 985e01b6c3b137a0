package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Step is a step of taking a request in.
type Step uint8

// The steps, in their order.
const (
	Reserve     Step = iota // the request's idempotency keys
	Preferences             // what its users want
	Limits                  // what they may get
	Commit                  // until it is durable
	numSteps
)

// String gives the step's name, which its spans have.
func (s Step) String() string {
	return [numSteps]string{"reserve", "preferences", "limits", "commit"}[s]
}

// Names of the spans that a notification's trace has beside the steps.
const (
	spanAccept  = "accept"  // the root: the request, as far as it is about the notification
	spanBackoff = "backoff" // from an attempt until the next is due
	spanQueue   = "queue"   // due until fetched
	spanBatch   = "batch"   // fetched until the call begins
	spanSend    = "send"    // the provider's call
	spanCheck   = "check"   // fetched until it was clear that no call is made
	spanSettle  = "settle"  // until what became of it is durable
)

// acceptance is a request that is being taken in. One goroutine uses it.
type acceptance struct {
	tracer *Tracer
	began  time.Time
	ended  [numSteps]time.Time
	last   time.Time
}

// acceptanceKey holds the request's acceptance in its context.
type acceptanceKey struct{}

func acceptanceOf(ctx context.Context) *acceptance {
	a, _ := ctx.Value(acceptanceKey{}).(*acceptance)
	return a
}

// Accept begins a request, whose span ctx may hold. The steps are told under the
// context that it gives; End follows.
func (t *Tracer) Accept(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	now := time.Now()
	return context.WithValue(ctx, acceptanceKey{}, &acceptance{tracer: t, began: now, last: now})
}

// Done says that a step of a request has ended, well or not; it began with the
// end of the step before.
func (t *Tracer) Done(ctx context.Context, s Step) {
	if t == nil {
		return
	}
	if a := acceptanceOf(ctx); a != nil {
		a.last = time.Now()
		a.ended[s] = a.last
	}
}

// Committed begins the traces of the notifications that a request brought.
func (t *Tracer) Committed(ctx context.Context, admissions []pipeline.Admission) {
	if t == nil {
		return
	}
	a := acceptanceOf(ctx)
	if a == nil {
		return
	}
	for i := range admissions {
		if t.Follows(admissions[i].ID) {
			a.root(ctx, &admissions[i])
		}
	}
}

// End ends a request, whatever came of it.
func (t *Tracer) End(ctx context.Context) {
	if t == nil {
		return
	}
	if a := acceptanceOf(ctx); a != nil && trace.SpanContextFromContext(ctx).IsSampled() {
		a.steps(ctx)
	}
}

// root makes the root span of a notification's trace, with its steps.
func (a *acceptance) root(ctx context.Context, n *pipeline.Admission) {
	request := trace.SpanContextFromContext(ctx)
	ctx = context.WithValue(context.WithoutCancel(ctx), rootKey{}, n.ID)
	options := []trace.SpanStartOption{
		trace.WithNewRoot(), trace.WithTimestamp(a.began),
		trace.WithAttributes(append(attributesOf(&n.Record), attribute.String("notification.state", n.State.String()))...),
	}
	if request.IsSampled() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: request}))
	}
	ctx, s := a.tracer.tracer.Start(ctx, spanAccept, options...)
	a.steps(ctx)
	s.End(trace.WithTimestamp(a.last))
}

// steps makes the spans of the steps that there were, below the one that ctx
// holds.
func (a *acceptance) steps(ctx context.Context) {
	began := a.began
	for s, ended := range a.ended {
		if !ended.IsZero() {
			a.tracer.span(ctx, Step(s).String(), began, ended)
			began = ended
		}
	}
}

// attributesOf are those by which a notification's trace is looked for.
func attributesOf(r *pipeline.Record) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("notification.id", r.ID.String()),
		attribute.String("notification.channel", r.Channel.String()),
		attribute.String("notification.priority", r.Priority.String()),
		attribute.String("notification.category", r.Category.String()),
	}
}
