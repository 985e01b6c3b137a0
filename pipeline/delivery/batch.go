package delivery

import (
	"context"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// Reasons of outcomes that are decided here; a provider's own come from its
// client.
const (
	reasonOptedOut  = "opted_out"
	reasonExpired   = "expired"
	reasonNoAddress = "no_address"
	reasonTemplate  = "template"
	reasonExhausted = "attempts_exhausted"
	reasonOutOfTime = "out_of_time"
)

// batch is one batch on its way through a worker.
type batch struct {
	delivery *Delivery
	queue    pipeline.Queue
	pool     *pool
	grant    grant
	settler  *settler
	ending   <-chan struct{} // closed when nothing more is to be started
}

// send takes deliveries all the way to the settler. Every one of them leaves a
// fact, unless it is in doubt and what became of it cannot be learnt or noted:
// it is then left as it is, for the next owner to doubt.
func (b *batch) send(ctx context.Context, deliveries []*pipeline.Delivery) {
	deliveries = b.resolveDoubts(ctx, deliveries)
	checked := b.lastChecks(ctx, deliveries)
	if len(checked) == 0 {
		return
	}
	division := b.pool.divide(b.queue, checked, &b.grant)
	b.putBack(division.waiting)
	b.count(division)
	// Two parts are on their way together: the batch takes no longer than the
	// slower of the providers.
	var others sync.WaitGroup
	for i := range division.parts {
		if i == len(division.parts)-1 {
			b.sendPart(ctx, &division.parts[i])
			break
		}
		others.Go(func() { b.sendPart(ctx, &division.parts[i]) })
	}
	others.Wait()
}

// putBack settles what waits, though no call was made with it.
func (b *batch) putBack(waiting []waiting) {
	facts := make([]pipeline.Fact, len(waiting))
	now := b.delivery.cfg.Now()
	for i, w := range waiting {
		facts[i] = pipeline.Fact{Delivery: w.delivery, At: now}
		b.delivery.retry(&facts[i], w.due)
	}
	b.settler.add(facts, nil)
}

// count tells the metrics what the division did.
func (b *batch) count(d *division) {
	for i := range d.parts {
		p := &d.parts[i]
		p.upstream.recorder.FailedOver(p.failedOver, p.doubtful)
	}
	if d.overBudget > 0 {
		b.delivery.cfg.Metrics.OverBudget(b.queue.Channel, d.overBudget)
	}
}

// sendPart sends what one provider gets.
func (b *batch) sendPart(ctx context.Context, pt *part) {
	deliveries, messages := b.render(ctx, pt)
	u := pt.upstream
	b.pool.charge(u, u.weight(messages)-len(pt.deliveries))
	if len(messages) == 0 {
		b.pool.record(pt, policy.CallUnknown, 0)
		return
	}
	b.delivery.cfg.Metrics.Batch(b.queue, len(messages))
	u.recorder.CallStarted()
	call := answered{provider: u.recorder, name: u.Name(), weight: u.Weight, began: b.delivery.cfg.Now()}
	answers := u.Send(ctx, messages)
	if len(answers) != len(deliveries) {
		panic("BUG: a provider's client gave another number of answers than it had messages")
	}
	call.ended = b.delivery.cfg.Now()
	u.recorder.Called(len(messages), call.ended.Sub(call.began))
	call.failures = b.pool.record(pt, resultOf(answers), len(messages))
	b.delivery.cfg.Tracer.Sent(ctx, deliveries, answers, call.name, call.began, call.ended)
	b.settle(deliveries, messages, answers, &call)
}
