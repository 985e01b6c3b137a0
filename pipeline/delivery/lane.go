package delivery

import (
	"context"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lane cuts the batches of one queue and gives them to workers.
type lane struct {
	delivery *Delivery
	channel  *channel
	priority pipeline.Priority
	lease    pipeline.Lease
	settler  *settler
}

// run cuts batches until ctx or the lease ends.
func (l *lane) run(ctx context.Context) error {
	pool := l.channel.pool
	for {
		if err := l.lease.Await(ctx, l.priority, pool.batch, BatchWait(l.priority)); err != nil {
			return err
		}
		g, err := pool.take(ctx, l.priority, l.lease.Ending())
		if err != nil {
			return err
		}
		deliveries, err := l.lease.Fetch(ctx, l.priority, g.most)
		if err != nil || len(deliveries) == 0 {
			pool.give(&g)
			if err != nil {
				return err
			}
			continue
		}
		l.start(ctx, g, deliveries)
	}
}

// start sends a batch on the worker that was taken for it.
func (l *lane) start(ctx context.Context, g grant, deliveries []*pipeline.Delivery) {
	b := &batch{
		delivery: l.delivery, pool: l.channel.pool, settler: l.settler, ending: ctx.Done(),
		queue: pipeline.Queue{Channel: l.channel.name, Priority: l.priority}, grant: g,
	}
	ctx = context.WithoutCancel(ctx)
	l.delivery.cfg.Metrics.WorkerBusy(l.channel.name)
	go func() {
		defer b.pool.give(&b.grant)
		defer l.delivery.cfg.Metrics.WorkerIdle(l.channel.name)
		b.send(ctx, deliveries)
	}()
}
