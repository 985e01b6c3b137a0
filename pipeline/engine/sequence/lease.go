package sequence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyctl/notifyctl/pipeline"
)

// maxLeft is how much may have left without a send before it is settled for
// itself.
const maxLeft = 1000

// lease is a hold on a log's partitions, which hands out what is left to be sent
// of what the log does.
type lease struct {
	store *Store
	log   pipeline.LogLease

	mu sync.Mutex
	// out holds what was handed out, or ends without a send, until something is
	// recorded of it; from then on the rows tell of it.
	out map[pipeline.ID]pipeline.Token
	// left is what leaves without a send. It is settled with the next facts.
	left departures
}

// departures are deliveries that leave the log, and what is recorded before.
type departures struct {
	facts []pipeline.Fact   // to be recorded
	aside []pipeline.Logged // to be kept as dead letters
	exits []pipeline.Exit
}

func (d *departures) add(o departures) {
	d.facts = append(d.facts, o.facts...)
	d.aside = append(d.aside, o.aside...)
	d.exits = append(d.exits, o.exits...)
}

// Acquire waits for partitions of the log.
func (s *Store) Acquire(ctx context.Context, c pipeline.Channel) (pipeline.Lease, error) {
	l, err := s.log.Acquire(ctx, c)
	if err != nil {
		return nil, err
	}
	return &lease{store: s, log: l, out: map[pipeline.ID]pipeline.Token{}}, nil
}

// Depths counts what the log holds.
func (s *Store) Depths(ctx context.Context) ([]pipeline.Depth, error) { return s.log.Depths(ctx) }

// Channel is the channel that is leased.
func (l *lease) Channel() pipeline.Channel { return l.log.Channel() }

// Ending is closed when the log is about to take the partitions away.
func (l *lease) Ending() <-chan struct{} { return l.log.Ending() }

// Share is the part of the log's partitions that is leased.
func (l *lease) Share() float64 { return l.log.Share() }

// Await waits until a batch is due to be cut.
func (l *lease) Await(ctx context.Context, p pipeline.Priority, maximum int, wait time.Duration) error {
	return l.log.Await(ctx, p, maximum, wait)
}

// Fetch hands out what is due, but for what turns out to end without a send.
func (l *lease) Fetch(ctx context.Context, p pipeline.Priority, maximum int) ([]*pipeline.Delivery, error) {
	logged, err := l.log.Fetch(ctx, p, maximum)
	if err != nil {
		return nil, err
	}
	// What was taken out of the log is ours now, also when ctx ends.
	ctx, cancel := lasting(context.WithoutCancel(ctx), l.store.drain, ctx.Done(), l.Ending())
	defer cancel()
	deliveries, err := l.resolve(ctx, logged)
	if err == nil && l.isToSettle(len(deliveries)) {
		err = l.settle(ctx, departures{})
	}
	switch {
	case errors.Is(err, pipeline.ErrFenced), err != nil && ctx.Err() != nil:
		return nil, pipeline.ErrLeaseEnded
	case err != nil:
		return nil, err
	}
	return deliveries, nil
}

// isToSettle says whether what left is to be settled for itself, since no facts
// may follow, or since it is much.
func (l *lease) isToSettle(handedOut int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := len(l.left.exits)
	return waiting > maxLeft || waiting > 0 && handedOut == 0
}

// resolve finds out which of the log's records are still to be sent, and lets the
// others leave.
func (l *lease) resolve(ctx context.Context, logged []pipeline.Logged) ([]*pipeline.Delivery, error) {
	if len(logged) == 0 {
		return nil, nil
	}
	all := make([]known, len(logged))
	for i := range logged {
		all[i].Logged = &logged[i]
	}
	// Twins that were handed out before are looked for before the rows: what is
	// recorded in between is in either, and never in none.
	l.findTwins(all)
	if err := l.look(ctx, all); err != nil {
		return nil, err
	}
	deliveries, left := l.divide(all)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range all {
		if all[i].out {
			l.out[all[i].ID] = all[i].Token
		}
	}
	l.left.add(left)
	return deliveries, nil
}

// divide parts what is to be sent from what leaves.
func (l *lease) divide(all []known) (deliveries []*pipeline.Delivery, left departures) {
	now := l.store.now()
	deliveries = make([]*pipeline.Delivery, 0, len(all))
	goesOn := make(map[pipeline.ID]bool)
	for i := range all {
		k := &all[i]
		if k.Undecodable != nil {
			l.putAside(&left, k.Logged, now)
			continue
		}
		// Only what goes on itself stands in for a twin.
		k.twin = k.twin || goesOn[k.ID]
		v := decide(k, now)
		k.out = v.exit.Kind == 0 || v.record
		if k.out {
			goesOn[k.ID] = true
		}
		if v.exit.Kind == 0 {
			if len(k.row.Attempts) > len(k.Attempts) {
				k.Attempts = k.row.Attempts
			}
			k.Fetched = now
			deliveries = append(deliveries, k.Delivery)
			continue
		}
		if v.record {
			left.facts = append(left.facts, v.exit.Fact)
		}
		left.exits = append(left.exits, v.exit)
	}
	return deliveries, left
}

// putAside lets bytes leave that are no record.
func (l *lease) putAside(left *departures, logged *pipeline.Logged, now time.Time) {
	d := logged.Delivery
	l.store.slog.Error("queued bytes are no record and were put aside", slog.String("queue", d.Queue().String()),
		slog.Int("partition", int(d.Token.Partition)), slog.Int64("position", d.Token.Position))
	left.aside = append(left.aside, *logged)
	left.exits = append(left.exits, ends(d, pipeline.Result{State: pipeline.Dead, Reason: pipeline.ReasonUndecodable}, now).exit)
}

// findTwins notes of which records another delivery was handed out before.
func (l *lease) findTwins(all []known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range all {
		if all[i].Undecodable == nil {
			_, all[i].twin = l.out[all[i].ID]
		}
	}
}

// recorded forgets that deliveries were handed out: the rows tell of them now.
func (l *lease) recorded(facts []pipeline.Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range facts {
		if d := facts[i].Delivery; facts[i].State != pipeline.Sending && l.out[d.ID] == d.Token {
			delete(l.out, d.ID)
		}
	}
}

// look asks the rows about what may not be new, and who was erased.
func (l *lease) look(ctx context.Context, all []known) error {
	var ids []pipeline.ID
	deliveries := make([]*pipeline.Delivery, 0, len(all))
	for i := range all {
		if all[i].Undecodable != nil {
			continue
		}
		deliveries = append(deliveries, all[i].Delivery)
		if asks(all[i].Logged) {
			ids = append(ids, all[i].ID)
		}
	}
	rows, err := l.store.rowsOf(ctx, ids)
	if err != nil {
		return err
	}
	erased, err := l.store.erased(ctx, deliveries)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Undecodable != nil {
			continue
		}
		all[i].erased, erased = erased[0], erased[1:]
		if asks(all[i].Logged) {
			all[i].row, rows = rows[0], rows[1:]
		}
	}
	return nil
}

func (s *Store) rowsOf(ctx context.Context, ids []pipeline.ID) (rows []pipeline.Row, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = s.persist(ctx, "history", func(ctx context.Context) error {
		rows, err = s.rows.Rows(ctx, ids)
		return err
	})
	return rows, err
}

func (s *Store) erased(ctx context.Context, deliveries []*pipeline.Delivery) (erased []bool, err error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	err = s.persist(ctx, "erasures", func(ctx context.Context) error {
		erased, err = s.rows.Erased(ctx, deliveries)
		return err
	})
	return erased, err
}

// Close settles what left without a send, and gives the partitions back.
func (l *lease) Close(ctx context.Context) error {
	ending, cancel := context.WithTimeout(ctx, l.store.drain)
	defer cancel()
	err := l.settle(ending, departures{})
	if errors.Is(err, pipeline.ErrFenced) {
		err = nil
	} else if err != nil {
		err = fmt.Errorf("what ended without a send will be looked at again: %w", err)
	}
	return errors.Join(err, l.log.Close(ctx))
}
