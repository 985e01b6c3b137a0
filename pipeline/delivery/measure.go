package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// Measurement is a channel's work at one moment. What is counted is counted
// since the start, so that the difference of two measurements gives rates: of
// Arrived the arrivals, of Sent the throughput; Sent by BusyTime is the rate of
// a busy worker, and BusyTime by time and workers how busy they are.
//
// A process that has a share of the channel tells of the whole of it all the
// same: it takes its own work for that of all, by its share at the time.
type Measurement struct {
	Channel  pipeline.Channel
	Workers  int // that there should be in this process
	Busy     int // in this process, with a batch in flight; more than Workers while a pool shrinks
	Depth    int64
	Arrived  int64
	Sent     int64
	BusyTime time.Duration
}

// Measure measures the channels. Errors: the feed's.
func (d *Delivery) Measure(ctx context.Context) (map[pipeline.Channel]Measurement, error) {
	// The ended are read first: what ends meanwhile is missing from both
	// counts for a moment, and never counts twice.
	all := make(map[pipeline.Channel]Measurement, len(d.channels))
	for name, c := range d.channels {
		m := c.pool.measure()
		m.Channel = name
		all[name] = m
	}
	depths, err := d.cfg.Feed.Depths(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure the queues: %w", err)
	}
	for _, depth := range depths {
		if m, ok := all[depth.Channel]; ok {
			m.Depth += depth.Waiting
			m.Arrived += depth.InFlight()
			all[depth.Channel] = m
		}
	}
	return all, nil
}

// SetWorkers sets how many batches of a channel are in flight at most, in all
// processes together and at least 1. This one takes its share of them. Batches in
// flight are not touched: a pool shrinks as they end.
func (d *Delivery) SetWorkers(channel pipeline.Channel, workers int) {
	c := d.channels[channel]
	if c == nil || workers < 1 {
		panic(fmt.Sprintf("BUG: %d workers of %v", workers, channel))
	}
	c.pool.resize(workers)
}

func (p *pool) measure() Measurement {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work(0)
	return Measurement{Workers: p.workers, Busy: p.busy, Arrived: int64(p.ended), Sent: int64(p.sent), BusyTime: p.busyTime}
}
