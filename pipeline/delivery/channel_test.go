package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/delivery"
	"github.com/notifyctl/notifyctl/pipeline/policy"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
)

// feeds is an engine a channel.
type feeds map[pipeline.Channel]*engine

func (f feeds) Acquire(ctx context.Context, c pipeline.Channel) (pipeline.Lease, error) {
	return f[c].Acquire(ctx, c)
}

func (f feeds) Depths(context.Context) ([]pipeline.Depth, error) { return nil, nil }

func (f feeds) Settle(ctx context.Context, l pipeline.Lease, facts []pipeline.Fact) error {
	return f[l.Channel()].Settle(ctx, l, facts)
}

func (f feeds) Account(context.Context) (pipeline.Account, error) { return pipeline.Account{}, nil }

// The provider of one channel hangs, and has no backup: nothing of another
// channel waits for that.
func TestAStalledChannelBlocksNoOther(t *testing.T) {
	inBubble(t, func(w *world) {
		all := feeds{}
		routes := map[pipeline.Channel]delivery.Route{}
		for _, c := range pipeline.Channels() {
			e := newEngine()
			e.channel, e.quiet = c, true
			all[c] = e
			s := newSender(e, c.String())
			if c == pipeline.SMS {
				s.takes, s.answer = 5*time.Second, outage(0, time.Hour, pipeline.Ambiguous)
			}
			routes[c] = delivery.Route{Primary: delivery.Provider{Sender: s}, Workers: 4}
		}
		d := delivery.New(delivery.Config{
			Feed: all, Settlement: all, History: w.engine, Preferences: w.preferences, Addresses: w.preferences, Templates: w.templates,
			Routes: routes, Backoff: policy.DefaultBackoff(), Metrics: telemetry.New(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(w.Context())
		go func() { w.ended <- d.Run(ctx) }()
		const each, wait = 200, 100 * time.Millisecond
		for i := range each {
			for _, c := range pipeline.Channels() {
				one := w.notification(fmt.Sprint(c, i), func(d *pipeline.Delivery) { d.Channel = c })
				all[c].mu.Lock()
				all[c].queue(one)
				all[c].mu.Unlock()
			}
			time.Sleep(wait)
		}
		for _, c := range []pipeline.Channel{pipeline.Push, pipeline.Email} {
			all[c].mu.Lock()
			for id, facts := range all[c].facts {
				if late := facts[0].At.Sub(id.Time()); facts[0].State != pipeline.Delivered || late > wait {
					w.Errorf("%s of %s is %v after %v", id, c, facts[0].State, late)
				}
			}
			if n := len(all[c].facts); n < each-1 {
				w.Errorf("%d of %d of %s were sent", n, each, c)
			}
			all[c].mu.Unlock()
		}
		cancel()
		if err := <-w.ended; err != nil {
			w.Error(err)
		}
	})
}
