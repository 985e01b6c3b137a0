package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// Sender hands messages to one provider.
type Sender interface {
	// Name is the provider's, as the catalog has it.
	Name() string
	// MaxBatch is the most messages of one Send.
	MaxBatch() int
	// Send gives one answer a message, in the same order. It ends within its
	// own time limits, whatever the provider does.
	Send(ctx context.Context, messages []pipeline.Message) []pipeline.Answer
}

// Templates gives compiled templates; *[template.Service] is one.
type Templates interface {
	Get(ctx context.Context, id string, version uint32, locale string) (*template.Compiled, error)
}

// Preferences reads what users want, one preference a key in the same order.
type Preferences interface {
	Lookup(ctx context.Context, keys []pipeline.PreferenceKey) ([]pipeline.Preference, error)
}

// Route is how the notifications of one channel are sent.
type Route struct {
	Sender  Sender
	Workers int // batches in flight at most, at least 1
}

// Config is what a [Delivery] is made of.
type Config struct {
	Feed        pipeline.Feed
	Settlement  pipeline.Settlement
	History     pipeline.History
	Preferences Preferences
	Templates   Templates
	Routes      map[pipeline.Channel]Route
	Backoff     policy.Backoff
	// TTL is until when a notification without a time of its own is tried,
	// from its acceptance; 0 is 24 h.
	TTL     time.Duration
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Delivery sends what the feed hands out. Run it once.
type Delivery struct{ cfg Config }

// New makes a delivery stage.
func New(cfg Config) *Delivery {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.TTL == 0 {
		cfg.TTL = 24 * time.Hour
	}
	return &Delivery{cfg: cfg}
}

// BatchWait is how long the first notification of a batch waits for others.
func BatchWait(p pipeline.Priority) time.Duration {
	switch p {
	case pipeline.High:
		return 20 * time.Millisecond
	case pipeline.Normal:
		return 200 * time.Millisecond
	default:
		return time.Second
	}
}

// Run delivers until ctx ends, then ends in order: what is in flight is waited
// for and settled. Its error is of the feed or the settlement.
func (d *Delivery) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for channel, route := range d.cfg.Routes {
		group.Go(func() error {
			if err := d.deliver(ctx, channel, route); err != nil {
				return fmt.Errorf("deliver %s: %w", channel, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// deliver works one channel's lease from its acquisition to its end.
func (d *Delivery) deliver(ctx context.Context, channel pipeline.Channel, route Route) error {
	lease, err := d.cfg.Feed.Acquire(ctx, channel)
	if err != nil {
		return ended(ctx, err)
	}
	d.cfg.Metrics.WorkersDesired(channel, route.Workers)
	d.cfg.Metrics.WorkersRunning(channel, route.Workers)
	defer d.cfg.Metrics.WorkersRunning(channel, 0)
	// What was fetched is sent and settled even when ctx has ended.
	work := context.WithoutCancel(ctx)
	// A settler that fails ends the lanes: what they would send could not be
	// recorded.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := newSettler(d, lease, stop)
	b := &batches{delivery: d, lease: lease, route: route, pool: newPool(route.Workers), settler: s}
	settled := make(chan error, 1)
	go func() { settled <- s.run(work) }()

	lanes, laneCtx := errgroup.WithContext(ctx)
	for _, p := range pipeline.Priorities() {
		lanes.Go(func() error { return b.run(laneCtx, p) })
	}
	err = ended(ctx, lanes.Wait())
	b.pool.wait()
	s.finish()
	return errors.Join(err, <-settled, lease.Close(work))
}

// ended drops the errors by which an orderly end shows.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, pipeline.ErrLeaseEnded) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// batches cuts a channel's batches and gives them to workers.
type batches struct {
	delivery *Delivery
	lease    pipeline.Lease
	route    Route
	pool     *pool
	settler  *settler
}

// run cuts the batches of one priority until ctx or the lease ends.
func (b *batches) run(ctx context.Context, p pipeline.Priority) error {
	size := b.route.Sender.MaxBatch()
	for {
		if err := b.lease.Await(ctx, p, size, BatchWait(p)); err != nil {
			return err
		}
		if err := b.pool.take(ctx, p); err != nil {
			return err
		}
		deliveries, err := b.lease.Fetch(ctx, p, size)
		if err != nil || len(deliveries) == 0 {
			b.pool.give()
			if err != nil {
				return err
			}
			continue
		}
		b.start(ctx, pipeline.Queue{Channel: b.lease.Channel(), Priority: p}, deliveries)
	}
}

// start sends a batch on the worker that was taken for it.
func (b *batches) start(ctx context.Context, q pipeline.Queue, deliveries []*pipeline.Delivery) {
	ending := ctx.Done()
	ctx = context.WithoutCancel(ctx)
	b.delivery.cfg.Metrics.WorkerBusy(q.Channel)
	go func() {
		defer b.pool.give()
		defer b.delivery.cfg.Metrics.WorkerIdle(q.Channel)
		batch := &batch{delivery: b.delivery, queue: q, sender: b.route.Sender, settler: b.settler, ending: ending}
		batch.send(ctx, deliveries)
	}()
}
