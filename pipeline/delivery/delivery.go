package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/telemetry/tracing"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// Templates gives compiled templates; *[template.Service] is one.
type Templates interface {
	Get(ctx context.Context, id string, version uint32, locale string) (*template.Compiled, error)
}

// Preferences reads what users want: it fills in one preference a key, in the
// same order, and keeps neither.
type Preferences interface {
	Lookup(ctx context.Context, keys []pipeline.PreferenceKey, found []pipeline.Preference) error
}

// Addresses reads what is wanted of addresses, whoever's they are: one
// preference a recipient in the same order, or nothing when nothing was said of
// any.
type Addresses interface {
	LookupAddresses(ctx context.Context, recipients []pipeline.Recipient) ([]pipeline.Preference, error)
}

// Config is what a [Delivery] is made of.
type Config struct {
	Feed        pipeline.Feed
	Settlement  pipeline.Settlement
	History     pipeline.History
	Preferences Preferences
	Addresses   Addresses
	Templates   Templates
	Routes      map[pipeline.Channel]Route
	// Retractions are told what providers say of addresses; nil: nobody is.
	Retractions Retractions
	Backoff     policy.Backoff
	Breaker     policy.BreakerLimits // zero: [policy.DefaultBreaker]
	// TTL is until when a notification without a time of its own is tried,
	// from its acceptance; 0 is 24 h.
	TTL time.Duration
	// SettleEvery is how long facts gather at most before they are settled
	// together, half of it in the mean, which the end-to-end latency counts and
	// the API never does; 0 is [DefaultSettleEvery].
	SettleEvery time.Duration
	Metrics     *telemetry.Metrics
	Tracer      *tracing.Tracer // nil: nothing is traced
	Log         *slog.Logger
	Now         func() time.Time // nil: time.Now
}

// Delivery sends what the feed hands out. Run it once.
type Delivery struct {
	cfg      Config
	channels map[pipeline.Channel]*channel
	retract  *retractor
	lists    factLists
	wishes   wishPool
}

// channel is what is kept for one channel, whether or not it is delivered now.
type channel struct {
	name pipeline.Channel
	pool *pool
}

// New makes a delivery stage.
func New(cfg Config) *Delivery {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.TTL == 0 {
		cfg.TTL = 24 * time.Hour
	}
	if cfg.SettleEvery == 0 {
		cfg.SettleEvery = DefaultSettleEvery
	}
	if cfg.Breaker == (policy.BreakerLimits{}) {
		cfg.Breaker = policy.DefaultBreaker()
	}
	d := &Delivery{cfg: cfg, channels: make(map[pipeline.Channel]*channel, len(cfg.Routes)), retract: newRetractor(cfg.Retractions, cfg.Log)}
	for name, route := range cfg.Routes {
		d.channels[name] = &channel{name: name, pool: newPool(&cfg, name, route)}
	}
	return d
}

// BatchWait is how long the first notification of a batch waits for others. Each
// batch costs a hand-out, a call and its share of a settlement, however few
// notifications it has.
func BatchWait(p pipeline.Priority) time.Duration {
	switch p {
	case pipeline.High:
		return 30 * time.Millisecond
	case pipeline.Normal:
		return 200 * time.Millisecond
	default:
		return time.Second
	}
}

// Run delivers until ctx ends, then ends in order: what is in flight is waited
// for and settled. A lease that ends is acquired again, and an engine that is
// away is waited for. Its error is any other of the feed or the settlement.
func (d *Delivery) Run(ctx context.Context) error {
	d.retract.start()
	defer d.retract.finish()
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range d.channels {
		group.Go(func() error {
			if err := d.deliver(ctx, c); err != nil {
				return fmt.Errorf("deliver %s: %w", c.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}
