package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/notifyctl/notifyctl/pipeline"
)

// errLeased says that the channel has an owner in this process already.
var errLeased = errors.New("the channel is leased already")

// lease is the hold on a channel's three lanes. There is one process, so it
// ends only when its owner closes it.
type lease struct {
	store   *Store
	channel pipeline.Channel
	ending  chan struct{}
	once    sync.Once
}

// Acquire leases all partitions of a channel at once: a store has one process.
func (s *Store) Acquire(_ context.Context, c pipeline.Channel) (pipeline.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.channelLanes(c) {
		if l.leased {
			return nil, fmt.Errorf("acquire %s: %w", c, errLeased)
		}
		l.leased = true
	}
	return &lease{store: s, channel: c, ending: make(chan struct{})}, nil
}

func (s *Store) channelLanes(c pipeline.Channel) []*lane {
	n := len(pipeline.Priorities())
	return s.lanes[(int(c)-1)*n : int(c)*n]
}

// Channel is the channel that is leased.
func (l *lease) Channel() pipeline.Channel { return l.channel }

// Ending is closed by Close.
func (l *lease) Ending() <-chan struct{} { return l.ending }

// Share is 1: a store has one process.
func (l *lease) Share() float64 { return 1 }

// Await waits until a batch is due to be cut.
func (l *lease) Await(ctx context.Context, p pipeline.Priority, maximum int, wait time.Duration) error {
	s := l.store
	lane := s.lane(pipeline.Queue{Channel: l.channel, Priority: p})
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := s.cfg.Now()
		s.mu.Lock()
		due, since := lane.due(now)
		if due >= int64(maximum) || due > 0 && now.Sub(since) >= wait {
			lane.wanted = 0
			s.mu.Unlock()
			return nil
		}
		lane.wanted = maximum
		at := lane.alarm(due, since, wait)
		s.mu.Unlock()
		sleep := time.Hour
		if !at.IsZero() {
			// A millisecond more than the clock asks: times are kept in whole
			// milliseconds, and waking short of one would spin.
			sleep = at.Sub(now) + time.Millisecond
		}
		timer.Reset(sleep)
		select {
		case <-lane.wake:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ending:
			return pipeline.ErrLeaseEnded
		}
	}
}

// handout is what one Fetch hands out.
type handout struct {
	lane       *lane
	deliveries []*pipeline.Delivery
	waitKeys   []waitKey // of the retries among them, which come first
	reached    map[*partition]int64
	unread     []unreadRecord
	marks      movedMarks
}

// Fetch hands out what is due, after marking it durably as possibly sent.
func (l *lease) Fetch(ctx context.Context, p pipeline.Priority, maximum int) ([]*pipeline.Delivery, error) {
	select {
	case <-l.ending:
		return nil, pipeline.ErrLeaseEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	default:
	}
	s := l.store
	h := &handout{lane: s.lane(pipeline.Queue{Channel: l.channel, Priority: p}), reached: map[*partition]int64{}}
	if err := s.fetchRetries(h, maximum); err != nil {
		return nil, err
	}
	if err := s.fetchQueued(h, maximum-len(h.deliveries)); err != nil {
		return nil, err
	}
	if len(h.deliveries) == 0 && len(h.unread) == 0 {
		return nil, nil
	}
	// The mark is waited for even when ctx ends: what was taken is ours now.
	if err := s.writer.submitPatiently(context.WithoutCancel(ctx), h.build, h.publish); err != nil {
		return nil, err
	}
	for _, u := range h.unread {
		s.cfg.Log.Error("queued bytes are no record and were put aside", slog.Int("partition", u.partition),
			slog.Int64("offset", u.offset), slog.Any("cause", u.cause))
	}
	return s.keepUnsettled(ctx, h)
}

// fetchRetries takes the lane's retries that are due: all when there is little
// else, else at most half of what was asked for.
func (s *Store) fetchRetries(h *handout, maximum int) (err error) {
	s.mu.Lock()
	r := &h.lane.retries
	horizon := r.horizon(s.cfg.Now())
	if r.nextDue == 0 || r.nextDue > horizon {
		s.mu.Unlock()
		return nil
	}
	r.scanned = max(r.scanned, horizon)
	r.nextDue = 0 // one that is added meanwhile sets it
	from, doubtUntil, lane := r.cursor, r.doubtUntil, h.lane.number
	quota := maximum - int(min(h.lane.waiting, int64(maximum)/2))
	s.mu.Unlock()

	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from.after(lane), UpperBound: []byte{prefixWaiting, byte(lane) + 1}})
	if err != nil {
		return fmt.Errorf("read the waiting records: %w", err)
	}
	defer closeIter(it, &err)
	nextDue := int64(0)
	for valid := it.First(); valid; valid = it.Next() {
		k, err := parseWaitKey(it.Key())
		if err != nil {
			return err
		}
		if k.due > horizon || len(h.waitKeys) == quota {
			nextDue = k.due
			break
		}
		d := &pipeline.Delivery{Token: retryToken(lane, k), Due: time.UnixMilli(k.due), Doubt: !doubtUntil.less(k)}
		if err := decodeWaiting(string(it.Value()), d); err != nil {
			return fmt.Errorf("waiting record %s: %w", k.id, err)
		}
		h.deliveries, h.waitKeys = append(h.deliveries, d), append(h.waitKeys, k)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(h.waitKeys); n > 0 {
		r.cursor = h.waitKeys[n-1]
	}
	r.expect(nextDue)
	return nil
}

// retryToken names a waiting record; with the record's id it is its key.
func retryToken(lane int, k waitKey) pipeline.Token {
	return pipeline.Token{Partition: int32(-1 - lane), Position: k.due}
}

// fetchQueued takes records from the lane's partitions, evenly and in turn.
func (s *Store) fetchQueued(h *handout, maximum int) error {
	partitions := h.lane.partitions
	for i := range partitions {
		if maximum <= 0 {
			break
		}
		p := partitions[(h.lane.rotation+i)%len(partitions)]
		share := (maximum + len(partitions) - i - 1) / (len(partitions) - i)
		n, err := s.takeQueued(h, p, share)
		if err != nil {
			return err
		}
		maximum -= n
	}
	h.lane.rotation++
	return nil
}

// takeQueued takes at most n records from a partition.
func (s *Store) takeQueued(h *handout, p *partition, n int) (int, error) {
	taken := 0
	for taken < n {
		if err := s.load(p); err != nil {
			return taken, err
		}
		first, raw, err := s.takeReady(h.lane, p, n-taken)
		if err != nil {
			return taken, err
		}
		if len(raw) == 0 {
			break
		}
		if err := s.decode(h, p, first, raw); err != nil {
			return taken, err
		}
		taken += len(raw)
	}
	return taken, nil
}

// takeReady takes at most n records of the partition's first block in memory.
func (s *Store) takeReady(l *lane, p *partition, n int) (first int64, raw []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p.ready) == 0 {
		return 0, nil, nil
	}
	b := &p.ready[0]
	n = int(min(int64(n), p.room(), b.end-b.next))
	if n <= 0 {
		return 0, nil, nil
	}
	first, raw = p.next, make([]string, n)
	size := len(b.rest)
	for i := range raw {
		if raw[i], err = b.take(); err != nil {
			return 0, nil, fmt.Errorf("partition %d: %w", p.number, err)
		}
	}
	p.next += int64(n)
	p.taken = append(p.taken, raw)
	p.readySize -= size - len(b.rest)
	l.waiting -= int64(n)
	if b.next == b.end {
		p.ready = p.ready[1:]
	}
	return first, raw, nil
}

// decode turns a partition's raw records into deliveries.
func (s *Store) decode(h *handout, p *partition, first int64, raw []string) error {
	slab := make([]pipeline.Delivery, len(raw))
	for i, bytes := range raw {
		offset := first + int64(i)
		h.reached[p] = offset + 1
		d := &slab[i]
		if _, err := pipeline.DecodeRecord(bytes, &d.Record); err != nil {
			known := false
			if offset < p.doubtUntil {
				var failed error
				if _, known, failed = s.get(unreadKey(p.number, offset)); failed != nil {
					return failed
				}
			}
			h.unread = append(h.unread, unreadRecord{h.lane.queue, p.number, offset, bytes, err, known})
			continue
		}
		d.Token = pipeline.Token{Partition: int32(p.number), Position: offset}
		d.Due = d.AcceptedAt()
		d.Doubt = offset < p.doubtUntil
		h.deliveries = append(h.deliveries, d)
	}
	return nil
}

// build marks what is handed out: after a crash it is in doubt.
func (h *handout) build(g *group) {
	now := g.w.store.now()
	for i := range h.unread {
		h.unread[i].putAside(g, now)
	}
	h.marks = make(movedMarks, len(h.reached))
	for p, reached := range h.reached {
		written := &g.w.partitions[p.number]
		written.frontier = max(written.frontier, reached)
		h.marks.write(g, p)
	}
	if n := len(h.waitKeys); n > 0 {
		for _, k := range h.waitKeys {
			g.w.lanes[h.lane.number].leased[k] = struct{}{}
		}
		g.set(retryMarkKey(h.lane.number), h.waitKeys[n-1].append(nil, h.lane.number))
	}
}

// publish lets History see what is being sent.
func (h *handout) publish() {
	for p := range h.reached {
		p.taken = nil
	}
	perLane := len(h.lane.partitions)
	for _, d := range h.deliveries[len(h.waitKeys):] {
		h.lane.partitions[int(d.Token.Partition)%perLane].handed[d.Token.Position%windowSize] = d
	}
	h.marks.publish()
}

// keepUnsettled drops from a handout what a former owner has settled, since it
// ended or waits for a retry of its own, and ends what is of erased users.
func (s *Store) keepUnsettled(ctx context.Context, h *handout) ([]*pipeline.Delivery, error) {
	now := s.cfg.Now()
	kept := h.deliveries[:0:0]
	var settled []pipeline.Fact
	for i, d := range h.deliveries {
		d.Fetched = now
		if d.Doubt && i >= len(h.waitKeys) {
			w, found, err := s.row(d.ID)
			if err != nil {
				return nil, err
			}
			if found && w.state != pipeline.Sending {
				settled = append(settled, pipeline.Fact{Delivery: d})
				continue
			}
			d.Attempts = w.attempts
		}
		if s.erasures.covers(d.UserID, d.ID) {
			settled = append(settled, pipeline.Fact{Delivery: d, State: pipeline.Suppressed, Reason: pipeline.ReasonErased, At: now})
			continue
		}
		kept = append(kept, d)
	}
	if len(settled) > 0 {
		if err := s.settle(context.WithoutCancel(ctx), settled); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// Close gives the channel back. What was handed out and not settled will be
// handed out again, in doubt.
func (l *lease) Close(ctx context.Context) error {
	l.once.Do(func() { close(l.ending) })
	s := l.store
	lanes := s.channelLanes(l.channel)
	return s.writer.submit(context.WithoutCancel(ctx),
		func(g *group) {
			for _, lane := range lanes {
				clear(g.w.lanes[lane.number].leased)
				for _, p := range lane.partitions {
					// Nothing is left in doubt where all that was handed out
					// has ended.
					g.writeMark(p.number)
				}
			}
		},
		func() {
			for _, lane := range lanes {
				lane.reset()
			}
		})
}

// reset makes a lane start again from its marks. Store.mu is held.
func (l *lane) reset() {
	l.leased = false
	l.waiting = 0
	for _, p := range l.partitions {
		p.doubtUntil = max(p.doubtUntil, p.next)
		p.next = p.mark
		p.ready, p.readySize, p.taken = nil, 0, nil
		clear(p.handed)
		l.waiting += p.end - p.next
	}
	r := &l.retries
	r.doubtUntil, r.cursor = r.cursor, waitKey{}
	if r.count > 0 {
		r.nextDue = 1 // long due: the next fetch looks what there is
	}
}
