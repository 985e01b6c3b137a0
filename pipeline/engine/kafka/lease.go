package kafka

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// lease is a generation of a channel's group, with the partitions that it gave
// us. It hands out until it ends, takes exits until it is over, and is over when
// it was closed, when the time to drain has passed, or when a commit was refused
// because another generation has begun.
type lease struct {
	log    *Log
	topics *channelTopics
	member member
	share  float64
	// portion is how many bytes of a partition are kept in memory, about.
	portion int

	// ending is closed when nothing more is handed out, holding is done when the
	// lease is over.
	ending  chan struct{}
	holding context.Context
	letGo   context.CancelFunc
	// coordinator is the broker that commits go to, if coordinated says that it
	// is known. Whoever commits owns both, one after the other.
	coordinator int32
	coordinated bool
	// serving counts what reads and moves records, until the lease ends.
	serving sync.WaitGroup
	// leaving says that its owner ends it, and the group is to be left.
	leaving atomic.Bool

	clock chan struct{} // for the delays: look again
	dirty chan struct{} // for the committer: something has changed

	mu          sync.Mutex
	fed         []*reader // who have nothing to ask for
	partitions  []*owned
	byToken     map[int32]*owned
	lanes       [3]lane
	outstanding map[pipeline.Token]*outstanding
	ended       bool      // ending is closed
	failure     error     // why, when records are lost
	passing     []handout // what waits longer than any topic's delay
	passes      bool      // somebody queues it again
	commits     commits
}

var _ pipeline.LogLease = (*lease)(nil)

// outstanding is a record that was handed out, or is being queued again, and has
// not left.
type outstanding struct {
	// noted is the last attempt that was counted without its leaving.
	noted pipeline.Attempt
	// unsure says that its retry may be queued already.
	unsure bool
}

// member is who we are to a group, as commits say it.
type member struct {
	group      string
	id         string
	generation int32
}

// newLease takes partitions over. It does nothing by itself before start.
func newLease(l *Log, topics *channelTopics, m member, partitions []*owned) *lease {
	holding, letGo := context.WithCancel(context.Background())
	ls := &lease{
		log: l, topics: topics, member: m,
		ending: make(chan struct{}), holding: holding, letGo: letGo,
		clock: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
		partitions: partitions, byToken: make(map[int32]*owned, len(partitions)),
		outstanding: map[pipeline.Token]*outstanding{},
		commits:     newCommits(),
	}
	ls.portion = min(max(readBudget/len(partitions), leastPortion), mostPortion)
	for i := range ls.lanes {
		ls.lanes[i].wake = make(chan struct{}, 1)
	}
	mains := 0
	for _, o := range partitions {
		ls.byToken[o.token] = o
		if o.priority != 0 {
			lane := ls.lane(o.priority)
			lane.partitions = append(lane.partitions, o)
			mains++
		}
	}
	all := int32(0)
	for _, t := range topics.main {
		all += t.partitions
	}
	// Who has delay partitions alone has some work too.
	ls.share = float64(max(mains, 1)) / float64(all)
	return ls
}

// start sets the lease's goroutines going.
func (l *lease) start() {
	serving, stop := context.WithCancel(l.holding)
	go func() {
		<-l.ending
		stop()
	}()
	l.serving.Go(func() { newFetcher(l).run(serving) })
	l.serving.Go(func() { l.runDelays(serving) })
	l.serving.Go(func() { l.retain(serving) })
	go l.runCommits()
}

func (l *lease) lane(p pipeline.Priority) *lane { return &l.lanes[p-pipeline.High] }

// Channel is the channel that is leased.
func (l *lease) Channel() pipeline.Channel { return l.topics.main[0].channel }

// Ending is closed when another generation of the group is about to begin.
func (l *lease) Ending() <-chan struct{} { return l.ending }

// Share is the part of the channel's main partitions that is ours.
func (l *lease) Share() float64 { return l.share }

// Await waits until a batch is due to be cut.
func (l *lease) Await(ctx context.Context, p pipeline.Priority, maximum int, wait time.Duration) error {
	lane := l.lane(p)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		left, err := l.look(p, maximum, wait, l.log.cfg.Now())
		if err != nil || left == 0 {
			return err
		}
		timer.Reset(left)
		select {
		case <-lane.wake:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ending:
		}
	}
}

// look says how long it is until a batch is due to be cut, at most, and has the
// lane wake its Await when it is earlier.
func (l *lease) look(p pipeline.Priority, maximum int, wait time.Duration, now time.Time) (left time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil {
		return 0, err
	}
	lane := l.lane(p)
	due, since := lane.due()
	waited := now.Sub(since)
	switch {
	case due >= maximum || due > 0 && waited >= wait:
		return 0, nil
	case due > 0:
		// A millisecond more than the clock asks: times are kept in whole
		// milliseconds, and waking short of one would spin.
		left = wait - waited + time.Millisecond
	default:
		left = time.Hour
	}
	lane.watch = watch{maximum, since}
	return left, nil
}

// refusal is why the lease hands out no more. mu is held.
func (l *lease) refusal() error {
	if l.failure != nil {
		return l.failure
	}
	if l.ended {
		return pipeline.ErrLeaseEnded
	}
	return nil
}

// Fetch hands out what is due. It does no I/O: what it hands out lies below the
// frontier of an acknowledged commit, and the next is asked for in time.
func (l *lease) Fetch(ctx context.Context, p pipeline.Priority, maximum int) ([]pipeline.Logged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := l.log.cfg.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil {
		return nil, err
	}
	taken := l.lane(p).take(maximum)
	if len(taken) == 0 {
		return nil, nil
	}
	logged := make([]pipeline.Logged, len(taken))
	deliveries, out := make([]pipeline.Delivery, len(taken)), make([]outstanding, len(taken))
	for i := range taken {
		logged[i] = l.handOut(&taken[i], p, &deliveries[i], now)
		l.outstanding[deliveries[i].Token] = &out[i]
	}
	l.feed()
	return logged, nil
}

// handOut makes a delivery of a record, which its caller notes as outstanding. mu
// is held.
func (l *lease) handOut(h *handout, p pipeline.Priority, d *pipeline.Delivery, now time.Time) pipeline.Logged {
	o := h.from
	o.readBytes -= h.size
	o.handedOut(1, now)
	l.leadOn(o)
	d.Token = o.tokenOf(h.offset)
	d.Origin = d.Token
	d.Doubt = o.inDoubt(h.offset)
	d.Due, d.Fetched = h.at, now
	logged := pipeline.Logged{Delivery: d, Result: pipeline.Result{State: pipeline.Queued}}
	if h.entry == nil {
		d.Channel, d.Priority = o.channel, p
		logged.Undecodable = h.raw
		return logged
	}
	d.Record, d.Due = h.entry.Record, h.entry.AcceptedAt()
	logged.Result, logged.Check = h.entry.Result, h.entry.Check || h.offset < o.unknown
	if r := h.entry.retry; r != nil {
		d.Origin, d.Attempts, d.Due = r.origin, r.attempts, r.due
	}
	return logged
}

// leave takes an outstanding record out of its window. mu is held.
func (l *lease) leave(o *owned, t pipeline.Token) {
	delete(l.outstanding, t)
	o.leave(t.Position)
	l.change(o)
}

// leadOn asks for a commit when a partition's frontier is near. mu is held.
func (l *lease) leadOn(o *owned) {
	if !o.changed && o.low(o.next) {
		l.change(o)
	}
}

// change notes that a partition is to be committed. mu is held.
func (l *lease) change(o *owned) {
	o.changed = true
	l.commits.changes++
	notify(l.dirty)
}

// wakeAll lets all who wait look again. mu is held.
func (l *lease) wakeAll() {
	l.signalLanes()
	l.feed()
	notify(l.clock)
}

// feed lets the readers that had nothing to ask for look again. mu is held.
func (l *lease) feed() {
	for _, r := range l.fed {
		notify(r.wake)
	}
	l.fed = l.fed[:0]
}

// signalLanes signals all lanes. mu is held.
func (l *lease) signalLanes() {
	for i := range l.lanes {
		l.lanes[i].signal()
	}
}

// end stops the handing out.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.ending)
	for _, o := range l.partitions {
		o.changed = true // the frontier is drawn back
	}
	l.wakeAll()
}

// fail ends the lease because records are lost.
func (l *lease) fail(err error) {
	l.mu.Lock()
	if l.failure == nil {
		l.failure = err
	}
	l.mu.Unlock()
	l.end()
}

// finish commits where the lease stands, with its frontiers drawn back, and ends
// it. What was handed out and has not left stays in doubt for the next owner.
func (l *lease) finish(ctx context.Context) error {
	l.end()
	defer l.letGo()
	served := make(chan struct{})
	go func() {
		l.serving.Wait()
		close(served)
	}()
	select {
	case <-served:
	case <-l.holding.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	for _, o := range l.partitions {
		l.change(o)
	}
	wanted := l.commits.changes
	l.mu.Unlock()
	return l.durable(ctx, wanted)
}

// Close gives the partitions back. Of a lease that did not end by itself, the
// group is left. That the partitions have another owner by now is no error: he
// has what was committed.
func (l *lease) Close(ctx context.Context) error {
	l.mu.Lock()
	leave := !l.ended
	l.leaving.Store(leave || l.leaving.Load())
	l.mu.Unlock()
	err := l.finish(ctx)
	if leave {
		l.log.groups.leave(ctx, l.Channel())
	}
	if errors.Is(err, pipeline.ErrFenced) {
		return nil
	}
	return err
}

// notify puts a word into a channel that holds one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
