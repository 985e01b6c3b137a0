package kafka

import (
	"context"
	"sync"
	"time"
)

// fetcher reads a lease's partitions: it looks who leads them, and has a reader
// for each leader. Its run owns it.
type fetcher struct {
	lease   *lease
	readers map[int32]*reader // by leader
	moved   chan struct{}     // a reader failed: others may lead by now
	seeking complaint         // who leads
}

func newFetcher(l *lease) *fetcher {
	return &fetcher{
		lease: l, readers: map[int32]*reader{}, moved: make(chan struct{}, 1),
		seeking: complaint{log: l.log.cfg.Log, what: "looking who leads partitions of " + l.Channel().String()},
	}
}

// run reads until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-f.moved:
		case <-ctx.Done():
			return
		}
		timer.Reset(f.look(ctx, &reading))
	}
}

// look tells the readers what their leaders lead, and says when to look again.
func (f *fetcher) look(ctx context.Context, reading *sync.WaitGroup) time.Duration {
	leaders, err := f.lease.log.leaders(ctx)
	if err != nil {
		if ctx.Err() == nil {
			f.seeking.about(err)
		}
		return fetchPause
	}
	f.seeking.over()
	for leader := range f.lease.assign(leaders) {
		if f.readers[leader] != nil {
			continue
		}
		r := newReader(f.lease, leader, f.moved)
		f.readers[leader] = r
		reading.Go(func() { r.run(ctx) })
	}
	return metadataTTL
}

// assign notes who leads each partition, and gives all who lead any.
func (l *lease) assign(leaders map[topicPartition]int32) map[int32]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[int32]struct{}{}
	for _, o := range l.partitions {
		leader, known := leaders[topicPartition{o.name, o.number}]
		if !known {
			leader = noLeader
		}
		if leader != o.leader {
			o.leader = leader
			l.feed()
		}
		if leader != noLeader {
			all[leader] = struct{}{}
		}
	}
	return all
}
