package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Sent goes on with the traces of what a call carried, with one answer a
// delivery. What the call left out is not sent.
func (t *Tracer) Sent(ctx context.Context, deliveries []*pipeline.Delivery, answers []pipeline.Answer, provider string, began, ended time.Time) {
	if t == nil {
		return
	}
	for i, d := range deliveries {
		if answers[i].Class == pipeline.Unsent || !t.Follows(d.ID) {
			continue
		}
		ctx, attempt := t.waited(ctx, d)
		t.span(ctx, spanBatch, d.Fetched, began, attempt)
		t.span(ctx, spanSend, began, ended, attempt, attribute.String("provider", provider),
			attribute.Int("batch.size", len(deliveries)), attribute.String("answer", answers[i].Class.String()))
	}
}

// waited makes the spans of a delivery's way until it was fetched, and gives a
// context below its notification's root span, and which attempt it is.
func (t *Tracer) waited(ctx context.Context, d *pipeline.Delivery) (context.Context, attribute.KeyValue) {
	ctx = below(context.WithoutCancel(ctx), d.ID)
	attempt, due := attribute.Int("attempt", len(d.Attempts)+1), d.AcceptedAt()
	if made := len(d.Attempts); made > 0 {
		due = d.Due
		t.span(ctx, spanBackoff, d.Attempts[made-1].At, due, attempt)
	}
	t.span(ctx, spanQueue, due, d.Fetched, attempt)
	return ctx, attempt
}

// Settled goes on with the traces of what was settled at a time.
func (t *Tracer) Settled(ctx context.Context, facts []pipeline.Fact, at time.Time) {
	if t == nil {
		return
	}
	for i := range facts {
		if f := &facts[i]; t.Follows(f.Delivery.ID) && f.State != 0 {
			t.settled(ctx, f, at)
		}
	}
}

func (t *Tracer) settled(ctx context.Context, f *pipeline.Fact, at time.Time) {
	if f.Attempt.Class == 0 { // there was no call
		below, attempt := t.waited(ctx, f.Delivery)
		t.span(below, spanCheck, f.Delivery.Fetched, f.At, attempt)
	}
	attributes := []attribute.KeyValue{
		attribute.Int("attempt", len(f.Delivery.Attempts)+1), attribute.String("notification.state", f.State.String()),
	}
	if f.Reason != "" {
		attributes = append(attributes, attribute.String("notification.reason", f.Reason))
	}
	t.span(below(context.WithoutCancel(ctx), f.Delivery.ID), spanSettle, f.At, at, attributes...)
}
