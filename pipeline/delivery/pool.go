package delivery

import (
	"context"
	"sync"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/policy"
)

// pool is a channel's workers. Who gets a free one is policy's to say.
type pool struct {
	mu      sync.Mutex
	workers int
	free    int
	turn    int
	// waiting holds, for each urgency, the batch that waits for a worker:
	// there is at most one.
	waiting [len(policy.Waiting{})]chan struct{}
	idle    sync.Cond // signals when all workers are free
}

func newPool(workers int) *pool {
	p := &pool{workers: workers, free: workers}
	p.idle.L = &p.mu
	return p
}

// take waits for a worker. There is one caller a priority.
func (p *pool) take(ctx context.Context, priority pipeline.Priority) error {
	granted, urgency := make(chan struct{}), urgencyOf(priority)
	p.mu.Lock()
	p.waiting[urgency] = granted
	p.grant()
	p.mu.Unlock()
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[urgency] != granted { // it was granted meanwhile
		p.release()
		return ctx.Err()
	}
	p.waiting[urgency] = nil
	return ctx.Err()
}

// urgencyOf ranks a priority as policy does.
func urgencyOf(p pipeline.Priority) policy.Urgency {
	switch p {
	case pipeline.High:
		return policy.High
	case pipeline.Normal:
		return policy.Normal
	default:
		return policy.Low
	}
}

// give gives a worker back.
func (p *pool) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *pool) release() {
	p.free++
	p.grant()
	if p.free == p.workers {
		p.idle.Broadcast()
	}
}

// grant gives free workers to those that wait, as policy picks them.
func (p *pool) grant() {
	for {
		var waiting policy.Waiting
		for urgency := range p.waiting {
			waiting[urgency] = p.waiting[urgency] != nil
		}
		pick := policy.Pick(waiting, p.free, p.workers, p.turn)
		if pick == policy.None {
			return
		}
		if pick != policy.High {
			p.turn++
		}
		p.free--
		close(p.waiting[pick])
		p.waiting[pick] = nil
	}
}

// wait returns when no worker is busy.
func (p *pool) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.free < p.workers {
		p.idle.Wait()
	}
}
