package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// upkeepEvery is how often the store looks after itself unasked, and
	// fullEvery how often while history is full.
	upkeepEvery = time.Minute
	fullEvery   = 10 * time.Second
	// stampSkew is how much earlier than what stands before it in its
	// partition, or than the clock, a record may be stamped: as long as a
	// request may take, taken generously.
	stampSkew = 5 * time.Minute
)

// retention is what readers know of the history's bounds.
type retention struct {
	// oldest is the first day that is kept.
	oldest atomic.Uint32
	// full says that history has reached its limit, and no day of it may go.
	full atomic.Bool
	// wake asks the upkeep to look, since history has passed its limit.
	wake chan struct{}
}

// horizon is the first day of which history is kept.
func (s *Store) horizon() day { return day(s.retention.oldest.Load()) }

// runUpkeep does what is due to time and not to a caller, until ctx ends. What
// fails is tried again.
func (s *Store) runUpkeep(ctx context.Context) {
	for {
		if err := s.lookAfter(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("the store could not drop what is not to be kept, and tries again", slog.Any("cause", err))
		}
		wait := upkeepEvery
		if s.retention.full.Load() {
			wait = fullEvery
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.retention.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// lookAfter sweeps what erased users left, forgets erasures that are complete,
// and keeps history within its limit.
func (s *Store) lookAfter(ctx context.Context) error {
	if err := s.sweepLeft(ctx); err != nil {
		return err
	}
	over := s.cfg.HistoryBytes > 0 && s.history.Load() > s.cfg.HistoryBytes
	if !over {
		s.retention.full.Store(false)
	}
	if !over && s.erasures.none() {
		return nil
	}
	unfinished, err := s.oldestUnfinished()
	if err != nil {
		return err
	}
	if !s.erasures.none() {
		if err := s.forgetErasures(ctx, unfinished); err != nil {
			return err
		}
	}
	if !over {
		return nil
	}
	return s.writer.submit(ctx, func(g *group) { g.dropHistory(dayOf(unfinished)) }, nil)
}

// oldestUnfinished is a time before which nothing that has not ended was
// accepted, and nothing will be: the earliest of the records at the partitions'
// marks and of the waiting ones, and no later than now.
func (s *Store) oldestUnfinished() (time.Time, error) {
	oldest := s.now()
	// The partitions come first: what leaves one to wait is then found there.
	for _, l := range s.lanes {
		for _, p := range l.partitions {
			at, found, err := s.acceptedAtMark(p)
			if err != nil {
				return time.Time{}, err
			}
			if found && at.Before(oldest) {
				oldest = at
			}
		}
	}
	at, found, err := s.oldestWaiting()
	if err != nil {
		return time.Time{}, err
	}
	if found && at.Before(oldest) {
		oldest = at
	}
	return oldest.Add(-stampSkew), nil
}

// acceptedAtMark is when a partition's first unfinished record was accepted; the
// zero time when its bytes are no record.
func (s *Store) acceptedAtMark(p *partition) (at time.Time, found bool, err error) {
	s.mu.Lock()
	mark, end := p.mark, p.end
	s.mu.Unlock()
	if mark == end {
		return time.Time{}, false, nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: queueKey(p.number, 0), UpperBound: queueKey(p.number+1, 0)})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read partition %d: %w", p.number, err)
	}
	defer closeIter(it, &err)
	if !it.SeekLT(queueKey(p.number, mark+1)) {
		// Ended since, and deleted.
		return s.now(), false, it.Error()
	}
	first, err := queueOffset(it.Key())
	if err != nil {
		return time.Time{}, false, err
	}
	b, err := openBlock(first, string(it.Value()))
	for err == nil && b.next < mark {
		_, err = b.take()
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("block %d of partition %d: %w", first, p.number, err)
	}
	return b.accepted(), true, nil
}

// oldestWaiting is the earliest acceptance of what waits for a retry.
func (s *Store) oldestWaiting() (at time.Time, found bool, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixWaiting}, UpperBound: []byte{prefixWaiting + 1}})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("scan the waiting records: %w", err)
	}
	defer closeIter(it, &err)
	var oldest pipeline.ID
	for valid := it.First(); valid; valid = it.Next() {
		k, err := parseWaitKey(it.Key())
		if err != nil {
			return time.Time{}, false, err
		}
		if !found || string(k.id[:]) < string(oldest[:]) {
			oldest, found = k.id, true
		}
	}
	return oldest.Time(), found, nil
}

// dropHistory drops whole days, the oldest first, until history is within its
// limit. It keeps the days from unfinished on. When that is not enough, nothing
// more is accepted until it is.
func (g *group) dropHistory(unfinished day) {
	s, days := g.w.store, g.w.days
	total, dropped := s.history.Load(), 0
	oldest := s.horizon()
	for total > s.cfg.HistoryBytes {
		first, found := firstDay(days)
		if !found || first >= unfinished {
			break
		}
		total -= days[first]
		delete(days, first)
		g.delete(dayBytesKey(first))
		oldest, dropped = max(oldest, first+1), dropped+1
	}
	if dropped > 0 {
		g.deleteRange(rowsBefore(0), rowsBefore(oldest))
		g.deleteRange(slicesKey(0), slicesKey(oldest))
		g.deleteRange([]byte{prefixDead}, deadKey(pipeline.LowestID(oldest.begin())))
		g.set(metaKey("horizon"), binary.BigEndian.AppendUint16(nil, uint16(oldest)))
		s.history.Store(total)
		// Before the rows are gone: in between they would be taken for queued.
		s.retention.oldest.Store(uint32(oldest))
		s.cfg.Log.Info("history was dropped to stay within its limit", slog.Int("days", dropped),
			slog.String("kept_from", oldest.begin().UTC().Format(time.DateOnly)))
	}
	full := total > s.cfg.HistoryBytes
	if full && !s.retention.full.Swap(true) {
		s.cfg.Log.Warn("nothing is accepted: history has reached its limit, and no day of it may be dropped yet",
			slog.Int64("bytes", total), slog.Int64("limit", s.cfg.HistoryBytes))
	}
	s.retention.full.Store(full)
}

func firstDay(days map[day]int64) (first day, found bool) {
	for d := range days {
		if !found || d < first {
			first, found = d, true
		}
	}
	return first, found
}

// setLetter writes a dead letter.
func (g *group) setLetter(id pipeline.ID, value []byte) {
	g.set(deadKey(id), value)
	g.grow(id, 1+len(id)+len(value))
}

// grow counts what a commit adds to the history of a notification's day. Nearly
// always that is the day of the one before. A row that replaces another counts
// as well, as it does on the disk until the store compacts.
func (g *group) grow(id pipeline.ID, bytes int) {
	if d := dayOf(id.Time()); d != g.day {
		g.writeDay()
		g.day = d
	}
	g.dayBytes += int64(bytes)
}

// writeDay writes what the day that is being counted takes by now.
func (g *group) writeDay() {
	if g.dayBytes == 0 {
		return
	}
	g.w.days[g.day] += g.dayBytes
	g.set(dayBytesKey(g.day), binary.BigEndian.AppendUint64(nil, uint64(g.w.days[g.day])))
	history := &g.w.store.history
	limit := g.w.store.cfg.HistoryBytes
	if history.Add(g.dayBytes) > limit && limit > 0 && !g.w.store.retention.full.Load() {
		select {
		case g.w.store.retention.wake <- struct{}{}:
		default:
		}
	}
	g.dayBytes = 0
}

// recoverRetention reads what history is kept, and what it takes.
func (s *Store) recoverRetention() (err error) {
	horizon, found, err := s.get(metaKey("horizon"))
	if err != nil {
		return err
	}
	if found {
		if len(horizon) != 2 {
			return damagef("it does not say from which day on history is kept")
		}
		s.retention.oldest.Store(uint32(binary.BigEndian.Uint16([]byte(horizon))))
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixDayBytes}, UpperBound: []byte{prefixDayBytes + 1}})
	if err != nil {
		return fmt.Errorf("scan the history's days: %w", err)
	}
	defer closeIter(it, &err)
	for valid := it.First(); valid; valid = it.Next() {
		key, value := it.Key(), it.Value()
		if len(key) != 3 || len(value) != 8 {
			return damagef("what the history of a day takes, %x, has not its shape", key)
		}
		bytes := int64(binary.BigEndian.Uint64(value))
		s.writer.days[day(binary.BigEndian.Uint16(key[1:]))] = bytes
		s.history.Add(bytes)
	}
	return nil
}
