package pebble

import (
	"context"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// maxGroup bounds the changes of one commit, and maxGroupBytes its size.
	maxGroup      = 1024
	maxGroupBytes = 8 << 20
	// expireEvery is how often expired idempotency keys are looked for.
	expireEvery = time.Minute
	// maxLinger is how long a change that nobody outside waits for is kept for
	// one that somebody does: at a low rate half of the commits are spared so.
	maxLinger = 5 * time.Millisecond
	// shareLinger is how long a change that a client waits for is kept for others
	// that clients wait for, when these come faster than manyRate a second: a commit
	// costs more than what one of so many asks for. The rate is looked at so often
	// as rateEvery.
	shareLinger = time.Millisecond
	manyRate    = 2000
	rateEvery   = 10 * time.Millisecond
)

// change is one caller's part of a commit.
type change struct {
	// build adds to the commit. It runs in the writer.
	build func(g *group)
	// publish lets readers see it. It runs after the sync, under Store.mu.
	publish func()
	// patient lets it wait for others to share their commit, up to maxLinger.
	patient bool
	done    chan error
}

// writer is the one goroutine that changes the store. All fields but changes
// belong to it.
type writer struct {
	store      *Store
	changes    chan *change
	finished   sync.WaitGroup
	partitions []writtenPartition
	group      group // the commit under construction, in the memory of the one before
	lanes      []writtenLane
	account    pipeline.Account
	keys       map[uint32]*keyFilter // of the idempotency keys, by generation
	days       map[day]int64         // about what the history of each day takes
	// commits numbers the commits, without a gap: a log that was cut off or is
	// gone shows by it.
	commits      uint64
	acknowledged *acknowledged
	// many says that clients' changes come fast; counted of them came since.
	many    bool
	counted int
	since   time.Time
}

// countClients sees how fast the changes come that clients wait for.
func (w *writer) countClients(changes []*change) {
	for _, c := range changes {
		if !c.patient {
			w.counted++
		}
	}
	now := time.Now()
	if past := now.Sub(w.since); past >= rateEvery {
		w.many = float64(w.counted) >= manyRate*past.Seconds()
		w.counted, w.since = 0, now
	}
}

// addKey counts a key that is being written. Who looks for it from now on finds
// that the generation may hold it.
func (w *writer) addKey(generation uint32, key pipeline.KeyHash) {
	f := w.keys[generation]
	if f == nil {
		f = newKeyFilter(generation, true)
		w.keys[generation] = f
	}
	f.kept++
	f.add(key)
}

// writtenPartition is a partition as the last built commit leaves it.
type writtenPartition struct {
	window
	end      int64 // the next record's offset
	frontier int64 // everything below may have been sent
	trimmed  int64 // blocks below are deleted
	unread   bool  // bytes of it were put aside
}

// writtenLane is a lane's waiting records as the last built commit leaves them.
type writtenLane struct {
	leased map[waitKey]struct{} // handed out and not settled
}

func newWriter(s *Store, partitions int) *writer {
	queues := len(pipeline.Queues())
	w := &writer{
		store:      s,
		changes:    make(chan *change, maxGroup),
		partitions: make([]writtenPartition, queues*partitions),
		lanes:      make([]writtenLane, queues),
		keys:       map[uint32]*keyFilter{},
		days:       map[day]int64{},
	}
	w.group = group{w: w, open: make(map[int]*block, 8)}
	for i := range w.lanes {
		w.lanes[i].leased = map[waitKey]struct{}{}
	}
	return w
}

func (w *writer) start() { w.finished.Go(w.run) }

// stop ends the writer after the changes it was given.
func (w *writer) stop() {
	close(w.changes)
	w.finished.Wait()
}

// submit gives the writer a change and waits for its end. A cancelled ctx ends
// only the wait for a place: a change that was taken is always waited for, so
// that its end is known.
func (w *writer) submit(ctx context.Context, build func(*group), publish func()) error {
	return w.give(ctx, &change{build: build, publish: publish, done: make(chan error, 1)})
}

// submitPatiently is submit of a change that no client waits for.
func (w *writer) submitPatiently(ctx context.Context, build func(*group), publish func()) error {
	return w.give(ctx, &change{build: build, publish: publish, patient: true, done: make(chan error, 1)})
}

func (w *writer) give(ctx context.Context, c *change) error {
	select {
	case w.changes <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-c.done
}

func (w *writer) run() {
	pending := make([]*change, 0, maxGroup)
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	linger := time.NewTimer(maxLinger)
	defer linger.Stop()
	for {
		select {
		case first, open := <-w.changes:
			if !open {
				return
			}
			pending = w.gather(append(pending[:0], first), linger)
			w.countClients(pending)
			w.commit(pending)
		case <-ticker.C:
			if len(w.expired()) > 0 {
				w.commit([]*change{{build: expire, done: make(chan error, 1)}})
			}
		}
	}
}

// gather takes the changes that are waiting already. While all of them are
// patient it waits for one that is not, and where many come for those of a while.
func (w *writer) gather(pending []*change, linger *time.Timer) []*change {
	patient := pending[0].patient
	wait := shareLinger
	if patient {
		wait = maxLinger
	}
	linger.Reset(wait)
	for len(pending) < maxGroup {
		var c *change
		var open bool
		select {
		case c, open = <-w.changes:
		default:
			if !patient && !w.many {
				return pending
			}
			select {
			case c, open = <-w.changes:
			case <-linger.C:
				return pending
			}
		}
		if !open {
			return pending
		}
		if pending = append(pending, c); patient && !c.patient {
			patient = false
			linger.Reset(shareLinger)
		}
	}
	return pending
}

// commit writes changes, in as many batches as their size asks for.
func (w *writer) commit(changes []*change) {
	for len(changes) > 0 {
		began := time.Now()
		g := &w.group
		g.begin()
		n := 0
		for n < len(changes) && (n == 0 || g.size() < maxGroupBytes) {
			changes[n].build(g)
			n++
		}
		g.finish()
		size := g.size()
		err := g.commit()
		if err == nil {
			w.publish(g, changes[:n])
		}
		for _, c := range changes[:n] {
			c.done <- err
		}
		if w.store.cfg.Committed != nil {
			w.store.cfg.Committed(n, size, time.Since(began))
		}
		changes = changes[n:]
	}
}

// publish shows readers what a commit brought.
func (w *writer) publish(g *group, changes []*change) {
	s := w.store
	// Before what was settled leaves the windows, so that it is in one of them
	// at any moment.
	s.recent.publish(g.journal, w.commits)
	s.mu.Lock()
	for i := range g.blocks {
		s.publishBlock(&g.blocks[i])
	}
	for _, c := range changes {
		if c.publish != nil {
			c.publish()
		}
	}
	s.account = w.account
	s.mu.Unlock()
	s.runs.publish(g.outcomes)
}

// expired lists the generations of idempotency keys that nobody is answered by
// any more.
func (w *writer) expired() []uint32 {
	oldest := generationOf(w.store.cfg.Now().Add(-w.store.cfg.KeyTTL))
	var gone []uint32
	for generation := range w.keys {
		if generation < oldest {
			gone = append(gone, generation)
		}
	}
	return gone
}

// expire is the change that drops expired generations.
func expire(g *group) {
	for _, generation := range g.w.expired() {
		delete(g.w.keys, generation)
		g.deleteRange(idempotencyKeys(generation))
		g.keysChanged = true
	}
}
