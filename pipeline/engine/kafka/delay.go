package kafka

import (
	"context"
	"time"
)

// A delay topic holds records in the order they were queued, and each is due its
// topic's delay later, so the order of arrival is the order of coming due, and
// whoever reads a partition waits for its first record alone. A wait is rounded
// up to a delay. What waits longer than the longest comes due early: it is queued
// again, for the rest of its wait.

// runDelays lets the records of our delay partitions come due.
func (l *lease) runDelays(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := l.log.cfg.Now()
		next := l.release(now)
		wait := time.Hour
		if !next.IsZero() {
			wait = next.Sub(now) + time.Millisecond // records' times are in whole milliseconds
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-l.clock:
		case <-ctx.Done():
			return
		}
	}
}

// release gives the lanes what has come due, and says when the next record does;
// never is the zero time.
func (l *lease) release(now time.Time) (next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return next
	}
	for _, o := range l.partitions {
		if o.priority != 0 {
			continue
		}
		limit := o.limit()
		for len(o.ready) > 0 && o.ready[0].offset < limit {
			first := &o.ready[0]
			if first.at.After(now) {
				if next.IsZero() || first.at.Before(next) {
					next = first.at
				}
				break
			}
			q := o.take()
			if q.entry != nil && q.entry.retry.due.After(now) {
				l.passing = append(l.passing, handout{o, q})
				continue
			}
			lane := l.lane(q.priorityOf(o.topic))
			lane.retries = append(lane.retries, handout{o, q})
		}
		l.leadOn(o)
	}
	l.signalLanes() // once for all, as each counts what is due
	if len(l.passing) > 0 && !l.passes {
		l.passes = true
		l.serving.Go(l.pass)
	}
	return next
}

// pass queues again what came due early, until nothing of it is left.
func (l *lease) pass() {
	for {
		moves := l.takePassing()
		if len(moves) == 0 || l.queueAgain(l.holding, moves) != nil {
			return
		}
	}
}

// takePassing takes what is to be queued again; from here on it is outstanding.
// A lease that has ended begins no more of it.
//
// A crash may come between the two copies of a record, and then both go on. They
// are queued with check, so that whichever comes first is sent, and the other is
// found to repeat it.
func (l *lease) takePassing() []move {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		l.passing = nil
	}
	moves := make([]move, len(l.passing))
	for i := range l.passing {
		h := &l.passing[i]
		h.from.readBytes -= h.size
		token := h.from.tokenOf(h.offset)
		l.outstanding[token] = &outstanding{}
		moves[i] = move{
			token: token, record: &h.entry.Record, waiting: *h.entry.retry, check: true,
			wait: h.entry.retry.due.Sub(l.log.cfg.Now()),
		}
	}
	l.passing = nil
	l.passes = len(moves) > 0
	return moves
}
