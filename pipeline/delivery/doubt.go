package delivery

import (
	"context"
	"log/slog"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// resolveDoubts asks the history what a former owner had settled of the
// deliveries that it may have sent, and notes the others as takeovers before
// they are sent again.
func (b *batch) resolveDoubts(ctx context.Context, deliveries []*pipeline.Delivery) []*pipeline.Delivery {
	var ids []pipeline.ID
	for _, d := range deliveries {
		if d.Doubt {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return deliveries
	}
	entries := b.askHistory(ctx, ids)
	if entries == nil {
		return nil
	}
	kept := deliveries[:0:0]
	var ended, takeovers []pipeline.Fact
	next := 0
	now := b.delivery.cfg.Now()
	for _, d := range deliveries {
		if !d.Doubt {
			kept = append(kept, d)
			continue
		}
		entry := entries[next]
		next++
		if entry.State.Terminal() {
			ended = append(ended, pipeline.Fact{Delivery: d})
			continue
		}
		takeovers = append(takeovers, pipeline.Fact{
			Delivery: d, State: pipeline.Sending, At: now,
			Attempt: pipeline.Attempt{Provider: b.pool.upstreams[0].Name(), At: now, Class: pipeline.Uncertain},
		})
		kept = append(kept, d)
	}
	b.settler.add(ended, nil)
	return b.takeOver(ctx, kept, takeovers)
}

// askHistory looks ids up, again and again until the history answers or the
// delivery ends, and then gives nil. The batch waits here, on its worker: put
// back as retries, its deliveries would have lost their doubt.
func (b *batch) askHistory(ctx context.Context, ids []pipeline.ID) []pipeline.Entry {
	for {
		entries, err := b.delivery.cfg.History.ByID(ctx, ids)
		if err == nil {
			return entries
		}
		b.warn("history", err)
		select {
		case <-time.After(postponed):
		case <-b.ending:
			return nil
		}
	}
}

// takeOver makes takeovers durable before they are sent: a second crash must
// not make the account forget the first.
func (b *batch) takeOver(ctx context.Context, deliveries []*pipeline.Delivery, takeovers []pipeline.Fact) []*pipeline.Delivery {
	if len(takeovers) == 0 {
		return deliveries
	}
	noting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer after(b.ending, cancel)() // what is not sent need not be noted
	if err := b.settler.now(noting, takeovers); err != nil {
		b.warn("settlement", err)
		return nil
	}
	for i := range takeovers {
		f := &takeovers[i]
		f.Delivery.Attempts = append(f.Delivery.Attempts, f.Attempt)
	}
	b.delivery.cfg.Metrics.TakenOver(len(takeovers))
	b.delivery.cfg.Log.Warn("taking over notifications that may have been sent before", slog.Int("uncertain", len(takeovers)),
		slog.String("queue", b.queue.String()), slog.String("first_id", takeovers[0].Delivery.ID.String()))
	return deliveries
}
