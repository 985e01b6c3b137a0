package pebble

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

var errForeignLease = errors.New("BUG: the lease is not of this store")

// Settle makes facts durable with the marks that follow from them.
func (s *Store) Settle(ctx context.Context, l pipeline.Lease, facts []pipeline.Fact) error {
	if ours, ok := l.(*lease); !ok || ours.store != s {
		return errForeignLease
	}
	return s.settle(ctx, facts)
}

func (s *Store) settle(ctx context.Context, facts []pipeline.Fact) error {
	st := newSettlement(s, facts)
	defer st.release()
	if err := s.recent.await(ctx, maxSealed); err != nil {
		return err
	}
	return s.writer.submitPatiently(ctx, st.build, st.publish)
}

// submitRows gives the writer a change that brings history rows, once there is
// room for them.
func (s *Store) submitRows(ctx context.Context, build func(*group), publish func()) error {
	if err := s.recent.await(ctx, maxSealed); err != nil {
		return err
	}
	return s.writer.submit(ctx, build, publish)
}

// maxSpareRows bounds the bytes of rows whose memory is kept.
const maxSpareRows = 1 << 20

// settlement is the facts of one Settle, encoded before the writer sees them.
type settlement struct {
	store *Store
	facts []pipeline.Fact
	rows  []byte // the rows, one behind the other
	ends  []int  // of the rows
	// letters are what is kept of the dead ones for a replay, by index.
	letters map[int][]byte
	// What the writer found, for publish.
	applied []int // indexes of the facts that were new
	marks   movedMarks
	retries []addedRetry
}

// movedMarks is the marks that a change wrote, for its publish.
type movedMarks map[*partition]struct{ mark, ahead int64 }

// write adds a partition's mark to the commit.
func (m movedMarks) write(g *group, p *partition) {
	g.writeMark(p.number)
	w := &g.w.partitions[p.number].window
	m[p] = struct{ mark, ahead int64 }{w.mark, w.ahead}
}

// publish shows the marks to the readers. Store.mu is held.
func (m movedMarks) publish() {
	for p, moved := range m {
		p.mark, p.ahead = moved.mark, moved.ahead
	}
}

type addedRetry struct {
	lane *lane
	due  int64
}

func newSettlement(s *Store, facts []pipeline.Fact) *settlement {
	st, ok := s.settlements.Get().(*settlement)
	if !ok {
		st = &settlement{}
	}
	st.store, st.facts = s, facts
	st.rows = slices.Grow(st.rows, len(facts)*96)
	for i := range facts {
		if facts[i].State != 0 {
			st.rows = appendFactRow(st.rows, &facts[i])
		}
		st.ends = append(st.ends, len(st.rows))
		if facts[i].State == pipeline.Dead {
			if st.letters == nil {
				st.letters = map[int][]byte{}
			}
			st.letters[i] = appendDeadRecord(nil, &facts[i].Delivery.Record, facts[i].Reason)
		}
	}
	return st
}

// release gives the settlement's memory to a later one, once the writer is done
// with it.
func (st *settlement) release() {
	if cap(st.rows) > maxSpareRows {
		return
	}
	*st = settlement{store: st.store, rows: st.rows[:0], ends: st.ends[:0], applied: st.applied[:0]}
	st.store.settlements.Put(st)
}

func (st *settlement) row(i int) []byte {
	if i == 0 {
		return st.rows[:st.ends[0]]
	}
	return st.rows[st.ends[i-1]:st.ends[i]]
}

// build adds the facts that are new to the commit. A fact whose delivery was
// settled before is passed over: a repeated Settle counts nothing twice.
func (st *settlement) build(g *group) {
	touched := map[*partition]struct{}{}
	for i := range st.facts {
		f := &st.facts[i]
		erased := st.store.erasures.covers(f.Delivery.UserID, f.Delivery.ID)
		if erased {
			f = forgotten(f)
		}
		if !st.apply(g, f, touched) {
			continue
		}
		st.applied = append(st.applied, i)
		g.count(f)
		switch {
		case f.State == 0:
		case erased:
			g.scratch = appendErasedRow(g.scratch[:0], f.State)
			g.setRow(f.Delivery.ID, g.scratch)
		default:
			g.setRow(f.Delivery.ID, st.row(i))
			if f.State == pipeline.Dead {
				g.setLetter(f.Delivery.ID, st.letters[i])
			}
		}
	}
	st.marks = make(movedMarks, len(touched))
	for p := range touched {
		st.marks.write(g, p)
	}
}

// forgotten is a fact of an erased user: a retry would keep the record, so it
// ends instead.
func forgotten(f *pipeline.Fact) *pipeline.Fact {
	ended := *f
	if f.State == pipeline.Retrying {
		ended.State, ended.Reason = pipeline.Suppressed, pipeline.ReasonErased
	}
	return &ended
}

// apply ends the delivery in the window or among the waiting records, and adds
// the retry that the fact asks for. It reports false when the delivery was
// settled before.
func (st *settlement) apply(g *group, f *pipeline.Fact, touched map[*partition]struct{}) bool {
	d := f.Delivery
	l := st.store.lane(d.Queue())
	if d.Token.Partition >= 0 {
		p := l.partitions[int(d.Token.Partition)%len(l.partitions)]
		if f.State == pipeline.Sending {
			return g.w.partitions[p.number].unfinished(d.Token.Position)
		}
		if !g.w.partitions[p.number].finish(d.Token.Position) && f.State != 0 {
			return false // but one that just leaves may have been found ended at the start
		}
		touched[p] = struct{}{}
	} else {
		old := waitKey{due: d.Token.Position, id: d.ID}
		leased := g.w.lanes[l.number].leased
		if _, ours := leased[old]; !ours {
			return false
		}
		if f.State == pipeline.Sending {
			g.scratch = appendWaiting(g.scratch[:0], f)
			g.set(old.append(nil, l.number), g.scratch)
			return true
		}
		delete(leased, old)
		g.delete(old.append(nil, l.number))
	}
	if f.State == pipeline.Retrying {
		st.addRetry(g, l, f)
	}
	return true
}

func (st *settlement) addRetry(g *group, l *lane, f *pipeline.Fact) {
	st.store.mu.Lock()
	due := l.retries.add(f.Due)
	st.store.mu.Unlock()
	g.scratch = appendWaiting(g.scratch[:0], f)
	g.set(waitKey{due: due, id: f.Delivery.ID}.append(nil, l.number), g.scratch)
	st.retries = append(st.retries, addedRetry{l, due})
}

// count adds a fact to the account and to its load run's outcomes.
func (g *group) count(f *pipeline.Fact) {
	switch f.Attempt.Class {
	case pipeline.Ambiguous:
		g.w.account.Ambiguous++
	case pipeline.Uncertain:
		g.w.account.Takeovers++
	}
	if f.State.Terminal() {
		g.ended(f.State, f.Delivery.Ref)
	}
}

// ended counts a notification's outcome.
func (g *group) ended(state pipeline.State, ref string) {
	switch state {
	case pipeline.Delivered:
		g.w.account.Delivered++
	case pipeline.Suppressed:
		g.w.account.Suppressed++
	case pipeline.Expired:
		g.w.account.Expired++
	case pipeline.RateDropped:
		g.w.account.RateDropped++
	case pipeline.Dead:
		g.w.account.Dead++
	}
	g.noteOutcome(state, ref)
}

// publish lets readers see the settled deliveries leave. Store.mu is held.
func (st *settlement) publish() {
	s := st.store
	for _, i := range st.applied {
		f := &st.facts[i]
		if f.State == pipeline.Sending {
			continue
		}
		l := s.lane(f.Delivery.Queue())
		if t := f.Delivery.Token; t.Partition >= 0 {
			l.partitions[int(t.Partition)%len(l.partitions)].handed[t.Position%windowSize] = nil
		} else {
			l.retries.count--
		}
	}
	st.marks.publish()
	for _, r := range st.retries {
		r.lane.retries.added(r.due)
		r.lane.signal()
	}
	if len(st.facts) > 0 {
		// A lane whose window was full has room again.
		for _, l := range s.channelLanes(st.facts[0].Delivery.Channel) {
			if l.wanted > 0 && l.waiting > 0 {
				l.signal()
			}
		}
	}
}

// Depths counts what each queue holds.
func (s *Store) Depths(context.Context) ([]pipeline.Depth, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	depths := make([]pipeline.Depth, len(s.lanes))
	for i, l := range s.lanes {
		depths[i] = l.depth()
	}
	return depths, nil
}

func (l *lane) depth() pipeline.Depth {
	d := pipeline.Depth{Queue: l.queue, Retrying: l.retries.count}
	for _, p := range l.partitions {
		// After a crash some of what waits to be handed out again has ended.
		windowed := max(0, p.next-p.mark-p.ahead)
		d.Windowed += windowed
		d.Waiting += p.end - p.mark - p.ahead - windowed
		if len(p.ready) > 0 {
			if at := p.ready[0].accepted(); d.Oldest.IsZero() || at.Before(d.Oldest) {
				d.Oldest = at
			}
		}
	}
	return d
}

// Account is the durable counters beside what the queues hold, both as the
// last commit left them.
func (s *Store) Account(context.Context) (pipeline.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account
	a.InFlight = 0
	for _, l := range s.lanes {
		a.InFlight += l.depth().InFlight()
	}
	return a, nil
}

// queuedBytes is about what the queues hold.
func (s *Store) queuedBytes() int64 {
	n := int64(0)
	for _, l := range s.lanes {
		n += l.depth().InFlight()
	}
	return n * s.records.mean()
}

// unfinished says whether the record at offset has not ended.
func (w *window) unfinished(offset int64) bool {
	return offset >= w.mark && w.done[offset%windowSize/64]&(1<<(offset%64)) == 0
}

// now is the store's clock.
func (s *Store) now() time.Time { return s.cfg.Now() }
